"""Drift: whether a source colour keeps its paint over a second, in which no fade hides a change.

Colours are sorted into 16 x 16 x 16 bins. Bins are followed through time instead of positions, so
that motion does not count as a change. A bin's paint is the mean output of its pixels.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BINS = 16**3
_LEAST_PIXELS = 30  # of a bin in both frames, for the bin to count
_LAG_SECONDS = 1.0
_OTHER_PAINT_LEVELS = 12
_A_RUN = 0.1
# A frame is the first of a shot if both its colours and its layout differ from the frame before.
_OTHER_COLORS, _OTHER_LAYOUT_LEVELS = 0.15, 25.0
_LAYOUT_SIZE = 64, 36


def bin_numbers(picture: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Bin of each pixel, row by row."""
    blue, green, red = (channel.astype(np.int32) >> 4 for channel in cv2.split(picture))
    return np.ravel(blue * 256 + green * 16 + red)


def count_bins(numbers: NDArray[np.int32]) -> NDArray[np.intp]:
    """Count the pixels of each bin."""
    return np.bincount(numbers, minlength=_BINS)


class ShotChanges:
    """Detects the first frame of each shot except that of the first shot."""

    def __init__(self) -> None:
        self._before: tuple[NDArray[np.intp], NDArray[np.float32]] | None = None

    def begins_shot(self, picture: NDArray[np.uint8], counts: NDArray[np.intp]) -> bool:
        """Whether the next frame begins a new shot, given its pixels and its counts by bin."""
        small = cv2.resize(picture, _LAYOUT_SIZE, interpolation=cv2.INTER_AREA)
        layout = small.astype(np.float32)
        before, self._before = self._before, (counts, layout)
        if before is None:
            return False
        other_colors = np.abs(counts - before[0]).sum() / (2 * counts.sum())
        other_layout = np.abs(layout - before[1]).mean()
        return bool(other_colors > _OTHER_COLORS and other_layout > _OTHER_LAYOUT_LEVELS)


class _Paint(NamedTuple):
    counts: NDArray[np.intp]
    colors: NDArray[np.float64]


class Drift:
    """Share of each frame's pixels whose colour was painted differently a second ago, in the shot.

    Pixels whose colour was hardly there a second ago are not counted.
    """

    def __init__(self, frame_rate: float) -> None:
        self.shares: list[float] = []
        self._lag = max(round(_LAG_SECONDS * frame_rate), 1)
        self._paints: deque[_Paint] = deque(maxlen=self._lag + 1)  # of one shot
        self._changes = ShotChanges()

    def add(self, source: NDArray[np.uint8], output: NDArray[np.uint8]) -> None:
        numbers = bin_numbers(source)
        counts = count_bins(numbers)
        sums = [np.bincount(numbers, each.ravel(), _BINS) for each in cv2.split(output)]
        now = _Paint(counts, np.stack(sums, axis=1) / np.maximum(counts, 1)[:, np.newaxis])
        if self._changes.begins_shot(source, counts):
            self._paints.clear()
        self._paints.append(now)
        if len(self._paints) > self._lag:
            self.shares.append(_otherwise(now, self._paints[0]))

    @property
    def mean(self) -> float:
        return float(np.mean(self.shares)) if self.shares else 0.0

    @property
    def worst(self) -> float:
        return max(self.shares, default=0.0)

    @property
    def runs(self) -> int:
        """How often the share rises above a tenth."""
        above = np.array([0.0, *self.shares]) > _A_RUN
        return int((above[1:] & ~above[:-1]).sum())


def _otherwise(now: _Paint, then: _Paint) -> float:
    known = (now.counts >= _LEAST_PIXELS) & (then.counts >= _LEAST_PIXELS)
    ways = np.abs(now.colors[known] - then.colors[known]).max(axis=1, initial=0.0)
    counts = now.counts[known]
    return float(counts[ways > _OTHER_PAINT_LEVELS].sum() / max(counts.sum(), 1))
