"""Labels that hold still: a pixel keeps its cluster until another is clearly nearer.

A pixel whose two nearest clusters fit it about equally well (a label and its rival, in
`nearest_centroid.CellTable`) is carried to and fro by noise, in time and from place to place.
Which of the two it gets hardly matters to how close the result is to the picture, and much to how
still and clean it is. So the two are put to a vote. The picture's own vote, for the nearer one, is
by how much the other's squared distance exceeds the least: what it would cost. The pixel votes for
the label that it had, firmly if its colour is what it was, and less so if only noise has changed
it. Where the picture has changed, memory would leave a ghost of what was there, and has no vote.
Twice its neighbours vote for the label that most of them have.

This is a Potts model with memory, relaxed by two steps of iterated conditional modes [1]_.

References
----------
.. [1] J. Besag, "On the statistical analysis of dirty pictures", J. R. Stat. Soc. B 48 (1986).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.core.planes import LevelTable, bands_of, look_up
from kseg_video.native import binding
from kseg_video.segmentation import label_hysteresis_native
from kseg_video.segmentation.nearest_centroid import LABEL_BITS, LABEL_MASK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, Plane
    from kseg_video.segmentation.color_index import ColorIndex
    from kseg_video.segmentation.nearest_centroid import CellTable

# Votes, in levels of excess.
_NEIGHBORS, _QUIET, _STILL = np.int8(18), np.int8(12), np.int8(30)

STILL_LEVELS = 2  # by which B, G and R of the same colour may differ
# Which changes of luma (bit 0 of none, 1 of one level more, 2 of one level less) leave a pixel's
# colour about as much the same, by how much one component of chroma has changed; and those bits by
# the change of luma. Both are found at the change modulo 256.
_STILL_WITH = LevelTable(np.array([0b111, 0b101, *[0] * 253, 0b011], np.uint8))
_MOVE = LevelTable(np.array([0b001, 0b010, *[0] * 253, 0b100], np.uint8))

# Noise explains a change of luma by at most this many times its usual size, within these limits, in
# levels.
_CHANGE_OVER_NOISE = 5.0
_LEAST_CHANGE = 2.0
_MOST_CHANGE = 12.0
_NOISE_GRID = 50  # rows and columns, about, of the pixels that noise is measured on


class LabelHysteresis:
    """Keeps labels from frame to frame."""

    def __init__(self) -> None:
        self._before: tuple[Plane, Frame] | None = None

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
        if before is not None:
            labels_before, frame_before = before
            if (labels_before.shape, frame_before.layout) != (labels.shape, frame.layout):
                before = None
        limit = 0.0 if before is None else _limit_of_change(frame.luma, before[1].luma)
        by = label if binding.library is None else label_hysteresis_native.label
        by(frame, index, table, before, limit, labels, cells)
        return labels

    def remember(self, frame: Frame, labels: Plane) -> None:
        """Go on from these labels of a frame."""
        self._before = labels, frame


def label(
    frame: Frame,
    index: ColorIndex,
    table: CellTable,
    before: tuple[Plane, Frame] | None,
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
    before : tuple of an ndarray of uint8, shape (H, W), and a Frame, optional
        The frame before, and its labels.
    limit : float
        Levels of luma by which a pixel that shows the same may differ.
    labels : ndarray of uint8, shape (H, W)
        Is given the labels.
    cells : ndarray of uint16, shape (H, W), optional
        Is given the cell of every pixel.
    """
    for band in bands_of(*labels.shape, margin=label_hysteresis_native.PASSES):
        numbers = index.of_frame(frame, band.seen)
        if cells is not None:
            cells[band.rows] = numbers[band.within]
        ties = look_up(numbers, table.ties)
        nearest = (ties & LABEL_MASK).astype(np.uint8)
        swaps = ((ties >> LABEL_BITS) & LABEL_MASK).astype(np.uint8)
        needs = (ties >> 2 * LABEL_BITS).astype(np.int8)  # of votes, for the rival
        chosen = nearest
        if before is not None:
            memory = _memory(frame, before[1], band.seen, limit)
            back = before[0][band.seen] ^ nearest
            needs -= memory * _sign(back, swaps)
            chosen = nearest ^ swaps * (needs <= 0).view(np.uint8)
        chosen = _follow_neighbors(chosen, nearest, swaps, needs)
        labels[band.rows] = chosen[band.within]


def _memory(frame: Frame, before: Frame, rows: slice, limit: float) -> NDArray[np.int8]:
    """How firmly each pixel keeps the label that it had."""
    luma, luma_before = frame.luma[rows], before.luma[rows]
    quiet = cv2.absdiff(luma, luma_before) <= np.uint8(limit)
    if frame.layout == "i420":
        halves = slice(rows.start // 2, -(-rows.stop // 2))
        (_, u, v), (_, u_before, v_before) = frame.planes, before.planes
        moves = _STILL_WITH.look_up(u[halves] - u_before[halves])
        moves &= _STILL_WITH.look_up(v[halves] - v_before[halves])
        wide = (moves * np.uint16(0x0101)).view(np.uint8).repeat(2, axis=0)
        move = _MOVE.look_up(luma - luma_before)
        still = move & wide[: luma.shape[0], : luma.shape[1]] > 0
    else:
        changes = cv2.absdiff(frame.bgr[rows], before.bgr[rows])
        still = cv2.inRange(changes, (0, 0, 0), (STILL_LEVELS,) * 3) > 0
    firmness: NDArray[np.int8] = np.maximum(
        _QUIET * quiet.view(np.int8), _STILL * still.view(np.int8)
    )
    return firmness


def _follow_neighbors(
    labels: Plane, nearest: Plane, swaps: Plane, needs: NDArray[np.int8]
) -> Plane:
    """Give each pixel its rival label where the votes for that suffice, else the nearest."""
    for _ in range(label_hysteresis_native.PASSES):
        median = cast("Plane", cv2.medianBlur(labels, 3))  # of two values, the one that most have
        votes = _NEIGHBORS * _sign(median ^ nearest, swaps)
        labels = nearest ^ swaps * (votes >= needs).view(np.uint8)
    return labels


def _sign(swap: Plane, swaps: Plane) -> NDArray[np.int8]:
    """1 where a swap leads to the rival label, -1 where it leads to the nearest, 0 elsewhere."""
    sign: NDArray[np.int8] = (swap == swaps).view(np.int8) - (swap == 0).view(np.int8)
    return sign


def _limit_of_change(luma: Plane, before: Plane) -> float:
    """Levels of luma that noise explains."""
    height, width = luma.shape
    grid = slice(None, None, height // _NOISE_GRID + 1), slice(None, None, width // _NOISE_GRID + 1)
    few = cv2.absdiff(luma[grid].copy(), before[grid].copy()).ravel()
    # Motion adds to the greater half of the differences alone.
    half = (len(few) + 1) // 2
    at_most = np.minimum(np.bincount(few).cumsum(), half)  # so many are of each level or less
    noise = (half - at_most).sum() / half
    return float(np.clip(_CHANGE_OVER_NOISE * noise, _LEAST_CHANGE, _MOST_CHANGE))
