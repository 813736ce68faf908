"""Output of the command: results on standard output, one-line messages on standard error."""

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


# A command stopped by signal N exits with 128 + N (see `kseg_video.cli.signals.Stopped`).
EXIT_FAILED = 1
EXIT_USAGE = 2


def answer_data(data: object) -> None:
    """Print data as JSON on standard output.

    Raises
    ------
    KsegError
        If standard output cannot be written to.
    """
    text = json.dumps(data, indent=2, ensure_ascii=False)
    if not _can_be_printed(text):
        text = json.dumps(data, indent=2)
    answer("\n".join(UNSHOWN.sub(_in_json, line) for line in text.split("\n")))


def answer(text: str) -> None:
    """Print the result that the user asked for on standard output.

    Raises
    ------
    KsegError
        If standard output cannot be written to.
    """
    if sys.stdout is None:  # closed by the parent process, which wants no output
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
    """Whether standard output's encoding can represent every character of a text."""
    try:
        text.encode(sys.stdout.encoding if sys.stdout is not None else "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def all_was_taken() -> bool:
    """Flush standard output, and return whether everything printed was written."""
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
    """Print an error or a warning as one line on standard error."""
    inform(f"kseg-video: {kind}: {message}")


def complain_in_full(error: Exception) -> None:
    """Print an error with its traceback on standard error."""
    for part in traceback.format_exception(error):
        is_code = part.startswith("  File ")  # other parts may hold file names with line breaks
        for line in part.splitlines() if is_code else [part.strip("\n")]:
            inform(line)


def inform(message: str) -> None:
    """Print one line on standard error, if it is open."""
    if sys.stderr is not None:  # None: closed by the parent process
        with contextlib.suppress(OSError):
            print(shown(message), file=sys.stderr, flush=True)  # noqa: T201


def _drop_standard_output() -> None:
    """Redirect standard output to the null device, or Python's flush at exit would fail aloud."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def told(error: Exception) -> str:
    """Describe an error to the user in one line."""
    if isinstance(error, KsegError):
        return str(error)
    if isinstance(error, MemoryError):
        return OUT_OF_MEMORY
    if lacking := shortage(error):
        return lacking
    if isinstance(error, OSError):
        return f"{error}; check the file and its folder"
    said = " ".join(str(error).split())  # libraries' messages may span lines
    return f"unexpected {type(error).__name__}: {said}; run again with --debug and report it"
