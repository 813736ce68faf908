"""What ffmpeg itself reports on a video file, asked for ahead where there is other work to do.

Importing what a conversion needs takes as long as ffmpeg does for its report, so the command has
both done at once: nothing is imported here that takes its time.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

from kseg_video.errors import SourceError
from kseg_video.ffmpeg import FfmpegProcess, file_input
from kseg_video.stalls import StalledError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SECONDS = 60


class _Question:
    """A report that is on its way."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answers: SimpleQueue[str | BaseException] = SimpleQueue()
        threading.Thread(target=self._ask, name="report", daemon=True).start()

    def answer(self) -> str:
        """Wait for it."""
        answer = self._answers.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _ask(self) -> None:
        try:
            self._answers.put(_report(self._path))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._answers.put(error)


_asked: dict[Path, _Question] = {}


@contextmanager
def asked_ahead(path: Path) -> Iterator[None]:
    """Have the report made while the block goes on; who needs it in there waits for it.

    Parameters
    ----------
    path : Path
        If it is no file, nothing is asked.
    """
    if path.is_file():
        _asked[path] = _Question(path)
    try:
        yield
    finally:
        _asked.pop(path, None)


def report_on(path: Path) -> str:
    """What ffmpeg says while it decodes a file's first frame and shows what it is.

    Raises
    ------
    SourceError
        If it takes too long.
    KsegError
        If there is no ffmpeg.
    """
    question = _asked.pop(path, None)
    return _report(path) if question is None else question.answer()


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
        process.wait(_SECONDS)
    except StalledError as error:
        raise SourceError(f"{path} gave no frame ({error}); check that it plays") from error
    finally:
        process.stop()
    return "\n".join(process.messages)
