"""Telling a process that is at work from one that has stalled or was ended by others.

How long a decoder may take for its next picture cannot be said: it may be on its way through an
hour of video to the place that is wanted. But then it computes or reads. One that has done
neither while we waited for it, and waits for no disk, will never do anything; where the system does
not tell what a process waits for, it is given the time that a disk may take. Nor will one do
anything whose work comes to nothing for so long as no single picture takes, on however slow a
machine: time counts as far as it has been given a processor in it.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from kseg_video.core.errors import KsegError, shortage_of_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LOOK_SECONDS = 2.0
# By the clock and of processors, for which work may come to nothing: before anything has come, as
# on the way through hours of video, and after that.
_FIRST_SECONDS, _FRUITLESS_SECONDS = 4 * 3600.0, 600.0
_DISK_SECONDS = 60.0  # for which a disk or a network share may take to wake up
_TELLS_STATES = sys.platform == "linux"  # elsewhere all that is not suspended is said to run
_RUNNING, _WAITING_FOR_DISK = "running", "disk-sleep"  # psutil's words
_ERROR_NUMBERS = 0xFF  # of the system, which ffmpeg ends with, below zero
# Exit status of an ffmpeg that heeds one, and many. It also ends with the first, 256 - 1, where
# something is not permitted, which old decoders call what they cannot begin to decode.
_STOPPED_BY_SIGNALS = {255, 123}


class StalledError(KsegError):
    """A process does nothing any more."""


class MishapError(KsegError):
    """An ffmpeg has come to an end that is not its own: a signal, or for want of what it needs.

    Parameters
    ----------
    fate : str
        What became of it and what to do, with the ffmpeg as its subject.
    status : int
        With which it ended.
    """

    def __init__(self, fate: str, status: int) -> None:
        super().__init__(f"ffmpeg {fate}")
        self.fate = fate
        self.status = status


def check_end(status: int, messages: Sequence[str]) -> None:
    """Check that an ffmpeg has come to its own end, be it because of a file that is damaged.

    Parameters
    ----------
    status : int
    messages : sequence of str
        Its errors, in which files and servers have their word: they are told, and decide nothing.

    Raises
    ------
    MishapError
        If it has not.
    """
    if status < 0:
        raise MishapError(f"was killed (signal {-status}); try again", status)
    if status in _STOPPED_BY_SIGNALS:
        failure = f", or failed ({messages[-1]})" if messages else ""
        raise MishapError(f"was stopped by a signal{failure}; try again", status)
    if lacking := shortage_of_number(-status & _ERROR_NUMBERS):
        raise MishapError(f"failed: {lacking}", status)


class _Signs(NamedTuple):
    """Seconds of processors, and how often it has read and written, if the system tells."""

    processors: float
    reads: int | None
    writes: int | None


class StallWatch:
    """Looks at a process now and then while it is waited for.

    Parameters
    ----------
    process : int
        Its number.
    clock : callable
        Seconds that only ever grow.
    writes_file : bool
        Whether what it writes elsewhere than into our pipe is what its work is for.
    """

    def __init__(
        self,
        process: int,
        clock: Callable[[], float] = time.monotonic,
        *,
        writes_file: bool = False,
    ) -> None:
        self._process = process
        self._clock = clock
        self._writes_file = writes_file
        self._seen = _Signs(0, 0, 0)
        self._still_since = 0.0
        self._has_come = self._comes = False
        self._fruitless_since: tuple[float, float] | None = None  # clock's and processors' seconds

    def note_progress(self) -> None:
        """Note that something has come of its work."""
        self._comes = True

    def look(self) -> None:
        """Look at it; to be called about every `LOOK_SECONDS` of waiting.

        Raises
        ------
        StalledError
            If it has done nothing since the last time, and nothing promises that it will, or
            nothing has come of what it does for too long.
        """
        if (examined := _examine(self._process)) is None:
            return
        signs, states = examined
        now = self._clock()
        self._check_fruit(signs, now)
        if signs != self._seen or _RUNNING in states:
            self._seen, self._still_since = signs, now
        elif _WAITING_FOR_DISK not in states or now - self._still_since > _DISK_SECONDS:
            raise StalledError(f"ffmpeg has done nothing for {now - self._still_since:.0f} s")

    def _check_fruit(self, signs: _Signs, now: float) -> None:
        if self._writes_file and (signs.writes is None or signs.writes != self._seen.writes):
            self._comes = True
        if self._comes or self._fruitless_since is None:
            self._has_come |= self._comes
            self._comes, self._fruitless_since = False, (now, signs.processors)
        began, had = self._fruitless_since
        seconds = min(now - began, signs.processors - had)
        if seconds > (_FRUITLESS_SECONDS if self._has_come else _FIRST_SECONDS):
            raise StalledError(
                f"ffmpeg has been at work for {seconds:.0f} s, and nothing came of it"
            )


def _examine(number: int) -> tuple[_Signs, set[str]] | None:
    """What a process has done, and the states of its threads; None if it has just ended."""
    import psutil  # noqa: PLC0415 - hardly any run waits so long as to need it

    try:
        process = psutil.Process(number)
        times = process.cpu_times()
        processors, reads, writes = times.user + times.system, None, None
        if sys.platform != "darwin":
            counts = process.io_counters()
            reads, writes = counts.read_count, counts.write_count
        states = {_WAITING_FOR_DISK}
        if _TELLS_STATES:  # of threads, which Linux numbers as it does processes
            states = {psutil.Process(thread.id).status() for thread in process.threads()}
    except (psutil.Error, OSError):
        return None
    return _Signs(processors, reads, writes), states
