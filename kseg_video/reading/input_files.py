"""Files that can be read from end to end, in contrast to pipes, devices, sockets and folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path


def check_is_regular(path: Path) -> None:
    """Check that what is there under a name is a file, before waiting for what it never gives.

    Raises
    ------
    SourceError
        If it is something else.
    """
    if path.exists() and not path.is_file():
        raise SourceError(f"{path} is not a regular file; give one with the same in it")
