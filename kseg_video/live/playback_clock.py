"""The pace of a file that is played: each frame at its time, none while held, one for a step."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_LATE = 1.0  # seconds after which nothing is made up for: the machine was asleep
_USUAL_RATE = 25.0  # frames a second, where a file does not say


class Pace:
    """Lets a reading thread go on when the next frame is due.

    Parameters
    ----------
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._due: float | None = None
        self._steps = 0
        self._over = False
        self.holds = False

    def hold(self, holds: bool) -> None:
        """Stand still, or go on."""
        with self._changed:
            self.holds, self._due, self._steps = holds, None, 0
            self._changed.notify()

    def step(self) -> None:
        """Let one frame pass while held."""
        with self._changed:
            self._steps += 1
            self._changed.notify()

    def end(self) -> None:
        """Keep nobody waiting any more."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def wait(self, frame_rate: float) -> None:
        """Wait until the next frame may pass."""
        with self._changed:
            while not self._over and (seconds := self._seconds_left()) > 0:
                self._changed.wait(seconds if math.isfinite(seconds) else None)
            self._steps = max(self._steps - 1, 0)
            if self._due is not None:
                self._due += 1 / (frame_rate or _USUAL_RATE)

    def _seconds_left(self) -> float:
        if self.holds:
            return 0.0 if self._steps else math.inf
        now = self._clock()
        if self._due is None or now - self._due > _LATE:
            self._due = now
        return self._due - now
