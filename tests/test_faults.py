"""What may happen to a conversion: one clear line, the right exit code, nothing left behind."""

from __future__ import annotations

import re
import signal
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.commands import Outcome, finish, run, start
from tests.faulty_ffmpeg import faulty_ffmpeg
from tests.media import ffmpeg, make_clip

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

QUICK = pytest.mark.quick
STOPPED = [
    pytest.param(signal.SIGINT, 130, marks=QUICK),
    (signal.SIGTERM, 143),
    (signal.SIGHUP, 129),
]
SECONDS = 5  # in which everything has to be over once something has happened


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound."""
    return make_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", sound=True, seconds=2)


@pytest.fixture(scope="session")
def long_clip(clip: Path) -> Path:
    """Three minutes with sound: more than any test waits for."""
    path = clip.with_name("long.mp4")
    ffmpeg("-stream_loop", "90", "-i", clip, "-c", "copy", path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where outputs go, and nothing else is."""
    path = tmp_path / "outputs"
    path.mkdir()
    return path


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def heeds(process: subprocess.Popen[str], number: int) -> bool:
    """Whether a process is far enough to handle a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s+(\w+)$", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def assert_failed(outcome: Outcome, message: str) -> None:
    assert re.fullmatch(rf"kseg-video: error: .*{message}.*\n", outcome.err), outcome.err
    assert (outcome.code, outcome.out) == (1, "")


class TestWholeOrAbsent:
    """An encoder that ended well may still have lost something."""

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            ('ffmpeg "$@"; truncate -s -9000 "$last"', "was written but is not whole"),
            ('ffmpeg "$@"; : > "$last"', "is not whole .0 of 50 frames"),
            ('ffmpeg "$@" && rm "$last"', "is not whole .0 of 50 frames"),
            ('ffmpeg "${@:1:$#-1}" -frames:v 49 "${!#}"', "is not whole .49 of 50 frames"),
            ('ffmpeg "${@/25/24}"', r"is not whole .it lasts 2\.083 s instead of 2\.000 s"),
        ],
    )
    def test_what_is_not_whole_is_absent(
        self, clip: Path, folder: Path, tmp_path: Path, fault: str, message: str
    ) -> None:
        environment = faulty_ffmpeg(tmp_path, "encode", fault)
        (folder / "out.mp4").write_text("precious")
        outcome = run("convert", clip, "-o", folder / "out.mp4", "-y", env=environment)
        assert_failed(outcome, message)
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"


@pytest.mark.thorough
@pytest.mark.parametrize(("number", "code"), STOPPED)
class TestSignals:
    """Silence, the signal's exit code, and nothing left behind."""

    def test_at_the_start(self, long_clip: Path, folder: Path, number: int, code: int) -> None:
        for pause in (0, 0.1, 0.3):
            process = start("convert", long_clip, "-o", folder / "out.mp4")
            wait_until(partial(heeds, process, signal.SIGTERM))
            time.sleep(pause)
            process.send_signal(number)
            assert finish(process, SECONDS) == Outcome(code, "", "")
            assert left_in(folder) == []

    def test_in_the_middle(self, long_clip: Path, folder: Path, number: int, code: int) -> None:
        process = start("convert", long_clip, "-o", folder / "out.mp4")
        wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()))
        process.send_signal(number)
        process.send_signal(number)  # one who is impatient
        assert finish(process, SECONDS) == Outcome(code, "", "")
        assert left_in(folder) == []

    @pytest.mark.parametrize("job", ["probe", "decode", "encode", "check"])
    def test_while_an_ffmpeg_takes_its_time_to_end(
        self, clip: Path, folder: Path, tmp_path: Path, number: int, code: int, job: str
    ) -> None:
        fault = f'ffmpeg "$@"; touch {tmp_path}/here; sleep 60'
        environment = faulty_ffmpeg(tmp_path, job, fault)
        (folder / "out.mp4").write_text("precious")
        process = start("convert", clip, "-o", folder / "out.mp4", "-y", env=environment)
        wait_until((tmp_path / "here").exists)
        process.send_signal(number)
        assert finish(process, SECONDS) == Outcome(code, "", "")
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"
