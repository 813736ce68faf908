"""Pictures in the terminal itself, in half blocks of true colour, and its keys."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import termios
import time
import tty
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import cv2
import numpy as np
from rich.color import Color
from rich.control import Control
from rich.segment import Segment, Segments
from rich.style import Style

from kseg_video.screen import KeyPress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from rich.console import Console

    from kseg_video.live_state import LiveState
    from kseg_video.screen import Event

_SECONDS_BETWEEN_DRAWINGS = 1 / 15
_LEVEL_STEP = 8  # finer differences of colour are not worth a style of their own
_UPPER_HALF = "▀"
_NAMES = {" ": "space", "\x1b": "Esc"}


class TerminalScreen:
    """Shows pictures in a terminal. A context manager: the terminal is restored.

    Parameters
    ----------
    console : rich.console.Console
    clock : callable
        Seconds that only ever grow.
    """

    has_hud = False

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._drawn = float("-inf")
        self._keyboard = sys.stdin.fileno() if sys.stdin.isatty() else None
        self._attributes: list[Any] | None = None
        self._note = ""

    def __enter__(self) -> Self:
        if self._keyboard is not None:
            self._attributes = termios.tcgetattr(self._keyboard)
            tty.setcbreak(self._keyboard)
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)
        return self

    def __exit__(self, *_: object) -> None:
        self._console.show_cursor(True)
        self._console.set_alt_screen(False)
        if self._keyboard is not None and self._attributes is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._keyboard, termios.TCSADRAIN, self._attributes)

    def note(self, text: str) -> None:
        """Set the line under the picture."""
        self._note = text

    def show(self, picture: NDArray[np.uint8], state: LiveState) -> None:
        """Show a BGR picture of shape (H, W, 3), as large as fits."""
        if self._clock() - self._drawn < _SECONDS_BETWEEN_DRAWINGS:
            return
        self._drawn = self._clock()
        columns, rows = self._console.size
        note = f"{'paused · ' if state.paused else ''}{self._note}"[: columns - 1]
        self._console.print(
            Control.home(),
            Segments([*half_blocks(picture, columns, rows - 1), Segment(f"{note:<{columns - 1}}")]),
            end="",
            soft_wrap=True,
        )

    def events(self) -> Sequence[Event]:
        """Keys that have been pressed since the last call."""
        if self._keyboard is None or not select.select([self._keyboard], [], [], 0)[0]:
            return ()
        typed = os.read(self._keyboard, 64).decode("utf-8", "replace")
        if typed.startswith("\x1b") and len(typed) > 1:  # an arrow or function key
            return ()
        return [KeyPress(_NAMES.get(character, character)) for character in typed]


def half_blocks(picture: NDArray[np.uint8], columns: int, rows: int) -> Iterator[Segment]:
    """A picture in character cells, two pixels one above the other in each.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        BGR.
    columns, rows : int
        Cells that are there; the picture is centred in them.
    """
    height, width = picture.shape[:2]
    scale = min(columns / width, 2 * rows / height)
    size = max(int(width * scale), 1), max(int(height * scale) // 2 * 2, 2)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(int)
    levels = np.minimum(small // _LEVEL_STEP * _LEVEL_STEP + _LEVEL_STEP // 2, 255)[..., ::-1]
    left = " " * ((columns - size[0]) // 2)
    right = " " * (columns - size[0] - len(left))
    blank = (rows - size[1] // 2) // 2
    for _ in range(blank):
        yield Segment(" " * columns + "\n")
    for upper, lower in zip(levels[::2].tolist(), levels[1::2].tolist(), strict=True):
        yield Segment(left)
        for above, below in zip(upper, lower, strict=True):
            yield Segment(_UPPER_HALF, _style(tuple(above), tuple(below)))
        yield Segment(right + "\n")
    for _ in range(rows - size[1] // 2 - blank):
        yield Segment(" " * columns + "\n")


@lru_cache(maxsize=1 << 14)
def _style(above: tuple[int, int, int], below: tuple[int, int, int]) -> Style:
    return Style(color=Color.from_rgb(*above), bgcolor=Color.from_rgb(*below))
