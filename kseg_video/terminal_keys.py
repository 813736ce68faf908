"""The terminal's keyboard, while we draw on the terminal."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEYBOARD = 0  # standard input, which may have been closed


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


def _is_in_foreground() -> bool:
    """Whether the terminal's keys are for us; it stops jobs in the background that change it."""
    try:
        return os.tcgetpgrp(_KEYBOARD) == os.getpgrp()
    except OSError:  # it controls no jobs
        return True
