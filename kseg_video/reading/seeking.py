"""Seek early enough for the first wanted frame to be decoded.

A seek ends at a key frame, but not always at one from which the wanted frame can be decoded. Many
containers index key frames by the time at which they are decoded: one may be shown later than the
wanted frame, and frames that precede it on screen refer to frames before it (open GOP). MPEG
streams have no index. The decoder is therefore asked for the first frame that it shows.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

from kseg_video.ffmpeg.ffmpeg_arguments import video_filter
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.reading.raw_pictures import failures_told

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.reading.decode_filters import Decoding
    from kseg_video.reading.trimming import WantedPart

# Seconds by which a further try seeks early at least, and how many times as early as the last one:
# more finds distant key frames in fewer tries, less decodes less.
_EARLY_SECONDS = 1.0
_EARLIER = 4.0
# Codecs whose decoders show no frame before one that is whole; others show wrong ones.
_WHOLE = {"h264", "hevc", "vvc"}
_DEPENDENT = {"iskey:0 type:P", "iskey:0 type:B"}  # frames that refer to others


def reaching_its_start(part: WantedPart, path: Path, decoding: Decoding) -> WantedPart:
    """The same part, for which the decoder seeks early enough to show its first frame.

    Parameters
    ----------
    part : WantedPart
    path : Path
    decoding : Decoding

    Raises
    ------
    SourceError
        If the decoder stalls, is killed or runs out of resources.
    """
    while part.seek and not _is_shown(part, path, decoding):
        early = _EARLIER * (part.first_time - part.seek)
        part = part.sought(decoding.video, max(early, _EARLY_SECONDS))
    return part


def _is_shown(part: WantedPart, path: Path, decoding: Decoding) -> bool:
    """Whether the decoder shows the first wanted frame, or frames before it, and no wrong ones."""
    showinfo = f"showinfo@{secrets.token_hex(8)}"  # a name that a file cannot forge
    process = FfmpegProcess(
        [
            *("-threads", "1", *decoding.input_arguments(path, part)),
            *("-vf", video_filter(showinfo, checksum=0), "-frames:v", "1", "-f", "null", "-"),
        ],
        feeds=False,
        pixels=decoding.video.pixels,
        notices=re.compile(
            rf"\[{showinfo} @ \w+\] \[info\] n: +0 pts: *(?P<pts>-?\d+) .*? "
            r"(?P<type>iskey:[01] type:\S)"
        ),
    )
    try:
        with failures_told(path):
            process.wait()
    finally:
        process.stop()
    video = decoding.video
    next_begins = part.decoder_time(video) + 0.5 / video.frame_rate  # rounded to the grid
    return any(
        int(frame["pts"]) * video.time_base < next_begins
        and (video.codec in _WHOLE or frame["type"] not in _DEPENDENT)
        for frame in process.noticed
    )
