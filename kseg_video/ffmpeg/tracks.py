"""The tracks in ffmpeg's report on a file: the video to show, and the sound, decodable or not."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.media_info import AudioTrack
from kseg_video.ffmpeg.ffmpeg_arguments import file_input
from kseg_video.ffmpeg.printed_lines import says
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from kseg_video.ffmpeg.probe_run import FileReport, ReportedStream

_VIDEO = re.compile(r"Video: (\w+).*?, (\d+x\d+)\b")
# No tracks of their own: covers, previews, the tiles and layers of another, and the still picture
# of an animated AVIF, whose time base is 1.
_PARTS = re.compile(
    r"\((?:attached pic|still image|timed thumbnails|dependent|multilayer)\)|, 1 tbn\b"
)
_USABLE = re.compile(r"Audio: (\w+).*?, (\d{1,9}) Hz, ([^,]+)")
_LISTED = re.compile(r" +Stream #0:(\d{1,9}).*?: Audio: (\w+)")  # tags may forge such lines
# Forged lines must not start a process each; real files have one or two such tracks.
_MOST_CHECKED = 8
_SECONDS = 60  # longest wait for a check
# Channel counts of the layouts whose names contain no number.
_CHANNELS = {"mono": 1, "stereo": 2, "quad": 4, "hexagonal": 6, "octagonal": 8, "cube": 8}
_CHANNELS |= {"downmix": 2, "binaural": 2, "hexadecagonal": 16}
_MOST_CHANNELS = 64


def sound_tracks(path: Path, report: FileReport) -> tuple[AudioTrack, ...]:
    """Sound tracks of a file in its own order.

    Parameters
    ----------
    path : Path
    report : FileReport
        A track that only the input's description names cannot be decoded: ffmpeg lacks its decoder,
        or what the decoder needs to begin.

    Raises
    ------
    SourceError
        If ffmpeg stalls, is killed or runs out of resources while it looks at such a track.
    """
    tracks = {
        stream.number: AudioTrack(
            found[1], _channels(found[3]), stream.number, int(found[2]), found[3].strip()
        )
        for stream in report.streams
        if (found := _USABLE.match(stream.text))
    }
    described = {stream.number for stream in report.streams}
    listed = {
        number: found[2]
        for line in report.container
        if (found := _LISTED.match(line)) and (number := int(found[1])) not in described
    }
    for number, codec in islice(listed.items(), _MOST_CHECKED):
        if _is_sound(path, number):
            tracks[number] = AudioTrack(codec, 0, number, is_decodable=False)
    return tuple(track for _, track in sorted(tracks.items()))


def _is_sound(path: Path, number: int) -> bool:
    """Whether a file really has this stream, and it is sound."""
    others = ("-vn", "-sn", "-dn")  # an input's option: such streams cannot be mapped
    arguments = ["-nostdin", *others, *file_input(path), "-map", f"0:{number}"]
    arguments += ["-c", "copy", "-copy_unknown", "-t", "0", "-f", "null", "-"]
    process = FfmpegProcess(arguments, feeds=False)
    try:
        process.wait(_SECONDS)
    except (StalledError, MishapError) as error:
        raise SourceError(f"the sound of {path} cannot be looked at: {error}") from error
    finally:
        process.stop()
    return not says(process.messages, "Stream map '[^']*' matches (no|disabled) streams")


def _channels(layout: str) -> int:
    """Number of channels of ffmpeg's channel layout; 2 if it is unknown."""
    name = layout.partition("(")[0].strip()
    if name in _CHANNELS:
        return _CHANNELS[name]
    count = re.fullmatch(r"(\d{1,2}) channels", name)
    parts = re.fullmatch(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{1,2}))?", name)
    numbers = count or parts
    total = sum(int(part) for part in numbers.groups("0")) if numbers else 2
    return min(max(total, 1), _MOST_CHANNELS)


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
