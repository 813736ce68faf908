"""The ffmpeg executable as a child process that never leaks, blocks or tears our display."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections import deque
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import imageio_ffmpeg

from kseg_video.errors import KsegError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

_MESSAGES_KEPT = 100
_PIPE_BYTES = 1 << 20


@cache
def executable() -> str:
    """Path of the ffmpeg that imageio-ffmpeg brings.

    Raises
    ------
    KsegError
        If there is none.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise KsegError(
            "no ffmpeg found; reinstall it with: pip install --force-reinstall imageio-ffmpeg"
        ) from error


@cache
def environment() -> dict[str, str]:
    """Environment of this process without the library path that ``import cv2`` puts into it."""
    variables = dict(os.environ)
    own = str(Path(cv2.__file__).parent)
    paths = variables.pop("LD_LIBRARY_PATH", "").split(os.pathsep)
    kept = [path for path in paths if path and not path.startswith(own)]
    if kept:
        variables["LD_LIBRARY_PATH"] = os.pathsep.join(kept)
    return variables


def file_argument(path: Path) -> str:
    """A path as ffmpeg takes it: always a file, never an option or another protocol."""
    return f"file:{path}"


class FfmpegProcess:
    """An ffmpeg with one end of a pipe in our hands.

    Parameters
    ----------
    arguments : sequence of str
        After the executable's name.
    feeds : bool
        Whether we write its standard input; otherwise we read its standard output.
    """

    def __init__(self, arguments: Sequence[str], *, feeds: bool) -> None:
        self._process = subprocess.Popen(
            [executable(), "-hide_banner", "-loglevel", "error", *arguments],
            stdin=subprocess.PIPE if feeds else subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if feeds else subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=environment(),
            # A Ctrl-C at the terminal is for us alone: we end our children in order.
            start_new_session=True,
        )
        pipe = self._process.stdin if feeds else self._process.stdout
        assert pipe is not None
        self.pipe: IO[bytes] = pipe
        _enlarge(self.pipe)
        self._messages: deque[str] = deque(maxlen=_MESSAGES_KEPT)
        self._listener = threading.Thread(target=self._listen, name="ffmpeg messages", daemon=True)
        self._listener.start()

    @property
    def messages(self) -> list[str]:
        """What it has said so far, the oldest lines dropped beyond a hundred."""
        return list(self._messages)

    def wait(self) -> int:
        """Close our end of the pipe, wait for its end and return its exit status."""
        with contextlib.suppress(BrokenPipeError):
            self.pipe.close()
        status = self._process.wait()
        self._listener.join()
        return status

    def stop(self) -> None:
        """End it now, whatever it is doing; harmless if it has ended."""
        self._process.kill()  # asked politely it would first finish a file that nobody wants
        self.wait()

    def _listen(self) -> None:
        assert self._process.stderr is not None
        with self._process.stderr as stream:
            for line in iter(stream.readline, b""):
                text = line.decode("utf-8", "replace").strip()
                if text:
                    self._messages.append(text)


def _enlarge(pipe: IO[bytes]) -> None:
    """Let whole frames pass at once; the default of 64 KiB wakes both sides 40 times a frame."""
    if sys.platform == "linux":
        import fcntl  # noqa: PLC0415 - there is none on Windows

        with contextlib.suppress(OSError):  # beyond the user's limit: slower, no less right
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
