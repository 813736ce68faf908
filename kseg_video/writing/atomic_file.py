"""Output files that appear under their name only when they are complete."""

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
    """A temporary file beside its target, which it replaces once it is complete.

    Symbolic links are followed; an existing target passes on its permissions and owner.

    Parameters
    ----------
    target : Path
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be created.
    KsegError
        If the program is ending.
    """

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        check_replaceable(target, overwrite=overwrite)
        self._target = real_path(target)
        self._overwrite = overwrite
        # The partial file is no more readable to others than the file that it will replace.
        mode = 0o600 | self._target.stat().st_mode & 0o666 if self._target.exists() else 0o666
        self._entry = TemporaryEntry(self._target, self._target.parent, mode)
        self._published_bytes: int | None = None

    @property
    def path(self) -> Path:
        """Path of the partial file.

        Raises
        ------
        SinkError
            If its folder has been moved or removed.
        """
        return self._entry.path

    @property
    def bytes_written(self) -> int:
        """Size of the file so far; 0 if it cannot be told."""
        if self._published_bytes is None:
            with contextlib.suppress(OSError, SinkError):
                return self.path.stat().st_size
        return self._published_bytes or 0

    def check_place(self) -> None:
        """Check that the partial file's folder still is where it was.

        Raises
        ------
        SinkError
            If the folder has been moved or removed.
        """
        self._entry.check_place()

    def publish(self) -> None:
        """Rename the partial file to the target.

        Raises
        ------
        SinkError
            If renaming fails, the program is ending, or a file has appeared under the target's name
            meanwhile and may not be overwritten.
        """
        path = self.path
        self._published_bytes = path.stat().st_size
        # A signal also ends the encoder, whose early end must not pass for success.
        if not self._entry.keep():
            raise SinkError(f"{self._target} is not written: the program is ending")
        _publish(path, self._target, overwrite=self._overwrite)
        self.discard()

    def discard(self) -> None:
        """Remove the partial file; harmless if it is gone or published."""
        self._entry.discard()


def check_replaceable(path: Path, *, overwrite: bool) -> None:
    """Check that an output does not exist yet or may be replaced.

    Raises
    ------
    SinkError
        If it exists and is no regular file, is write-protected, or may not be overwritten.
    """
    check_is_plain(path)
    if path.exists():
        if not overwrite:
            raise SinkError(f"{path} exists; choose another output or pass --overwrite")
        if not may(path, os.W_OK):
            raise SinkError(f"{path} is write-protected; make it writable or choose another output")


def may(path: Path, mode: int) -> bool:
    """Whether this process has access to a file or folder; `mode` is that of `os.access`.

    Checks the effective user's permissions, including capabilities, where the system can.
    """
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def check_is_plain(path: Path) -> None:
    """Check that an output is no device, folder or circular link.

    Raises
    ------
    SinkError
        If it is one.
    """
    if path.exists():
        if not path.is_file():
            raise SinkError(f"{path} is not a plain file; choose another output")
    elif real_path(path).is_symlink():
        raise SinkError(f"{path} is a link that leads back to itself; choose another output")


def real_path(path: Path) -> Path:
    """The path with all symbolic links resolved."""
    return Path(os.path.realpath(path))


def publish_all(parts: Iterable[tuple[Path, Path]], kept: Path, *, overwrite: bool) -> None:
    """Rename files to their targets, all or none.

    Parameters
    ----------
    parts : iterable of tuple of Path
        Partial files and their targets.
    kept : Path
        Folder that holds the replaced files until all are renamed.
    overwrite : bool
        Whether existing files may be replaced.

    Raises
    ------
    SinkError
        If one file cannot be renamed; all targets are then restored.
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
    """Keep a file's contents under a second name, by a hard link or a copy."""
    try:
        old.hardlink_to(real_path(path))
    except OSError:  # no hard links on this file system, or to another one
        try:
            shutil.copy2(path, old)
        except OSError as error:
            raise cannot_write(path, error) from error


def _publish(part: Path, target: Path, *, overwrite: bool) -> None:
    """Rename a partial file to its target atomically."""
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
    """Replace the file that the target leads to, through symbolic links."""
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
    """Replace a file to which a link leads on another file system."""
    copy = PartialFile(target, overwrite=True)
    try:
        shutil.copyfile(part, copy.path)
        copy.publish()
    finally:
        copy.discard()


def _take_over_rights(old: Path, new: Path) -> None:
    """Copy owner, permissions and attributes of the replaced file, as far as permitted.

    If the group cannot be kept, the new one gets only the permissions that everybody has.
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
    """Link a file to its target atomically, without ever replacing anything."""
    try:
        target.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # no hard links on this file system
        if target.exists():
            raise FileExistsError from None
        part.rename(target)
