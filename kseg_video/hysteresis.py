"""Labels that hold still: a pixel keeps its cluster until another is clearly nearer.

Noise carries a pixel that lies between two clusters to and fro. So a pixel keeps the label it had
in the frame before for as long as that cluster is as good as the nearest one (the ties of
`kseg_video.mapping.CellTables`). Where the picture itself has changed, memory would leave a ghost
of what was there: those pixels are labelled afresh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.mapping import look_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.frame import Frame, Plane
    from kseg_video.mapping import CellTables

_CHANGED = 12  # levels of luma beyond which a pixel shows something else


class LabelHysteresis:
    """Keeps labels from frame to frame."""

    def __init__(self) -> None:
        self._labels: Plane | None = None
        self._luma: Plane | None = None

    def forget(self) -> None:
        """Begin anew, as at a cut."""
        self._labels = None

    def hold(
        self,
        frame: Frame,
        index: NDArray[np.uint16],
        tables: CellTables,
        numbers: NDArray[np.uint8],
    ) -> NDArray[np.uint8]:
        """Labels of a frame, held where they may be.

        Parameters
        ----------
        frame : Frame
        index : ndarray of uint16, shape (H, W)
            Cell number of every pixel.
        tables : CellTables
            Labels and ties of the cells.
        numbers : ndarray of uint8, shape (R,)
            Cluster number of each label.

        Returns
        -------
        ndarray of uint8, shape (H, W)
            Cluster numbers.
        """
        labels = look_up(index, numbers[tables.labels])
        if tables.ties is None:
            return labels
        luma = frame.luma
        if self._labels is not None and self._labels.shape == labels.shape:
            cv2.copyTo(self._labels, self._may_stay(index, tables, numbers, luma), labels)
        self._labels, self._luma = labels, luma
        return labels

    def _may_stay(
        self,
        index: NDArray[np.uint16],
        tables: CellTables,
        numbers: NDArray[np.uint8],
        luma: Plane,
    ) -> Plane:
        """Mask of the pixels whose last label is still as good and whose picture is the same."""
        assert tables.ties is not None
        assert self._labels is not None
        assert self._luma is not None
        bit_of_number = np.zeros(256, tables.ties.dtype)
        bit_of_number[numbers] = (1 << np.arange(len(numbers), dtype=np.int64)).astype(
            tables.ties.dtype
        )
        tied = cv2.bitwise_and(
            look_up(index, tables.ties),
            cv2.LUT(self._labels, bit_of_number),
        )
        if tied.dtype != np.uint8:
            tied = cv2.compare(tied, np.zeros(1), cv2.CMP_NE)
        changed = cv2.absdiff(luma, self._luma)
        _, same = cv2.threshold(changed, _CHANGED, 255, cv2.THRESH_BINARY_INV)
        return cast("Plane", cv2.bitwise_and(tied, same))
