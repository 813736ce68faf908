"""Conversions of several inputs at a time, each by a worker of an executor."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from kseg_video.cli.messages import told
from kseg_video.conversion.convert import convert
from kseg_video.conversion.report import ConversionObserver
from kseg_video.ffmpeg.cleanup import leftovers
from kseg_video.writing.temporary_files import TemporaryEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from kseg_video.conversion.report import ConversionReport
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.timing import StageTimer

_LOOK_SECONDS = 0.2  # between looks at how far jobs are


@dataclass(eq=False)
class Job:
    """The conversion of one input.

    Parameters
    ----------
    source, output : Path
    settings : dict
        Keyword arguments of `kseg_video.convert`.

    Attributes
    ----------
    frames, total : int
        Frames done, and how many there will be; 0 while that is not known.
    report : ConversionReport, optional
        Once the output is complete.
    error : str
        Why there is no output; empty unless the job has failed.
    """

    source: Path
    output: Path
    settings: dict[str, Any]
    frames: int = field(default=0, init=False)
    total: int = field(default=0, init=False)
    report: ConversionReport | None = field(default=None, init=False)
    error: str = field(default="", init=False)


def run_jobs(
    jobs: Sequence[Job], executor: Executor, tell: Callable[[Sequence[Job]], None] | None
) -> Iterator[Job]:
    """Run jobs; yield each when it has ended, whether it failed or not.

    Parameters
    ----------
    jobs : sequence of Job
    executor : Executor
        Its workers see the inputs and the folder of the first output.
    tell : callable, optional
        Called now and then with the jobs that run.
    """
    folder = TemporaryEntry(jobs[0].output, jobs[0].output.parent, 0o700, is_folder=True)
    try:
        running: dict[Future[ConversionReport], tuple[Job, Path]] = {}
        for number, job in enumerate(jobs):
            progress = folder.path / str(number)
            call = executor.submit(_convert, job.source, job.output, job.settings, progress)
            running[call] = job, progress
        while running:
            for future in wait(running, _LOOK_SECONDS, FIRST_COMPLETED).done:
                job, _ = running.pop(future)
                _end(job, future)
                yield job
            for job, progress in running.values():
                with suppress(OSError, ValueError):
                    job.frames, job.total = map(int, progress.read_text().split())
            if tell is not None:
                tell([job for job, progress in running.values() if progress.exists()])
    finally:
        folder.discard()


def _end(job: Job, future: Future[ConversionReport]) -> None:
    try:
        job.report = future.result()
    except Exception as error:  # noqa: BLE001 - told by the caller
        leftovers.check()  # whoever ends us ends the workers, too
        is_lost = isinstance(error, BrokenExecutor)
        job.error = f"{job.source} was not converted: {error}" if is_lost else told(error)


def _convert(
    source: Path, output: Path, settings: dict[str, Any], progress: Path
) -> ConversionReport:
    """Convert, in a worker."""
    leftover = leftovers.add(partial(_forget, progress))  # if we end, since the command has
    try:
        return convert(source, output, observer=_Reporter(progress), **settings)
    finally:
        leftovers.forget(leftover)


def _forget(progress: Path) -> None:
    """Remove what tells how far a job is, and the folder once it is empty."""
    with suppress(OSError):
        progress.unlink(missing_ok=True)
        progress.parent.rmdir()


class _Reporter(ConversionObserver):
    """Tells in a file how far a conversion is."""

    def __init__(self, progress: Path) -> None:
        self._progress = progress
        self._frames = self._total = 0
        self._told = 0.0

    def on_start(
        self,
        _source: Path,
        _output: Path,
        info: VideoInfo,
        _timer: StageTimer,
        _bytes_written: Callable[[], int],
    ) -> None:
        """Tell that it has begun."""
        self._total = info.frame_count or 0
        self._tell()

    def on_frame(self, _frame: Frame, _segmentation: Segmentation) -> None:
        """Tell it now and then."""
        self._frames += 1
        if time.monotonic() >= self._told + _LOOK_SECONDS:
            self._tell()

    def on_finish(self, report: ConversionReport) -> None:
        """The report is returned by the conversion."""

    def _tell(self) -> None:
        self._told = time.monotonic()
        with suppress(OSError):  # the command that waits for it has ended
            self._progress.write_text(f"{self._frames} {self._total}")
