"""Pictures in the terminal, drawn as half blocks in true colour, and the terminal's keys."""

from __future__ import annotations

import contextlib
import os
import re
import select
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np
from rich.color import Color
from rich.control import Control
from rich.segment import Segment, Segments
from rich.style import Style
from rich.text import Text

from kseg_video.live.key_bindings import KEYS
from kseg_video.live.screen import KeyPress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray
    from rich.console import Console

    from kseg_video.live.live_state import LiveState
    from kseg_video.live.screen import HudContent

_KEYBOARD = 0  # descriptor of standard input, which may be closed
# Escape sequences that arrow and function keys send, and the time to wait for the rest after the
# escape byte. More: a slower Esc key; less: a slow connection turns arrow keys into Esc.
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)")
_SEQUENCE_SECONDS = 0.02
_NAMES = {" ": "space", "\x1b": "Esc"}

# More: a choppier picture; less: more time spent on writing to the terminal.
_SECONDS_BETWEEN_DRAWINGS = 1 / 15
# Levels of 0 to 255 that share a style. More: visible banding; less: more styles to build.
_LEVEL_STEP = 8
_UPPER_HALF = "▀"
_GAP = 2  # character cells between columns of help


class TerminalKeys:
    """Keys pressed in the terminal. A context manager: leaving it restores the terminal."""

    def __init__(self) -> None:
        self._keyboard: int | None = None
        self._unechoed = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._keyboard = self._unechoed.enter_context(keys_unechoed())
        return self

    def __exit__(self, *_: object) -> None:
        self._unechoed.close()

    def pressed(self) -> Sequence[KeyPress]:
        """Keys since the last call; none without a terminal, or while we are in the background."""
        keyboard = self._keyboard
        if keyboard is None or not _is_typed(keyboard) or not _is_in_foreground():
            return ()
        try:
            typed = os.read(keyboard, 64).decode("utf-8", "replace")
            if typed.endswith("\x1b") and _is_typed(keyboard, _SEQUENCE_SECONDS):
                typed += os.read(keyboard, 64).decode("utf-8", "replace")
        except OSError:  # the terminal was closed
            return ()
        typed = _SEQUENCE.sub("", typed)
        return [KeyPress(_NAMES.get(character, character)) for character in typed]


class NoScreen(TerminalKeys):
    """Screen without a picture, which takes the terminal's keys."""

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
    ) -> None:
        """Discard the picture."""

    def events(self) -> Sequence[KeyPress]:
        """Keys that have been pressed since the last call."""
        return self.pressed()


@contextlib.contextmanager
def keys_unechoed() -> Iterator[int | None]:
    """Put the terminal into cbreak mode: keys arrive at once, and no echo disturbs the display.

    Yields
    ------
    int or None
        Descriptor to read keys from; None without a terminal on standard input.
    """
    try:
        import termios  # noqa: PLC0415 - there is none on Windows
        import tty  # noqa: PLC0415
    except ImportError:
        yield None
        return
    if not os.isatty(_KEYBOARD) or not _is_in_foreground():
        yield None
        return
    attributes = termios.tcgetattr(_KEYBOARD)
    tty.setcbreak(_KEYBOARD)
    try:
        yield _KEYBOARD
    finally:
        if _is_in_foreground():
            with contextlib.suppress(termios.error):  # the terminal was closed
                # Flush unread keys: they were meant for us, not for the shell.
                termios.tcsetattr(_KEYBOARD, termios.TCSAFLUSH, attributes)


def _is_typed(keyboard: int, seconds: float = 0.0) -> bool:
    """Whether input is available, now or within some seconds."""
    return bool(select.select([keyboard], [], [], seconds)[0])


def _is_in_foreground() -> bool:
    """Whether we are the foreground job; the terminal stops background jobs that touch it."""
    try:
        return os.tcgetpgrp(_KEYBOARD) == os.getpgrp()
    except OSError:  # the terminal has no job control
        return True


class TerminalScreen(TerminalKeys):
    """Shows pictures in a terminal, and takes its keys.

    Use it as a context manager: leaving it restores the terminal.

    Parameters
    ----------
    console : rich.console.Console
        Terminal to draw on.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._console = console
        self._clock = clock
        self._drawn = float("-inf")
        self._lines: Callable[[], Sequence[Text]] = lambda: (Text(), Text())

    def __enter__(self) -> Self:
        super().__enter__()
        self._console.set_alt_screen(True)
        self._console.show_cursor(False)
        return self

    def __exit__(self, *_: object) -> None:
        self._console.show_cursor(True)
        self._console.set_alt_screen(False)
        super().__exit__()

    def note(self, lines: Callable[[], Sequence[Text]]) -> None:
        """Set the function that makes the lines under the picture, called at each drawing."""
        self._lines = lines

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, _content: Callable[[], HudContent]
    ) -> None:
        """Show a BGR picture of shape (H, W, 3), scaled to fit, or the help in its place."""
        if self._clock() - self._drawn < _SECONDS_BETWEEN_DRAWINGS:
            return
        self._drawn = self._clock()
        columns, height = self._console.size
        lines = [line.copy() for line in self._lines()]
        rows = max(height - len(lines), 1)
        upper = (
            help_rows(columns, rows) if state.shows_help else half_blocks(picture, columns, rows)
        )
        for line in lines:
            line.truncate(columns - 1, pad=True)
        self._console.print(
            Control.home(), Segments(upper), Text("\n").join(lines), sep="", end="", soft_wrap=True
        )

    def events(self) -> Sequence[KeyPress]:
        """Keys that have been pressed since the last call."""
        pressed = self.pressed()
        if pressed:
            self._drawn = float("-inf")  # show the effect of a key at once
        return pressed


def help_rows(columns: int, rows: int) -> Iterator[Segment]:
    """Lay out the help on keys in columns that fill the given cells."""
    keys_width = max(len(binding.key_names) for binding in KEYS) + 1
    cells = [f"{each.key_names:<{keys_width}}{each.does}" for each in KEYS]
    beside = [cells[first : first + rows] for first in range(0, len(cells), rows)]
    widths = [max(map(len, each)) + _GAP for each in beside]
    if sum(widths) - _GAP > columns:
        widths = [columns // len(beside)] * len(beside)
    for row in range(rows):
        pairs = (
            (each[row], width)
            for each, width in zip(beside, widths, strict=True)
            if row < len(each)
        )
        line = "".join(f"{_cut(cell, width - 1):<{width}}" for cell, width in pairs)
        yield Segment(f"{line[:columns]:<{columns}}\n")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: max(length - 1, 0)]}…"


def half_blocks(picture: NDArray[np.uint8], columns: int, rows: int) -> Iterator[Segment]:
    """Draw a picture with upper half blocks, which show two pixels per character cell.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        BGR.
    columns, rows : int
        Available cells; the picture is scaled to fit and centred in them.
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
