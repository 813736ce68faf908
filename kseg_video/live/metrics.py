"""Metrics of a live run: rates, latencies and drops, and how observers get them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kseg_video.core.shown_text import frames_in_words, shown
from kseg_video.live.screen import HudContent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from kseg_video.core.palette import Palette
    from kseg_video.core.timing import StageTimer
    from kseg_video.live.live_state import LiveState
    from kseg_video.live.pipeline import LivePipeline
    from kseg_video.live.reconnecting_feed import ReceivedFrame, ReconnectingFeed
    from kseg_video.live.snapshots_and_recordings import LiveFiles

_MEMORY = 120  # newest frames that rates and latencies cover; more: steadier; less: more current
_MESSAGE_SECONDS = 3.0  # for which a message is shown
_EVENT_NAMES: dict[str, str] = {"cut": "cut", "reseed": "new fit"}
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
    palette : Palette, optional
        Palette of the newest frame, in the colours that it is painted in; None before the first.
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
    palette: Palette | None
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

    def note_fit(self, event: str) -> None:
        """Store what a frame did to the palette, unless that was simply continued."""
        if event in _EVENT_NAMES:
            self.note(_EVENT_NAMES[event])

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


class LiveReporter:
    """Tells the user what a session does: messages, the HUD's content and the metrics.

    Parameters
    ----------
    name : str
        Name of the source.
    feed : ReconnectingFeed
    files : LiveFiles
    pipeline : LivePipeline
    timer : StageTimer
    clock : callable
        Monotonic clock, in seconds; tests pass their own.

    Attributes
    ----------
    meter : Meter
    name : str
        Name of the source, which may be set.
    """

    def __init__(
        self,
        name: str,
        feed: ReconnectingFeed,
        files: LiveFiles,
        pipeline: LivePipeline,
        timer: StageTimer,
        clock: Callable[[], float],
    ) -> None:
        self.name = name
        self._feed = feed
        self._files = files
        self._pipeline = pipeline
        self._timer = timer
        self._clock = clock
        self.meter = Meter(clock)
        self._message, self._message_until = "", 0.0

    def say(self, message: str, seconds: float = _MESSAGE_SECONDS) -> None:
        """Show a message for some seconds."""
        self._message, self._message_until = message, self._clock() + seconds

    def about(self, message: str) -> str:
        """A message of the source, with its name if that is not in it."""
        return message if self.name in message else f"{self.name}: {message}"

    def summary(self, count: int, seconds: float, notes: Sequence[str]) -> list[str]:
        """Phrases on a number of frames and their time, for after the run."""
        dropped = f", {self._feed.dropped} dropped" if self._feed.dropped else ""
        did = [f"{self.name}: {frames_in_words(count)}, {seconds:.1f} s{dropped}", *notes]
        # Without a frame, the end of the source is an error of its own, or the user quit first.
        told = count and self._feed.message and not self._feed.failed
        return [*did, self._feed.message] if told else did

    def hud_content(self, state: LiveState, pointed: int | None) -> HudContent:
        """What the HUD shows.

        Parameters
        ----------
        state : LiveState
        pointed : int, optional
            Number of the cluster under the pointer.
        """
        recorder = self._files.recorder
        return HudContent(
            frames_per_second=self.meter.shown_rate,
            latency=self.meter.latency(),
            palette=self._pipeline.palette(state),
            pointed=pointed,
            recorded=None if recorder is None else recorder.seconds,
            message=shown(self._shown_message()),
            condition=self._condition(state),
            position=self._position(),
            source=self.name,
        )

    def _position(self) -> float | None:
        frame, duration = self._pipeline.frame, self._feed.duration
        return frame.time % duration / duration if frame is not None and duration else None

    def _condition(self, state: LiveState) -> str:
        if state.paused:
            return "paused"
        if self._feed.condition != "live":
            return self._feed.condition
        return "" if len(self.meter.latencies) > 1 else "warming up"

    def metrics(self, state: LiveState, frames: int) -> LiveMetrics:
        """Metrics of the session, with the number of frames that it has segmented."""
        feed, recorder = self._feed, self._files.recorder
        condition: str = feed.condition
        if state.paused:
            condition = "paused" if condition == "live" else f"paused · {condition}"
        return LiveMetrics(
            state=state,
            source=feed.description or self.name,
            condition=condition,
            message=self._shown_message(),
            capture_rate=self.meter.capture_rate,
            shown_rate=self.meter.shown_rate,
            latency_median=self.meter.latency(),
            latency_95=self.meter.latency(95),
            received=feed.received,
            dropped=feed.dropped,
            stage_milliseconds=self._timer.milliseconds_per(frames),
            palette=self._pipeline.palette(state),
            event=self.meter.event,
            recording=None if recorder is None else recorder.path,
            recorded=0.0 if recorder is None else recorder.seconds,
            unrecorded=0 if recorder is None else recorder.dropped,
        )

    def _shown_message(self) -> str:
        """Message to show now: a recent one of a key or a file, else the source's condition."""
        condition = self._feed.condition
        if self._message and self._clock() < self._message_until:
            return self._message
        if condition == "lost":
            return f"{self.about(self._feed.message)}; trying again"
        if condition == "opening":
            return f"opening {self.name}"
        return ""
