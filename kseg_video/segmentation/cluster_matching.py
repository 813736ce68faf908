"""Which of some new clusters go on from which old ones: who inherits whose number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def match_centroids(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.intp]:
    """Order of the new centroids in which each takes the number of the old one it continues.

    The pairing is one to one with the least total distance: an assignment problem, which the earth
    mover's distance between unit weights solves.

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
    return _assign(_distances(old, new))


def match_members(
    common: NDArray[np.integer], old: NDArray[np.float32], new: NDArray[np.float32]
) -> NDArray[np.intp]:
    """Order of the new centroids in which as many pixels as can be keep their number.

    Parameters
    ----------
    common : ndarray of int, shape (M, N)
        Number of pixels that each old and each new cluster have in common.
    old, new : ndarray of float32, shape (M, 3) and (N, 3)
        Their centroids, which decide where pixels do not. N at least M.

    Returns
    -------
    ndarray of int, shape (N,)
        As of `match_centroids`.
    """
    if not len(old):
        return np.arange(len(new))
    distances = _distances(old, new)
    return _assign(common.max() - common + 0.5 * distances / max(distances.max(), 1e-9))


def _distances(old: NDArray[np.float32], new: NDArray[np.float32]) -> NDArray[np.floating]:
    distances: NDArray[np.floating] = np.linalg.norm(old[:, np.newaxis] - new, axis=2)
    return distances


def _assign(cost: NDArray[np.floating]) -> NDArray[np.intp]:
    """Column of each row at the least total cost, then the columns left over."""
    rows, columns = cost.shape
    _, _, flow = cv2.EMD(
        np.ones((rows, 1), np.float32),
        np.ones((columns, 1), np.float32),
        cv2.DIST_USER,
        cost=cost.astype(np.float32),
    )
    partners = np.argmax(flow, axis=1)
    others = np.setdiff1d(np.arange(columns), partners)
    return np.concatenate([partners, others])


def common_members(
    rows: NDArray[np.uint8], columns: NDArray[np.uint8], shape: tuple[int, int]
) -> NDArray[np.intp]:
    """Number of pixels of each pair of labels; two arrays of shape (N,) to one of `shape`."""
    return np.bincount(rows * np.intp(shape[1]) + columns, minlength=shape[0] * shape[1]).reshape(
        shape
    )


def positions(labels: NDArray[np.uint8], numbers: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Labels as positions in a list of numbers; (N,) to (N,)."""
    table = np.zeros(256, np.uint8)
    table[numbers] = np.arange(len(numbers))
    return table[labels]
