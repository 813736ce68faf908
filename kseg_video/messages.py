"""What the command says of itself: one line each, on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Literal

from kseg_video.errors import OUT_OF_MEMORY, KsegError, shortage


def answer(text: str) -> None:
    """Print what the user has asked for on standard output.

    Raises
    ------
    KsegError
        If nobody takes it.
    """
    if sys.stdout is None:  # closed by whoever started us: nothing is wanted
        return
    try:
        print(_printable(text, sys.stdout.encoding), flush=True)  # noqa: T201
    except OSError as error:
        _drop_standard_output()
        raise KsegError(
            f"standard output cannot be written to ({error.strerror}); all else is done"
        ) from error


def can_be_printed(text: str) -> bool:
    """Whether standard output's encoding knows every character of a text."""
    try:
        text.encode(sys.stdout.encoding if sys.stdout is not None else "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def all_was_taken() -> bool:
    """Whether all that was printed on standard output has found its way."""
    if sys.stdout is None:
        return True
    try:
        sys.stdout.flush()
    except OSError:
        _drop_standard_output()
        return False
    return True


def is_at_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def complain(message: str, kind: Literal["error", "warning"] = "error") -> None:
    """Say what is wrong in one line."""
    inform(f"kseg-video: {kind}: {message}")


def inform(message: str) -> None:
    """Say something in one line on standard error, if anybody listens there."""
    if sys.stderr is not None:  # closed by whoever started us
        with contextlib.suppress(OSError):
            print(_one_line(message), file=sys.stderr, flush=True)  # noqa: T201


def _printable(text: str, encoding: str) -> str:
    """Text in which what an encoding lacks, or what never was text in a name, is escaped."""
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _drop_standard_output() -> None:
    """Let what is still to be printed go nowhere; else Python would try, and complain, at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _one_line(text: str) -> str:
    """Text without the line breaks that a file name may hold."""
    return " ".join(text.split())


def told(error: Exception) -> str:
    """What went wrong, in words for the user."""
    if isinstance(error, KsegError):
        return str(error)
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    if lacking := shortage(str(error)):
        return lacking
    if isinstance(error, OSError):
        return f"{error}; check the file and its folder"
    return f"unexpected {type(error).__name__}: {error}; run again with --debug and report it"
