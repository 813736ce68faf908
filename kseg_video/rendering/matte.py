"""The matte: the opacity of each pixel of a keyed picture.

Labels alone make a hard matte with stair-stepped edges. But the pixels along an edge mix the
colours of both sides, and their colour tells in which proportion. So within a few pixels of the
border, opacity follows colour: its position between the nearest cluster that is on and the nearest
that is off, from a table over the colour index. Farther away the labels decide, so that nothing
inside a region turns translucent because its colour resembles the other side's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from kseg_video.core.background_spec import parse_background
from kseg_video.core.color_spaces import to_levels, to_working
from kseg_video.core.settings import MAX_CLUSTERS
from kseg_video.native.planes import LevelTable, bands_of, look_up, squared_distances
from kseg_video.rendering.outlines import STEADINESS, pixels_in, speck_area

if TYPE_CHECKING:
    from collections.abc import Callable
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, Plane, Segmentation
    from kseg_video.core.settings import ColorSpace, RenderSettings

# Share of the distance between an off and an on cluster over which opacity rises; a colour nearer
# to either is wholly off or on. More gives softer edges, and makes noise near them translucent.
_SOFT_PART = 0.6
_LINES_PER_FEATHER_PIXEL = 540
_SMALLEST_FEATHER = 2
_INDICES = 1 << 16


@dataclass(frozen=True, slots=True)
class MatteSettings:
    """How the hard matte of the labels is refined.

    Parameters
    ----------
    feather : int
        Pixels on either side of the border within which opacity follows colour: 0 is a hard edge,
        2 suits HD. More follows wider soft edges, such as hair and motion blur, but turns inner
        pixels translucent whose colour resembles the other side's.
    despeckle : int
        Islands and holes of fewer pixels are removed. More cleans up noise, but loses small parts.
    """

    feather: int = 0
    despeckle: int = 0

    @classmethod
    def suiting(cls, settings: RenderSettings, width: int, height: int) -> MatteSettings:
        """The settings, with defaults that depend on the picture's size filled in."""
        is_flat = parse_background(settings.background).kind == "color" and settings.view != "matte"
        feather, despeckle = settings.feather, settings.despeckle
        if feather is None:
            suits = max(height // _LINES_PER_FEATHER_PIXEL, _SMALLEST_FEATHER)
            feather = 0 if is_flat or settings.view == "segmented" else suits
        if despeckle is None:
            despeckle = 0 if is_flat else speck_area(width, height)
        return cls(feather, despeckle)


class Matting:
    """Makes the mattes of the frames of one video, in order."""

    def __init__(self) -> None:
        self._before: Plane | None = None
        self._before_disabled: AbstractSet[int] = frozenset()
        self._opacities: _CellOpacities | None = None

    def of_frame(
        self,
        frame: Frame,
        segmentation: Segmentation,
        disabled: AbstractSet[int],
        edge: MatteSettings,
    ) -> Plane:
        """Opacity of the next frame; uint8 of shape (H, W), 255 where it is fully opaque."""
        levels = np.full(MAX_CLUSTERS, 255, np.uint8)
        levels[list(disabled)] = 0
        hard = LevelTable(levels).look_up(segmentation.labels)
        present = segmentation.palette.shares > 0
        is_on = levels[: len(present)] > 0
        if is_on[present].all() or not is_on[present].any():
            return hard
        if edge.despeckle > 1:
            hard = _despeckled(hard, edge.despeckle, self._memory(segmentation, disabled))
            self._before, self._before_disabled = hard, disabled
        if not edge.feather:
            return hard
        return _softened(hard, edge.feather, self._by_color(frame, segmentation, is_on))

    def _memory(self, segmentation: Segmentation, disabled: AbstractSet[int]) -> Plane | None:
        """The hard matte of the frame before, unless the scene or the selection has changed."""
        before = self._before
        if before is None or before.shape != segmentation.labels.shape:
            return None
        new_scene = segmentation.begins_scene or disabled != self._before_disabled
        return None if new_scene else before

    def _by_color(
        self, frame: Frame, segmentation: Segmentation, is_on: NDArray[np.bool_]
    ) -> Callable[[slice], Plane]:
        """A function from rows to their opacity by colour alone."""
        palette = segmentation.palette
        in_use = palette.shares > 0
        centroids, is_on = palette.centroids[in_use], is_on[in_use]
        space, cells = segmentation.color_space, segmentation.cells
        if cells is None:
            return lambda rows: _measured(frame.bgr[rows], centroids, is_on, space)
        if self._opacities is None or not self._opacities.is_of(cells.cell_bgr, space):
            self._opacities = _CellOpacities(cells.cell_bgr, space)
        table = self._opacities.table(centroids, is_on)
        return lambda rows: cast("Plane", look_up(cells.of_frame(frame, rows), table))


class _CellOpacities:
    """Opacity of a colour index's cells; only moved clusters are computed again."""

    def __init__(self, cell_bgr: NDArray[np.float32], space: ColorSpace) -> None:
        self._cell_bgr, self._space = cell_bgr, space
        self._channels = np.ascontiguousarray(to_working(cell_bgr, space).T)
        self._centroids: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._distances: NDArray[np.float32] = np.zeros((0, len(cell_bgr)), np.float32)
        self._is_on: NDArray[np.bool_] = np.zeros(0, bool)
        self._table: NDArray[np.uint8] = np.zeros(_INDICES, np.uint8)

    def is_of(self, cell_bgr: NDArray[np.float32], space: ColorSpace) -> bool:
        """Whether the table was made for these cells."""
        return self._cell_bgr is cell_bgr and self._space == space

    def table(self, centroids: NDArray[np.float32], is_on: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Opacity of every cell; uint8 of shape (65536,)."""
        if len(centroids) != len(self._centroids):
            self._distances = np.empty((len(centroids), len(self._cell_bgr)), np.float32)
            moved = np.arange(len(centroids))
        else:
            moved = np.flatnonzero((centroids != self._centroids).any(axis=1))
        if len(moved) or not np.array_equal(is_on, self._is_on):
            for row in moved:
                self._distances[row] = squared_distances(self._channels, centroids[row])
            self._centroids, self._is_on = centroids, is_on
            self._table[: len(self._cell_bgr)] = _opacity(self._distances, is_on)
        return self._table


def _opacity(distances: NDArray[np.float32], is_on: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Opacity levels of colours from their squared distances to the clusters; (K, N) to (N,)."""
    to_on, to_off = (np.sqrt(distances[side].min(axis=0)) for side in (is_on, ~is_on))
    share = to_off / np.maximum(to_on + to_off, np.finfo(np.float32).tiny)
    return to_levels(255 * ((share - 0.5) / _SOFT_PART + 0.5))


def _measured(
    bgr: NDArray[np.uint8],
    centroids: NDArray[np.float32],
    is_on: NDArray[np.bool_],
    space: ColorSpace,
) -> Plane:
    """Opacity of every pixel from its own colour instead of its cell's."""
    colors = to_working(bgr.reshape(-1, 3).astype(np.float32), space)
    channels = np.ascontiguousarray(colors.T)
    distances = np.stack([squared_distances(channels, centroid) for centroid in centroids])
    return _opacity(distances, is_on).reshape(bgr.shape[:2])


def _softened(hard: Plane, feather: int, soft: Callable[[slice], Plane]) -> Plane:
    """The hard matte with a soft border, and without a step where the two meet.

    The mean of the hard matte around a pixel measures the distance from the border: it is half-way
    on the border, and 0 or 255 from `feather` pixels on. It bounds opacity from below where the
    pixel is on, and from above where it is off, more tightly farther from the border.
    """
    side = 2 * feather + 1
    matte = hard.copy()
    for band in bands_of(*hard.shape, margin=feather + feather % 2):
        mean = cast("Plane", cv2.blur(hard[band.seen], (side, side)))[band.within]
        if mean.min() == mean.max():  # no border is near
            continue
        opacity = soft(band.rows)
        least = cv2.subtract(mean, cv2.bitwise_not(mean))  # twice the mean, less 255
        on = cv2.max(opacity, least)
        matte[band.rows] = cv2.min(opacity, cv2.add(mean, mean))
        cv2.copyTo(on, hard[band.rows], matte[band.rows])
    return matte


def _despeckled(hard: Plane, area: int, before: Plane | None) -> Plane:
    """A hard matte without its small islands and holes."""
    matte = hard.copy()
    contours, hierarchy = cv2.findContours(hard, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    parents = hierarchy[0, :, 3].tolist() if len(contours) else []
    removed: set[int] = set()
    most = 2 * STEADINESS * area  # longest outline of a region that small
    for is_hole in (False, True):
        for number, (contour, parent) in enumerate(zip(contours, parents, strict=True)):
            if (parent >= 0) != is_hole or len(contour) > most or parent in removed:
                continue
            if pixels_in(contour, is_hole=is_hole) < _limit(area, contour, before, is_hole):
                removed.add(number)
                cv2.drawContours(matte, [contour], 0, 255 * is_hole, cv2.FILLED)
    return matte


def _limit(area: int, contour: NDArray[Any], before: Plane | None, is_hole: bool) -> float:
    """Pixels below which a region is removed; fewer for one that was in the frame before."""
    if before is None:
        return area
    x, y = contour[0, 0].tolist()
    was_on = before[y, x + is_hole] > 0  # a hole's outline begins on the pixel to its left
    return area / STEADINESS if was_on != is_hole else area * STEADINESS
