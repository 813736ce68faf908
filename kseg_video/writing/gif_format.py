"""The format of animated GIFs.

References
----------
.. [1] CompuServe, "Graphics Interchange Format, Version 89a" (1990), sections 17 to 26.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from numpy.typing import NDArray

LONGEST_DELAY = 0xFFFF  # hundredths of a second
_REPEATED_FOR_EVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_GRAPHIC_CONTROL = b"\x21\xf9\x04"
_IMAGE, _END = b"\x2c", b"\x3b"
_LEAVE, _CLEAR_AWAY = 1 << 2, 2 << 2
_HAS_COLORS, _HAS_CLEAR = 0x80, 1
_LEAST_BITS = 2


def gif_header(width: int, height: int) -> bytes:
    """What comes before the first patch."""
    return b"GIF89a" + _words(width, height) + b"\x00\x00\x00" + _REPEATED_FOR_EVER


def gif_end() -> bytes:
    """What comes after the last one."""
    return _END


@dataclass(frozen=True, slots=True, eq=False)
class GifPatch:
    """The part of a GIF's picture that changes, with colours of its own.

    Parameters
    ----------
    left, top : int
        Where it goes.
    indices : ndarray of uint8, shape (H, W)
    colors : ndarray of uint8, shape (N, 3)
        BGR, 1 to 256 of them.
    clear : int, optional
        The index of pixels that leave what is there.
    """

    left: int
    top: int
    indices: NDArray[np.uint8]
    colors: NDArray[np.uint8]
    clear: int | None

    @classmethod
    def of_pixels(
        cls, indices: NDArray[np.uint8], colors: NDArray[np.uint8], wanted: NDArray[np.bool_]
    ) -> GifPatch:
        """The smallest patch that holds all wanted pixels of a picture, and their colours alone.

        Parameters
        ----------
        indices : ndarray of uint8, shape (H, W)
        colors : ndarray of uint8, shape (N, 3)
            BGR.
        wanted : ndarray of bool, shape (H, W)
            The others are clear, or whole where the wanted ones have all of 256 colours.
        """
        rows, columns = (_extent(np.any(wanted, axis=axis)) for axis in (1, 0))
        indices, wanted = indices[rows, columns], wanted[rows, columns]
        used = np.flatnonzero(np.bincount(indices[wanted], minlength=256))
        clear = len(used) if len(used) < 256 else None
        if clear is not None:
            places = np.zeros(256, np.uint8)
            places[used] = np.arange(len(used))
            indices = np.where(wanted, places[indices], np.uint8(clear))
            colors = np.concatenate([colors[used], np.zeros((1, 3), np.uint8)])
        return cls(columns.start, rows.start, indices, colors, clear)

    def encoded(self, delay: int, *, clears_away: bool) -> bytes:
        """The patch as it stands in a file.

        Parameters
        ----------
        delay : int
            Hundredths of a second until the next one, at most `LONGEST_DELAY`.
        clears_away : bool
            Whether its area is clear then.
        """
        bits = max((len(self.colors) - 1).bit_length(), _LEAST_BITS)
        flags = _CLEAR_AWAY if clears_away else _LEAVE
        flags |= 0 if self.clear is None else _HAS_CLEAR
        height, width = self.indices.shape
        table = np.zeros((1 << bits, 3), np.uint8)
        table[: len(self.colors)] = self.colors[:, ::-1]
        picture = Image.fromarray(np.ascontiguousarray(self.indices))
        return b"".join(
            (
                *(_GRAPHIC_CONTROL, bytes([flags]), _words(delay), bytes([self.clear or 0, 0])),
                *(_IMAGE, _words(self.left, self.top, width, height)),
                *(bytes([_HAS_COLORS | bits - 1]), table.tobytes()),
                *(bytes([bits]), picture.tobytes("gif", "L", bits, 0), b"\x00"),
            )
        )


def _extent(wanted: NDArray[np.bool_]) -> slice:
    """From the first to the last; where there is none, one all the same, as a patch needs it."""
    places = np.flatnonzero(wanted)
    return slice(places[0], places[-1] + 1) if len(places) else slice(0, 1)


def _words(*numbers: int) -> bytes:
    return np.array(numbers, "<u2").tobytes()
