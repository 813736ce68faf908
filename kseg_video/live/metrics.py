"""Metrics of a live run: rates, latencies and drops, and how observers get them."""

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

_MEMORY = 120  # newest frames that rates and latencies cover; more: steadier; less: more current
_GAP = 3.0  # seconds without a frame after which the measurement starts over


@dataclass(frozen=True, slots=True, eq=False)
class LiveMetrics:
    """Snapshot of a live run's metrics.

    Parameters
    ----------
    state : LiveState
        Settings that the user has chosen.
    source : str
        Description of the source, with the size and rate that it granted.
    condition : str
        Condition of the feed (see `ReconnectingFeed`), or paused.
    message : str
        Message that the user should read now; empty for none.
    capture_rate, shown_rate : float
        Frames per second received from the source, and shown.
    latency_median, latency_95 : float
        Seconds from a frame's arrival to its display: median and 95th percentile.
    received, dropped : int
        Number of frames since the start.
    stage_milliseconds : dict of str to float
        Mean time per frame of each stage.
    segmentation : Segmentation, optional
        Segmentation of the newest frame; None before the first.
    event : str
        The last cut, new fit or reconnection, and how long ago it was.
    recording : Path, optional
        File that is being recorded.
    recorded : float
        Seconds recorded.
    unrecorded : int
        Frames missing from the recording because the encoder was too slow.
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
    """Receives the metrics of a live run in each turn of its loop."""

    def update(self, metrics: Callable[[], LiveMetrics]) -> None:
        """Show the metrics if it is time to; call `metrics` only then, as computing them costs."""
        ...


class Meter:
    """Measures rates and latencies over the newest frames.

    Parameters
    ----------
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.latencies: deque[float] = deque(maxlen=_MEMORY)
        self._shown: deque[float] = deque(maxlen=_MEMORY)
        self._received: deque[tuple[float, int]] = deque(maxlen=_MEMORY)
        self._event, self._event_at = "", 0.0

    def count(self, received: ReceivedFrame) -> None:
        """Count a frame that has just been shown."""
        now = self._clock()
        if self._shown and now - self._shown[-1] > _GAP:
            self.forget()
        self.latencies.append(now - received.time)
        self._shown.append(now)
        self._received.append((received.time, received.number))

    def forget(self) -> None:
        """Start the measurement over, as after a pause."""
        for memory in (self.latencies, self._shown, self._received):
            memory.clear()

    def note(self, event: str) -> None:
        """Store an event and its time."""
        self._event, self._event_at = event, self._clock()

    @property
    def event(self) -> str:
        """The last event, and how long ago it was."""
        return f"{self._event}, {self._clock() - self._event_at:.0f} s ago" if self._event else "-"

    @property
    def shown_rate(self) -> float:
        """Frames shown per second."""
        return self._per_second(len(self._shown) - 1, *self._span(self._shown))

    @property
    def capture_rate(self) -> float:
        """Frames received per second."""
        if not self._received:
            return 0.0
        (begin, first), (end, last) = self._received[0], self._received[-1]
        return self._per_second(last - first, begin, end)

    def latency(self, percentile: float = 50) -> float:
        """Percentile of the seconds from a frame's arrival to its display."""
        return float(np.percentile(self.latencies, percentile)) if self.latencies else 0.0

    def _per_second(self, count: int, begin: float, end: float) -> float:
        return count / (end - begin) if end > begin and self._clock() - end <= _GAP else 0.0

    @staticmethod
    def _span(times: deque[float]) -> tuple[float, float]:
        return (times[0], times[-1]) if times else (0.0, 0.0)
