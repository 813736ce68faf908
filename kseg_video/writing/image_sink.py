"""A single picture in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.reading.image_files import OPAQUE_STILL_SUFFIXES, write_frame
from kseg_video.writing.atomic_file import AbortingContext, PartialFile
from kseg_video.writing.sink_base import check_frame

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import Frame, VideoInfo


class StillSink(AbortingContext):
    """A single picture in a file.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Of the picture.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be made.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        self._path = path
        self._info = info
        self._part = PartialFile(path, overwrite=overwrite)
        self._written = False
        self.notes: list[str] = []

    def write(self, frame: Frame) -> None:
        """Take the one picture.

        Raises
        ------
        SinkError
            If it is the second, not what was announced, or cannot be written.
        """
        check_frame(self._path, frame, self._info)
        suffix = self._path.suffix.lower()
        if self._written:
            raise SinkError(
                f"{self._path} holds one picture and there are more; "
                "number them (frame-%05d.png), choose a video format or limit the frames to 1"
            )
        if frame.is_transparent and suffix in OPAQUE_STILL_SUFFIXES:
            self.notes.append(f"{suffix} holds no transparency, which is left out")
        try:
            write_frame(self._part.path, suffix, frame)
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._written = True

    def close(self) -> None:
        """Give the file its name.

        Raises
        ------
        SinkError
            If no picture was written.
        """
        if not self._written:
            raise SinkError(f"{self._path} got no picture")
        self._part.publish()

    def abort(self) -> None:
        """Remove what has been written."""
        self._part.discard()
