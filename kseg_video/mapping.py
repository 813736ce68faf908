"""From pixels to cluster numbers: by tables over a colour index, or exactly.

With tables, neither the number of clusters nor the working space costs anything per pixel: labels
and ties are looked up by the pixel's colour index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar, cast

import cv2
import numpy as np

from kseg_video.color import to_working
from kseg_video.color_index import MAX_CELLS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.frame import Frame
    from kseg_video.settings import ColorSpace

_Entry = TypeVar("_Entry", bound=np.integer)

_ROWS_AT_A_TIME = 64
_LABEL_BITS = np.uint32(31)


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
    # Direct differences: the expansion |x|^2 - 2xc + |c|^2 loses the digits that near ties need.
    distances, labels = cv2.batchDistance(
        colors, np.ascontiguousarray(centroids), cv2.CV_32F, normType=cv2.NORM_L2SQR, K=1
    )
    return labels.ravel().astype(np.uint8), cast("NDArray[np.float32]", distances).ravel()


def inertia_of(colors: NDArray[np.float32], centroids: NDArray[np.float32]) -> float:
    """Mean squared distance of colours to their nearest centroids; (N, 3) and (K, 3)."""
    _, distances = nearest(colors, centroids)
    return float(distances.mean(dtype=np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class CellTables:
    """What a palette makes of the cells of a colour index.

    Parameters
    ----------
    labels : ndarray of uint8, shape (C,)
        Nearest centroid of each cell.
    ties : ndarray, shape (C,), optional
        Bit i is set where centroid i is as good as nearest; uint8, uint16 or int32 as the number of
        clusters wants.
    """

    labels: NDArray[np.uint8]
    ties: NDArray[np.integer] | None


class Cells:
    """Working-space colours of the cells of a colour index, ready to be labelled.

    Parameters
    ----------
    colors : ndarray of float32, shape (C, 3)
    """

    def __init__(self, colors: NDArray[np.float32]) -> None:
        squares = np.einsum("ij,ij->i", colors, colors)
        self._columns = np.vstack([colors.T, np.ones(len(colors), np.float32), squares])

    def label(self, centroids: NDArray[np.float32], tie: float = 0.0) -> CellTables:
        """Nearest centroid of every cell, and those that are as good.

        As `nearest`, several times as fast, and not to the last digit: distances within 2**-18 of
        each other count as equal.

        Parameters
        ----------
        centroids : ndarray of float32, shape (K, 3)
        tie : float
            A centroid is as good as nearest if it is no farther off than this beyond the nearest.
            0 leaves the ties out.
        """
        ones = np.ones(len(centroids), np.float32)
        squares = np.einsum("ij,ij->i", centroids, centroids)
        # |x - c|^2 = -2 x c + |c|^2 + |x|^2 for all pairs by one matrix product
        distances = np.column_stack([-2 * centroids, squares, ones]) @ self._columns
        np.maximum(distances, np.finfo(np.float32).tiny, out=distances)
        np.sqrt(distances, out=distances)
        # Positive floats sort as their bit patterns do: with the label in the lowest bits, one pass
        # of minima finds label and distance together.
        bits = distances.view(np.uint32)
        bits &= ~_LABEL_BITS
        bits |= np.arange(len(centroids), dtype=np.uint32)[:, np.newaxis]
        least = bits.min(axis=0)
        labels = (least & _LABEL_BITS).astype(np.uint8)
        if not tie:
            return CellTables(labels, None)
        return CellTables(labels, _pack(distances <= least.view(np.float32) + np.float32(tie)))


def _pack(flags: NDArray[np.bool_]) -> NDArray[np.integer]:
    """Rows of flags as the bits of one number a column; (K, C) to (C,)."""
    packed = np.packbits(flags, axis=0, bitorder="little")
    if len(packed) == 1:
        return cast("NDArray[np.uint8]", packed[0])
    width = 2 if len(packed) == 2 else 4
    columns = np.zeros((packed.shape[1], width), np.uint8)
    columns[:, : len(packed)] = packed.T
    return columns.view(np.uint16).ravel() if width == 2 else columns.view(np.int32).ravel()


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


def look_up(index: NDArray[np.uint16], table: NDArray[_Entry]) -> NDArray[_Entry]:
    """Entry of a table over the cells for every pixel, (H, W) and (C,) to (H, W)."""
    whole = np.zeros(MAX_CELLS, table.dtype)
    whole[: len(table)] = table
    return cast("NDArray[_Entry]", cv2.LUT(index, cast("NDArray[np.uint8]", whole)))
