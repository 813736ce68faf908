"""What the command says of itself: one line each, on standard error."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import traceback
from typing import TYPE_CHECKING, Literal

from kseg_video.core.errors import OUT_OF_MEMORY, KsegError, shortage
from kseg_video.core.shown_text import UNSHOWN, shown

if TYPE_CHECKING:
    import re


def answer_data(data: object) -> None:
    """Print data as JSON on standard output.

    Raises
    ------
    KsegError
        If nobody takes it.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False)
    if not _can_be_printed(text):
        text = json.dumps(data, indent=2)
    answer("\n".join(UNSHOWN.sub(_in_json, line) for line in text.split("\n")))


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
        encoding = sys.stdout.encoding
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)  # noqa: T201
    except OSError as error:
        _drop_standard_output()
        raise KsegError(
            f"standard output cannot be written to ({error.strerror}); all else is done"
        ) from error


def _in_json(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"


def _can_be_printed(text: str) -> bool:
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


def complain_in_full(error: Exception) -> None:
    """Say what is wrong with a traceback."""
    for part in traceback.format_exception(error):
        is_code = part.startswith("  File ")  # all else may hold names
        for line in part.splitlines() if is_code else [part.strip("\n")]:
            inform(line)


def inform(message: str) -> None:
    """Say something in one line on standard error, if anybody listens there."""
    if sys.stderr is not None:  # closed by whoever started us
        with contextlib.suppress(OSError):
            print(shown(message), file=sys.stderr, flush=True)  # noqa: T201


def _drop_standard_output() -> None:
    """Let what is still to be printed go nowhere; else Python would try, and complain, at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def told(error: Exception) -> str:
    """What went wrong, in words for the user."""
    if isinstance(error, KsegError):
        return str(error)
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    if lacking := shortage(error):
        return lacking
    if isinstance(error, OSError):
        return f"{error}; check the file and its folder"
    said = " ".join(str(error).split())  # libraries break lines
    return f"unexpected {type(error).__name__}: {said}; run again with --debug and report it"
