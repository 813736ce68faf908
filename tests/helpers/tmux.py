"""A real terminal with a shell in it: type, resize it, and read what its screen shows."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Self

import pytest

from kseg_video.ffmpeg.process import environment
from tests.helpers.commands import COMMAND

if TYPE_CHECKING:
    from pathlib import Path

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="needs tmux")

PROMPT = r"\$$"  # at the end of the screen


class Tmux:
    """A terminal of tmux, with a shell that has job control. A context manager."""

    def __init__(self, columns: int = 80, rows: int = 24, *, true_color: bool = True) -> None:
        variables = {**environment(), "LC_ALL": "C.UTF-8"}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "COLUMNS", "LINES", "COLORTERM", "TMUX"):
            variables.pop(name, None)
        if true_color:
            variables["COLORTERM"] = "truecolor"
        self._variables = variables
        self._folder = tempfile.TemporaryDirectory()  # a short path, as sockets need it
        self._size = f"-x{columns}", f"-y{rows}"

    def _tmux(self, *arguments: str) -> str:
        command = ["tmux", "-S", f"{self._folder.name}/tmux", "-u", *arguments]
        done = subprocess.run(
            command, check=True, capture_output=True, encoding="utf-8", env=self._variables
        )
        return done.stdout

    def run(self, *arguments: str | Path) -> None:
        """Start the command with these arguments, as a job of the shell."""
        self.enter(shlex.join([*COMMAND, *map(str, arguments)]))

    def enter(self, line: str) -> None:
        self.type(line)
        self.press("Enter")

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux's names, such as C-z and M-q."""
        self._tmux("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._tmux("resize-window", f"-x{columns}", f"-y{rows}")

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, wrapped ones whole, without blanks at their ends."""
        return [line.rstrip() for line in self._tmux("capture-pane", "-p", "-J").split("\n")[:-1]]

    @property
    def colored(self) -> str:
        """The screen's text with the sequences that colour it."""
        return self._tmux("capture-pane", "-p", "-e")

    @property
    def is_restored(self) -> bool:
        """Whether it shows the shell's own screen, with a cursor."""
        flags = self._tmux("display-message", "-p", "#{alternate_on}#{cursor_flag}")
        return flags.strip() == "01"

    def wait_for(self, pattern: str, *, seconds: float = 20) -> str:
        """Wait until the screen's text, without blanks at its end, holds a pattern; return it."""
        deadline = time.monotonic() + seconds
        while not re.search(pattern, text := "\n".join(self.lines).rstrip("\n")):
            assert time.monotonic() < deadline, text
            time.sleep(0.05)
        return text

    def __enter__(self) -> Self:
        shell = "exec env PS1='$ ' bash --norc --noprofile"
        self._tmux("-f/dev/null", "new-session", "-d", *self._size, shell)
        self.wait_for(PROMPT)
        return self

    def __exit__(self, *_: object) -> None:
        self._tmux("kill-server")
        self._folder.cleanup()
