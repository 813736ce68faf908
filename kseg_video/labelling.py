"""Labels that hold still, in C: what `kseg_video.hysteresis` does with OpenCV, in one go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video import compiled
from kseg_video.bands import Band, bands_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.color_index import ColorIndex
    from kseg_video.frame import Frame, Plane
    from kseg_video.mapping import CellTable

PASSES = 2  # of smoothing in labelling.c; each sees a row above and one below


def label(
    frame: Frame,
    index: ColorIndex,
    table: CellTable,
    before: tuple[Plane, Frame] | None,
    limit: float,
    labels: Plane,
    cells: NDArray[np.uint16] | None,
) -> None:
    """Label a frame, row by row; see `kseg_video.hysteresis.label`.

    Raises
    ------
    MemoryError
        If there is none.
    """
    assert compiled.library is not None
    tables = (*index.tables, index.others)
    of_index = compiled.ColorIndex(*(each.ctypes.data for each in tables))
    halved = frame.layout == "i420"
    whole = Band(slice(0, len(labels)), slice(0, len(labels)))
    labels_before, frame_before = before or (None, None)
    for band in [whole] if halved else bands_of(*labels.shape, margin=PASSES):
        seen, wanted = band.seen, band.within
        components = (frame.luma, None) if halved else index.components(frame, seen)
        failed = compiled.library.label_rows(
            *(frame.width, seen.stop - seen.start, wanted.start, wanted.stop),
            *(compiled.Plane.of(component) for component in components),
            *(of_index, table.ties.ctypes.data),
            *(_picture(picture, seen) for picture in (frame, frame_before)),
            compiled.Plane.of(labels_before, seen),
            int(limit),
            *(compiled.Plane.of(result, band.rows) for result in (labels, cells)),
        )
        if failed:
            raise MemoryError


def _picture(frame: Frame | None, rows: slice) -> compiled.Picture:
    if frame is None:
        return compiled.Picture()
    luma = compiled.Plane.of(frame.luma, rows)
    if frame.layout != "i420":
        return compiled.Picture(luma, compiled.Plane.of(frame.bgr, rows))
    half = slice(rows.start // 2, None)
    halves = (compiled.Plane.of(plane, half) for plane in frame.planes[1:])
    return compiled.Picture(luma, compiled.Plane(), (compiled.Plane * 2)(*halves))
