"""Streams as inputs and outputs, folders that are made, and inputs that are not there."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from kseg_video.cli import command_files
from kseg_video.cli.command_files import StreamCopy
from kseg_video.core.errors import SourceError
from tests.helpers.commands import COMMAND, Outcome, run, start
from tests.helpers.disks import small_disk
from tests.helpers.heif import write_grid
from tests.helpers.media import inspect, left_in, make_clip, read_planes
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("streams") / "clip.mp4", sound=True, seconds=0.4)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def run_with(data: bytes, *arguments: str | Path, **options: Any) -> tuple[int, bytes, str]:
    """Run the command with data at standard input: exit code, output, messages."""
    command = [*COMMAND, *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, check=False, **options)
    return done.returncode, done.stdout, done.stderr.decode()


def assert_same(one: Path, other: Path) -> None:
    for mine, theirs in zip(read_planes(one), read_planes(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert inspect(one) == inspect(other)


def test_a_video_at_standard_input(clip: Path, tmp_path: Path, temporary: Path) -> None:
    part = ("--start", "0.1", "--end", "0.3", "-q")
    assert run("convert", clip, "-o", tmp_path / "a.mp4", *part).code == 0
    data = clip.read_bytes()
    assert run_with(data, "convert", "-", "-o", tmp_path / "b.mp4", *part) == (0, b"", "")
    assert_same(tmp_path / "a.mp4", tmp_path / "b.mp4")
    assert left_in(temporary) == []


def test_a_file_as_standard_input(clip: Path, tmp_path: Path) -> None:
    with clip.open("rb") as file:
        outcome = run("convert", "/dev/stdin", "-o", tmp_path / "a.mkv", "--json", stdin=file)
    assert outcome.code == 0
    assert '"input": "/dev/stdin"' in outcome.out


def test_a_fifo(clip: Path, tmp_path: Path, temporary: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    process = start("convert", tmp_path / "pipe", "-q")
    (tmp_path / "pipe").write_bytes(clip.read_bytes())  # waits for the reader
    assert process.communicate(timeout=60) == ("", "")
    assert run("convert", clip, "-o", tmp_path / "a.mp4", "-q").code == 0
    assert_same(tmp_path / "a.mp4", tmp_path / "pipe.segmented.mp4")
    assert left_in(temporary) == []


def test_a_fifo_whose_writer_takes_its_time(
    tmp_path: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_files, "_WRITER_SECONDS", 0.1)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="pipe is not a file but a fifo that nobody writes to"):
        StreamCopy(tmp_path / "pipe")
    is_open = threading.Event()

    def write() -> None:
        with (tmp_path / "pipe").open("wb", buffering=0) as pipe:
            is_open.set()
            for _ in range(3):
                time.sleep(0.15)
                pipe.write(b"slow")

    writer = threading.Thread(target=write)
    monkeypatch.setattr(command_files, "_WRITER_SECONDS", 60)
    writer.start()
    with StreamCopy(tmp_path / "pipe") as copy:
        assert copy.path.read_bytes() == b"slow" * 3
    writer.join()
    assert left_in(temporary) == []


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["a.jpg", "of-two-pictures.jpg", "grid.heic", "grid.avif"])
def test_an_image_through_both(tmp_path: Path, name: str) -> None:
    image, path = (
        Image.effect_mandelbrot((64, 64), (-2, -1, 1, 1), 9).convert("RGB"),
        tmp_path / name,
    )
    if "grid" in name:
        write_grid(path, [np.asarray(image)] * 2, 2, (128, 64))
    elif "two" in name:
        image.save(path, "MPO", save_all=True, append_images=[image])
    else:
        image.save(path)
    code, out, message = run_with(path.read_bytes(), "convert", "-", "-o", "-", "-k", "3")
    assert code == 0
    assert message.startswith("stdout.png: 1 frame, ")
    assert run("convert", path, "-o", tmp_path / "b.png", "-k", "3").code == 0
    assert out == (tmp_path / "b.png").read_bytes()


def test_a_video_to_standard_output(clip: Path, tmp_path: Path, temporary: Path) -> None:
    assert run("convert", clip, "-o", tmp_path / "a.mkv", "-q").code == 0
    code, out, message = run_with(b"", "convert", clip, "-o", "-", "--view", "segmented")
    assert code == 0
    assert message.startswith("stdout.mkv: 10 frames, ")
    (tmp_path / "b.mkv").write_bytes(out)
    assert_same(tmp_path / "a.mkv", tmp_path / "b.mkv")
    assert left_in(temporary) == []


def test_a_palette_of_standard_input(clip: Path, temporary: Path) -> None:
    code, out, message = run_with(clip.read_bytes(), "palette", "-", "-k", "2")
    assert (code, message) == (0, "")
    assert out.decode() == run("palette", clip, "-k", "2").out
    assert left_in(temporary) == []


@pytest.mark.parametrize(
    ("command", "data", "message"),
    [
        (["convert", "-o", "out.mp4"], b"", "standard input is empty; give a video"),
        (["palette"], b"text" * 1000, "standard input is not a video that ffmpeg can decode"),
    ],
)
def test_what_is_no_video(
    tmp_path: Path, temporary: Path, command: list[str], data: bytes, message: str
) -> None:
    code, out, said = run_with(data, *command, "-", cwd=tmp_path)
    assert (code, out) == (1, b"")
    assert said.startswith(f"kseg-video: error: {message}")
    assert said.count("\n") == 1
    assert left_in(tmp_path) == ["temporary"]
    assert left_in(temporary) == []


def test_one_of_several_that_is_no_video(clip: Path, tmp_path: Path) -> None:
    """It is called the same in the error and in the summary."""
    code, out, said = run_with(b"text", "convert", "-", clip, "-o", tmp_path / "new", "--json")
    assert code == 1
    assert b'"input": "-",\n    "error": "standard input is not a video' in out
    assert said.startswith("kseg-video: error: standard input is not a video")
    assert left_in(tmp_path / "new") == ["clip.segmented.mp4"]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ("- ", 2, "what comes from standard input has no name; name the output with -o"),
        ("a.mp4 -o - --json", 2, "--json goes to standard output, too; name a file with -o"),
        ("a.mp4 a.mp4 -o -", 2, "standard output takes one video; convert several inputs apart"),
        ("- -o old.mp4", 1, "old.mp4 exists; choose another output or pass --overwrite"),
        ("- -o out.xyz", 2, "out.xyz has no known suffix"),
        ("a.mp4 no.mp4", 1, "no.mp4 does not exist; check the name, or write -o no.mp4 if it is"),
        ("a.mp4 no-%d.png", 1, "no file has a name like no-%d.png; check the pattern, or write -o"),
        ("a.mp4 no.mp4 -o new", 1, "no.mp4 does not exist; check the name\n"),
        ("a.mp4 -o no/new/", 1, "the folder no does not exist; make it first"),
        ("a.mp4 a.mkv -o new/o.mp4", 2, "new/o.mp4 is one file for several inputs; give a folder"),
    ],
)
def test_what_is_refused_before_anything_is_read(
    clip: Path, tmp_path: Path, arguments: str, code: int, message: str
) -> None:
    for name in ("a.mp4", "a.mkv"):
        (tmp_path / name).symlink_to(clip)
    (tmp_path / "old.mp4").touch()
    reading, writing = os.pipe()  # from which nothing comes
    outcome = run("convert", *arguments.split(), cwd=tmp_path, stdin=reading)
    os.close(reading)
    os.close(writing)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith(f"kseg-video: error: {message}")
    assert outcome.err.count("\n") == 1
    assert left_in(tmp_path) == ["a.mkv", "a.mp4", "old.mp4"]


def test_a_palette_of_what_is_not_there(clip: Path, tmp_path: Path) -> None:
    outcome = run("palette", clip, "p.json", cwd=tmp_path)
    hint = "check the name, or write -o p.json if it is the output"
    assert outcome == Outcome(1, "", f"kseg-video: error: p.json does not exist; {hint}\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "-o", "out.mp4"], "standard input is a terminal; pipe a video into it"),
        (["a.mp4", "-o", "-"], "standard output is a terminal; pipe it, or name a file with -o"),
    ],
)
def test_a_terminal(tmp_path: Path, arguments: list[str], message: str) -> None:
    ours, theirs = pty.openpty()
    (tmp_path / "a.mp4").touch()
    process = start("convert", *arguments, cwd=tmp_path, stdin=theirs, stdout=theirs)
    _, said = process.communicate(timeout=60)
    for end in (ours, theirs):
        os.close(end)
    assert (process.returncode, said) == (2, f"kseg-video: error: {message}\n")


def test_a_reader_that_goes_away(clip: Path, temporary: Path) -> None:
    process = start("convert", clip, "-o", "-", "-q", "--lossless")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    message = "standard output cannot be written to (Broken pipe)"
    assert process.stderr.read() == f"kseg-video: error: {message}\n"
    assert process.wait(60) == 1
    process.stderr.close()
    assert left_in(temporary) == []


@pytest.mark.parametrize(
    ("command", "number"),
    [(["convert", "-o", "out.mp4"], signal.SIGKILL), (["palette"], signal.SIGTERM)],
)
def test_a_signal_while_it_reads(
    tmp_path: Path, temporary: Path, command: list[str], number: signal.Signals
) -> None:
    process = start(*command, "-", cwd=tmp_path, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.write("begun")
    process.stdin.flush()
    wait_until(lambda: any(temporary.glob(".kseg-*/stdin")))
    process.send_signal(number)
    process.communicate(timeout=60)
    if number == signal.SIGKILL:  # then the next run tidies up
        run_with(b"", *command, "-", cwd=tmp_path)
    else:
        assert process.returncode == 128 + number
    assert left_in(temporary) == []


def test_a_full_disk(clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with small_disk(tmp_path / "small", "64k") as disk:
        monkeypatch.setenv("TMPDIR", str(disk))
        data = clip.read_bytes() * 100
        code, out, said = run_with(data, "convert", "-", "-o", tmp_path / "out.mp4")
        assert left_in(disk) == []
    assert (code, out) == (1, b"")
    why = "No space left on device"
    advice = "make room there, or name another folder with TMPDIR"
    message = f"standard input cannot be copied to {disk} ({why}); {advice}"
    assert said == f"kseg-video: error: {message}\n"


@pytest.mark.parametrize(("inputs", "output"), [(2, "new"), (1, "new/")], ids=["several", "one"])
def test_a_folder_that_is_made(clip: Path, tmp_path: Path, inputs: int, output: str) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "b.png")
    given = [clip, tmp_path / "b.png"][:inputs]
    outcome = run("convert", *given, "-o", output, "-q", cwd=tmp_path)
    assert outcome == Outcome(0, "", "")
    made = ["b.segmented.png", "clip.segmented.mp4"][-inputs:]
    assert left_in(tmp_path / "new") == made


def test_a_folder_that_nothing_comes_into(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text("no video")
    outcome = run("convert", "a.mp4", "b.mp4", "-o", "new/", cwd=tmp_path)
    assert (outcome.code, outcome.err.count("\n")) == (1, 2)
    assert left_in(tmp_path) == ["a.mp4", "b.mp4"]
