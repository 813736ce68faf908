"""Memory, processes, threads or files run out: the message names the cause; no file is left."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.commands import AS_ANOTHER, COMMAND, Outcome, run
from tests.helpers.media import left_in, make_clip
from tests.helpers.servers import sender

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

THREADS = "no more processes or threads can be started.*; close other programs, or raise ulimit"
MEMORY = "out of memory; close other programs|no memory for a library; close other programs"
FILES = "too many files are open; close other programs, or raise ulimit -n"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("shortages") / "clip.mp4", sound=True)


def run_limited(limit: str, *arguments: str | Path, another: bool = False) -> Outcome:
    # Process limits do not apply to root, and another user must still be able to read our files.
    command = f"ulimit {limit}; exec {shlex.join([*COMMAND, *map(str, arguments)])}"
    done = subprocess.run(
        [*(AS_ANOTHER if another else []), "bash", "-c", command],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONFAULTHANDLER": ""},
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


def assert_told(outcome: Outcome, folder: Path, causes: str) -> None:
    """Check for a whole output, or one line with the cause and the folder as it was."""
    if outcome.code == 0:
        assert (outcome.err, left_in(folder)) == ("", ["out.mp4"])
        return
    assert (outcome.code, outcome.out) == (1, "")
    assert re.fullmatch(rf"kseg-video: error: .*({causes}).*\n", outcome.err), outcome.err
    assert left_in(folder) == ["out.mp4"]
    assert (folder / "out.mp4").read_text() == "precious"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user can reach and write to."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "out.mp4").write_text("precious")
        yield folder


def few(number: int, *numbers: int) -> list[object]:
    """Parameters: the first for every run, the others for thorough runs."""
    return [number, *(pytest.param(other, marks=pytest.mark.thorough) for other in numbers)]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs to become another user")
@pytest.mark.parametrize("most", [1, 4, *few(9, 2, 3, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 20)])
def test_processes(clip: Path, folder: Path, most: int) -> None:
    command = ("convert", clip, "-o", folder / "out.mp4", "-y", "-q")
    outcome = run_limited(f"-u {most}", *command, another=True)
    assert_told(outcome, folder, THREADS)
    assert most > 8 or outcome.code == 1


@pytest.mark.parametrize("most", [5, 8, *few(10, 6, 7, 9, 11, 12, 13, 14, 15)])
def test_files(clip: Path, folder: Path, most: int) -> None:
    command = ("convert", clip, "-o", folder / "out.mp4", "-y", "-q")
    outcome = run_limited(f"-n {most}", *command)
    assert_told(outcome, folder, FILES)
    assert most > 8 or outcome.code == 1


@pytest.mark.parametrize("command", [["palette"], ["live", "--preview", "none", "-q"]])
def test_files_elsewhere(clip: Path, tmp_path: Path, command: list[str]) -> None:
    outcome = run_limited("-n 6", *command, clip)
    assert (outcome.code, outcome.out) == (1, "")
    assert re.fullmatch(rf"kseg-video: error: .*{FILES}\n", outcome.err), outcome.err
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("megabytes", [300, 480, *few(560, 250, 350, 400, 440, 500, 520, 600, 640)])
def test_memory(clip: Path, folder: Path, megabytes: int) -> None:
    command = ("convert", clip, "-o", folder / "out.mp4", "-y", "-q")
    outcome = run_limited(f"-v {megabytes}000", *command)
    crashed = r"was killed .signal (6|11).; try again"  # how libraries end the process themselves
    assert_told(outcome, folder, f"{THREADS}|{MEMORY}|{crashed}")


@pytest.mark.thorough
@pytest.mark.parametrize(
    "name",
    [
        "Too many open files/v.mkv",
        "Resource temporarily unavailable.mkv",
        "\x1bInsufficient memory.mkv",
        "a\n[error] Cannot allocate memory\nb.mkv",
        "bad_alloc.png",
        "can't start new thread",
    ],
)
def test_a_name_that_reads_like_one(clip: Path, tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text("no video")
    for command in (("convert", path, "-o", tmp_path / "out.mp4"), ("palette", path)):
        outcome = run(*command)
        assert (outcome.code, outcome.out) == (1, "")
        assert re.fullmatch(r"kseg-video: error: .* (is|cannot be) .*", outcome.err.strip())
        assert not re.search(f"{THREADS}|{MEMORY}|{FILES}", outcome.err)
    outcome = run("live", path, "--preview", "none", "-q")
    assert outcome.code != 0
    assert not re.search(f"{THREADS}|{MEMORY}|{FILES}", outcome.err)
    outcome = run("convert", clip, "-k", "2", "-o", path / "out.mp4")  # `path` is not a folder
    assert outcome.code == 1
    assert not re.search(f"{THREADS}|{MEMORY}|{FILES}", outcome.err)


@pytest.mark.parametrize("words", ["Cannot allocate memory", "exceeds specified max pixel count"])
def test_a_server_that_speaks_like_one(words: str) -> None:
    def refuse(client: socket.socket) -> None:
        while request := client.recv(1 << 16).decode():
            number = re.search("CSeq: .*", request)
            kind = "200 OK" if request.startswith("OPTIONS") else f"404 {words}"
            client.sendall(f"RTSP/1.0 {kind}\r\n{number[0] if number else ''}\n\r\n".encode())

    with sender(refuse) as port:
        outcome = run("live", f"rtsp://127.0.0.1:{port}/a", "--preview", "none", "-q")
    assert outcome.code == 1
    assert re.fullmatch(
        rf"kseg-video: error: rtsp://127.0.0.1:{port}/a cannot be opened \(.*404 Not Found\); "
        "check the address\n",
        outcome.err,
    )
