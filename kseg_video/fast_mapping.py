"""The fast mapping of a video: colour index, tables and hysteresis, kept while they suit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.color import color_scale, to_working
from kseg_video.color_index import ColorIndex
from kseg_video.hysteresis import LabelHysteresis
from kseg_video.mapping import Cells, CellTables, inertia_of
from kseg_video.sampling import PixelSample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.frame import Frame
    from kseg_video.settings import SegmenterSettings
    from kseg_video.tracking import Track

# An index stays in use until mapping by it loses this much more inertia than it first did.
_INDEX_TOLERANCE = 0.003
# At full stability a cluster is as good as nearest if it is farther off by at most this part of the
# pixels' root mean square distance, and by at most so many levels.
_LARGEST_TIE = 0.76
_WIDEST_TIE = 12.0


@dataclass(slots=True, eq=False)
class _IndexInUse:
    """A colour index with what has been made of its cells."""

    index: ColorIndex
    cells: Cells
    largest_excess: float = np.inf
    centroids: NDArray[np.float32] | None = None
    tables: CellTables | None = None


class FastMapper:
    """Maps the frames of a video, one after another.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._space = settings.color_space
        self._tie = _LARGEST_TIE * settings.stability
        self._hysteresis = LabelHysteresis()
        self._in_use: _IndexInUse | None = None

    def map(
        self, frame: Frame, sample: PixelSample, colors: NDArray[np.float32], track: Track
    ) -> tuple[NDArray[np.uint8], float]:
        """Label every pixel of the next frame.

        Parameters
        ----------
        frame : Frame
        sample : PixelSample
            Of the frame.
        colors : ndarray of float32, shape (N, 3)
            The sample in the working space.
        track : Track
            The frame's centroids.

        Returns
        -------
        labels : ndarray of uint8, shape (H, W)
        inertia : float
            Mean squared distance of the sample to the centroids it is mapped to.
        """
        numbers = np.flatnonzero(track.active).astype(np.uint8)
        centroids = track.centroids[numbers]
        if track.event == "cut":
            self._hysteresis.forget()
        if self._in_use is None:
            self._in_use = self._choose(frame, sample, centroids)
        tables = self._tables(self._in_use, centroids, track.inertia)
        inertia = _mapped_inertia(self._in_use.index, tables, sample, colors, centroids)
        if _excess(inertia, track.inertia) > self._in_use.largest_excess:
            self._in_use = self._choose(frame, sample, centroids)
            tables = self._tables(self._in_use, centroids, track.inertia)
            inertia = _mapped_inertia(self._in_use.index, tables, sample, colors, centroids)
        index = self._in_use.index.of_frame(frame)
        return self._hysteresis.hold(frame, index, tables, numbers), inertia

    def _choose(
        self, frame: Frame, sample: PixelSample, centroids: NDArray[np.float32]
    ) -> _IndexInUse:
        """An index for this frame, and what it loses on pixels that it was not made from."""
        index = ColorIndex.from_sample(
            sample, frame.components_to_bgr, may_rotate=frame.layout == "bgr24"
        )
        chosen = _IndexInUse(index, Cells(to_working(index.cell_bgr, self._space)))
        other = PixelSample.of_frame(frame, len(sample.bgr), between=True)
        colors = to_working(other.bgr, self._space)
        least = inertia_of(colors, centroids)
        tables = chosen.cells.label(centroids)
        lost = _excess(_mapped_inertia(index, tables, other, colors, centroids), least)
        chosen.largest_excess = lost + _INDEX_TOLERANCE
        return chosen

    def _tables(
        self, in_use: _IndexInUse, centroids: NDArray[np.float32], inertia: float
    ) -> CellTables:
        """Tables for these centroids, made anew if they have moved."""
        same = in_use.centroids is not None and np.array_equal(in_use.centroids, centroids)
        if in_use.tables is None or not same:
            tie = min(self._tie * np.sqrt(inertia), _WIDEST_TIE * color_scale(self._space))
            in_use.tables = in_use.cells.label(centroids, tie)
            in_use.centroids = centroids
        return in_use.tables


def _mapped_inertia(
    index: ColorIndex,
    tables: CellTables,
    sample: PixelSample,
    colors: NDArray[np.float32],
    centroids: NDArray[np.float32],
) -> float:
    errors = colors - centroids[tables.labels[index.of_sample(sample)]]
    return float(np.einsum("ij,ij->", errors, errors, dtype=np.float64) / len(colors))


def _excess(inertia: float, least: float) -> float:
    return (inertia - least) / least if least else float(inertia > 0)
