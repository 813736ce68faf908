"""The live loop: the newest frame, segmented, painted, shown and recorded; keys and clicks obeyed.

Nothing in it waits for long: not for the source, which a feed watches; not for files, which are
written in threads of their own. So every key answers at once, also while paused and while
the source is away.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.shown_text import frames_in_words, shown
from kseg_video.core.timing import StageTimer
from kseg_video.live.hud import Hud, HudContent
from kseg_video.live.key_bindings import (
    LiveState,
    PointedKeyPress,
    SessionRequest,
    click,
    press,
    refusal,
    settle,
)
from kseg_video.live.metrics import LiveMetrics, Meter
from kseg_video.live.pipeline import LivePipeline
from kseg_video.live.screen import Click, Closed, KeyPress
from kseg_video.rendering.cluster_selection import resolve_selection

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.live.metrics import LiveObserver
    from kseg_video.live.reconnecting_feed import ReceivedFrame, ReconnectingFeed
    from kseg_video.live.screen import Screen, ScreenEvent
    from kseg_video.live.snapshots_and_recordings import LiveFiles

_LONGEST_WAIT = 0.02  # seconds for a frame, before the user is looked after
_REDRAW_AFTER = 0.2  # seconds, while no frames come
_MESSAGE_SECONDS = 3.0
_STEP_SECONDS = 0.06  # in which a next frame that has been asked for usually comes
_EVENT_NAMES: dict[str, str] = {"cut": "cut", "reseed": "new fit"}


class LiveSession:
    """One live run, from the first frame to `q`.

    Parameters
    ----------
    name : str
        Of the source.
    feed : ReconnectingFeed
    screen : Screen
    state : LiveState
        What the user starts with.
    files : LiveFiles
    observer : LiveObserver, optional
    must_record : bool
        Whether there is nothing to go on for once a recording has failed.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(
        self,
        name: str,
        feed: ReconnectingFeed,
        screen: Screen,
        state: LiveState,
        files: LiveFiles,
        *,
        observer: LiveObserver | None = None,
        must_record: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = state
        self._name = name
        self._feed = feed
        self._screen = screen
        self._files = files
        self._observer = observer
        self._must_record = must_record
        self._clock = clock
        self._timer = StageTimer()
        self.pipeline = LivePipeline(state.segmenter, self._timer)
        self._hud = Hud()
        self._pointer: tuple[int, int] | None = None
        self._message, self._message_until = "", 0.0
        self._selection_notes: tuple[str, ...] = ()
        self._meter = Meter(clock)
        self._losses = 0
        self._frames = 0
        self._first_at = self._ended_at = 0.0
        self._drawn = float("-inf")
        self._outdated = False  # what is shown
        self._wants_fit = self._wants_new_fit = False
        self._steps = 0  # asked for while paused
        self._step_due = float("inf")
        self._over = False

    def run(self) -> None:
        """Go on until the user quits, or a file or an unrepeated source ends.

        Raises
        ------
        SourceError
            If no frame ever came.
        """
        while not self._over:
            self._turn()
        self._ended_at = self._clock()

    def summary(self) -> list[str]:
        """What the run has come to, once it is over, in a few words each."""
        seconds = self._ended_at - self._first_at if self._frames else 0.0
        dropped = f", {self._feed.dropped} dropped" if self._feed.dropped else ""
        frames = frames_in_words(self._frames)
        did = [f"{self._name}: {frames}, {seconds:.1f} s{dropped}", *self._selection_notes]
        # Without a frame, what became of the source is a failure of its own, or of no interest.
        told = self._frames and self._feed.message and not self._feed.failed
        return [*did, self._feed.message] if told else did

    def check(self) -> None:
        """Raise what ended the source, once the run is over, unless that was its own end.

        Raises
        ------
        SourceError
            If a file could not be played to its end.
        """
        if self._feed.failed:
            raise SourceError(self._about(self._feed.message))

    def quit(self) -> None:
        """End soon; may be called from a signal handler."""
        self._over = True

    def _turn(self) -> None:
        received = self._feed.take(_LONGEST_WAIT)
        if received is not None and (not self.state.paused or self._steps):
            self._take(received)
        elif self._clock() - self._drawn > _REDRAW_AFTER:
            self._outdated = True
        for event in self._screen.events():
            self._obey(event)
        for message in self._files.news():
            self._say(message)
        self._over |= self._must_record and self._files.has_lost_recording
        if self._steps and self._clock() > self._step_due:
            self._step_due = float("inf")
            self._say("waiting for the next frame")
        if self._outdated:
            self._draw()
        if self._wants_fit:  # which takes its time: the answer to the key is shown already
            self._fit()
        if self._feed.condition == "ended" and received is None:
            self._end()
        if self._observer is not None:
            self._observer.update(self._metrics)

    def _end(self) -> None:
        if self.pipeline.frame is None:
            raise SourceError(self._about(self._feed.message))
        self._over = True

    # --- frames ----------------------------------------------------------------------------------

    def _take(self, received: ReceivedFrame) -> None:
        if self._feed.losses > self._losses:
            self._losses = self._feed.losses
            self._meter.note("reconnected")
        self._steps = max(self._steps - 1, 0)
        self._segment(received.frame)
        self._draw()
        self._meter.count(received)
        if not self._frames:
            self._first_at = self._clock()
        self._frames += 1

    def _segment(self, frame: Frame) -> None:
        segmentation = self.pipeline.segment(frame, self.state)
        if segmentation.event in _EVENT_NAMES:
            self._meter.note(_EVENT_NAMES[segmentation.event])
        if self.state.selection is not None:
            resolved = resolve_selection(self.state.selection, segmentation)
            self.state = settle(self.state, resolved.disabled)
            self._selection_notes = resolved.notes
            self._say("; ".join(resolved.notes))

    def _draw(self) -> None:
        view = self.pipeline.view(self.state)
        with self._timer.stage("show"):
            self._screen.show(view, self.state, self._draw_hud)
        self._drawn, self._outdated = self._clock(), False
        if self.pipeline.frame is not None:
            self._files.offer(view)

    def _draw_hud(self, canvas: NDArray[np.uint8]) -> None:
        self._hud.draw(canvas, self.state, self._hud_content())

    # --- the user --------------------------------------------------------------------------------

    def _obey(self, event: ScreenEvent) -> None:
        if isinstance(event, Closed):
            self._over = True
        elif isinstance(event, KeyPress):
            before = self.state
            self.state, request = press(before, PointedKeyPress(event.key, self._pointed()))
            if self.state != before:
                self._apply(before)
            elif request is not None:
                self._do(request)
            elif why := refusal(event.key):
                self._say(why)
        else:
            self._pointer = event.x, event.y
            if isinstance(event, Click) and (number := self._pointed()) is not None:
                self.state = click(self.state, number, alone=event.alone)
                self._outdated = True

    def _apply(self, before: LiveState) -> None:
        """Make a change of the state felt."""
        self._wants_fit |= before.segmenter != self.state.segmenter
        if before.paused != self.state.paused:
            self._steps = 0
            self._meter.forget()
            self._feed.pause(self.state.paused)
            if self.pipeline.background is not None:
                self.pipeline.background.pause(self.state.paused)
        self._outdated = True

    def _do(self, request: SessionRequest) -> None:
        frame, segmentation = self.pipeline.frame, self.pipeline.segmentation
        if request is SessionRequest.QUIT:
            self._over = True
        elif frame is None or segmentation is None:
            self._say("there is no picture yet")
        elif request is SessionRequest.NEW_FIT:
            self._wants_fit = self._wants_new_fit = True
            self._say("new fit")
        elif request is SessionRequest.NEXT_FRAME:
            self._step()
        elif request is SessionRequest.SNAPSHOT:
            painted = self.pipeline.painted(self.state)
            found = segmentation.palette, segmentation.color_space
            self._say(self._files.snapshot(painted, frame.bgr, *found))
        elif request is SessionRequest.RECORD:
            self._say(self._files.toggle(self.pipeline.view(self.state)))

    def _step(self) -> None:
        """Have one frame shown while paused."""
        if self._feed.condition != "live":
            self._say("no next frame: the source is away")
            return
        self._steps += 1
        self._step_due = self._clock() + _STEP_SECONDS
        self._feed.step()

    def _fit(self) -> None:
        """Fit the picture that is shown again."""
        self.pipeline.fit(self.state.segmenter, anew=self._wants_new_fit)
        self._wants_fit = self._wants_new_fit = False
        if self.pipeline.frame is not None:
            self._segment(self.pipeline.frame)
            self._outdated = True

    def _pointed(self) -> int | None:
        """Cluster under the pointer."""
        if self._pointer is None:
            return None
        return self.pipeline.cluster_at(*self._pointer, self.state)

    # --- figures ---------------------------------------------------------------------------------

    def _say(self, message: str) -> None:
        self._message, self._message_until = message, self._clock() + _MESSAGE_SECONDS
        self._outdated = True

    def _said(self) -> str:
        """What the user should read now: first what a key or the end of a job has just brought."""
        condition = self._feed.condition
        if self._message and self._clock() < self._message_until:
            return self._message
        if condition == "lost":
            return f"{self._about(self._feed.message)}; trying again"
        if condition == "opening":
            return f"opening {self._name}"
        return ""

    def _about(self, message: str) -> str:
        return message if self._name in message else f"{self._name}: {message}"

    def _hud_content(self) -> HudContent:
        segmentation, recorder = self.pipeline.segmentation, self._files.recorder
        return HudContent(
            frames_per_second=self._meter.shown_rate,
            latency=self._meter.latency(),
            palette=None if segmentation is None else segmentation.palette,
            pointed=self._pointed(),
            recorded=None if recorder is None else recorder.seconds,
            message=shown(self._said()),
        )

    def _condition(self) -> str:
        condition = self._feed.condition
        if not self.state.paused:
            return condition
        return "paused" if condition == "live" else f"paused · {condition}"

    def _metrics(self) -> LiveMetrics:
        recorder = self._files.recorder
        return LiveMetrics(
            state=self.state,
            source=self._feed.description or self._name,
            condition=self._condition(),
            message=self._said(),
            capture_rate=self._meter.capture_rate,
            shown_rate=self._meter.shown_rate,
            latency_median=self._meter.latency(),
            latency_95=self._meter.latency(95),
            received=self._feed.received,
            dropped=self._feed.dropped,
            stage_milliseconds=self._timer.milliseconds_per(self._frames),
            segmentation=self.pipeline.segmentation,
            event=self._meter.event,
            recording=None if recorder is None else recorder.path,
            recorded=0.0 if recorder is None else recorder.seconds,
            unrecorded=0 if recorder is None else recorder.dropped,
        )
