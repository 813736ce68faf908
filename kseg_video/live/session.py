"""The live loop: segment, paint, show and record the newest frame; act on keys and clicks.

The loop never waits for long: a feed reads the source in a thread, and other threads write the
files. So every key is answered at once, also while paused or while the source is lost.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.timing import StageTimer
from kseg_video.live.key_bindings import PointedKeyPress, SessionRequest, press, refusal
from kseg_video.live.live_state import LiveState, answer, click, settle, split_at
from kseg_video.live.metrics import LiveMetrics, LiveReporter
from kseg_video.live.pipeline import LivePipeline
from kseg_video.live.screen import Click, Closed, KeyPress, Place, Wheel
from kseg_video.live.source_control import SourceControl
from kseg_video.live.view_saving import ViewSaver
from kseg_video.rendering.cluster_selection import resolve_selection

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.core.cluster_selectors import ClusterSelection
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.live.capture import Capture
    from kseg_video.live.metrics import LiveObserver
    from kseg_video.live.reconnecting_feed import ReceivedFrame, ReconnectingFeed
    from kseg_video.live.screen import Screen, ScreenEvent
    from kseg_video.live.snapshots_and_recordings import LiveFiles

# Seconds to wait for a frame before user events are handled. More: slower answers to keys; less:
# more wakeups while no frame comes.
_LONGEST_WAIT = 0.02
_ANSWER_SECONDS = 1.0  # for which the answer to a key is shown
_REDRAW_AFTER = 0.2  # seconds between redraws while no frames come; keeps the figures current
_WELCOME = "h: keys"


class LiveSession:
    """A live run, until the user quits or the source ends.

    Parameters
    ----------
    name : str
        Name of the source, for messages.
    feed : ReconnectingFeed
        Source of the frames, already entered.
    screen : Screen
        Shows the pictures and reports user events, already entered.
    state : LiveState
        Initial state.
    files : LiveFiles
        Writes snapshots and recordings.
    observer : LiveObserver, optional
        Receives the metrics.
    next_camera : callable, optional
        Returns name and opener of the camera after the present one; None if it is no camera.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
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
        next_camera: Callable[[], tuple[str, Callable[[], Capture]]] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = state
        self._feed = feed
        self._screen = screen
        self._files = files
        self._observer = observer
        self._clock = clock
        self._timer = StageTimer()
        self.pipeline = LivePipeline(state.segmenter, self._timer)
        self._saver = ViewSaver(files, self.pipeline, clock)
        self._pointer: Place | None = None
        self._selection_notes: tuple[str, ...] = ()
        self._reporter = LiveReporter(name, feed, files, self.pipeline, self._timer, clock)
        self._source = SourceControl(feed, self._reporter, next_camera, clock)
        self._frames = 0
        self._first_at = self._ended_at = 0.0
        self._drawn = float("-inf")
        self._outdated = False  # the picture shown
        self._wants_fit = self._wants_new_fit = False
        self._over = False

    def run(self) -> None:
        """Run the loop until the user quits, or a source that is not reopened ends.

        Raises
        ------
        SourceError
            If no frame ever came.
        """
        while not self._over:
            self._turn()
        self._ended_at = self._clock()

    def summary(self) -> list[str]:
        """Phrases on the frames of the run, for after it."""
        seconds = self._ended_at - self._first_at if self._frames else 0.0
        return self._reporter.summary(self._frames, seconds, self._selection_notes)

    def check(self) -> None:
        """Raise the failure that ended the source, if any; call it after the run.

        Raises
        ------
        SourceError
            If a file could not be played to its end.
        """
        if self._feed.failed:
            raise SourceError(self._reporter.about(self._feed.message))

    def quit(self) -> None:
        """End the run after the current turn of the loop; safe to call from a signal handler."""
        self._over = True

    def _turn(self) -> None:
        received = self._feed.take(_LONGEST_WAIT)
        if received is not None and (not self.state.paused or self._source.steps):
            self._take(received)
        elif self._clock() - self._drawn > _REDRAW_AFTER:
            self._outdated = True
        for event in self._screen.events():
            self._obey(event)
        for message in self._files.news():
            self._say(message)
        self._over |= self._files.has_failed_its_purpose
        if self._source.is_late():
            self._say("waiting for the next frame")
        if told := self._saver.count_down(self.state):
            self._say(told)
        if self._outdated:
            self._draw()
        if self._wants_fit:  # after drawing: a fit is slow, and the key is answered first
            self._fit()
        if self._feed.condition == "ended" and received is None:
            self._end()
        if self._observer is not None:
            self._observer.update(self._metrics)

    def _end(self) -> None:
        if self.pipeline.frame is None:
            raise SourceError(self._reporter.about(self._feed.message))
        self._over = True

    # --- frames ----------------------------------------------------------------------------------

    def _take(self, received: ReceivedFrame) -> None:
        if not self._source.arrive(received):
            self.pipeline.frame, self.pipeline.segmentation = received.frame, None
            self._draw()
            return
        self._segment(received.frame)
        self._draw()
        self._reporter.meter.count(received)
        if not self._frames:
            self._first_at = self._clock()
            self._say(_WELCOME)
        self._frames += 1

    def _segment(self, frame: Frame) -> None:
        segmentation = self.pipeline.segment(frame, self.state)
        self._reporter.meter.note_fit(segmentation.event)
        if self.state.selection is not None:
            self._select(self.state.selection, segmentation)

    def _select(self, selection: ClusterSelection, segmentation: Segmentation) -> None:
        """Switch the selected clusters, once every colour that is named has come into view."""
        resolved = resolve_selection(selection, segmentation)
        if resolved.is_complete:
            self.state = settle(self.state, resolved.disabled)
        elif self._selection_notes:  # said already
            return
        self._selection_notes = resolved.notes
        self._say("; ".join(resolved.notes))

    def _draw(self) -> None:
        view = self.pipeline.view(self.state)
        with self._timer.stage("show"):
            self._screen.show(
                view, self.state, lambda: self._reporter.hud_content(self.state, self._pointed())
            )
        self._drawn, self._outdated = self._clock(), False
        if self.pipeline.segmentation is not None:
            self._saver.offer(view, self.state)

    # --- the user --------------------------------------------------------------------------------

    def _obey(self, event: ScreenEvent) -> None:
        if isinstance(event, Closed):
            self._over = True
        elif isinstance(event, KeyPress):
            self._press(event.key)
        elif isinstance(event, Wheel):
            fewer, more = ("-", "+") if event.shifted else ("[", "]")
            for _ in range(abs(event.steps)):
                self._press(more if event.steps > 0 else fewer)
        elif isinstance(event, Click):
            self._pointer = event.at
            if event.at.share is not None:
                self._seek(event.at.share)
            elif (number := self._pointed()) is not None:
                self._become(click(self.state, number, alone=event.alone))
        else:
            self._pointer = event.to
            if event.to is None or not event.drags:
                return
            if event.to.share is not None:
                self._seek(event.to.share)
            elif self.state.rendering.view == "split":
                share = self.pipeline.share_at(event.to.x, self.state)
                self._become(split_at(self.state, share))

    def _press(self, key: str) -> None:
        state, request = press(self.state, PointedKeyPress(key, self._pointed()))
        if state != self.state:
            self._become(state)
        elif request is not None:
            self._do(request)
        elif why := refusal(key):
            self._say(why)

    def _become(self, state: LiveState) -> None:
        """Change the state, and answer."""
        before, self.state = self.state, state
        if told := answer(before, state):
            self._reporter.say(told, _ANSWER_SECONDS)
        self._apply(before)

    def _apply(self, before: LiveState) -> None:
        """Apply a change of the state to the feed, the background and the segmenter."""
        self._wants_fit |= before.segmenter != self.state.segmenter
        if before.paused != self.state.paused:
            self._reporter.meter.forget()
            self._source.pause(self.state.paused)
            if self.pipeline.background is not None:
                self.pipeline.background.pause(self.state.paused)
        self._outdated = True

    def _do(self, request: SessionRequest) -> None:
        frame, segmentation = self.pipeline.frame, self.pipeline.segmentation
        if request is SessionRequest.QUIT:
            self._over = True
        elif request is SessionRequest.NEXT_CAMERA:
            self._say(self._source.change_camera())
        elif frame is None or segmentation is None:
            self._say("there is no picture yet")
        elif request is SessionRequest.NEW_FIT:
            self._wants_fit = self._wants_new_fit = True
            self._say("new fit")
        elif request is SessionRequest.NEXT_FRAME:
            self._say(self._source.step())
        elif request is SessionRequest.SNAPSHOT:
            self._say(self._saver.snapshot(self.state))
        elif request is SessionRequest.TIMED_SNAPSHOT:
            self._saver.begin_timer()
        elif request is SessionRequest.RECORD:
            self._say(self._saver.toggle(self.state))
        else:
            direction = 1 if request is SessionRequest.FORWARD else -1
            self._say(self._source.skip(frame.time, direction))

    def _seek(self, share: float) -> None:
        self._say(self._source.seek(share * self._feed.duration))

    def _fit(self) -> None:
        """Fit and segment the current frame again with the current settings."""
        self.pipeline.fit(self.state.segmenter, anew=self._wants_new_fit)
        self._wants_fit = self._wants_new_fit = False
        # A frame without segmentation is one before the light has settled.
        if self.pipeline.frame is not None and self.pipeline.segmentation is not None:
            self._segment(self.pipeline.frame)
            self._outdated = True

    def _pointed(self) -> int | None:
        """Number of the cluster under the pointer; None if there is none."""
        if self._pointer is None:
            return None
        if self._pointer.swatch is not None:
            return self._pointer.swatch
        return self.pipeline.cluster_at(self._pointer.x, self._pointer.y, self.state)

    def _say(self, message: str) -> None:
        self._reporter.say(message)
        self._outdated = True

    def _metrics(self) -> LiveMetrics:
        return self._reporter.metrics(self.state, self._frames)
