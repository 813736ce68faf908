"""What ffmpeg itself reports on a video file, and a request for it that runs beside other work.

Where ffmpeg describes its input, it prints languages, names of tags and the file's name as they
are, whole lines among them that read like its own. So the streams are copied as well, without their
tags, into an output that is described in its turn: after a title that nobody can guess, and before
anything more is read of the file. What the input's description alone tells is believed if it is
told once.

Importing what a conversion needs takes as long as ffmpeg does for its report, so the command
requests the report first and hands the request on: nothing is imported here that takes its time.
The ffmpeg is started before the first of those modules is imported: they set environment variables,
and a process that another thread starts meanwhile may be given a torn environment.
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
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 60
_MAPPING = "Stream mapping:"
# Of lines on the input, those that a report has one of, and the streams of MPEG streams.
_INPUT = ("Input #0, ", "  Duration: ")
_MPEG_STREAM = r"  Stream #0:\d+\[0x"
_COPIED = r"  Stream #1:\d+: |      (?i:display ?matrix): "
_END = "Starting thread..."  # of the output's own, after which the file is read on
_MAPPED = re.compile(r"  Stream #0:(\d+) -> #(\d+):(\d+) ")
_STREAM = re.compile(r"  Stream #1:(\d+): (.*)")
# Each stream, and once more those that have no opacity, by which Matroska's have this tag.
_COPIES = ("-map", "0:u", "-map", "-0:m:alpha_mode:1", "-map", "0:u", "-c", "copy")


class ReportedStream(NamedTuple):
    """What ffmpeg says of a stream of which it knows enough to copy it.

    Attributes
    ----------
    number : int
        In the file.
    text : str
        Kind, codec and such.
    details : list of str
        Further lines.
    is_tagged_alpha : bool
        Whether it is tagged, as Matroska's streams are, to have opacity.
    """

    number: int
    text: str
    details: list[str]
    is_tagged_alpha: bool


class FileReport(NamedTuple):
    """What ffmpeg reports on a file: lines of ffmpeg's own, without tags and names.

    Attributes
    ----------
    is_mapped : bool
        Whether ffmpeg came so far as to say what becomes of which stream.
    container : list of str
        On the container and, of MPEG streams, its streams.
    streams : list of ReportedStream
    shown : int
        Number in the file of the stream that was decoded.
    frames : list of str
        Of its first frames, by the ``showinfo`` filter.
    errors : list of str
    """

    is_mapped: bool
    container: list[str]
    streams: list[ReportedStream]
    shown: int
    frames: list[str]
    errors: list[str]


class ReportRequest(ClosingContext):
    """An ffmpeg at work on the report on a file, from the moment that this is made.

    Parameters
    ----------
    path : Path
    copies : bool
        Whether its streams are copied to be described (see the module).

    Raises
    ------
    KsegError
        If there is no ffmpeg.
    """

    def __init__(self, path: Path, *, copies: bool = True) -> None:
        self._path = path
        # Nobody who makes a file can guess these names, and have ffmpeg say what it never said.
        secret = secrets.token_hex(8)
        showinfo, self._title = f"showinfo@{secret}", f"    title           : {secret}"
        arguments = [
            *("-nostdin", "-threads", "1", *file_input(path)),  # of one frame, more cost time
            *("-map", "0:V:0", "-vf", video_filter(showinfo, checksum=0), *WITHOUT_TAGS),
            *("-frames:v", "1", "-f", "null", "-"),
        ]
        if copies:  # which end with the first packet, since it makes them larger than a byte
            arguments += [*_COPIES, *WITHOUT_TAGS, "-metadata", f"title={secret}"]
            arguments += ["-fs", "1", "-y", "-f", "framecrc", os.devnull]
        own = [*_INPUT, _MPEG_STREAM, f"{_MAPPING}$", r"  Stream #0:\d+ -> "]
        own += [f"{self._title}$", _COPIED]
        notices = re.compile(
            rf"\[{showinfo} @ \w+\] \[info\] (?P<frame>.+)|\[info\] (?P<line>(?:{'|'.join(own)}).*)"
            rf"|\[out#1/framecrc @ \w+\] \[verbose\] (?P<end>{re.escape(_END)})"
        )
        self._process = FfmpegProcess(arguments, feeds=False, notices=notices)

    def is_answered(self, seconds: float) -> bool:
        """Whether the report is there; waits so long for it at the most.

        Raises
        ------
        MishapError
            If ffmpeg came to an end that was not its own.
        """
        try:
            self._process.wait(seconds)
        except StalledError:
            return False
        return True

    def close(self) -> None:
        """End the ffmpeg, whether or not it has answered."""
        self._process.stop()

    def answer(self) -> FileReport:
        """The report, which is waited for.

        Raises
        ------
        SourceError
            If it takes too long or is ended, or tags of the file make it unclear what ffmpeg says.
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
            line for line in lines if line.startswith(_INPUT) or re.match(_MPEG_STREAM, line)
        ]
        twice = any(sum(line.startswith(once) for line in container) > 1 for once in _INPUT)
        if twice or len(process.noticed) == process.noticed.maxlen:  # which has lost some, then
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
            _streams(mapped, lines[title:end]),
            next((int(found[1]) for found in mapped if found[2] == "0"), 0),
            [line["frame"] for line in process.noticed if line["frame"]],
            process.messages,
        )


@contextmanager
def report_requested(path: Path) -> Iterator[ReportRequest | None]:
    """Have a report made while the block goes on.

    Parameters
    ----------
    path : Path
        If it is no file, or ffmpeg cannot be started, nothing is requested: who needs the report
        is told why there is none.
    """
    with ExitStack() as stack:
        request = None
        if path.is_file():
            with suppress(KsegError, OSError):
                request = stack.enter_context(ReportRequest(path))
        yield request


def report_on(path: Path, request: ReportRequest | None = None) -> FileReport:
    """What ffmpeg says while it decodes a file's first frame and shows what it is.

    Parameters
    ----------
    path : Path
    request : ReportRequest, optional
        For this file, if it has been made already.

    Raises
    ------
    SourceError
        If it takes too long, or tags of the file make it unclear what ffmpeg says.
    KsegError
        If there is no ffmpeg.
    """
    report = (request or ReportRequest(path)).answer()
    if not report.is_mapped and not report.frames:
        # With no stream that can be copied, its pictures may be decoded for all that: their size
        # comes later than ffmpeg looks for it.
        return ReportRequest(path, copies=False).answer()
    return report


def _streams(mapped: list[re.Match[str]], lines: list[str]) -> list[ReportedStream]:
    """What is said of each stream, of those that have been copied twice once."""
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
