"""Run ffmpeg as a child process that never outlives us, blocks us or prints to our terminal."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import imageio_ffmpeg

from kseg_video.core.errors import KsegError, shortage
from kseg_video.ffmpeg.cleanup import leftovers
from kseg_video.ffmpeg.memory_limit import limit_memory, peak_memory
from kseg_video.ffmpeg.printed_lines import (
    ENDED_BY_SIGNAL,
    INPUT_IS_OPEN,
    OUTPUT_BEGINS,
    error_in,
    lines_without,
    printed_names,
    with_colors,
    without_colors,
)
from kseg_video.ffmpeg.stalls import LOOK_SECONDS, StalledError, StallWatch, check_end, lacks_memory

if TYPE_CHECKING:
    import re
    from collections.abc import Sequence
    from typing import IO

_MESSAGES_KEPT = 100
_NOTICES_KEPT = 10_000
_PIPE_BYTES = 1 << 20  # more means fewer wake-ups a frame; 1 MiB is Linux's default limit
_DYING_SECONDS = 2.0  # wait after a kill; longer only delays us for a process stuck in the kernel


@cache
def executable() -> str:
    """Path of the ffmpeg that imageio-ffmpeg provides.

    Raises
    ------
    KsegError
        If there is none.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise KsegError(
            _lacking_to_run()
            or "no ffmpeg found; reinstall it with: pip install --force-reinstall imageio-ffmpeg"
        ) from error


def _lacking_to_run() -> str | None:
    """Shortage that keeps any program from starting, which imageio-ffmpeg reports as no ffmpeg."""
    try:
        subprocess.run(
            [sys.executable, "-c", ""], check=False, capture_output=True, env=environment()
        )
    except OSError as error:
        return shortage(error)
    return None


@cache
def environment() -> dict[str, str]:
    """Environment of this process without the library path that ``import cv2`` adds to it."""
    variables = dict(os.environ)
    paths = variables.pop("LD_LIBRARY_PATH", "").split(os.pathsep)
    opencv = sys.modules.get("cv2")
    own = None if opencv is None else str(Path(str(opencv.__file__)).parent)
    kept = [path for path in paths if path and not (own and path.startswith(own))]
    if kept:
        variables["LD_LIBRARY_PATH"] = os.pathsep.join(kept)
    return variables


class FfmpegProcess:
    """ffmpeg process connected to us by a pipe at its standard input or output.

    Parameters
    ----------
    arguments : sequence of str
        Arguments after the name of the executable and the logging options.
    feeds : bool
        Whether we write its standard input; otherwise we read its standard output.
    notices : re.Pattern, optional
        Pattern of the log lines to keep besides errors. It matches from the start of a line, which
        begins with the component and the level, as in ``[fps @ 0x55d0] [verbose] fps=25/1``. A
        file's tags may forge such lines.
    pixels : int, optional
        Number of pixels of its input's pictures; None if unknown. It limits the memory of a process
        whose output we read, where the system can do so (Linux).

    Attributes
    ----------
    noticed : deque of re.Match
        Matches of `notices` so far; at most the newest 10,000.
    opening_bytes : int
        Memory that it took to open its input, if the system tells.

    Raises
    ------
    KsegError
        If there is no ffmpeg, or the program is ending.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        feeds: bool,
        notices: re.Pattern[str] | None = None,
        pixels: int | None = None,
    ) -> None:
        level = "level+verbose" if notices else "level+info"
        command = [executable(), "-hide_banner", "-nostats", "-loglevel", level, *arguments]
        with leftovers.being_made():
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
                stdout=subprocess.DEVNULL if feeds else subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=with_colors(environment()),
                # Ctrl-C at the terminal must reach only us, since we stop our children in order.
                start_new_session=True,
            )
            self._leftover = leftovers.add(self._kill)
        self._is_limited = not feeds and limit_memory(self._process.pid, pixels)
        pipe = self._process.stdin if feeds else self._process.stdout
        assert pipe is not None
        self.pipe: IO[bytes] = pipe
        _enlarge(self.pipe)
        self._feeds = feeds
        if feeds and sys.platform != "win32":
            os.set_blocking(pipe.fileno(), False)
        self._watch = StallWatch(self._process.pid, writes_file=feeds)
        self._messages: deque[str] = deque(maxlen=_MESSAGES_KEPT)
        self._messages_in_output: deque[str] = deque(maxlen=_MESSAGES_KEPT)
        self._notices = notices
        self._names = printed_names(arguments)
        self.noticed: deque[re.Match[str]] = deque(maxlen=_NOTICES_KEPT)
        self.opening_bytes, self._is_signalled = 0, False
        self._listener = threading.Thread(target=self._listen, name="ffmpeg messages", daemon=True)
        try:
            self._listener.start()
        except BaseException:  # such as at the limit of threads
            self.stop()
            raise

    @property
    def messages(self) -> list[str]:
        """First line of each error so far; at most the newest hundred.

        They may contain text from the file: show them to the user, but base no decision on them.
        """
        return list(self._messages)

    @property
    def messages_in_output(self) -> list[str]:
        """Those of the `messages` since the first frame of output; without notices, all."""
        return list(self._messages_in_output)

    def read_into(self, buffer: memoryview) -> bool:
        """Fill a buffer from its standard output; return False if the output ends first.

        Raises
        ------
        StalledError
            If no data comes and the process makes no progress.
        """
        while buffer:
            self._wait_for_pipe()
            got = self.pipe.readinto(buffer)  # type: ignore[attr-defined]
            if not got:
                return False
            buffer = buffer[got:]
        return True

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes from its standard output; empty at the end.

        Raises
        ------
        StalledError
            If no data comes and the process makes no progress.
        """
        self._wait_for_pipe()
        return self.pipe.read(size)

    def write(self, data: memoryview) -> None:
        """Write all the data to its standard input.

        Raises
        ------
        OSError
            If the process has ended.
        StalledError
            If it accepts no data and makes no progress.
        """
        while data:
            self._wait_for_pipe()
            data = data[self.pipe.write(data) or 0 :]

    def wait(self, most_seconds: float = float("inf")) -> int:
        """Close our end of the pipe, wait for the process to end and return its exit status.

        Raises
        ------
        StalledError
            If it makes no progress, or does not end within `most_seconds`.
        MishapError
            If a signal ended it or it ran out of a resource.
        """
        with contextlib.suppress(BrokenPipeError):
            self.pipe.close()
        deadline = time.monotonic() + most_seconds
        while self._listener.is_alive():
            self._listener.join(min(LOOK_SECONDS, max(deadline - time.monotonic(), 0)))
            if self._listener.is_alive():
                self._watch.look()
                if time.monotonic() >= deadline:
                    raise StalledError(f"ffmpeg did not end within {most_seconds:g} s")
        status = self._process.wait()
        leftovers.forget(self._leftover)
        check_end(status, self.messages, limited=self._is_limited, signalled=self._is_signalled)
        return status

    def stop(self) -> None:
        """Kill the process, whatever it is doing; harmless if it has ended."""
        self._kill()  # on SIGTERM it would first finish its output file
        with contextlib.suppress(BrokenPipeError):
            self.pipe.close()
        # A process stuck in the kernel cannot be killed at once, so the waits have a limit.
        if self._listener.ident is not None:
            self._listener.join(_DYING_SECONDS)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_DYING_SECONDS)
        leftovers.forget(self._leftover)

    def _wait_for_pipe(self) -> None:
        """Wait until the pipe is readable or writable, or broken."""
        if sys.platform == "win32":  # which has no poll for pipes
            return
        ready = select.poll()
        ready.register(self.pipe.fileno(), select.POLLOUT if self._feeds else select.POLLIN)
        while not ready.poll(LOOK_SECONDS * 1000):
            self._watch.look()
        self._watch.note_progress()

    def _kill(self) -> None:
        if self._process.poll() is not None:
            return
        if sys.platform == "win32":
            self._process.kill()
        else:  # the whole group, with any children of its own
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for text in lines_without(self._names, stream):
                self._note(text)

    def _note(self, text: str) -> None:
        if (error := error_in(text)) is not None:
            self._messages.append(error)
            self._messages_in_output.append(error)
            if lacks_memory([error]) and lacks_memory(self._messages):
                self._kill()  # it would leave out pictures
            return
        line = without_colors(text)
        if line.startswith(INPUT_IS_OPEN):
            self.opening_bytes = peak_memory(self._process.pid)
        self._is_signalled |= line.startswith(ENDED_BY_SIGNAL)
        if self._notices and (found := self._notices.match(line)):
            self.noticed.append(found)
        elif OUTPUT_BEGINS.match(line):
            self._messages_in_output.clear()


def _enlarge(pipe: IO[bytes]) -> None:
    """Enlarge the pipe, since the default of 64 KiB wakes both sides 40 times a frame."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - there is none on Windows

        with contextlib.suppress(OSError):  # beyond the user's limit: slower, but still correct
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
