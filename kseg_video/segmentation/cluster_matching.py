"""Matching of new clusters to old ones, so that a cluster keeps its number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from numpy.typing import NDArray


def match_centroids(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.intp]:
    """Order the new centroids so that each takes the number of the old one that it continues.

    The assignment is one to one and has the least total distance.

    Parameters
    ----------
    old : ndarray of float32, shape (M, 3)
    new : ndarray of float32, shape (N, 3)
        N at least M.

    Returns
    -------
    ndarray of int, shape (N,)
        Row i of ``new[order]`` continues row i of `old`; unmatched rows follow in their own order.
    """
    # With unit weights, the earth mover's flow is an optimal assignment, ties included; NumPy and
    # OpenCV have no other solver. A Hungarian method in Python takes 20 lines and 8 times as long;
    # SciPy's would cost a wheel of 35 MB for this one call.
    distances = np.linalg.norm(old[:, np.newaxis] - new, axis=2)
    rows, columns = distances.shape
    _, _, flow = cv2.EMD(
        np.ones((rows, 1), np.float32),
        np.ones((columns, 1), np.float32),
        cv2.DIST_USER,
        cost=distances.astype(np.float32),
    )
    partners = np.argmax(flow, axis=1)
    return np.concatenate([partners, np.setdiff1d(np.arange(columns), partners)])


def renumbered(
    known: NDArray[np.float32], fresh: NDArray[np.float32], absent: Collection[int] = ()
) -> NDArray[np.float32]:
    """Give fresh centroids the numbers of the known centroids that they resemble.

    Parameters
    ----------
    known : ndarray of float32, shape (M, 3)
        Centroids in the order of their numbers.
    fresh : ndarray of float32, shape (N, 3)
        Centroids of a new fit; unmatched ones are appended.
    absent : collection of int
        Numbers that no fresh centroid may take.

    Returns
    -------
    ndarray of float32, shape (R, 3)
        Numbers that no fresh centroid takes keep their known centroid.
    """
    kept = np.setdiff1d(np.arange(len(known)), list(absent))
    centroids = known.copy()
    if len(fresh) < len(kept):
        centroids[kept[match_centroids(fresh, known[kept])[: len(fresh)]]] = fresh
        return centroids
    ordered = fresh[match_centroids(known[kept], fresh)] if len(kept) else fresh
    centroids[kept] = ordered[: len(kept)]
    return np.concatenate([centroids, ordered[len(kept) :]])


def renumbered_around(
    known: NDArray[np.float32],
    fresh: NDArray[np.float32],
    held: Collection[int],
    reach: float,
    n_clusters: int,
    fit: Callable[[int], NDArray[np.float32]],
) -> NDArray[np.float32]:
    """Fresh centroids under the numbers of known ones, some of which take no other colour.

    Parameters
    ----------
    known : ndarray of float32, shape (M, 3)
    fresh : ndarray of float32, shape (K, 3)
    held : collection of int
        Numbers that keep their known centroid where no fresh one is near.
    reach : float
        Distance within which a colour is near.
    n_clusters : int
        Number of clusters wanted, those that nothing is near included.
    fit : callable
        Fits a given number of centroids, for the numbers that are left.

    Returns
    -------
    ndarray of float32, shape (R, 3)
    """
    absent: set[int] = set()
    while True:
        found = renumbered(known, fresh, absent)
        ways = np.linalg.norm(found[: len(known)] - known, axis=1)
        absent_before = len(absent)
        absent.update(number for number in held if ways[number] > reach)
        if len(absent) in {absent_before, n_clusters}:
            return found  # at least one cluster has to take the pixels
        fresh = fit(n_clusters - len(absent))
