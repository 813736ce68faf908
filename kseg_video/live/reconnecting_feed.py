"""The newest frame of a live source, read in a thread of its own.

Nothing queues: a frame that is not taken before the next one comes is dropped, and counted; two
that come in a burst may wait for each other, no longer than a frame lasts. A source that fails,
ends, falls silent or repeats itself is lost; it is opened again after a while, longer each time.
Whoever takes the frames never waits for any of this.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, TypeAlias

from kseg_video.live.capture_thread import CaptureThread, FramePacer

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.core.frame import Frame
    from kseg_video.live.capture import Capture

Condition: TypeAlias = Literal["opening", "live", "lost", "ended"]

_SILENCE = 4.0  # seconds after which a source counts as lost
_OPENING = 15.0  # the same for one that has given nothing yet
_REPETITION = 4.0  # seconds of one and the same picture after which a camera counts as stuck
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 5.0  # seconds before a lost source is opened again
_LEAVING = 1.0  # seconds that a thread stuck in a driver is given at the end
_ARRIVALS = 16  # over which a frame's interval is measured: what sources announce may be wrong


@dataclass(frozen=True, slots=True, eq=False)
class ReceivedFrame:
    """A frame that has come in.

    Parameters
    ----------
    frame : Frame
    number : int
        Of all frames that have come in, from 1.
    time : float
        Seconds of the clock when it was there.
    """

    frame: Frame
    number: int
    time: float


class ReconnectingFeed:
    """Keeps the newest frame of a source. A context manager.

    Parameters
    ----------
    open_capture : callable
        Opens the source.
    reconnect : bool
        Whether a source that is lost is opened again; one that never gave a frame is not.
    paced : bool
        Whether frames are handed on at the source's own rate, as those of a file are, and wait
        while paused.
    may_repeat : bool
        Whether the same picture for seconds is nothing unusual; of a camera it means that it is
        stuck.
    clock : callable
        Seconds that only ever grow.

    Attributes
    ----------
    failed : bool
        Whether a file is over, and not because it has come to its end.
    """

    def __init__(
        self,
        open_capture: Callable[[], Capture],
        *,
        reconnect: bool,
        paced: bool = False,
        may_repeat: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_capture = open_capture
        self._reconnect = reconnect
        self._paced = paced
        self._may_repeat = may_repeat
        self._may_stand_still = False
        self._clock = clock
        self._changed = threading.Condition()
        self._capture_thread: CaptureThread | None = None
        self._threads: list[threading.Thread] = []  # of captures that are over, or should be
        self._wait = _FIRST_WAIT
        self._retry_at = 0.0
        self._waiting: deque[ReceivedFrame] = deque()
        self._arrivals: deque[float] = deque(maxlen=_ARRIVALS)  # since the source was opened
        self._taken_any = False
        self._paused = False
        self.condition: Condition = "opening"
        self.failed = False
        self.message = ""
        self.description = ""
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
        """The next frame that is not too old; waits for one, but not for long.

        Parameters
        ----------
        timeout : float
            Seconds to wait at the most.
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
        """Hold a file where it is; what a camera shows meanwhile is not counted as dropped."""
        with self._changed:
            self._paused = paused
            if self._capture_thread is not None:
                self._capture_thread.hold(paused)

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
        """Notice silence and repetition, and open a lost source again when it is time."""
        capture_thread, now = self._capture_thread, self._clock()
        if capture_thread is None:
            if self.condition == "lost" and now >= self._retry_at:
                self.condition = "opening"
                self._begin()
            return
        # A file is not lost for being slow.
        patience = _OPENING if self._paced or self.condition == "opening" else _SILENCE
        if not capture_thread.holds and now - capture_thread.last_sign > patience:
            self.lose(capture_thread, "no frames come")
        elif self._is_stuck(capture_thread):
            # A picture that stands still from the next opening on is just that.
            self._may_stand_still = True
            self.lose(capture_thread, "the camera repeats one frame")

    def _is_stuck(self, capture_thread: CaptureThread) -> bool:
        stands_still = self._may_stand_still and not capture_thread.has_moved
        return (
            not self._may_repeat and not stands_still and capture_thread.repeats_for > _REPETITION
        )

    def lose(self, capture_thread: CaptureThread, message: str, *, ended: bool = False) -> None:
        """Give a capture thread up, and plan the next one."""
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
        """Seconds from one frame to the next."""
        times = self._arrivals
        return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0

    def _drop(self) -> None:
        self._waiting.popleft()
        self.dropped += self._taken_any and not self._paused

    def receive(self, capture_thread: CaptureThread, frame: Frame) -> None:
        """Keep a frame that has come in, if its capture thread is the present one."""
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
