"""The part of a video that is wanted, on the grid of its frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from kseg_video.core.media_info import MediaTracks
from kseg_video.core.timing import frames_before

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.media_settings import TrimSettings
    from kseg_video.ffmpeg.probe import ProbedVideo

_SECONDS_TO_A_WHOLE_PICTURE = 20.0


@dataclass(frozen=True, slots=True)
class WantedPart:
    """Where the wanted frames begin, and how many they are.

    Parameters
    ----------
    first_time : float
        Seconds of the first one.
    start : float
        Seconds at which the tracks that go with them are cut; 0 where they are whole.
    seek : float
        Seconds from which the decoder has to read.
    count : int, optional
        At most so many are wanted.
    expected_count : int, optional
        So many there are by what the file claims.
    """

    first_time: float
    start: float
    seek: float
    count: int | None
    expected_count: int | None

    @classmethod
    def on_grid(cls, video: ProbedVideo, trim: TrimSettings) -> Self:
        """The part of a video that lies within some bounds of time and number."""
        rate = float(video.frame_rate)
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
        # Half a frame early, so that rounded stamps do not matter; in streams that are not indexed
        # so early that there is a whole picture on the way.
        early = _SECONDS_TO_A_WHOLE_PICTURE if video.mpeg_stream else 0.5 / rate
        seek = 0.0 if video.animation else max(first - early, 0.0)
        return cls(first, first, seek, count, expected)

    @property
    def is_whole(self) -> bool:
        """Whether nothing is cut off."""
        return not self.start and self.count is None

    def tracks(self, path: Path, video: ProbedVideo) -> MediaTracks:
        """What goes with the frames of a file."""
        delay = self.first_time - max(self.start, video.track_zero)
        duration = None if self.count is None else self.count / float(video.frame_rate) + delay
        return MediaTracks(path, video.audio, video.subtitles, self.start, duration, delay)
