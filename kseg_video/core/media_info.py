"""What is known of a source apart from its frames: the video, and the tracks that go with it."""

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
    """What is known of a source before its first frame.

    Parameters
    ----------
    width, height : int
        Upright picture size in pixels.
    frame_rate : Fraction
        Frames per second.
    layout : {"bgr24", "i420", "gray8"}
        Layout of the frames' pixels.
    encoding : ColorEncoding
        Of the source's YUV; RGB sources carry what their output shall have.
    frame_count : int, optional
        Expected number of frames; None where unknown.
    sample_aspect_ratio : Fraction
        Width of a pixel over its height.
    is_image : bool
        Whether this is a single picture without a time of its own.
    has_alpha : bool
        Whether its frames carry opacity.

    Raises
    ------
    SettingsError
        If a value is none of those.
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
        In ffmpeg's words.
    channels : int
    index : int
        Of its stream in the file.
    """

    codec: str
    channels: int
    index: int


@dataclass(frozen=True, slots=True)
class SubtitleTrack:
    """One subtitle track of a file.

    Parameters
    ----------
    codec : str
        In ffmpeg's words.
    index : int
        Of its stream in the file.
    """

    codec: str
    index: int


@dataclass(frozen=True, slots=True)
class MediaTracks:
    """What goes with the frames of a source: sound, subtitles, chapters, title and other tags.

    Parameters
    ----------
    path : Path
        File that holds them.
    audio : tuple of AudioTrack
    subtitles : tuple of SubtitleTrack
    start : float
        Seconds of the file's time at which the first frame lies or, without a cut, the file starts.
    duration : float, optional
        Seconds that belong to the frames; None is all there is.
    delay : float
        Seconds from `start`, or from the tracks' own first moment, to the first frame.
    """

    path: Path
    audio: tuple[AudioTrack, ...] = ()
    subtitles: tuple[SubtitleTrack, ...] = ()
    start: float = 0.0
    duration: float | None = None
    delay: float = 0.0
