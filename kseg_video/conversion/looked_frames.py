"""Frames that were looked at: their palettes and selections, before they are labelled."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Self, get_args

import numpy as np

from kseg_video.core.color_spaces import from_working
from kseg_video.core.frame import PaletteEvent, Segmentation
from kseg_video.segmentation.palette_tracker import FramePalette

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.core.settings import ColorSpace

_NTH_ROW = 16  # of a frame, by which it is recognized
_EVENTS: tuple[PaletteEvent, ...] = get_args(PaletteEvent)


@dataclass(frozen=True, slots=True, eq=False)
class LookedFrame:
    """What is known of a frame before it is labelled.

    Parameters
    ----------
    palette : FramePalette
    disabled : frozenset of int
        Clusters that are off.
    checksum : int
        Of its pixels, see `checksum`.
    """

    palette: FramePalette
    disabled: frozenset[int]
    checksum: int


def checksum(frame: Frame) -> int:
    """A number by which a frame is recognized that is decoded again."""
    return zlib.crc32(frame.pixels[::_NTH_ROW].tobytes())


@dataclass(frozen=True, slots=True, eq=False)
class LookedFrames:
    """Consecutive frames, as arrays with a row for each; see `LookedFrame`.

    Parameters
    ----------
    centroids : ndarray of float32, shape (N, K, 3)
    real : ndarray of bool, shape (N, K)
    events : ndarray of uint8, shape (N,)
        Positions in `PaletteEvent`.
    inertia : ndarray of float64, shape (N,)
    disabled : ndarray of bool, shape (N, K)
    checksums : ndarray of uint32, shape (N,)
    """

    centroids: NDArray[np.float32]
    real: NDArray[np.bool_]
    events: NDArray[np.uint8]
    inertia: NDArray[np.float64]
    disabled: NDArray[np.bool_]
    checksums: NDArray[np.uint32]

    @classmethod
    def of(cls, frames: Iterable[LookedFrame]) -> Self:
        """The arrays of frames, of which there is one at least."""
        frames = list(frames)
        numbers = np.arange(len(frames[0].palette.centroids))
        palettes = [frame.palette for frame in frames]
        return cls(
            np.array([palette.centroids for palette in palettes]),
            np.array([palette.real for palette in palettes]),
            np.array([_EVENTS.index(palette.event) for palette in palettes], np.uint8),
            np.array([palette.inertia for palette in palettes], np.float64),
            np.array([np.isin(numbers, list(frame.disabled)) for frame in frames]),
            np.array([frame.checksum for frame in frames], np.uint32),
        )

    @classmethod
    def joined(cls, parts: Iterable[LookedFrames]) -> Self:
        """Frames after each other."""
        parts = list(parts)
        names = [each.name for each in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))

    def __len__(self) -> int:
        return len(self.events)

    def after(self, count: int) -> Self:
        """The frames after the first ones."""
        return type(self)(*(getattr(self, each.name)[count:] for each in fields(self)))

    def __iter__(self) -> Iterator[LookedFrame]:
        for row, event in enumerate(self.events.tolist()):
            yield LookedFrame(
                FramePalette(
                    self.centroids[row], self.real[row], _EVENTS[event], float(self.inertia[row])
                ),
                frozenset(np.flatnonzero(self.disabled[row]).tolist()),
                int(self.checksums[row]),
            )


def unlabelled(palette: FramePalette, space: ColorSpace) -> Segmentation:
    """A segmentation of a single pixel, for what follows the clusters' colours alone."""
    colors = from_working(palette.centroids, space)
    label = np.zeros((1, 1), np.uint8)
    return Segmentation(
        label, palette.centroids, colors, palette.real, palette.inertia, palette.event, space
    )
