"""Hidden temporary files and folders in which outputs are written.

Each is held by a lock, which the system releases however its process ends: the next run to the same
target removes what a killed run has left.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import sys
import zlib
from typing import TYPE_CHECKING

from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.ffmpeg.cleanup import leftovers

if TYPE_CHECKING:
    from pathlib import Path

_NO_LOCKS_HERE = frozenset({errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


class TemporaryEntry:
    """A hidden temporary file or folder, removed if the program ends.

    Parameters
    ----------
    target : Path
        The output that it will become.
    folder : Path
        The folder in which it is created.
    mode : int
        Its permissions, before the user's umask.
    is_folder : bool

    Raises
    ------
    SinkError
        If it cannot be created.
    KsegError
        If the program is ending.
    """

    def __init__(self, target: Path, folder: Path, mode: int, *, is_folder: bool = False) -> None:
        self._folder = folder
        self._mode = mode
        self._is_folder = is_folder
        # A hash, because the target's name may already have the greatest length.
        self._prefix = f".kseg-{zlib.crc32(os.fsencode(target.name)):08x}-"
        self._suffix = target.suffix.lower()
        # A descriptor finds the folder even if it is renamed, which Windows refuses anyway while a
        # file in it is open.
        self._place: int | None = None
        self._lock: int | None = None
        with leftovers.being_made():
            try:
                if sys.platform != "win32":
                    self._place = os.open(folder, getattr(os, "O_PATH", os.O_RDONLY))
                    self._remove_abandoned()
                while not self._is_made():
                    pass
            except OSError as error:
                self._close()
                raise cannot_write(target, error) from error
            self._leftover = leftovers.add(self._remove)

    @property
    def path(self) -> Path:
        """Path of the entry.

        Raises
        ------
        SinkError
            If its folder has been moved or removed.
        """
        self.check_place()
        return self._folder / self._name

    def check_place(self) -> None:
        """Check that the entry's folder still is where it was.

        Raises
        ------
        SinkError
            If the folder has been moved or removed.
        """
        if self._place is not None and not _is_at(self._place, self._folder):
            raise SinkError(
                f"the folder {self._folder} is not where it was; put it back and try again"
            )

    def keep(self) -> bool:
        """Keep the entry even if the program ends; False if it has been removed already."""
        return leftovers.forget(self._leftover)

    def discard(self) -> None:
        """Remove the entry; harmless if it is gone or has been renamed."""
        self._remove()
        leftovers.forget(self._leftover)
        self._close()

    def _is_made(self) -> bool:
        """Create the entry under a new name and lock it; False if another run removed it first."""
        self._name = f"{self._prefix}{secrets.token_hex(6)}{self._suffix}"
        name = self._name if self._place is not None else str(self._folder / self._name)
        if self._is_folder:
            os.mkdir(name, self._mode, dir_fd=self._place)
        else:
            only_new = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            os.close(os.open(name, only_new, self._mode, dir_fd=self._place))
        try:
            if sys.platform != "win32":
                self._lock = locked(name, self._place)
                return self._lock is not None
        except OSError as error:
            if error.errno not in _NO_LOCKS_HERE:
                self._remove()
                raise
        return True

    def _remove_abandoned(self) -> None:
        """Remove the entries that killed runs to the same target have left."""
        with contextlib.suppress(OSError):  # the folder may be writable, but not readable
            for name in os.listdir(self._folder):  # noqa: PTH208 - there may be very many
                if name.startswith(self._prefix):
                    with contextlib.suppress(OSError):  # it belongs to another user
                        self._remove_if_abandoned(name)

    def _remove_if_abandoned(self, name: str) -> None:
        if (lock := locked(name, self._place)) is None:
            return
        try:
            _remove(name, self._place, is_folder=stat.S_ISDIR(os.fstat(lock).st_mode))
        finally:
            os.close(lock)

    def _remove(self) -> None:
        path = str(self._folder / self._name)
        _remove(path, None, is_folder=self._is_folder)
        if (place := self._place) is not None:  # the folder may have been renamed
            _remove(self._name, place, is_folder=self._is_folder)

    def _close(self) -> None:
        for number in (self._lock, self._place):
            if number is not None:
                os.close(number)
        self._lock = self._place = None


def _remove(name: str, place: int | None, *, is_folder: bool) -> None:
    if is_folder:
        shutil.rmtree(name, ignore_errors=True, dir_fd=place)
    else:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=place)


def locked(name: str, place: int | None) -> int | None:
    """Lock an entry; its descriptor, or None if another process holds it or it is gone.

    Raises
    ------
    OSError
        If the entry cannot be opened, or the file system has no locks.
    """
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415 - there is none on Windows

    try:
        number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=place)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _is_at(number, name, place):
            return number
    except BlockingIOError:
        pass
    except BaseException:
        os.close(number)
        raise
    os.close(number)
    return None


def _is_at(number: int, path: Path | str, place: int | None = None) -> bool:
    """Whether a path still leads to what a descriptor has open."""
    try:
        return os.path.samestat(os.fstat(number), os.stat(path, dir_fd=place))
    except OSError:
        return False
