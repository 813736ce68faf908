"""Where frames come from: video files, stills and folders of stills."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from kseg_video.color import ColorEncoding
from kseg_video.errors import SourceError
from kseg_video.ffmpeg import FfmpegProcess, file_input
from kseg_video.frame import AudioTrack, Frame, VideoInfo
from kseg_video.probe import ProbedVideo, probe
from kseg_video.settings import TrimSettings
from kseg_video.stalls import StalledError
from kseg_video.stills import STILL_SUFFIXES, read_still

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kseg_video.frame import PixelLayout

FOLDER_FRAME_RATE = Fraction(25)

# What ffmpeg says of an input that stops before its own header's end.
_ENDED_EARLY = re.compile(r"partial file|ended prematurely|Packet corrupt", re.IGNORECASE)
_GRID_TOLERANCE = 1e-6


class FrameSource(Protocol):
    """Frames in order, read once. Use as a context manager: leaving it releases everything."""

    @property
    def info(self) -> VideoInfo:
        """What is known before the first frame."""
        ...

    @property
    def audio(self) -> AudioTrack | None:
        """The sound, if there is any."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What went wrong without ending the reading; complete after the last frame."""
        ...

    def close(self) -> None:
        """Release everything, at once even if a read is under way in another thread."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_source(path: str | Path, trim: TrimSettings | None = None) -> FrameSource:
    """Open a video file, a still, or a folder of stills.

    Parameters
    ----------
    path : str or Path
        Anything that ffmpeg decodes; JPEG, PNG, WebP, TIFF or BMP; or a folder of such stills of
        one size, taken by name at 25 frames a second.
    trim : TrimSettings, optional
        The part that is wanted.

    Returns
    -------
    FrameSource

    Raises
    ------
    SourceError
        If it does not exist, is empty, cannot be read or holds no picture.
    """
    path, trim = Path(path), trim or TrimSettings()
    try:
        if path.is_dir():
            return _StillsSource(path, _stills_in(path), trim, FOLDER_FRAME_RATE)
        if not path.exists():
            raise SourceError(f"{path} does not exist; check the name")
        if not path.is_file():
            raise SourceError(f"{path} is not a file; give a video, an image or a folder of images")
        if not path.stat().st_size:
            raise SourceError(f"{path} is empty; give a video, an image or a folder of images")
        with path.open("rb"):
            pass
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check its rights") from error
    if path.suffix.lower() in STILL_SUFFIXES:
        return _StillsSource(path, [path], trim, None)
    return VideoFileSource(path, trim)


class _ClosingContext:
    """Context manager of a source: closed when it is left."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class VideoFileSource(_ClosingContext):
    """Frames of a video file, decoded by ffmpeg in a process of its own.

    Parameters
    ----------
    path : Path
    trim : TrimSettings

    Raises
    ------
    SourceError
        If it holds no video that can be decoded.
    """

    def __init__(self, path: Path, trim: TrimSettings) -> None:
        self._path = path
        self._video = video = probe(path)
        self._cut = _Cut.on_grid(video, trim)
        self.warnings: list[str] = []
        notes = []
        if video.variable_rate:
            notes.append(f"variable frame rate made constant at {float(video.frame_rate):g} fps")
        self.info = VideoInfo(
            width=video.width,
            height=video.height,
            frame_rate=video.frame_rate,
            layout=self._layout(),
            encoding=video.encoding,
            frame_count=self._cut.expected_count,
            sample_aspect_ratio=video.sample_aspect_ratio,
            has_audio=bool(video.audio_codecs),
            notes=tuple(notes),
        )
        self.audio = self._cut.audio(path, video) if video.audio_codecs else None
        self._process: FfmpegProcess | None = None

    def close(self) -> None:
        """End the decoder, whatever it is doing."""
        if self._process is not None:
            self._process.stop()

    def __iter__(self) -> Iterator[Frame]:
        self._process = FfmpegProcess(self._arguments(), feeds=False)
        count = 0
        try:
            for pixels in self._without_padding(self._pictures(self._process)):
                time = self._cut.first_time + count / float(self.info.frame_rate)
                yield Frame(pixels, self.info.layout, self.info.encoding, count, time)
                count += 1
            status = self._process.wait()
        except StalledError as error:
            raise SourceError(
                f"the decoder of {self._path} has stalled ({error}); check the disk or the "
                "network that the file lies on"
            ) from error
        self._check_end(status, self._process.messages, count)

    def _layout(self) -> PixelLayout:
        even = self._video.width % 2 == 0 and self._video.height % 2 == 0
        return "i420" if self._video.planar and even else "bgr24"

    def _arguments(self) -> list[str]:
        arguments = ["-nostdin"]
        if self._cut.seek:
            arguments += ["-ss", f"{self._cut.seek:.6f}"]
        arguments += [*file_input(self._path), "-map", "0:V:0", "-fps_mode"]
        if self._video.variable_rate:
            arguments += ["cfr", "-r", str(self._video.frame_rate)]
        else:
            arguments += ["passthrough"]
        if self._cut.count is not None:
            arguments += ["-frames:v", str(self._cut.count)]
        if self.info.layout == "i420":
            arguments += ["-pix_fmt", "yuv420p"]
            if self._video.encoding.full_range:  # yuvj420p must not be squeezed into limited range
                arguments += ["-vf", "scale=in_range=pc:out_range=pc"]
        else:
            arguments += ["-vf", self._conversion_to_rgb(), "-pix_fmt", "bgr24"]
        return [*arguments, "-f", "rawvideo", "-"]

    def _conversion_to_rgb(self) -> str:
        accurately = "flags=accurate_rnd+full_chroma_int+full_chroma_inp"
        if self._video.rgb:
            return f"scale={accurately}"
        encoding = self._video.encoding
        levels = "pc" if encoding.full_range else "tv"
        return f"scale=in_color_matrix={encoding.matrix}:in_range={levels}:{accurately}"

    def _pictures(self, process: FfmpegProcess) -> Iterator[np.ndarray]:
        width, height = self.info.width, self.info.height
        shape = (height * 3 // 2, width) if self.info.layout == "i420" else (height, width, 3)
        while True:
            pixels = np.empty(shape, np.uint8)
            if not process.read_into(pixels.reshape(-1).data):
                return
            yield pixels

    def _without_padding(self, pictures: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
        """Drop the repeats that ffmpeg adds after the end of a variable-rate file.

        Its last frame lasts as long as the one decoded before it, which may be well past the end.
        """
        expected = self._cut.expected_count
        if not self._video.variable_rate or expected is None:
            yield from pictures
            return
        last, held = None, 0
        for number, pixels in enumerate(pictures):
            if number >= expected and last is not None and np.array_equal(pixels, last):
                held += 1
                continue
            while held and last is not None:
                yield last
                held -= 1
            last = pixels
            yield pixels

    def _check_end(self, status: int, messages: list[str], count: int) -> None:
        if status < 0:
            raise SourceError(
                f"the decoder of {self._path} was killed (signal {-status}); try again"
            )
        if not count:
            if not self._path.exists():
                raise SourceError(f"{self._path} is gone; put it back and try again")
            if self._cut.seek or self._cut.count is not None:
                raise SourceError(
                    f"{self._path} has no frame in the chosen part; it lasts "
                    f"{self._video.duration or 0:g} s"
                )
            raise SourceError(f"{self._path} holds no frame that can be decoded")
        if any(_ENDED_EARLY.search(line) for line in messages):
            self.warnings.append(
                f"{self._path} ended early; all {count} frames that could be decoded were used"
            )
        elif messages or status:
            why = messages[0] if messages else f"exit status {status}"
            self.warnings.append(f"{self._path} is damaged, some frames may be wrong ({why})")


@dataclass(frozen=True, slots=True)
class _Cut:
    """The wanted part of a video on the grid of its frames."""

    first_time: float
    seek: (
        float  # where the decoder starts: half a frame early, so that rounded stamps do not matter
    )
    count: int | None
    expected_count: int | None

    @classmethod
    def on_grid(cls, video: ProbedVideo, trim: TrimSettings) -> _Cut:
        rate = float(video.frame_rate)
        skipped = max(math.ceil((trim.start - video.first_time) * rate - _GRID_TOLERANCE), 0)
        first = video.first_time + skipped / rate
        count = trim.max_frames
        if trim.end is not None:
            until_end = max(math.ceil((trim.end - first) * rate - _GRID_TOLERANCE), 1)
            count = min(until_end, count or until_end)
        expected = count
        if video.duration is not None:
            left = max(round((video.duration - first) * rate), 1)
            expected = min(left, count or left)
        return cls(first, max(first - 0.5 / rate, 0.0) if skipped else 0.0, count, expected)

    def audio(self, path: Path, video: ProbedVideo) -> AudioTrack:
        duration = None if self.count is None else self.count / float(video.frame_rate)
        if self.seek:
            return AudioTrack(path, video.audio_codecs, self.first_time, duration)
        if duration is not None:
            duration += self.first_time
        return AudioTrack(path, video.audio_codecs, 0.0, duration, self.first_time)


class _StillsSource(_ClosingContext):
    """One still, or the stills of a folder as a video."""

    audio: AudioTrack | None = None

    def __init__(
        self, path: Path, stills: list[Path], trim: TrimSettings, rate: Fraction | None
    ) -> None:
        self.warnings: list[str] = []
        self._path = path
        grid = rate or Fraction(1)
        self._skipped = math.ceil(trim.start * grid - _GRID_TOLERANCE)
        stop = len(stills) if trim.end is None else math.ceil(trim.end * grid - _GRID_TOLERANCE)
        self._stills = stills[self._skipped : stop][: trim.max_frames]
        if not self._stills:
            raise SourceError(
                f"{path} has no frame in the chosen part; it has {len(stills)} frames"
            )
        self._first = read_still(self._stills[0])
        height, width = self._first[0].shape[:2]
        self.info = VideoInfo(
            width=width,
            height=height,
            frame_rate=grid,
            encoding=ColorEncoding.guess(width, height),
            frame_count=len(self._stills),
            still=rate is None,
        )

    def close(self) -> None:
        """Nothing is held open."""

    def __iter__(self) -> Iterator[Frame]:
        size = (self.info.height, self.info.width)
        for index, path in enumerate(self._stills):
            pixels, alpha = self._first if index == 0 else read_still(path)
            if pixels.shape[:2] != size:
                raise SourceError(
                    f"{path} is {pixels.shape[1]}x{pixels.shape[0]} and the first image of its "
                    f"folder {size[1]}x{size[0]}; bring them to one size"
                )
            time = float((self._skipped + index) / self.info.frame_rate)
            yield Frame(pixels, "bgr24", self.info.encoding, index, time, alpha)


def _stills_in(folder: Path) -> list[Path]:
    stills = [path for path in folder.iterdir() if path.suffix.lower() in STILL_SUFFIXES]
    if not stills:
        known = ", ".join(sorted(STILL_SUFFIXES))
        raise SourceError(f"{folder} holds no images; known are {known}")
    return sorted(stills, key=_natural_order)


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort key that puts frame10 after frame9."""
    parts: list[str] = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
