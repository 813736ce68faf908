"""What is done in C (`labelling.c`, `nearest.c`), where that could be compiled at installation.

Elsewhere `kseg_video.hysteresis` and `kseg_video.mapping` do the same, bit for bit, with OpenCV and
NumPy, in several times the time.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kseg_video.bands import Band
    from kseg_video.frame import Frame

    Plane = NDArray[np.uint8]

PASSES = 2  # of smoothing in labelling.c; each sees a row above and one below


class _Plane(ctypes.Structure):
    """Address of the first pixel, 0 if there is none, and bytes from row to row."""

    _fields_ = (("pixels", ctypes.c_void_p), ("stride", ctypes.c_ssize_t))

    @classmethod
    def of(cls, array: NDArray[np.integer] | None, rows: slice = slice(None)) -> _Plane:
        return cls() if array is None else cls(array[rows].ctypes.data, array.strides[0])


class _Picture(ctypes.Structure):
    """Luma, and B, G and R or, without them, U and V at half size."""

    _fields_ = (("luma", _Plane), ("bgr", _Plane), ("halves", _Plane * 2))

    @classmethod
    def of(cls, frame: Frame | None, rows: slice) -> _Picture:
        if frame is None:
            return cls()
        luma = _Plane.of(frame.luma, rows)
        if frame.layout != "i420":
            return cls(luma, _Plane.of(frame.bgr, rows))
        halves = (_Plane.of(plane, slice(rows.start // 2, None)) for plane in frame.planes[1:])
        return cls(luma, _Plane(), (_Plane * 2)(*halves))


def load(path: Path) -> ctypes.CDLL | None:
    """The library of that name, or None if there is none that can be used."""
    size, array, plane = ctypes.c_size_t, ctypes.c_void_p, _Plane
    pictures = [_Picture, _Picture, plane, ctypes.c_uint8]
    try:
        loaded = ctypes.CDLL(str(path))
        loaded.label_rows.argtypes = [
            *[size] * 4,
            *[plane] * 2,
            *[array] * 3,
            *pictures,
            *[plane] * 2,
        ]
        for function in (loaded.nearest, loaded.two_nearest):
            function.argtypes = [size, array, size, array, array, array]
            function.restype = None
    except (OSError, AttributeError):  # not compiled, or for another kind of computer
        return None
    return loaded


library = load(Path(__file__).with_name("compiled.shared"))


def label_rows(
    band: Band,
    components: Sequence[Plane | None],
    tables: Sequence[NDArray[np.uint16]],
    frame: Frame,
    before: tuple[Plane, Frame] | None,
    limit: float,
    results: tuple[Plane, NDArray[np.uint16] | None],
) -> None:
    """Label some rows of a frame, as `kseg_video.hysteresis.label` does.

    Parameters
    ----------
    band : Band
    components : sequence of two ndarray of uint8
        Of the rows seen: the first, (H, W), and the others, (H, W, 2); or of a whole i420 frame its
        luma and None.
    tables : sequence of three ndarray of uint16
        Of the first component, of the others, and from a cell to its ties.
    frame, before, limit, results
        The results are labels and cells; see `kseg_video.hysteresis.label`.

    Raises
    ------
    MemoryError
        If there is none.
    """
    assert library is not None
    seen, wanted = band.seen, band.within
    labels_before, frame_before = before or (None, None)
    failed = library.label_rows(
        *(frame.width, seen.stop - seen.start, wanted.start, wanted.stop),
        *(_Plane.of(component) for component in components),
        *(table.ctypes.data for table in tables),
        *(_Picture.of(picture, seen) for picture in (frame, frame_before)),
        _Plane.of(labels_before, seen),
        int(limit),
        *(_Plane.of(result, band.rows) for result in results),
    )
    if failed:
        raise MemoryError


def nearest(
    colors: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Nearest centroid of every colour, and its squared distance, as `kseg_video.mapping.nearest`.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    centroids : ndarray of float32, shape (K, 3)

    Returns
    -------
    labels : ndarray of uint8, shape (N,)
    squared_distances : ndarray of float32, shape (N,)
    """
    labels, distances = np.empty(len(colors), np.uint8), np.empty(len(colors), np.float32)
    _measure("nearest", len(colors), colors, centroids, labels, distances)
    return labels, distances


def two_nearest(
    channels: NDArray[np.float32], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Bits of the two least squared distances of every colour, as `kseg_video.mapping.Cells`.

    Parameters
    ----------
    channels : ndarray of float32, shape (3, N)
    centroids : ndarray of float32, shape (K, 3)

    Returns
    -------
    least, next_least : ndarray of uint32, shape (N,)
        In the lowest five bits the number of the centroid.
    """
    count = channels.shape[1]
    least, next_least = np.empty(count, np.uint32), np.empty(count, np.uint32)
    _measure("two_nearest", count, channels, centroids, least, next_least)
    return least, next_least


def _measure(
    function: str,
    count: int,
    colors: NDArray[np.float32],
    centroids: NDArray[np.float32],
    *results: NDArray[np.generic],
) -> None:
    assert len(centroids)
    given = np.ascontiguousarray(colors), np.ascontiguousarray(centroids)
    colors_at, centroids_at, *results_at = (array.ctypes.data for array in (*given, *results))
    getattr(library, function)(count, colors_at, len(centroids), centroids_at, *results_at)
