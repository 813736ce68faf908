"""Detection of scene cuts from sampled pixels.

A cut changes both the layout *and* the colours of the picture. A pan changes only the layout; a
flash, a fade or a lamp changes only the colours. So a frame is the first of a new scene if its
sampled luma is hardly correlated with that of the frame before, pixel by pixel, and the two colour
histograms overlap little.

A frame without structure (black, white, fog) is never a cut; the next frame with structure is
compared with the last one that had some.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.core.color_spaces import luma

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HISTOGRAM_BINS = 8  # of each channel
_LEAST_STRUCTURE = 6.0  # standard deviation of luma, in levels
# More correlation and less change find softer cuts, but take flashes and fast pans for cuts, too.
_MOST_CORRELATION = 0.5
_LEAST_CHANGE = 0.22  # total variation distance of the histograms, 0 to 1


@dataclass(frozen=True, slots=True, eq=False)
class _FrameSignature:
    """Luma and histogram of a frame."""

    luma: NDArray[np.float32]  # centred
    deviation: float
    histogram: NDArray[np.float64]

    @classmethod
    def of(cls, bgr: NDArray[np.float32]) -> _FrameSignature:
        levels = luma(bgr)
        levels -= levels.mean(dtype=np.float64)
        deviation = float(np.sqrt(np.dot(levels, levels) / len(levels)))
        points = bgr.astype(np.uint8)[:, np.newaxis]
        bins, ranges = [_HISTOGRAM_BINS] * 3, [0, 256] * 3
        counts = cv2.calcHist([points], [0, 1, 2], None, bins, ranges).ravel()
        histogram = counts.astype(np.float64) / len(bgr)
        return cls(levels, deviation, histogram)


class CutDetector:
    """Detects the first frame of each scene."""

    def __init__(self) -> None:
        self._last: _FrameSignature | None = None

    def is_cut(self, bgr: NDArray[np.float32]) -> bool:
        """Whether the next frame begins a new scene.

        Parameters
        ----------
        bgr : ndarray of float32, shape (N, 3)
            A sample of the frame, from the same positions in every frame.
        """
        seen, last = _FrameSignature.of(bgr), self._last
        if seen.deviation < _LEAST_STRUCTURE:
            return False
        self._last = seen
        if last is None or len(last.luma) != len(seen.luma):
            return False
        change = 0.5 * float(np.abs(seen.histogram - last.histogram).sum())
        if change < _LEAST_CHANGE:
            return False
        product = float(np.mean(seen.luma * last.luma, dtype=np.float64))
        return product / (seen.deviation * last.deviation) < _MOST_CORRELATION
