"""From what a user points at or names to the clusters that are switched off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.background_spec import parse_color
from kseg_video.core.color_spaces import to_working
from kseg_video.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.core.frame import Segmentation
    from kseg_video.core.settings import ClusterSelection, Selector

# Of a named colour the hue is meant more than the lightness: in a picture, "green" is a tree in
# the shade as well. Halved, as in CMC 2:1, the usual formula for the acceptability of dyes.
_WEIGHTS = np.array([0.5, 1, 1], np.float32)
_LEAST_CHROMA = 2.0  # of Oklab times 100, below which a colour is taken for gray


@dataclass(frozen=True, slots=True)
class ResolvedSelection:
    """What a selection has come to on a frame.

    Parameters
    ----------
    disabled : frozenset of int
        Clusters that are switched off.
    notes : tuple of str
        Which cluster each colour or pixel stands for.
    """

    disabled: frozenset[int]
    notes: tuple[str, ...]


def pinned(disabled: AbstractSet[int], n_clusters: int) -> AbstractSet[int]:
    """Clusters whose numbers may never pass to another colour, given those that are off.

    They are those that are off or, if these are the most, those that are on. So a colour that is
    new in the picture is shown where little has been switched off, and is not where little has
    been left on.
    """
    others = frozenset(range(n_clusters)) - disabled
    return disabled if len(disabled) <= len(others) else others


def resolve_selection(selection: ClusterSelection, segmentation: Segmentation) -> ResolvedSelection:
    """Find the selected clusters on a frame.

    Parameters
    ----------
    selection : ClusterSelection
    segmentation : Segmentation
        Of the frame on which colours and pixels are looked up.

    Raises
    ------
    SourceError
        If a chosen pixel lies outside the picture.
    """
    selectors = selection.only or selection.disabled
    numbers = [_cluster_of(selector, segmentation) for selector in selectors]
    palette = segmentation.palette
    disabled = frozenset(numbers)
    if selection.only:
        disabled = frozenset(range(len(palette))) - disabled
    colors = palette.hex_colors
    notes = [
        f"{_name(selector)} is cluster {number} ({colors[number]}"
        f"{_warning(selector, palette.colors[[number]])}"
        f"{'' if palette.shares[number] else ', not in the first frame'})"
        for selector, number in zip(selectors, numbers, strict=True)
        if not isinstance(selector, int)
    ]
    if notes and np.count_nonzero(palette.real) == 1 < len(palette):
        notes.append("the first frame is all of one colour, so every choice is its cluster")
    return ResolvedSelection(disabled, tuple(dict.fromkeys(notes)))


def _name(selector: Selector) -> str:
    if isinstance(selector, tuple):
        return f"pixel {selector[0]},{selector[1]}"
    return str(selector)


def _cluster_of(selector: Selector, segmentation: Segmentation) -> int:
    if isinstance(selector, int):
        return selector
    if isinstance(selector, str):
        return _nearest_to(selector, segmentation)
    x, y = selector
    height, width = segmentation.labels.shape
    if not (0 <= x < width and 0 <= y < height):
        raise SourceError(
            f"pixel {x},{y} lies outside the picture; choose from 0,0 to {width - 1},{height - 1}"
        )
    return int(segmentation.labels[y, x])


def _nearest_to(color: str, segmentation: Segmentation) -> int:
    palette = segmentation.palette
    wanted, found = _of_name(color), _oklab(palette.colors)
    candidates = palette.real  # also those of a kept palette that are not in this frame
    of_hue = candidates & _has_hue_of(wanted, found)
    if of_hue.any():
        candidates = of_hue
    distances = np.linalg.norm((found - wanted) * _WEIGHTS, axis=1)
    return int(np.argmin(np.where(candidates, distances, np.inf)))


def _warning(selector: Selector, bgr: NDArray[np.uint8]) -> str:
    """What is to be said of a cluster that a name has come to."""
    if not isinstance(selector, str) or _has_hue_of(_of_name(selector), _oklab(bgr)).all():
        return ""
    return ", the nearest: nothing has its hue"


def _has_hue_of(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which Oklab colours, (N, 3), have about the hue of another, (3,), or any if it is gray."""
    (a, b), others = wanted[1:], found[:, 1:]
    chroma = float(np.hypot(a, b))
    if chroma < _LEAST_CHROMA:
        return np.ones(len(others), bool)
    along, across = others @ (a, b) / chroma, others @ (-b, a) / chroma
    has_it: NDArray[np.bool_] = along > np.maximum(np.abs(across), _LEAST_CHROMA)
    return has_it


def _of_name(color: str) -> NDArray[np.float32]:
    """A named colour in Oklab, (3,)."""
    oklab: NDArray[np.float32] = _oklab(np.array([parse_color(color)[::-1]], np.uint8))[0]
    return oklab


def _oklab(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    return to_working(bgr.astype(np.float32), "oklab")
