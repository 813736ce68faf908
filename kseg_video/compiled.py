"""Labels that hold still by `labelling.c`, where that could be compiled at installation.

Elsewhere `kseg_video.hysteresis` does the same with OpenCV, in about twice the time.
"""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.bands import Band, bands_of
from kseg_video.frame import ALL_ROWS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.color_index import ColorIndex
    from kseg_video.frame import Frame, Plane
    from kseg_video.mapping import CellTable

PASSES = 2  # of smoothing; each sees a row above and one below


class _Plane(ctypes.Structure):
    """Address of the first pixel, 0 if there is none, and bytes from row to row."""

    _fields_ = (("pixels", ctypes.c_void_p), ("stride", ctypes.c_ssize_t))

    @classmethod
    def of(cls, array: NDArray[np.integer] | None, rows: slice = ALL_ROWS) -> _Plane:
        return cls() if array is None else cls(array[rows].ctypes.data, array.strides[0])


def load(path: Path) -> ctypes.CDLL | None:
    """The library of that name, or None if there is none that can be used."""
    try:
        loaded = ctypes.CDLL(str(path))
        function = loaded.label_rows
    except (OSError, AttributeError):  # not compiled, or for another kind of computer
        return None
    sizes, components, tables = [ctypes.c_size_t] * 4, [_Plane] * 3, [ctypes.c_void_p] * 3
    before, results = [_Plane, _Plane, _Plane, ctypes.c_uint8], [_Plane, _Plane]
    function.argtypes = [*sizes, *components, *tables, *before, *results]
    return loaded


library = load(Path(__file__).with_name("labelling.shared"))


def label(
    frame: Frame,
    index: ColorIndex,
    table: CellTable,
    before: tuple[Plane, Plane] | None,
    limit: float,
    labels: Plane,
    cells: NDArray[np.uint16] | None,
) -> None:
    """Do what `kseg_video.hysteresis.label` does, bit for bit.

    Raises
    ------
    MemoryError
        If there is none.
    """
    assert library is not None
    height, width = labels.shape
    labels_before, luma_before = before or (None, None)
    tables = [entries.ctypes.data for entries in (index.tables[0], index.others, table.pairs)]
    halved = frame.layout == "i420" and index.axes is None
    whole = Band(slice(0, height), slice(0, height))
    for band in [whole] if halved else bands_of(height, width, margin=PASSES):
        seen, wanted = band.seen, band.within
        components = frame.planes if halved else (*index.components(frame, seen), None)
        failed = library.label_rows(
            *(width, seen.stop - seen.start, wanted.start, wanted.stop),
            *(_Plane.of(component) for component in components),
            *tables,
            *(_Plane.of(plane, seen) for plane in (frame.luma, luma_before, labels_before)),
            int(limit),
            *(_Plane.of(result, band.rows) for result in (labels, cells)),
        )
        if failed:
            raise MemoryError
