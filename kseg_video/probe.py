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

from kseg_video.color import ColorEncoding
from kseg_video.errors import SourceError
from kseg_video.ffmpeg import MAX_PIXELS, FfmpegProcess, file_input
from kseg_video.stalls import StalledError

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.color import Matrix

_PROBE_SECONDS = 60
_HIGHEST_RATE = 480
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
_PLANAR_420 = {"yuv420p", "yuvj420p"}
_RGB_FORMAT = re.compile(r"rgb|bgr|gbr|pal8|mono|gray|ya8|ya16|xyz")

_MAPPED = re.compile(r"^\s+Stream #0:(\d+) -> #0:0 ", re.MULTILINE)
_AUDIO = re.compile(r"^\s+Stream #0:\d+.*?: Audio: (\w+)", re.MULTILINE)
_DURATION = re.compile(r"^\s+Duration: (\d+):(\d+):([\d.]+)", re.MULTILINE)
_RATE = re.compile(r"config in time_base: \S+ frame_rate: (\d+)/(\d+)")
_FRAME = re.compile(
    r"n: +0 pts: *\S+ pts_time:(?P<time>\S+).*? fmt:(?P<format>\S+).*? "
    r"sar:(?P<sar>\d+/\d+) s:(?P<width>\d+)x(?P<height>\d+)"
)
_TAGS = re.compile(
    r"color_range:(?P<range>\S+) color_space:(?P<matrix>\S+) "
    r"color_primaries:(?P<primaries>\S+) color_trc:(?P<transfer>\S+)"
)


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
    first_time : float
        Seconds from the file's start to its first frame.
    duration : float, optional
        Seconds that the container claims; its longest stream may be the sound.
    planar : bool
        Whether it is 8-bit 4:2:0.
    rgb : bool
        Whether it holds no YUV at all.
    encoding : ColorEncoding
    sample_aspect_ratio : Fraction
    audio_codecs : tuple of str
        One a sound track.
    """

    width: int
    height: int
    frame_rate: Fraction
    variable_rate: bool
    first_time: float
    duration: float | None
    planar: bool
    rgb: bool
    encoding: ColorEncoding
    sample_aspect_ratio: Fraction
    audio_codecs: tuple[str, ...]


def probe(path: Path) -> ProbedVideo:
    """Decode a file's first frame and say what it is.

    Raises
    ------
    SourceError
        If there is no video in it that ffmpeg can decode.
    """
    report = _report(path)
    frame, tags, rate = _FRAME.search(report), _TAGS.search(report), _RATE.search(report)
    if frame is None or tags is None or rate is None:
        raise _not_a_video(path, report)
    width, height = int(frame["width"]), int(frame["height"])
    frame_rate, variable = _frame_rate(report, Fraction(int(rate[1]), max(int(rate[2]), 1)))
    ratio = Fraction(*map(int, frame["sar"].split("/"))) if "/0" not in frame["sar"] else Fraction()
    return ProbedVideo(
        width=width,
        height=height,
        frame_rate=frame_rate,
        variable_rate=variable,
        first_time=max(float(frame["time"]), 0.0),
        duration=_duration(report),
        planar=frame["format"] in _PLANAR_420,
        rgb=_RGB_FORMAT.search(frame["format"]) is not None,
        encoding=_encoding(tags, frame["format"], width, height),
        sample_aspect_ratio=ratio or Fraction(1),
        audio_codecs=tuple(_AUDIO.findall(report.split("Stream mapping:")[0])),
    )


def _report(path: Path) -> str:
    process = FfmpegProcess(
        [
            *("-nostdin", *file_input(path)),
            *("-map", "0:V:0", "-vf", "showinfo=checksum=0", "-frames:v", "1", "-f", "null", "-"),
        ],
        feeds=False,
        reports=True,
    )
    try:
        process.wait(_PROBE_SECONDS)
    except StalledError as error:
        raise SourceError(f"{path} gave no frame ({error}); check that it plays") from error
    finally:
        process.stop()
    return "\n".join(process.messages)


def _not_a_video(path: Path, report: str) -> SourceError:
    if "matches no streams" in report:
        return SourceError(f"{path} holds no video; give a video file or an image")
    if re.search(r"exceeds specified max pixel|Picture size .* is invalid", report):
        return SourceError(
            f"{path} claims pictures of more than {MAX_PIXELS // 10**6} million pixels; "
            "scale it down first, if it is not damaged"
        )
    reason = re.search(
        r"^(?:\[[^\]]*\] )?Error (?:opening|while|sub).*?: (.+)$", report, re.MULTILINE
    )
    why = f" ({reason[1].strip().rstrip('.')})" if reason else ""
    return SourceError(f"{path} is not a video that ffmpeg can decode{why}; check that it plays")


def _frame_rate(report: str, base: Fraction) -> tuple[Fraction, bool]:
    """Rate to read at, and whether the stream's own varies."""
    mapped = _MAPPED.search(report)
    stream = re.search(
        rf"^\s+Stream #0:{mapped[1] if mapped else 0}\b.*?: Video: .*$", report, re.MULTILINE
    )
    header = stream[0] if stream else ""
    mean, common = (re.search(rf"([\d.]+k?) {unit}\b", header) for unit in ("fps", "tbr"))
    if not 0 < base <= _HIGHEST_RATE:
        return _RATE_WITHOUT_ONE, True
    return base, mean is None or common is None or mean[1] != common[1]


def _duration(report: str) -> float | None:
    found = _DURATION.search(report)
    if found is None:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _encoding(tags: re.Match[str], pixel_format: str, width: int, height: int) -> ColorEncoding:
    guess = ColorEncoding.guess(width, height)
    full_range = tags["range"] == "pc" or pixel_format.startswith("yuvj")
    if _RGB_FORMAT.search(pixel_format):
        return guess
    return ColorEncoding(
        matrix=_MATRICES.get(tags["matrix"], guess.matrix),
        full_range=full_range,
        primaries=_known(tags["primaries"]),
        transfer=_known(tags["transfer"]),
    )


def _known(tag: str) -> str | None:
    return None if tag in {"unknown", "reserved"} else tag
