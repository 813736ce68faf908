"""The automatic number of clusters.

Criteria that look for well-separated clusters (silhouette, Calinski and Harabasz, Pham) fail on
natural pictures, whose colours form a continuum: they return two or three clusters, light and dark,
or the maximum. What a user sees is whether one more cluster still shows something new. The number
is therefore the elbow [1]_: the largest at which the last cluster still explains at least 1.5% of
the colours' variance.

Noise adds variance but no colours. The search stops where the residual is small, has one peak and
has no spatial pattern: more clusters would only divide the noise.

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
# Share of the variance that the last cluster has to explain: less gives more clusters.
_LEAST_GAIN = 0.015
_ATTEMPTS = 3
_MOST_COLORS = 30_000
_MOST_NOISE = 10.0  # root mean square of the residual, in levels of a channel
# A residual with a higher autocorrelation is structure, not noise. The lag, in samples, is more
# than one because compression makes the noise of adjacent pixels alike.
_PATTERN = 0.15
_APART = 8
# One more cluster removes at most 2/pi of the variance of a normal distribution, but nearly all
# the variance of two separate peaks.
_ONE_PEAK = 0.68


@dataclass(frozen=True, slots=True)
class AutoClusterCount:
    """A number of clusters, and why it was chosen.

    Parameters
    ----------
    count : int
        1 to 12.
    explained : float
        Share of the colours' variance that these clusters explain, 0 to 1.
    next_gain : float
        Share of the variance that one more cluster would add.
    leaves_noise : bool
        Whether the unexplained variance is only noise.
    """

    count: int
    explained: float
    next_gain: float
    leaves_noise: bool = False

    @property
    def reason(self) -> str:
        """The reason for the choice, as shown to the user."""
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
    """Choose the number of clusters for a sample of colours.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        A sample in the working space, in raster order.
    settings : SegmenterSettings
        Settings of the fits; their number of clusters is ignored.

    Returns
    -------
    AutoClusterCount
    """
    colors = np.ascontiguousarray(colors[:: -(-len(colors) // _MOST_COLORS)])
    rests: list[float] = []  # inertia of the fits with 1, 2, ... clusters
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
    """Whether the residual, in raster order, is small and without a pattern."""
    levels = working_to_bgr(colors, space) - working_to_bgr(nearest_colors, space)
    if levels.var(axis=0, dtype=np.float64).mean() > _MOST_NOISE**2:
        return False
    rests = (colors - nearest_colors).astype(np.float64)
    pattern = (rests[_APART:] * rests[:-_APART]).sum()
    return bool(abs(pattern) <= _PATTERN * (rests**2).sum())
