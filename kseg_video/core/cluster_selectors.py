"""Clusters chosen by number, colour or pixel.

Imports neither NumPy nor OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from kseg_video.core.background_spec import parse_color
from kseg_video.core.errors import SettingsError
from kseg_video.core.setting_checks import (
    FieldKinds,
    ValueKind,
    several,
    take,
    take_fields,
    whole,
)
from kseg_video.core.settings import CLUSTER_NUMBER

Selector: TypeAlias = "int | str | tuple[int, int]"


def _read_selector(value: object) -> Selector:
    if isinstance(value, str):
        parse_color(value)
        return value
    if isinstance(value, tuple):
        x, y = (take("a pixel's coordinate", each, whole(0)) for each in value)
        return x, y
    return take("a cluster", value, CLUSTER_NUMBER)


_SELECTOR = ValueKind("give a number, a colour or a pixel (x, y)", _read_selector)
_SELECTORS = several(
    tuple,
    lambda value: take("what chooses a cluster", value, _SELECTOR),
    "give a tuple of numbers, colours or pixels",
)
_OF_SELECTION: FieldKinds = {
    "only": ("the only clusters left on", _SELECTORS),
    "disabled": ("the clusters switched off", _SELECTORS),
}


@dataclass(frozen=True, slots=True)
class ClusterSelection:
    """The clusters to keep or switch off, chosen on the first frame.

    A cluster is chosen by its number; by a colour, as ``#rrggbb`` or by its CSS name, which chooses
    the nearest cluster; or by a pixel (x, y) that lies in it.

    Parameters
    ----------
    only : tuple
        The clusters to keep; all others are switched off.
    disabled : tuple
        The clusters to switch off. Give either this or `only`.

    Raises
    ------
    SettingsError
        If both are given, a colour is unknown, or a selector has the wrong type.
    """

    only: tuple[Selector, ...] = ()
    disabled: tuple[Selector, ...] = ()

    def __post_init__(self) -> None:
        take_fields(self, _OF_SELECTION)
        if self.only and self.disabled:
            raise SettingsError(
                "clusters are either kept (--only, --pick) or switched off (--disable, "
                "--pick-off); give one kind"
            )

    @property
    def numbers(self) -> frozenset[int]:
        """The clusters that are chosen by number."""
        return frozenset(each for each in (*self.only, *self.disabled) if isinstance(each, int))


def check_numbers(numbers: frozenset[int], n_clusters: int) -> None:
    """Check that all cluster numbers are below `n_clusters`.

    Raises
    ------
    SettingsError
        If a number is too large.
    """
    last = n_clusters - 1
    for number in sorted(numbers):
        if number > last:
            raise SettingsError(
                f"there is no cluster {number}: {n_clusters} clusters are numbered from 0 to {last}"
            )
