"""Where frames come from: video files, stills and sequences of stills."""

from __future__ import annotations

import itertools
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np

from kseg_video.core.errors import KsegError, SourceError, cannot_read
from kseg_video.core.frame import Frame, VideoInfo
from kseg_video.core.media_settings import DecoderSettings, TrimSettings
from kseg_video.core.setting_checks import PATH, take, take_settings
from kseg_video.ffmpeg.closing import ClosingContext
from kseg_video.ffmpeg.probe import probe
from kseg_video.ffmpeg.probe_report import has_reported
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError
from kseg_video.reading.decode_filters import (
    RATE_REPORT,
    Decoding,
    failures_told,
    read_picture,
    without_opacity,
)
from kseg_video.reading.image_files import is_sequence, is_still
from kseg_video.reading.image_source import StillsSource
from kseg_video.reading.look_ahead import LookAhead
from kseg_video.reading.shrinking import became_shorter, has_shrunk
from kseg_video.reading.trimming import WantedPart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kseg_video.core.tracks import Tracks

# What ffmpeg says of an input that stops before its own header's end.
_ENDED_EARLY = re.compile(r"partial file|ended prematurely|Packet corrupt", re.IGNORECASE)
_FRAMES_A_BYTE = 5  # that a picture which stands still may be shown for, at the very most
_AHEAD_SECONDS = 0.3  # that ffmpeg's report is waited for, with other things to be done

# Videos that have been opened before who wants them asks, or what came of trying.
_opened: dict[tuple[Path, TrimSettings, DecoderSettings], VideoFileSource | Exception] = {}


class FrameSource(Protocol):
    """Frames in order, read once. Use as a context manager: leaving it releases everything."""

    @property
    def info(self) -> VideoInfo:
        """What is known before the first frame."""
        ...

    @property
    def tracks(self) -> Tracks | None:
        """What goes with the frames: sound, subtitles, chapters and tags."""
        ...

    @property
    def notes(self) -> list[str]:
        """What the user should know of how it is read; complete after the last frame."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What went wrong without ending the reading; complete after the last frame."""
        ...

    def look_ahead(self) -> LookAhead | None:
        """What is seen of frames to come, once, if anything; it is closed with the source."""
        ...

    def close(self) -> None:
        """Release everything, at once even if a read is under way in another thread."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_source(
    path: str | Path,
    trim: TrimSettings | None = None,
    decoder: DecoderSettings | None = None,
) -> FrameSource:
    """Open a video file, a still, or a sequence of stills.

    Parameters
    ----------
    path : str or Path
        Anything that ffmpeg decodes, animated PNG and WebP included; JPEG, PNG, WebP, TIFF or BMP;
        or such stills of one size, taken at 25 frames a second: a folder of them, by name, or a
        pattern such as ``frame_%04d.png``, by number.
    trim : TrimSettings, optional
        The part that is wanted.
    decoder : DecoderSettings, optional

    Returns
    -------
    FrameSource

    Raises
    ------
    SettingsError
        If a parameter is something else.
    SourceError
        If it does not exist, is empty, cannot be read or holds no picture.
    """
    path = take("the source", path, PATH)
    trim = take_settings("trim", trim, TrimSettings)
    decoder = take_settings("decoder", decoder, DecoderSettings)
    opened = _opened.pop((path, trim, decoder), None)
    if isinstance(opened, VideoFileSource):
        return opened
    if opened is not None:
        raise opened
    try:
        if path.is_dir() or is_sequence(path):
            return StillsSource(path, trim)
        if not path.exists():
            raise SourceError(f"{path} does not exist; check the name")
        if not path.is_file():
            raise SourceError(f"{path} is not a file; give a video, an image or a folder of images")
        if not path.stat().st_size:
            raise SourceError(f"{path} is empty; give a video, an image or a folder of images")
        with path.open("rb"):
            pass
    except OSError as error:
        why = f"cannot be read ({error.strerror}); check its rights"
        raise cannot_read(path, error, why) from error
    if is_still(path):
        return StillsSource(path, trim)
    return VideoFileSource(path, trim, decoder)


@contextmanager
def opened_ahead(
    path: Path, trim: TrimSettings, decoder: DecoderSettings, *, looks_ahead: bool = False
) -> Iterator[None]:
    """Have a video's decoder at work while the block goes on.

    Who opens the same in there is given the source, or told why it cannot be opened.

    Parameters
    ----------
    path : Path
        A file whose report has been asked for ahead. If it is no video, or one that takes its time,
        nothing is opened.
    trim : TrimSettings
    decoder : DecoderSettings
    looks_ahead : bool
        Whether `VideoFileSource.look_ahead` will be asked for.
    """
    asked = path, trim, decoder
    try:
        if has_reported(path, _AHEAD_SECONDS) and not is_still(path):
            source = open_source(*asked)
            if isinstance(source, VideoFileSource):
                _opened[asked] = source
                source.begin()
                if looks_ahead:
                    source.begin_look_ahead()
    except MishapError:  # who needs the report, as for a still nobody does, is told
        _close_opened(asked)
    except (KsegError, OSError) as error:
        _close_opened(asked)
        _opened[asked] = error
    try:
        yield
    finally:
        _close_opened(asked)


def _close_opened(asked: tuple[Path, TrimSettings, DecoderSettings]) -> None:
    if isinstance(opened := _opened.pop(asked, None), VideoFileSource):
        opened.close()


class VideoFileSource(ClosingContext):
    """Frames of a video file, decoded by ffmpeg in a process of its own.

    Parameters
    ----------
    path : Path
    trim : TrimSettings
    decoder : DecoderSettings

    Raises
    ------
    SourceError
        If it holds no video that can be decoded.
    """

    def __init__(self, path: Path, trim: TrimSettings, decoder: DecoderSettings) -> None:
        self._path = path
        self._video = video = probe(path)
        self._decoding = decoding = Decoding(video, decoder)
        self._part = WantedPart.on_grid(video, trim)
        self._variable_rate = video.variable_rate
        self.warnings: list[str] = []
        self.info = VideoInfo(
            width=video.width,
            height=video.height,
            frame_rate=video.frame_rate,
            layout=decoding.layout,
            encoding=decoding.encoding,
            frame_count=self._part.expected_count,
            sample_aspect_ratio=video.sample_aspect_ratio,
            has_alpha=decoding.has_alpha,
        )
        self.tracks = self._part.tracks(path, video)
        self._process: FfmpegProcess | None = None
        self._begun: FfmpegProcess | None = None
        self._look_ahead: LookAhead | None = None
        self._bytes = path.stat().st_size
        self._check_claim(self._part.expected_count or 0)

    @property
    def notes(self) -> list[str]:
        """What the user should know of how it is read; complete after the last frame."""
        return self._decoding.notes(variable_rate=self._variable_rate)

    def close(self) -> None:
        """End the decoders, whatever they are doing."""
        if self._process is not None:
            self._process.stop()
        if self._look_ahead is not None:
            self._look_ahead.close()

    def begin(self) -> None:
        """Have the decoder work ahead, as far as its pipe holds what it makes.

        Raises
        ------
        KsegError
            If there is no ffmpeg, or the program is ending.
        """
        self._process = self._begun = self._decoder()

    def begin_look_ahead(self) -> None:
        """Have what `look_ahead` gives at work, as `begin` has the decoder.

        Raises
        ------
        KsegError
            If there is no ffmpeg, or the program is ending.
        """
        if not self._video.animation:  # which is decoded whole, however little is wanted of it
            self._look_ahead = LookAhead(self._path, self._part, self._decoding)

    def look_ahead(self) -> LookAhead | None:
        """What is seen of frames to come, once; it is closed with the source.

        None for an animated WebP or PNG.

        Raises
        ------
        KsegError
            If there is no ffmpeg, or the program is ending.
        """
        if self._look_ahead is None:
            self.begin_look_ahead()
        return self._look_ahead

    def __iter__(self) -> Iterator[Frame]:
        process, self._begun = self._begun or self._decoder(), None
        self._process = process
        count, info = 0, self.info
        odd_width = info.width % 2 == 1
        try:
            with failures_told(self._path):
                for pixels in self._without_padding(process):
                    time = self._part.first_time + count / float(info.frame_rate)
                    colors, alpha = pixels, None
                    if info.has_alpha:
                        size = info.width, info.height
                        colors, alpha = without_opacity(pixels, info.layout, *size)
                    yield Frame(colors, info.layout, info.encoding, count, time, alpha, odd_width)
                    count += 1
                status = process.wait()
        finally:
            process.stop()
        self._check_end(status, process.messages, count)

    def _decoder(self) -> FfmpegProcess:
        arguments = self._decoding.input_arguments(self._path, self._part)
        arguments += self._decoding.arguments(self._part)
        return FfmpegProcess(arguments, feeds=False, notices=RATE_REPORT)

    def _pictures(self, process: FfmpegProcess) -> Iterator[np.ndarray]:
        info = self.info
        for number in itertools.count():
            pixels = read_picture(
                process, info.layout, info.width, info.height, alpha=info.has_alpha
            )
            if pixels is None:
                return
            self._check_claim(number)
            yield pixels

    def _without_padding(self, process: FfmpegProcess) -> Iterator[np.ndarray]:
        """Pictures without the repeats that ffmpeg adds after the end of a variable-rate file.

        Its last frame lasts as long as the one decoded before it, which may be well past the end.
        """
        expected = self._part.expected_count
        last, held = np.empty(0, np.uint8), 0
        for number, pixels in enumerate(self._pictures(process)):
            if expected is not None and number >= expected and np.array_equal(pixels, last):
                held += 1
                continue
            yield from itertools.repeat(last, held)
            last, held = pixels, 0
            yield pixels
        process.wait()
        self._variable_rate |= self._was_uneven(process)
        repeated = sum(int(report["repeated"]) for report in process.noticed)
        yield from itertools.repeat(last, max(held - repeated * self._variable_rate, 0))

    def _was_uneven(self, process: FfmpegProcess) -> bool:
        """Whether frames had to be repeated or left out: some containers claim a constant rate."""
        if _ended_early(process.messages):  # and lacks what others were to be shown after
            return False
        counts = [report["repeated"] for report in process.noticed]
        if self._part.is_whole:  # otherwise what lies before and after the part is left out, too
            counts += [report["dropped"] for report in process.noticed]
        return any(map(int, counts))

    def _check_claim(self, frames: int) -> None:
        """Refuse to fill hours that a damaged file of some kilobytes claims with repeats."""
        if self._part.count is None and frames > self._bytes * _FRAMES_A_BYTE:
            raise SourceError(
                f"{self._path} claims to last {frames / float(self.info.frame_rate):.0f} s, with "
                f"{self._bytes} bytes in it; if that is right, say how much is wanted with --end"
            )

    def _check_end(self, status: int, messages: list[str], count: int) -> None:
        if not count:
            if not self._path.exists():
                raise SourceError(f"{self._path} is gone; put it back and try again")
            if has_shrunk(self._path, self._bytes):
                raise became_shorter(self._path)
            if self._part.start or self._part.count is not None:
                lasts = self._video.duration
                end = "it ends before" if lasts is None else f"it lasts {lasts:g} s"
                raise SourceError(f"{self._path} has no frame in the chosen part; {end}")
            raise SourceError(
                f"{self._path} holds no frame that can be decoded; check that it plays"
            )
        if _ended_early(messages):
            self.warnings.append(
                f"{self._path} ended early; all {count} frames that could be decoded were used"
            )
        elif messages or status:
            why = messages[0] if messages else f"exit status {status}"
            self.warnings.append(f"{self._path} is damaged, some frames may be wrong ({why})")


def _ended_early(messages: list[str]) -> bool:
    return any(_ENDED_EARLY.search(line) for line in messages)
