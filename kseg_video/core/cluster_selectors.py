"""Clusters chosen by number, colour or pixel.

Imports neither NumPy nor OpenCV.
"""

from __future__ import annotations

import re
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
from kseg_video.core.settings import CLUSTER_NUMBER, MAX_CLUSTERS

Selector: TypeAlias = "int | str | tuple[int, int]"

# Names that stand for all clusters of a hue, as `kseg_video.rendering.color_names` names them.
BASIC_COLORS = frozenset(
    {"red", "orange", "brown", "yellow", "green", "cyan", "blue", "purple", "magenta", "pink"}
    | {"black", "gray", "white"}
)
_SYNONYMS = {"aqua": "cyan", "teal": "cyan", "turquoise": "cyan"}
_SYNONYMS |= {"violet": "purple", "fuchsia": "magenta", "grey": "gray"}
_COUNTED = re.compile(r"(.*):([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class ColorSelector:
    """A colour that chooses clusters.

    Parameters
    ----------
    color : str
        ``#rrggbb`` or a CSS name.
    count : int, optional
        How many clusters it chooses, the nearest first; None is all of that hue.
    """

    color: str
    count: int | None

    @property
    def basic_color(self) -> str | None:
        """The basic colour that it names, a synonym resolved; None if it is a certain shade."""
        return _basic_color(self.color)


def parse_color_selector(text: str) -> ColorSelector:
    """Parse a colour with or without a count, such as ``blue``, ``blue:2`` or ``#2b6cb0``.

    Raises
    ------
    SettingsError
        If the colour is unknown, or the count is not from 1 to 32.
    """
    counted = _COUNTED.fullmatch(text)
    color, count = (counted[1], int(counted[2])) if counted else (text, None)
    parse_color(color)
    if count is not None and not 1 <= count <= MAX_CLUSTERS:
        raise SettingsError(f"{text} chooses {count} clusters; write {color}:1 for the nearest one")
    if count is None and _basic_color(color) is None:
        count = 1
    return ColorSelector(color, count)


def _basic_color(color: str) -> str | None:
    name = _SYNONYMS.get(color.lower(), color.lower())
    return name if name in BASIC_COLORS else None


def _read_selector(value: object) -> Selector:
    if isinstance(value, str):
        parse_color_selector(value)
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

    Clusters are chosen by number; by a pixel (x, y) that lies in one; or by colour. A basic name
    such as ``blue`` chooses all clusters of that hue, in `convert` also those that later shots
    bring; any other CSS name, or ``#rrggbb``, the nearest cluster; ``blue:2`` the two nearest.

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
