"""The colour index: a quantiser of colours to 16-bit cell numbers.

Each of a frame's three 8-bit components is cut into bins, and the three bin numbers are combined
into the number of a *cell*. The labels of a palette are then a table over the cells.

The bins are chosen from a sample of the picture. The number of bins of each component follows the
optimal product quantiser of high-resolution theory: the error of n bins over a density p is
proportional to (integral of p^(1/3))^3 / n^2, and the product of the three n is at most 65,536.
Their positions follow a blend of that same p^(1/3) with the uniform density, so that colours the
sample missed still get cells. A component with no more levels than bins keeps them all: a picture
of few or close colours, such as one in low light, is mapped exactly.

References
----------
.. [1] P. F. Panter, W. Dite, "Quantization distortion in pulse-count modulation with nonuniform
   spacing of levels", Proc. IRE 39 (1951).
.. [2] A. Gersho, R. M. Gray, "Vector Quantization and Signal Compression" (1992), chapter 5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.core.color_spaces import to_levels
from kseg_video.core.frame import ALL_ROWS
from kseg_video.native.pictures import CellNumbers
from kseg_video.segmentation.pixel_sampling import colors_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.segmentation.pixel_sampling import PixelSample

MAX_CELLS = 1 << 16

_LEVELS = 256
_UNIFORM_SHARE = 0.3  # more -> finer cells for unsampled colours, coarser ones for common colours
_SMOOTHING = np.array([1, 2, 3, 2, 1]) / 9


@dataclass(frozen=True, eq=False)
class ColorIndex:
    """A division of colour space into at most 65,536 cells.

    Parameters
    ----------
    numbers : CellNumbers
        Maps a pixel's components to the number of its cell.
    cell_bgr : ndarray of float32, shape (C, 3)
        The colour that represents each cell, BGR from 0 to 255.
    """

    numbers: CellNumbers
    cell_bgr: NDArray[np.float32]

    @cached_property
    def _side_by_side(self) -> NDArray[np.uint8]:
        table = np.stack(self.numbers.tables, axis=1)[np.newaxis]
        return cast("NDArray[np.uint8]", table)  # OpenCV's stubs know uint8 alone

    @classmethod
    def from_sample(
        cls,
        sample: PixelSample,
        components_to_bgr: NDArray[np.float32],
        *,
        may_rotate: bool,
    ) -> ColorIndex:
        """Choose bins that suit a sample.

        Parameters
        ----------
        sample : PixelSample
        components_to_bgr : ndarray of float32, shape (3, 4)
            Affine map from components to BGR.
        may_rotate : bool
            Whether the components may be rotated to the sample's principal axes, where a product
            quantiser fits best. Worth its cost for B, G and R, which are correlated, but not for
            Y, U and V. Skipped if every colour gets its own cell without it.
        """
        levels, axes, levels_to_bgr = sample.components, None, components_to_bgr
        spans = np.ptp(levels.astype(int), axis=0) + 1
        if may_rotate and np.prod(spans) > MAX_CELLS:
            axes = _principal_axes(sample.bgr)
            levels = _on_axes(levels, axes)
            levels_to_bgr = _invert(axes)
        densities = [_density(levels[:, channel]) for channel in range(3)]
        # An error of one level of a component moves the colour by the length of its column.
        lengths = np.linalg.norm(levels_to_bgr[:, :3], axis=0)
        counts = _share_out_bins(densities, lengths)
        binnings = [_cut(*pair) for pair in zip(densities, counts, strict=True)]
        strides = (counts[1] * counts[2], counts[2], 1)
        first, second, third = (
            (bins * stride).astype(np.uint16)
            for (bins, _), stride in zip(binnings, strides, strict=True)
        )
        grid = np.meshgrid(*(values for _, values in binnings), indexing="ij")
        centres = np.stack(grid, axis=-1).reshape(-1, 3)
        cells = first[levels[:, 0]] + second[levels[:, 1]] + third[levels[:, 2]]
        means = _mean_of_members(centres, cells, levels)
        numbers = CellNumbers((first, second, third), axes)
        if axes is None:
            return cls(numbers, colors_of(to_levels(means), components_to_bgr))
        return cls(numbers, to_levels(_apply(levels_to_bgr, means)).astype(np.float32))

    def of_frame(self, frame: Frame, rows: slice = ALL_ROWS) -> NDArray[np.uint16]:
        """Cell number of every pixel of some rows of a frame; uint16 of shape (H, W)."""
        return self.numbers.of_picture(frame.picture, rows)

    def of_sample(self, sample: PixelSample) -> NDArray[np.uint16]:
        """Cell number of every pixel of a sample; uint16 of shape (N,)."""
        levels = sample.components
        if self.numbers.axes is not None:
            levels = _on_axes(levels, self.numbers.axes)
        parts = cast("NDArray[np.uint16]", cv2.LUT(levels[:, np.newaxis], self._side_by_side))
        cells: NDArray[np.uint16] = parts[:, 0, 0] + parts[:, 0, 1]
        cells += parts[:, 0, 2]
        return cells


def _apply(affine: NDArray[np.float32], rows: NDArray[np.generic]) -> NDArray[np.float32]:
    """Apply an affine map, (3, 4), to every row of (N, 3)."""
    return rows.astype(np.float32) @ affine[:, :3].T + affine[:, 3]


def _on_axes(levels: NDArray[np.uint8], axes: NDArray[np.float32]) -> NDArray[np.uint8]:
    return colors_of(levels, axes).astype(np.uint8)


def _invert(affine: NDArray[np.float32]) -> NDArray[np.float32]:
    inverse = np.linalg.inv(affine[:, :3].astype(np.float64))
    return np.column_stack([inverse, -inverse @ affine[:, 3]]).astype(np.float32)


def _principal_axes(bgr: NDArray[np.float32]) -> NDArray[np.float32]:
    """Affine map to the principal axes of colours, with each axis scaled to 0 to 255."""
    mean = bgr.mean(axis=0, dtype=np.float64)
    centred = bgr - mean
    _, vectors = np.linalg.eigh(centred.T @ centred)
    projected = centred @ vectors
    low, high = projected.min(axis=0) - 1, projected.max(axis=0) + 1
    scale = (_LEVELS - 1) / (high - low)
    linear = (vectors * scale).T
    return np.column_stack([linear, -linear @ mean - low * scale]).astype(np.float32)


def _mean_of_members(
    centres: NDArray[np.float32], cells: NDArray[np.uint16], levels: NDArray[np.uint8]
) -> NDArray[np.float32]:
    """Mean level of each cell's sampled pixels and its centre, which counts as one pixel."""
    weights = np.bincount(cells, minlength=len(centres))[:, np.newaxis] + 1.0
    sums = [np.bincount(cells, levels[:, c], len(centres)) for c in range(3)]
    return ((np.stack(sums, axis=1) + centres) / weights).astype(np.float32)


def _density(levels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Density of bins over the levels: the histogram's cube root, blended with uniform; sums to 1.

    It is zero outside the observed levels, which fall into the first or last bin.
    """
    histogram = np.bincount(levels, minlength=_LEVELS) / len(levels)
    low, high = int(levels.min()), int(levels.max()) + 1
    root = np.cbrt(np.convolve(histogram, _SMOOTHING, mode="same"))[low:high]
    density = np.zeros(_LEVELS)
    density[low:high] = (1 - _UNIFORM_SHARE) * root / root.sum() + _UNIFORM_SHARE / (high - low)
    return density


def _share_out_bins(
    densities: list[NDArray[np.float64]], lengths: NDArray[np.float64]
) -> tuple[int, int, int]:
    """Number of bins of each component, their product at most 65,536."""
    spans = np.array([np.count_nonzero(density) for density in densities])
    # 1 / sum(d^2) is the number of levels over which a density d spreads; for the cube root of the
    # histogram it takes the place of the theory's integral.
    spread = lengths / np.array([(density**2).sum() for density in densities])
    counts = np.zeros(3, int)
    free = np.ones(3, bool)
    while free.any():
        budget = MAX_CELLS / np.prod(counts[~free])
        ideal = spread * (budget / np.prod(spread[free])) ** (1 / free.sum())
        capped = free & (ideal >= spans)
        if not capped.any():
            counts[free] = np.maximum(ideal[free].astype(int), 1)
            break
        counts[capped] = spans[capped]
        free &= ~capped
    while True:  # rounding down left room for more bins: they go where the gain is largest
        gains = np.where((counts < spans), spread / counts, 0)
        gains[np.prod(counts) // counts * (counts + 1) > MAX_CELLS] = 0
        if not gains.any():
            return int(counts[0]), int(counts[1]), int(counts[2])
        counts[int(np.argmax(gains))] += 1


def _cut(density: NDArray[np.float64], n_bins: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Bin of every level, and the level that represents every bin."""
    (observed,) = np.nonzero(density)
    low, high = observed[0], observed[-1] + 1
    if high - low <= n_bins:
        inner = np.arange(high - low)
    else:
        position = np.cumsum(density[low:high]) - density[low:high] / 2
        inner = np.minimum((position * n_bins).astype(int), n_bins - 1)
        # Bin numbers may not decrease from level to level.
        inner = np.maximum.accumulate(inner)
    bins = np.empty(_LEVELS, np.intp)
    bins[low:high] = inner
    bins[:low] = inner[0]
    bins[high:] = inner[-1]
    levels = np.arange(low, high)
    mass = np.bincount(inner, density[low:high], n_bins)
    moment = np.bincount(inner, density[low:high] * levels, n_bins)
    with np.errstate(invalid="ignore"):
        values = moment / mass
    return bins, np.nan_to_num(values, nan=float(low)).astype(np.float32)
