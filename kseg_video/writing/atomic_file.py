"""Outputs that are whole under their name or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.writing.temporary_files import TemporaryEntry

if TYPE_CHECKING:
    from collections.abc import Iterable


class PartialFile:
    """A file that grows beside its target under another name and replaces it when it is whole.

    Links are written through, and what is replaced gives its rights and owner to what comes.

    Parameters
    ----------
    target : Path
    overwrite : bool
        Whether it may replace an existing file.

    Raises
    ------
    SinkError
        If it cannot be made.
    KsegError
        If the program is ending.
    """

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        check_replaceable(target, overwrite=overwrite)
        self._target = real_path(target)
        self._overwrite = overwrite
        # Nobody who may not read the old file may read the new one while it grows.
        mode = 0o600 | self._target.stat().st_mode & 0o666 if self._target.exists() else 0o666
        self._entry = TemporaryEntry(self._target, self._target.parent, mode)

    @property
    def path(self) -> Path:
        """Where it is until then.

        Raises
        ------
        SinkError
            If its folder is not there any more.
        """
        return self._entry.path

    def check_place(self) -> None:
        """Check that it is still found under its path.

        Raises
        ------
        SinkError
            If its folder is not there any more.
        """
        self._entry.check_place()

    def publish(self) -> None:
        """Give it the target's name.

        Raises
        ------
        SinkError
            If that cannot be, as when the program ends, or if another file has taken the name
            meanwhile and may not be replaced.
        """
        path = self.path
        # A signal ends what the file waits for, as its encoder, and that must not pass for success.
        if not self._entry.keep():
            raise SinkError(f"{self._target} is not written: the program is ending")
        _publish(path, self._target, overwrite=self._overwrite)
        self.discard()

    def discard(self) -> None:
        """Remove it; harmless if it is gone or published."""
        self._entry.discard()


def check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Check that what is under an output's name, if anything, may be replaced.

    Raises
    ------
    SinkError
        If it is no plain file, is write-protected, or is there without leave to overwrite.
    """
    check_is_plain(path)
    if path.exists():
        if not overwrite:
            raise SinkError(f"{path} exists; choose another output or pass --overwrite")
        if not may(path, os.W_OK):
            raise SinkError(f"{path} is write-protected; make it writable or choose another output")


def may(path: Path, mode: int) -> bool:
    """Whether this process may use a file or folder in a way of ``os.access``.

    Rights that it was given by capabilities count, which ``access`` itself does not heed.
    """
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def check_is_plain(path: Path) -> None:
    """Check that an output's name is not that of a device or the like.

    Raises
    ------
    SinkError
        If it is.
    """
    if path.exists():
        if not path.is_file():
            raise SinkError(f"{path} is not a plain file; choose another output")
    elif real_path(path).is_symlink():
        raise SinkError(f"{path} is a link that leads back to itself; choose another output")


def real_path(path: Path) -> Path:
    """Where a path leads, through all links on its way."""
    return Path(os.path.realpath(path))


def publish_all(parts: Iterable[tuple[Path, Path]], kept: Path, *, overwrite: bool) -> None:
    """Give files the names of their targets, all or none.

    Parameters
    ----------
    parts : iterable of tuple of Path
        Files and their targets.
    kept : Path
        A folder for what is replaced, until all are.
    overwrite : bool
        Whether they may replace existing files.

    Raises
    ------
    SinkError
        If one of them cannot be; all is as before then.
    """
    with contextlib.ExitStack() as undoing:
        for number, (part, target) in enumerate(parts):
            old = kept / f"{number}.old"
            if is_there := overwrite and target.exists():
                _keep(target, old)
            _publish(part, target, overwrite=overwrite)
            if is_there:
                undoing.callback(_replace, target, old)
            else:
                undoing.callback(target.unlink)
        undoing.pop_all()


def _keep(path: Path, old: Path) -> None:
    """Have what is in a file under another name, too."""
    try:
        old.hardlink_to(real_path(path))
    except OSError:  # a file system without links, or another one
        try:
            shutil.copy2(path, old)
        except OSError as error:
            raise cannot_write(path, error) from error


def _publish(part: Path, target: Path, *, overwrite: bool) -> None:
    """Give a file its target's name in one step."""
    try:
        if overwrite:
            _take_over_rights(real_path(target), part)
        else:
            _link(part, target)
            return
    except FileExistsError:
        raise SinkError(f"{target} appeared meanwhile; choose another output") from None
    except OSError as error:
        raise cannot_write(target, error) from error
    _replace(target, part)


def _replace(target: Path, part: Path) -> None:
    """Put a file in the place of the one that its target's name leads to."""
    try:
        try:
            part.replace(real_path(target))
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _replace_elsewhere(target, part)
    except OSError as error:
        raise cannot_write(target, error) from error


def _replace_elsewhere(target: Path, part: Path) -> None:
    """Do so on another file system, to which a link leads."""
    copy = PartialFile(target, overwrite=True)
    try:
        shutil.copyfile(part, copy.path)
        copy.publish()
    finally:
        copy.discard()


def _take_over_rights(old: Path, new: Path) -> None:
    """Give a file owner, rights and attributes of the one that it replaces, as far as we may.

    Rights of a group that cannot be kept go to no other group.
    """
    try:
        status = old.stat()
    except FileNotFoundError:
        return
    if sys.platform != "win32":
        for owner in ((-1, status.st_gid), (status.st_uid, -1)):
            with contextlib.suppress(OSError):
                os.chown(new, *owner)
    with contextlib.suppress(OSError):
        shutil.copystat(old, new)
        os.utime(new)
        if new.stat().st_gid != status.st_gid:
            new.chmod(status.st_mode & 0o707 | (status.st_mode & 0o007) << 3)


def _link(part: Path, target: Path) -> None:
    """Give a file its target's name, too, in one step that never replaces anything."""
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if target.exists():
            raise FileExistsError from None
        part.rename(target)
