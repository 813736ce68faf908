"""The command with a window: take screenshots of it, press keys and click."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import ImageGrab

from tests.helpers.commands import Outcome, finish, start
from tests.helpers.waiting import wait_until
from tests.helpers.x11 import place_of_window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

needs_screen = pytest.mark.skipif(
    not all(map(shutil.which, ("Xvfb", "xdotool"))), reason="needs Xvfb and xdotool"
)


needs_window_manager = pytest.mark.skipif(
    shutil.which("openbox") is None, reason="needs the window manager openbox"
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


@contextlib.contextmanager
def window_manager(screen: str) -> Iterator[None]:
    """A window manager on a virtual display."""
    manager = subprocess.Popen(
        ["openbox", "--sm-disable"], env=environment_on(screen), stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        manager.terminate()
        manager.wait()


def environment_on(screen: str, folder: Path | None = None) -> dict[str, str]:
    """Variables of a process on a virtual display that keeps what it remembers in a folder."""
    remembered = {} if folder is None else {"XDG_STATE_HOME": str(folder / "state")}
    return {**os.environ, "DISPLAY": screen, "WAYLAND_DISPLAY": "", **remembered}


class WindowOnScreen:
    """A process's window: press keys, click, take screenshots."""

    def __init__(self, screen: str, folder: Path, pid: int) -> None:
        self.screen = screen
        self.environment = environment_on(screen, folder)
        self.number = self._find(str(pid))

    def _find(self, pid: str) -> str:
        """Wait for the process's window, and return its number."""
        deadline = time.monotonic() + 30
        search = ["xdotool", "search", "--all", "--pid", pid, "--class", "^kseg-video$"]
        while time.monotonic() < deadline:
            found = subprocess.run(
                search, env=self.environment, capture_output=True, text=True, check=False
            )
            if numbers := found.stdout.split():
                return numbers[0]
            time.sleep(0.1)
        pytest.fail("no window came")

    def call(self, *command: str) -> str:
        finished = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=30, check=True
        )
        return finished.stdout

    def press(self, *keys: str) -> None:
        # Real key events, for the window that has the focus: SDL ignores those that are sent.
        command = ["xdotool", "windowfocus", self.number, "key", *keys]
        # A key press that closes the window leaves no window for the release.
        subprocess.run(command, env=self.environment, capture_output=True, check=False)

    def point(self, x: int, y: int, *then: str) -> None:
        """Move the pointer, and do something there, in xdotool's words."""
        self.call("xdotool", "mousemove", "--window", self.number, str(x), str(y), *then)

    @property
    def size(self) -> tuple[int, int]:
        lines = self.call("xdotool", "getwindowgeometry", "--shell", self.number).split()
        found = dict(line.split("=") for line in lines)
        return int(found["WIDTH"]), int(found["HEIGHT"])

    @property
    def position(self) -> tuple[int, int]:
        return place_of_window(self.screen, int(self.number))

    @property
    def title(self) -> str:
        return self.call("xdotool", "getwindowname", self.number).strip()

    def resize(self, width: int, height: int) -> None:
        self.call("xdotool", "windowsize", self.number, str(width), str(height))

    def picture(self) -> np.ndarray:
        left, top = self.position
        width, height = self.size
        shown = ImageGrab.grab((left, top, left + width, top + height), xdisplay=self.screen)
        return np.asarray(shown)


class Window(WindowOnScreen):
    """The command, started and waited for until its window exists."""

    def __init__(self, screen: str, folder: Path, *arguments: str | Path, **options: Any) -> None:
        self.process = start(*arguments, env=environment_on(screen, folder), **options)
        try:
            super().__init__(screen, folder, self.process.pid)
            wait_until(lambda: self.picture().any(), 30)
        except BaseException:
            self.process.kill()
            self.process.communicate()
            raise
        time.sleep(0.5)

    def type(self, *keys: str) -> None:
        self.press(*keys)
        time.sleep(0.4)

    def click(self, x: int, y: int, button: int = 1) -> None:
        self.point(x, y)
        time.sleep(0.2)
        self.call("xdotool", "click", str(button))
        time.sleep(0.4)

    def end(self) -> Outcome:
        try:
            return finish(self.process, seconds=20)
        finally:
            self.process.kill()
