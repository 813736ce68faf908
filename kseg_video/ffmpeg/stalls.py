"""Detect ffmpeg processes that have stalled, and those that were killed or ran out of a resource.

There is no upper limit on the time that a decoder needs for its next picture: it may be decoding an
hour of video on its way to a seek target. But then it computes or reads. A process that has done
neither while we waited, and is not waiting for a disk, has stalled; where the system does not
report thread states, it is given the time that a disk may need to wake up. A process has also
stalled if it works without output for longer than any single picture takes. That limit counts CPU
time as well as the clock, so that it holds on slow or busy machines.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, NamedTuple

from kseg_video.core.errors import OUT_OF_MEMORY, KsegError, shortage_of_number
from kseg_video.ffmpeg.printed_lines import says

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

LOOK_SECONDS = 2.0  # between checks; shorter finds a stall sooner, longer polls less
# Seconds, by the clock and of CPU time, without output after which a busy process has stalled:
# before its first output, as when it decodes hours of video up to a seek target, and after that.
# Longer keeps a hung process waiting; shorter may kill one that is busy with a slow picture.
_FIRST_SECONDS, _FRUITLESS_SECONDS = 4 * 3600.0, 600.0
_DISK_SECONDS = 60.0  # a disk or a network share may take this long to wake up
_TELLS_STATES = sys.platform == "linux"  # elsewhere, all but suspended is "running"
_RUNNING, _WAITING_FOR_DISK = "running", "disk-sleep"  # psutil's words
_ERROR_NUMBERS = 0xFF  # ffmpeg's exit status is a negated errno, of which 8 bits remain
# Exit statuses of ffmpeg after one signal and after several. 255 is also -1, for EPERM, which old
# decoders return for input that they cannot begin to decode.
_STOPPED_BY_SIGNALS = {255, 123}
# What decoders say when memory cannot be allocated, after which most go on with the next picture.
_LACKS_MEMORY = (
    r"(thread_)?get_buffer\(\) failed|(Error submitting packet to decoder|Decoding error): Cannot "
    r"allocate memory|Failed to decode frame: Memory allocation error|(Cannot|Could not|Failed to) "
    r"allocate |\w+\(\) is out of memory"
)
_TAKES_TOO_MUCH = (
    "it takes more memory than pictures of this size should; encode the file anew, if it is not "
    "damaged or hostile"
)


class StalledError(KsegError):
    """A process has stalled."""


class MishapError(KsegError):
    """ffmpeg was ended by a signal, or ran out of a resource such as memory or disk space.

    Parameters
    ----------
    fate : str
        What happened and what to do: a predicate whose subject is "ffmpeg".
    status : int
        Exit status of the process.
    """

    def __init__(self, fate: str, status: int) -> None:
        super().__init__(f"ffmpeg {fate}")
        self.fate = fate
        self.status = status


def lacks_memory(messages: Iterable[str]) -> bool:
    """Whether a decoder lacked memory, rather than refused pictures that are too large."""
    return says(messages, _LACKS_MEMORY) and not says(messages, "video_get_buffer: ")


def check_end(
    status: int, messages: Sequence[str], *, limited: bool = False, signalled: bool = False
) -> None:
    """Check that ffmpeg ended on its own, whether or not it failed because of a damaged file.

    Parameters
    ----------
    status : int
    messages : sequence of str
        ffmpeg's errors. They may contain text from files and servers, so they are only quoted.
    limited : bool
        Whether its memory was limited by us.
    signalled : bool
        Whether it told that a signal ended it.

    Raises
    ------
    MishapError
        If a signal ended it or it ran out of a resource.
    """
    if lacks_memory(messages):
        lacking: str | None = OUT_OF_MEMORY
    else:
        lacking = None if status < 0 else shortage_of_number(-status & _ERROR_NUMBERS)
    if lacking == OUT_OF_MEMORY and limited:
        lacking = _TAKES_TOO_MUCH
    if lacking:
        raise MishapError(f"failed: {lacking}", status)
    if status < 0:
        raise MishapError(f"was killed (signal {-status}); try again", status)
    if signalled or status in _STOPPED_BY_SIGNALS:
        failure = f", or failed ({messages[-1]})" if messages else ""
        raise MishapError(f"was stopped by a signal{failure}; try again", status)


class _Signs(NamedTuple):
    """CPU seconds, and counts of reads and writes where the system reports them."""

    processors: float
    reads: int | None
    writes: int | None


class StallWatch:
    """Watch that examines a process periodically while we wait for it.

    Parameters
    ----------
    process : int
        Process id.
    clock : callable
        Monotonic clock, in seconds.
    writes_file : bool
        Whether it writes its output to a file rather than to our pipe, so that a write counts as
        progress.
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
        self._fruitless_since: tuple[float, float] | None = None  # clock and CPU seconds

    def note_progress(self) -> None:
        """Record that the process has produced output or taken input."""
        self._comes = True

    def look(self) -> None:
        """Examine the process; call this about every `LOOK_SECONDS` of waiting.

        Raises
        ------
        StalledError
            If it has done nothing since the last call and is not waiting for a disk, or has
            worked for too long without output.
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
    """Activity of a process and the states of its threads; None if it has just ended."""
    import psutil  # noqa: PLC0415 - few runs wait long enough to need it

    try:
        process = psutil.Process(number)
        times = process.cpu_times()
        processors, reads, writes = times.user + times.system, None, None
        if sys.platform != "darwin":
            counts = process.io_counters()
            reads, writes = counts.read_count, counts.write_count
        states = {_WAITING_FOR_DISK}
        if _TELLS_STATES:  # a Linux thread id works like a process id
            states = {psutil.Process(thread.id).status() for thread in process.threads()}
    except (psutil.Error, OSError):
        return None
    return _Signs(processors, reads, writes), states
