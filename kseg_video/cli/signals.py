"""Signals that end the command: what they interrupt is left tidy, however deep in work it is.

The work is done in a thread; the main thread, in which Python handles signals, then does nothing
but wait for its end or for a signal. So a signal never tears a statement of the work in two, and is
answered even while a long computation lets no Python run.
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

_ENDING_SECONDS = 3.0  # that work gets to end by itself once all it waits for is gone
# A signal that arrives between Python's last look for one and the wait, or that the system delivers
# to another thread, does not end the wait.
_LOOK_SECONDS = 0.1
_ALWAYS = frozenset({signal.SIGINT, signal.SIGTERM})
# Signals that end nothing, cannot be handled, or say that the program itself is at fault.
_OTHERS = frozenset(
    getattr(signal, f"SIG{name}", None)
    for name in (
        *("CHLD", "CLD", "CONT", "URG", "WINCH", "INFO", "TSTP", "TTIN", "TTOU", "STOP", "KILL"),
        *("SEGV", "BUS", "FPE", "ILL", "TRAP", "SYS", "EMT"),
    )
)


class Stopped(BaseException):
    """A signal asked us to end; not an `Exception`, so that nothing takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def leave_on_signals(line: str = "") -> None:
    """End at once, with the signal's exit code, from now on.

    While modules are imported there is no work to be told of it, and what is raised may be lost:
    the import system runs callbacks in which exceptions count for nothing.

    Parameters
    ----------
    line : str
        Said on standard error then.
    """

    def leave(number: int) -> NoReturn:
        leftovers.undo_all()
        if line:  # past the stream, which may be in the middle of something
            with contextlib.suppress(OSError):
                os.write(2, f"{line}\n".encode())
        os._exit(128 + number)

    on_signals(lambda number, _: leftovers.when_made(partial(leave, number)))


def ignore_signals() -> None:
    """Let nothing change the end that the program has come to."""
    on_signals(signal.SIG_IGN)


def in_background(work: Callable[[], _Result], line: str = "") -> _Result:
    """Do some work in a thread, and wait for it or for a signal.

    Parameters
    ----------
    work : callable
    line : str
        Afterwards signals end the program with it, as `leave_on_signals` has it.

    Raises
    ------
    Stopped
        If a signal came; child processes and half-written files are gone then.
    BaseException
        Whatever the work raises.
    """
    # A signal's handler may put something into a queue of this class at any moment.
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
            _, error = results.get_nowait()  # a signal has come meanwhile
    if isinstance(error, Stopped):
        leftovers.undo_all()
        thread.join(_ENDING_SECONDS)
    if error is not None:
        raise error
    return result  # type: ignore[return-value]  # there is one where there is no error


def _first(results: SimpleQueue[_Item]) -> _Item:
    """Wait for the first item, in a way that lets Python handle signals."""
    while True:
        with contextlib.suppress(Empty):
            return results.get(timeout=_LOOK_SECONDS)


def on_signals(handler: Callable[[int, FrameType | None], None] | signal.Handlers) -> None:
    """Have the signals handled that end a program which does not care about them.

    Those that somebody has ignored, as nohup does, or taken for something else stay as they are,
    except Ctrl-C and SIGTERM.
    """
    for number in signal.valid_signals() - _OTHERS:
        if number in _ALWAYS or signal.getsignal(number) not in (None, signal.SIG_IGN):
            signal.signal(number, handler)


def stopped_line(options: argparse.Namespace) -> str:
    """What is said once a signal has ended the program; not all commands can be quiet."""
    if getattr(options, "quiet", False):
        return ""
    return "kseg-video: stopped; no unfinished output is left"
