"""The live loop: the newest frame, segmented, painted, shown and recorded; keys and clicks obeyed.

Nothing in it waits for long: not for the source, which a feed watches; not for the encoder of a
recording, which has a thread of its own. So every key answers at once, also while paused and while
the source is away.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from kseg_video.errors import KsegError, SourceError
from kseg_video.hud import Figures, Hud
from kseg_video.live_state import Command, LiveState, Pressed, click, press
from kseg_video.recording import Recorder, dated_path, free_path, save_snapshot
from kseg_video.rendering import render
from kseg_video.screen import Click, Closed, KeyPress
from kseg_video.segmenter import Segmenter
from kseg_video.timing import StageTimer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.feed import Arrival, Feed
    from kseg_video.frame import Segmentation
    from kseg_video.screen import Event, Screen

_LONGEST_WAIT = 0.02  # seconds for a frame, before the user is looked after
_REDRAW_AFTER = 0.2  # seconds, while no frames come
_MESSAGE_SECONDS = 3.0
_WINDOW = 120  # frames that rates and latencies are measured over
_EVENT_NAMES: dict[str, str] = {"cut": "cut", "reseed": "new fit"}
_BLANK = (360, 640, 3)  # shown until the first frame


@dataclass(frozen=True, slots=True, eq=False)
class LiveFigures:
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


class LiveStatus(Protocol):
    """Is told how a live run is doing, a few times a second."""

    def update(self, figures: LiveFigures) -> None:
        """Show it."""
        ...


class LiveSession:
    """One live run, from the first frame to `q`.

    Parameters
    ----------
    name : str
        Of the source.
    feed : Feed
    screen : Screen
    state : LiveState
        What the user starts with.
    output_dir : Path
        Where snapshots and recordings go.
    record : Path, optional
        Record from the first frame on, into this file.
    status : LiveStatus, optional
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(
        self,
        name: str,
        feed: Feed,
        screen: Screen,
        state: LiveState,
        *,
        output_dir: Path,
        record: Path | None = None,
        status: LiveStatus | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = state
        self._name = name
        self._feed = feed
        self._screen = screen
        self._output_dir = output_dir
        self._record_to = record
        self._status = status
        self._clock = clock
        self._timer = StageTimer()
        self._segmenter = Segmenter(state.segmenter, self._timer)
        self._hud = Hud()
        self._arrival: Arrival | None = None
        self._segmentation: Segmentation | None = None
        self._recorder: Recorder | None = None
        self._pointer: tuple[int, int] | None = None
        self._message, self._message_until = "", 0.0
        self._shown: deque[float] = deque(maxlen=_WINDOW)
        self._latencies: deque[float] = deque(maxlen=_WINDOW)
        self._received: deque[tuple[float, int]] = deque(maxlen=_WINDOW)
        self._event, self._event_at = "", 0.0
        self._losses = 0
        self._frames = 0
        self._drawn = float("-inf")
        self._steps = 0
        self._over = False

    def run(self) -> None:
        """Go on until the user quits, or a file or an unrepeated source ends.

        Raises
        ------
        SourceError
            If no frame ever came.
        """
        try:
            while not self._over:
                self._turn()
        finally:
            self._stop_recording()

    def quit(self) -> None:
        """End soon; may be called from a signal handler."""
        self._over = True

    def _turn(self) -> None:
        arrival = self._feed.take(_LONGEST_WAIT)
        if arrival is not None and (not self.state.paused or self._steps):
            self._steps = max(self._steps - 1, 0)
            self._take(arrival)
        elif self._clock() - self._drawn > _REDRAW_AFTER:
            self._draw()
        for event in self._screen.events():
            self._obey(event)
        if self._feed.condition == "ended":
            self._end()
        if self._recorder is not None and self._recorder.failed:
            path = self._recorder.path
            self._stop_recording()
            self._say(f"{path.name} could not be written on; the disk may be full")
        if self._status is not None:
            self._status.update(self._figures())

    def _end(self) -> None:
        if self._arrival is None:
            raise SourceError(self._about(self._feed.message))
        self._over = True

    # --- frames ----------------------------------------------------------------------------------

    def _take(self, arrival: Arrival) -> None:
        self._arrival = arrival
        if self._feed.losses > self._losses:
            self._losses = self._feed.losses
            self._note_event("reconnected")
        self._segment()
        view = self._draw()
        self._latencies.append(self._clock() - arrival.time)
        self._shown.append(self._clock())
        self._received.append((arrival.time, arrival.number))
        self._frames += 1
        if self._frames == 1 and self._record_to is not None:
            self._start_recording(free_path(self._record_to), view)
        elif self._recorder is not None:
            self._recorder.offer(view)

    def _segment(self) -> None:
        assert self._arrival is not None
        disabled = self.state.rendering.disabled
        self._segmentation = self._segmenter.segment(self._arrival.frame, disabled)
        if self._segmentation.event in _EVENT_NAMES:
            self._note_event(_EVENT_NAMES[self._segmentation.event])

    def _note_event(self, event: str) -> None:
        self._event, self._event_at = event, self._clock()

    def _view(self) -> NDArray[np.uint8]:
        """What the user has chosen to see."""
        if self._arrival is None or self._segmentation is None:
            return np.zeros(_BLANK, np.uint8)
        with self._timer.stage("paint"):
            frame, rendering = self._arrival.frame, self.state.rendering
            view = render(frame, self._segmentation, rendering, "bgr24").pixels
            if self.state.mirrored:
                view = cv2.flip(view, 1)  # type: ignore[assignment]
        return view

    def _draw(self) -> NDArray[np.uint8]:
        view = self._view()
        with self._timer.stage("show"):
            shown = view
            if self._screen.has_hud:
                shown = view.copy()
                self._hud.draw(shown, self.state, self._hud_figures())
            self._screen.show(shown, self.state)
        self._drawn = self._clock()
        return view

    # --- the user --------------------------------------------------------------------------------

    def _obey(self, event: Event) -> None:
        if isinstance(event, Closed):
            self._over = True
        elif isinstance(event, KeyPress):
            before = self.state
            self.state, command = press(before, Pressed(event.key, self._pointed()))
            self._apply(before)
            if command is not None:
                self._do(command)
        else:
            self._pointer = event.x, event.y
            if isinstance(event, Click) and (number := self._pointed()) is not None:
                self.state = click(self.state, number, alone=event.alone)
                self._draw()

    def _apply(self, before: LiveState) -> None:
        """Make a change of the state felt."""
        if before.segmenter != self.state.segmenter:
            self._segmenter.retune(self.state.segmenter)
            if self._arrival is not None:
                self._segment()
        self._segmenter.frozen = self.state.frozen
        if before.paused != self.state.paused:
            self._feed.pause(self.state.paused)
        if before != self.state:
            self._draw()

    def _do(self, command: Command) -> None:
        if command is Command.QUIT:
            self._over = True
        elif command is Command.NEW_FIT:
            self._segmenter.fit_anew()
            if self._arrival is not None:
                self._segment()
                self._draw()
        elif command is Command.NEXT_FRAME and self.state.paused:
            self._steps += 1
            self._feed.step()
        elif command is Command.SNAPSHOT:
            self._snapshot()
        elif command is Command.RECORD:
            self._toggle_recording()

    def _pointed(self) -> int | None:
        """Cluster under the pointer."""
        if self._pointer is None or self._segmentation is None:
            return None
        labels = self._segmentation.labels
        height, width = labels.shape
        x, y = self._pointer
        if self.state.mirrored:
            panels = self._view().shape[1] // width
            x = panels * width - 1 - x
        if not (0 <= y < height and x >= 0):
            return None
        return int(labels[y, x % width])

    # --- files -----------------------------------------------------------------------------------

    def _snapshot(self) -> None:
        if self._arrival is None or self._segmentation is None:
            return
        try:
            path = save_snapshot(
                self._output_dir,
                self._view(),
                self._arrival.frame.bgr,
                self._segmentation.palette,
            )
            self._say(f"saved {path.name}")
        except (KsegError, OSError) as error:
            self._say(str(error))

    def _toggle_recording(self) -> None:
        if self._recorder is not None:
            self._stop_recording()
        elif self._arrival is not None:
            wanted = self._record_to
            path = dated_path(self._output_dir, ".mp4") if wanted is None else free_path(wanted)
            self._start_recording(path, self._view())

    def _start_recording(self, path: Path, first: NDArray[np.uint8]) -> None:
        try:
            rate = self._feed.frame_rate or self._rate(self._shown)
            self._recorder = Recorder(path, first, rate, self._clock)
        except KsegError as error:
            self._say(str(error))

    def _stop_recording(self) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is not None:
            seconds = recorder.seconds
            recorder.stop()
            lost = f", {recorder.dropped} frames dropped" if recorder.dropped else ""
            self._say(f"recorded {seconds:.0f} s to {recorder.path.name}{lost}")

    # --- figures ---------------------------------------------------------------------------------

    def _say(self, message: str) -> None:
        self._message, self._message_until = message, self._clock() + _MESSAGE_SECONDS

    def _said(self) -> str:
        """What the user should read now."""
        condition = self._feed.condition
        if condition == "lost":
            return f"{self._about(self._feed.message)}; trying again"
        if condition == "opening":
            return f"opening {self._name}"
        return self._message if self._clock() < self._message_until else ""

    def _about(self, message: str) -> str:
        return message if self._name in message else f"{self._name}: {message}"

    def _hud_figures(self) -> Figures:
        segmentation = self._segmentation
        return Figures(
            frames_per_second=self._rate(self._shown),
            latency=float(np.median(self._latencies)) if self._latencies else 0.0,
            palette=None if segmentation is None else segmentation.palette,
            pointed=self._pointed(),
            recorded=None if self._recorder is None else self._recorder.seconds,
            message=self._said(),
        )

    def _figures(self) -> LiveFigures:
        latencies = list(self._latencies) or [0.0]
        first, last = (
            (self._received[0], self._received[-1]) if self._received else ((0.0, 0), (0.0, 0))
        )
        span = last[0] - first[0]
        return LiveFigures(
            state=self.state,
            source=self._feed.description or self._name,
            condition=self._feed.condition,
            message=self._said(),
            capture_rate=(last[1] - first[1]) / span if span else 0.0,
            shown_rate=self._rate(self._shown),
            latency_median=float(np.median(latencies)),
            latency_95=float(np.percentile(latencies, 95)),
            received=self._feed.received,
            dropped=self._feed.dropped,
            stage_milliseconds=self._timer.milliseconds_per(self._frames),
            segmentation=self._segmentation,
            event=f"{self._event}, {self._clock() - self._event_at:.0f} s ago"
            if self._event
            else "-",
            recording=None if self._recorder is None else self._recorder.path,
            recorded=0.0 if self._recorder is None else self._recorder.seconds,
        )

    @staticmethod
    def _rate(times: deque[float]) -> float:
        return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
