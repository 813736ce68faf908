"""What is done in C, where that could be compiled.

`label_hysteresis.c`, `color_index.c`, `nearest_centroid.c` and `views.c` are compiled at
installation. Elsewhere `label_hysteresis`, `nearest_centroid`, `views` and
`kseg_video.core.palette` do the same, bit for bit, with OpenCV and NumPy, in several times the
time.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.native.limits import MAX_LABELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class Plane(ctypes.Structure):
    """Address of the first pixel, 0 if there is none, and bytes from row to row."""

    _fields_ = (("pixels", ctypes.c_void_p), ("stride", ctypes.c_ssize_t))

    @classmethod
    def of(cls, array: NDArray[np.integer] | None, rows: slice = slice(None)) -> Plane:
        """Some rows of an array, whose pixels follow one another."""
        return cls() if array is None else cls(array[rows].ctypes.data, array.strides[0])


class Picture(ctypes.Structure):
    """Luma, and B, G and R or, without them, U and V at half size."""

    _fields_ = (("luma", Plane), ("bgr", Plane), ("halves", Plane * 2))


class ColorIndex(ctypes.Structure):
    """Addresses of the tables of a `kseg_video.segmentation.color_index.ColorIndex`."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("first", "second", "third", "others"))


def load(path: Path) -> ctypes.CDLL | None:
    """The library of that name, or None if there is none that can be used."""
    size, array = ctypes.c_size_t, ctypes.c_void_p
    by_index = [Plane, Plane, ColorIndex, array]
    held = [Picture, Picture, Plane, ctypes.c_uint8]
    arguments = {
        "label_rows": [*[size] * 4, *by_index, *held, Plane, Plane],
        "label_rows_strictly": [size, size, *by_index, Plane, Plane, Plane],
        "nearest": [size, array, size, array, array, array],
        "squared_error": [size, array, array, array],
        "label_cells": [size, array, size, array, array, ctypes.c_float, array, array],
        "paint_planes": [size, size, Plane, array, Plane, Plane, Plane],
        "paint_bgr": [size, size, Plane, array, Plane],
        "count_labels": [size, size, Plane, size, array],
    }
    failed = ctypes.c_int
    results = {
        "label_rows": failed,
        "label_rows_strictly": failed,
        "squared_error": ctypes.c_double,
    }
    try:
        loaded = ctypes.CDLL(str(path))
        for name, types in arguments.items():
            function = getattr(loaded, name)
            function.argtypes = types
            function.restype = results.get(name)
    except (OSError, AttributeError):  # not compiled, or for another kind of computer
        return None
    return loaded


library = load(Path(__file__).with_name("compiled.shared"))


def nearest(
    colors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Nearest centroid of every colour, and its squared distance, as `nearest_centroid.nearest`.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    centroids : ndarray of float32, shape (K, 3)

    Returns
    -------
    labels : ndarray of uint8, shape (N,)
    squared_distances : ndarray of float32, shape (N,)
    """
    assert library is not None
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
    assert library is not None
    given = [np.ascontiguousarray(array) for array in (colors, labels, centroids)]
    error: float = library.squared_error(len(colors), *(array.ctypes.data for array in given))
    return error


def label_cells(
    channels: NDArray[np.float32],
    centroids: NDArray[np.float32],
    numbers: NDArray[np.uint8],
    level: float,
    results: tuple[NDArray[np.uint8], NDArray[np.uint16]],
) -> None:
    """Label and ties of the cells of a colour index, as `nearest_centroid.Cells` has them.

    Parameters
    ----------
    channels : ndarray of float32, shape (3, C)
    centroids : ndarray of float32, shape (K, 3)
    numbers : ndarray of uint8, shape (K,)
        Cluster number of each, in ascending order.
    level : float
        What a level of excess is in squared distance; at 0 there are no rivals.
    results : tuple of an ndarray of uint8 and one of uint16, both of C entries or more
        Are given labels and ties.
    """
    assert library is not None
    centroids = np.ascontiguousarray(centroids)
    given = len(centroids), centroids.ctypes.data, numbers.ctypes.data, level
    results_at = (result.ctypes.data for result in results)
    library.label_cells(channels.shape[1], channels.ctypes.data, *given, *results_at)


def paint_planes(
    labels: NDArray[np.uint8], levels: NDArray[np.uint8], planes: Sequence[NDArray[np.uint8]]
) -> None:
    """Paint labels as Y, U and V, as `kseg_video.rendering.views` does.

    Parameters
    ----------
    labels : ndarray of uint8, shape (H, W)
        W even.
    levels : ndarray of uint8, shape (K, 3)
        Y, U and V of each label.
    planes : sequence of three ndarray of uint8
        Are given Y, (H, W), and U and V, (H / 2, W / 2, rounded up).
    """
    assert library is not None
    (height, width), labels, table = labels.shape, _adjoining(labels), _table(levels)
    results = map(Plane.of, planes)
    library.paint_planes(width, height, Plane.of(labels), table.ctypes.data, *results)


def paint_bgr(
    labels: NDArray[np.uint8], colors: NDArray[np.uint8], pixels: NDArray[np.uint8]
) -> None:
    """Paint labels, (H, W), in the BGR colour of each, (K, 3), on pixels of shape (H, W, 3)."""
    assert library is not None
    (height, width), labels, table = labels.shape, _adjoining(labels), _table(colors)
    library.paint_bgr(width, height, Plane.of(labels), table.ctypes.data, Plane.of(pixels))


def count_labels(labels: NDArray[np.uint8], n_labels: int) -> NDArray[np.uint32]:
    """How often each label is there, from 0 to one below their number; (H, W) to (K,)."""
    assert library is not None
    (height, width), labels, counts = labels.shape, _adjoining(labels), np.empty(n_labels, "u4")
    library.count_labels(width, height, Plane.of(labels), n_labels, counts.ctypes.data)
    return counts


def _adjoining(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same labels, each row's one after another."""
    return labels if labels.strides[1] == 1 else np.ascontiguousarray(labels)


def _table(levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Three levels of each label, (K, 3), as three tables of 32."""
    table = np.zeros((3, MAX_LABELS), np.uint8)
    table[:, : len(levels)] = levels.T
    return table
