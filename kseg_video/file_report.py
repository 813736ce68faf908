"""What ffmpeg itself reports on a video file, asked for ahead where there is other work to do.

Importing what a conversion needs takes as long as ffmpeg does for its report, so the command has
both done at once: nothing is imported here that takes its time. It is started before the first of
those modules is: they set environment variables, and a process that another thread starts
meanwhile may be given a torn environment.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from kseg_video.errors import KsegError, SourceError
from kseg_video.ffmpeg import WITHOUT_TAGS, FfmpegProcess, file_input
from kseg_video.filters import video_filter
from kseg_video.stalls import StalledError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 60
_MAPPING = "Stream mapping:"
# What a container says of itself; lines of tags stand further to the right, but for the one that
# is how Matroska says that there is opacity.
_HEADER = (
    r"Input #0, |  Duration: |  Stream #| {6}(?i:alpha_mode) +: 1$| {6}(?i:display ?matrix): |"
    + _MAPPING
)

_asked: dict[Path, FfmpegProcess] = {}


class FileReport(NamedTuple):
    """What ffmpeg reports on a file: lines of ffmpeg's own, without tags and names.

    Attributes
    ----------
    header : list of str
        Of the container and its streams.
    mapping : list of str
        Of the stream that was decoded.
    frames : list of str
        Of its first frames, by the ``showinfo`` filter.
    errors : list of str
    """

    header: list[str]
    mapping: list[str]
    frames: list[str]
    errors: list[str]


@contextmanager
def asked_ahead(path: Path) -> Iterator[None]:
    """Have the report made while the block goes on; who needs it in there waits for it.

    Parameters
    ----------
    path : Path
        If it is no file, nothing is asked.
    """
    if path.is_file():
        with suppress(KsegError, OSError):  # it may not be needed; who needs it is told
            _asked[path] = _ask(path)
    try:
        yield
    finally:
        if (process := _asked.pop(path, None)) is not None:
            process.stop()


def has_reported(path: Path, seconds: float) -> bool:
    """Whether a report that has been asked for ahead is there; waits so long at the most."""
    process = _asked.get(path)
    if process is None:
        return False
    try:
        process.wait(seconds)
    except StalledError:
        return False
    return True


def report_on(path: Path) -> FileReport:
    """What ffmpeg says while it decodes a file's first frame and shows what it is.

    Raises
    ------
    SourceError
        If it takes too long.
    KsegError
        If there is no ffmpeg.
    """
    process = _asked.pop(path, None) or _ask(path)
    try:
        process.wait(_SECONDS)
    except StalledError as error:
        raise SourceError(f"{path} gave no frame ({error}); check that it plays") from error
    finally:
        process.stop()
    header = [line["header"] for line in process.noticed if line["header"]]
    # The last one is ffmpeg's own: what a file says of itself stands before it.
    end = max((at for at, line in enumerate(header) if line == _MAPPING), default=len(header))
    frames = [line["frame"] for line in process.noticed if line["frame"]]
    return FileReport(header[:end], header[end + 1 :], frames, process.messages)


def _ask(path: Path) -> FfmpegProcess:
    # Nobody who makes a file can guess the filter's name, and have it say what it never said.
    showinfo = f"showinfo@{secrets.token_hex(8)}"
    return FfmpegProcess(
        [
            *("-nostdin", "-threads", "1", *file_input(path)),  # of one frame, more cost time
            *("-map", "0:V:0", "-vf", video_filter(showinfo, checksum=0), *WITHOUT_TAGS),
            *("-frames:v", "1", "-f", "null", "-"),
        ],
        feeds=False,
        notices=re.compile(
            rf"\[{showinfo} @ \w+\] \[info\] (?P<frame>.+)|\[info\] (?P<header>(?:{_HEADER}).*)"
        ),
    )
