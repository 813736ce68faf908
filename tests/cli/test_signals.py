"""A signal ends the work, whichever thread receives it and whatever it interrupts."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.helpers.commands import Outcome

WORK_IN_BACKGROUND = """
import signal, sys, threading
from kseg_video.ffmpeg.cleanup import leftovers
from kseg_video.cli.signals import Stopped, in_background
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which nohup has ignored
def work():
    undone = threading.Event()
    leftovers.add(undone.set)
    {signalling}
    undone.wait(60)
try:
    in_background(work)
except Stopped as stopped:
    sys.exit(stopped.exit_code)
"""


def run_script(script: str) -> Outcome:
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=10)
    return Outcome(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "signalling",
    [
        "signal.pthread_kill(threading.main_thread().ident, {number})",
        # Like one that arrives just before the main thread waits, it does not interrupt the wait.
        "signal.pthread_kill(threading.get_ident(), {number})",
    ],
)
def test_it_is_heeded_whichever_thread_it_wakes(number: int, signalling: str) -> None:
    signalling = signalling.format(number=int(number))
    outcome = run_script(WORK_IN_BACKGROUND.format(signalling=signalling))
    assert outcome == Outcome(128 + number, "", "")


WORK_THAT_IS_DONE = """
import signal, sys
from kseg_video.cli import signals
leave_on_signals = signals.leave_on_signals
def meanwhile(line):
    signal.raise_signal(signal.SIGTERM)
    leave_on_signals()
signals.leave_on_signals = meanwhile
try:
    signals.in_background(int)
except signals.Stopped as stopped:
    sys.exit(stopped.exit_code)
"""


def test_it_is_heeded_when_work_has_just_been_done() -> None:
    """It still counts, as the next of several inputs may follow."""
    assert run_script(WORK_THAT_IS_DONE) == Outcome(143, "", "")


IN_THE_MIDDLE_OF_NOTING = """
import signal
from kseg_video.ffmpeg.cleanup import leftovers
from kseg_video.cli.signals import leave_on_signals
class Signalling(int):
    def __hash__(self):
        signal.raise_signal(signal.SIGTERM)
        return 0
leave_on_signals()
leftovers.add(lambda: print("undone", flush=True))
leftovers.forget(Signalling(1))
"""


WHILE_SOMETHING_IS_MADE = """
import signal
from kseg_video.ffmpeg.cleanup import leftovers
from kseg_video.cli.signals import leave_on_signals
leave_on_signals("stopped")
with leftovers.being_made():
    signal.raise_signal(signal.SIGTERM)
    leftovers.add(lambda: print("undone", flush=True))
print("not reached")
"""


def test_what_is_being_made_meanwhile_is_undone() -> None:
    """For example a process that was started but is not yet registered for cleanup."""
    assert run_script(WHILE_SOMETHING_IS_MADE) == Outcome(143, "undone\n", "stopped\n")


def test_it_is_heeded_while_something_is_noted_to_be_undone() -> None:
    assert run_script(IN_THE_MIDDLE_OF_NOTING) == Outcome(143, "undone\n", "")
