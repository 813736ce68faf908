"""Nearest centroids: by tables over a colour index, or exactly for every pixel.

With tables, the cost of a pixel does not depend on the number of clusters or the working space:
labels and ties are looked up by the pixel's cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import to_working
from kseg_video.native import kernels
from kseg_video.segmentation.color_index import MAX_CELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.core.settings import ColorSpace

_ROWS_AT_A_TIME = 64


def inertia_of_labels(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> float:
    """Mean squared distance of colours to the centroids of their labels; (N, 3), (N,), (K, 3)."""
    return kernels.squared_error(colors, labels, centroids) / len(colors)


class LastNearest:
    """Nearest centroids of a sample, computed again only if sample or centroids have changed."""

    def __init__(self) -> None:
        self._given: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None
        self._found: tuple[NDArray[np.uint8], NDArray[np.float32]]

    def __call__(
        self, colors: NDArray[np.float32], centroids: NDArray[np.float32]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Labels and squared distances, (N,) each, of colours (N, 3) and centroids (K, 3).

        Arrays are compared by identity, so they may not be written to.
        """
        given = self._given
        if given is None or given[0] is not colors or given[1] is not centroids:
            self._given = colors, centroids
            self._found = kernels.nearest(colors, centroids)
        return self._found


def inertia_of(colors: NDArray[np.float32], centroids: NDArray[np.float32]) -> float:
    """Mean squared distance of colours to their nearest centroids; (N, 3) and (K, 3)."""
    _, distances = kernels.nearest(colors, centroids)
    return float(distances.mean(dtype=np.float64))


@dataclass(frozen=True, eq=False)
class CellTable:
    """Labels and ties of a colour index's cells for one palette.

    Parameters
    ----------
    labels : ndarray of uint8, shape (65536,)
        Number of the cluster nearest to each cell.
    ties : ndarray of uint16, shape (65536,)
        Three numbers packed into one. Bits 0 to 4: the label. Bits 5 to 9: the label XOR its rival,
        the number of the second nearest cluster; 0 where that cluster is too far. Bits 10 to 15:
        the excess of the rival's squared distance over the least, 1 to 63 levels; 0 where there are
        no rivals.
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

    def label(
        self,
        centroids: NDArray[np.float32],
        numbers: NDArray[np.uint8],
        level: float = 0.0,
    ) -> CellTable:
        """Find the nearest and second nearest cluster of every cell.

        Several times as fast as `kernels.nearest`, but less exact: squared distances within one
        part in 2**18 of each other count as equal.

        Parameters
        ----------
        centroids : ndarray of float32, shape (K, 3)
        numbers : ndarray of uint8, shape (K,)
            Cluster number of each centroid, below 32, in ascending order.
        level : float
            Squared distance of one level of excess: more makes more ties. 0 makes none.
        """
        table = CellTable(np.zeros(MAX_CELLS, np.uint8), np.zeros(MAX_CELLS, np.uint16))
        level = level if len(centroids) > 1 else 0.0
        kernels.label_cells(self._channels, centroids, numbers, level, table.labels, table.ties)
        return table


def map_exactly(
    frame: Frame, centroids: NDArray[np.float32], space: ColorSpace
) -> tuple[NDArray[np.uint8], float]:
    """Find the nearest centroid of every pixel of a frame.

    Returns
    -------
    labels : ndarray of uint8, shape (H, W)
    inertia : float
        Mean squared distance of the pixels to their centroids.
    """
    picture = frame.bgr
    labels = np.empty(picture.shape[:2], np.uint8)
    total = 0.0
    for top in range(0, len(picture), _ROWS_AT_A_TIME):
        rows = picture[top : top + _ROWS_AT_A_TIME]
        colors = to_working(rows.reshape(-1, 3).astype(np.float32), space)
        row_labels, distances = kernels.nearest(colors, centroids)
        labels[top : top + _ROWS_AT_A_TIME] = row_labels.reshape(rows.shape[:2])
        total += float(distances.sum(dtype=np.float64))
    return labels, total / labels.size
