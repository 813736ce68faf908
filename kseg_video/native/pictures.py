"""Pictures as the kernels take them, their colour components and their cell numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, cast

import cv2
import numpy as np

from kseg_video.native.planes import PAIRS, LevelTable, look_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# B, G and R of every pixel, (H, W, 3); or the planes Y, (H, W), and U and V, (H / 2, W / 2) rounded
# up.
Picture: TypeAlias = (
    "NDArray[np.uint8] | tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]"
)
Components: TypeAlias = "tuple[NDArray[np.uint8], NDArray[np.uint8]]"


class Memory(NamedTuple):
    """The frame before, to which labels are held.

    Parameters
    ----------
    picture : Picture
        Picture of the same layout and size as the one to be labelled.
    luma : ndarray of uint8, shape (H, W)
        Luma of the picture.
    labels : ndarray of uint8, shape (H, W)
        Labels of the picture.
    limit : int
        Largest change of luma, in levels, that counts as noise.
    """

    picture: Picture
    luma: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    limit: int


@dataclass(frozen=True, eq=False)
class CellNumbers:
    """Maps the colour components of a pixel to its cell number.

    Parameters
    ----------
    tables : tuple of three ndarray of uint16, shape (256,)
        For each component, the summand of the cell number by level.
    axes : ndarray of float32, shape (3, 4), optional
        Affine map that is applied to B, G and R first.
    """

    tables: tuple[NDArray[np.uint16], NDArray[np.uint16], NDArray[np.uint16]]
    axes: NDArray[np.float32] | None = None

    @cached_property
    def others(self) -> NDArray[np.uint16]:
        """Summand of the cell number by the second and third component as one 16-bit number."""
        _, second, third = self.tables
        return (second[PAIRS[..., 0]] + third[PAIRS[..., 1]]).ravel()

    @cached_property
    def _first(self) -> LevelTable[np.uint16]:
        return LevelTable(self.tables[0])

    def components(self, picture: Picture, rows: slice) -> Components:
        """Components of some rows of a picture, (H, W) and (H, W, 2), rotated to the axes."""
        if self.axes is None or isinstance(picture, tuple):
            return components(picture, rows)
        turned = cv2.transform(picture[rows], self.axes)
        return components(cast("NDArray[np.uint8]", turned), slice(0, None))

    def of_picture(self, picture: Picture, rows: slice) -> NDArray[np.uint16]:
        """Cell number of every pixel of some rows of a picture; uint16 of shape (H, W)."""
        first, others = self.components(picture, rows)
        cells = self._first.look_up(first)
        cells += look_up(others.view(np.uint16)[..., 0], self.others)
        return cells


def components(picture: Picture, rows: slice) -> Components:
    """Colour components at full size: the first, (H, W), and the other two, (H, W, 2).

    Chroma is upsampled bilinearly, which stays within 2 levels of ffmpeg's own conversion.

    Parameters
    ----------
    picture : Picture
    rows : slice
        The wanted rows; they start at an even row and stop at an even row or the last.
    """
    if isinstance(picture, tuple):
        luma, *chroma = picture
        first = luma[rows]
        return first, _doubled(chroma, rows)[: len(first), : luma.shape[1]]
    channels = cast("list[NDArray[np.uint8]]", cv2.split(picture[rows]))
    return channels[0], cast("NDArray[np.uint8]", cv2.merge(channels[1:]))


def _doubled(chroma: Sequence[NDArray[np.uint8]], rows: slice) -> NDArray[np.uint8]:
    """Upsample rows of both chroma planes to twice their size, (H, W, 2)."""
    first = max(rows.start // 2 - 1, 0)
    last = None if rows.stop is None else rows.stop // 2 + 1
    halves = cv2.merge([plane[first:last] for plane in chroma])
    size = (2 * halves.shape[1], 2 * halves.shape[0])
    doubled = cv2.resize(halves, size, interpolation=cv2.INTER_LINEAR)
    above = rows.start - 2 * first
    below = None if rows.stop is None else above + rows.stop - rows.start
    return cast("NDArray[np.uint8]", doubled[above:below])
