"""Steps and jumps of a live session in its source: next frame, seeking, another camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.shown_text import minutes

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.live.capture import Capture
    from kseg_video.live.reconnecting_feed import ReconnectingFeed

# Seconds after which a requested next frame is late and the user is told. More: a later answer;
# less: a message flashes before a frame that is in time.
_STEP_SECONDS = 0.06
_SEEK_SECONDS = 5.0


class SourceControl:
    """Moves the feed of a session.

    Parameters
    ----------
    feed : ReconnectingFeed
    next_camera : callable, optional
        Returns name and opener of the camera after the present one; None if it is no camera.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.

    Attributes
    ----------
    steps : int
        Frames that were requested while paused and have not come yet.
    """

    def __init__(
        self,
        feed: ReconnectingFeed,
        next_camera: Callable[[], tuple[str, Callable[[], Capture]]] | None,
        clock: Callable[[], float],
    ) -> None:
        self._feed = feed
        self._next_camera = next_camera
        self._clock = clock
        self.steps = 0
        self._due = float("inf")

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

    def skip(self, time: float, direction: int, *, paused: bool) -> str:
        """Go some seconds on or back from a time in seconds; return a message."""
        duration = self._feed.duration
        now = time % duration if duration else time
        return self.seek(now + direction * _SEEK_SECONDS, paused=paused)

    def seek(self, time: float, *, paused: bool) -> str:
        """Continue a file at a time in seconds; return a message."""
        duration = self._feed.duration
        time = min(max(time, 0.0), duration or time)
        if not self._feed.seek(time):
            return "only a file can be sought in"
        if paused:
            self.steps += 1
            self._feed.step()
        return f"{minutes(time)} of {minutes(duration)}" if duration else minutes(time)

    def change_camera(self) -> str:
        """Go on to the next camera; return a message."""
        if self._next_camera is None:
            return "only a camera can be changed for another"
        name, open_capture = self._next_camera()
        self._feed.reopen(open_capture)
        return name
