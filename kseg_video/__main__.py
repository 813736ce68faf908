"""The command as a process of its own; also ``python -m kseg_video``."""

from __future__ import annotations

import os
import signal

TYPE_CHECKING = False  # the module of that name takes longer to import than all that is here
if TYPE_CHECKING:
    from typing import NoReturn


def entry() -> NoReturn:
    """Run the command and end the process with its exit code."""
    # Before anything is imported that takes its time; Python's own answer is a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from kseg_video.cli.signals import ignore_signals, leave_on_signals

    leave_on_signals()
    _open_standard_streams()
    from kseg_video.cli.main import main
    from kseg_video.cli.messages import all_was_taken
    from kseg_video.ffmpeg.cleanup import leftovers

    exit_code = main()
    leave_on_signals()  # all is tidy
    if not all_was_taken():
        exit_code = exit_code or 1
    ignore_signals()
    leftovers.undo_all()
    # At once: threads that are stuck in a computation are not waited for, and taking all modules
    # down again would take as long as writing several frames does.
    os._exit(exit_code)


def _open_standard_streams() -> None:
    """Keep a pipe or a file of ours from becoming a standard stream that somebody has closed."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


if __name__ == "__main__":
    entry()
