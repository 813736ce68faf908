"""How many clusters a set of colours asks for.

Of natural pictures, criteria for separate clusters (silhouette, Calinski and Harabasz, Pham) find
two or three, light and dark, or as many as they may: colours run into one another. What a user
sees is whether one more cluster still shows something new. So the number is the elbow [1]_: the
most clusters of which the last one still explains at least 1.5% of the colours' variance.

References
----------
.. [1] R. L. Thorndike, "Who belongs in the family?", Psychometrika 18 (1953).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.clustering import cold_fit
from kseg_video.mapping import inertia_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.settings import SegmenterSettings

FEWEST, MOST = 2, 12
_LEAST_GAIN = 0.015
_ATTEMPTS = 3
_MOST_COLORS = 30_000


@dataclass(frozen=True, slots=True)
class ClusterCount:
    """A number of clusters, and why it was chosen.

    Parameters
    ----------
    count : int
        2 to 12.
    explained : float
        Part of the colours' variance that so many clusters explain.
    next_gain : float
        What one more would add to it.
    """

    count: int
    explained: float
    next_gain: float

    @property
    def reason(self) -> str:
        """Why, in a few words for the user."""
        return (
            f"{self.count} clusters explain {self.explained:.1%} of the colours' variance, "
            f"{self._why_no_more}"
        )

    @property
    def _why_no_more(self) -> str:
        if self.next_gain >= _LEAST_GAIN:
            return "and no more are chosen"
        return f"one more would add only {self.next_gain:.2%}"


def choose_cluster_count(colors: NDArray[np.float32], settings: SegmenterSettings) -> ClusterCount:
    """The number of clusters that some colours ask for.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        A sample in the working space.
    settings : SegmenterSettings
        Of the fits; their number of clusters is not looked at.

    Returns
    -------
    ClusterCount
    """
    colors = np.ascontiguousarray(colors[:: -(-len(colors) // _MOST_COLORS)])
    deviations = colors - colors.mean(axis=0, dtype=np.float64)
    variance = float((deviations**2).sum(axis=1).mean())
    explained = [0.0]  # by one cluster; then by two, and so on
    for count in range(FEWEST, MOST + 2):
        centroids = cold_fit(colors, settings, settings.seed, count, _ATTEMPTS)
        rest = inertia_of(colors, centroids) / variance if variance else 0.0
        explained.append(max(1 - rest, explained[-1]))
    gains = np.diff(explained)[: MOST - 1]
    worth_it = np.flatnonzero(gains >= _LEAST_GAIN)
    chosen = FEWEST + int(worth_it[-1]) if len(worth_it) else FEWEST
    return ClusterCount(chosen, explained[chosen - 1], explained[chosen] - explained[chosen - 1])
