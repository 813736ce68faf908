"""The video tracks of a file: which one is shown, and which others there are."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kseg_video.ffmpeg.probe_run import ReportedStream

_VIDEO = re.compile(r"Video: (\w+).*?, (\d+x\d+)\b")
# No tracks of their own: covers, previews, the tiles and layers of another, and the still picture
# of an animated AVIF, whose time base is 1.
_PARTS = re.compile(
    r"\((?:attached pic|still image|timed thumbnails|dependent|multilayer)\)|, 1 tbn\b"
)


def default_video(streams: Sequence[ReportedStream], shown: int) -> int:
    """Index of the video stream to show: the first that is marked as default.

    Parameters
    ----------
    streams : sequence of ReportedStream
    shown : int
        Index of the first video stream, which is shown if none is marked.
    """
    marked = (stream.number for stream in _videos(streams) if "(default)" in stream.text)
    return next(marked, shown)


def other_videos(streams: Sequence[ReportedStream], shown: int) -> tuple[str, ...]:
    """Number, codec and size of each video track but the one that is shown, for the user."""
    return tuple(
        f"{number} ({found[1]}, {found[2]})"
        for number, stream in enumerate(_videos(streams), 1)
        if stream.number != shown and (found := _VIDEO.match(stream.text))
    )


def _videos(streams: Sequence[ReportedStream]) -> list[ReportedStream]:
    return [
        stream for stream in streams if _VIDEO.match(stream.text) and not _PARTS.search(stream.text)
    ]
