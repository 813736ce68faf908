"""Paints: other colours for the clusters of the segmented view, held through a video.

A list of colours is laid over the clusters from dark to light, like a gradient map. The order is
that of the colours that the clusters began with, so that it does not change while these follow the
picture; a cluster that takes another colour, as at a cut, is ordered anew.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import bgr_of_hex, from_working, luma, to_working, working_to_bgr
from kseg_video.core.palette import ColorWatch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.settings import Paint, PaintName

_PAINTS: dict[PaintName, tuple[str, ...]] = {
    "two-tone": ("#1d2a4d", "#f6e8cf"),
    "poster": ("#12263f", "#d33a2f", "#7aa5a0", "#f6e7c1"),
    "handheld": ("#0f380f", "#306230", "#8bac0f", "#b5cf3a"),
    "sepia": ("#1e120a", "#6f4a2a", "#c49e6c", "#faf0dc"),
    "viridis": (
        *("#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c"),
        *("#28ae80", "#5ec962", "#addc30", "#fde725"),
    ),
}
# Paints that have no other colours than their own, and those of which any mixture is one.
_UNMIXED: set[Paint] = {"two-tone", "poster", "handheld"}
_GRADIENTS: set[Paint] = {"sepia", "viridis"}
_MOST_COLORFUL = 0.1  # share of a cluster's pixels whose chroma a vivid paint takes
_SAMPLED_ROWS = 200  # and as many columns of a frame: more find that chroma more exactly
_STEPS = 64  # in which a vivid colour is made duller until it can be shown
_SHOWN_EXACTLY = 1.0  # distance in Oklab times 100 up to which a colour counts as shown


class Painter:
    """Chooses the colours that clusters are painted in, for the frames of one video in order."""

    def __init__(self) -> None:
        self._paint: Paint | None = None
        self._watch = ColorWatch()
        self.colors: NDArray[np.uint8] = np.zeros((0, 3), np.uint8)

    def follow(self, frame: Frame, segmentation: Segmentation, paint: Paint | None) -> None:
        """Follow the clusters to the next frame; `colors` are then those to paint it in.

        Parameters
        ----------
        frame : Frame
        segmentation : Segmentation
            Of the frame.
        paint : str, tuple of str or None
            As in `RenderSettings`; None is the clusters' own colours.
        """
        own = segmentation.colors
        if paint is None:
            self._paint, self.colors = None, own
            return
        if paint != self._paint:
            self._paint, self._watch = paint, ColorWatch()
        elif segmentation.event == "warm" and len(own) == len(self.colors):
            return
        changed = self._watch.changed(own, segmentation.real)
        if not changed.any():
            return
        if paint == "vivid":
            known = self.colors if len(self.colors) == len(own) else own
            self.colors = np.where(changed[:, np.newaxis], _vivid(frame, segmentation), known)
        else:
            self.colors = _from_dark_to_light(self._watch.colors, segmentation.real, paint)


def note_on_paint(paint: Paint, count: int) -> str | None:
    """Tell how a paint's colours are shared out among so many clusters; None if one to one."""
    if paint == "vivid" or paint in _GRADIENTS:
        return None
    given = len(_colors_of(paint))
    if count < given:
        return f"{count} clusters take {count} of the paint's {given} colours"
    if count == given:
        return None
    if paint in _UNMIXED:
        return f"{count} clusters share the {given} colours of {paint}"
    return f"{count} clusters take the paint's {given} colours and mixtures between them"


def _colors_of(paint: Paint) -> tuple[str, ...]:
    return _PAINTS[paint] if isinstance(paint, str) else paint


def _from_dark_to_light(
    own: NDArray[np.uint8], real: NDArray[np.bool_], paint: Paint
) -> NDArray[np.uint8]:
    """A colour of the paint for each cluster, given their own; (K, 3) to (K, 3)."""
    given = bgr_of_hex(_colors_of(paint))
    count, last = int(real.sum()), len(given) - 1
    ranks = np.arange(count)
    painted: NDArray[np.generic]
    if count > last + 1 and paint in _UNMIXED:
        painted = given[ranks * (last + 1) // count]
    elif count > last + 1 or (paint in _GRADIENTS and count > 1):
        places, stops = ranks * last / (count - 1), np.arange(last + 1)
        oklab = to_working(given, "oklab")
        mixed = np.column_stack([np.interp(places, stops, channel) for channel in oklab.T])
        painted = from_working(mixed.astype(np.float32), "oklab")
    else:
        painted = given[np.rint(ranks * last / max(count - 1, 1)).astype(int)]
    colors = own.copy()
    colors[np.flatnonzero(real)[np.argsort(luma(own[real]), kind="stable")]] = painted
    return colors


def _vivid(frame: Frame, segmentation: Segmentation) -> NDArray[np.uint8]:
    """The clusters' colours at the chroma of their most colourful tenth; hue and lightness kept."""
    grid = tuple(slice(None, None, -(-size // _SAMPLED_ROWS)) for size in segmentation.labels.shape)
    labels = segmentation.labels[grid].ravel()
    pixels = to_working(frame.bgr[grid].reshape(-1, 3).astype(np.float32), "oklab")
    colors = to_working(segmentation.colors.astype(np.float32), "oklab")
    for number, color in enumerate(colors):
        along = pixels[labels == number, 1:] @ color[1:]
        squared = float(color[1:] @ color[1:])
        if len(along) and squared:
            most = np.sort(along)[-math.ceil(len(along) * _MOST_COLORFUL) :]
            color[1:] *= max(float(most.mean()) / squared, 1.0)
    return _within_reach(colors, to_working(segmentation.colors.astype(np.float32), "oklab"))


def _within_reach(wanted: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Wanted Oklab colours as BGR, with as much of their chroma as can be shown; (K, 3) both."""
    shown = own
    for share in np.linspace(0, 1, _STEPS, dtype=np.float32):
        tried = own + share * (wanted - own)
        missed = np.linalg.norm(to_working(working_to_bgr(tried, "oklab"), "oklab") - tried, axis=1)
        shown = np.where((missed < _SHOWN_EXACTLY)[:, np.newaxis], tried, shown)
    return from_working(shown, "oklab")
