"""Quantizing pictures to at most 255 colours and indices, exactly or by the nearest colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from kseg_video.core.color_spaces import to_levels
from kseg_video.core.settings import SegmenterSettings
from kseg_video.segmentation.kmeans import cold_fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MOST_COLORS = 255
_UNKNOWN = 255
# Pixels that are checked for too many colours before a full count: more reject rich pictures more
# surely, fewer are faster.
_PROBED_PIXELS = 4096
# Growth of the mean error at which a reduced palette is made anew: less follows the picture more
# closely, more keeps the palette, and with it still pixels, unchanged for longer.
_WORSE = 1.3
# Pixels in which a palette is fitted and its error measured: more are more exact, fewer faster.
_COMPARED_PIXELS = 10_000
_REDUCTION = SegmenterSettings(max_iterations=10)


class ExactQuantizer:
    """Indexes pictures by their own colours, if there are at most 255."""

    def __init__(self) -> None:
        # One entry for every 24-bit colour: a look-up per pixel, where sorting takes 20 times as
        # long. Used entries are reset after each picture.
        self._table: NDArray[np.uint8] = np.full(1 << 24, _UNKNOWN, np.uint8)

    def quantize(
        self, bgr: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        """Index a picture by its own colours.

        Parameters
        ----------
        bgr : ndarray of uint8, shape (H, W, 3)

        Returns
        -------
        indices : ndarray of uint8, shape (H, W)
        colors : ndarray of uint8, shape (N, 3)
            BGR, at most 255. None is returned in place of both if there are more.
        """
        codes = cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA).view(np.uint32)[..., 0] & np.uint32(0xFFFFFF)
        rest = codes.ravel()
        if len(np.unique(rest[:: max(len(rest) // _PROBED_PIXELS, 1)])) > _MOST_COLORS:
            return None
        found: list[np.uint32] = []
        while len(rest) and len(found) < _MOST_COLORS:
            found.append(rest[0])
            rest = rest[rest != rest[0]]
        if len(rest):
            return None
        self._table[found] = np.arange(len(found))
        indices = self._table[codes]
        self._table[found] = _UNKNOWN
        levels = np.array(found, "<u4").view(np.uint8).reshape(-1, 4)[:, :3]
        return indices, levels


class ReducingQuantizer:
    """Reduces pictures to 255 colours, keeping the palette of the last one while it still fits."""

    def __init__(self) -> None:
        self._colors: NDArray[np.uint8] = np.zeros((0, 3), np.uint8)
        self._allowed = 0.0

    def quantize(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Reduce a picture to at most 255 colours.

        Parameters
        ----------
        bgr : ndarray of uint8, shape (H, W, 3)

        Returns
        -------
        indices : ndarray of uint8, shape (H, W)
        colors : ndarray of uint8, shape (N, 3)
            BGR.
        """
        if len(self._colors):
            indices = _nearest(bgr, self._colors)
            if _difference(bgr, indices, self._colors) <= self._allowed:
                return indices, self._colors
        self._colors = _many_colors(bgr)
        indices = _nearest(bgr, self._colors)
        self._allowed = _WORSE * _difference(bgr, indices, self._colors)
        return indices, self._colors


def _many_colors(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Fit 255 colours by k-means, which keeps rare colours better than median cut."""
    sample = bgr.reshape(-1, 3)[:: max(bgr.size // 3 // _COMPARED_PIXELS, 1)]
    centroids = cold_fit(sample.astype(np.float32), _REDUCTION, 0, _MOST_COLORS, attempts=1)
    return to_levels(centroids)


def _nearest(bgr: NDArray[np.uint8], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Index of a near palette colour for each pixel, by Pillow's fast approximate look-up."""
    palette = Image.new("P", (1, 1))
    # Pillow fills missing entries with grays, so the last colour is repeated instead.
    filled = np.pad(colors, ((0, 256 - len(colors)), (0, 0)), "edge")
    palette.putpalette(filled[:, ::-1].tobytes())
    picture = Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]))
    indices = np.asarray(picture.quantize(palette=palette, dither=Image.Dither.NONE), np.uint8)
    return np.minimum(indices, np.uint8(len(colors) - 1))


def _difference(
    bgr: NDArray[np.uint8], indices: NDArray[np.uint8], colors: NDArray[np.uint8]
) -> float:
    """Mean absolute error in colour levels, over a subset of the pixels."""
    step = max(indices.size // _COMPARED_PIXELS, 1)
    levels = bgr.reshape(-1, 3)[::step].astype(int)
    return float(np.abs(levels - colors[indices.ravel()[::step]]).mean())
