"""The wanted part of a video, on the grid of its frames, and of its pictures, at a wanted size."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Self, TypeVar, cast

import cv2
import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.media_info import MediaTracks
from kseg_video.core.timing import frames_before
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS
from kseg_video.ffmpeg.ffmpeg_arguments import video_filter
from kseg_video.ffmpeg.timecode import moved
from kseg_video.reading.tone_mapping import ACCURACY

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.media_settings import DecoderSettings, TrimSettings
    from kseg_video.ffmpeg.probe import ProbedVideo

# Seconds by which MPEG streams, which have no index, are decoded early so that a key frame precedes
# the wanted part: more is safer, less starts faster.
_SECONDS_TO_A_WHOLE_PICTURE = 20.0
# Seconds from which on a seek is worth its cost. ffmpeg seeks a little earlier than it is told; in
# AVI, earlier than the beginning is the end.
_LEAST_SEEK = 1.0

_Level = TypeVar("_Level", np.uint8, np.float32)


@dataclass(frozen=True, slots=True)
class WantedPart:
    """The position and number of the wanted frames.

    Parameters
    ----------
    first_time : float
        Time stamp of the first wanted frame, in seconds.
    start : float
        Time at which sound and subtitles are cut, in seconds; 0 if they are not.
    seek : float
        Time to which the decoder seeks, in seconds.
    frame_rate : Fraction
        Rate at which the frames are wanted.
    count : int, optional
        Greatest number of frames wanted; None wants all.
    expected_count : int, optional
        Number of frames according to the file's duration; None if unknown.
    """

    first_time: float
    start: float
    seek: float
    frame_rate: Fraction
    count: int | None
    expected_count: int | None

    @classmethod
    def on_grid(cls, video: ProbedVideo, trim: TrimSettings, wanted_rate: Fraction) -> Self:
        """The part of a video within the trim settings, from a frame of its own on."""
        rate = float(video.frame_rate)
        skipped = 0
        if trim.start:  # the first frames of the whole may lie before 0
            skipped = max(frames_before(trim.start - video.first_time, rate), 0)
        first = video.first_time + skipped / rate
        count = trim.max_frames
        if trim.end is not None:
            until_end = max(frames_before(trim.end - first, float(wanted_rate)), 1)
            count = min(until_end, count or until_end)
        expected = count
        if video.duration is not None:
            left = max(round((video.duration - first) * rate), 1)
            left = math.ceil(left * wanted_rate / video.frame_rate)
            expected = min(left, count or left)
        if not skipped:
            return cls(first, 0.0, 0.0, wanted_rate, count, expected)
        part = cls(first, first, 0.0, wanted_rate, count, expected)
        if video.animation or video.duration is None:  # a raw stream, in which ffmpeg cannot seek
            return part
        # Half a frame early against rounded time stamps; in MPEG streams, which have no index,
        # early enough to decode a key frame on the way.
        early = _SECONDS_TO_A_WHOLE_PICTURE if video.mpeg_stream else 0.5 / rate
        return part.sought(video, early)

    def sought(self, video: ProbedVideo, early: float) -> Self:
        """The same part, for which the decoder seeks this many seconds early.

        It seeks to a tick of the time stamps, since ffmpeg rounds what it subtracts from them.
        """
        ticks = math.floor((self.first_time - early) / video.time_base)
        seek = float(ticks * video.time_base)
        return replace(self, seek=seek if seek >= _LEAST_SEEK else 0.0)

    def decoder_time(self, video: ProbedVideo) -> float:
        """Time of the first wanted frame as the decoder counts it: from where it seeks."""
        return self.first_time - max(self.seek, video.picture_zero)

    @property
    def is_whole(self) -> bool:
        """Whether the part is the whole video."""
        return not self.start and self.count is None

    def tracks(self, path: Path, video: ProbedVideo) -> MediaTracks:
        """The sound, subtitles, chapters and tags that accompany the part."""
        delay = self.first_time - max(self.start, video.track_zero)
        duration = None if self.count is None else self.count / float(self.frame_rate) + delay
        skipped = round((self.first_time - video.first_time) * video.frame_rate)
        timecode = None
        if video.timecode and self.frame_rate == video.frame_rate:
            timecode = moved(video.timecode, skipped, video.frame_rate)
        return MediaTracks(
            *(path, video.audio, video.subtitles, self.start, duration, delay),
            timecode=timecode,
            loses_timecode=video.timecode is not None and timecode is None,
            date=video.date,
            has_keys=video.has_keys,
        )


@dataclass(frozen=True, slots=True)
class PictureGeometry:
    """The wanted part of upright pictures, and the size to which it is scaled.

    Parameters
    ----------
    crop : tuple of int, optional
        Width, height, column and row of the part; None keeps all.
    width, height : int
        Size of the delivered pictures in pixels.
    pixel_ratio : Fraction
        Width of their pixels over the height.
    is_scaled : bool
    is_reduced : bool
        Whether they have fewer pixels than the part.
    """

    crop: tuple[int, int, int, int] | None
    width: int
    height: int
    pixel_ratio: Fraction
    is_scaled: bool = False
    is_reduced: bool = False

    @classmethod
    def of_pictures(
        cls,
        path: Path,
        settings: DecoderSettings,
        size: tuple[int, int],
        pixel_ratio: Fraction = Fraction(1),
        *,
        even: bool = False,
    ) -> Self:
        """The geometry for pictures of an input.

        Parameters
        ----------
        path : Path
        settings : DecoderSettings
        size : tuple of int
            Width and height of its upright pictures.
        pixel_ratio : Fraction
        even : bool
            Whether sides that follow from others are even.

        Raises
        ------
        SourceError
            If the crop reaches out of the pictures, or the scaled ones are too large.
        """
        width, height = size
        if settings.crop is not None:
            width, height, column, row = settings.crop
            if column + width > size[0] or row + height > size[1]:
                raise SourceError(
                    f"the crop {width}x{height}+{column}+{row} reaches out of {path}, which is "
                    f"{size[0]}x{size[1]}"
                )
        wide, high = _scaled_size(settings, width * pixel_ratio, height, 2 if even else 1)
        if wide * high > MAX_PIXELS:
            raise SourceError(f"{path} would be {wide}x{high}; choose a smaller size")
        if not _scales(settings) or (pixel_ratio == 1 and (wide, high) == (width, height)):
            return cls(settings.crop, width, height, pixel_ratio)
        is_reduced = wide * high < width * height
        return cls(settings.crop, wide, high, Fraction(1), True, is_reduced)

    @property
    def is_plain(self) -> bool:
        """Whether pictures are delivered as they are."""
        return self.crop is None and not self.is_scaled

    @property
    def cropping(self) -> list[str]:
        """Ffmpeg's filter that takes the part, if it is not all."""
        return [] if self.crop is None else [video_filter("crop", *self.crop, exact=1)]

    def scaling(self, levels: str | None) -> list[str]:
        """Ffmpeg's filters that scale the part, if it is to be.

        Each pixel of a smaller picture is the mean of those that it covers: sharper kernels ring at
        edges, and make colours that the picture does not have.

        Parameters
        ----------
        levels : str, optional
            Range of the samples, if ffmpeg has to be told.
        """
        if not self.is_scaled:
            return []
        kernel = "area" if self.is_reduced else "bicubic"
        options = {"in_range": levels, "out_range": levels, "flags": f"{kernel}+{ACCURACY}"}
        return [video_filter("scale", self.width, self.height, **options), "setsar=1"]

    def cut(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of a picture, (H, W) or (H, W, channels)."""
        if self.crop is None:
            return pixels
        width, height, column, row = self.crop
        return np.ascontiguousarray(pixels[row : row + height, column : column + width])

    def scaled(
        self, bgr: NDArray[np.uint8], alpha: NDArray[np.uint8] | None
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
        """A part, scaled; hidden colours do not mix into those that are seen."""
        if not self.is_scaled or alpha is None:
            return self._resized(bgr), alpha
        opacity = alpha[..., np.newaxis].astype(np.float32)
        weights = self._resized(opacity)[..., np.newaxis]
        seen = self._resized(bgr * opacity) / np.maximum(weights, 1)
        colors = np.where(weights < 1, self._resized(bgr), np.clip(np.rint(seen), 0, 255))
        return colors.astype(np.uint8), np.clip(np.rint(weights[..., 0]), 0, 255).astype(np.uint8)

    def _resized(self, pixels: NDArray[_Level]) -> NDArray[_Level]:
        if not self.is_scaled:
            return pixels
        kernel = cv2.INTER_AREA if self.is_reduced else cv2.INTER_CUBIC
        resized = cv2.resize(pixels, (self.width, self.height), interpolation=kernel)
        return cast("NDArray[_Level]", resized)


def _scales(settings: DecoderSettings) -> bool:
    return bool(settings.width or settings.height or settings.shorter_side or settings.scale)


def _scaled_size(
    settings: DecoderSettings, wide: Fraction, high: int, step: int
) -> tuple[int, int]:
    """Width and height after scaling a picture of this shape; those that follow are of steps."""

    def rounded(side: Fraction, most: int | None = None) -> int:
        whole = max(step * round(side / step), step)
        return whole if most is None else min(whole, most)

    if settings.scale is not None:
        scale = Fraction(settings.scale)
        return rounded(wide * scale), rounded(high * scale)
    width, height = settings.width, settings.height
    if settings.shorter_side is not None:
        width, height = (None, settings.shorter_side)[:: 1 if wide >= high else -1]
    if width is None:
        height = height or high
        return rounded(wide * height / high), height
    if height is None or width * high <= height * wide:
        return width, rounded(high * width / wide, height)
    return rounded(wide * height / high, width), height
