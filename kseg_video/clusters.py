"""The clusters of a video between two frames: where they are, and which are away.

A cluster whose colour has left the picture is *parked*: it keeps its number and its colour, takes
no pixel, and is revived when its colour returns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from kseg_video.mapping import nearest
from kseg_video.matching import common_members, match_centroids, match_members, positions

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

MEMORY = 0.1  # weight of the newest frame in running means

_LEAST_SHARE = 0.0005  # of the sample, below which a cluster is parked
_SUDDEN_LOSS = 0.2  # of its usual share


@dataclass(frozen=True, slots=True, eq=False)
class _Assignment:
    """Colours assigned to clusters, and what they were assigned by."""

    colors: NDArray[np.float32]
    centroids: NDArray[np.float32]
    parked: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    distances: NDArray[np.float32]


@dataclass(slots=True, eq=False)
class Clusters:
    """The clusters found so far; row i is cluster i. Its arrays are replaced, never written to.

    Parameters
    ----------
    centroids : ndarray of float32, shape (R, 3)
    parked : ndarray of bool, shape (R,)
    usual_shares : ndarray of float64, shape (R,)
        Running mean of the part of the sample that each one holds.
    usual_inertia : float
        Running mean of the sample's mean squared distance.
    """

    centroids: NDArray[np.float32]
    parked: NDArray[np.bool_]
    usual_shares: NDArray[np.float64]
    usual_inertia: float
    _last: _Assignment | None = None

    @classmethod
    def settled(
        cls,
        colors: NDArray[np.float32],
        centroids: NDArray[np.float32],
        parked: NDArray[np.bool_] | None = None,
    ) -> Self:
        """Clusters after a fit to some colours; more centroids than parked flags are not parked."""
        parked = np.zeros(len(centroids), bool) if parked is None else parked
        parked = np.concatenate([parked, np.zeros(len(centroids) - len(parked), bool)])
        active = np.flatnonzero(~parked)
        labels, distances = nearest(colors, centroids[active])
        shares = np.bincount(active[labels], minlength=len(centroids)) / len(labels)
        return cls(centroids, parked, shares, float(distances.mean(dtype=np.float64)))

    @classmethod
    def renumbered(
        cls,
        colors: NDArray[np.float32],
        known: NDArray[np.float32],
        fresh: NDArray[np.float32],
        absent: AbstractSet[int],
    ) -> Self:
        """Fresh centroids under the numbers of the known ones they resemble; absent ones parked."""
        kept = np.array([number not in absent for number in range(len(known))])
        centroids = known.copy()
        count = min(int(kept.sum()), len(fresh))
        if len(fresh) >= kept.sum():
            order = match_centroids(known[kept], fresh)
            centroids[kept] = fresh[order][:count]
            centroids = np.concatenate([centroids, fresh[order][count:]])
            parked = np.zeros(len(centroids), bool)
            parked[: len(known)] = ~kept
        else:  # fewer colours than numbers: who finds no partner is parked
            partners = np.flatnonzero(kept)[match_centroids(fresh, known[kept])[:count]]
            centroids[partners] = fresh
            parked = np.ones(len(centroids), bool)
            parked[partners] = False
        return cls.settled(colors, centroids, parked)

    def succeeded(
        self,
        colors: NDArray[np.float32],
        fresh: NDArray[np.float32],
        numbers: NDArray[np.uint8],
        reach: float,
    ) -> Clusters:
        """Fresh centroids under those of some numbers that most of their own pixels have.

        What is far from a cluster's colour may just have come into the picture, and is nearest to
        that cluster for want of a better one: it has no say. The other clusters stay, and fresh
        centroids that are left over come after them.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
        fresh : ndarray of float32, shape (M, 3)
        numbers : ndarray of uint8, shape (L,)
            M at least L.
        reach : float
            Distance within which a colour is a cluster's own.
        """
        labels, distances = self.nearest(colors)
        own = np.isin(labels, numbers) & (distances < reach**2)
        new, _ = nearest(colors[own], fresh)
        old = positions(labels[own], numbers)
        common = common_members(old, new, (len(numbers), len(fresh)))
        order = match_members(common, self.centroids[numbers], fresh)
        centroids = np.concatenate([self.centroids, fresh[order][len(numbers) :]])
        centroids[numbers] = fresh[order][: len(numbers)]
        return Clusters.settled(colors, centroids, self.parked)

    @property
    def active(self) -> NDArray[np.uint8]:
        """Numbers of the clusters that are not parked."""
        return np.flatnonzero(~self.parked).astype(np.uint8)

    def held(self, pinned: AbstractSet[int]) -> NDArray[np.uint8]:
        """Those of some clusters that are not parked."""
        return np.array([number for number in self.active if number in pinned], np.uint8)

    def nearest(self, colors: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Number of the nearest active cluster, and its squared distance, for every colour."""
        last = self._last
        if last is None or not (
            last.colors is colors
            and last.centroids is self.centroids
            and last.parked is self.parked
        ):
            active = self.active
            labels, distances = nearest(colors, self.centroids[active])
            last = _Assignment(colors, self.centroids, self.parked, active[labels], distances)
            self._last = last
        return last.labels, last.distances

    def revive(self, colors: NDArray[np.float32], reach: float, pinned: AbstractSet[int]) -> None:
        """Unpark the clusters whose colours, those within reach of theirs, are back.

        They go to where these are, but for pinned ones, which stay.
        """
        for number in np.flatnonzero(self.parked):
            distances = ((colors - self.centroids[number]) ** 2).sum(axis=1)
            _, others = nearest(colors, self.centroids[self.active])
            own = (distances < others) & (distances < reach**2)
            if own.mean() > self._least_shares()[number]:
                self.parked = self.parked.copy()
                self.parked[number] = False
                if number not in pinned:
                    self.centroids = self.centroids.copy()
                    self.centroids[number] = colors[own].mean(axis=0)
                self.usual_shares = self.usual_shares.copy()
                self.usual_shares[number] = own.mean()

    def strayed(
        self, known: NDArray[np.float32], pinned: AbstractSet[int], reach: float
    ) -> set[int]:
        """Pinned clusters that take pixels of another colour than the one they are known for."""
        numbers = [number for number in pinned if number < len(known) and not self.parked[number]]
        ways = np.linalg.norm(self.centroids[numbers] - known[numbers], axis=1)
        return {number for number, way in zip(numbers, ways, strict=True) if way > reach}

    def _least_shares(self) -> NDArray[np.float64]:
        """Shares below which clusters are away: small ones may be that small all the time."""
        return np.minimum(_LEAST_SHARE, _SUDDEN_LOSS * self.usual_shares)

    def park_lost(
        self, labels: NDArray[np.uint8], fitted: NDArray[np.float32], reach: float
    ) -> bool:
        """Park the clusters whose colours have left; say whether there are any.

        Parameters
        ----------
        labels : ndarray of uint8, shape (N,)
            Cluster numbers of the sample.
        fitted : ndarray of float32, shape (R, 3)
            Where the clusters would go.
        reach : float
            A cluster that loses most of its pixels at once and goes farther than this is lost.
        """
        shares = np.bincount(labels, minlength=len(fitted)) / len(labels)
        strayed = ((fitted - self.centroids) ** 2).sum(axis=1) > reach**2
        few = shares < self._least_shares()
        sudden = (shares < _SUDDEN_LOSS * self.usual_shares) | (shares < _LEAST_SHARE)
        lost = ~self.parked & (few | (sudden & strayed))
        if (lost | self.parked).all():
            lost[:] = False
        if lost.any():
            self.parked = self.parked | lost
        weight = np.where(self.parked, 0, MEMORY)
        self.usual_shares = self.usual_shares + weight * (shares - self.usual_shares)
        return bool(lost.any())
