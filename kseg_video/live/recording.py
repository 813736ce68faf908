"""Recordings of a live picture.

Raw pictures and their timestamps go to the encoder as uncompressed Matroska, of which ffmpeg needs
only a few elements.

References
----------
.. [1] RFC 8794, "Extensible Binary Meta Language".
.. [2] RFC 9559, "Matroska Media Container Format Specification".
"""

from __future__ import annotations

import threading
import time
from collections import deque
from datetime import datetime
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.core.errors import KsegError, SettingsError, SinkError, shortage
from kseg_video.core.media_settings import EncoderSettings
from kseg_video.ffmpeg.ffmpeg_arguments import file_argument
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError
from kseg_video.writing.output_paths import check_folder, check_name
from kseg_video.writing.video_encoders import software_encoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

RECORDING_SUFFIXES = (".mp4", ".mov", ".mkv")

# Limit of the queue to the encoder: 64 MB, but at least four pictures. More: longer stalls of the
# encoder cost no pictures; less: less memory.
_WAITING_BYTES, _WAITING_PICTURES = 1 << 26, 4
_LAST_PICTURE = 33  # duration of the last picture, in milliseconds
_AT_ONCE = ("-fpsprobesize", "0", "-analyzeduration", "0")
_TO_PLANES = (
    "crop=trunc(iw/2)*2:trunc(ih/2)*2,"
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p"
)
_TAGS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")
# A key frame each second limits what a kill can lose to that.
_ENCODING = (
    *software_encoder("h264", EncoderSettings()).options,
    *("-bf", "0"),
    *("-force_key_frames", "expr:gte(t,n_forced)"),
)

_PIXELS = b"BGR\x18"  # FourCC of raw video: 24 bits a pixel, blue first
_MILLISECOND = 1_000_000  # in nanoseconds, Matroska's unit
_USUAL_DURATION = 1_000_000_000 // 30  # nanoseconds; a hint from which x264 derives the H.264 level
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


class Recorder:
    """Records shown pictures in real time, at whatever rate they come.

    A thread starts the encoder and writes each picture with the time at which it was offered, so a
    minute of recording lasts a minute. If the encoder cannot keep up, pictures are dropped from the
    recording; the caller never waits. The file is playable however the recording ends.

    Parameters
    ----------
    path : Path
        New file, ``.mp4``, ``.mov`` or ``.mkv``; it must not exist yet.
    first : ndarray of uint8, shape (H, W, 3)
        First picture, BGR. It sets the size of the recording; later pictures are scaled to it.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.

    Attributes
    ----------
    dropped : int
        Pictures left out because the encoder was too slow.
    failure : str
        Why the file is incomplete, as a predicate to its name; empty while there is no failure.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(
        self,
        path: Path,
        first: NDArray[np.uint8],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.dropped = 0
        self.failure = ""
        self._clock = clock
        self._size = first.shape[1], first.shape[0]
        self._waiting: deque[tuple[int, NDArray[np.uint8]]] = deque()
        self._most_waiting = max(_WAITING_BYTES // first.nbytes, _WAITING_PICTURES)
        self._changed = threading.Condition()
        self._began = clock()
        self._ended: float | None = None
        try:
            with path.open("xb"):
                pass
        except OSError as error:
            raise SinkError(
                f"{path} cannot be recorded to ({error.strerror}); choose another name"
            ) from error
        self._newest = 0, first
        self.offer(first)
        self._thread = threading.Thread(target=self._run, name="recorder")
        self._thread.start()

    @property
    def seconds(self) -> float:
        """Recorded time, in seconds."""
        return (self._clock() if self._ended is None else self._ended) - self._began

    @property
    def finished(self) -> bool:
        """Whether writing is over: the file is complete, or has failed."""
        return not self._thread.is_alive()

    def offer(self, picture: NDArray[np.uint8]) -> None:
        """Queue the next picture without waiting; the caller must not change it afterwards."""
        with self._changed:
            if len(self._waiting) >= self._most_waiting:
                self.dropped += 1
                return
            self._newest = round(self.seconds * 1000), picture
            self._waiting.append(self._newest)
            self._changed.notify()

    def stop(self) -> None:
        """End the recording; does not wait until the file is finished (see `join`)."""
        with self._changed:
            self._ended = self._clock()
            last = round(self.seconds * 1000) - _LAST_PICTURE
            if last - self._newest[0] > _LAST_PICTURE:
                self._waiting.append((last, self._newest[1]))
            self._changed.notify()

    def join(self) -> None:
        """Wait until the file is finished."""
        self._thread.join()

    def _run(self) -> None:
        try:
            encoder = FfmpegProcess(_encoder_arguments(self.path), feeds=True)
        except (KsegError, OSError) as error:
            self.failure = f"could not be begun: {shortage(error) or error}"
            self.path.unlink(missing_ok=True)
            return
        try:
            took_all = self._write_all(encoder)
            if encoder.wait() or not took_all:
                self.failure = "could not be written on; the disk may be full"
        except StalledError as error:
            self.failure = f"could not be written on ({error}); check the disk"
        except MishapError as error:
            self.failure = f"could not be written on: the encoder {error.fate}"
        finally:
            encoder.stop()

    def _write_all(self, encoder: FfmpegProcess) -> bool:
        """Write queued pictures until the end; return whether the encoder took all of them."""
        try:
            encoder.write(memoryview(stream_header(*self._size)))
            while (offered := self._next()) is not None:
                milliseconds, picture = offered
                pixels = fitted(picture, *self._size).reshape(-1).data
                encoder.write(memoryview(picture_header(milliseconds, pixels.nbytes)))
                encoder.write(pixels)
        except OSError:  # the encoder has exited, as on a full disk
            return False
        return True

    def _next(self) -> tuple[int, NDArray[np.uint8]] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended is not None)
            return self._waiting.popleft() if self._waiting else None


def free_path(wanted: Path) -> Path:
    """Path of no existing file: the wanted one, else with -2, -3, ... appended to its stem."""
    number, path = 2, wanted
    while path.exists():
        path = wanted.with_stem(f"{wanted.stem}-{number}")
        number += 1
    return path


def dated_path(folder: Path, suffix: str) -> Path:
    """Free path in a folder, named by the current date and time."""
    return free_path(folder / f"kseg-{datetime.now().astimezone():%Y%m%d-%H%M%S}{suffix}")


def check_recording(path: Path) -> None:
    """Check the path of a recording.

    Raises
    ------
    SettingsError
        If its suffix is not in `RECORDING_SUFFIXES`, whose files stay playable after a kill.
    SinkError
        If the name is too long, or the folder is not writable.
    """
    if path.suffix.lower() not in RECORDING_SUFFIXES:
        raise SettingsError(
            f"{path} cannot be recorded to; name it {', '.join(RECORDING_SUFFIXES)}"
        )
    check_name(path)
    check_folder(path.parent)


def _encoder_arguments(path: Path) -> list[str]:
    return [
        *(*_AT_ONCE, "-f", "matroska", "-i", "pipe:0", "-vf", _TO_PLANES, *_TAGS),
        *("-fps_mode", "vfr", "-enc_time_base", "demux", *_ENCODING),
        *_container_options(path.suffix.lower()),
        *("-y", file_argument(path)),
    ]


def _container_options(suffix: str) -> list[str]:
    if suffix == ".mkv":
        return ["-f", "matroska", "-cluster_time_limit", "1000", "-flush_packets", "1"]
    return ["-f", suffix[1:], "-movflags", "hybrid_fragmented", "-flush_packets", "1"]


def fitted(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Scale a picture to fit a size, with black bars where its aspect ratio differs."""
    if (picture.shape[1], picture.shape[0]) == (width, height):
        return np.ascontiguousarray(picture)
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    inner = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas[top : top + size[1], left : left + size[0]] = inner
    return canvas


def stream_header(width: int, height: int) -> bytes:
    """Matroska header of the stream, which precedes the first picture."""
    picture = (
        _element("B0", _number(width))
        + _element("BA", _number(height))
        + _element("2EB524", _PIXELS)
    )
    track = (
        *(_element("D7", _number(1)), _element("73C5", _number(1)), _element("83", _number(1))),
        *(_element("23E383", _number(_USUAL_DURATION)), _element("86", b"V_UNCOMPRESSED")),
        _element("E0", picture),
    )
    return b"".join(
        (
            _element("1A45DFA3", _element("4282", b"matroska")),
            bytes.fromhex("18538067") + _UNKNOWN_SIZE,
            _element("1549A966", _element("2AD7B1", _number(_MILLISECOND))),
            _element("1654AE6B", _element("AE", b"".join(track))),
        )
    )


def picture_header(milliseconds: int, size: int) -> bytes:
    """Matroska cluster header of a picture; its `size` bytes of pixels follow."""
    time = _element("E7", _number(milliseconds))
    block = b"\x81\x00\x00\x80"  # track 1, time offset 0 to its cluster, key frame
    start = bytes.fromhex("A3") + _size(len(block) + size) + block
    return bytes.fromhex("1F43B675") + _size(len(time) + len(start) + size) + time + start


def _element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + _size(len(content)) + content


def _size(size: int) -> bytes:
    return b"\x01" + size.to_bytes(7, "big")


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big")
