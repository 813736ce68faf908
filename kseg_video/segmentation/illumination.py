"""Changes of light: the same places in other colours, told apart from what moves or is new."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from kseg_video.color import color_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.settings import ColorSpace

# In colour levels. A change smaller than that is left to add up; a larger one from one frame to the
# next is no slow change of light.
_LEAST_CHANGE = 2.0
_SUDDEN_CHANGE = 24.0
_LEAST_STAYED = 0.5  # of the places: where more change suddenly, the picture moves
_LEAST_EXPLAINED = 0.1  # of the squared change
_NTH_PLACE = 4  # of the sample
_BETTER_BY_PLACE = 1.3


class LightChange(NamedTuple):
    """What a change of light makes of each channel: a gain and an offset, (3,) each."""

    gain: NDArray[np.float32]
    offset: NDArray[np.float32]

    def applied_to(self, colors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Colours under the new light; (N, 3) to (N, 3)."""
        return colors * self.gain + self.offset


class Illumination:
    """Watches the light on the places of the sample that nothing moves across.

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

    def forget(self) -> None:
        """Begin anew, as in another shot."""
        self._last = self._last[:0]

    def slow_change(self, colors: NDArray[np.float32]) -> LightChange | None:
        """What the light has done since the watch began, if that is enough to be sure.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the next frame, from the same places each time.
        """
        colors = colors[::_NTH_PLACE]
        if len(colors) != len(self._last):
            return self._restart(colors)
        sudden = np.abs(colors - self._last).max(axis=1) > _SUDDEN_CHANGE * self._scale
        self._stayed &= ~sudden
        self._last = colors
        if self._stayed.mean() < _LEAST_STAYED:
            return self._restart(colors)
        before, now = self._first[self._stayed], colors[self._stayed]
        means = before.mean(axis=0), now.mean(axis=0)
        # The ratio of deviations, unlike a regression, is not flattened by noise.
        gain = (now.std(axis=0) + self._scale) / (before.std(axis=0) + self._scale)
        change = LightChange(gain, means[1] - gain * means[0])
        moved = change.applied_to(before)
        if np.abs(moved - before).mean() < _LEAST_CHANGE * self._scale:
            return None
        squared, left = ((now - before) ** 2).sum(), ((now - moved) ** 2).sum()
        if left > (1 - _LEAST_EXPLAINED) * squared:
            return None
        return change

    def _restart(self, colors: NDArray[np.float32]) -> None:
        self._first = self._last = colors
        self._stayed = np.ones(len(colors), bool)


def is_sudden_change(
    colors: NDArray[np.float32],
    by_color: NDArray[np.uint8],
    by_place: NDArray[np.uint8],
) -> bool:
    """Whether clusters are found where they were in the frame before, and no longer by colour.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    by_color : ndarray of uint8, shape (N,)
        Numbers of the nearest clusters.
    by_place : ndarray of uint8, shape (N,)
        Numbers of the same places in the frame before.
    """
    least = _inertia_of_partition(colors, by_place)
    return _inertia_of_partition(colors, by_color) > _BETTER_BY_PLACE * least


def means_of(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean colour of each label, or its centroid if it has no colour."""
    counts = np.bincount(labels, minlength=len(centroids))[:, np.newaxis]
    sums = [np.bincount(labels, channel, len(centroids)) for channel in colors.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)
    return np.where(counts > 0, means, centroids).astype(np.float32)


def _inertia_of_partition(colors: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Mean squared distance of colours to the means of their labels."""
    means = means_of(colors, labels, np.zeros((int(labels.max()) + 1, 3), np.float32))
    errors = colors - means[labels]
    return float(np.einsum("ij,ij->", errors, errors) / len(colors))
