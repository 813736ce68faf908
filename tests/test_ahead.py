"""What ffmpeg reports on a file is the same whether or not it was asked ahead."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kseg_video.errors import SourceError
from kseg_video.file_report import asked_ahead
from kseg_video.probe import probe
from tests.commands import run

LAKE = Path(__file__).parents[1] / "samples" / "lake.mp4"


def test_it_is_the_same() -> None:
    expected = probe(LAKE)
    with asked_ahead(LAKE):
        assert probe(LAKE) == expected
        assert probe(LAKE) == expected  # and can be asked again


def test_what_is_wrong_is_said_to_whoever_needs_it(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with asked_ahead(text), pytest.raises(SourceError, match="not a video"):
        probe(text)


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    """A decoder of its own would take from a pipe what nobody gets a second time."""
    pipe = tmp_path / "pipe.mp4"
    os.mkfifo(pipe)
    outcome = run("convert", pipe, "-o", tmp_path / "out.mp4")
    assert outcome.code == 1
    assert "is not a file" in outcome.err


@pytest.mark.parametrize("more", [["--view", "labels"], ["-k", "40"]])
def test_nothing_goes_on_after_wrong_usage(tmp_path: Path, more: list[str]) -> None:
    assert run("convert", LAKE, "-o", tmp_path / "out.mp4", *more).code == 2


NOTING_PROCESSES = """
import subprocess, threading
class Noting(subprocess.Popen):
    def __init__(self, arguments, **options):
        here = threading.current_thread() is threading.main_thread()
        safe = here or options.get("env") is not None
        with open({notes!r}, "a") as notes:
            print("safe" if safe else arguments, file=notes)
        super().__init__(arguments, **options)
subprocess.Popen = Noting
"""


def test_processes_are_not_given_an_environment_that_changes_meanwhile(tmp_path: Path) -> None:
    """Modules that are being loaded set variables; a process started beside that may then fail."""
    notes = tmp_path / "notes"
    (tmp_path / "sitecustomize.py").write_text(NOTING_PROCESSES.format(notes=str(notes)))
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = ("convert", LAKE, "-o", tmp_path / "out.mp4", "--max-frames", "2", "-q")
    assert run(*command, env=environment).code == 0
    assert set(notes.read_text().splitlines()) == {"safe"}
