"""The binding to the compiled library, whose sources are in `src`."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.native.pictures import CellNumbers, Picture


class NotCompiledError(ImportError):
    """There is no compiled library for this platform."""


class PlaneAddress(ctypes.Structure):
    """`Plane` in C: address of the first pixel, 0 for no plane, and the row stride in bytes."""

    _fields_ = (("pixels", ctypes.c_void_p), ("stride", ctypes.c_ssize_t))

    @classmethod
    def of(cls, array: NDArray[np.integer] | None, rows: slice = slice(None)) -> PlaneAddress:
        """Some rows of an array, whose pixels are adjacent within a row."""
        return cls() if array is None else cls(array[rows].ctypes.data, array.strides[0])


class PictureAddress(ctypes.Structure):
    """`Picture` in C: luma, and either interleaved B, G and R or U and V at half size."""

    _fields_ = (("luma", PlaneAddress), ("bgr", PlaneAddress), ("halves", PlaneAddress * 2))

    @classmethod
    def of(cls, picture: Picture, luma: NDArray[np.uint8], rows: slice) -> PictureAddress:
        """Some rows of a picture and their luma; the first row is even."""
        bgr = None if isinstance(picture, tuple) else picture
        halves = (PlaneAddress * 2)(*halves_of(picture, rows))
        return cls(PlaneAddress.of(luma, rows), PlaneAddress.of(bgr, rows), halves)


class IndexAddress(ctypes.Structure):
    """`ColorIndex` in C: addresses of the tables of `CellNumbers`."""

    _fields_ = tuple((name, ctypes.c_void_p) for name in ("first", "second", "third", "others"))

    @classmethod
    def of(cls, numbers: CellNumbers) -> IndexAddress:
        """The tables of a colour index."""
        return cls(*(table.ctypes.data for table in (*numbers.tables, numbers.others)))


def halves_of(picture: Picture, rows: slice) -> list[PlaneAddress]:
    """U and V of some rows of a planar picture; no planes for BGR."""
    if not isinstance(picture, tuple):
        return [PlaneAddress(), PlaneAddress()]
    half = slice(rows.start // 2, None)
    return [PlaneAddress.of(plane, half) for plane in picture[1:]]


def load(path: Path) -> ctypes.CDLL:
    """Load the library and declare its functions.

    Raises
    ------
    NotCompiledError
        If the library does not exist or is for another platform.
    """
    size, array, plane = ctypes.c_size_t, ctypes.c_void_p, PlaneAddress
    by_index = [plane, plane, IndexAddress, array]
    held = [PictureAddress, PictureAddress, plane, ctypes.c_uint8]
    arguments = {
        "label_rows": [*[size] * 4, *by_index, *held, plane, plane],
        "label_rows_strictly": [size, size, *by_index, plane, plane, plane],
        "nearest": [size, array, size, array, array, array],
        "squared_error": [size, array, array, array],
        "label_cells": [size, array, size, array, array, ctypes.c_float, array, array],
        "paint_planes": [size, size, plane, array, plane, plane, plane],
        "paint_bgr": [size, size, plane, array, plane],
        "merge_small_regions": [size, size, plane, plane, size, size, plane],
        "count_labels": [size, size, plane, size, array],
    }
    failed = ctypes.c_int
    results = {
        "label_rows": failed,
        "label_rows_strictly": failed,
        "merge_small_regions": failed,
        "squared_error": ctypes.c_double,
    }
    try:
        library = ctypes.CDLL(str(path))
        for name, types in arguments.items():
            function = getattr(library, name)
            function.argtypes = types
            function.restype = results.get(name)
    except (OSError, AttributeError) as error:
        raise NotCompiledError(f"{path} cannot be loaded ({error})") from error
    return library
