"""A single video in pieces from the command line: killed workers, commands that are stopped."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from tests.cli.test_jobs import job_processes
from tests.helpers.commands import finish, run, start
from tests.helpers.media import inspect, left_in, make_clip
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

KEPT = "finished pieces are kept beside the output, and the same command goes on from them"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pieces of a single shot."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_clip(path, size="64x48", rate="3", seconds=150, picture="testsrc2")


@pytest.fixture(scope="module")
def whole(clip: Path) -> bytes:
    outcome = run("convert", clip, "-o", clip.with_name("whole.mp4"), "-k", "3", "--jobs", "2")
    assert outcome.code == 0, outcome.err
    return clip.with_name("whole.mp4").read_bytes()


def kept(folder: Path) -> list[str]:
    """Finished pieces in the only folder of a folder."""
    return [path.name for path in folder.glob(".kseg-*/*.npz")]


@pytest.mark.thorough
def test_a_killed_worker_is_replaced(clip: Path, whole: bytes, tmp_path: Path) -> None:
    process = start("convert", clip, "-o", tmp_path / "o.mp4", "-k", "3", "--jobs", "2")
    wait_until(lambda: list(tmp_path.glob(".kseg-*/*.frames")))
    os.kill(min(job_processes()), signal.SIGKILL)
    outcome = finish(process)
    assert (outcome.code, left_in(tmp_path)) == (0, ["o.mp4"]), outcome.err
    assert (tmp_path / "o.mp4").read_bytes() == whole


def test_on_where_it_stopped(clip: Path, whole: bytes, tmp_path: Path) -> None:
    command = ("convert", clip, "-o", tmp_path / "o.mp4", "-k", "3", "--resume")
    process = start(*command)
    wait_until(lambda: kept(tmp_path))
    process.send_signal(signal.SIGINT)
    outcome = finish(process)
    assert (outcome.code, outcome.err) == (130, f"kseg-video: stopped; {KEPT}\n")
    first = kept(tmp_path)
    process = start(*command, "--jobs", "2")
    wait_until(lambda: len(kept(tmp_path)) > len(first))
    process.kill()
    finish(process)
    wait_until(lambda: not job_processes())
    assert len(kept(tmp_path)) > len(first)
    outcome = run(*command)
    assert (outcome.code, left_in(tmp_path)) == (0, ["o.mp4"]), outcome.err
    assert (tmp_path / "o.mp4").read_bytes() == whole
    assert inspect(tmp_path / "o.mp4").frames == 450


def test_stopped_before_a_piece_was_finished(clip: Path, tmp_path: Path) -> None:
    process = start("convert", clip, "-o", tmp_path / "o.mp4", "-k", "3", "--jobs", "2")
    wait_until(lambda: left_in(tmp_path))
    process.send_signal(signal.SIGTERM)
    assert finish(process).code == 143
    assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "-"), "only a file can be gone on with; name one with -o, or drop --resume"),
        (("-o", "a.gif"), "only videos are made in pieces; name a.gif with .mp4, .m4v, .mov"),
    ],
)
def test_what_cannot_be_gone_on_with(
    clip: Path, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    outcome = run("convert", clip, *options, "--resume", cwd=tmp_path)
    assert outcome.code == 2
    assert message in outcome.err


def test_a_number_of_clusters_is_no_cluster(clip: Path) -> None:
    outcome = run("convert", clip, "--cluster", "5")
    assert outcome.code == 2
    assert "-k chooses how many clusters there are" in outcome.err
