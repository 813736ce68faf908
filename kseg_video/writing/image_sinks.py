"""Image sinks: a single image, or numbered images such as ``frame-%05d.png``."""

from __future__ import annotations

import contextlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.core.settings import usable_cores
from kseg_video.reading.image_files import (
    OPAQUE_IMAGE_SUFFIXES,
    holds_exif,
    numbered_files,
    write_frame,
)
from kseg_video.writing.atomic_file import PartialFile, publish_all
from kseg_video.writing.sink_base import AbortingContext, FileSink, check_frame
from kseg_video.writing.temporary_files import TemporaryEntry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kseg_video.core.frame import Frame
    from kseg_video.core.media_info import VideoInfo

_EXIF_IS_LOST = "{} cannot hold the EXIF data, which is left out"


class ImageSink(FileSink):
    """A single image file.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Size and layout of the picture.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        self._path = path
        self._info = info
        self._part = PartialFile(path, overwrite=overwrite)
        self._written = False
        self.notes: list[str] = []

    def write(self, frame: Frame) -> None:
        """Write the picture.

        Raises
        ------
        SinkError
            If it is a second one, differs from `info`, or cannot be written.
        """
        check_frame(self._path, frame, self._info)
        suffix = self._path.suffix.lower()
        if self._written:
            raise SinkError(
                f"{self._path} holds one picture and there are more; "
                "number them (frame-%05d.png), choose a video format or limit the frames to 1"
            )
        if frame.is_transparent and suffix in OPAQUE_IMAGE_SUFFIXES:
            self.notes.append(f"{suffix} holds no transparency, which is left out")
        if _loses_exif(suffix, frame):
            self.notes.append(_EXIF_IS_LOST.format(suffix))
        try:
            write_frame(self._part.path, suffix, frame)
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._written = True

    def close(self) -> None:
        """Publish the file.

        Raises
        ------
        SinkError
            If no picture was written.
        """
        if not self._written:
            raise SinkError(f"{self._path} got no picture")
        self._part.publish()

    def abort(self) -> None:
        """Remove the partial file."""
        self._part.discard()


class ImageSequenceSink(AbortingContext):
    """Images numbered from 0, published together once all are written.

    Parameters
    ----------
    path : Path
        Name with a placeholder such as ``%05d`` for the number. A missing folder is created.
    info : VideoInfo
        Size and layout of the pictures.
    overwrite : bool
        Whether existing files may be replaced; files of other numbers stay.

    Raises
    ------
    SinkError
        If the files cannot be created.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        self._path = path
        self._info = info
        self._overwrite = overwrite
        self._suffix = path.suffix.lower()
        self._count = 0
        self.bytes_written = 0
        self._may_lose_alpha = self._suffix in OPAQUE_IMAGE_SUFFIXES
        self._may_lose_exif = True
        self.notes: list[str] = []
        beside = path.parent if path.parent.exists() else path.parent.parent
        self._entry = TemporaryEntry(path, beside, 0o700, is_folder=True)
        # Pillow releases the GIL while it compresses, so threads suffice.
        self._workers = usable_cores()
        self._pool = ThreadPoolExecutor(self._workers, "images")
        self._pending: deque[tuple[Path, Future[None]]] = deque()

    def write(self, frame: Frame) -> None:
        """Queue the next picture for writing.

        Raises
        ------
        SinkError
            If the picture differs from `info`, or it or an earlier one cannot be written.
        """
        check_frame(self._path, frame, self._info)
        if len(self._pending) > self._workers:
            self._await_oldest()
        if self._may_lose_alpha and frame.is_transparent:
            self._may_lose_alpha = False
            self.notes.append(f"{self._suffix} holds no transparency, which is left out")
        if self._may_lose_exif and _loses_exif(self._suffix, frame):
            self._may_lose_exif = False
            self.notes.append(_EXIF_IS_LOST.format(self._suffix))
        part = self._entry.path / f"{self._count}{self._suffix}"
        done = self._pool.submit(write_frame, part, self._suffix, frame)
        self._pending.append((part, done))
        self._count += 1

    def close(self) -> None:
        """Wait for all images to be written, and publish them.

        Raises
        ------
        SinkError
            If there are no images, or one cannot be written.
        """
        if not self._count:
            raise SinkError(f"{self._path} got no picture")
        while self._pending:
            self._await_oldest()
        self._pool.shutdown()
        self._publish()
        self._entry.discard()

    def abort(self) -> None:
        """Remove the partial files."""
        self._pool.shutdown(cancel_futures=True)
        self._entry.discard()

    def _await_oldest(self) -> None:
        part, done = self._pending.popleft()
        try:
            done.result()
            self.bytes_written += part.stat().st_size
        except OSError as error:
            self._entry.check_place()
            raise cannot_write(self._path, error) from error

    def _publish(self) -> None:
        older = numbered_files(self._path)
        if older and not self._overwrite:
            raise SinkError(f"{older[min(older)]} appeared meanwhile; choose another output")
        folder, written = self._entry.path, range(self._count)
        if not self._entry.keep():
            raise SinkError(f"{self._path} is not written: the program is ending")
        parts = (
            (folder / f"{number}{self._suffix}", self._path.with_name(self._path.name % number))
            for number in written
        )
        with _made(self._path.parent):
            publish_all(parts, folder, overwrite=self._overwrite)
        if left := sorted(older.keys() - set(written)):
            count = "1 file stays" if len(left) == 1 else f"{len(left)} files stay"
            self.notes.append(
                f"{count} as before, from {older[left[0]].name} on; "
                "remove what is of an earlier run"
            )


def _loses_exif(suffix: str, frame: Frame) -> bool:
    exif = None if frame.metadata is None else frame.metadata.exif
    return exif is not None and not holds_exif(suffix, exif)


@contextlib.contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Create a folder if it is missing, and remove it again on an error in the block."""
    try:
        folder.mkdir()
    except FileExistsError:
        yield
        return
    except OSError as error:
        raise cannot_write(folder, error) from error
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):  # it holds files of another program
            folder.rmdir()
        raise
