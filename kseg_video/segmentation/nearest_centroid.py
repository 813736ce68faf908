"""From pixels to cluster numbers: by tables over a colour index, or exactly.

With tables, neither the number of clusters nor the working space costs anything per pixel: labels
and ties are looked up by the pixel's colour index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import squared_distances, to_working
from kseg_video.native import binding
from kseg_video.segmentation.color_index import MAX_CELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.core.settings import ColorSpace

_ROWS_AT_A_TIME = 64
_COLORS_AT_A_TIME = 1 << 14  # so that what is made of them stays in the cache
LABEL_BITS, LABEL_MASK = 5, np.uint16(31)  # of a squared distance, and of the ties of a cell
_MOST_LEVELS = 63


def nearest(
    colors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Nearest centroid of every colour, the first of equally near ones.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    centroids : ndarray of float32, shape (K, 3)

    Returns
    -------
    labels : ndarray of uint8, shape (N,)
    squared_distances : ndarray of float32, shape (N,)
    """
    if binding.library is not None:
        return binding.nearest(colors, centroids)
    labels = np.zeros(len(colors), np.uint8)
    distances = np.empty(len(colors), np.float32)
    for begin in range(0, len(colors), _COLORS_AT_A_TIME):
        part = slice(begin, begin + _COLORS_AT_A_TIME)
        channels = np.ascontiguousarray(colors[part].T)
        chosen, least = labels[part], distances[part]
        least[:] = squared_distances(channels, centroids[0])
        for number, centroid in enumerate(centroids[1:], start=1):
            squared = squared_distances(channels, centroid)
            nearer = (squared < least).view(np.uint8)
            np.minimum(least, squared, out=least)
            np.maximum(chosen, nearer * np.uint8(number), out=chosen)  # the number only grows
    return labels, distances


def inertia_of_labels(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> float:
    """Mean squared distance of colours to the centroids of their labels; (N, 3), (N,), (K, 3)."""
    if binding.library is not None:
        return binding.squared_error(colors, labels, centroids) / len(colors)
    squares = (colors - centroids.take(labels, axis=0)) ** 2
    distances = squares[:, 0] + squares[:, 1] + squares[:, 2]
    return float(np.cumsum(distances, dtype=np.float64)[-1]) / len(colors)


def inertia_of(colors: NDArray[np.float32], centroids: NDArray[np.float32]) -> float:
    """Mean squared distance of colours to their nearest centroids; (N, 3) and (K, 3)."""
    _, distances = nearest(colors, centroids)
    return float(distances.mean(dtype=np.float64))


@dataclass(frozen=True, eq=False)
class CellTable:
    """What a palette makes of the cells of a colour index.

    Parameters
    ----------
    labels : ndarray of uint8, shape (65536,)
        Number of the cluster nearest to each cell.
    ties : ndarray of uint16, shape (65536,)
        Three numbers in one. In the lowest five bits the label. In the next five, what turns it
        into its rival, the number of the second nearest cluster, by an exclusive or; 0 where that
        cluster is too far. In the rest, by how many levels its squared distance exceeds that of the
        nearest, from 1 to 63; where there are no rivals, 0.
    """

    labels: NDArray[np.uint8]
    ties: NDArray[np.uint16]


class Cells:
    """Working-space colours of the cells of a colour index, ready to be labelled.

    Parameters
    ----------
    colors : ndarray of float32, shape (C, 3)
    """

    def __init__(self, colors: NDArray[np.float32]) -> None:
        self._channels = np.ascontiguousarray(colors.T)
        self._centroids: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._numbers: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._distances: NDArray[np.uint32] = np.zeros((0, len(colors)), np.uint32)

    def label(
        self,
        centroids: NDArray[np.float32],
        numbers: NDArray[np.uint8],
        level: float = 0.0,
    ) -> CellTable:
        """Nearest and second nearest cluster of every cell.

        As `nearest`, several times as fast, and not to the last digit: squared distances within a
        part in 2**18 of each other count as equal.

        Parameters
        ----------
        centroids : ndarray of float32, shape (K, 3)
        numbers : ndarray of uint8, shape (K,)
            Cluster number of each, below 32, in ascending order.
        level : float
            What a level of excess is in squared distance; at 0 there are no rivals.
        """
        table = CellTable(np.zeros(MAX_CELLS, np.uint8), np.zeros(MAX_CELLS, np.uint16))
        level = level if len(centroids) > 1 else 0.0
        if binding.library is not None:
            results = table.labels, table.ties
            binding.label_cells(self._channels, centroids, numbers, level, results)
            return table
        least, next_least = self._two_nearest(centroids, numbers)
        found = slice(len(least))
        labels, ties = table.labels[found], table.ties[found]
        labels[:] = least & LABEL_MASK
        if level:
            excess = next_least.view(np.float32) - least.view(np.float32)
            levels = np.clip(np.ceil(excess / np.float32(level)), 1, _MOST_LEVELS + 1)
            swaps = labels ^ (next_least & LABEL_MASK).astype(np.uint8)
            swaps *= (levels <= _MOST_LEVELS).view(np.uint8)
            ties |= np.minimum(levels, _MOST_LEVELS).astype(np.uint16)
            ties <<= LABEL_BITS
            ties |= swaps
        ties <<= LABEL_BITS
        ties |= labels
        return table

    def _two_nearest(
        self, centroids: NDArray[np.float32], numbers: NDArray[np.uint8]
    ) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """The two least squared distances.

        Positive floats sort as their bit patterns do: with the number in the lowest bits, minima
        find number and distance together.
        """
        self._update(centroids, numbers)
        least = self._distances[0].copy()
        next_least = np.full_like(least, np.float32(np.inf).view(np.uint32))
        greater = np.empty_like(least)
        for row in self._distances[1:]:
            np.maximum(least, row, out=greater)
            np.minimum(next_least, greater, out=next_least)
            np.minimum(least, row, out=least)
        return least, next_least

    def _update(self, centroids: NDArray[np.float32], numbers: NDArray[np.uint8]) -> None:
        """Bring the distances up to date, for those centroids that have moved."""
        if np.array_equal(numbers, self._numbers):
            moved = np.flatnonzero((centroids != self._centroids).any(axis=1))
        else:
            self._distances = np.empty((len(centroids), self._channels.shape[1]), np.uint32)
            moved = np.arange(len(centroids))
        self._centroids, self._numbers = centroids.copy(), numbers.copy()
        for row in moved:
            bits = squared_distances(self._channels, centroids[row]).view(np.uint32)
            bits &= ~np.uint32(LABEL_MASK)
            bits |= numbers[row]
            self._distances[row] = bits


def map_exactly(
    frame: Frame, centroids: NDArray[np.float32], space: ColorSpace
) -> tuple[NDArray[np.uint8], float]:
    """Nearest centroid of every pixel of a frame.

    Returns
    -------
    labels : ndarray of uint8, shape (H, W)
    inertia : float
        Mean squared distance.
    """
    picture = frame.bgr
    labels = np.empty(picture.shape[:2], np.uint8)
    total = 0.0
    for top in range(0, len(picture), _ROWS_AT_A_TIME):
        rows = picture[top : top + _ROWS_AT_A_TIME]
        colors = to_working(rows.reshape(-1, 3).astype(np.float32), space)
        row_labels, distances = nearest(colors, centroids)
        labels[top : top + _ROWS_AT_A_TIME] = row_labels.reshape(rows.shape[:2])
        total += float(distances.sum(dtype=np.float64))
    return labels, total / labels.size
