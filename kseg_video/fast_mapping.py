"""The fast mapping of a video: colour index, tables and hysteresis, kept while they suit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from kseg_video.color import color_scale, to_working
from kseg_video.color_index import ColorIndex
from kseg_video.hysteresis import LabelHysteresis
from kseg_video.lookup import look_up
from kseg_video.mapping import Cells, CellTable, inertia_of
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
_LARGEST_TIE = 0.9
_WIDEST_TIE = 24.0


@dataclass(slots=True, eq=False)
class _IndexInUse:
    """A colour index with what has been made of its cells."""

    index: ColorIndex
    cells: Cells
    largest_excess: float = np.inf
    table: CellTable | None = None
    made_for: tuple[NDArray[np.uint8], NDArray[np.float32]] | None = None


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
        if track.event == "cut":
            self._hysteresis.forget()
        if self._in_use is None:
            self._in_use = self._choose(frame, sample, track)
        table = self._table(self._in_use, track)
        inertia = _mapped_inertia(self._in_use.index, table, sample, colors, track)
        if _excess(inertia, track.inertia) > self._in_use.largest_excess:
            self._in_use = self._choose(frame, sample, track)
            table = self._table(self._in_use, track)
            inertia = _mapped_inertia(self._in_use.index, table, sample, colors, track)
        index = self._in_use.index.of_frame(frame)
        if not self._tie:
            return cast("NDArray[np.uint8]", look_up(index, table.labels)), inertia
        return self._hysteresis.hold(frame, index, table), inertia

    def _choose(self, frame: Frame, sample: PixelSample, track: Track) -> _IndexInUse:
        """An index for this frame, and what it loses on pixels that it was not made from."""
        index = ColorIndex.from_sample(
            sample, frame.components_to_bgr, may_rotate=frame.layout == "bgr24"
        )
        chosen = _IndexInUse(index, Cells(to_working(index.cell_bgr, self._space)))
        other = PixelSample.of_frame(frame, len(sample.bgr), between=True)
        colors = to_working(other.bgr, self._space)
        table = self._table(chosen, track)
        lost = _excess(
            _mapped_inertia(index, table, other, colors, track),
            inertia_of(colors, track.centroids[track.active]),
        )
        chosen.largest_excess = lost + _INDEX_TOLERANCE
        return chosen

    def _table(self, in_use: _IndexInUse, track: Track) -> CellTable:
        """The table for these centroids, made anew if they have moved."""
        numbers = np.flatnonzero(track.active).astype(np.uint8)
        centroids = track.centroids[numbers]
        if in_use.table is None or not (
            in_use.made_for is not None
            and np.array_equal(in_use.made_for[0], numbers)
            and np.array_equal(in_use.made_for[1], centroids)
        ):
            tie = min(self._tie * np.sqrt(track.inertia), _WIDEST_TIE * color_scale(self._space))
            in_use.table = in_use.cells.label(centroids, numbers, tie)
            in_use.made_for = numbers, centroids
        return in_use.table


def _mapped_inertia(
    index: ColorIndex,
    table: CellTable,
    sample: PixelSample,
    colors: NDArray[np.float32],
    track: Track,
) -> float:
    errors = colors - track.centroids[table.labels[index.of_sample(sample)]]
    return float(np.einsum("ij,ij->", errors, errors, dtype=np.float64) / len(colors))


def _excess(inertia: float, least: float) -> float:
    return (inertia - least) / least if least else float(inertia > 0)
