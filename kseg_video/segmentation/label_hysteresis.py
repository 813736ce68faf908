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

from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.native import kernels
from kseg_video.native.pictures import Memory

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, Plane
    from kseg_video.segmentation.color_index import ColorIndex
    from kseg_video.segmentation.nearest_centroid import CellTable

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
        memory = self._memory(frame)
        kernels.hold_labels(
            frame.picture, frame.luma, index.numbers, table.ties, memory, labels, cells
        )
        return labels

    def _memory(self, frame: Frame) -> Memory | None:
        """The frame before, if this one is of its size and layout."""
        if self._before is None:
            return None
        labels, before = self._before
        if (labels.shape, before.layout) != (frame.luma.shape, frame.layout):
            return None
        limit = _limit_of_change(frame.luma, before.luma)
        return Memory(before.picture, before.luma, labels, limit)

    def remember(self, frame: Frame, labels: Plane) -> None:
        """Go on from these labels of a frame."""
        self._before = labels, frame


def _limit_of_change(luma: Plane, before: Plane) -> int:
    """Levels of luma that noise explains."""
    height, width = luma.shape
    grid = slice(None, None, height // _NOISE_GRID + 1), slice(None, None, width // _NOISE_GRID + 1)
    few = cv2.absdiff(luma[grid].copy(), before[grid].copy()).ravel()
    # Motion adds to the greater half of the differences alone.
    half = (len(few) + 1) // 2
    at_most = np.minimum(np.bincount(few).cumsum(), half)  # so many are of each level or less
    noise = (half - at_most).sum() / half
    return int(np.clip(_CHANGE_OVER_NOISE * noise, _LEAST_CHANGE, _MOST_CHANGE))
