"""Metadata of a source: its video parameters, and its sound and subtitle tracks."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from kseg_video.core.pixel_checks import OF_VIDEO
from kseg_video.core.setting_checks import take_fields
from kseg_video.core.yuv import ColorEncoding

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import PixelLayout


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """Video parameters of a source, known before its first frame.

    Parameters
    ----------
    width, height : int
        Picture size in pixels, after rotation to upright.
    frame_rate : Fraction
        Frames per second.
    layout : {"bgr24", "i420", "gray8"}
        Layout of the frames' pixels.
    encoding : ColorEncoding
        Colour encoding of a YUV source; for an RGB source, the encoding of its YUV output.
    frame_count : int, optional
        Expected number of frames; None if unknown.
    sample_aspect_ratio : Fraction
        Width of a pixel over its height.
    is_image : bool
        Whether this is a single picture without a time of its own.
    has_alpha : bool
        Whether its frames carry alpha.

    Raises
    ------
    SettingsError
        If a value is out of range or has the wrong type.
    """

    width: int
    height: int
    frame_rate: Fraction
    layout: PixelLayout = "bgr24"
    encoding: ColorEncoding = field(default_factory=ColorEncoding)
    frame_count: int | None = None
    sample_aspect_ratio: Fraction = Fraction(1)
    is_image: bool = False
    has_alpha: bool = False

    def __post_init__(self) -> None:
        take_fields(self, OF_VIDEO)


@dataclass(frozen=True, slots=True)
class AudioTrack:
    """One sound track of a file.

    Parameters
    ----------
    codec : str
        ffmpeg's name of the codec.
    channels : int
    index : int
        Index of its stream in the file.
    sample_rate : int
        Samples per second; 0 if unknown.
    layout : str
        ffmpeg's name of the channel layout; empty if unknown.
    is_decodable : bool
    """

    codec: str
    channels: int
    index: int
    sample_rate: int = 0
    layout: str = ""
    is_decodable: bool = True


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One subtitle track of a file.

    Parameters
    ----------
    codec : str
        ffmpeg's name of the codec.
    index : int
        Index of its stream in the file.
    """

    codec: str
    index: int


@dataclass(frozen=True, slots=True)
class MediaTracks:
    """Sound, subtitles, chapters and tags that accompany the frames of a source.

    Parameters
    ----------
    path : Path
        The file that holds them.
    audio : tuple of AudioTrack
    subtitles : tuple of SubtitleTrack
    start : float
        Time of the first wanted frame in the file, in seconds; 0 if the file is taken from its
        start.
    duration : float, optional
        Seconds of the tracks to keep; None keeps them to their end.
    delay : float
        Seconds from `start`, or from the tracks' own beginning if later, to the first frame.
    timecode : str, optional
        SMPTE timecode of the first wanted frame; None if the file has none.
    loses_timecode : bool
        Whether the file has one that does not fit its frame rate.
    date : str, optional
        Time of creation, in ISO 8601, where its tag gives it twice.
    has_keys : bool
        Whether its tags have the keys of phones, such as ``com.apple.quicktime.make``.
    """

    path: Path
    audio: tuple[AudioTrack, ...] = ()
    subtitles: tuple[SubtitleTrack, ...] = ()
    start: float = 0.0
    duration: float | None = None
    delay: float = 0.0
    timecode: str | None = None
    loses_timecode: bool = False
    date: str | None = None
    has_keys: bool = False
