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


def cannot_write(path: Path, error: OSError) -> SinkError:
    """What the system says of an output, as an error of ours."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return SinkError(f"{path} cannot be written: the disk is full; make room")
    if error.errno == errno.EFBIG:
        return grown_too_large(path)
    return SinkError(
        f"{path} cannot be written ({error.strerror or error}); check the disk and its rights"
    )


def grown_too_large(path: Path) -> SinkError:
    """What is said of an output that the file system, or a limit such as ``ulimit -f``, stops."""
    return SinkError(
        f"{path} cannot be written: it is larger than files may become here; raise the limit "
        "(ulimit -f) or choose another disk"
    )
