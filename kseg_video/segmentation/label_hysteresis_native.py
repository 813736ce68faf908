"""Labels that hold still, in C: what `label_hysteresis` does with OpenCV, in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.planes import Band, bands_of
from kseg_video.native import binding

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, Plane
    from kseg_video.segmentation.color_index import ColorIndex
    from kseg_video.segmentation.nearest_centroid import CellTable

PASSES = 2  # of smoothing in label_hysteresis.c; each sees a row above and one below


def label(
    frame: Frame,
    index: ColorIndex,
    table: CellTable,
    before: tuple[Plane, Frame] | None,
    limit: float,
    labels: Plane,
    cells: NDArray[np.uint16] | None,
) -> None:
    """Label a frame, row by row; see `kseg_video.segmentation.label_hysteresis.label`.

    Raises
    ------
    MemoryError
        If there is none.
    """
    assert binding.library is not None
    labels_before, frame_before = before or (None, None)
    for band in _bands(frame, PASSES):
        seen, wanted = band.seen, band.within
        components = _components(frame, index, seen)
        failed = binding.library.label_rows(
            *(frame.width, seen.stop - seen.start, wanted.start, wanted.stop),
            *map(binding.Plane.of, components),
            *_of_tables(index, table),
            _picture(frame, seen),
            _picture(frame_before, seen),
            binding.Plane.of(labels_before, seen),
            int(limit),
            *(binding.Plane.of(result, band.rows) for result in (labels, cells)),
        )
        if failed:
            raise MemoryError


def label_strictly(frame: Frame, index: ColorIndex, table: CellTable, labels: Plane) -> None:
    """Label a frame by its cells alone.

    Parameters
    ----------
    frame : Frame
    index : ColorIndex
    table : CellTable
        Of the index's cells.
    labels : ndarray of uint8, shape (H, W)
        Is given the labels.

    Raises
    ------
    MemoryError
        If there is none.
    """
    assert binding.library is not None
    for band in _bands(frame):
        components = _components(frame, index, band.rows)
        failed = binding.library.label_rows_strictly(
            *(frame.width, band.rows.stop - band.rows.start),
            *map(binding.Plane.of, components),
            *_of_tables(index, table),
            *_halves(frame, band.rows),
            binding.Plane.of(labels, band.rows),
        )
        if failed:
            raise MemoryError


def _bands(frame: Frame, margin: int = 0) -> Iterable[Band]:
    """Rows to be done in one go: all, unless their components have to be made first."""
    if frame.layout != "i420":
        return bands_of(frame.height, frame.width, margin)
    whole = slice(0, frame.height)
    return [Band(whole, whole)]


def _components(frame: Frame, index: ColorIndex, rows: slice) -> tuple[Plane, Plane | None]:
    """What the index is looked up by; U and V are doubled on the way."""
    return (frame.luma, None) if frame.layout == "i420" else index.components(frame, rows)


def _of_tables(index: ColorIndex, table: CellTable) -> tuple[binding.ColorIndex, int]:
    tables = (*index.tables, index.others)
    of_index = binding.ColorIndex(*(each.ctypes.data for each in tables))
    return of_index, table.ties.ctypes.data


def _picture(frame: Frame | None, rows: slice) -> binding.Picture:
    if frame is None:
        return binding.Picture()
    halves = (binding.Plane * 2)(*_halves(frame, rows))
    colors = None if frame.layout == "i420" else frame.bgr
    planes = (binding.Plane.of(plane, rows) for plane in (frame.luma, colors))
    return binding.Picture(*planes, halves)


def _halves(frame: Frame, rows: slice) -> list[binding.Plane]:
    """U and V, where they are at half size."""
    if frame.layout != "i420":
        return [binding.Plane(), binding.Plane()]
    half = slice(rows.start // 2, None)
    return [binding.Plane.of(plane, half) for plane in frame.planes[1:]]
