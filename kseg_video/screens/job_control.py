"""The terminal as shells share it among jobs: a job that is stopped or in the background leaves it.

A shell stops us on Ctrl-Z, and continues us in the foreground by ``fg`` or in the background by
``bg``. It does not tell us of a change to the foreground while we run, so we look before we draw.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, TypeAlias

if sys.platform != "win32":
    import termios
    import tty

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from rich.console import Console

KEYBOARD = 0  # descriptor of standard input, which may be closed
# What `termios.tcgetattr` returns; None without a terminal on standard input.
Attributes: TypeAlias = "list[int | list[bytes | int]] | None"


def descriptor(console: Console) -> int:
    """Descriptor of a console's terminal; -1 if it has none, as in a notebook."""
    try:
        return console.file.fileno()
    except OSError:
        return -1


def is_in_foreground(terminal: int) -> bool:
    """Whether we are the foreground job; a background job that touches its terminal is stopped.

    Parameters
    ----------
    terminal : int
        Descriptor of the terminal.
    """
    if sys.platform != "win32":
        with contextlib.suppress(OSError):  # no terminal, or one without job control
            return os.tcgetpgrp(terminal) == os.getpgrp()
    return True


def on_stop(handler: Callable[[int, FrameType | None], None]) -> None:
    """Set the handler of Ctrl-Z, unless Ctrl-Z is ignored, as in shells without job control."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGTSTP) != signal.SIG_IGN:
        signal.signal(signal.SIGTSTP, handler)


def stop_by_default() -> None:
    """Let Ctrl-Z stop us at once again."""
    if sys.platform != "win32" and signal.getsignal(signal.SIGTSTP) != signal.SIG_IGN:
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)


def stop_until_continued() -> None:
    """Stop, as Ctrl-Z does by default, until the shell continues us; afterwards that is default.

    Returns at once where no shell could continue us.
    """
    if sys.platform != "win32":
        stop_by_default()
        signal.raise_signal(signal.SIGTSTP)


def unecho() -> Attributes:
    """Make keys arrive at once and without an echo; return the terminal's attributes before."""
    attributes = None
    if sys.platform != "win32" and os.isatty(KEYBOARD):
        attributes = termios.tcgetattr(KEYBOARD)
        tty.setcbreak(KEYBOARD)
    return attributes


def restore(attributes: Attributes) -> None:
    """Restore the terminal's attributes."""
    if sys.platform != "win32" and attributes is not None:
        with contextlib.suppress(termios.error):  # the terminal was closed
            # Flush unread keys: they were meant for us, not for the shell.
            termios.tcsetattr(KEYBOARD, termios.TCSAFLUSH, attributes)
