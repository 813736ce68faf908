"""Bands: some rows of a picture at a time, so that what is made of them stays in the cache.

A dozen arrays are made and used up between a pixel and its label. Made for a whole frame, each
would go out to memory and back, and that would take longer than all the work on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

# Bytes of an 8-bit plane; some ten of them are in use at once.
_PIXELS = 1 << 18
_LEAST_ROWS = 16


@dataclass(frozen=True, slots=True)
class Band:
    """Rows that are worked on together.

    Parameters
    ----------
    rows : slice
        The rows that the work is for.
    seen : slice
        Those rows and, where there are any, the margin above and below that they depend on.
    """

    rows: slice
    seen: slice

    @property
    def within(self) -> slice:
        """`rows`, counted from the first of `seen`."""
        above = self.rows.start - self.seen.start
        return slice(above, above + self.rows.stop - self.rows.start)


@lru_cache(maxsize=8)
def bands_of(height: int, width: int, margin: int = 0) -> tuple[Band, ...]:
    """Bands of a picture from top to bottom; all begin at even rows.

    Parameters
    ----------
    height, width : int
    margin : int
        Rows above and below that a row depends on; an even number.
    """
    size = max(_PIXELS // width // 2 * 2, _LEAST_ROWS)
    return tuple(
        Band(
            slice(top, min(top + size, height)),
            slice(max(top - margin, 0), min(top + size + margin, height)),
        )
        for top in range(0, height, size)
    )
