"""Probe a video file: its properties, parsed from ffmpeg's own report.

imageio-ffmpeg ships no ffprobe, and the header alone gives neither exact frame rates nor the
decoder's interpretation of rotation and colour tags. ffmpeg therefore decodes one frame, which its
``showinfo`` filter describes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.media_info import SubtitleTrack
from kseg_video.ffmpeg.allowed_inputs import claims_too_much, too_large, why_refused
from kseg_video.ffmpeg.encrypted_files import check_is_not_encrypted
from kseg_video.ffmpeg.pixel_formats import (
    ALPHA_FORMAT,
    FLOAT_FORMAT,
    OF_FLOATS,
    PLANAR_420,
    RGB_FORMAT,
    encoding_of,
    guessed_encoding,
)
from kseg_video.ffmpeg.printed_lines import says
from kseg_video.ffmpeg.probe_run import FRAME, RATE, TAGS, report_on
from kseg_video.ffmpeg.tracks import default_video, other_videos, sound_tracks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from kseg_video.core.media_info import AudioTrack
    from kseg_video.core.yuv import ColorEncoding
    from kseg_video.ffmpeg.probe_run import ReportRequest

_LIKELY_RATE = 60  # a higher one may be a time base, or a wrong guess
_COARSE = Fraction(1, 1000)  # time base in seconds, in which guesses are often wrong
_TELEVISION_TOLERANCE = 5e-7  # relative; above the rounding of durations to nanoseconds
_RATE_ROUNDING = 0.006  # frames per second; the header gives rates with two decimals
_START_ROUNDING = 2e-6  # seconds; of the difference of two times, each given in microseconds
# Decoders of the codecs whose alpha is a second stream, which ffmpeg's default ones ignore.
_ALPHA_DECODERS = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
_CODEC = re.compile(r"Video: (\w+)")
_GIF = "Video: gif"  # always decoded to a format with alpha
_SUBTITLE = re.compile(r"Subtitle: (\w+)")
_FIELDS = re.compile(r"\b(?:top|bottom) (?:coded )?first\b")
_DURATION = re.compile(r"  Duration: (\d{1,9}):(\d\d):(\d\d(?:\.\d{1,9})?)")
_FILE_START = re.compile(r"  Duration: .*?, start: (-?\d{1,12}(?:\.\d{1,9})?)")
_START = re.compile(r"  Stream #0:(\d+)\[.*, start (-?\d{1,12}(?:\.\d{1,9})?)")
_MPEG_STREAM = re.compile(r"Input #0, mpeg(?:ts)?, ")
_ANIMATION = re.compile(r"Input #0, (?:webp_anim|apng), ")
_REASON = re.compile(r"(?:\[[^\]]*\] )*Error (?:opening|while|sub).*?: (.+)$")


@dataclass(frozen=True, slots=True)
class ProbedVideo:
    """Properties of a file's default video stream, and its audio and subtitle tracks.

    Parameters
    ----------
    stream : int
        Index of the video stream in the file.
    others : tuple of str
        Number, codec and size of each other video track.
    codec : str
        ffmpeg's name of the codec; empty if it cannot be copied.
    width, height : int
        Size in pixels after rotation.
    frame_rate : Fraction
        Frames per second; the base rate if it is variable.
    variable_rate : bool
        Whether frame durations differ.
    time_base : Fraction
        Seconds of a tick of its time stamps.
    doubtful_rate : bool
        Whether only the times of all frames can tell the frame rate.
    interlaced : bool
        Whether each frame consists of two fields.
    first_time : float
        Seconds from the file's start to its first frame.
    picture_zero, track_zero : float
        Seconds from the file's start to time zero when ffmpeg reads only the video, or only the
        audio and subtitles: in MPEG streams, time zero is the start of the selected streams.
    mpeg_stream : bool
        Whether it is an MPEG transport or program stream, which has no index of its keyframes.
    animation : bool
        Whether it is an animated WebP or PNG, in which ffmpeg cannot seek.
    duration : float, optional
        Seconds that the container claims, which may be those of a longer audio track.
    planar : bool
        Whether its pixel format is 8-bit planar YUV 4:2:0.
    turned : bool
        Whether its pictures are rotated or mirrored for display.
    alpha : bool
        Whether it has an alpha channel.
    alpha_decoder : str, optional
        The ffmpeg decoder that reads its alpha, if the default one does not.
    rgb : bool
        Whether its pixel format is RGB, gray or another without YUV.
    linear : bool
        Whether its RGB values are linear in light.
    encoding : ColorEncoding
    sample_aspect_ratio : Fraction
    audio : tuple of AudioTrack
    subtitles : tuple of SubtitleTrack
    timecode : str, optional
        Timecode of its first frame: text of a tag, unchecked.
    date : str, optional
        Time of creation, in ISO 8601, where its tag gives it twice.
    has_keys : bool
        Whether it has tags with the keys of phones, such as ``com.apple.quicktime.make``.
    leading : int
        Number of first frames that have no times.
    """

    stream: int
    others: tuple[str, ...]
    codec: str
    width: int
    height: int
    frame_rate: Fraction
    variable_rate: bool
    time_base: Fraction
    doubtful_rate: bool
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
    alpha_decoder: str | None
    rgb: bool
    linear: bool
    encoding: ColorEncoding
    sample_aspect_ratio: Fraction
    audio: tuple[AudioTrack, ...]
    subtitles: tuple[SubtitleTrack, ...]
    timecode: str | None
    date: str | None
    has_keys: bool
    leading: int = 0

    @property
    def pixels(self) -> int:
        """Number of pixels of a picture."""
        return self.width * self.height


def probe(path: Path, request: ReportRequest | None = None) -> ProbedVideo:
    """Decode a file's first frame and return the properties of the file.

    Parameters
    ----------
    path : Path
    request : ReportRequest, optional
        Request for ffmpeg's report on this file, if one has been started already.

    Raises
    ------
    SourceError
        If it holds no video that ffmpeg can decode, or is encrypted.
    """
    report = report_on(path, request)
    check_is_not_encrypted(path)
    if (default := default_video(report.streams, report.shown)) != report.shown:
        report = report_on(path, stream=default)
    rate, frame = _first(RATE, report.frames), _first(FRAME, report.frames)
    tags = _first(TAGS, report.frames)  # of the first frame, since showinfo prints frames in order
    if frame is None or tags is None or rate is None:
        raise _not_a_video(path, report.errors)
    container = report.container
    shown = next((each for each in report.streams if each.number == report.shown), None)
    header = shown.text if shown else ""
    others = [stream for stream in report.streams if stream is not shown]
    picture_zero = _zero(container, [report.shown])
    track_zero = _zero(container, [stream.number for stream in others])
    clock_zero = _zero(container, [report.shown, *(stream.number for stream in others)])
    time_base = Fraction(int(rate[1]), max(int(rate[2]), 1))
    after_zero = float(int(frame["pts"]) * time_base) + clock_zero - picture_zero
    frame_rate, variable = _frame_rate(header, Fraction(int(rate[3]), max(int(rate[4]), 1)))
    is_rgb = RGB_FORMAT.search(frame["format"]) is not None
    is_float = FLOAT_FORMAT.search(frame["format"]) is not None
    ratio = Fraction(*map(int, frame["sar"].split("/"))) if "/0" not in frame["sar"] else Fraction()
    is_animation = _first(_ANIMATION, container) is not None
    duration, named = _duration(container), _CODEC.match(header)
    codec = named[1] if named else ""
    is_tagged = shown is not None and shown.is_tagged_alpha
    alpha_decoder = _ALPHA_DECODERS.get(codec) if is_tagged else None
    return ProbedVideo(
        stream=report.shown,
        others=other_videos(report.streams, report.shown),
        codec=codec,
        width=int(frame["width"]),
        height=int(frame["height"]),
        frame_rate=frame_rate,
        # A raw stream has no duration, and a mean rate that ffmpeg makes up.
        variable_rate=variable and duration is not None,
        time_base=time_base,
        doubtful_rate=variable
        or is_animation  # of whose delays ffmpeg takes the mean
        or frame_rate > _LIKELY_RATE
        or (time_base >= _COARSE and time_base * frame_rate != 1),
        interlaced=frame["scan"] in "TB" or _FIELDS.search(header) is not None,
        first_time=picture_zero + (after_zero if abs(after_zero) > _START_ROUNDING else 0.0),
        picture_zero=picture_zero,
        track_zero=track_zero,
        mpeg_stream=_first(_MPEG_STREAM, container) is not None,
        animation=is_animation,
        duration=duration,
        planar=frame["format"] in PLANAR_420,
        turned=shown is not None and bool(shown.details),
        alpha=alpha_decoder is not None
        or (ALPHA_FORMAT.search(frame["format"]) is not None and not header.startswith(_GIF)),
        alpha_decoder=alpha_decoder,
        rgb=is_rgb,
        linear=is_rgb and tags["transfer"] in (OF_FLOATS if is_float else {"linear"}),
        encoding=encoding_of(tags, frame["format"], guessed_encoding(header)),
        sample_aspect_ratio=ratio or Fraction(1),
        audio=sound_tracks(path, report),
        subtitles=tuple(
            SubtitleTrack(found[1], stream.number)
            for stream in others
            if (found := _SUBTITLE.match(stream.text))
        ),
        timecode=report.timecode,
        date=report.date,
        has_keys=report.has_keys,
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


def _zero(container: list[str], streams: list[int]) -> float:
    """Seconds from the file's start to time zero when ffmpeg reads only these streams."""
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
    """Frame rate to read at, and whether that of the stream varies."""
    if base <= 0:
        return Fraction(_LIKELY_RATE), True
    mean = re.search(
        r"\b(\d{1,9}(?:\.\d{1,9})?) (?:fps|tbn)\b", header
    )  # the header of Ogg gives no fps, but its tbn counts frames
    varies = mean is None or abs(float(mean[1]) - base) > _RATE_ROUNDING
    return _without_rounding(base), varies and header != ""


def _without_rounding(rate: Fraction) -> Fraction:
    """Restore a rate such as 30000/1001 from a container that rounds durations to nanoseconds."""
    television = Fraction(round(rate * Fraction(1001, 1000)) * 1000, 1001)
    return television if abs(rate - television) < _TELEVISION_TOLERANCE * rate else rate


def _duration(container: list[str]) -> float | None:
    found = _first(_DURATION, container)
    if found is None:
        return None
    return int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])
