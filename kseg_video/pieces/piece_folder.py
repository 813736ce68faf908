"""The folder of a conversion's pieces: made, locked, kept for the next run or removed."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import stat
import sys
import zlib
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from kseg_video.conversion.looked_frames import LookedFrames
from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.ffmpeg.cleanup import ClosingContext, leftovers
from kseg_video.pieces.piece_files import RUNNING, UNREADABLE, PieceFiles, load, save, write
from kseg_video.writing.temporary_files import TemporaryEntry, locked

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_PLAN, _LOOKED = "plan.json", "looked.npz"


class PieceFolder(ClosingContext):
    """The folder of a conversion's pieces, beside its output.

    Use as a context manager: leaving it removes what is not to be kept.

    Parameters
    ----------
    output : Path
    plan : mapping of str to str
        What the pieces follow from. Kept ones that follow from something else are removed.
    is_kept : bool
        Whether to keep finished pieces until `forget` is called, for the next run.

    Attributes
    ----------
    path : Path
    news : tuple of str
        Why nothing that was kept is used; empty if it is, or there is nothing.

    Raises
    ------
    SinkError
        If it cannot be made, or another run works in it.
    """

    def __init__(self, output: Path, plan: Mapping[str, str], *, is_kept: bool) -> None:
        self._suffix = output.suffix.lower()
        self._plan = dict(plan)
        self.news: tuple[str, ...] = ()
        self._lock: int | None = None
        self._entry: TemporaryEntry | None = None
        if is_kept:
            name = f".kseg-pieces-{zlib.crc32(os.fsencode(output.name)):08x}"
            self.path = output.parent / name
            self._open(output)
        else:
            self._entry = TemporaryEntry(output, output.parent, 0o700, is_folder=True)
            self.path = self._entry.path
        self._hash = hashlib.sha256(self._written_plan).hexdigest()[:16]
        self._running = self.path / RUNNING
        self._running.touch()
        self._leftover = leftovers.add(self._stop)

    def piece(self, number: int) -> PieceFiles:
        """The files of a piece."""
        return PieceFiles(self.path, number, self._suffix, self._hash)

    @property
    def is_kept(self) -> bool:
        """Whether finished pieces are kept for the next run."""
        return self._entry is None

    @property
    def bytes_written(self) -> int:
        """Size of all pieces so far."""
        sizes = 0
        with contextlib.suppress(OSError):
            sizes = sum(
                path.stat().st_size for path in self.path.iterdir() if path.suffix == self._suffix
            )
        return sizes

    def keep_looked(self, frames: LookedFrames, told: tuple[list[str], list[str]]) -> None:
        """Keep what is known of all frames, and the notes and warnings of their source.

        Raises
        ------
        SinkError
            If it cannot be written.
        """
        names = [each.name for each in dataclasses.fields(frames)]
        arrays = {name: getattr(frames, name) for name in names}
        try:
            save(self.path / _LOOKED, {**arrays, "told": np.array(json.dumps(told))})
        except OSError as error:
            raise cannot_write(self.path, error) from error

    @cached_property
    def looked(self) -> tuple[LookedFrames, tuple[list[str], list[str]]] | None:
        """What `keep_looked` has kept; None if there is nothing."""
        if not self.is_kept:
            return None
        try:
            arrays = load(self.path / _LOOKED)
            notes, warnings = json.loads(str(arrays.pop("told")))
            return LookedFrames(**arrays), (notes, warnings)
        except (*UNREADABLE, TypeError):
            return None

    def forget(self) -> None:
        """Remove all, now that the output is complete."""
        for path in self.path.iterdir():
            path.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()

    def close(self) -> None:
        """Tell those who still work that the conversion has ended."""
        self._stop()
        leftovers.forget(self._leftover)
        if self._entry is not None:
            self._entry.discard()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _stop(self) -> None:
        with contextlib.suppress(OSError):
            self._running.unlink(missing_ok=True)
            if self.is_kept and not any(path.suffix == ".npz" for path in self.path.iterdir()):
                self.forget()  # there is nothing to go on from

    @property
    def _written_plan(self) -> bytes:
        return json.dumps(self._plan).encode()

    def _open(self, output: Path) -> None:
        try:
            self.path.mkdir(mode=0o700, exist_ok=True)
            status = self.path.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != _own_uid(status):
                raise SinkError(f"{self.path} is another user's; remove it, or leave out --resume")
            with contextlib.suppress(OSError):  # a file system without locks
                self._lock = locked(str(self.path), None)
                if self._lock is None and sys.platform != "win32":
                    raise SinkError(f"another run already writes {output}; wait for it, or stop it")
            # A copy, as an archive may hold one, is not ours: links in it may lead anywhere.
            plan = self._plan
            plan["the folder of its pieces"] = str(status.st_ino)
            kept = self._kept_plan()
            if kept is not None and kept != plan:
                others = [name for name in plan if kept.get(name) != plan[name]]
                self.news = (f"begun anew, since {' and '.join(others)} changed",)
            if kept != plan:
                for path in self.path.iterdir():
                    path.unlink()
                write(self.path / _PLAN, self._written_plan)
        except OSError as error:
            raise cannot_write(output, error) from error

    def _kept_plan(self) -> dict[str, Any] | None:
        try:
            path = self.path / _PLAN
            if not stat.S_ISREG(path.lstat().st_mode):  # reading a pipe may wait for ever
                return None
            return dict(json.loads(path.read_text(encoding="utf-8")))
        except (*UNREADABLE, TypeError):
            return None


def _own_uid(status: os.stat_result) -> int:
    """The user of this process; on Windows, which has none, that of the file."""
    if sys.platform == "win32":
        return status.st_uid
    return os.geteuid()
