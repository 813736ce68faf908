"""Telling a process that is at work from one that has stalled or was ended by others.

How long a decoder may take for its next picture cannot be said: it may be on its way through an
hour of video to the place that is wanted. But then it computes or reads. One that has done
neither while we waited for it, and waits for no disk, will never do anything.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.errors import KsegError, shortage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

LOOK_SECONDS = 2.0
_DISK_SECONDS = 60.0  # for which a disk or a network share may take to wake up
_STATE, _TICKS = 0, slice(11, 13)  # in /proc/PID/stat after the command's name, see proc(5)
_RUNNING, _WAITING_FOR_DISK = "R", "D"
_STOPPED_BY_SIGNALS = {255, 123}  # exit status of an ffmpeg that heeds one, and many


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


def check_end(status: int, messages: Iterable[str]) -> None:
    """Check that an ffmpeg has come to its own end, be it because of a file that is damaged.

    Raises
    ------
    MishapError
        If it has not.
    """
    if status < 0:
        raise MishapError(f"was killed (signal {-status}); try again", status)
    if status in _STOPPED_BY_SIGNALS:
        raise MishapError("was stopped by a signal; try again", status)
    if lacking := next(filter(None, map(shortage, messages)), None):
        raise MishapError(f"failed: {lacking}", status)


class StallWatch:
    """Looks at a process now and then while it is waited for.

    Parameters
    ----------
    process : int
        Its number.
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(self, process: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = Path(f"/proc/{process}")
        self._clock = clock
        self._seen: tuple[str, ...] = ()
        self._still_since = 0.0

    def look(self) -> None:
        """Look at it; to be called about every `LOOK_SECONDS` of waiting.

        Raises
        ------
        StalledError
            If it has done nothing since the last time, and nothing promises that it will.
        """
        try:
            signs, states = self._signs(), self._states()
        except OSError:  # no Linux, or it has just ended
            return
        now = self._clock()
        if signs != self._seen or _RUNNING in states:
            self._seen, self._still_since = signs, now
        elif _WAITING_FOR_DISK not in states or now - self._still_since > _DISK_SECONDS:
            raise StalledError(f"ffmpeg has done nothing for {now - self._still_since:.0f} s")

    def _signs(self) -> tuple[str, ...]:
        """What grows with all that it does: processor time, bytes read and written."""
        ticks = _fields(self._folder / "stat")[_TICKS]
        return (*ticks, *(self._folder / "io").read_text().split()[1:4:2])

    def _states(self) -> set[str]:
        """States of its threads."""
        return {_fields(thread / "stat")[_STATE] for thread in (self._folder / "task").iterdir()}


def _fields(path: Path) -> list[str]:
    return path.read_text().rpartition(")")[2].split()
