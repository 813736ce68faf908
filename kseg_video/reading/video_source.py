"""Frames of a video file decoded by ffmpeg."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.core.media_info import VideoInfo
from kseg_video.ffmpeg.cleanup import ClosingContext
from kseg_video.ffmpeg.printed_lines import says
from kseg_video.ffmpeg.probe import probe
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.reading.decode_filters import RATE_REPORT, Decoding
from kseg_video.reading.frame_times import with_rate_of_frames
from kseg_video.reading.input_file_checks import became_shorter, has_shrunk
from kseg_video.reading.look_ahead import LookAhead
from kseg_video.reading.raw_pictures import failures_told, read_picture, without_opacity
from kseg_video.reading.seeking import reaching_its_start
from kseg_video.reading.trimming import PictureGeometry, WantedPart

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kseg_video.core.media_settings import DecoderSettings, TrimSettings
    from kseg_video.ffmpeg.probe_run import ReportRequest


# ffmpeg's messages on an input that ends before its header says.
_ENDED_EARLY = r"stream \d+, offset \w+: partial file|File ended prematurely|Packet corrupt"
# Frames per byte of a file above which its claimed duration is refused: still pictures compress
# well, so less would refuse valid files, and more would fill hours with repeats for damaged ones.
_FRAMES_A_BYTE = 5


class VideoFileSource(ClosingContext):
    """Frames of a video file decoded by an ffmpeg process.

    Parameters
    ----------
    path : Path
    trim : TrimSettings
    decoder : DecoderSettings
    request : ReportRequest, optional
        A pending request for ffmpeg's report on the file; by default one is made.

    Raises
    ------
    SourceError
        If the file holds no video that can be decoded.
    """

    def __init__(
        self,
        path: Path,
        trim: TrimSettings,
        decoder: DecoderSettings,
        request: ReportRequest | None = None,
    ) -> None:
        self._path = path
        self._bytes = path.stat().st_size
        video = with_rate_of_frames(path, probe(path, request))
        if video.mpeg_stream and self._claims_too_much((video.duration or 0) * video.frame_rate):
            video = replace(video, duration=None)  # its clock jumps, as ffmpeg's does not
        self._video = video
        size, ratio = (video.width, video.height), video.sample_aspect_ratio
        self._geometry = PictureGeometry.of_pictures(path, decoder, size, ratio, even=True)
        self._decoding = decoding = Decoding(video, decoder, self._geometry)
        rate = Fraction(decoder.frame_rate or video.frame_rate)
        part = WantedPart.on_grid(video, trim, rate)
        self._part = reaching_its_start(part, path, decoding)
        self._variable_rate = video.variable_rate
        self._changed: tuple[int, int] | None = None  # number of frames repeated and left out
        self.warnings: list[str] = []
        self.info = VideoInfo(
            width=self._geometry.width,
            height=self._geometry.height,
            frame_rate=rate,
            layout=decoding.layout,
            encoding=decoding.encoding,
            frame_count=self._part.expected_count,
            sample_aspect_ratio=self._geometry.pixel_ratio,
            has_alpha=decoding.has_alpha,
        )
        self.tracks = self._part.tracks(path, video)
        self._process: FfmpegProcess | None = None
        self._begun: FfmpegProcess | None = None
        self._look_ahead: LookAhead | None = None
        self._check_claim(self._part.expected_count or 0)

    @property
    def notes(self) -> list[str]:
        """What the user should know about the decoding; complete after the last frame."""
        return self._decoding.notes(variable_rate=self._variable_rate, changed=self._changed)

    def close(self) -> None:
        """Stop the decoders, even during a read in another thread."""
        if self._process is not None:
            self._process.stop()
        if self._look_ahead is not None:
            self._look_ahead.close()

    def begin(self) -> None:
        """Start the decoder early; it decodes until its pipe is full.

        Raises
        ------
        KsegError
            If there is no ffmpeg, or the program is ending.
        """
        self._process = self._begun = self._decoder()

    def begin_look_ahead(self) -> None:
        """Start the look-ahead's decoder early.

        Raises
        ------
        KsegError
            If there is no ffmpeg, or the program is ending.
        """
        if not self._video.animation:  # always decoded whole, whatever part is wanted
            self._look_ahead = LookAhead(self._path, self._part, self._decoding)

    def look_ahead(self) -> LookAhead | None:
        """Start the look-ahead, once; None for an animated WebP or PNG. The source closes it.

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
                        colors, alpha = without_opacity(pixels, info.layout, *self._read_size)
                    if self._decoding.scales_later:
                        colors, alpha = self._geometry.scaled(colors, alpha)
                    yield Frame(colors, info.layout, info.encoding, count, time, alpha, odd_width)
                    count += 1
                status = process.wait()
        finally:
            process.stop()
        self._check_end(status, process, count)

    def _decoder(self) -> FfmpegProcess:
        arguments = self._decoding.input_arguments(self._path, self._part)
        arguments += self._decoding.arguments(self._part)
        pixels = max(self._video.pixels, self.info.width * self.info.height)
        return FfmpegProcess(arguments, feeds=False, notices=RATE_REPORT, pixels=pixels)

    def _pictures(self, process: FfmpegProcess) -> Iterator[np.ndarray]:
        info = self.info
        for number in itertools.count():
            pixels = read_picture(process, info.layout, *self._read_size, alpha=info.has_alpha)
            if pixels is None:
                return
            self._check_claim(number)
            yield pixels

    @property
    def _read_size(self) -> tuple[int, int]:
        """Width and height of the pictures that ffmpeg delivers."""
        if not self._decoding.scales_later:
            return self.info.width, self.info.height
        whole = self._video.width, self._video.height
        return whole if self._geometry.crop is None else self._geometry.crop[:2]

    def _without_padding(self, process: FfmpegProcess) -> Iterator[np.ndarray]:
        """Yield pictures without the repeats that ffmpeg adds after a variable-rate file's end.

        ffmpeg gives the last frame the duration of the frame decoded before it, which may reach
        well past the end.
        """
        expected = self._part.expected_count
        before, last, held = np.empty(0, np.uint8), np.empty(0, np.uint8), 0
        for number, pixels in enumerate(self._pictures(process)):
            if expected is not None and number >= expected and np.array_equal(pixels, last):
                held += 1
                continue
            yield from itertools.repeat(last, held)
            before, last, held = last, pixels, 0
            yield pixels
        process.wait()
        if _ended_early(process.messages):  # whose missing frames are repeated, too
            self._variable_rate = False
            yield from itertools.repeat(last, held)
            return
        repeated = sum(int(report["repeated"]) for report in process.noticed)
        left_out = sum(int(report["dropped"]) for report in process.noticed)
        own_rate = self._video.frame_rate
        padding = min(held, math.ceil(repeated * self.info.frame_rate / own_rate))
        yield from itertools.repeat(last, held - padding)
        repeated -= min(repeated, math.ceil(padding * own_rate / self.info.frame_rate))
        if not self._part.is_whole:  # frames outside the part are counted, too
            self._variable_rate |= bool(repeated)
            return
        self._changed = repeated, left_out
        lasts_longer = repeated == 1 and np.array_equal(before, last)
        self._variable_rate |= left_out > 0 or (repeated > 0 and not lasts_longer)

    def _check_claim(self, frames: int) -> None:
        """Refuse a damaged small file that claims to last hours, which repeats would fill."""
        seconds = frames / self.info.frame_rate
        if self._part.count is None and self._claims_too_much(seconds * self._video.frame_rate):
            raise SourceError(
                f"{self._path} claims to last {float(seconds):.0f} s, with "
                f"{self._bytes} bytes in it; if that is right, say how much is wanted with --end"
            )

    def _claims_too_much(self, frames: float | Fraction) -> bool:
        return frames > self._bytes * _FRAMES_A_BYTE

    def _check_end(self, status: int, process: FfmpegProcess, count: int) -> None:
        messages = process.messages
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
            return
        if self._part.seek:  # at a key frame, before which frames are lacking that others refer to
            messages = process.messages_in_output
        if (complaints := self._without_sound(messages)) or status:
            why = complaints[0] if complaints else f"exit status {status}"
            self.warnings.append(f"{self._path} is damaged, some frames may be wrong ({why})")

    def _without_sound(self, messages: list[str]) -> list[str]:
        """Messages without those on sound that cannot be decoded, which does no harm to frames."""
        sound = tuple(f"[{each.codec} @" for each in self._video.audio if not each.is_decodable)
        return [message for message in messages if not message.startswith(sound)]


def _ended_early(messages: list[str]) -> bool:
    return says(messages, _ENDED_EARLY)
