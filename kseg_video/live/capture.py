"""Capture of live frames from a camera, a network stream or a file.

An ffmpeg process decodes each stream or file, and can be ended at any moment. It writes YUV4MPEG2,
whose header states size and rate, so a stream is opened only once and never probed.
"""

from __future__ import annotations

import contextlib
import re
import time
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.core.shown_text import without_secrets
from kseg_video.core.yuv import ColorEncoding
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, claims_too_much, too_large
from kseg_video.ffmpeg.encrypted_files import check_is_not_encrypted
from kseg_video.ffmpeg.ffmpeg_arguments import file_input, stream_input
from kseg_video.ffmpeg.looping import LoopingDecoder
from kseg_video.ffmpeg.probe import probe
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError
from kseg_video.live.camera_capture import CameraCapture

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.media_settings import CaptureSettings

# Not all protocols of ffmpeg: others open local files or several sources at once.
_URL = re.compile(r"^(https?|rtsps?|rtmps?|udp|tcp|rtp|srt|mmst|mmsh)://", re.IGNORECASE)
# Low latency: no buffered frames, and a short probe; a shorter one may not recognise the codec.
_AT_ONCE = (
    *("-probesize", "500000", "-analyzeduration", "500000"),
    *("-fflags", "nobuffer", "-flags", "low_delay"),
)
# Prefer TCP: a packet lost by UDP corrupts frames until the next key frame.
_BY_TCP = ("-rtsp_flags", "prefer_tcp")
_AS_THEY_COME = ("-fps_mode", "passthrough")
# Constant rate: a file of variable rate keeps its timing by repeated and dropped frames.
_CONSTANT_RATE = ("-fps_mode", "cfr", "-fpsmax", "60")
_FRAME_MARK = b"FRAME"
_MOST_PARAMETERS = 512  # bytes of a header line
# The colour encoding that _TO_PLANES converts to; YUV4MPEG2 does not state it.
_ENCODING = ColorEncoding("bt709", full_range=False)
_SMALLEST = 2  # pixels a side
# Scale to square pixels, and crop to the even size that 4:2:0 requires.
_TO_PLANES = (
    "scale=w='if(gt(sar,0)*not(eq(sar,1))*lte(iw*sar*ih,"
    f"{MAX_PIXELS}),trunc(iw*sar/2)*2,iw)':h=ih,"
    "crop=trunc(iw/2)*2:trunc(ih/2)*2,"
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+bilinear,format=yuv420p"
)


class Capture(Protocol):
    """An open camera, stream or file, read by one thread; any thread may call `close`."""

    @property
    def description(self) -> str:
        """Name, granted size and frame rate, for the user."""
        ...

    @property
    def frame_rate(self) -> float:
        """Frames per second, as granted or stored; 0 if unknown."""
        ...

    @property
    def duration(self) -> float:
        """Seconds of a file, once they are known; 0 for a camera or a stream."""
        ...

    def read(self) -> Frame | None:
        """Read the next frame; None at the end.

        Raises
        ------
        SourceError
            If the source cannot be read.
        """
        ...

    def close(self) -> None:
        """Release the source."""
        ...


def is_camera(source: str) -> bool:
    """Whether a source names a camera: a number, or a device file, even of an unplugged one."""
    if source.isdecimal():
        return True
    path = Path(source)
    return path.is_char_device() or (source.startswith("/dev/") and not path.exists())


def is_stream(source: str) -> bool:
    """Whether a source is a URL."""
    return _URL.match(source) is not None


def open_capture(source: str, settings: CaptureSettings, start: float = 0.0) -> Capture:
    """Open a camera by number or device, a stream by URL, or a file.

    Parameters
    ----------
    source : str
    settings : CaptureSettings
    start : float
        Seconds of a file to skip at first.

    Raises
    ------
    SourceError
        If the source cannot be opened.
    """
    if is_camera(source):
        return CameraCapture(source, settings)
    if is_stream(source):
        by = _BY_TCP if source.lower().startswith("rtsp://") else ()
        return FfmpegCapture(without_secrets(source), [*_AT_ONCE, *by, *stream_input(source)])
    path = Path(source)
    check_is_not_encrypted(path)
    return FfmpegCapture(path.name, file_input(path), path, loops=settings.loop, start=start)


class FfmpegCapture:
    """A stream or a file, decoded by an ffmpeg process of its own; a `Capture`.

    Parameters
    ----------
    name : str
        Name of the source, for the user.
    arguments : list of str
        ffmpeg's input arguments.
    file : Path, optional
        File to play at a constant rate. None for a stream, whose frames get the time of their
        arrival: the rate that it announces is unreliable (motion JPEG always says 25).
    loops : bool
        Whether to start over at the end.
    start : float
        Seconds of the file to skip on the first pass.
    """

    def __init__(
        self,
        name: str,
        arguments: list[str],
        file: Path | None = None,
        *,
        loops: bool = False,
        start: float = 0.0,
    ) -> None:
        self._name = name
        self._file = file
        self._start = start  # time of the first frame of this pass
        self._skips: tuple[str, ...] = ("-ss", f"{start:.6f}") if start else ()
        self._count = self._passed = 0  # frames in all, and in this pass
        self._command = [
            *(*arguments, "-map", "0:V:0", "-vf", _TO_PLANES),
            *(_AS_THEY_COME if file is None else _CONSTANT_RATE),
            *("-strict", "-1", "-f", "yuv4mpegpipe", "-"),
        ]
        self._decoder = LoopingDecoder(self._start_decoder, endless=loops, skips=start > 0)
        self._shape: tuple[int, int] | None = None
        self._is_closed = False
        self._opened = time.monotonic()
        self.frame_rate = 0.0
        self.duration = _duration_of(file) if file is not None and start else 0.0

    @property
    def description(self) -> str:
        """Name and, once the first frame was read, size and frame rate."""
        if self._shape is None:
            return self._name
        rate = f" {self.frame_rate:.4g} fps" if self.frame_rate else ""
        return f"{self._name} {self._shape[1]}x{self._shape[0] * 2 // 3}{rate}"

    def read(self) -> Frame | None:
        """Read the next frame; None at the end.

        Raises
        ------
        SourceError
            If no first frame comes, or the decoder fails before the end of the source.
        """
        while (pixels := self._picture()) is None:
            if not self._begin_pass():
                return None
        self._decoder.count()
        if self._count == 1 and self._file is not None:  # earlier it would delay the first frame
            self.duration = _duration_of(self._file)
        frame = Frame(pixels, "i420", _ENCODING, self._count, self._time())
        self._count += 1
        self._passed += 1
        return frame

    def close(self) -> None:
        """End the decoder process, even during a read in another thread."""
        self._is_closed = True
        with contextlib.suppress(OSError, ValueError):  # its thread is reading from the pipe
            self._decoder.close()

    def _picture(self) -> NDArray[np.uint8] | None:
        """Read a frame's header line and pixels; None at the end."""
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

    def _start_decoder(self) -> FfmpegProcess:
        skips, self._skips = self._skips, ()  # on the first pass alone
        return FfmpegProcess(["-nostdin", *skips, *self._command], feeds=False)

    def _time(self) -> float:
        """Time of the next frame; at each turn of a loop it is a multiple of the duration."""
        if self._file is None:
            return time.monotonic() - self._opened
        return self._start + self._passed / (self.frame_rate or 1)

    def _begin_pass(self) -> bool:
        """Begin the first or the next pass over the source; return False if there is none."""
        header = b"" if self._count else self._line()
        if not header and (self._count or self._start):  # a pass is over, or skipped all there was
            if not self._goes_on():
                return False
            if self.duration:
                self._start = round(self._time() / self.duration) * self.duration
                self._passed = 0
            header = self._line()
        self._shape = self._shape_after(header)
        return True

    def _goes_on(self) -> bool:
        """Check that the decoder ended regularly, and return whether the loop starts over."""
        try:
            return self._decoder.again()
        except StalledError as error:
            raise SourceError(f"the decoder of {self._name} has stalled ({error})") from error
        except MishapError as error:
            raise SourceError(f"the decoder of {self._name} {error.fate}") from error

    def _shape_after(self, header: bytes) -> tuple[int, int]:
        """Shape of the I420 array that a stream header announces."""
        fields = {field[:1]: field[1:] for field in header.decode("ascii", "replace").split()[1:]}
        if not header.startswith(b"YUV4MPEG2") or not {"W", "H"} <= fields.keys():
            if self._is_closed:  # by another thread, which ignores this error
                raise SourceError(f"{self._name} was closed")
            self._goes_on()
            self.close()
            raise self._failure()
        if self._file is not None:
            self.frame_rate = float(Fraction(fields["F"].replace(":", "/")))
        return int(fields["H"]) * 3 // 2, int(fields["W"])

    def _failure(self) -> SourceError:
        """Make the error that says why there is no first frame."""
        if self._file is not None:
            video = probe(self._file)  # raises a specific error for most files
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
        """Read the next header line; empty at the end."""
        line = bytearray()
        while len(line) < _MOST_PARAMETERS:
            byte = self._decoder.process.pipe.read(1)
            if not byte or byte == b"\n":
                break
            line += byte
        return bytes(line)


@lru_cache(maxsize=1)
def _duration_of(file: Path) -> float:
    """Seconds of a file; 0 if it does not state them."""
    return probe(file).duration or 0.0
