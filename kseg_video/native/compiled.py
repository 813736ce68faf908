"""The kernels in C, bit for bit the same as those of `kseg_video.native.reference`.

The reference documents their parameters. Importing this module raises `NotCompiledError` if nothing
was compiled at installation.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.native.constants import MAX_LABELS, PASSES
from kseg_video.native.library import (
    IndexAddress,
    PictureAddress,
    PlaneAddress,
    halves_of,
    load,
)
from kseg_video.native.planes import bands_of, for_each_band

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kseg_video.native.pictures import CellNumbers, Memory, Picture
    from kseg_video.native.planes import Band

_CHROMA_MARGIN = 2  # rows; the chroma of a band's first and last row depends on rows beyond

library = load(Path(__file__).with_name("compiled.shared"))


def nearest(
    colors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Find the nearest centroid of every colour, and its squared distance."""
    assert len(centroids)
    colors, centroids = np.ascontiguousarray(colors), np.ascontiguousarray(centroids)
    labels, distances = np.empty(len(colors), np.uint8), np.empty(len(colors), np.float32)
    given = len(colors), colors.ctypes.data, len(centroids), centroids.ctypes.data
    library.nearest(*given, labels.ctypes.data, distances.ctypes.data)
    return labels, distances


def squared_error(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> float:
    """Sum of the squared distances of colours to the centroids of their labels."""
    given = [np.ascontiguousarray(array) for array in (colors, labels, centroids)]
    error: float = library.squared_error(len(colors), *(array.ctypes.data for array in given))
    return error


def label_cells(
    channels: NDArray[np.float32],
    centroids: NDArray[np.float32],
    numbers: NDArray[np.uint8],
    level: float,
    labels: NDArray[np.uint8],
    ties: NDArray[np.uint16],
) -> None:
    """Compute labels and ties of a colour index's cells."""
    centroids = np.ascontiguousarray(centroids)
    given = len(centroids), centroids.ctypes.data, numbers.ctypes.data, level
    results = labels.ctypes.data, ties.ctypes.data
    library.label_cells(channels.shape[1], channels.ctypes.data, *given, *results)


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

    Raises
    ------
    MemoryError
        If the buffers of a row cannot be allocated.
    """
    width, tables = labels.shape[1], (IndexAddress.of(numbers), ties.ctypes.data)

    def label(band: Band) -> None:
        seen, wanted = band.seen, band.within
        before, labels_before, limit = PictureAddress(), None, 0
        if memory is not None:
            before = PictureAddress.of(memory.picture, memory.luma, seen)
            labels_before, limit = memory.labels, memory.limit
        components = _components(picture, numbers, seen)
        failed = library.label_rows(
            *(width, seen.stop - seen.start, wanted.start, wanted.stop),
            *map(PlaneAddress.of, components),
            *tables,
            PictureAddress.of(picture, luma, seen),
            before,
            PlaneAddress.of(labels_before, seen),
            limit,
            *(PlaneAddress.of(result, band.rows) for result in (labels, cells)),
        )
        if failed:
            raise MemoryError

    for_each_band(_bands(picture, labels.shape, threads, PASSES), threads, label)


def label_strictly(
    picture: Picture,
    numbers: CellNumbers,
    ties: NDArray[np.uint16],
    labels: NDArray[np.uint8],
) -> None:
    """Label a picture by its cells alone, without hysteresis.

    Raises
    ------
    MemoryError
        If the buffers of a row cannot be allocated.
    """
    width, tables = labels.shape[1], (IndexAddress.of(numbers), ties.ctypes.data)
    for band in _bands(picture, labels.shape):
        components = _components(picture, numbers, band.rows)
        failed = library.label_rows_strictly(
            *(width, band.rows.stop - band.rows.start),
            *map(PlaneAddress.of, components),
            *tables,
            *halves_of(picture, band.rows),
            PlaneAddress.of(labels, band.rows),
        )
        if failed:
            raise MemoryError


def paint_planes(
    labels: NDArray[np.uint8], levels: NDArray[np.uint8], planes: Sequence[NDArray[np.uint8]]
) -> None:
    """Paint labels to the planes Y, U and V."""
    (height, width), labels, table = labels.shape, _adjoining(labels), _table(levels)
    results = map(PlaneAddress.of, planes)
    library.paint_planes(width, height, PlaneAddress.of(labels), table.ctypes.data, *results)


def paint_bgr(
    labels: NDArray[np.uint8], colors: NDArray[np.uint8], pixels: NDArray[np.uint8]
) -> None:
    """Paint labels to B, G and R pixels."""
    (height, width), labels, table = labels.shape, _adjoining(labels), _table(colors)
    planes = PlaneAddress.of(labels), table.ctypes.data, PlaneAddress.of(pixels)
    library.paint_bgr(width, height, *planes)


def merge_small_regions(
    labels: NDArray[np.uint8],
    before: NDArray[np.uint8] | None,
    most: int,
    least: int,
    result: NDArray[np.uint8],
) -> None:
    """Join small regions to their neighbours.

    Raises
    ------
    MemoryError
        If the regions cannot be allocated.
    """
    (height, width), labels = labels.shape, _adjoining(labels)
    planes = PlaneAddress.of(labels), PlaneAddress.of(before)
    if library.merge_small_regions(width, height, *planes, most, least, PlaneAddress.of(result)):
        raise MemoryError


def count_labels(labels: NDArray[np.uint8], n_labels: int) -> NDArray[np.uint32]:
    """Count the pixels of each label."""
    (height, width), labels, counts = labels.shape, _adjoining(labels), np.empty(n_labels, "u4")
    library.count_labels(width, height, PlaneAddress.of(labels), n_labels, counts.ctypes.data)
    return counts


def _bands(
    picture: Picture, shape: tuple[int, ...], threads: int = 1, margin: int = 0
) -> Sequence[Band]:
    """Bands to work on; for a planar picture, whose components need no array, one for a thread."""
    if isinstance(picture, tuple):
        return bands_of(*shape, margin=margin + _CHROMA_MARGIN, parts=threads)
    return bands_of(*shape, margin=margin)


def _components(
    picture: Picture, numbers: CellNumbers, rows: slice
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Components that the index is looked up by; for a planar picture, C upsamples U and V."""
    if isinstance(picture, tuple):
        return picture[0][rows], None
    return numbers.components(picture, rows)


def _adjoining(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The labels with adjacent pixels in memory, copied if need be."""
    return labels if labels.strides[1] == 1 else np.ascontiguousarray(labels)


def _table(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Levels of each label, (K, 3), as three tables of 32 entries."""
    table = np.zeros((3, MAX_LABELS), np.uint8)
    table[:, : len(levels)] = levels.T
    return table
