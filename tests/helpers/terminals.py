"""The command on a terminal: type keys, and read back the screen."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from kseg_video.ffmpeg.process import environment
from tests.helpers.commands import COMMAND

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Terminal:
    """The command on a terminal of its own, without a display unless given. A context manager.

    `cell` is the size of a character in pixels, if the terminal tells it.
    """

    def __init__(
        self,
        *arguments: str | Path,
        size: tuple[int, int] = (20, 60),
        cell: tuple[int, int] = (0, 0),
        true_color: bool = True,
        display: str | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        pixels = size[1] * cell[0], size[0] * cell[1]
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, *pixels))
        self.attributes = termios.tcgetattr(theirs)
        self._theirs = theirs
        variables = {**environment(), "TERM": "xterm-256color"}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "COLUMNS", "LINES", "COLORTERM"):
            variables.pop(name, None)
        variables |= {"COLORTERM": "truecolor"} if true_color else {}
        variables |= {"DISPLAY": display} if display is not None else {}
        self.process = subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=variables,
        )
        self.text = ""

    def read_until(self, pattern: str) -> None:
        deadline = time.monotonic() + 15
        while not re.search(pattern, self.text):
            assert time.monotonic() < deadline, self.text[-400:]
            if select.select([self._ours], [], [], 0.1)[0]:
                self.text += os.read(self._ours, 1 << 16).decode("utf-8", "replace")

    def type(self, keys: str) -> None:
        self.text = ""
        os.write(self._ours, keys.encode())

    def end(self) -> int:
        is_over = False
        while not is_over:
            is_over = self.process.poll() is not None  # read once more after its end
            while select.select([self._ours], [], [], 0.05)[0]:
                self.text += os.read(self._ours, 1 << 16).decode("utf-8", "replace")
        assert termios.tcgetattr(self._theirs) == self.attributes
        return self.process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:  # an assertion failed before it ended
            self.process.kill()
            self.process.wait()
        os.close(self._ours)
        os.close(self._theirs)


@contextmanager
def shell_with_jobs(script: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A shell with job control on a terminal of its own, and that terminal's descriptor."""
    ours, theirs = pty.openpty()
    shell = subprocess.Popen(
        ["setsid", "--ctty", "bash", "-c", f"set -m; {script}"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    try:
        yield shell, ours
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)
        os.close(theirs)
