"""The wanted part of a video, on the grid of its frames."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Self

from kseg_video.core.media_info import MediaTracks
from kseg_video.core.timing import frames_before
from kseg_video.ffmpeg.timecode import moved

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.media_settings import TrimSettings
    from kseg_video.ffmpeg.probe import ProbedVideo

# Seconds by which MPEG streams, which have no index, are decoded early so that a key frame precedes
# the wanted part: more is safer, less starts faster.
_SECONDS_TO_A_WHOLE_PICTURE = 20.0
# Seconds from which on a seek is worth its cost. ffmpeg seeks a little earlier than it is told; in
# AVI, earlier than the beginning is the end.
_LEAST_SEEK = 1.0


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
    count : int, optional
        Greatest number of frames wanted; None wants all.
    expected_count : int, optional
        Number of frames according to the file's duration; None if unknown.
    """

    first_time: float
    start: float
    seek: float
    count: int | None
    expected_count: int | None

    @classmethod
    def on_grid(cls, video: ProbedVideo, trim: TrimSettings) -> Self:
        """The part of a video within the trim settings, in whole frames."""
        rate = float(video.frame_rate)
        skipped = 0
        if trim.start:  # the first frames of the whole may lie before 0
            skipped = max(frames_before(trim.start - video.first_time, rate), 0)
        first = video.first_time + skipped / rate
        count = trim.max_frames
        if trim.end is not None:
            until_end = max(frames_before(trim.end - first, rate), 1)
            count = min(until_end, count or until_end)
        expected = count
        if video.duration is not None:
            left = max(round((video.duration - first) * rate), 1)
            expected = min(left, count or left)
        if not skipped:
            return cls(first, 0.0, 0.0, count, expected)
        part = cls(first, first, 0.0, count, expected)
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
        duration = None if self.count is None else self.count / float(video.frame_rate) + delay
        skipped = round((self.first_time - video.first_time) * video.frame_rate)
        timecode = video.timecode and moved(video.timecode, skipped, video.frame_rate)
        return MediaTracks(
            *(path, video.audio, video.subtitles, self.start, duration, delay),
            timecode=timecode,
            loses_timecode=video.timecode is not None and timecode is None,
            date=video.date,
            has_keys=video.has_keys,
        )
