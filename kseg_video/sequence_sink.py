"""A still for every frame, numbered: ``frame-%05d.png``."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.errors import SinkError, cannot_write
from kseg_video.leftovers import leftovers
from kseg_video.sink_checks import check_frame
from kseg_video.stills import OPAQUE_STILL_SUFFIXES, numbered_files, write_frame
from kseg_video.whole_files import AbortingContext

if TYPE_CHECKING:
    from kseg_video.frame import Frame, VideoInfo


class SequenceSink(AbortingContext):
    """Numbered stills, from 0. They get their names when all are written.

    Parameters
    ----------
    path : Path
        With ``%05d`` or the like where the number goes. Its folder is made if it is missing.
    info : VideoInfo
        Of the pictures.
    overwrite : bool
        Whether existing files may be replaced; those of numbers that are not written stay.

    Raises
    ------
    SinkError
        If the files cannot be made.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        self._path = path
        self._info = info
        self._overwrite = overwrite
        self._suffix = path.suffix.lower()
        self._count = 0
        self._may_lose_alpha = self._suffix in OPAQUE_STILL_SUFFIXES
        self.notes: list[str] = []
        beside = path.parent if path.parent.exists() else path.parent.parent
        with leftovers.being_made():
            try:
                self._folder = Path(tempfile.mkdtemp(prefix=".kseg-", dir=beside))
            except OSError as error:
                raise cannot_write(path, error) from error
            self._leftover = leftovers.add(self._remove)
        # Pillow lets go of the interpreter while it compresses.
        self._workers = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._workers, "stills")
        self._pending: deque[Future[None]] = deque()

    def write(self, frame: Frame) -> None:
        """Take the next picture.

        Raises
        ------
        SinkError
            If it is not what was announced, or it or one before it cannot be written.
        """
        check_frame(self._path, frame, self._info)
        if len(self._pending) > self._workers:
            self._await_oldest()
        if self._may_lose_alpha and frame.is_transparent:
            self._may_lose_alpha = False
            self.notes.append(f"{self._suffix} holds no transparency, which is left out")
        part = self._folder / f"{self._count}{self._suffix}"
        self._pending.append(self._pool.submit(write_frame, part, self._suffix, frame))
        self._count += 1

    def close(self) -> None:
        """Give the stills their names.

        Raises
        ------
        SinkError
            If there are none, or one cannot be written.
        """
        if not self._count:
            raise SinkError(f"{self._path} got no picture")
        while self._pending:
            self._await_oldest()
        self._pool.shutdown()
        try:
            self._publish()
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def abort(self) -> None:
        """Remove what has been written."""
        self._pool.shutdown(cancel_futures=True)
        self._remove()
        leftovers.forget(self._leftover)

    def _await_oldest(self) -> None:
        try:
            self._pending.popleft().result()
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def _remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)

    def _publish(self) -> None:
        older = numbered_files(self._path)
        if older and not self._overwrite:
            raise SinkError(f"{older[min(older)]} appeared meanwhile; choose another output")
        if not leftovers.forget(self._leftover):
            raise SinkError(f"{self._path} is not written: the program is ending")
        self._path.parent.mkdir(exist_ok=True)
        for number in range(self._count):
            target = self._path.with_name(self._path.name % number)
            (self._folder / f"{number}{self._suffix}").replace(target)
            older.pop(number, None)
        self._remove()
        if older:
            count = "1 file stays" if len(older) == 1 else f"{len(older)} files stay"
            self.notes.append(
                f"{count} as before, from {older[min(older)].name} on; "
                "remove what is of an earlier run"
            )
