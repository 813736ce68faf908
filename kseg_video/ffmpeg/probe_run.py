"""Run ffmpeg for its report on a video file, in the background if requested early.

When ffmpeg describes its input, it prints languages, tag names and the file's name verbatim, so
that a file can forge whole lines. The streams are therefore also copied, without their tags, into
an output, which ffmpeg describes after a random title and before it reads more of the file. Facts
that only the input's description gives are accepted only if they appear once.

Importing the modules of a conversion takes as long as ffmpeg's report, so the command requests the
report first and passes the request on; this module must therefore import fast. The ffmpeg process
is started before those imports, since they set environment variables, and a process that another
thread starts at that moment may inherit a torn environment.
"""

from __future__ import annotations

import os
import re
import secrets
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from kseg_video.core.errors import KsegError, SourceError
from kseg_video.ffmpeg.cleanup import ClosingContext
from kseg_video.ffmpeg.ffmpeg_arguments import WITHOUT_TAGS, file_input, video_filter
from kseg_video.ffmpeg.memory_limit import check_opening
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Longest wait for a report. Longer helps slow disks and networks; shorter reports a hung file
# sooner.
_SECONDS = 60
# What the report tells of the filter's input, a frame and its colours.
RATE = re.compile(r"config in time_base: (\d+)/(\d+), frame_rate: (\d+)/(\d+)")
FRAME = re.compile(
    r"n: +0 pts: *(?P<pts>-?\d+) .*? fmt:(?P<format>\w+).*? "
    r"sar:(?P<sar>\d+/\d+) s:(?P<width>\d+)x(?P<height>\d+) i:(?P<scan>\S)"
)
TAGS = re.compile(
    r"color_range:(?P<range>\S+) color_space:(?P<matrix>\S+) "
    r"color_primaries:(?P<primaries>\S+) color_trc:(?P<transfer>\S+)$"
)
_TRIES = 3  # reports asked for at most, since threads that print at the same time may tear one
_MAPPING = "Stream mapping:"
# Lines on the input: those that a report has exactly once, and one for each track.
_INPUT = ("Input #0, ", "  Duration: ")
_INPUT_STREAM = r" +Stream #0:\d+[\[(:]"
# Tags that are carried on with a check; none is taken for a fact about the file.
_TIMECODE = re.compile(r" +(?:timecode|TIMECODE) +: (.*)")
# A date that ffmpeg has written in two places and reads as two, which it cannot write again.
_DATE = re.compile(r" +creation_time +: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z);")
_KEY = re.compile(r" +(?i:com)\.[\w.]+ *: ")  # as phones write them
_MPEG = "Input #0, mpeg"
# On the same line, unless the language, of three bytes in MPEG streams, breaks it.
_KIND = re.compile(r": (?:Video|Audio|Subtitle|Data|Attachment|Unknown)\b")
_COPIED = r"  Stream #1:\d+: |      (?i:display ?matrix): "
_END = "Starting thread..."  # of the output's thread, after which ffmpeg reads on in the file
_MAPPED = re.compile(r"  Stream #0:(\d+) -> #(\d+):(\d+) ")
_STREAM = re.compile(r"  Stream #1:(\d+): (.*)")
# Each stream, then again those without the tag by which Matroska marks alpha.
_COPIES = ("-map", "0:u", "-map", "-0:m:alpha_mode:1", "-map", "0:u", "-c", "copy")


class ReportedStream(NamedTuple):
    """Description of a stream, if ffmpeg knows enough about it to copy it.

    Attributes
    ----------
    number : int
        Index in the file.
    text : str
        Media type, codec and parameters, as ffmpeg prints them.
    details : list of str
        Lines on its display matrix (rotation), if it has one.
    is_tagged_alpha : bool
        Whether it has Matroska's tag for alpha.
    """

    number: int
    text: str
    details: list[str]
    is_tagged_alpha: bool


class FileReport(NamedTuple):
    """ffmpeg's report on a file: its own lines only, without tags and names.

    Attributes
    ----------
    is_mapped : bool
        Whether ffmpeg got as far as printing its stream mapping.
    container : list of str
        Lines on the container and its tracks.
    timecode : str, optional
        The first tag of this name, unchecked.
    date : str, optional
        The first of two dates in the tag for the time of creation.
    has_keys : bool
        Whether it has tags with the keys of phones.
    streams : list of ReportedStream
    shown : int
        Index in the file of the stream that was decoded.
    frames : list of str
        Lines on its first frames, from the ``showinfo`` filter.
    errors : list of str
    """

    is_mapped: bool
    container: list[str]
    timecode: str | None
    date: str | None
    has_keys: bool
    streams: list[ReportedStream]
    shown: int
    frames: list[str]
    errors: list[str]


class ReportRequest(ClosingContext):
    """ffmpeg process that makes the report on a file; it starts at once.

    Parameters
    ----------
    path : Path
    copies : bool
        Whether to copy its streams so that ffmpeg describes them without their tags. False only for
        a file with no stream that can be copied.
    stream : int, optional
        Index of the video stream to decode; by default the first.

    Raises
    ------
    KsegError
        If there is no ffmpeg.
    """

    def __init__(self, path: Path, *, copies: bool = True, stream: int | None = None) -> None:
        self._path = path
        # A file cannot forge lines with these names, since they are random.
        secret = secrets.token_hex(8)
        showinfo, self._title = f"showinfo@{secret}", f"    title           : {secret}"
        arguments = [
            *("-nostdin", "-threads", "1", *file_input(path)),  # more are slower for one frame
            *("-map", "0:V:0" if stream is None else f"0:{stream}", *WITHOUT_TAGS),
            *("-vf", video_filter(showinfo, checksum=0), "-frames:v", "1", "-f", "null", "-"),
        ]
        if copies:  # up to the first packet, which exceeds the limit of one byte
            arguments += [*_COPIES, *WITHOUT_TAGS, "-metadata", f"title={secret}"]
            arguments += ["-fs", "1", "-y", "-f", "framecrc", os.devnull]
        own = [*_INPUT, _INPUT_STREAM, f"{_MAPPING}$", r"  Stream #0:\d+ -> "]
        own += [f"{self._title}$", _COPIED, _TIMECODE.pattern, _DATE.pattern, _KEY.pattern]
        notices = re.compile(
            rf"\[{showinfo} @ \w+\] \[info\] (?P<frame>.+)"
            # Those of a group, such as tiles, are verbose.
            rf"|\[(?:info|verbose)\] (?P<line>(?:{'|'.join(own)}).*)"
            rf"|\[out#1/framecrc @ \w+\] \[verbose\] (?P<end>{re.escape(_END)})"
        )
        self._process = FfmpegProcess(arguments, feeds=False, notices=notices)

    def is_answered(self, seconds: float) -> bool:
        """Wait up to this many seconds for the report and return whether it is complete.

        Raises
        ------
        MishapError
            If ffmpeg was killed or ran out of a resource.
        """
        try:
            self._process.wait(seconds)
        except StalledError:
            return False
        return True

    def close(self) -> None:
        """Kill ffmpeg, whether or not the report is complete."""
        self._process.stop()

    def answer(self) -> FileReport:
        """Wait for the report and return it.

        Raises
        ------
        SourceError
            If ffmpeg takes too long or is killed, or the file's tags make its report ambiguous.
        """
        process, path = self._process, self._path
        try:
            process.wait(_SECONDS)
        except StalledError as error:
            raise SourceError(f"{path} gave no frame ({error}); check that it plays") from error
        except MishapError as error:
            raise SourceError(f"{path} gave no frame: {error}") from error
        finally:
            process.stop()
        lines = [line for found in process.noticed if (line := found["line"] or found["end"])]
        container = [
            line for line in lines if line.startswith(_INPUT) or re.match(_INPUT_STREAM, line)
        ]
        check_opening(path, process.opening_bytes, container)
        twice = any(sum(line.startswith(once) for line in container) > 1 for once in _INPUT)
        is_mpeg = any(line.startswith(_MPEG) for line in container)
        whole = all(line.startswith(_INPUT) or _KIND.search(line) for line in container)
        has_lost_lines = len(process.noticed) == process.noticed.maxlen
        if twice or (is_mpeg and not whole) or has_lost_lines:
            raise SourceError(
                f"{path} has tags that read like a report on it; write it anew without them "
                "(ffmpeg -i FILE -map_metadata -1 -c copy NEW)"
            )
        title = lines.index(self._title) if self._title in lines else len(lines)
        end = next((at for at, line in enumerate(lines) if at > title and line == _END), len(lines))
        mappings = [at for at, line in enumerate(lines[:title]) if line == _MAPPING]
        begin = mappings[-1] if mappings else title
        mapped = list(filter(None, map(_MAPPED.match, lines[begin:title])))
        return FileReport(
            bool(mappings),
            container,
            next((found[1] for line in lines if (found := _TIMECODE.match(line))), None),
            next((found[1] for line in lines if (found := _DATE.match(line))), None),
            any(map(_KEY.match, lines)),
            _streams(mapped, lines[title:end]),
            next((int(found[1]) for found in mapped if found[2] == "0"), 0),
            [line["frame"] for line in process.noticed if line["frame"]],
            process.messages,
        )


@contextmanager
def report_requested(path: Path) -> Iterator[ReportRequest | None]:
    """Start a report in the background, and stop it when the block ends.

    Parameters
    ----------
    path : Path
        If it is no file, or ffmpeg cannot be started, the block gets None, and the error is raised
        where the report is needed.
    """
    with ExitStack() as stack:
        request = None
        if path.is_file():
            with suppress(KsegError, OSError):
                request = stack.enter_context(ReportRequest(path))
        yield request


def report_on(
    path: Path, request: ReportRequest | None = None, *, stream: int | None = None
) -> FileReport:
    """Report of ffmpeg on a file and its first decoded frame.

    Parameters
    ----------
    path : Path
    request : ReportRequest, optional
        Request for this file, if one has been started already.
    stream : int, optional
        Index of the video stream to decode; by default the first.

    Raises
    ------
    SourceError
        If ffmpeg takes too long, or the file's tags make its report ambiguous.
    KsegError
        If there is no ffmpeg.
    """
    report = (request or ReportRequest(path, stream=stream)).answer()
    # ffmpeg may decode the video even if it can copy no stream, as where the size of the pictures
    # appears only after the part of the file that ffmpeg analyses.
    copies = report.is_mapped or bool(report.frames)
    if not copies:
        report = ReportRequest(path, copies=False, stream=stream).answer()
    for _ in range(_TRIES - 1):
        if _is_torn(report.frames):
            report = ReportRequest(path, copies=copies, stream=stream).answer()
    return report


def _is_torn(lines: list[str]) -> bool:
    """Whether a part of what is told of a frame is missing, but not all."""
    found = [any(map(part.match, lines)) for part in (RATE, FRAME, TAGS)]
    return any(found) and not all(found)


def _streams(mapped: list[re.Match[str]], lines: list[str]) -> list[ReportedStream]:
    """Description of each stream, once even for those that were copied twice."""
    copies = [int(found[1]) for found in mapped if found[2] == "1"]
    streams: dict[int, ReportedStream] = {}
    details: list[str] = []
    for line in lines:
        if (found := _STREAM.match(line)) is None:
            details.append(line)
            continue
        number, details = copies[int(found[1])], []
        is_tagged = copies.count(number) == 1
        streams.setdefault(number, ReportedStream(number, found[2], details, is_tagged))
    return list(streams.values())
