"""Several conversions at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

from kseg_video.cli.messages import told
from kseg_video.cli.opencv_setup import import_opencv, silence_libraries
from kseg_video.cli.signals import Stopped, in_background, leave_on_signals
from kseg_video.conversion.report import ConversionObserver, ConversionReport
from kseg_video.ffmpeg.cleanup import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from multiprocessing.connection import Connection
    from pathlib import Path

    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.timing import StageTimer

_ENDING_SECONDS = 4.0  # for a job to remove what is unfinished; after that it is killed
_FRAMES_BETWEEN_REPORTS = 5
_ENDING_SIGNALS = {signal.SIGINT, signal.SIGTERM}


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
    frames: int = 0
    total: int = 0
    report: ConversionReport | None = field(default=None, init=False)
    error: str = field(default="", init=False)

    def receive(self, message: object) -> None:
        """Note what the job's process says."""
        match message:
            case ("begun", int(total)):
                self.total = total
            case int(frames):
                self.frames = frames
            case str(error):
                self.error = error
            case ConversionReport() as report:
                self.report = report


def run_jobs(
    jobs: Sequence[Job], most: int, tell: Callable[[Sequence[Job]], None] | None
) -> Iterator[Job]:
    """Run jobs, several at a time; yield each when it has ended, whether it failed or not.

    Parameters
    ----------
    jobs : sequence of Job
    most : int
        Number of jobs at a time.
    tell : callable, optional
        Called with the running jobs whenever one of them has come on.
    """
    waiting = deque(jobs)
    running: dict[object, _Process] = {}
    leftover = leftovers.add(lambda: _end(list(running.values())))
    try:
        while waiting or running:
            while waiting and len(running) < most:
                with leftovers.being_made(), _signals_held_back():
                    process = _Process(waiting.popleft())
                    running[process.connection] = process
            for ready in wait([process.connection for process in running.values()]):
                process = running[ready]
                if not process.receive():
                    del running[ready]
                    yield process.job
            if tell is not None:
                tell([process.job for process in running.values()])
    finally:
        _end(list(running.values()))
        leftovers.forget(leftover)


class _Process:
    """The process of a job."""

    def __init__(self, job: Job) -> None:
        self.job = job
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(
            target=_work, args=(theirs, job.source, job.output, job.settings), daemon=True
        )
        self.process.start()
        theirs.close()

    def receive(self) -> bool:
        """Receive a message; False if the process has ended."""
        with suppress(EOFError, OSError):
            self.job.receive(self.connection.recv())
            return True
        self.process.join()
        self.connection.close()
        if self.job.report is None and not self.job.error:
            leftovers.check()  # whoever ends us ends this process, too
            code = self.process.exitcode or 0
            fate = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            self.job.error = f"{self.job.source} was not converted: its process {fate}"
        return False


def _end(processes: Sequence[_Process]) -> None:
    """End processes; each removes what it has not finished."""
    for each in processes:
        each.process.terminate()
    deadline = time.monotonic() + _ENDING_SECONDS
    for each in processes:
        each.process.join(max(deadline - time.monotonic(), 0))
        each.process.kill()


@contextmanager
def _signals_held_back() -> Iterator[None]:
    """Start a process to which signals come only once it can handle them."""
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(connection: Connection, source: Path, output: Path, settings: dict[str, Any]) -> None:
    """Convert, in the process of a job."""
    leave_on_signals()
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING_SIGNALS)
    threading.Thread(target=_end_with_parent, args=(connection,), daemon=True).start()
    import_opencv()
    silence_libraries()
    from kseg_video.conversion.convert import convert

    try:
        job = partial(convert, source, output, observer=_Reporter(connection), **settings)
        connection.send(in_background(job))
    except Stopped as stopped:
        sys.exit(stopped.exit_code)
    except Exception as error:  # noqa: BLE001 - told by the parent
        connection.send(told(error))


def _end_with_parent(connection: Connection) -> None:
    """End this process as soon as the one that started it is gone."""
    with suppress(EOFError, OSError):
        connection.recv()  # nothing is ever sent
    os.kill(os.getpid(), signal.SIGTERM)


class _Reporter(ConversionObserver):
    """Tells the parent how far a conversion is."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._frames = 0

    def on_start(
        self,
        _source: Path,
        _output: Path,
        info: VideoInfo,
        _timer: StageTimer,
        _bytes_written: Callable[[], int],
    ) -> None:
        self._connection.send(("begun", info.frame_count or 0))

    def on_frame(self, _frame: Frame, _segmentation: Segmentation) -> None:
        self._frames += 1
        if self._frames % _FRAMES_BETWEEN_REPORTS == 0:
            self._connection.send(self._frames)

    def on_finish(self, report: ConversionReport) -> None:
        """The report is sent when the conversion returns it."""
