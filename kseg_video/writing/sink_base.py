"""Common parts of sinks: the check of each frame, closing or aborting, and an encoding ffmpeg."""

from __future__ import annotations

import signal
import sys
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

import numpy as np

from kseg_video.core.errors import SinkError, grown_too_large
from kseg_video.core.frame import Frame
from kseg_video.ffmpeg.ffmpeg_arguments import file_argument
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.written_video_check import check_whole, stalled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.media_info import VideoInfo


def check_frame(path: Path, frame: object, info: VideoInfo) -> None:
    """Check that a frame has the size and layout that a sink was opened for.

    Parameters
    ----------
    path : Path
        The output, as the message names it.
    frame : Frame
        A bare array is refused, because it has neither layout nor time.
    info : VideoInfo
        Size and layout that the sink was opened for.

    Raises
    ------
    SinkError
        If it is no `Frame`, or its size or layout differs.
    """
    if not isinstance(frame, Frame):
        raise SinkError(
            f"a sink takes a Frame, not a {type(frame).__name__}; "
            "wrap an array, as Frame(array, index=0, time=0.0)"
        )
    if (frame.layout, frame.width, frame.height) != (info.layout, info.width, info.height):
        raise SinkError(
            f"{path} was opened for pictures of {info.width}x{info.height} ({info.layout}) and is "
            f"given one of {frame.width}x{frame.height} ({frame.layout}); open it for what is "
            "written, or bring the picture to that"
        )


class AbortingContext(ABC):
    """Context manager of a sink, which is closed on success and aborted on an error."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output and publish it."""

    @abstractmethod
    def abort(self) -> None:
        """Remove everything written so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException:
            self.abort()
            raise


class FileSink(AbortingContext):
    """A sink of a single file."""

    _part: PartialFile

    @property
    def bytes_written(self) -> int:
        """Bytes of the file so far."""
        return self._part.bytes_written


class FfmpegSink(FileSink):
    """A file encoded by an ffmpeg process.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self.notes: list[str] = []
        self._count = 0
        self._process: FfmpegProcess | None = None
        self._part = PartialFile(path, overwrite=overwrite)

    @abstractmethod
    def write(self, frame: Frame) -> None:
        """Write the next picture."""

    def close(self) -> None:
        """Finish the file and publish it.

        Raises
        ------
        SinkError
            If the encoder failed or got no picture.
        """
        if not self._count:
            raise SinkError(f"{self._path} got no picture")
        if status := self._end_of_encoder():
            raise self._failure(status)
        self._finish()
        self._part.publish()

    def abort(self) -> None:
        """Stop the encoder and remove the partial file."""
        if self._process is not None:
            self._process.stop()
        self._part.discard()

    def _finish(self) -> None:
        """Hook for the encoded file, called before it is published."""

    def _start(self, arguments: Sequence[str], muxer: str) -> None:
        output = ("-f", muxer, "-y", file_argument(self._part.path))
        try:
            self._process = FfmpegProcess([*arguments, *output], feeds=True)
        except BaseException:  # the sink is not constructed yet, so nobody else would discard it
            self._part.discard()
            raise

    def _feed(self, *planes: NDArray[np.uint8]) -> None:
        """Feed the next picture's planes to the encoder."""
        try:
            for plane in planes:
                self._encoder.write(np.ascontiguousarray(plane).reshape(-1).data)
        except OSError:
            raise self._failure(self._end_of_encoder()) from None
        except StalledError as error:
            raise stalled(self._path, error) from error
        self._count += 1

    @property
    def _encoder(self) -> FfmpegProcess:
        assert self._process is not None
        return self._process

    def _check_whole(self, frame_rate: Fraction) -> None:
        """Check that the file holds all pictures for their full duration."""
        seconds = self._count / frame_rate
        check_whole(self._part.path, self._path, self._count, seconds, 1 / frame_rate)

    def _end_of_encoder(self) -> int:
        """Wait for the encoder to finish the file; its exit status."""
        try:
            return self._encoder.wait()
        except StalledError as error:
            raise stalled(self._path, error) from error
        except MishapError as error:
            if sys.platform != "win32" and error.status == -signal.SIGXFSZ:
                raise grown_too_large(self._path) from error
            raise SinkError(f"{self._path} cannot be written: the encoder {error.fate}") from error

    def _failure(self, status: int) -> SinkError:
        self._part.check_place()
        reasons = self._encoder.messages
        if any(line.endswith(": No space left on device") for line in reasons):
            return SinkError(f"{self._path} cannot be written: the disk is full; make room")
        return SinkError(
            f"{self._path} cannot be written ({reasons[0] if reasons else f'status {status}'}); "
            "check the disk, or choose another format"
        )


def raw_video(pixel_format: str, width: int, height: int, frame_rate: object) -> list[str]:
    """Ffmpeg's input options for raw pictures from the pipe."""
    size = f"{width}x{height}"
    return [
        *("-f", "rawvideo", "-pixel_format", pixel_format, "-video_size", size),
        *("-framerate", str(frame_rate)),
    ]
