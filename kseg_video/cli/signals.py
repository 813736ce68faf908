"""Signals that end the command: stop the work, remove unfinished files, exit with the right code.

The work runs in a thread. The main thread, in which Python runs signal handlers, only waits for the
work to end or for a signal. So a signal never interrupts a statement of the work, and is answered
even while the work is inside a long native call.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, NoReturn, TypeVar

from kseg_video.ffmpeg.cleanup import leftovers

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import FrameType


_Result = TypeVar("_Result")
_Item = TypeVar("_Item")

KEPT_LINE = "finished pieces are kept beside the output, and the same command goes on from them"
# Time for the work to end by itself once its child processes are gone. More: a slower exit if it
# hangs; less: the process may exit under work that is about to end.
_ENDING_SECONDS = 3.0
# A signal that arrives just before the wait begins, or that the system delivers to another thread,
# does not interrupt the wait, which is therefore cut into slices. More: slower to answer such a
# signal; less: more wakeups.
_LOOK_SECONDS = 0.1
_ALWAYS = frozenset({signal.SIGINT, signal.SIGTERM})
# Signals that do not end a process, cannot be handled, or report a crash of our own.
_OTHERS = frozenset(
    getattr(signal, f"SIG{name}", None)
    for name in (
        *("CHLD", "CLD", "CONT", "URG", "WINCH", "INFO", "TSTP", "TTIN", "TTOU", "STOP", "KILL"),
        *("SEGV", "BUS", "FPE", "ILL", "TRAP", "SYS", "EMT"),
    )
)


class Stopped(BaseException):
    """A signal ends the command; no `Exception`, so that no handler takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def leave_on_signals(line: str = "") -> None:
    """Make signals end the process at once, with the signal's exit code.

    For times when no work runs in a thread, such as imports: the import system runs callbacks that
    swallow exceptions, so raising `Stopped` from a handler would not be reliable.

    Parameters
    ----------
    line : str
        Message for standard error when a signal comes; empty for none.
    """

    def leave(number: int) -> NoReturn:
        leftovers.undo_all()
        if line:  # not through sys.stderr, whose buffer the signal may have interrupted
            with contextlib.suppress(OSError):
                os.write(2, f"{line}\n".encode())
        os._exit(128 + number)

    on_signals(lambda number, _: leftovers.when_made(partial(leave, number)))


def ignore_signals() -> None:
    """Ignore signals from now on, so that they cannot change the exit code."""
    on_signals(signal.SIG_IGN)


def in_background(work: Callable[[], _Result], line: str = "") -> _Result:
    """Run work in a thread, wait for it or for a signal, and return its result.

    Parameters
    ----------
    work : callable
        Called without arguments.
    line : str
        Message if a signal ends the process after the work (see `leave_on_signals`).

    Raises
    ------
    Stopped
        If a signal came; child processes are ended and unfinished files removed by then.
    BaseException
        Whatever the work raises.
    """
    # SimpleQueue.put is reentrant: a signal handler may call it at any moment.
    results: SimpleQueue[tuple[_Result | None, BaseException | None]] = SimpleQueue()

    def do() -> None:
        try:
            results.put((work(), None))
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            results.put((None, error))

    thread = threading.Thread(target=do, name="work", daemon=True)
    on_signals(lambda number, _: results.put((None, Stopped(number))))
    thread.start()
    result, error = _first(results)
    if not isinstance(error, Stopped):
        leave_on_signals(line)
        thread.join()
        with contextlib.suppress(Empty):
            _, error = results.get_nowait()  # a signal that came in the meantime
    if isinstance(error, Stopped):
        leftovers.undo_all()
        thread.join(_ENDING_SECONDS)
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # None only with an error


def _first(results: SimpleQueue[_Item]) -> _Item:
    """Wait for the first item; wake up regularly, so that Python runs signal handlers."""
    while True:
        with contextlib.suppress(Empty):
            return results.get(timeout=_LOOK_SECONDS)


def on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Set the handler of all signals that end a process by default.

    Signals that are ignored, as under nohup, or handled outside Python keep their handler, except
    Ctrl-C and SIGTERM.
    """
    for number in signal.valid_signals() - _OTHERS:
        if number in _ALWAYS or signal.getsignal(number) not in (None, signal.SIG_IGN):
            signal.signal(number, handler)


def stopped_line(options: argparse.Namespace) -> str:
    """Message for when a signal has ended the command; empty with ``--quiet``."""
    if getattr(options, "quiet", False):
        return ""
    if getattr(options, "resume", False):
        return f"kseg-video: stopped; {KEPT_LINE}"
    return "kseg-video: stopped; no unfinished output is left"
