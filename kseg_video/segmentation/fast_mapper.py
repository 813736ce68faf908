"""The fast mapping of a video: colour index, tables and hysteresis, kept while they suit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np

from kseg_video.core.color_spaces import to_working
from kseg_video.core.frame import ALL_ROWS
from kseg_video.native import kernels
from kseg_video.native.constants import STILL_LEVELS
from kseg_video.segmentation.color_index import ColorIndex
from kseg_video.segmentation.label_hysteresis import LabelHysteresis
from kseg_video.segmentation.nearest_centroid import Cells, CellTable, inertia_of, inertia_of_labels
from kseg_video.segmentation.pixel_sampling import PixelSample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import ColorCells, Frame
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.segmentation.palette_tracker import FramePalette

# An index stays in use until mapping by it loses this much more inertia than it first did, or the
# pixels of its cells are, by this much of the inertia, farther from the cells' colours, by which
# ties are measured.
_INDEX_TOLERANCE, _TIE_TOLERANCE = 0.003, 0.03
_NTH_PIXEL = 4  # of the sample, that tells the latter
# At full stability a level of excess, in which votes are counted, is so much of the mean squared
# distance.
_LEVEL = 1 / 3
# Full stability lets inertia rise by this much, and where it is too restless by several times as
# much. More keeps labels stiller, and has more colours painted otherwise than a second ago.
_LARGEST_EXCESS = 0.012
_MORE_AT_MOST = 3.3
# Of the pixels that have not changed, the share that changes its label without being restless.
_RESTLESS = 0.0025
_MEMORY = 0.2
_LEAST_PIXELS = 200  # that tell it
_STEPS_TO_DOUBLE = 4
_LEAST_STEP, _MOST_STEP = -24, 2
_ABOUT_THE_SAME = 0.1  # change of a level that is less than a step of the budget
_FAR_TOO_MUCH = 3.0


class _Budget:
    """How much may be spent on holding still: as much as costs the wanted excess of inertia.

    What a generous tie costs depends on the picture: little in front of a still camera, much in
    slow gradients. So the ties widen or narrow, a step a frame, until the excess is as wanted. It
    is more where labels would not be still otherwise.

    Parameters
    ----------
    excess : float
    """

    def __init__(self, excess: float) -> None:
        self._least = excess
        self._unrest = _RESTLESS * _MORE_AT_MOST  # until a calm picture is seen
        self.step = 0

    @property
    def generosity(self) -> float:
        """What the width of ties is multiplied by."""
        return float(2 ** (self.step / _STEPS_TO_DOUBLE))

    def spend(self, excess: float) -> bool:
        """Take note of what a frame has cost; say whether it was far too much."""
        wanted = self._least * min(max(self._unrest / _RESTLESS, 1.0), _MORE_AT_MOST)
        steps = _STEPS_TO_DOUBLE * math.log2(wanted / max(excess, 1e-6))
        if abs(steps) >= 1:  # narrower at once, wider bit by bit
            self.step = min(max(self.step + min(round(steps), 1), _LEAST_STEP), _MOST_STEP)
        return excess > _FAR_TOO_MUCH * wanted

    def see(self, unrest: float) -> None:
        """Take note of the share of unchanged pixels that have changed their label."""
        self._unrest += _MEMORY * (unrest - self._unrest)


class _Loss(NamedTuple):
    """What an index loses on a sample: inertia mapped by it, and parts of the least."""

    inertia: float
    excess: float
    error: float  # of the cells' colours, squared


@dataclass(slots=True, eq=False)
class _IndexInUse:
    """A colour index with what has been made of its cells."""

    index: ColorIndex
    colors: NDArray[np.float32]  # of the cells, in the working space
    cells: Cells
    first_loss: _Loss | None = None
    table: CellTable | None = None
    made_for: tuple[NDArray[np.uint8], NDArray[np.float32], float] | None = None

    def is_outdated_by(self, loss: _Loss) -> bool:
        """Whether so much is lost more than at first that another index is wanted."""
        first = self.first_loss
        return first is not None and (
            loss.excess > first.excess + _INDEX_TOLERANCE
            or loss.error > first.error + _TIE_TOLERANCE
        )


@dataclass(frozen=True, slots=True, eq=False)
class _CellsOfFrame:
    """A colour index, with the cells of a frame if they have been kept."""

    index: ColorIndex
    numbers: NDArray[np.uint16] | None

    @property
    def cell_bgr(self) -> NDArray[np.float32]:
        return self.index.cell_bgr

    def of_frame(self, frame: Frame, rows: slice = ALL_ROWS) -> NDArray[np.uint16]:
        return self.index.of_frame(frame, rows) if self.numbers is None else self.numbers[rows]


class FastMapper:
    """Maps the frames of a video, one after another.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._space = settings.color_space
        self._stability = settings.stability
        self._budget = _Budget(_LARGEST_EXCESS * settings.stability)
        self._hysteresis = LabelHysteresis()
        self._in_use: _IndexInUse | None = None
        self._sampled: tuple[NDArray[np.float32], NDArray[np.uint8]] | None = None  # BGR and labels

    def map(
        self,
        frame: Frame,
        sample: PixelSample,
        colors: NDArray[np.float32],
        palette: FramePalette,
        *,
        keep_cells: bool = False,
    ) -> tuple[NDArray[np.uint8], float, ColorCells]:
        """Label every pixel of the next frame.

        Parameters
        ----------
        frame : Frame
        sample : PixelSample
            Of the frame.
        colors : ndarray of float32, shape (N, 3)
            The sample in the working space.
        palette : FramePalette
            The frame's centroids.
        keep_cells : bool
            Whether every pixel's cell is kept beside its label, for who looks more up by it.

        Returns
        -------
        labels : ndarray of uint8, shape (H, W)
        inertia : float
            Mean squared distance of the sample to the centroids it is mapped to.
        cells : ColorCells
            What the frame's colours were divided into.
        """
        if palette.event == "cut":
            self._hysteresis.forget()
            self._sampled = None
        in_use = self._in_use or self._choose(frame, sample, palette)
        table = self._table(in_use, palette)
        loss = _loss(in_use, table, sample, colors, palette, palette.inertia)
        if in_use.is_outdated_by(loss):
            in_use = self._choose(frame, sample, palette)
            table = self._table(in_use, palette)
            loss = _loss(in_use, table, sample, colors, palette, palette.inertia)
        if not self._stability:
            self._in_use = in_use
            labels = _strict_labels(frame, in_use.index, table)
            return labels, loss.inertia, _CellsOfFrame(in_use.index, None)
        numbers = np.empty((frame.height, frame.width), np.uint16) if keep_cells else None
        while True:
            step = self._budget.step
            labels = self._hysteresis.hold(frame, in_use.index, table, numbers)
            sampled = labels.ravel()[sample.positions]
            inertia = inertia_of_labels(colors, sampled, palette.centroids)
            if not self._budget.spend(_excess(inertia, palette.inertia)):
                break
            if self._budget.step == step:  # so it is the index that tells ties wrongly
                if in_use is not self._in_use:
                    break
                in_use = self._choose(frame, sample, palette)
            table = self._table(in_use, palette)
        self._in_use = in_use
        self._hysteresis.remember(frame, labels)
        self._see(sample, sampled)
        return labels, inertia, _CellsOfFrame(in_use.index, numbers)

    def _see(self, sample: PixelSample, labels: NDArray[np.uint8]) -> None:
        """Have the budget know how still the labels of what is still are."""
        before, self._sampled = self._sampled, (sample.bgr, labels)
        if before is None or len(before[1]) != len(labels):
            return
        changes = (sample.bgr - before[0])[:, np.newaxis]
        still = cv2.inRange(changes, (-STILL_LEVELS,) * 3, (STILL_LEVELS,) * 3).ravel()
        if (count := cv2.countNonZero(still)) >= _LEAST_PIXELS:
            self._budget.see(cv2.countNonZero(still * (labels != before[1])) / count)

    def _choose(self, frame: Frame, sample: PixelSample, palette: FramePalette) -> _IndexInUse:
        """An index for this frame, and what it loses on pixels that it was not made from."""
        index = ColorIndex.from_sample(
            sample, frame.components_to_bgr, may_rotate=frame.layout == "bgr24"
        )
        cell_colors = to_working(index.cell_bgr, self._space)
        chosen = _IndexInUse(index, cell_colors, Cells(cell_colors))
        other = PixelSample.of_frame(frame, len(sample.bgr), between=True)
        colors = to_working(other.bgr, self._space)
        least = inertia_of(colors, palette.centroids[palette.real])
        chosen.first_loss = _loss(
            chosen, self._table(chosen, palette), other, colors, palette, least
        )
        return chosen

    def _table(self, in_use: _IndexInUse, palette: FramePalette) -> CellTable:
        """The table for these centroids, made anew if they have moved or a level has changed."""
        numbers = np.flatnonzero(palette.real).astype(np.uint8)
        centroids = palette.centroids[numbers]
        level = _LEVEL * self._stability * self._budget.generosity * palette.inertia
        if in_use.table is None or not (
            in_use.made_for is not None
            and np.array_equal(in_use.made_for[0], numbers)
            and np.array_equal(in_use.made_for[1], centroids)
            and math.isclose(in_use.made_for[2], level, rel_tol=_ABOUT_THE_SAME)
        ):
            in_use.table = in_use.cells.label(centroids, numbers, level)
            in_use.made_for = numbers, centroids, level
        return in_use.table


def _strict_labels(frame: Frame, index: ColorIndex, table: CellTable) -> NDArray[np.uint8]:
    """Label of every pixel's cell, (H, W)."""
    labels = np.empty((frame.height, frame.width), np.uint8)
    kernels.label_strictly(frame.picture, index.numbers, table.ties, labels)
    return labels


def _loss(
    in_use: _IndexInUse,
    table: CellTable,
    sample: PixelSample,
    colors: NDArray[np.float32],
    palette: FramePalette,
    least: float,
) -> _Loss:
    cells = in_use.index.of_sample(sample)
    inertia = inertia_of_labels(colors, table.labels[cells], palette.centroids)
    few = slice(None, None, _NTH_PIXEL)
    errors = (colors[few] - in_use.colors.take(cells[few], axis=0)).ravel()
    error = 3 * float(np.dot(errors, errors)) / errors.size
    return _Loss(inertia, _excess(inertia, least), error / least if least else 0.0)


def _excess(inertia: float, least: float) -> float:
    return (inertia - least) / least if least else float(inertia > 0)
