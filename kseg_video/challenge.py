"""The challenger: a cold fit of a frame that may take the place of the palette tracked so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kseg_video.clustering import fit_from
from kseg_video.clusters import Clusters
from kseg_video.color import color_scale
from kseg_video.mapping import inertia_of

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.clustering import ColdFits

_PIXELS = 4000
# Where a fit starts from matters more than its last iterations, which a warm fit makes up for.
_ITERATIONS = 8
_LAST_ITERATIONS = 4  # on the whole sample
_ATTEMPTS = 4
_CLEARLY_BETTER = 0.025
# More than that, for each share of the pixels that would jump to another colour by themselves.
_PRICE_OF_JUMPS = 0.06
_WORTH_A_PARKED_NUMBER = 0.1  # or, of few clusters, that much times 3 for each
_ROUNDING = 0.25  # mean squared error of three 8-bit channels: no fit is better by less


class Challenger:
    """Cold fits to the sample of one frame.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        The sample.
    fits : ColdFits
    reach : float
        Distance within which a colour is taken for a cluster's own.
    """

    def __init__(self, colors: NDArray[np.float32], fits: ColdFits, reach: float) -> None:
        self._colors = colors
        self._reach = reach
        self._fits = fits
        self._settings = fits.settings

    def beat(self, state: Clusters, inertia: float, pinned: AbstractSet[int]) -> Clusters | None:
        """Clusters that are clearly better than these, if there are any.

        Parameters
        ----------
        state : Clusters
        inertia : float
            Where they would go from here by a warm fit.
        pinned : set of int
            Clusters that stay where they are: the others are fitted without their pixels.
        """
        held = state.held(pinned)
        others = self._colors[~self._owned(state, held)]
        numbers = np.setdiff1d(state.active, held).astype(np.uint8)
        n_free = self._settings.n_clusters - int(state.parked.sum()) - len(held)
        if not n_free or not len(others):
            return None
        fresh = self._fit(others, n_free)
        if len(fresh) < len(numbers):  # fewer distinct colours than clusters
            return None
        together = np.concatenate([state.centroids[held], fresh])
        if self._is_better(inertia_of(self._colors, together), inertia, _CLEARLY_BETTER):
            return state.succeeded(self._colors, fresh, numbers, self._reach)
        return self._claim_parked(state, inertia, pinned, others) if state.parked.any() else None

    def is_worth(self, fresh: float, inertia: float, jumping: float) -> bool:
        """Whether an inertia is so much better that a share of pixels may jump for it."""
        return self._is_better(fresh, inertia, _CLEARLY_BETTER + _PRICE_OF_JUMPS * jumping)

    def _owned(self, state: Clusters, held: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Which pixels belong to clusters that stay where they are."""
        labels, distances = state.nearest(self._colors)
        owned = np.isin(labels, held)
        if len(state.centroids) < self._settings.n_clusters:
            # What is nearest to them may be so for want of another.
            owned &= distances < self._reach**2
        return owned

    def _claim_parked(
        self,
        state: Clusters,
        inertia: float,
        pinned: AbstractSet[int],
        others: NDArray[np.float32],
    ) -> Clusters | None:
        """Give the numbers of parked clusters away, where that is worth a great deal."""
        held = state.held(pinned)
        absent = {int(number) for number in np.flatnonzero(state.parked) if number in pinned}
        fresh = self._fit(others, self._settings.n_clusters - len(absent) - len(held))
        together = np.concatenate([state.centroids[held], fresh])
        worth = _WORTH_A_PARKED_NUMBER * max(3 / len(state.active), 1)
        if not self._is_better(inertia_of(self._colors, together), inertia, worth):
            return None
        winner = Clusters.renumbered(self._colors, state.centroids, together, absent)
        return None if winner.strayed(state.centroids, pinned, self._reach) else winner

    def _is_better(self, fresh: float, inertia: float, by: float) -> bool:
        least = _ROUNDING * color_scale(self._settings.color_space) ** 2
        return inertia - fresh > max(by * inertia, least)

    def _fit(self, colors: NDArray[np.float32], n_clusters: int) -> NDArray[np.float32]:
        few = np.ascontiguousarray(colors[:: max(len(colors) // _PIXELS, 1)])
        centroids = self._fits.fit(few, n_clusters, _ATTEMPTS, _ITERATIONS)
        return fit_from(colors, centroids, self._settings.epsilon, _LAST_ITERATIONS)[0]
