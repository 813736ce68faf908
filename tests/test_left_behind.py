"""Hidden files of unfinished outputs: gone however a run ends, and at the latest with the next."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import pytest

from tests.commands import Outcome, finish, start
from tests.media import ffmpeg, inspect, left_in, make_clip
from tests.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

STOPPED_LINE = "kseg-video: stopped; no unfinished output is left\n"
SECONDS = 5
QUICK = ("SIGQUIT", "SIGUSR1", "SIGALRM", "SIGABRT")
OTHERS = ("SIGUSR2", "SIGVTALRM", "SIGPROF", "SIGXCPU", "SIGIO", "SIGRTMIN", "SIGRTMAX")
ENDING = [*QUICK, *(pytest.param(name, marks=pytest.mark.thorough) for name in OTHERS)]
# Each a way of writing: by ffmpeg, in this process, many files, beside the picture.
OUTPUTS = ["out.mp4", "out.gif", "out-%d.png", "out.npz"]


@pytest.fixture(scope="session")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Longer than any test waits for."""
    folder = tmp_path_factory.mktemp("clips")
    clip = make_clip(folder / "clip.mp4", seconds=2)
    ffmpeg("-stream_loop", "500", "-i", clip, "-c", "copy", folder / "long.mp4")
    return folder / "long.mp4"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outputs").mkdir()
    return tmp_path / "outputs"


def begin(clip: Path, folder: Path, name: str) -> subprocess.Popen[str]:
    """Start a conversion that is at work when this returns."""
    view = ("--view", "labels") if name.endswith(".npz") else ()
    stats = ("--stats", folder / "out.csv")
    process = start("convert", clip, "-o", folder / name, *stats, "-k", "2", "-y", *view)
    wait_until(lambda: len(left_in(folder)) >= 2)
    time.sleep(0.3)
    return process


@pytest.mark.parametrize("name", ENDING)
def test_whatever_signal_ends_it_nothing_is_left(long_clip: Path, folder: Path, name: str) -> None:
    number = getattr(signal, name)
    process = begin(long_clip, folder, "out.mp4")
    process.send_signal(number)
    assert finish(process, SECONDS) == Outcome(128 + number, "", STOPPED_LINE)
    assert left_in(folder) == []


def test_signals_that_end_nothing_do_not(long_clip: Path, folder: Path) -> None:
    process = start("convert", long_clip, "-o", folder / "out.mp4", "--end", "4", "-q")
    wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()))
    for name in ("SIGWINCH", "SIGURG", "SIGCHLD", "SIGCONT", "SIGPIPE"):
        process.send_signal(getattr(signal, name))
    assert finish(process) == Outcome(0, "", "")


@pytest.mark.parametrize(
    ("name", "code"), [("SIGTERM", 0), ("SIGHUP", 0), ("SIGINT", 130), ("SIGUSR1", 138)]
)
def test_live_finishes_its_recording_whatever_ends_it(tmp_path: Path, name: str, code: int) -> None:
    clip = make_clip(tmp_path / "clip.mkv", "-c:v", "ffv1", size="160x120", seconds=1)
    target = tmp_path / "take.mp4"
    process = start("live", clip, "--loop", "--preview", "none", "-q", "--record", target)
    wait_until(lambda: target.exists() and target.stat().st_size)
    process.send_signal(getattr(signal, name))
    assert finish(process, 20) == Outcome(code, "", "")
    assert inspect(target).frames >= 1
