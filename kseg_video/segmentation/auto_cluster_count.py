"""How many clusters a set of colours asks for.

Of natural pictures, criteria for separate clusters (silhouette, Calinski and Harabasz, Pham) find
two or three, light and dark, or as many as they may: colours run into one another. What a user
sees is whether one more cluster still shows something new. So the number is the elbow [1]_: the
most clusters of which the last one still explains at least 1.5% of the colours' variance.

Noise has a variance, too, and is no colour: where all that a number of clusters leaves is small,
has one peak and has no pattern in the picture, more of them would only divide it.

References
----------
.. [1] R. L. Thorndike, "Who belongs in the family?", Psychometrika 18 (1953).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import working_to_bgr
from kseg_video.native import kernels
from kseg_video.segmentation.kmeans import cold_fit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.settings import ColorSpace, SegmenterSettings

MOST = 12
_LEAST_GAIN = 0.015
_ATTEMPTS = 3
_MOST_COLORS = 30_000
_MOST_NOISE = 10.0  # levels of a channel, as a root mean square
_PATTERN = 0.15  # correlation from which on what is left is more than noise,
_APART = 8  # so many samples apart: next to each other, compression makes noise alike
# One more cluster takes 2/pi of a bell's variance at the most, and nearly all of two peaks'.
_ONE_PEAK = 0.68


@dataclass(frozen=True, slots=True)
class AutoClusterCount:
    """A number of clusters, and why it was chosen.

    Parameters
    ----------
    count : int
        1 to 12.
    explained : float
        Part of the colours' variance that so many clusters explain.
    next_gain : float
        What one more would add to it.
    leaves_noise : bool
        Whether all that they do not explain is noise.
    """

    count: int
    explained: float
    next_gain: float
    leaves_noise: bool = False

    @property
    def reason(self) -> str:
        """Why, in a few words for the user."""
        clusters = "1 cluster explains" if self.count == 1 else f"{self.count} clusters explain"
        return f"{clusters} {self.explained:.1%} of the colours' variance, {self._why_no_more}"

    @property
    def _why_no_more(self) -> str:
        if self.leaves_noise:
            return "and the rest is noise"
        if self.next_gain >= _LEAST_GAIN:
            return "and no more are chosen"
        return f"one more would add only {self.next_gain:.2%}"


def choose_cluster_count(
    colors: NDArray[np.float32], settings: SegmenterSettings
) -> AutoClusterCount:
    """The number of clusters that some colours ask for.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        A sample in the working space, in the order in which pictures have their pixels.
    settings : SegmenterSettings
        Of the fits; their number of clusters is not looked at.

    Returns
    -------
    AutoClusterCount
    """
    colors = np.ascontiguousarray(colors[:: -(-len(colors) // _MOST_COLORS)])
    rests: list[float] = []  # mean squared distances that one cluster leaves, two, and so on
    may_be_noise = is_noise = False
    for count in range(1, MOST + 2):
        centroids = cold_fit(colors, settings, settings.seed, count, _ATTEMPTS)
        labels, distances = kernels.nearest(colors, centroids)
        rests.append(min([float(distances.mean(dtype=np.float64)), *rests[-1:]]))
        is_noise = may_be_noise and rests[-2] - rests[-1] <= _ONE_PEAK * rests[-2]
        if is_noise:
            break
        may_be_noise = _may_be_noise(colors, centroids[labels], settings.color_space)
    explained = 1 - np.array(rests) / rests[0] if rests[0] else np.ones(len(rests))
    gains = np.diff(explained)
    worth_it = np.flatnonzero(gains[:-1] >= _LEAST_GAIN)
    chosen = 2 + int(worth_it[-1]) if len(worth_it) else 1
    return AutoClusterCount(
        count=chosen,
        explained=float(explained[chosen - 1]),
        next_gain=float(gains[chosen - 1]),
        leaves_noise=is_noise and chosen == len(gains) and rests[chosen - 1] > 0,
    )


def _may_be_noise(
    colors: NDArray[np.float32], nearest_colors: NDArray[np.float32], space: ColorSpace
) -> bool:
    """Whether what some centroids leave of colours, in their order, is small and has no pattern."""
    levels = working_to_bgr(colors, space) - working_to_bgr(nearest_colors, space)
    if levels.var(axis=0, dtype=np.float64).mean() > _MOST_NOISE**2:
        return False
    rests = (colors - nearest_colors).astype(np.float64)
    pattern = (rests[_APART:] * rests[:-_APART]).sum()
    return bool(abs(pattern) <= _PATTERN * (rests**2).sum())
