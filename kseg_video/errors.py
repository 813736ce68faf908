"""The errors that kseg-video raises on purpose; each message says what is wrong and what to do."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class KsegError(Exception):
    """Base of all errors that a caller may want to catch."""


class SettingsError(KsegError, ValueError):
    """A setting is out of range, or two settings contradict each other."""


class SourceError(KsegError):
    """The input cannot be found, opened or read."""


class SinkError(KsegError):
    """The output cannot be created, written or finished."""


class DisplayError(KsegError):
    """There is no screen to show a picture on."""


_MEMORY = "out of memory; close other programs, take a smaller picture, or raise ulimit -v"
_FILES = "too many files are open; raise the limit (ulimit -n), or close other programs"
# By the words of the system and of libraries.
_SHORTAGES = {
    "Cannot allocate memory": _MEMORY,
    "Insufficient memory": _MEMORY,
    "bad_alloc": _MEMORY,
    "failed to map segment from shared object": _MEMORY,
    # For want of memory as well: a thread takes its stack.
    "Resource temporarily unavailable": "no more processes or threads can be started; close other "
    "programs, or raise the limits (ulimit -u and -v)",
    "Too many open files": _FILES,
}
_SHORTAGES["can't start new thread"] = _SHORTAGES["Resource temporarily unavailable"]


def shortage(said: str) -> str | None:
    """What has run out, and what to do, if that is what a message means.

    Parameters
    ----------
    said : str
        By the system or a library.
    """
    return next((told for words, told in _SHORTAGES.items() if words in said), None)


def cannot_write(path: Path, error: OSError) -> SinkError:
    """What the system says of an output, as an error of ours."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return SinkError(f"{path} cannot be written: the disk is full; make room")
    if error.errno == errno.EFBIG:
        return grown_too_large(path)
    if lacking := shortage(str(error)):
        return SinkError(f"{path} cannot be written: {lacking}")
    return SinkError(
        f"{path} cannot be written ({error.strerror or error}); check the disk and its rights"
    )


def grown_too_large(path: Path) -> SinkError:
    """What is said of an output that the file system, or a limit such as ``ulimit -f``, stops."""
    return SinkError(
        f"{path} cannot be written: it is larger than files may become here; raise the limit "
        "(ulimit -f) or choose another disk"
    )
