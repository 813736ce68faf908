"""Planes of pixels: look-ups of two pixels at a time, distances, and bands that fit the cache.

`cv2.LUT` takes 16-bit indices, and entries of up to 32 bits are as fast as those of 8. Two adjacent
8-bit pixels make one such index, so a table over all pairs of levels looks both up at once, in half
the time.

A dozen temporary arrays lie between a pixel and its label. For a whole frame, each would go out to
memory and back, which takes longer than the arithmetic: frames are worked on in bands instead.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Generic, TypeVar, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_Value = TypeVar("_Value", bound=np.unsignedinteger)
_Entry = TypeVar("_Entry", bound=np.integer)

# The two levels, in their order in memory, that each 16-bit number stands for.
PAIRS = np.arange(1 << 16, dtype=np.uint16).view(np.uint8).reshape(256, 256, 2)

# OpenCV has no unsigned 32-bit type; only the bits matter.
_TWICE_AS_WIDE: dict[np.dtype[np.generic], type[np.integer]] = {
    np.dtype(np.uint8): np.uint16,
    np.dtype(np.uint16): np.int32,
}

# Pixels of a band. About ten 8-bit planes are in use at once: more pixels leave the cache, fewer
# make more calls.
_PIXELS = 1 << 18
_LEAST_ROWS = 16


class LevelTable(Generic[_Value]):
    """A table over the 256 levels of a plane.

    Parameters
    ----------
    values : ndarray of uint8 or uint16, shape (N,)
        Values of the levels from 0 to N - 1, N at most 256; no higher level may be looked up.
    """

    def __init__(self, values: NDArray[_Value]) -> None:
        size = len(values)
        self._values: NDArray[_Value] = np.zeros(256, values.dtype)
        self._values[:size] = values
        pairs = np.zeros((256, 256, 2), values.dtype)
        pairs[:size, :size] = values[PAIRS[:size, :size]]
        self._pairs = pairs.reshape(-1).view(_TWICE_AS_WIDE[values.dtype])

    def look_up(
        self, plane: NDArray[np.uint8], out: NDArray[_Value] | None = None
    ) -> NDArray[_Value]:
        """Look up the value of every pixel, into `out` if given; (H, W), rows contiguous."""
        if plane.shape[1] % 2:
            return look_up(plane, self._values, out)
        pairs = None if out is None else out.view(self._pairs.dtype)
        return look_up(plane.view(np.uint16), self._pairs, pairs).view(self._values.dtype)


def look_up(
    indices: NDArray[np.unsignedinteger],
    table: NDArray[_Entry],
    out: NDArray[_Entry] | None = None,
) -> NDArray[_Entry]:
    """Look up every index in a table of 256 or 65,536 entries, into `out` if given; (H, W)."""
    as_opencv_has_it = cast("tuple[NDArray[np.uint8], ...]", (indices, table, out))
    return cast("NDArray[_Entry]", cv2.LUT(*as_opencv_has_it))


def squared_distances(
    channels: NDArray[np.float32], color: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Squared distances of colours, given as three channels, (3, N), to one colour; (N,)."""
    # The expansion |x|^2 - 2xc + |c|^2 would lose the digits that near ties need.
    squared = np.zeros(channels.shape[1], np.float32)
    for channel, level in zip(channels, color, strict=True):
        difference = channel - level
        difference *= difference
        squared += difference
    return squared


@dataclass(frozen=True, slots=True)
class Band:
    """A band: rows of a picture that are worked on together.

    Parameters
    ----------
    rows : slice
        The rows of the result.
    seen : slice
        Those rows with the margin above and below that they depend on.
    """

    rows: slice
    seen: slice

    @property
    def within(self) -> slice:
        """`rows`, counted from the first of `seen`."""
        above = self.rows.start - self.seen.start
        return slice(above, above + self.rows.stop - self.rows.start)


@lru_cache(maxsize=8)
def bands_of(height: int, width: int, margin: int = 0, parts: int = 0) -> tuple[Band, ...]:
    """Divide a picture into bands from top to bottom; each begins at an even row.

    Parameters
    ----------
    height, width : int
    margin : int
        Number of rows above and below that a row depends on; even.
    parts : int, optional
        Number of bands, at most; by default their rows fit the cache. Bands of less than that
        would not be worth a thread.
    """
    size = max(_PIXELS // width // 2 * 2, _LEAST_ROWS)
    if parts:
        size = max(-(-height // parts // 2) * 2, size)
    return tuple(
        Band(
            slice(top, min(top + size, height)),
            slice(max(top - margin, 0), min(top + size + margin, height)),
        )
        for top in range(0, height, size)
    )


def for_each_band(bands: Sequence[Band], threads: int, work: Callable[[Band], None]) -> None:
    """Work on bands, in several threads at a time; the threads are gone afterwards."""
    if min(threads, len(bands)) == 1:
        for band in bands:
            work(band)
        return
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, bands))  # raises what a thread has raised
