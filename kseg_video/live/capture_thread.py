"""A thread that reads a source until it is lost, and paces the frames of a file."""

from __future__ import annotations

import contextlib
import math
import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kseg_video.core.errors import KsegError, shortage

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.core.frame import Frame
    from kseg_video.live.capture import Capture

_LATE = 1.0  # seconds behind schedule after which a file resumes from now, as after sleep
_USUAL_RATE = 25.0  # frames per second of a file that does not state its rate

# Samples in a frame's fingerprint. More: slower; less: a small motion counts as a repeated frame.
_PIXELS_COMPARED = 4096


class FramePacer:
    """Makes a capture thread wait until its next frame is due.

    Parameters
    ----------
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._due: float | None = None
        self._steps = 0
        self._over = False
        self.holds = False

    def hold(self, holds: bool) -> None:
        """Hold frames back, or let them pass again."""
        with self._changed:
            self.holds, self._due, self._steps = holds, None, 0
            self._changed.notify()

    def step(self) -> None:
        """Let one frame pass while held."""
        with self._changed:
            self._steps += 1
            self._changed.notify()

    def end(self) -> None:
        """Release a waiting thread for good."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def wait(self, frame_rate: float) -> None:
        """Wait until the next frame may pass."""
        with self._changed:
            while not self._over and (seconds := self._seconds_left()) > 0:
                self._changed.wait(seconds if math.isfinite(seconds) else None)
            self._steps = max(self._steps - 1, 0)
            if self._due is not None:
                self._due += 1 / (frame_rate or _USUAL_RATE)

    def _seconds_left(self) -> float:
        if self.holds:
            return 0.0 if self._steps else math.inf
        now = self._clock()
        if self._due is None or now - self._due > _LATE:
            self._due = now
        return self._due - now


class CaptureObserver(Protocol):
    """Receives the frames of a capture thread, and learns of its end."""

    description: str
    duration: float

    def receive(self, capture_thread: CaptureThread, frame: Frame) -> None:
        """Take a frame that the thread has read."""
        ...

    def lose(self, capture_thread: CaptureThread, message: str, *, ended: bool = False) -> None:
        """Handle the loss of the source; `ended` if the source came to its regular end."""
        ...


class CaptureThread:
    """Opens a source once and reads it until it is lost; a thread that hangs can be abandoned."""

    def __init__(
        self,
        observer: CaptureObserver,
        open_capture: Callable[[], Capture],
        clock: Callable[[], float],
        pacer: FramePacer | None,
    ) -> None:
        self._observer = observer
        self._open_capture = open_capture
        self._clock = clock
        self._pacer = pacer
        self._capture: Capture | None = None
        self._abandoned = threading.Event()
        self._fingerprint: np.ndarray | None = None
        self._same_since = clock()
        self.has_moved = False
        self.last_sign = clock()
        # A daemon, as a read that blocks for ever in a driver must not keep the process alive.
        self.thread = threading.Thread(target=self._run, name="capture", daemon=True)

    @property
    def repeats_for(self) -> float:
        """Seconds for which the source has repeated one frame."""
        return self.last_sign - self._same_since

    @property
    def holds(self) -> bool:
        """Whether frames are held back."""
        return self._pacer is not None and self._pacer.holds

    def abandon(self) -> None:
        """Close the source and ignore further frames, whatever the thread is doing."""
        self._abandoned.set()
        if self._pacer is not None:
            self._pacer.end()
        capture = self._capture
        if capture is not None:
            with contextlib.suppress(Exception):  # its state no longer matters
                capture.close()

    def hold(self, holds: bool) -> None:
        """Hold frames back, or let them pass again."""
        if self._pacer is not None:
            self._pacer.hold(holds)
            self.last_sign = self._clock()

    def forgive(self) -> None:
        """Judge the source anew, as after a stop of the whole process."""
        self._same_since = self.last_sign = self._clock()

    def step(self) -> None:
        """Let one frame pass while held."""
        if self._pacer is not None:
            self._pacer.step()

    def _run(self) -> None:
        try:
            self._capture = self._open_capture()
            with contextlib.closing(self._capture) as capture:
                self._read_all(capture)
                self._wait(capture)  # show the last frame, too, for its duration
            ended, message = self._pacer is not None, "the source ended"
        except KsegError as error:
            ended, message = False, str(error)
        except Exception as error:  # noqa: BLE001 - a closed or broken capture may raise anything
            ended, message = False, shortage(error) or f"{type(error).__name__}: {error}"
        if not self._abandoned.is_set():
            self._observer.lose(self, message, ended=ended)

    def _read_all(self, capture: Capture) -> None:
        while not self._abandoned.is_set() and (frame := capture.read()) is not None:
            now = self.last_sign = self._clock()
            self._observer.description = capture.description
            if capture.duration:  # sought to its beginning, a file does not know it at once
                self._observer.duration = capture.duration
            self._compare(frame, now)
            self._wait(capture)
            self._observer.receive(self, frame)

    def _compare(self, frame: Frame, now: float) -> None:
        pixels = frame.pixels.reshape(-1)
        fingerprint = pixels[:: max(len(pixels) // _PIXELS_COMPARED, 1)].copy()
        if self._fingerprint is None or not np.array_equal(fingerprint, self._fingerprint):
            self.has_moved = self._fingerprint is not None
            self._fingerprint, self._same_since = fingerprint, now

    def _wait(self, capture: Capture) -> None:
        """Wait until the frame just read is due."""
        if self._pacer is not None:
            self._pacer.wait(capture.frame_rate)
            self.last_sign = self._clock()
