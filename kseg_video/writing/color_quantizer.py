"""Pictures as a palette of few colours and indices: exactly, or the nearest."""

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
_PROBED_PIXELS = 4096
# A reduced palette serves until it is that much worse than when it was made, in colour levels.
_WORSE = 1.3
_COMPARED_PIXELS = 10_000
_REDUCTION = SegmenterSettings(max_iterations=10)


class ExactQuantizer:
    """Finds the colours of pictures, if they are few."""

    def __init__(self) -> None:
        # One entry for every colour: a look-up for each pixel, where sorting would take 20 times as
        # long. Entries that were used are reset after each picture.
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
            BGR, at most 255. Or None for both if there are more.
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
    """Brings pictures to 255 colours, the same from picture to picture where they serve."""

    def __init__(self) -> None:
        self._colors: NDArray[np.uint8] = np.zeros((0, 3), np.uint8)
        self._allowed = 0.0

    def quantize(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Bring a picture to 255 colours at the most.

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
    """As many colours as there may be, by k-means: rare ones fare better than by median cut."""
    sample = bgr.reshape(-1, 3)[:: max(bgr.size // 3 // _COMPARED_PIXELS, 1)]
    centroids = cold_fit(sample.astype(np.float32), _REDUCTION, 0, _MOST_COLORS, attempts=1)
    return to_levels(centroids)


def _nearest(bgr: NDArray[np.uint8], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Index of a colour near each pixel's, by Pillow's table, which is near enough and fast."""
    palette = Image.new("P", (1, 1))
    # Entries that are not given would be grays: repeats of the last one stand in their place.
    filled = np.pad(colors, ((0, 256 - len(colors)), (0, 0)), "edge")
    palette.putpalette(filled[:, ::-1].tobytes())
    picture = Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]))
    indices = np.asarray(picture.quantize(palette=palette, dither=Image.Dither.NONE), np.uint8)
    return np.minimum(indices, np.uint8(len(colors) - 1))


def _difference(
    bgr: NDArray[np.uint8], indices: NDArray[np.uint8], colors: NDArray[np.uint8]
) -> float:
    """Mean difference in colour levels, over some pixels."""
    step = max(indices.size // _COMPARED_PIXELS, 1)
    levels = bgr.reshape(-1, 3)[::step].astype(int)
    return float(np.abs(levels - colors[indices.ravel()[::step]]).mean())
