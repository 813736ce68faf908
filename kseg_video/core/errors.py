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


OUT_OF_MEMORY = "out of memory; close other programs, take a smaller picture, or raise ulimit -v"
# A thread takes memory for its stack, too.
_THREADS = (
    "no more processes or threads can be started, by a limit or for want of memory; close other "
    "programs, or raise ulimit -u or -v"
)
_FILES = "too many files are open; close other programs, or raise ulimit -n"
# By the system's numbers.
_SHORTAGES = {errno.ENOMEM: OUT_OF_MEMORY, errno.EAGAIN: _THREADS, errno.EMFILE: _FILES}
# By the words of the system and of libraries.
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
    """What has run out, and what to do, if that is what an error number of the system means."""
    return None if number is None else _SHORTAGES.get(number)


def shortage(error: Exception, name: object = "") -> str | None:
    """What has run out, and what to do, if that is what an error means.

    Parameters
    ----------
    error : Exception
        Of the system or a library.
    name : object
        Of a file that it may speak of, which may read like anything.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return shortage_of_number(error.errno)
    words = str(error).replace(str(name), "")
    return next((told for meant, told in _SHORTAGES_IN_WORDS.items() if meant in words), None)


def cannot_write(path: Path, error: OSError) -> SinkError:
    """What the system says of an output, as an error of ours."""
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
    """What keeps an input from being read, as an error of ours.

    Parameters
    ----------
    path : Path
    error : Exception
        Of the system or a library.
    otherwise : str
        What to say of it if nothing has run out.
    """
    lacking = shortage(error, path)
    return SourceError(f"{path} cannot be read: {lacking}" if lacking else f"{path} {otherwise}")


def grown_too_large(path: Path) -> SinkError:
    """What is said of an output that the file system, or a limit such as ``ulimit -f``, stops."""
    return SinkError(
        f"{path} cannot be written: it is larger than files may become here; raise the limit "
        "(ulimit -f) or choose another disk"
    )
