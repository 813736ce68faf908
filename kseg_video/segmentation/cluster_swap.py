"""Swaps: the cluster that is needed least moves to a new colour.

References
----------
.. [1] T. Kanungo et al., "A local search approximation algorithm for k-means clustering",
   Computational Geometry 28 (2004).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kseg_video.native.planes import squared_distances

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

_CANDIDATES = 4
_LEAST_SHARE = 0.002  # of the sample; new colours that cover less get no cluster


def swapped(
    colors: NDArray[np.float32],
    remembered: NDArray[np.float32],
    centroids: NDArray[np.float32],
    pinned: Collection[int],
    *,
    reach: float,
    worth: float,
) -> NDArray[np.float32] | None:
    """Move one centroid to colours that no cluster is near, if that saves enough inertia.

    The other centroids stay: this is one step of a local search for k-means [1]_.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        A sample of the present frame, on which the gain is measured.
    remembered : ndarray of float32, shape (M, 3)
        Pixels of the shot. The loss is the larger of that on them and that on the frame.
    centroids : ndarray of float32, shape (K, 3)
    pinned : collection of int
        Clusters that neither move nor take the pixels of a cluster that moves.
    reach : float
        Distance beyond which a colour counts as new.
    worth : float
        Share of the frame's inertia that a swap has to save. Less fits frames more closely; more
        keeps the palette stiller.

    Returns
    -------
    ndarray of float32, shape (K, 3), or None
        The new centroids; None if no swap is worth it.
    """
    candidates = _dispensable(centroids, pinned)
    least = _distances(colors, centroids).min(axis=0)
    total = float(least.mean())
    far = np.flatnonzero(least > reach**2)
    if not len(candidates) or len(far) < _LEAST_SHARE * len(colors):
        return None
    newcomer, gain = _newcomer(colors, least, far)
    losses = [_losses(each, centroids, newcomer) for each in (colors, remembered)]
    loss = np.maximum(*losses)[candidates]
    if gain - loss.min() <= worth * total:
        return None
    result = centroids.copy()
    result[candidates[loss.argmin()]] = newcomer
    return result


def _dispensable(centroids: NDArray[np.float32], pinned: Collection[int]) -> NDArray[np.intp]:
    """Clusters that may move: neither pinned nor next to a pinned one, which would take pixels."""
    if len(centroids) < 2:
        return np.zeros(0, np.intp)
    ways = np.linalg.norm(centroids[:, np.newaxis] - centroids, axis=2)
    np.fill_diagonal(ways, np.inf)
    taken = np.array(list(pinned), np.intp)
    return np.flatnonzero(
        ~np.isin(np.arange(len(centroids)), taken) & ~np.isin(ways.argmin(axis=1), taken)
    )


def _newcomer(
    colors: NDArray[np.float32], least: NDArray[np.float32], far: NDArray[np.intp]
) -> tuple[NDArray[np.float32], float]:
    """The best position of one more centroid and its gain; candidates are drawn by k-means++."""
    chance = np.random.default_rng(len(far))
    weights = least[far] / least[far].sum(dtype=np.float64)
    channels = np.ascontiguousarray(colors.T)
    best, most = colors[far[0]], 0.0
    for seed in chance.choice(far, _CANDIDATES, p=weights / weights.sum()):
        nearer = squared_distances(channels, colors[seed]) < least
        centre = colors[nearer].mean(axis=0)
        gain = float(np.maximum(least - squared_distances(channels, centre), 0).mean())
        if gain > most:
            best, most = centre, gain
    return best, most


def _losses(
    colors: NDArray[np.float32], centroids: NDArray[np.float32], newcomer: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Inertia added by removing each cluster, given that the newcomer is there; (K,)."""
    ways = _distances(colors, centroids)
    labels, columns = ways.argmin(axis=0), np.arange(len(colors))
    least = ways[labels, columns]
    ways[labels, columns] = np.inf
    to_newcomer = squared_distances(np.ascontiguousarray(colors.T), newcomer)
    excess = np.minimum(ways.min(axis=0), to_newcomer) - np.minimum(least, to_newcomer)
    return np.bincount(labels, excess, len(centroids)) / len(colors)


def _distances(colors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float32]:
    """Squared distances, (K, N)."""
    channels = np.ascontiguousarray(colors.T)
    return np.stack([squared_distances(channels, centroid) for centroid in centroids])
