"""Processes on this machine that make calls: an executor whose workers may be killed one by one."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import contextmanager, suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar

from kseg_video.cli.opencv_setup import import_opencv, silence_libraries
from kseg_video.cli.signals import Stopped, in_background, leave_on_signals
from kseg_video.ffmpeg.cleanup import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

_ENDING_SECONDS = 4.0  # for a worker to remove what is unfinished; after that it is killed
_ENDING_SIGNALS = {signal.SIGINT, signal.SIGTERM}

_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")


class WorkerLostError(BrokenExecutor):
    """The process that made a call has ended."""


class WorkerProcesses(Executor):
    """Makes calls in several processes at a time.

    If a process ends in the middle of a call, that call fails with `WorkerLostError`, and another
    process takes its place.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self._calls: SimpleQueue[_Call[Any] | None] = SimpleQueue()
        self._workers = [_Worker(self._calls) for _ in range(count)]
        self._leftover = leftovers.add(self._end)
        for worker in self._workers:
            worker.thread.start()

    def submit(
        self,
        fn: Callable[_Parameters, _Result],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Future[_Result]:
        """Make a call as soon as a process is free; see `concurrent.futures.Executor`."""
        future: Future[_Result] = Future()
        self._calls.put(_Call(partial(fn, *args, **kwargs), future))
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:  # noqa: ARG002 - as in the base class
        """End the processes, whatever they do."""
        self._end()
        for _ in self._workers:
            self._calls.put(None)
        for worker in self._workers:
            worker.thread.join(_ENDING_SECONDS)
        leftovers.forget(self._leftover)

    def _end(self) -> None:
        deadline = time.monotonic() + _ENDING_SECONDS
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.kill_after(deadline)


class _Call(Generic[_Result]):
    """A call and the future of its result."""

    def __init__(self, call: Callable[[], _Result], future: Future[_Result]) -> None:
        self.call = call
        self.future = future

    def make(self, worker: _Worker) -> None:
        """Have a worker make the call, unless it is cancelled."""
        if not self.future.set_running_or_notify_cancel():
            return
        try:
            self.future.set_result(worker.made(self.call))
        except BaseException as error:  # noqa: BLE001 - raised by the future
            self.future.set_exception(error)


class _Worker:
    """A thread that hands calls to a process of its own, and starts another if that ends."""

    def __init__(self, calls: SimpleQueue[_Call[Any] | None]) -> None:
        self._calls = calls
        self._process: _Process | None = None
        self._ends = False
        self.thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def terminate(self) -> None:
        """Have the process remove what it has not finished, and end."""
        self._ends = True
        if (process := self._process) is not None:
            process.process.terminate()

    def kill_after(self, deadline: float) -> None:
        """Kill the process if it has not ended by a time of the monotonic clock."""
        if (process := self._process) is not None:
            process.process.join(max(deadline - time.monotonic(), 0))
            process.process.kill()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            if self._ends:
                call.future.cancel()
            call.make(self)

    def made(self, call: Callable[[], _Result]) -> _Result:
        """Have the process make a call, and return its result.

        Raises
        ------
        WorkerLostError
            If it ends meanwhile.
        Exception
            Whatever the call raises.
        """
        if self._process is None:
            with leftovers.being_made():
                self._process = _Process()
        try:
            self._process.connection.send(call)
            is_result, answer = self._process.connection.recv()
        except (EOFError, OSError):
            process, self._process = self._process.process, None
            process.join()
            code = process.exitcode or 0
            fate = f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
            raise WorkerLostError(f"its process {fate}") from None
        if not is_result:
            raise answer
        result: _Result = answer
        return result


class _Process:
    """A process that makes the calls that come through a connection."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._alive, watched = context.Pipe()  # closed by the system when we end
        self.process = context.Process(target=_serve, args=(theirs, watched), daemon=True)
        with _signals_held_back():
            self.process.start()
        theirs.close()
        watched.close()


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


def _serve(calls: Connection, parent: Connection) -> None:
    """Make calls, in a process of its own."""
    leave_on_signals()
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _ENDING_SIGNALS)
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    import_opencv()
    silence_libraries()
    with suppress(EOFError, OSError):
        while True:
            call = calls.recv()
            try:
                answer = True, in_background(call)
            except Stopped as stopped:
                sys.exit(stopped.exit_code)
            except Exception as error:  # noqa: BLE001 - raised again by the future
                answer = False, error
            calls.send(answer)


def _end_with_parent(parent: Connection) -> None:
    """End this process as soon as the one that started it is gone."""
    with suppress(EOFError, OSError):
        parent.recv()  # nothing is ever sent
    os.kill(os.getpid(), signal.SIGTERM)
