"""The terminal's keyboard, while we draw on the terminal or nothing else takes keys."""

from __future__ import annotations

import contextlib
import os
import re
import select
from typing import TYPE_CHECKING, Self

from kseg_video.live.screen import KeyPress

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.live.key_bindings import LiveState
    from kseg_video.live.screen import DrawFigures

_KEYBOARD = 0  # standard input, which may have been closed
# What arrow and function keys send, and how long the rest of it may take after its first byte.
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|O.)")
_SEQUENCE_SECONDS = 0.02
_NAMES = {" ": "space", "\x1b": "Esc"}


class TerminalKeys:
    """Keys that are pressed in the terminal. A context manager: the terminal is restored."""

    def __init__(self) -> None:
        self._keyboard: int | None = None
        self._unechoed = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._keyboard = self._unechoed.enter_context(keys_unechoed())
        return self

    def __exit__(self, *_: object) -> None:
        self._unechoed.close()

    def pressed(self) -> Sequence[KeyPress]:
        """Those since the last call; none where there is no terminal, or it is not ours now."""
        keyboard = self._keyboard
        if keyboard is None or not _is_typed(keyboard) or not _is_in_foreground():
            return ()
        try:
            typed = os.read(keyboard, 64).decode("utf-8", "replace")
            if typed.endswith("\x1b") and _is_typed(keyboard, _SEQUENCE_SECONDS):
                typed += os.read(keyboard, 64).decode("utf-8", "replace")
        except OSError:  # the terminal has gone
            return ()
        typed = _SEQUENCE.sub("", typed)
        return [KeyPress(_NAMES.get(character, character)) for character in typed]


class NoScreen(TerminalKeys):
    """Shows nothing, and takes the terminal's keys."""

    def show(self, picture: NDArray[np.uint8], state: LiveState, draw_figures: DrawFigures) -> None:
        """Drop the picture."""

    def events(self) -> Sequence[KeyPress]:
        """Keys that have been pressed since the last call."""
        return self.pressed()


@contextlib.contextmanager
def keys_unechoed() -> Iterator[int | None]:
    """Have each key handed over at once and none shown, which would tear what is drawn.

    Yields
    ------
    int or None
        Descriptor to read keys from; None where there is no such keyboard.
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
            with contextlib.suppress(termios.error):  # the terminal has gone
                # What nobody has read was not meant for the shell.
                termios.tcsetattr(_KEYBOARD, termios.TCSAFLUSH, attributes)


def _is_typed(keyboard: int, seconds: float = 0.0) -> bool:
    """Whether there is something to be read, or soon will be."""
    return bool(select.select([keyboard], [], [], seconds)[0])


def _is_in_foreground() -> bool:
    """Whether the terminal's keys are for us; it stops jobs in the background that touch it."""
    try:
        return os.tcgetpgrp(_KEYBOARD) == os.getpgrp()
    except OSError:  # it controls no jobs
        return True
