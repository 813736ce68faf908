"""What live frames are read from: a camera, a network stream, a file.

Streams and files are decoded by an ffmpeg of their own, whose end of the pipe can be closed at any
moment: nothing that stalls in it can hold us. It writes YUV4MPEG2, which says its size and rate
itself, so that a stream is opened once and never probed.
"""

from __future__ import annotations

import contextlib
import re
import time
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.core.yuv import ColorEncoding
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, claims_too_much, too_large
from kseg_video.ffmpeg.ffmpeg_arguments import file_input, stream_input
from kseg_video.ffmpeg.probe import probe
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError
from kseg_video.live.camera_capture import CameraCapture
from kseg_video.reading.looping import LoopingDecoder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.media_settings import CaptureSettings

# ffmpeg knows others, which open files or several things at once.
_URL = re.compile(r"^(https?|rtsps?|rtmps?|udp|tcp|rtp|srt|mmst|mmsh)://", re.IGNORECASE)
# Look at little of a stream before the first frame, and hold none back.
_AT_ONCE = (
    *("-probesize", "500000", "-analyzeduration", "500000"),
    *("-fflags", "nobuffer", "-flags", "low_delay"),
)
# A packet that UDP loses smears the picture until the next key frame.
_BY_TCP = ("-rtsp_flags", "prefer_tcp")
_AS_THEY_COME = ("-fps_mode", "passthrough")
# A file of a variable rate is played in its own time too, with frames shown again or left out.
_CONSTANT_RATE = ("-fps_mode", "cfr", "-fpsmax", "60")
_FRAME_MARK = b"FRAME"
_MOST_PARAMETERS = 512  # bytes of a line that says what follows
# What ffmpeg makes of every stream, and tells nobody about in YUV4MPEG2.
_ENCODING = ColorEncoding("bt709", full_range=False)
_SMALLEST = 2  # pixels a side
# Pixels that are not square are made so; 4:2:0 wants even sizes.
_TO_PLANES = (
    "scale=w='if(gt(sar,0)*not(eq(sar,1))*lte(iw*sar*ih,"
    f"{MAX_PIXELS}),trunc(iw*sar/2)*2,iw)':h=ih,"
    "crop=trunc(iw/2)*2:trunc(ih/2)*2,"
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+bilinear,format=yuv420p"
)


class Capture(Protocol):
    """An open camera, stream or file. Used by one thread; `close` may come from another."""

    @property
    def description(self) -> str:
        """What was granted, for the user."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames a second as granted or stored; 0 where nothing is known."""
        ...

    def read(self) -> Frame | None:
        """The next frame, or None when there are no more.

        Raises
        ------
        SourceError
            If it cannot be read.
        """
        ...

    def close(self) -> None:
        """Release everything."""
        ...


def is_camera(source: str) -> bool:
    """Whether a source's name means a camera: a number, or a device, be it unplugged or not."""
    if source.isdecimal():
        return True
    path = Path(source)
    return path.is_char_device() or (source.startswith("/dev/") and not path.exists())


def is_stream(source: str) -> bool:
    """Whether a source's name is a URL."""
    return _URL.match(source) is not None


def open_capture(source: str, settings: CaptureSettings) -> Capture:
    """Open a camera by number or device, a stream by URL, or a file.

    Raises
    ------
    SourceError
        If it cannot be opened.
    """
    if is_camera(source):
        return CameraCapture(source, settings)
    if is_stream(source):
        by = _BY_TCP if source.lower().startswith("rtsp://") else ()
        return FfmpegCapture(source, [*_AT_ONCE, *by, *stream_input(source)])
    path = Path(source)
    return FfmpegCapture(path.name, file_input(path), path, loops=settings.loop)


class FfmpegCapture:
    """A stream or a file, decoded by an ffmpeg of its own.

    Parameters
    ----------
    name : str
        For the user.
    arguments : list of str
        That make it ffmpeg's input.
    file : Path, optional
        What is played, at a constant rate. Without it frames come when they come, and what is
        announced counts for nothing: motion JPEG always says 25 a second.
    loops : bool
        Whether it starts again at its end.
    """

    def __init__(
        self, name: str, arguments: list[str], file: Path | None = None, *, loops: bool = False
    ) -> None:
        self._name = name
        self._file = file
        self._count = 0
        command = [
            *("-nostdin", *arguments, "-map", "0:V:0", "-vf", _TO_PLANES),
            *(_AS_THEY_COME if file is None else _CONSTANT_RATE),
            *("-strict", "-1", "-f", "yuv4mpegpipe", "-"),
        ]
        self._decoder = LoopingDecoder(lambda: FfmpegProcess(command, feeds=False), endless=loops)
        self._shape: tuple[int, int] | None = None
        self._is_closed = False
        self._opened = time.monotonic()
        self.frame_rate = 0.0

    @property
    def description(self) -> str:
        """Name and, from the first frame on, size and rate."""
        if self._shape is None:
            return self._name
        rate = f" {self.frame_rate:.4g} fps" if self.frame_rate else ""
        return f"{self._name} {self._shape[1]}x{self._shape[0] * 2 // 3}{rate}"

    def read(self) -> Frame | None:
        """The next frame, or None at the end.

        Raises
        ------
        SourceError
            If not even the first one comes, or the end is not that of the source.
        """
        if self._shape is None:
            self._shape = self._begin()
        while (pixels := self._picture()) is None:
            if not self._goes_on():
                return None
            self._shape = self._begin()
        self._decoder.count()
        seconds = (
            self._count / self.frame_rate if self.frame_rate else time.monotonic() - self._opened
        )
        frame = Frame(pixels, "i420", _ENCODING, self._count, seconds)
        self._count += 1
        return frame

    def close(self) -> None:
        """End the decoder, whatever it is doing."""
        self._is_closed = True
        with contextlib.suppress(OSError, ValueError):  # a read is under way in its thread
            self._decoder.close()

    def _picture(self) -> NDArray[np.uint8] | None:
        """The rest of a frame that comes now; None if none does."""
        if self._shape is None or not self._line().startswith(_FRAME_MARK):
            return None
        pixels = np.empty(self._shape, np.uint8)
        missing = pixels.reshape(-1).data
        while missing:
            got = self._decoder.process.pipe.readinto(missing)  # type: ignore[attr-defined]
            if not got:
                return None
            missing = missing[got:]
        return pixels

    def _goes_on(self) -> bool:
        """Whether all begins again, now that the decoder has come to an end: its own."""
        try:
            return self._decoder.again()
        except StalledError as error:
            raise SourceError(f"the decoder of {self._name} has stalled ({error})") from error
        except MishapError as error:
            raise SourceError(f"the decoder of {self._name} {error.fate}") from error

    def _begin(self) -> tuple[int, int]:
        """Read what comes before the first frame, and return the shape of the pixels."""
        header = self._line()
        fields = {field[:1]: field[1:] for field in header.decode("ascii", "replace").split()[1:]}
        if not header.startswith(b"YUV4MPEG2") or not {"W", "H"} <= fields.keys():
            if self._is_closed:  # by who does not want it any more, and asks nothing
                raise SourceError(f"{self._name} was closed")
            self._goes_on()
            self.close()
            raise self._failure()
        if self._file is not None:
            self.frame_rate = float(Fraction(fields["F"].replace(":", "/")))
        return int(fields["H"]) * 3 // 2, int(fields["W"])

    def _failure(self) -> SourceError:
        """Why there is no first frame."""
        if self._file is not None:
            video = probe(self._file)  # which says itself what is wrong with most files
            if min(video.width, video.height) < _SMALLEST:
                return SourceError(
                    f"{self._name} has pictures of {video.width}x{video.height}; live plays what "
                    f"is at least {_SMALLEST}x{_SMALLEST}"
                )
        messages = self._decoder.process.messages
        if claims_too_much(messages):
            return too_large(self._name)
        said = "; ".join(messages[-1:]) or "no picture came"
        said = said.removeprefix("Error opening input files: ")
        advice = "check the address" if self._file is None else "check that it plays"
        return SourceError(f"{self._name} cannot be opened ({said}); {advice}")

    def _line(self) -> bytes:
        """The next line that says what follows; empty at the end."""
        line = bytearray()
        while len(line) < _MOST_PARAMETERS:
            byte = self._decoder.process.pipe.read(1)
            if not byte or byte == b"\n":
                break
            line += byte
        return bytes(line)
