"""kseg-video's exceptions; each message says what is wrong and what to do about it."""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class KsegError(Exception):
    """Base class of all errors that kseg-video raises on purpose."""


class SettingsError(KsegError, ValueError):
    """A setting is out of range, or two settings contradict each other."""


class SourceError(KsegError):
    """The input is missing, or cannot be opened or read."""


class SinkError(KsegError):
    """The output cannot be created, written or finished."""


class DisplayError(KsegError):
    """There is no screen to show a picture on."""


OUT_OF_MEMORY = "out of memory; close other programs, take a smaller picture, or raise ulimit -v"
# Starting a thread also fails for lack of memory, for its stack.
_THREADS = (
    "no more processes or threads can be started, by a limit or for want of memory; close other "
    "programs, or raise ulimit -u or -v"
)
_FILES = "too many files are open; close other programs, or raise ulimit -n"
# Keyed by errno.
_SHORTAGES = {errno.ENOMEM: OUT_OF_MEMORY, errno.EAGAIN: _THREADS, errno.EMFILE: _FILES}
# Keyed by a phrase in the message of the system or a library.
_SHORTAGES_IN_WORDS = {
    "Cannot allocate memory": OUT_OF_MEMORY,
    "Insufficient memory": OUT_OF_MEMORY,
    "bad_alloc": OUT_OF_MEMORY,
    "failed to map segment": "no memory for a library; close other programs, raise ulimit -v, or "
    "install it where programs may run (no noexec)",
    "Resource temporarily unavailable": _THREADS,
    "can't start new thread": _THREADS,
    "Too many open files": _FILES,
}


def shortage_of_number(number: int | None) -> str | None:
    """The message for an errno that means a resource has run out, else None."""
    return None if number is None else _SHORTAGES.get(number)


def shortage(error: Exception, name: object = "") -> str | None:
    """The message for an error that means a resource has run out, else None.

    Parameters
    ----------
    error : Exception
        An error of the system or a library.
    name : object
        File name to ignore in the error's text, because it may contain any phrase.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return shortage_of_number(error.errno)
    words = str(error).replace(str(name), "")
    return next((told for meant, told in _SHORTAGES_IN_WORDS.items() if meant in words), None)


def cannot_write(path: Path, error: OSError) -> SinkError:
    """The `SinkError` for a system error on an output."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return SinkError(f"{path} cannot be written: the disk is full; make room")
    if error.errno == errno.EFBIG:
        return grown_too_large(path)
    if lacking := shortage(error):
        return SinkError(f"{path} cannot be written: {lacking}")
    return SinkError(
        f"{path} cannot be written ({error.strerror or error}); check the disk and its rights"
    )


def cannot_read(path: Path, error: Exception, otherwise: str) -> SourceError:
    """The `SourceError` for an error on an input.

    Parameters
    ----------
    path : Path
    error : Exception
        An error of the system or a library.
    otherwise : str
        The message after the path, unless a resource has run out.
    """
    lacking = shortage(error, path)
    return SourceError(f"{path} cannot be read: {lacking}" if lacking else f"{path} {otherwise}")


def grown_too_large(path: Path) -> SinkError:
    """The error for an output that exceeds the file system's or user's limit on file sizes."""
    return SinkError(
        f"{path} cannot be written: it is larger than files may become here; raise the limit "
        "(ulimit -f) or choose another disk"
    )
