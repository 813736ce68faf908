"""Inputs as files: regular ones, and those that somebody cuts off or writes anew meanwhile."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from kseg_video.core.errors import KsegError, SourceError

if TYPE_CHECKING:
    from collections.abc import Iterator
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


@contextmanager
def blamed_if_it_shrinks(path: Path) -> Iterator[None]:
    """Have an input that has become shorter blamed for what fails in the block.

    Parameters
    ----------
    path : Path

    Raises
    ------
    SourceError
        In place of what fails: an output may be said to be at fault that is made of the input's
        sound, or the input to hold nothing at all.
    """
    before = path.stat().st_size if path.is_file() else 0
    try:
        yield
    except KsegError as error:
        if has_shrunk(path, before):
            raise became_shorter(path) from error
        raise


def has_shrunk(path: Path, before: int) -> bool:
    """Whether a file is there, and shorter than so many bytes."""
    return path.is_file() and path.stat().st_size < before


def became_shorter(path: Path) -> SourceError:
    """What is said of it."""
    return SourceError(f"{path} became shorter while it was read; try again once it is complete")
