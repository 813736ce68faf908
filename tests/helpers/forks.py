"""The command in forks of one process that has loaded all its modules: many runs in little time.

Each fork runs like a process of its own, from the program's entry point to its exit code.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tests.helpers.commands import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

_STREAMS = ("stdin", "stdout", "stderr")
_LOOK_SECONDS = 0.002


class Forks:
    """A process that waits for command lines; a context manager.

    Parameters
    ----------
    folder : Path
        Where standard streams are kept meanwhile.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        (self._folder / "stdin").touch()
        self._server = subprocess.Popen(
            [sys.executable, "-m", "tests.helpers.forks", self._folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def run(self, arguments: Sequence[str], cwd: Path, seconds: float) -> Outcome:
        """Run the command; kill it if it has not ended after so many seconds."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        self._server.stdin.write(json.dumps([arguments, str(cwd), seconds]) + "\n")
        self._server.stdin.flush()
        code = int(self._server.stdout.readline())
        out, err = ((self._folder / name).read_bytes() for name in _STREAMS[1:])
        return Outcome(code, out.decode(errors="replace"), err.decode(errors="replace"))


def _serve(folder: Path) -> None:
    if sys.platform == "win32":
        return
    from kseg_video import __main__
    from kseg_video.cli import live_command, palette_command, progress
    from kseg_video.conversion import convert, reader_writer_threads

    assert all((convert, live_command, palette_command, progress, reader_writer_threads))
    for line in sys.stdin:
        arguments, cwd, seconds = json.loads(line)
        number = os.fork()
        if number == 0:
            os.setsid()
            for target, name in enumerate(_STREAMS):
                flags = os.O_RDONLY if name == "stdin" else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                os.dup2(os.open(folder / name, flags), target)
            os.chdir(cwd)
            sys.argv[1:] = arguments
            __main__.entry()
        print(_exit_code(number, seconds), flush=True)


def _exit_code(number: int, seconds: float) -> int:
    """Exit code of a child, in the convention of `subprocess`."""
    if sys.platform == "win32":
        return 0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ended, progress = os.waitpid(number, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(progress)
        time.sleep(_LOOK_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(number, 9)
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


if __name__ == "__main__":
    _serve(Path(sys.argv[1]))
