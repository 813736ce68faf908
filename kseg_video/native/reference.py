"""The kernels with OpenCV and NumPy: the reference, and the fallback where C is not compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.native import votes
from kseg_video.native.constants import LABEL_BITS, LABEL_MASK, MAX_EXCESS, PASSES
from kseg_video.native.planes import (
    PAIRS,
    LevelTable,
    bands_of,
    for_each_band,
    look_up,
    squared_distances,
)
from kseg_video.native.regions import Regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kseg_video.native.pictures import CellNumbers, Memory, Picture
    from kseg_video.native.planes import Band

_COLORS_AT_A_TIME = 1 << 14  # whose temporary arrays fit the cache
_FEW_LABELS = 16  # up to which comparing with each label is faster than a histogram


def nearest(
    colors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Find the nearest centroid of every colour, the first of equally near ones.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    centroids : ndarray of float32, shape (K, 3)

    Returns
    -------
    labels : ndarray of uint8, shape (N,)
    squared_distances : ndarray of float32, shape (N,)
    """
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
            np.maximum(chosen, nearer * np.uint8(number), out=chosen)  # numbers increase
    return labels, distances


def squared_error(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> float:
    """Sum of the squared distances of colours to the centroids of their labels.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        At least one.
    labels : ndarray of uint8, shape (N,)
    centroids : ndarray of float32, shape (K, 3)
    """
    squares = (colors - centroids.take(labels, axis=0)) ** 2
    distances = squares[:, 0] + squares[:, 1] + squares[:, 2]
    return float(np.cumsum(distances, dtype=np.float64)[-1])


def label_cells(
    channels: NDArray[np.float32],
    centroids: NDArray[np.float32],
    numbers: NDArray[np.uint8],
    level: float,
    labels: NDArray[np.uint8],
    ties: NDArray[np.uint16],
) -> None:
    """Compute labels and ties of a colour index's cells.

    Parameters
    ----------
    channels : ndarray of float32, shape (3, C)
        Colours of the cells.
    centroids : ndarray of float32, shape (K, 3)
    numbers : ndarray of uint8, shape (K,)
        Cluster number of each centroid, in ascending order.
    level : float
        Squared distance of one level of excess; at 0 there are no rivals.
    labels : ndarray of uint8, of C entries or more
        Receives the nearest cluster of each cell.
    ties : ndarray of uint16, of C entries or more
        Receives label, rival and excess, packed as in
        `kseg_video.segmentation.nearest_centroid.CellTable`.
    """
    least, next_least = _two_nearest(channels, centroids, numbers)
    labels, ties = labels[: len(least)], ties[: len(least)]
    labels[:] = least & LABEL_MASK
    ties[:] = labels
    if level:
        excess = next_least.view(np.float32) - least.view(np.float32)
        levels = np.clip(np.ceil(excess / np.float32(level)), 1, MAX_EXCESS + 1)
        swaps = labels ^ (next_least & LABEL_MASK).astype(np.uint8)
        swaps *= (levels <= MAX_EXCESS).view(np.uint8)
        ties |= swaps.astype(np.uint16) << LABEL_BITS
        ties |= np.minimum(levels, MAX_EXCESS).astype(np.uint16) << 2 * LABEL_BITS


def _two_nearest(
    channels: NDArray[np.float32], centroids: NDArray[np.float32], numbers: NDArray[np.uint8]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """The two least squared distances, with cluster numbers in their lowest bits.

    Positive floats sort like their bit patterns, so a minimum finds distance and number together.
    """
    least = np.full(channels.shape[1], np.float32(np.inf).view(np.uint32))
    next_least, greater = least.copy(), np.empty_like(least)
    for number, centroid in zip(numbers, centroids, strict=True):
        bits = squared_distances(channels, centroid).view(np.uint32)
        bits &= ~np.uint32(LABEL_MASK)
        bits |= number
        np.maximum(least, bits, out=greater)
        np.minimum(next_least, greater, out=next_least)
        np.minimum(least, bits, out=least)
    return least, next_least


def hold_labels(
    picture: Picture,
    luma: NDArray[np.uint8],
    numbers: CellNumbers,
    ties: NDArray[np.uint16],
    memory: Memory | None,
    labels: NDArray[np.uint8],
    cells: NDArray[np.uint16] | None,
    *,
    threads: int = 1,
) -> None:
    """Label a picture with hysteresis: held to the frame before, and smoothed.

    `kseg_video.segmentation.label_hysteresis` describes the method.

    Parameters
    ----------
    picture : Picture
    luma : ndarray of uint8, shape (H, W)
        Luma of the picture.
    numbers : CellNumbers
        Cell numbers of a colour index.
    ties : ndarray of uint16, shape (65536,)
        Ties of the index's cells, from `label_cells`.
    memory : Memory, optional
        The frame before; without it, nothing is held.
    labels : ndarray of uint8, shape (H, W)
        Receives the labels.
    cells : ndarray of uint16, shape (H, W), optional
        Receives the cell number of every pixel.
    threads : int
        Number of threads that share the work; the result is the same for any.
    """

    def label(band: Band) -> None:
        seen = band.seen
        of_pixels = numbers.of_picture(picture, seen)
        if cells is not None:
            cells[band.rows] = of_pixels[band.within]
        found = look_up(of_pixels, ties)
        near = (found & LABEL_MASK).astype(np.uint8)
        swaps = ((found >> LABEL_BITS) & LABEL_MASK).astype(np.uint8)
        needs = (found >> 2 * LABEL_BITS).astype(np.int8)  # votes that the rival needs
        chosen = near
        if memory is not None:
            needs -= votes.of_memory(picture, luma, memory, seen, near, swaps)
            chosen = near ^ swaps * (needs <= 0).view(np.uint8)
        labels[band.rows] = votes.follow_neighbors(chosen, near, swaps, needs)[band.within]

    for_each_band(bands_of(*labels.shape, margin=PASSES), threads, label)


def label_strictly(
    picture: Picture,
    numbers: CellNumbers,
    ties: NDArray[np.uint16],
    labels: NDArray[np.uint8],
) -> None:
    """Label a picture by its cells alone, without hysteresis.

    Parameters
    ----------
    picture : Picture
    numbers : CellNumbers
        Cell numbers of a colour index.
    ties : ndarray of uint16, shape (65536,)
        Ties of the index's cells, from `label_cells`.
    labels : ndarray of uint8, shape (H, W)
        Receives the labels.
    """
    near = (ties & LABEL_MASK).astype(np.uint8)
    for band in bands_of(*labels.shape):
        look_up(numbers.of_picture(picture, band.rows), near, out=labels[band.rows])


def paint_planes(
    labels: NDArray[np.uint8], levels: NDArray[np.uint8], planes: Sequence[NDArray[np.uint8]]
) -> None:
    """Paint labels to the planes Y, U and V.

    Parameters
    ----------
    labels : ndarray of uint8, shape (H, W)
        W even.
    levels : ndarray of uint8, shape (K, 3)
        Y, U and V of each label.
    planes : sequence of three ndarray of uint8
        Receive Y, (H, W), and U and V, (H / 2, W / 2), H / 2 rounded up.
    """
    labels = np.ascontiguousarray(labels)
    luma, *chroma = levels.T
    in_luma = LevelTable(luma)
    in_chroma = [_of_the_first(each) for each in chroma]
    for band in bands_of(*labels.shape):
        rows, half = band.rows, slice(band.rows.start // 2, -(-band.rows.stop // 2))
        in_luma.look_up(labels[rows], out=planes[0][rows])
        # A block's chroma is that of its upper left pixel, near which H.264 and related codecs
        # place the chroma sample: the first pixel of each pair in every other row.
        pairs = labels[rows][::2].view(np.uint16)
        for plane, table in zip(planes[1:], in_chroma, strict=True):
            look_up(pairs, table, out=plane[half])


def _of_the_first(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Table over pairs of labels with the value of the first label."""
    table = np.zeros((256, 256), np.uint8)
    size = len(values)
    table[:size, :size] = values[PAIRS[:size, :size, 0]]
    return table.ravel()


def paint_bgr(
    labels: NDArray[np.uint8], colors: NDArray[np.uint8], pixels: NDArray[np.uint8]
) -> None:
    """Paint labels to B, G and R pixels.

    Parameters
    ----------
    labels : ndarray of uint8, shape (H, W)
    colors : ndarray of uint8, shape (K, 3)
        B, G and R of each label.
    pixels : ndarray of uint8, shape (H, W, 3)
        Receives the picture.
    """
    table = np.zeros((256, 4), np.uint8)  # 32-bit entries take half the time of cv2.applyColorMap
    table[: len(colors), :3] = colors
    entries = cast("NDArray[np.uint8]", table.view(np.int32).ravel())
    for band in bands_of(*labels.shape):
        found = cast("NDArray[np.int32]", cv2.LUT(labels[band.rows], entries))
        four = found.view(np.uint8).reshape(*found.shape, 4)
        cv2.cvtColor(four, cv2.COLOR_BGRA2BGR, pixels[band.rows])


def merge_small_regions(
    labels: NDArray[np.uint8],
    before: NDArray[np.uint8] | None,
    most: int,
    least: int,
    result: NDArray[np.uint8],
) -> None:
    """Join small regions to their neighbours.

    A region takes the label that it shares the longest border with, the smallest region first. A
    border counts up to twice where the region had that label before: without, regions would flicker
    between neighbours; with more, what moves would leave its label behind.

    Parameters
    ----------
    labels : ndarray of uint8, shape (H, W)
    before : ndarray of uint8, shape (H, W), optional
        The result for the frame before.
    most : int
        Regions of fewer pixels are joined, at most one more than there are pixels.
    least : int
        Regions of at least so many pixels stay if they were there before.
    result : ndarray of uint8, shape (H, W)
        Receives the labels.
    """
    result[:] = Regions(labels, before).dissolve_all(most, least).reshape(labels.shape)


def count_labels(labels: NDArray[np.uint8], n_labels: int) -> NDArray[np.uint32]:
    """Count the pixels of each label from 0 to `n_labels` - 1; (H, W) to (K,)."""
    counts: NDArray[np.uint32] = np.zeros(n_labels, np.uint32)
    if n_labels > _FEW_LABELS:
        counts[:] = cv2.calcHist([labels], [0], None, [n_labels], [0, n_labels]).ravel()
        return counts
    for band in bands_of(*labels.shape):
        rows = labels[band.rows]
        masks = ((rows == number).view(np.uint8) for number in range(1, n_labels))
        counts[1:] += np.array([cv2.countNonZero(mask) for mask in masks], np.uint32)
    counts[0] = labels.size - int(counts.sum())
    return counts
