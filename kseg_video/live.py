"""The live loop: the newest frame, segmented, painted, shown and recorded; keys and clicks obeyed.

Nothing in it waits for long: not for the source, which a feed watches; not for files, which are
written in threads of their own. So every key answers at once, also while paused and while
the source is away.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.choosing import choose
from kseg_video.compositing import mirrored, over_checkerboard
from kseg_video.errors import SourceError
from kseg_video.frame import Frame
from kseg_video.hud import Figures, Hud
from kseg_video.live_figures import LiveFigures, Meter
from kseg_video.live_state import Command, LiveState, Pressed, click, press, settle
from kseg_video.rendering import Renderer, follows_colors
from kseg_video.screen import Click, Closed, KeyPress
from kseg_video.segmenter import Segmenter
from kseg_video.timing import StageTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kseg_video.feed import Arrival, Feed
    from kseg_video.frame import Segmentation
    from kseg_video.live_background import LiveBackground
    from kseg_video.live_figures import LiveStatus
    from kseg_video.live_files import LiveFiles
    from kseg_video.screen import Event, Screen

_LONGEST_WAIT = 0.02  # seconds for a frame, before the user is looked after
_REDRAW_AFTER = 0.2  # seconds, while no frames come
_MESSAGE_SECONDS = 3.0
_EVENT_NAMES: dict[str, str] = {"cut": "cut", "reseed": "new fit"}
_BLANK = (360, 640, 3)  # shown until the first frame


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
    files : LiveFiles
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
        files: LiveFiles,
        *,
        status: LiveStatus | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.state = state
        self.background: LiveBackground | None = None  # that of the state which is a file
        self._name = name
        self._feed = feed
        self._screen = screen
        self._files = files
        self._status = status
        self._clock = clock
        self._timer = StageTimer()
        self._segmenter = Segmenter(state.segmenter, self._timer)
        self._renderer = Renderer()
        self._hud = Hud()
        self._arrival: Arrival | None = None
        self._segmentation: Segmentation | None = None
        self._pointer: tuple[int, int] | None = None
        self._message, self._message_until = "", 0.0
        self._meter = Meter(clock)
        self._losses = 0
        self._frames = 0
        self._drawn = float("-inf")
        self._outdated = False  # what is shown
        self._wants_fit = self._wants_new_fit = False
        self._width = 0  # of the view
        self._steps = 0
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

    def quit(self) -> None:
        """End soon; may be called from a signal handler."""
        self._over = True

    def _turn(self) -> None:
        arrival = self._feed.take(_LONGEST_WAIT)
        if arrival is not None and (not self.state.paused or self._steps):
            self._steps = max(self._steps - 1, 0)
            self._take(arrival)
        elif self._clock() - self._drawn > _REDRAW_AFTER:
            self._outdated = True
        for event in self._screen.events():
            self._obey(event)
        for message in self._files.news():
            self._say(message)
        if self._outdated:
            self._draw()
        if self._wants_fit:  # which takes its time: the answer to the key is shown already
            self._fit()
        if self._feed.condition == "ended" and arrival is None:
            self._end()
        if self._status is not None:
            self._status.update(self._figures)

    def _end(self) -> None:
        if self._arrival is None:
            raise SourceError(self._about(self._feed.message))
        self._over = True

    # --- frames ----------------------------------------------------------------------------------

    def _take(self, arrival: Arrival) -> None:
        self._arrival = arrival
        if self._feed.losses > self._losses:
            self._losses = self._feed.losses
            self._meter.note("reconnected")
        self._segment()
        self._draw()
        self._meter.count(arrival)
        self._frames += 1

    def _segment(self) -> None:
        assert self._arrival is not None
        disabled = self.state.rendering.disabled
        self._segmenter.keeps_cells = follows_colors(self.state.rendering)
        self._segmentation = self._segmenter.segment(self._arrival.frame, disabled)
        if self._segmentation.event in _EVENT_NAMES:
            self._meter.note(_EVENT_NAMES[self._segmentation.event])
        if self.state.choice is not None:
            chosen = choose(self.state.choice, self._segmentation)
            self.state = settle(self.state, chosen.disabled)
            self._say("; ".join(chosen.notes))

    def _painted(self) -> Frame:
        """What the user has chosen to see, maybe with transparent parts."""
        if self._arrival is None or self._segmentation is None:
            return Frame(np.zeros(_BLANK, np.uint8))
        frame, rendering = self._arrival.frame, self.state.rendering
        behind = None
        if self.background is not None and isinstance(rendering.background, Path):
            behind = self.background.picture(frame.width, frame.height)
        painted = self._renderer.render(frame, self._segmentation, rendering, "bgr24", behind)
        return mirrored(painted) if self.state.mirrored else painted

    def _view(self) -> NDArray[np.uint8]:
        """What is shown of it."""
        with self._timer.stage("paint"):
            return over_checkerboard(self._painted()).pixels

    def _draw(self) -> None:
        view = self._view()
        self._width = view.shape[1]
        with self._timer.stage("show"):
            shown = view
            if self._screen.has_hud:
                shown = view.copy()
                self._hud.draw(shown, self.state, self._hud_figures())
            self._screen.show(shown, self.state)
        self._drawn, self._outdated = self._clock(), False
        if self._arrival is not None:
            self._files.offer(view)

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
                self._outdated = True

    def _apply(self, before: LiveState) -> None:
        """Make a change of the state felt."""
        self._wants_fit |= before.segmenter != self.state.segmenter
        self._segmenter.frozen = self.state.frozen
        if before.paused != self.state.paused:
            self._feed.pause(self.state.paused)
            if self.background is not None:
                self.background.pause(self.state.paused)
        self._outdated |= before != self.state

    def _do(self, command: Command) -> None:
        if command is Command.QUIT:
            self._over = True
        elif command is Command.NEW_FIT:
            self._wants_fit = self._wants_new_fit = True
            self._say("new fit")
        elif command is Command.NEXT_FRAME and self.state.paused:
            self._steps += 1
            self._feed.step()
        elif self._arrival is None or self._segmentation is None:
            pass
        elif command is Command.SNAPSHOT:
            original, palette = self._arrival.frame.bgr, self._segmentation.palette
            self._say(self._files.snapshot(self._painted(), original, palette))
        elif command is Command.RECORD:
            self._say(self._files.toggle(self._view()))

    def _fit(self) -> None:
        """Fit the picture that is shown again."""
        self._segmenter.retune(self.state.segmenter)
        if self._wants_new_fit:
            self._segmenter.fit_anew()
        self._wants_fit = self._wants_new_fit = False
        if self._arrival is not None:
            self._segment()
            self._outdated = True

    def _pointed(self) -> int | None:
        """Cluster under the pointer."""
        if self._pointer is None or self._segmentation is None:
            return None
        labels = self._segmentation.labels
        height, width = labels.shape
        x, y = self._pointer
        if self.state.mirrored:
            x = self._width - 1 - x
        if not (0 <= y < height and x >= 0):
            return None
        return int(labels[y, x % width])

    # --- figures ---------------------------------------------------------------------------------

    def _say(self, message: str) -> None:
        self._message, self._message_until = message, self._clock() + _MESSAGE_SECONDS
        self._outdated = True

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
        segmentation, recorder = self._segmentation, self._files.recorder
        return Figures(
            frames_per_second=self._meter.shown_rate,
            latency=self._meter.latency(),
            palette=None if segmentation is None else segmentation.palette,
            pointed=self._pointed(),
            recorded=None if recorder is None else recorder.seconds,
            message=self._said(),
        )

    def _figures(self) -> LiveFigures:
        recorder = self._files.recorder
        return LiveFigures(
            state=self.state,
            source=self._feed.description or self._name,
            condition=self._feed.condition,
            message=self._said(),
            capture_rate=self._meter.capture_rate,
            shown_rate=self._meter.shown_rate,
            latency_median=self._meter.latency(),
            latency_95=self._meter.latency(95),
            received=self._feed.received,
            dropped=self._feed.dropped,
            stage_milliseconds=self._timer.milliseconds_per(self._frames),
            segmentation=self._segmentation,
            event=self._meter.event,
            recording=None if recorder is None else recorder.path,
            recorded=0.0 if recorder is None else recorder.seconds,
            unrecorded=0 if recorder is None else recorder.dropped,
        )
