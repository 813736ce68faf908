"""Several inputs at a time: the outputs, the messages and the failures of one after another."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.conftest import descendants
from tests.helpers.commands import finish, run, start
from tests.helpers.media import left_in, make_clip
from tests.helpers.tmux import PROMPT, Tmux, needs_tmux
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

SAME = ("-k", "3", "--seed", "5")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three clips, and in their middle a file that is none."""
    folder = tmp_path_factory.mktemp("clips")
    made = [make_clip(folder / f"{name}.mp4", size="64x48", seconds=0.4) for name in "acd"]
    (folder / "b.mp4").write_bytes(b"no video")
    return [made[0], folder / "b.mp4", *made[1:]]


@pytest.fixture(scope="module")
def long_clips(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("long")
    first = make_clip(folder / "a.mp4", size="320x240", seconds=60)
    second = folder / "b.mp4"
    second.write_bytes(first.read_bytes())
    return [first, second]


def job_processes() -> dict[int, str]:
    return {number: line for number, line in descendants().items() if "spawn_main" in line}


def test_outputs_and_summaries_are_those_of_one_after_another(
    clips: list[Path], tmp_path: Path
) -> None:
    plain, at_once = (
        run("convert", *clips, "-o", f"{tmp_path}/{name}/", *SAME, *more, "--json", "-q")
        for name, more in (("plain", ()), ("jobs", ("--jobs", "2")))
    )
    assert (plain.code, at_once.code) == (1, 1)
    assert at_once.err == plain.err
    assert at_once.err.count("b.mp4") == 1, "one line for the one that failed"
    names = ["a.segmented.mp4", "c.segmented.mp4", "d.segmented.mp4"]
    assert left_in(tmp_path / "jobs") == names
    for name in names:
        assert (tmp_path / "jobs" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    summaries = [json.loads(outcome.out) for outcome in (plain, at_once)]
    for summary in summaries[0] + summaries[1]:
        for timed in ("seconds", "fps", "stage_ms", "output"):
            summary.pop(timed, None)
    assert summaries[0] == summaries[1], "in the order of the inputs"


@needs_tmux
def test_the_terminal_shows_each_and_all(clips: list[Path], tmp_path: Path) -> None:
    with Tmux(columns=160) as terminal:
        terminal.run("convert", *clips, "-o", f"{tmp_path}/", *SAME, "--jobs", "2")
        terminal.wait_for(r"of 4 done")
        shown = terminal.wait_for(PROMPT)  # what is told of each is not erased with the bars
    assert "b.mp4 is not a video" in shown
    for name in "acd":
        assert f"{name}.segmented.mp4 · 10 frames" in shown
    assert "of 4 done" not in shown


def test_a_job_that_is_killed_does_not_stop_the_others(
    long_clips: list[Path], tmp_path: Path
) -> None:
    process = start(
        "convert", *long_clips, "-o", f"{tmp_path}/", *SAME, "--max-frames", "200", "--jobs", "2"
    )
    wait_until(lambda: len(left_in(tmp_path)) == 2)
    os.kill(min(job_processes()), signal.SIGKILL)
    outcome = finish(process)
    assert outcome.code == 1
    assert outcome.err.count("its process was killed by signal 9") == 1
    (whole,) = (name for name in left_in(tmp_path) if not name.startswith("."))
    assert f"{whole}: 200 frames" in outcome.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_all_and_leaves_nothing(
    long_clips: list[Path], tmp_path: Path, number: signal.Signals
) -> None:
    process = start("convert", *long_clips, "-o", f"{tmp_path}/o/", *SAME, "--jobs", "2", "--json")
    wait_until(lambda: (tmp_path / "o").is_dir() and len(left_in(tmp_path / "o")) == 2)
    process.send_signal(number)
    outcome = finish(process, 10)
    assert outcome.code == 128 + number
    assert outcome.err == "kseg-video: stopped; no unfinished output is left\n"
    assert [summary["error"] for summary in json.loads(outcome.out)] == ["stopped"] * 2
    assert left_in(tmp_path) == []


def test_no_job_outlives_a_killed_command(long_clips: list[Path], tmp_path: Path) -> None:
    process = start("convert", *long_clips, "-o", f"{tmp_path}/", *SAME, "--jobs", "2")
    wait_until(lambda: len(left_in(tmp_path)) == 2)
    process.kill()
    finish(process)
    wait_until(lambda: left_in(tmp_path) == [])  # and no process, as after each test


def test_no_jobs_at_all_are_refused(clips: list[Path], tmp_path: Path) -> None:
    outcome = run("convert", *clips, "-o", f"{tmp_path}/", "--jobs", "0")
    assert (outcome.code, outcome.err) == (
        2,
        "kseg-video: error: 0 jobs convert nothing; give 1 or more\n",
    )
