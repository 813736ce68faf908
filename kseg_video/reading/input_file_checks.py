"""Checks of input files: that they are regular, and do not shrink while they are read."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kseg_video.core.errors import KsegError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def check_is_regular(path: Path) -> None:
    """Check that a path, if it exists, is a regular file, because reading a pipe may block forever.

    Raises
    ------
    SourceError
        If it is not.
    """
    if path.exists() and not path.is_file():
        raise SourceError(f"{path} is not a regular file; give one with the same in it")


@contextmanager
def blamed_if_it_shrinks(path: Path) -> Iterator[None]:
    """Report any error in the block as that of the input, if the input has shrunk meanwhile.

    Parameters
    ----------
    path : Path

    Raises
    ------
    SourceError
        In place of the block's error, which would mislead: it may blame the output, whose sound
        comes from the input, or say that the input is empty.
    """
    before = path.stat().st_size if path.is_file() else 0
    try:
        yield
    except KsegError as error:
        if has_shrunk(path, before):
            raise became_shorter(path) from error
        raise


def has_shrunk(path: Path, before: int) -> bool:
    """Whether a file exists and is shorter than `before` bytes."""
    return path.is_file() and path.stat().st_size < before


def became_shorter(path: Path) -> SourceError:
    """The error for an input that has shrunk."""
    return SourceError(f"{path} became shorter while it was read; try again once it is complete")
