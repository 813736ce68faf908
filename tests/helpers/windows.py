"""The command with a window: take screenshots of it, press keys and click."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from tests.helpers.commands import Outcome, finish, start

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_screen = pytest.mark.skipif(
    not all(map(shutil.which, ("Xvfb", "xdotool", "import"))),
    reason="needs Xvfb, xdotool and ImageMagick",
)


def virtual_screen() -> Iterator[str]:
    """Name of a virtual display that lasts as long as the iterator."""
    ours, theirs = os.pipe()
    command = ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1400x900x24", "-nolisten", "tcp"]
    # Otherwise the server resets when its last client leaves, and misses connections meanwhile.
    command += ["-noreset"]
    server = subprocess.Popen(command, pass_fds=(theirs,), stderr=subprocess.DEVNULL)
    os.close(theirs)
    with os.fdopen(ours) as answer:
        display = f":{answer.readline().strip()}"
    yield display
    server.terminate()
    server.wait()


class Window:
    """The command, started and waited for until its window exists."""

    def __init__(self, screen: str, folder: Path, *arguments: str | Path) -> None:
        self.environment = {
            **os.environ,
            "DISPLAY": screen,
            "WAYLAND_DISPLAY": "",
            "XDG_STATE_HOME": str(folder / "state"),
        }
        self.process = start(*arguments, env=self.environment)
        self.folder = folder
        self.number = self._find()
        deadline = time.monotonic() + 10
        while not self.picture().any() and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(0.5)

    def _find(self) -> str:
        """Wait for the process's window, and return its number."""
        deadline = time.monotonic() + 30
        pid = str(self.process.pid)
        search = ["xdotool", "search", "--all", "--pid", pid, "--class", "^kseg-video$"]
        while time.monotonic() < deadline:
            found = subprocess.run(
                search, env=self.environment, capture_output=True, text=True, check=False
            )
            if numbers := found.stdout.split():
                return numbers[0]
            time.sleep(0.1)
        self.process.kill()
        pytest.fail("no window came")

    def call(self, *command: str) -> str:
        finished = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=30, check=True
        )
        return finished.stdout

    def type(self, *keys: str) -> None:
        # Real key events, for the window that has the focus: SDL ignores those that are sent.
        command = ["xdotool", "windowfocus", self.number, "key", *keys]
        # A key press that closes the window leaves no window for the release.
        subprocess.run(command, env=self.environment, capture_output=True, check=False)
        time.sleep(0.4)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.call("xdotool", "mousemove", "--window", self.number, str(x), str(y))
        time.sleep(0.2)
        self.call("xdotool", "click", str(button))
        time.sleep(0.4)

    def picture(self) -> np.ndarray:
        path = self.folder / "screen.png"
        self.call("import", "-window", self.number, str(path))
        with Image.open(path) as picture:
            return np.asarray(picture.convert("RGB"))

    def end(self) -> Outcome:
        return finish(self.process, seconds=10)
