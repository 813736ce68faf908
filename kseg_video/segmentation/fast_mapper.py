"""The fast mapping of a video: colour index, table and hysteresis, reused while they fit."""

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

# An index is replaced once its loss has grown, in units of the inertia: by the first in excess, or
# by the second in the distance of pixels to their cells' colours, on which ties depend. Less
# follows the picture more closely, and rebuilds the index more often.
_INDEX_TOLERANCE, _TIE_TOLERANCE = 0.003, 0.03
_NTH_PIXEL = 4  # every 4th pixel of the sample is enough to measure the latter
# A level of excess, the unit of votes, in units of the inertia at full stability: more widens ties.
_LEVEL = 1 / 3
# Share by which full stability lets the inertia rise, and the factor on it where labels are
# restless. More keeps labels stiller, but paints more colours differently from a second ago.
_LARGEST_EXCESS = 0.012
_MORE_AT_MOST = 3.3
# Labels are restless if more than this share of the unchanged pixels changes its label in a frame.
_RESTLESS = 0.0025
_MEMORY = 0.2  # weight of the newest frame in the running mean of that share
_LEAST_PIXELS = 200  # unchanged pixels needed to measure that share
_STEPS_TO_DOUBLE = 4
_LEAST_STEP, _MOST_STEP = -24, 2
_ABOUT_THE_SAME = 0.1  # relative change of a level, less than a step of the budget
_FAR_TOO_MUCH = 3.0  # times the wanted excess, above which a frame is labelled again


class _Budget:
    """The budget of hysteresis: the excess of inertia that it may cost.

    The cost of wide ties depends on the picture: it is small under a still camera and large in slow
    gradients. The ties therefore widen by a step a frame, or narrow at once, until the excess is
    the wanted one. Restless labels raise the wanted excess.

    Parameters
    ----------
    excess : float
        The wanted excess for calm labels, as a share of the inertia.
    """

    def __init__(self, excess: float) -> None:
        self._least = excess
        self._unrest = _RESTLESS * _MORE_AT_MOST  # a noisy first second would flicker otherwise
        self.step = 0

    @property
    def generosity(self) -> float:
        """Factor on the width of ties."""
        return float(2 ** (self.step / _STEPS_TO_DOUBLE))

    def spend(self, excess: float) -> bool:
        """Adapt to the excess of a frame; return whether it was far too much."""
        wanted = self._least * min(max(self._unrest / _RESTLESS, 1.0), _MORE_AT_MOST)
        steps = _STEPS_TO_DOUBLE * math.log2(wanted / max(excess, 1e-6))
        if abs(steps) >= 1:  # narrower at once, wider bit by bit
            self.step = min(max(self.step + min(round(steps), 1), _LEAST_STEP), _MOST_STEP)
        return excess > _FAR_TOO_MUCH * wanted

    def see(self, unrest: float) -> None:
        """Update with the share of unchanged pixels whose label changed."""
        self._unrest += _MEMORY * (unrest - self._unrest)


class _Loss(NamedTuple):
    """Loss of an index on a sample."""

    inertia: float
    excess: float  # of the inertia over the least, as a share of that
    error: float  # mean squared distance of pixels to their cells' colours, as a share of the least


@dataclass(slots=True, eq=False)
class _IndexInUse:
    """A colour index, its cells' colours and their table."""

    index: ColorIndex
    colors: NDArray[np.float32]  # of the cells, in the working space
    cells: Cells
    first_loss: _Loss | None = None
    table: CellTable | None = None
    made_for: tuple[NDArray[np.uint8], NDArray[np.float32], float] | None = None

    def is_outdated_by(self, loss: _Loss) -> bool:
        """Whether the loss has grown beyond the tolerance."""
        first = self.first_loss
        return first is not None and (
            loss.excess > first.excess + _INDEX_TOLERANCE
            or loss.error > first.error + _TIE_TOLERANCE
        )


@dataclass(frozen=True, slots=True, eq=False)
class _CellsOfFrame:
    """A colour index, and the cell numbers of a frame if they were kept."""

    index: ColorIndex
    numbers: NDArray[np.uint16] | None

    @property
    def cell_bgr(self) -> NDArray[np.float32]:
        return self.index.cell_bgr

    def of_frame(self, frame: Frame, rows: slice = ALL_ROWS) -> NDArray[np.uint16]:
        return self.index.of_frame(frame, rows) if self.numbers is None else self.numbers[rows]


class FastMapper:
    """Maps the frames of one video to labels, in order.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._space = settings.color_space
        self._stability = settings.stability
        self._budget = _Budget(_LARGEST_EXCESS * settings.stability)
        self._hysteresis = LabelHysteresis(settings.threads or 1)
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
            Whether to keep every pixel's cell number, for further look-ups such as opacities.
            Takes two bytes a pixel.

        Returns
        -------
        labels : ndarray of uint8, shape (H, W)
        inertia : float
            Mean squared distance of the sample to the centroids it is mapped to.
        cells : ColorCells
            The cells of the frame's colours.
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
            if self._budget.step == step:  # ties cannot narrow further: the index is at fault
                if in_use is not self._in_use:
                    break
                in_use = self._choose(frame, sample, palette)
            table = self._table(in_use, palette)
        self._in_use = in_use
        self._hysteresis.remember(frame, labels)
        self._see(sample, sampled)
        return labels, inertia, _CellsOfFrame(in_use.index, numbers)

    def _see(self, sample: PixelSample, labels: NDArray[np.uint8]) -> None:
        """Update the budget with the share of unchanged pixels whose label changed."""
        before, self._sampled = self._sampled, (sample.bgr, labels)
        if before is None or len(before[1]) != len(labels):
            return
        changes = (sample.bgr - before[0])[:, np.newaxis]
        still = cv2.inRange(changes, (-STILL_LEVELS,) * 3, (STILL_LEVELS,) * 3).ravel()
        if (count := cv2.countNonZero(still)) >= _LEAST_PIXELS:
            self._budget.see(cv2.countNonZero(still * (labels != before[1])) / count)

    def _choose(self, frame: Frame, sample: PixelSample, palette: FramePalette) -> _IndexInUse:
        """Build an index for this frame; its first loss is measured on pixels not used for it."""
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
        """The table for this palette, rebuilt if a centroid has moved or the level has changed."""
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
