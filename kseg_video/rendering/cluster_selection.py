"""Resolves the colours and pixels that a user selects to clusters that are switched off."""

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

    from kseg_video.core.cluster_selectors import ClusterSelection, Selector
    from kseg_video.core.frame import Segmentation

# A colour name means a hue more than a lightness: "green" includes a tree in the shade. Lightness
# counts half, as in CMC 2:1, the usual formula for the acceptability of dyes.
_WEIGHTS = np.array([0.5, 1, 1], np.float32)
_LEAST_CHROMA = 2.0  # in Oklab times 100; a colour below it counts as gray


@dataclass(frozen=True, slots=True)
class ResolvedSelection:
    """A selection resolved on a frame.

    Parameters
    ----------
    disabled : frozenset of int
        Clusters that are switched off.
    notes : tuple of str
        For each colour or pixel, a note that names its cluster.
    """

    disabled: frozenset[int]
    notes: tuple[str, ...]


def pinned(disabled: AbstractSet[int], n_clusters: int) -> AbstractSet[int]:
    """Clusters whose numbers may never pass to another colour, given those that are off.

    These are the clusters that are off or, if they are the majority, those that are on. So a new
    colour is shown if few clusters are off, and hidden if few are on.
    """
    others = frozenset(range(n_clusters)) - disabled
    return disabled if len(disabled) <= len(others) else others


def resolve_selection(selection: ClusterSelection, segmentation: Segmentation) -> ResolvedSelection:
    """Resolve a selection to clusters on a frame.

    Parameters
    ----------
    selection : ClusterSelection
    segmentation : Segmentation
        Segmentation of the frame on which colours and pixels are looked up.

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
    candidates = palette.real  # includes clusters of a kept palette without pixels in this frame
    of_hue = candidates & _has_hue_of(wanted, found)
    if of_hue.any():
        candidates = of_hue
    distances = np.linalg.norm((found - wanted) * _WEIGHTS, axis=1)
    return int(np.argmin(np.where(candidates, distances, np.inf)))


def _warning(selector: Selector, bgr: NDArray[np.uint8]) -> str:
    """Warning for a colour name whose nearest cluster has another hue, or an empty string."""
    if not isinstance(selector, str) or _has_hue_of(_of_name(selector), _oklab(bgr)).all():
        return ""
    return ", the nearest: nothing has its hue"


def _has_hue_of(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which Oklab colours, (N, 3), have about the wanted hue, (3,); all if the wanted is gray."""
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
