"""Run the command as users do: in a process of its own, and on a terminal."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kseg_video.ffmpeg.process import environment

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = (sys.executable, "-m", "kseg_video")
NOBODY = 65534
# Another user, who may read and write all files only by capabilities.
AS_ANOTHER = (
    *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"),
    *("--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search"),
)

_PR_CAPBSET_DROP, _CAPABILITIES = 24, 64  # of Linux's prctl

# A process starts with the peak of the one that starts it: a small one, unlike that of the tests.
_MEASURED = """
import pathlib, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
pathlib.Path(sys.argv[1]).write_text(str(peak))
sys.exit(code)
"""


@dataclass(frozen=True)
class Outcome:
    """Exit code and output of a run of the command."""

    code: int
    out: str
    err: str


def without_rights() -> None:
    """Take from a child process of root's, before it starts, what others may not do either."""
    system = ctypes.CDLL(None)
    for capability in range(_CAPABILITIES):
        system.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        text=True,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options},
    )


def finish(process: subprocess.Popen[str], seconds: float = 60) -> Outcome:
    out, err = process.communicate(timeout=seconds)
    return Outcome(process.returncode, out, err)


def run(*arguments: str | Path, **options: Any) -> Outcome:
    return finish(start(*arguments, **options))


def run_measured(*arguments: str | Path) -> tuple[Outcome, float]:
    """Run the command; return its outcome and the peak memory of its largest process in MiB."""
    with tempfile.NamedTemporaryFile("r") as peak:
        command = [sys.executable, "-c", _MEASURED, peak.name, *COMMAND, *map(str, arguments)]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
        return Outcome(done.returncode, done.stdout, done.stderr), int(peak.read()) / 1024


def run_on_terminal(
    *arguments: str | Path, size: tuple[int, int] = (24, 100), **variables: str
) -> Outcome:
    """Run with a pseudo-terminal as standard error; its output there is `err`."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        stdin=theirs,
        env={**environment(), "TERM": "xterm-256color", "COLORTERM": "truecolor", **variables},
    )
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # the last user of the terminal has closed it
        while chunk := os.read(ours, 4096):
            shown += chunk
    os.close(ours)
    out, _ = process.communicate(timeout=60)
    return Outcome(process.returncode, out.decode(), shown.decode())
