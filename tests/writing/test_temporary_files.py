"""Hidden files of unfinished outputs: gone however a run ends, and at the latest with the next."""

from __future__ import annotations

import re
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kseg_video import EncoderSettings, Frame, SinkError, open_sink
from tests.helpers.commands import Outcome, finish, run, start
from tests.helpers.flat_pictures import INFO, quarters
from tests.helpers.media import ffmpeg, inspect, left_in, make_clip
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    import subprocess

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


@pytest.mark.thorough
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


@pytest.mark.thorough
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


@pytest.mark.thorough
@pytest.mark.parametrize("name", OUTPUTS)
def test_nothing_is_left_in_a_folder_that_was_renamed(
    long_clip: Path, folder: Path, name: str
) -> None:
    process = begin(long_clip, folder, name)
    folder.rename(folder.with_name("renamed"))
    process.send_signal(signal.SIGTERM)
    assert finish(process, SECONDS) == Outcome(143, "", STOPPED_LINE)
    assert left_in(folder.parent) == ["renamed"]
    assert left_in(folder.with_name("renamed")) == []


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "out.png", "out-%d.png", "out.webp"])
@pytest.mark.parametrize("gone", [False, True], ids=["renamed", "replaced"])
def test_that_the_folder_was_renamed_is_told(folder: Path, name: str, *, gone: bool) -> None:
    renamed = folder.with_name("renamed")
    (folder / "out.mp4").write_text("precious")

    def write() -> None:
        with open_sink(folder / name, INFO, EncoderSettings(overwrite=True)) as sink:
            sink.write(Frame(quarters()))
            folder.rename(renamed)
            if gone:
                folder.mkdir()

    with pytest.raises(SinkError, match=r"the folder .*outputs is not where it was; put it back"):
        write()
    assert left_in(renamed) == ["out.mp4"]
    assert (renamed / "out.mp4").read_text() == "precious"
    assert not gone or left_in(folder) == []


class TestAfterAKill:
    @pytest.mark.thorough
    @pytest.mark.parametrize("name", OUTPUTS)
    def test_the_next_run_to_the_same_target_tidies(
        self, long_clip: Path, folder: Path, name: str
    ) -> None:
        process = begin(long_clip, folder, name)
        process.kill()
        finish(process)
        assert any(left.startswith(".kseg-") for left in left_in(folder))
        view = ("--view", "labels") if name.endswith(".npz") else ()
        options = ("-y", "--max-frames", "2", "--stats", folder / "out.csv", "-q", *view)
        assert run("convert", long_clip, "-o", folder / name, *options) == Outcome(0, "", "")
        assert not [left for left in left_in(folder) if left.startswith(".")]

    def test_what_a_living_process_writes_is_left_alone(
        self, long_clip: Path, folder: Path
    ) -> None:
        process = begin(long_clip, folder, "out.mp4")
        before = left_in(folder)
        options = ("-y", "--max-frames", "2", "-q")
        outcome = run("convert", long_clip, "-o", folder / "out.mp4", *options)
        assert outcome == Outcome(0, "", "")
        assert left_in(folder) == [*before, "out.mp4"]
        process.terminate()
        assert finish(process, SECONDS).code == 143
        assert left_in(folder) == ["out.mp4"]

    def test_what_belongs_to_another_target_is_left_alone(
        self, long_clip: Path, folder: Path
    ) -> None:
        process = begin(long_clip, folder, "out.mp4")
        process.kill()
        finish(process)
        before = left_in(folder)
        (folder / ".kseg-mine").write_text("precious")
        outcome = run("convert", long_clip, "-o", folder / "b.mp4", "--max-frames", "2", "-q")
        assert outcome == Outcome(0, "", "")
        assert left_in(folder) == sorted([*before, ".kseg-mine", "b.mp4"])

    def test_links_in_its_place_are_not_followed(self, long_clip: Path, folder: Path) -> None:
        process = begin(long_clip, folder, "out-%d.png")
        process.kill()
        finish(process)
        (left,) = (path for path in folder.iterdir() if path.is_dir())
        others = folder.parent / "others"
        others.mkdir()
        (others / "file").write_text("precious")
        (left / "link").symlink_to(others)
        left.with_name(re.sub(r"-[^-]+$", "-0", left.name)).symlink_to(others)
        outcome = run("convert", long_clip, "-o", folder / "out-%d.png", "--max-frames", "2", "-q")
        assert outcome == Outcome(0, "", "")
        assert left_in(others) == ["file"]
        assert not left.exists()


@pytest.mark.thorough
@pytest.mark.parametrize("name", OUTPUTS)
def test_several_at_once_to_one_target(long_clip: Path, folder: Path, name: str) -> None:
    """One wins after the other; those that are killed leave nothing for long."""
    view = ("--view", "labels") if name.endswith(".npz") else ()
    options = ("-y", "--max-frames", "25", "-k", "2", "-q", *view)
    command = ("convert", long_clip, "-o", folder / name, *options)
    for round_ in range(4):
        processes = [start(*command) for _ in range(4)]
        time.sleep(0.6 + 0.2 * round_)
        for process in processes[:2]:
            process.kill()
        outcomes = [finish(process) for process in processes]
        assert outcomes[2:] == [Outcome(0, "", "")] * 2
    assert run(*command) == Outcome(0, "", "")
    assert not [left for left in left_in(folder) if left.startswith(".")]


def test_no_descriptor_stays_open(tmp_path: Path) -> None:
    def open_descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = open_descriptors()
    for name in ("a.png", "a-%d.png", "a.gif"):
        with open_sink(tmp_path / name, INFO) as sink:
            sink.write(Frame(quarters()))
        open_sink(tmp_path / f"b-{name}", INFO).abort()
    assert open_descriptors() == before
