"""How a live run is doing: what is measured, and what is told."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kseg_video.core.frame import Segmentation
    from kseg_video.live.key_bindings import LiveState
    from kseg_video.live.reconnecting_feed import ReceivedFrame

_MEMORY = 120  # frames that rates and latencies are measured over
_GAP = 3.0  # seconds without a frame, after which they are measured anew


@dataclass(frozen=True, slots=True, eq=False)
class LiveMetrics:
    """How a live run is doing.

    Parameters
    ----------
    state : LiveState
    source, condition, message : str
        What was granted, how it is, and what has happened.
    capture_rate, shown_rate : float
        Frames a second that come in, and that are shown.
    latency_median, latency_95 : float
        Seconds from arrival to display.
    received, dropped : int
        Frames.
    stage_milliseconds : dict of str to float
        Mean of each stage for a frame.
    segmentation : Segmentation, optional
        The newest.
    event : str
        The last cut, new fit or reconnection, and how long ago it was.
    recording : Path, optional
    recorded : float
        Seconds.
    unrecorded : int
        Frames for which the encoder was too slow.
    """

    state: LiveState
    source: str
    condition: str
    message: str
    capture_rate: float
    shown_rate: float
    latency_median: float
    latency_95: float
    received: int
    dropped: int
    stage_milliseconds: dict[str, float]
    segmentation: Segmentation | None
    event: str
    recording: Path | None
    recorded: float
    unrecorded: int


class LiveObserver(Protocol):
    """Is told how a live run is doing, all the time."""

    def update(self, metrics: Callable[[], LiveMetrics]) -> None:
        """Show it, if it is time to: those that nobody looks at are not worked out."""
        ...


class Meter:
    """Rates and latencies of the last frames.

    Parameters
    ----------
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.latencies: deque[float] = deque(maxlen=_MEMORY)
        self._shown: deque[float] = deque(maxlen=_MEMORY)
        self._received: deque[tuple[float, int]] = deque(maxlen=_MEMORY)
        self._event, self._event_at = "", 0.0

    def count(self, received: ReceivedFrame) -> None:
        """Take note of a frame that has just been shown."""
        now = self._clock()
        if self._shown and now - self._shown[-1] > _GAP:
            self.forget()
        self.latencies.append(now - received.time)
        self._shown.append(now)
        self._received.append((received.time, received.number))

    def forget(self) -> None:
        """Measure from here on, as after a pause."""
        for memory in (self.latencies, self._shown, self._received):
            memory.clear()

    def note(self, event: str) -> None:
        """Take note of something worth telling."""
        self._event, self._event_at = event, self._clock()

    @property
    def event(self) -> str:
        """The last thing worth telling, and how long ago it was."""
        return f"{self._event}, {self._clock() - self._event_at:.0f} s ago" if self._event else "-"

    @property
    def shown_rate(self) -> float:
        """Frames a second that are shown."""
        return self._per_second(len(self._shown) - 1, *self._span(self._shown))

    @property
    def capture_rate(self) -> float:
        """Frames a second that come in."""
        if not self._received:
            return 0.0
        (begin, first), (end, last) = self._received[0], self._received[-1]
        return self._per_second(last - first, begin, end)

    def latency(self, percentile: float = 50) -> float:
        """Seconds from a frame's arrival to its display, at a percentile."""
        return float(np.percentile(self.latencies, percentile)) if self.latencies else 0.0

    def _per_second(self, count: int, begin: float, end: float) -> float:
        return count / (end - begin) if end > begin and self._clock() - end <= _GAP else 0.0

    @staticmethod
    def _span(times: deque[float]) -> tuple[float, float]:
        return (times[0], times[-1]) if times else (0.0, 0.0)
