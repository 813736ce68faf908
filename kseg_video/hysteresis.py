"""Labels that hold still: a pixel keeps its cluster until another is clearly nearer.

A pixel whose two nearest clusters fit it about equally well (a label and its rival, in
`kseg_video.mapping.CellTable`) is carried to and fro by noise, in time and from place to place.
Which of the two it gets hardly matters to how close the result is to the picture, and much to how
still and clean it is. So as long as the picture does not change there, it stays with the one it
had; and its neighbours may draw it to the one that most of them have, but never away from the
nearer one once it has settled there. Where the picture has changed, memory would leave a ghost of
what was there: there the neighbours alone decide.

What a label costs is the *excess*: by how much its squared distance exceeds the least. Ties are
bounded by that, not by distance, since their sum is what the picture loses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video import compiled
from kseg_video.bands import Band, bands_of
from kseg_video.lookup import look_up
from kseg_video.mapping import LABEL_MASK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.color_index import ColorIndex
    from kseg_video.frame import Frame, Plane
    from kseg_video.mapping import CellTable

# A pixel shows something else if its luma has changed by more than this many times the noise,
# within these limits, in levels.
_CHANGE_OVER_NOISE = 5.0
_LEAST_CHANGE = 2.0
_MOST_CHANGE = 12.0
_NOISE_GRID = 50  # rows and columns, about, of the pixels that noise is measured on


class LabelHysteresis:
    """Keeps labels from frame to frame."""

    def __init__(self) -> None:
        self._before: tuple[Plane, Plane] | None = None  # labels and luma

    def forget(self) -> None:
        """Begin anew, as at a cut."""
        self._before = None

    def hold(
        self,
        frame: Frame,
        index: ColorIndex,
        table: CellTable,
        cells: NDArray[np.uint16] | None = None,
    ) -> Plane:
        """Labels of a frame, held where they may be.

        Parameters
        ----------
        frame : Frame
        index : ColorIndex
        table : CellTable
            Of the index's cells.
        cells : ndarray of uint16, shape (H, W), optional
            Is given the cell of every pixel.

        Returns
        -------
        ndarray of uint8, shape (H, W)
            Cluster numbers.
        """
        labels = np.empty((frame.height, frame.width), np.uint8)
        before = self._before
        if before is not None and before[0].shape != labels.shape:
            before = None
        limit = 0.0 if before is None else _limit_of_change(frame.luma, before[1])
        by = label if compiled.library is None else label_at_once
        by(frame, index, table, before, limit, labels, cells)
        return labels

    def remember(self, frame: Frame, labels: Plane) -> None:
        """Go on from these labels of a frame."""
        self._before = labels, frame.luma


def label(
    frame: Frame,
    index: ColorIndex,
    table: CellTable,
    before: tuple[Plane, Plane] | None,
    limit: float,
    labels: Plane,
    cells: NDArray[np.uint16] | None,
) -> None:
    """Label a frame.

    Parameters
    ----------
    frame : Frame
    index : ColorIndex
    table : CellTable
        Of the index's cells.
    before : tuple of two ndarray of uint8, shape (H, W), optional
        Labels and luma of the frame before.
    limit : float
        Levels of luma by which a pixel that shows the same may differ.
    labels : ndarray of uint8, shape (H, W)
        Is given the labels.
    cells : ndarray of uint16, shape (H, W), optional
        Is given the cell of every pixel.
    """
    for band in bands_of(*labels.shape, margin=compiled.PASSES):
        numbers = index.of_frame(frame, band.seen)
        if cells is not None:
            cells[band.rows] = numbers[band.within]
        pairs = look_up(numbers, table.pairs)
        nearest, swaps = pairs.astype(np.uint8), (pairs >> 8).astype(np.uint8)
        chosen = nearest
        if before is None:
            swaps &= LABEL_MASK
        else:
            labels_before, luma_before = before
            # What the nearest label must be swapped with to be the one before; above all labels
            # where the picture has changed.
            back = _changed(frame.luma[band.seen], luma_before[band.seen], limit)
            back |= labels_before[band.seen]
            back ^= nearest
            stays = _equal(back, swaps)
            swaps &= _where_not_zero(back, LABEL_MASK)
            stays &= swaps
            chosen = nearest ^ stays
        chosen = _follow_neighbors(chosen, nearest, swaps)
        labels[band.rows] = chosen[band.within]


def label_at_once(
    frame: Frame,
    index: ColorIndex,
    table: CellTable,
    before: tuple[Plane, Plane] | None,
    limit: float,
    labels: Plane,
    cells: NDArray[np.uint16] | None,
) -> None:
    """Do the same in C, row by row."""
    tables = index.tables[0], index.others, table.pairs
    halved = frame.layout == "i420" and index.axes is None
    whole = Band(slice(0, len(labels)), slice(0, len(labels)))
    for band in [whole] if halved else bands_of(*labels.shape, margin=compiled.PASSES):
        components = frame.planes if halved else (*index.components(frame, band.seen), None)
        compiled.label_rows(band, components, tables, frame.luma, before, limit, (labels, cells))


def _changed(luma: Plane, before: Plane, limit: float) -> Plane:
    """Mask of the pixels that differ by more than the limit, 255 where they do."""
    difference = cv2.absdiff(luma, before)
    _, mask = cv2.threshold(difference, limit, 255, cv2.THRESH_BINARY, dst=difference)
    return cast("Plane", mask)


def _follow_neighbors(labels: Plane, nearest: Plane, swaps: Plane) -> Plane:
    """Give each pixel its rival label where most of its neighbours have that, else the nearest."""
    rivals = nearest ^ swaps
    for _ in range(compiled.PASSES):
        median = cast("Plane", cv2.medianBlur(labels, 3))  # of two values, the one that most have
        labels = _equal(median, rivals)
        labels &= swaps
        labels ^= nearest
    return labels


def _where_not_zero(plane: Plane, value: np.uint8) -> Plane:
    """That value wherever a plane is not zero."""
    _, values = cv2.threshold(plane, 0, int(value), cv2.THRESH_BINARY)
    return cast("Plane", values)


def _equal(labels: Plane, others: Plane) -> Plane:
    """Mask of the pixels that are equal, 255 where they are."""
    return cast("Plane", cv2.compare(labels, others, cv2.CMP_EQ))


def _limit_of_change(luma: Plane, before: Plane) -> float:
    """Levels of luma that noise explains."""
    height, width = luma.shape
    grid = slice(None, None, height // _NOISE_GRID + 1), slice(None, None, width // _NOISE_GRID + 1)
    few = cv2.absdiff(luma[grid].copy(), before[grid].copy()).ravel()
    # Motion adds to the greater half of the differences alone.
    noise = np.sort(few)[: (len(few) + 1) // 2].mean()
    return float(np.clip(_CHANGE_OVER_NOISE * noise, _LEAST_CHANGE, _MOST_CHANGE))
