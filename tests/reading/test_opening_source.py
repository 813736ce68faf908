"""What is asked for ahead of its time, ffmpeg's report and frames, is the same as otherwise."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import DecoderSettings, SourceError, TrimSettings, open_source
from kseg_video.ffmpeg.probe import probe
from kseg_video.ffmpeg.probe_run import report_requested
from kseg_video.reading import sources
from kseg_video.reading.sources import OpeningSource
from tests.conftest import running_ffmpegs
from tests.helpers.commands import run
from tests.helpers.faulty_ffmpeg import faulty_ffmpeg
from tests.helpers.media import make_clip
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

LAKE = Path(__file__).parents[2] / "samples" / "lake.mp4"


def test_the_report_is_the_same() -> None:
    with report_requested(LAKE) as request:
        assert request is not None
        assert probe(LAKE, request) == probe(LAKE)


def test_what_is_wrong_is_said_to_whoever_needs_the_report(tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with report_requested(text) as request, pytest.raises(SourceError, match="not a video"):
        probe(text, request)


@contextmanager
def begun(
    monkeypatch: pytest.MonkeyPatch, path: Path, trim: TrimSettings | None = None
) -> Iterator[OpeningSource]:
    monkeypatch.setattr(sources, "_AHEAD_SECONDS", 60)  # however busy the machine is
    with report_requested(path) as request, OpeningSource(path, request) as source:
        source.begin(trim or TrimSettings(), DecoderSettings(), looks_ahead=False)
        yield source


class TestOpeningSource:
    def test_the_frames_are_the_same(self, monkeypatch: pytest.MonkeyPatch) -> None:
        trim, decoder = TrimSettings(0.5, max_frames=4), DecoderSettings()
        with open_source(LAKE, trim) as source:
            expected = [frame.pixels for frame in source]
        with begun(monkeypatch, LAKE, trim) as opening:
            for _ in range(2):  # and it can be opened again
                with opening.open(trim, decoder) as source:
                    for _ in range(2):  # and read again
                        found = [frame.pixels for frame in source]
                        np.testing.assert_array_equal(found, expected)

    def test_another_part_is_another(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with (
            begun(monkeypatch, LAKE, TrimSettings(0.5)) as opening,
            opening.open(TrimSettings(max_frames=2), DecoderSettings()) as source,
        ):
            assert [frame.time for frame in source] == [0, pytest.approx(1 / 25)]

    def test_if_nobody_opens_it_nothing_is_left(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = running_ffmpegs()
        with begun(monkeypatch, LAKE):
            wait_until(lambda: running_ffmpegs() > before)
        assert running_ffmpegs() == before

    @pytest.mark.parametrize(("text", "error"), [("no video", "not a video"), ("", "is empty")])
    def test_what_is_wrong_is_said_to_whoever_opens_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, error: str
    ) -> None:
        path = tmp_path / "text.mp4"
        path.write_text(text)
        with begun(monkeypatch, path) as opening:
            for _ in range(2):
                with pytest.raises(SourceError, match=error):
                    opening.open(TrimSettings(), DecoderSettings())

    def test_wrong_usage_is_told_whatever_ffmpeg_does(self, tmp_path: Path) -> None:
        """Neither one that does nothing nor one that is none keeps it from the user."""
        command = ("convert", LAKE, "-o", tmp_path / "out.xyz")
        for environment in (
            faulty_ffmpeg(tmp_path, "probe", "sleep 60"),
            {**os.environ, "IMAGEIO_FFMPEG_EXE": "/nonexistent"},
        ):
            outcome = run(*command, env=environment)
            assert outcome.code == 2
            assert "no known suffix" in outcome.err


@pytest.mark.thorough
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


def test_a_report_in_which_threads_interrupt_each_other_is_asked_for_again(tmp_path: Path) -> None:
    """ffmpeg prints a frame's colours piece by piece, and another thread may come between."""
    clip = make_clip(tmp_path / "a.mkv", seconds=0.2)
    torn = r"s/color_range:[a-z]*/&Terminating thread with return code 0 (success)\n/"
    fault = (
        f'if mkdir "{tmp_path}/torn" 2>&-; then ffmpeg "$@" 2> >(sed "{torn}" >&2); '
        'else ffmpeg "$@"; fi'
    )
    environment = faulty_ffmpeg(tmp_path, "probe", fault)
    done = run("convert", clip, "-o", tmp_path / "out.mkv", "-q", env=environment)
    assert (done.code, done.err) == (0, "")
    assert (tmp_path / "torn").exists()
