"""Which of some new clusters go on from which old ones: who inherits whose number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray


def match_centroids(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.intp]:
    """Order of the new centroids in which each takes the number of the old one it continues.

    The pairing is one to one with the least total distance.

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
    # Unit weights make the earth mover's flow an optimal assignment, ties included, and no part of
    # NumPy or OpenCV finds one otherwise. A Hungarian method takes 20 lines here and 8 times as
    # long; SciPy's would be a wheel of 35 MB more for this call.
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
    """Fresh centroids under the numbers of the known ones that they resemble.

    Parameters
    ----------
    known : ndarray of float32, shape (M, 3)
    fresh : ndarray of float32, shape (N, 3)
        What is left over comes after the known ones.
    absent : collection of int
        Numbers that are given to none.

    Returns
    -------
    ndarray of float32, shape (R, 3)
        Numbers that nobody has got keep their known centroids.
    """
    kept = np.setdiff1d(np.arange(len(known)), list(absent))
    centroids = known.copy()
    if len(fresh) < len(kept):
        centroids[kept[match_centroids(fresh, known[kept])[: len(fresh)]]] = fresh
        return centroids
    ordered = fresh[match_centroids(known[kept], fresh)] if len(kept) else fresh
    centroids[kept] = ordered[: len(kept)]
    return np.concatenate([centroids, ordered[len(kept) :]])
