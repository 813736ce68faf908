"""What a video file holds, read from ffmpeg's own report on it.

imageio-ffmpeg brings no ffprobe, and the header alone tells neither exact rates nor what a decoder
makes of rotation and colour tags: ffmpeg decodes one frame here and describes it (its ``showinfo``
filter).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.media_info import AudioTrack, SubtitleTrack
from kseg_video.core.yuv import PRIMARIES, TRANSFERS, ColorEncoding
from kseg_video.ffmpeg.allowed_inputs import claims_too_much, too_large, why_refused
from kseg_video.ffmpeg.printed_lines import says
from kseg_video.ffmpeg.probe_run import report_on

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kseg_video.core.yuv import Matrix
    from kseg_video.ffmpeg.probe_run import ReportRequest

_HIGHEST_RATE = 480
_TELEVISION_TOLERANCE = 5e-7
_RATE_ROUNDING = 0.006  # of the header, which gives rates with two decimals
_START_ROUNDING = 2e-6  # of differences of two, which are given in millionths
_RATE_WITHOUT_ONE = Fraction(60)  # of containers that claim a rate of 1000: a time base, not a rate
_MATRICES: dict[str, Matrix] = {
    "bt709": "bt709",
    "smpte240m": "bt709",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "fcc": "bt601",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}
_PLANAR_420 = {"yuv420p", "yuvj420p", "yuva420p"}
_RGB_FORMAT = re.compile(r"rgb|bgr|gbr|pal8|mono|gray|ya8|ya16|xyz")

_ALPHA_FORMAT = re.compile(r"yuva|argb|rgba|abgr|bgra|gbrap|ya8|ya16")
_GIF = "Video: gif"  # decoded with opacity whether or not it has any
_AUDIO = re.compile(r"Audio: (\w+).*?, \d+ Hz, ([^,]+)")
_SUBTITLE = re.compile(r"Subtitle: (\w+)")
_FIELDS = re.compile(r"\b(?:top|bottom) (?:coded )?first\b")
_STORED_SIZE = re.compile(r", (\d+)x(\d+)\b")
_DURATION = re.compile(r"  Duration: (\d{1,9}):(\d\d):(\d\d(?:\.\d{1,9})?)")
_FILE_START = re.compile(r"  Duration: .*?, start: (-?\d{1,12}(?:\.\d{1,9})?)")
_START = re.compile(r"  Stream #0:(\d+)\[.*, start (-?\d{1,12}(?:\.\d{1,9})?)")
_MPEG_STREAM = re.compile(r"Input #0, mpeg(?:ts)?, ")
_ANIMATION = re.compile(r"Input #0, (?:webp_anim|apng), ")
_RATE = re.compile(r"config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)")
_FRAME = re.compile(
    r"n: +0 pts: *(?P<pts>-?\d+) .*? fmt:(?P<format>\w+).*? "
    r"sar:(?P<sar>\d+/\d+) s:(?P<width>\d+)x(?P<height>\d+) i:(?P<scan>\S)"
)
_TAGS = re.compile(
    r"color_range:(?P<range>\S+) color_space:(?P<matrix>\S+) "
    r"color_primaries:(?P<primaries>\S+) color_trc:(?P<transfer>\S+)$"
)
_REASON = re.compile(r"(?:\[[^\]]*\] )*Error (?:opening|while|sub).*?: (.+)$")
# Channels of the layouts whose names do not say how many they are.
_CHANNELS = {"mono": 1, "stereo": 2, "quad": 4, "hexagonal": 6, "octagonal": 8, "cube": 8}
_CHANNELS |= {"downmix": 2, "binaural": 2, "hexadecagonal": 16}
_MOST_CHANNELS = 64


@dataclass(frozen=True, slots=True)
class ProbedVideo:
    """What ffmpeg says of a file's first video stream.

    Parameters
    ----------
    width, height : int
        Upright size in pixels.
    frame_rate : Fraction
        Frames per second, the base rate of a variable one.
    variable_rate : bool
        Whether frames last unequally long.
    interlaced : bool
        Whether its frames are made of two fields each.
    first_time : float
        Seconds from the file's start to its first frame.
    picture_zero, track_zero : float
        Seconds from the file's start at which ffmpeg's clock starts if it reads the pictures, or
        the sound and subtitles, alone: that of MPEG streams starts with what is read.
    mpeg_stream : bool
        Whether it is an MPEG transport or program stream, in which nothing tells where the whole
        pictures are.
    animation : bool
        Whether it is an animated WebP or PNG, which ffmpeg can only read from its start on.
    duration : float, optional
        Seconds that the container claims; its longest stream may be the sound.
    planar : bool
        Whether it is 8-bit 4:2:0.
    turned : bool
        Whether its pictures are turned or mirrored to be shown.
    alpha : bool
        Whether its pictures carry opacity.
    vp9_alpha : bool
        Whether it is a VP9 stream whose opacity one decoder alone reads.
    rgb : bool
        Whether it holds no YUV at all.
    encoding : ColorEncoding
    sample_aspect_ratio : Fraction
    audio : tuple of AudioTrack
    subtitles : tuple of SubtitleTrack
    """

    width: int
    height: int
    frame_rate: Fraction
    variable_rate: bool
    interlaced: bool
    first_time: float
    picture_zero: float
    track_zero: float
    mpeg_stream: bool
    animation: bool
    duration: float | None
    planar: bool
    turned: bool
    alpha: bool
    vp9_alpha: bool
    rgb: bool
    encoding: ColorEncoding
    sample_aspect_ratio: Fraction
    audio: tuple[AudioTrack, ...]
    subtitles: tuple[SubtitleTrack, ...]


def probe(path: Path, request: ReportRequest | None = None) -> ProbedVideo:
    """Decode a file's first frame and say what it is.

    Parameters
    ----------
    path : Path
    request : ReportRequest, optional
        For ffmpeg's report on this file, if it has been made already.

    Raises
    ------
    SourceError
        If there is no video in it that ffmpeg can decode.
    """
    report = report_on(path, request)
    rate, frame = _first(_RATE, report.frames), _first(_FRAME, report.frames)
    tags = _first(_TAGS, report.frames)  # the first frame's: nothing comes in between
    if frame is None or tags is None or rate is None:
        raise _not_a_video(path, report.errors)
    container = report.container
    shown = next((each for each in report.streams if each.number == report.shown), None)
    header = shown.text if shown else ""
    others = [stream for stream in report.streams if stream is not shown]
    picture_zero = _zero(container, [report.shown])
    track_zero = _zero(container, [stream.number for stream in others])
    clock_zero = _zero(container, [report.shown, *(stream.number for stream in others)])
    time = int(frame["pts"]) * Fraction(int(rate[1]), max(int(rate[2]), 1))
    after_zero = float(time) + clock_zero - picture_zero
    vp9_alpha = shown is not None and header.startswith("Video: vp9") and shown.is_tagged_alpha
    frame_rate, variable = _frame_rate(header, Fraction(int(rate[3]), max(int(rate[4]), 1)))
    ratio = Fraction(*map(int, frame["sar"].split("/"))) if "/0" not in frame["sar"] else Fraction()
    return ProbedVideo(
        width=int(frame["width"]),
        height=int(frame["height"]),
        frame_rate=frame_rate,
        variable_rate=variable,
        interlaced=frame["scan"] in "TB" or _FIELDS.search(header) is not None,
        first_time=picture_zero + (after_zero if after_zero > _START_ROUNDING else 0.0),
        picture_zero=picture_zero,
        track_zero=track_zero,
        mpeg_stream=_first(_MPEG_STREAM, container) is not None,
        animation=_first(_ANIMATION, container) is not None,
        duration=_duration(container),
        planar=frame["format"] in _PLANAR_420,
        turned=shown is not None and bool(shown.details),
        alpha=vp9_alpha
        or (_ALPHA_FORMAT.search(frame["format"]) is not None and not header.startswith(_GIF)),
        vp9_alpha=vp9_alpha,
        rgb=_RGB_FORMAT.search(frame["format"]) is not None,
        encoding=_encoding(tags, frame["format"], _guessed_encoding(header)),
        sample_aspect_ratio=ratio or Fraction(1),
        audio=tuple(
            AudioTrack(found[1], _channels(found[2]), stream.number)
            for stream in others
            if (found := _AUDIO.match(stream.text))
        ),
        subtitles=tuple(
            SubtitleTrack(found[1], stream.number)
            for stream in others
            if (found := _SUBTITLE.match(stream.text))
        ),
    )


def _first(pattern: re.Pattern[str], lines: Iterable[str]) -> re.Match[str] | None:
    return next((found for line in lines if (found := pattern.match(line))), None)


def _not_a_video(path: Path, errors: list[str]) -> SourceError:
    if not path.exists():
        return SourceError(f"{path} is gone; put it back and try again")
    if refusal := why_refused(path, errors):
        return SourceError(f"{path} {refusal}")
    if says(errors, r"Stream map '[\w:]*' matches no streams"):
        return SourceError(f"{path} holds no video; give a video file or an image")
    if claims_too_much(errors):
        return too_large(path)
    reason = _first(_REASON, errors)
    why = f" ({reason[1].strip().rstrip('.')})" if reason else ""
    return SourceError(f"{path} is not a video that ffmpeg can decode{why}; check that it plays")


def _channels(layout: str) -> int:
    """Number of channels of a layout in ffmpeg's words; 2 if it is unknown."""
    name = layout.partition("(")[0].strip()
    if name in _CHANNELS:
        return _CHANNELS[name]
    count = re.fullmatch(r"(\d{1,2}) channels", name)
    parts = re.fullmatch(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{1,2}))?", name)
    numbers = count or parts
    total = sum(int(part) for part in numbers.groups("0")) if numbers else 2
    return min(max(total, 1), _MOST_CHANNELS)


def _zero(container: list[str], streams: list[int]) -> float:
    """Seconds from the file's start at which the clock starts when these streams alone are read."""
    file_start = _first(_FILE_START, container)
    starts = [
        float(found[2])
        for line in container
        if (found := _START.match(line)) and int(found[1]) in streams
    ]
    if file_start is None or not starts or _first(_MPEG_STREAM, container) is None:
        return 0.0
    return max(min(starts) - float(file_start[1]), 0.0)


def _frame_rate(header: str, base: Fraction) -> tuple[Fraction, bool]:
    """Rate to read at, and whether the stream's own varies."""
    if not 0 < base <= _HIGHEST_RATE:
        return _RATE_WITHOUT_ONE, True
    mean = re.search(
        r"\b(\d{1,9}(?:\.\d{1,9})?) (?:fps|tbn)\b", header
    )  # Ogg knows none, but counts in frames
    varies = mean is None or abs(float(mean[1]) - base) > _RATE_ROUNDING
    return _without_rounding(base), varies and header != ""


def _without_rounding(rate: Fraction) -> Fraction:
    """The rate of television that a container meant which stores durations in nanoseconds."""
    television = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    return television if abs(rate - television) < _TELEVISION_TOLERANCE * rate else rate


def _duration(container: list[str]) -> float | None:
    found = _first(_DURATION, container)
    if found is None:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _guessed_encoding(header: str) -> ColorEncoding:
    """What an untagged stream is taken for, by its size as stored."""
    size = _STORED_SIZE.search(header)
    return ColorEncoding.guess(int(size[1]), int(size[2])) if size else ColorEncoding()


def _encoding(tags: re.Match[str], pixel_format: str, guess: ColorEncoding) -> ColorEncoding:
    rgb = _RGB_FORMAT.search(pixel_format) is not None
    full_range = tags["range"] == "pc" or pixel_format.startswith("yuvj")
    matrix = _MATRICES.get(tags["matrix"])
    return ColorEncoding(
        matrix=matrix or guess.matrix,
        full_range=full_range and not rgb,
        primaries=_known(tags["primaries"], PRIMARIES)
        or (None if tags["matrix"] in _MATRICES else guess.primaries),
        transfer=_known(tags["transfer"], TRANSFERS),
    )


def _known(tag: str, words: frozenset[str]) -> str | None:
    return tag if tag in words else None
