"""Steps and jumps of a live session in its source: next frame, seeking, another camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.shown_text import minutes
from kseg_video.live.camera_capture import BrightnessWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.live.capture import Capture
    from kseg_video.live.metrics import LiveReporter
    from kseg_video.live.reconnecting_feed import ReceivedFrame, ReconnectingFeed

# Seconds after which a requested next frame is late and the user is told. More: a later answer;
# less: a message flashes before a frame that is in time.
_STEP_SECONDS = 0.06
_SEEK_SECONDS = 5.0
_BEFORE_END = 0.5  # seconds; nobody can seek closer to the end, where there may be no frame


class SourceControl:
    """Moves the feed of a session.

    Parameters
    ----------
    feed : ReconnectingFeed
    reporter : LiveReporter
        Learns of another camera, and of reconnections.
    next_camera : callable, optional
        Returns name and opener of the camera after the present one; None if it is no camera.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.

    Attributes
    ----------
    steps : int
        Frames that were requested and are to be shown, even while paused.
    """

    def __init__(
        self,
        feed: ReconnectingFeed,
        reporter: LiveReporter,
        next_camera: Callable[[], tuple[str, Callable[[], Capture]]] | None,
        clock: Callable[[], float],
    ) -> None:
        self._feed = feed
        self._reporter = reporter
        self._brightness = BrightnessWatch(is_camera=next_camera is not None)
        self._losses = 0
        self._next_camera = next_camera
        self._clock = clock
        self.steps = 0
        self._due = float("inf")
        self._sought: float | None = None  # time that the feed is on its way to
        self._wanted = 0.0  # time that the user has asked for since

    def pause(self, paused: bool) -> None:
        """Pause or resume; what is being sought is still shown."""
        self._feed.pause(paused)
        self.steps = 0
        if paused and self._sought is not None:
            self.steps = 1
            self._feed.step()

    def step(self) -> str:
        """Request one frame while paused; return a message, empty if it comes at once."""
        if self._feed.condition != "live":
            return "no next frame: the source is away"
        self.steps += 1
        self._due = self._clock() + _STEP_SECONDS
        self._feed.step()
        return ""

    def is_late(self) -> bool:
        """Whether a requested frame has just become late; told once."""
        if not self.steps or self._clock() <= self._due:
            return False
        self._due = float("inf")
        return True

    def arrive(self, received: ReceivedFrame) -> bool:
        """Count a frame; return whether it may be segmented, as a camera's first may not.

        If the user has meanwhile sought elsewhere, go there.
        """
        self.steps = max(self.steps - 1, 0)
        sought, self._sought = self._sought, None
        if sought is not None and sought != self._wanted:
            self._go(self._wanted)
        if self._feed.losses > self._losses:
            self._losses = self._feed.losses
            self._reporter.meter.note("reconnected")
            self._brightness.begin()
        return self._brightness.has_settled(received.frame, received.time)

    def skip(self, time: float, direction: int) -> str:
        """Go some seconds on or back from a time in seconds; return a message."""
        duration = self._feed.duration
        now = time % duration if duration else time
        return self.seek(
            (now if self._sought is None else self._wanted) + direction * _SEEK_SECONDS
        )

    def seek(self, time: float) -> str:
        """Continue a file at a time in seconds; return a message."""
        duration = self._feed.duration
        time = max(min(time, duration - _BEFORE_END) if duration else time, 0.0)
        # A seek under way is not interrupted: its frame is shown before the next seek.
        if self._sought is None and not self._go(time):
            return "only a file can be sought in"
        self._wanted = time
        return f"{minutes(time)} of {minutes(duration)}" if duration else minutes(time)

    def change_camera(self) -> str:
        """Go on to the next camera; return a message."""
        if self._next_camera is None:
            return "only a camera can be changed for another"
        try:
            self._reporter.name, open_capture = self._next_camera()
        except SourceError as error:
            return str(error)
        self._brightness.begin()
        self.steps = 1
        self._feed.reopen(open_capture)
        return self._reporter.name

    def _go(self, time: float) -> bool:
        if not self._feed.seek(time):
            return False
        self._sought, self.steps = time, 1
        return True
