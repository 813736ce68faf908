"""What the command says of itself: one line each, on standard error."""

from __future__ import annotations

import sys
from typing import Literal

from kseg_video.errors import KsegError


def complain(message: str, kind: Literal["error", "warning"] = "error") -> None:
    """Say what is wrong in one line."""
    print(f"kseg-video: {kind}: {one_line(message)}", file=sys.stderr)  # noqa: T201


def one_line(text: str) -> str:
    """Text without the line breaks that a file name may hold."""
    return " ".join(text.split())


def told(error: Exception) -> str:
    """What went wrong, in words for the user."""
    if isinstance(error, KsegError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory; take a smaller picture or fewer sampled pixels"
    if isinstance(error, OSError):
        return f"{error}; check the file and its folder"
    return f"unexpected {type(error).__name__}: {error}; run again with --debug and report it"
