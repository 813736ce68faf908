"""What goes with the frames of a video file: sound, subtitles, chapters and tags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


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
class Tracks:
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
