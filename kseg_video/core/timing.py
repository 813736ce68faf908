"""Stage timers, and times on a frame rate's grid."""

from __future__ import annotations

import math
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


# In the order of a frame's way.
_STAGES = "read", "look ahead", "fit", "map", "measure", "paint", "show", "write"
_PLACES = {name: place for place, name in enumerate(_STAGES)}
_GRID_TOLERANCE = 1e-6  # frames, for rounded times


def frames_before(seconds: float, frame_rate: float) -> int:
    """Number of frames that begin before a time, if the first begins at 0."""
    return math.ceil(seconds * frame_rate - _GRID_TOLERANCE)


class StageTimer:
    """Adds up the seconds that each named stage takes.

    Parameters
    ----------
    clock : callable
        Returns seconds of a monotonic clock.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside the ``with`` block to a stage."""
        begin = self._clock()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + self._clock() - begin

    def milliseconds_per(self, count: int) -> dict[str, float]:
        """Mean milliseconds of each stage per frame over `count` frames, in a fixed order."""
        names = sorted(self.seconds.copy(), key=lambda name: _PLACES.get(name, len(_PLACES)))
        return {name: self.seconds[name] * 1000 / max(count, 1) for name in names}
