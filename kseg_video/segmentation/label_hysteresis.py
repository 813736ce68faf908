"""Label hysteresis: a pixel keeps its cluster until another is clearly nearer.

Noise flips a pixel whose two nearest clusters fit it about equally well (a label and its rival, in
`nearest_centroid.CellTable`) from frame to frame and from pixel to pixel. Which of the two it gets
hardly changes the distortion, but does change how still and clean the result is. So the two are put
to a vote. The picture votes for the nearer one, with the excess of the rival's squared distance,
which is what the rival would cost. The pixel votes for the label that it had: firmly if its colour
is unchanged, less firmly if only noise has changed it. A pixel that has really changed has no such
vote, since it would leave a ghost. Then the neighbours vote, in two passes, for the label that most
of them have.

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

# Noise explains a change of luma up to this multiple of its usual size, clipped to these levels.
# More holds noisy pictures stiller, and lets ghosts last longer.
_CHANGE_OVER_NOISE = 5.0
_LEAST_CHANGE = 2.0
_MOST_CHANGE = 12.0
_NOISE_GRID = 50  # approximate rows and columns of the grid on which noise is measured


class LabelHysteresis:
    """Holds labels from frame to frame.

    Parameters
    ----------
    threads : int
        Number of threads that share the work on a frame.
    """

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads
        self._before: tuple[Plane, Frame] | None = None

    def forget(self) -> None:
        """Forget the frame before, as at a cut."""
        self._before = None

    def hold(
        self,
        frame: Frame,
        index: ColorIndex,
        table: CellTable,
        cells: NDArray[np.uint16] | None = None,
    ) -> Plane:
        """Label a frame, holding labels where the picture allows it.

        Parameters
        ----------
        frame : Frame
        index : ColorIndex
        table : CellTable
            Labels and ties of the index's cells.
        cells : ndarray of uint16, shape (H, W), optional
            Receives the cell number of every pixel.

        Returns
        -------
        ndarray of uint8, shape (H, W)
            Cluster numbers.
        """
        labels = np.empty((frame.height, frame.width), np.uint8)
        memory = self._memory(frame)
        kernels.hold_labels(
            *(frame.picture, frame.luma, index.numbers, table.ties, memory, labels, cells),
            threads=self._threads,
        )
        return labels

    def _memory(self, frame: Frame) -> Memory | None:
        """The frame before, if it has the same size and layout."""
        if self._before is None:
            return None
        labels, before = self._before
        if (labels.shape, before.layout) != (frame.luma.shape, frame.layout):
            return None
        limit = _limit_of_change(frame.luma, before.luma)
        return Memory(before.picture, before.luma, labels, limit)

    def remember(self, frame: Frame, labels: Plane) -> None:
        """Hold the next frame to these labels."""
        self._before = labels, frame


def _limit_of_change(luma: Plane, before: Plane) -> int:
    """The largest change of luma that noise explains, in levels."""
    height, width = luma.shape
    grid = slice(None, None, height // _NOISE_GRID + 1), slice(None, None, width // _NOISE_GRID + 1)
    few = cv2.absdiff(luma[grid].copy(), before[grid].copy()).ravel()
    # Noise is the mean of the lower half of the differences: motion is in the upper half.
    half = (len(few) + 1) // 2
    at_most = np.minimum(np.bincount(few).cumsum(), half)  # count of differences up to each level
    noise = (half - at_most).sum() / half
    return int(np.clip(_CHANGE_OVER_NOISE * noise, _LEAST_CHANGE, _MOST_CHANGE))
