"""Changes of illumination, told apart from motion and new content."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from kseg_video.core.color_spaces import color_scale
from kseg_video.segmentation.kmeans import means_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.settings import ColorSpace

# In colour levels. Smaller changes are left to add up; a position that changes by more from one
# frame to the next has moved.
_LEAST_CHANGE = 1.5
_SUDDEN_CHANGE = 24.0
_LEAST_STRUCTURE = 6.0  # standard deviation, in colour levels
_LEAST_STAYED = 0.5  # share of the positions; with fewer left, the picture moves
_LEAST_EXPLAINED = 0.05  # share of the squared change
_NTH_POSITION = 8  # every 8th of the sample is watched
# The light has changed suddenly if the labels of the frame before divide the frame better than its
# colours do by the first factor; or, where both divide it alike, if its inertia is above that of
# the new means by the second. Smaller factors mistake new content for light.
_SAME_POSITIONS = 0.95
_BETTER_BY_POSITION, _FAR_BETTER = 1.3, 3.0


class LightChange(NamedTuple):
    """A change of light: a gain and an offset for each channel, (3,) each."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    def applied_to(self, colors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colours under the new light; (N, 3) to (N, 3)."""
        return colors * self.gain + self.offset

    def moved(
        self,
        centroids: NDArray[np.float32],
        colors: NDArray[np.float32],
        labels: NDArray[np.uint8],
    ) -> NDArray[np.float32]:
        """Centroids under the new light.

        No centroid moves beyond the mean of its pixels, since errors would add up.
        """
        changed = self.applied_to(centroids)
        means = means_of(colors, labels, changed)
        return np.clip(changed, np.minimum(centroids, means), np.maximum(centroids, means))


class Illumination:
    """Watches the light at the sampled positions that show no motion.

    Parameters
    ----------
    space : str
        The working space.
    """

    def __init__(self, space: ColorSpace) -> None:
        self._scale = color_scale(space)
        self._first: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._last = self._first
        self._stayed: NDArray[np.bool_] = np.zeros(0, bool)

    def watch(self, colors: NDArray[np.float32]) -> None:
        """Start anew with a frame, such as the first of a shot.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame.
        """
        self._first = self._last = colors[::_NTH_POSITION]
        self._stayed = np.ones(len(self._first), bool)

    def change(self, colors: NDArray[np.float32]) -> LightChange | None:
        """Estimate the change of light since `watch`, or None if it is too small or uncertain.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the next frame, from the same positions each time.
        """
        seen = colors[::_NTH_POSITION]
        if len(seen) == len(self._last):
            most = (_SUDDEN_CHANGE * self._scale,) * 3
            changes = cv2.absdiff(seen, self._last)[:, np.newaxis]
            self._stayed &= cv2.inRange(changes, (0, 0, 0), most).ravel() > 0
            self._last = seen
        if len(seen) != len(self._last) or self._stayed.mean() < _LEAST_STAYED:
            self.watch(colors)
            return None
        before, now = (each.compress(self._stayed, axis=0) for each in (self._first, seen))
        mean_before, deviation_before = _mean_and_deviation(before)
        mean_now, deviation_now = _mean_and_deviation(now)
        if deviation_before.max() < _LEAST_STRUCTURE * self._scale:
            return None
        # The ratio of deviations, unlike a regression, is not flattened by noise.
        gain = (deviation_now + self._scale) / (deviation_before + self._scale)
        offset = mean_now - gain * mean_before
        change = LightChange(gain.astype(np.float32), offset.astype(np.float32))
        moved = change.applied_to(before)
        if np.abs(moved - before).mean() < _LEAST_CHANGE * self._scale:
            return None
        squared, left = (cv2.norm(now, each, cv2.NORM_L2SQR) for each in (before, moved))
        return change if left < (1 - _LEAST_EXPLAINED) * squared else None


def is_sudden_change(
    colors: NDArray[np.float32],
    inertia: float,
    by_color: NDArray[np.uint8],
    by_position: NDArray[np.uint8],
) -> bool:
    """Whether the light changed suddenly: clusters kept their positions but not their colours.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        A sample of the frame.
    inertia : float
        Mean squared distance of the sample to its nearest centroids.
    by_color : ndarray of uint8, shape (N,)
        Labels of the nearest centroids.
    by_position : ndarray of uint8, shape (N,)
        Labels of the same positions in the frame before.
    """
    divided = _inertia_of_partition(colors, by_color)
    if (by_color == by_position).mean() > _SAME_POSITIONS:
        return inertia > _FAR_BETTER * divided
    return divided > _BETTER_BY_POSITION * _inertia_of_partition(colors, by_position)


def _mean_and_deviation(
    colors: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each channel; (N, 3) to (3,) each."""
    # Several times as fast as NumPy's reductions along the first axis.
    mean, deviation = cv2.meanStdDev(colors[:, np.newaxis])
    return mean.astype(np.float64).ravel(), deviation.astype(np.float64).ravel()


def _inertia_of_partition(colors: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Mean squared distance of colours to the mean of their label."""
    means = means_of(colors, labels, np.zeros((int(labels.max()) + 1, 3), np.float32))
    errors = colors - means[labels]
    return float(np.einsum("ij,ij->", errors, errors) / len(colors))
