"""The newest frame of a live source, read by a thread of its own.

At most two frames wait, those of a burst; a frame older than one frame interval is dropped and
counted when a newer one is there. A source that fails, ends, falls silent or repeats one frame is
lost; it is reopened after a delay that doubles each time. The consumer never blocks on any of this.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from kseg_video.live.capture_thread import CaptureThread, FramePacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.core.frame import Frame
    from kseg_video.live.capture import Capture

Condition: TypeAlias = Literal["opening", "live", "lost", "ended"]

# Times in seconds. More: a lost source is noticed later; less: a slow one counts as lost.
_SILENCE = 4.0  # without a frame, after which a source counts as lost
_OPENING = 15.0  # the same until the first frame, and for files
_REPETITION = 4.0  # of one repeated frame, after which a camera counts as stuck
# Delay before a lost source is reopened: the first, and the limit of its doubling.
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0
_LEAVING = 1.0  # to wait at the end for a thread that hangs in a driver
_ABSENCE = 2.0  # between two looks at a source, after which we were stopped and not the source
# Frames over which the interval is measured, as the rate that a source announces may be wrong.
# More: steadier; less: quicker to follow a change of rate.
_ARRIVALS = 16


@dataclass(frozen=True, slots=True, eq=False)
class ReceivedFrame:
    """A frame received from the source.

    Parameters
    ----------
    frame : Frame
    number : int
        Count of the frames received so far, from 1; gaps are dropped frames.
    time : float
        Time of arrival on the feed's clock, in seconds.
    """

    frame: Frame
    number: int
    time: float


class ReconnectingFeed:
    """Keeps the newest frame of a source, and reopens the source if it is lost.

    Use it as a context manager: entering it opens the source, leaving it closes the source.

    Parameters
    ----------
    open_capture : callable
        Opens the source; called in the capture thread, again for each reconnection.
    reconnect : bool
        Whether to reopen a lost source: True for cameras and streams, False for files. A source
        that never gave a frame is not reopened.
    paced : bool
        Whether to deliver frames at the source's frame rate and to hold them while paused: True
        for files, False for cameras and streams, which set the pace themselves.
    may_repeat : bool
        Whether a source may repeat one frame for seconds: False for cameras, which are stuck then.
    open_at : callable, optional
        Opens a file at a time in seconds; None for a source in which nobody can seek.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.

    Attributes
    ----------
    condition : {"opening", "live", "lost", "ended"}
        Condition of the source; a lost one will be reopened.
    failed : bool
        Whether a file ended before its regular end.
    message : str
        Why the source was lost or ended; empty while it is live.
    description : str
        The capture's description of the source, for the user.
    duration : float
        Seconds of a file, once they are known; else 0.
    received, dropped, losses : int
        Number of frames received, of frames dropped, and of times that the source was lost.
    """

    def __init__(
        self,
        open_capture: Callable[[], Capture],
        *,
        reconnect: bool,
        paced: bool = False,
        may_repeat: bool = True,
        open_at: Callable[[float], Capture] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_capture = open_capture
        self._open_at = open_at
        self._reconnect = reconnect
        self._paced = paced
        self._may_repeat = may_repeat
        self._may_stand_still = False
        self._clock = clock
        self._changed = threading.Condition()
        self._capture_thread: CaptureThread | None = None
        self._threads: list[threading.Thread] = []  # of captures that ended or were abandoned
        self._wait = _FIRST_WAIT
        self._retry_at = 0.0
        self._watched = clock()
        self._waiting: deque[ReceivedFrame] = deque()
        self._arrivals: deque[float] = deque(maxlen=_ARRIVALS)  # since the source was opened
        self._taken_any = False
        self._paused = False
        self.condition: Condition = "opening"
        self.failed = False
        self.message = ""
        self.description = ""
        self.duration = 0.0
        self.received = 0
        self.dropped = 0
        self.losses = 0

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        if self._capture_thread is not None:
            self._capture_thread.abandon()
            self._threads.append(self._capture_thread.thread)
        for thread in self._threads:
            thread.join(timeout=_LEAVING)

    def take(self, timeout: float) -> ReceivedFrame | None:
        """Take the oldest waiting frame that is still current; None if none comes in time.

        Parameters
        ----------
        timeout : float
            Longest wait for a frame, in seconds; 0 returns at once.
        """
        self._watch()
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout)
            if not self._waiting:
                return None
            oldest = self._clock() - self._interval()
            while len(self._waiting) > 1 and self._waiting[0].time < oldest:
                self._drop()
            self._taken_any = True
            return self._waiting.popleft()

    def pause(self, paused: bool) -> None:
        """Pause or resume; a file stands still, and a camera's frames do not count as dropped."""
        with self._changed:
            self._paused = paused
            if self._capture_thread is not None:
                self._capture_thread.hold(paused)

    def seek(self, time: float) -> bool:
        """Continue a file at a time in seconds; return whether that is possible."""
        if self._open_at is None:
            return False
        self.reopen(partial(self._open_at, time))
        return True

    def reopen(self, open_capture: Callable[[], Capture]) -> None:
        """Continue with another source, or elsewhere in a file, and forget the frames that wait.

        Parameters
        ----------
        open_capture : callable
            As at construction.
        """
        with self._changed:
            if self._capture_thread is not None:
                self._capture_thread.abandon()
                self._threads.append(self._capture_thread.thread)
            self._waiting.clear()
            self._open_capture, self.condition = open_capture, "opening"
            self._begin()
            if self._paused:  # its first frame is shown nevertheless
                self.step()

    def step(self) -> None:
        """Let one frame pass while paused."""
        if self._capture_thread is not None:
            self._capture_thread.step()

    def _begin(self) -> None:
        pacer = FramePacer(self._clock) if self._paced else None
        self._capture_thread = CaptureThread(self, self._open_capture, self._clock, pacer)
        self._capture_thread.hold(self._paused)
        self._arrivals.clear()
        self._capture_thread.thread.start()

    def _watch(self) -> None:
        """Detect silence and repetition, and reopen a lost source when its delay is over."""
        capture_thread, now = self._capture_thread, self._clock()
        if capture_thread is not None and now - self._watched > _ABSENCE:
            capture_thread.forgive()
        self._watched = now
        if capture_thread is None:
            if self.condition == "lost" and now >= self._retry_at:
                self.condition = "opening"
                self._begin()
            return
        # A file may be slow to decode without being lost.
        patience = _OPENING if self._paced or self.condition == "opening" else _SILENCE
        if not capture_thread.holds and now - capture_thread.last_sign > patience:
            self.lose(capture_thread, "no frames come")
        elif self._is_stuck(capture_thread):
            # If the frames do not change after reopening either, the scene really is still.
            self._may_stand_still = True
            self.lose(capture_thread, "the camera repeats one frame")

    def _is_stuck(self, capture_thread: CaptureThread) -> bool:
        stands_still = self._may_stand_still and not capture_thread.has_moved
        return (
            not self._may_repeat and not stands_still and capture_thread.repeats_for > _REPETITION
        )

    def lose(self, capture_thread: CaptureThread, message: str, *, ended: bool = False) -> None:
        """Abandon a capture thread, and schedule the next if the source is to be reopened."""
        with self._changed:
            if capture_thread is not self._capture_thread:
                return
            capture_thread.abandon()
            self._threads = [each for each in self._threads if each.is_alive()]
            self._threads.append(capture_thread.thread)
            self._capture_thread = None
            self.message = message
            if ended or not self._reconnect or not self.received:
                self.condition = "ended"
                self.failed = self._paced and not ended
            else:
                self.condition = "lost"
                self.losses += 1
                self._retry_at = self._clock() + self._wait
                self._wait = min(2 * self._wait, _LONGEST_WAIT)
            self._changed.notify_all()

    def _interval(self) -> float:
        """Measured seconds from one frame to the next; 0 if unknown."""
        times = self._arrivals
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0

    def _drop(self) -> None:
        self._waiting.popleft()
        self.dropped += self._taken_any and not self._paused

    def receive(self, capture_thread: CaptureThread, frame: Frame) -> None:
        """Keep a received frame, unless its capture thread was abandoned."""
        with self._changed:
            if capture_thread is not self._capture_thread:
                return
            self.condition, self.message, self._wait = "live", "", _FIRST_WAIT
            self.received += 1
            while len(self._waiting) > 1:
                self._drop()
            self._waiting.append(ReceivedFrame(frame, self.received, self._clock()))
            self._arrivals.append(self._waiting[-1].time)
            self._changed.notify_all()
