"""The sample of a frame's pixels that fits and tracking use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import product
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.core.frame import halved

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class PixelSample:
    """A sample of a frame's pixels.

    Parameters
    ----------
    components : ndarray of uint8, shape (N, 3)
        Colour components, as in `kseg_video.core.frame.Frame.components`.
    bgr : ndarray of float32, shape (N, 3)
        Colours, 0 to 255.
    positions : ndarray of int, shape (N,)
        Flat indices of the pixels in raster order.
    """

    components: NDArray[np.uint8]
    bgr: NDArray[np.float32]
    positions: NDArray[np.intp]

    @classmethod
    def of_frame(cls, frame: Frame, n_pixels: int | None, *, between: bool = False) -> PixelSample:
        """Sample pixels at a constant stride.

        A stride rather than a smaller picture, because averaging would invent colours. The stride
        is seldom a whole number, so it does not beat with a regular texture.

        Parameters
        ----------
        frame : Frame
        n_pixels : int, optional
            Maximum number of pixels; all by default. More fits more closely and takes longer.
        between : bool
            Whether to take the pixels half-way between those of the default sample.
        """
        total = frame.width * frame.height
        wanted = total if n_pixels is None else min(n_pixels, total)
        positions = _positions(frame.width, frame.height, wanted, between)
        components = _components_at(frame, positions)
        return cls(components, colors_of(components, frame.components_to_bgr), positions.flat)


@dataclass(frozen=True, eq=False)
class _SamplePositions:
    """Positions of the pixels of a sample, as flat indices in raster order."""

    flat: NDArray[np.intp]
    width: int
    height: int

    @cached_property
    def in_chroma(self) -> NDArray[np.intp]:
        """The four chroma samples around each position, (4, N), the nearest first."""
        axes = []
        for position, size in zip(
            np.divmod(self.flat, self.width), (halved(self.height), halved(self.width)), strict=True
        ):
            near = position // 2
            far = np.clip(near + np.where(position % 2, 1, -1), 0, size - 1)
            axes.append((near, far))
        return np.stack([row * halved(self.width) + column for row, column in product(*axes)])


@lru_cache(maxsize=4)
def _positions(width: int, height: int, wanted: int, between: bool) -> _SamplePositions:
    flat = (2 * np.arange(wanted) + between) * (width * height) // (2 * wanted)
    return _SamplePositions(flat, width, height)


def _components_at(frame: Frame, positions: _SamplePositions) -> NDArray[np.uint8]:
    """`Frame.components` at some positions, without upsampling the whole chroma planes."""
    if frame.layout != "i420":
        return frame.pixels.reshape(-1, 3)[positions.flat]
    luma, *chroma = frame.planes
    components = np.empty((len(positions.flat), 3), np.uint8)
    components[:, 0] = luma.ravel()[positions.flat]
    for number, plane in enumerate(chroma, start=1):
        nearest, beside, above, across = plane.ravel()[positions.in_chroma].astype(np.uint16)
        # Weights and rounding of `cv2.resize`.
        near_row, far_row = 3 * (3 * nearest + beside) >> 2, 3 * above + across >> 2
        components[:, number] = near_row + far_row + 2 >> 2
    return components


def colors_of(
    components: NDArray[np.uint8], components_to_bgr: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Convert component levels to colours, with the arithmetic of `Frame.bgr`.

    Parameters
    ----------
    components : ndarray of uint8, shape (N, 3)
    components_to_bgr : ndarray of float32, shape (3, 4)

    Returns
    -------
    ndarray of float32, shape (N, 3)
        Whole BGR levels, 0 to 255.
    """
    points = np.ascontiguousarray(components).reshape(-1, 1, 3)
    return cv2.transform(points, components_to_bgr).reshape(-1, 3).astype(np.float32)
