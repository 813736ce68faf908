"""A Dask cluster: a scheduler and workers started from their own commands."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.helpers.commands import finish, run, start
from tests.helpers.media import left_in, make_clip
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.thorough


class Cluster:
    """A scheduler and its workers, in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{port}"
        self.workers: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start(
            *("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
        )
        wait_until(self._answers)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.socket() as asked:
            asked.connect(("127.0.0.1", int(self.address.rpartition(":")[2])))
            return True
        return False

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "distributed.cli.dask_" + arguments[0], *arguments[1:]]
        with (self._folder / "log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, cwd=self._folder)

    def add_worker(self) -> subprocess.Popen[bytes]:
        worker = self._start("worker", self.address, "--nthreads", "1", "--no-dashboard")
        self.workers.append(worker)
        return worker

    def wait_for_workers(self) -> None:
        log = self._folder / "log"
        wait_until(lambda: log.read_text().count("Registered to:") >= len(self.workers))

    def close(self) -> None:
        for process in [*self.workers, self.scheduler]:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    child.kill()
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        made.add_worker()
        made.add_worker()
        made.wait_for_workers()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three pieces of a single shot."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return make_clip(path, size="320x240", rate="25", seconds=150, picture="testsrc2")


@pytest.fixture(scope="module")
def whole(clip: Path) -> bytes:
    outcome = run("convert", clip, "-o", clip.with_name("whole.mp4"), "-k", "3", "--jobs", "2")
    assert outcome.code == 0, outcome.err
    return clip.with_name("whole.mp4").read_bytes()


def test_the_same_file_with_a_worker_killed_and_one_come_late(
    cluster: Cluster, clip: Path, whole: bytes, tmp_path: Path
) -> None:
    command = ("convert", clip, "-o", tmp_path / "o.mp4", "-k", "3", "--cluster", cluster.address)
    process = start(*command)
    wait_until(lambda: list(tmp_path.glob(".kseg-*/*.frames")))
    lost = cluster.workers[0]
    for child in psutil.Process(lost.pid).children(recursive=True):
        child.kill()
    lost.kill()
    cluster.add_worker()
    outcome = finish(process, 120)
    assert (outcome.code, left_in(tmp_path)) == (0, ["o.mp4"]), outcome.err
    assert "cluster of 2 workers" in outcome.err
    assert (tmp_path / "o.mp4").read_bytes() == whole


def test_several_inputs(cluster: Cluster, tmp_path: Path) -> None:
    clips = [make_clip(tmp_path / f"{name}.mp4", seconds=0.4) for name in "ab"]
    (tmp_path / "c.mp4").write_bytes(b"no video")
    inputs = *clips, tmp_path / "c.mp4"
    output = f"{tmp_path}/o/"
    outcome = run("convert", *inputs, "-o", output, "-k", "3", "--cluster", cluster.address)
    assert outcome.code == 1
    assert outcome.err.count("c.mp4 is not a video") == 1
    assert left_in(tmp_path / "o") == ["a.segmented.mp4", "b.segmented.mp4"]


def test_ctrl_c_leaves_nothing_and_the_cluster_free(
    cluster: Cluster, clip: Path, tmp_path: Path
) -> None:
    command = ("convert", clip, "-o", tmp_path / "o.mp4", "-k", "3", "--cluster", cluster.address)
    process = start(*command)
    wait_until(lambda: list(tmp_path.glob(".kseg-*/*.frames")))
    process.send_signal(signal.SIGINT)
    assert finish(process).code == 130
    wait_until(lambda: left_in(tmp_path) == [])
    workers = [psutil.Process(worker.pid) for worker in cluster.workers]
    wait_until(
        lambda: (
            not any(
                "ffmpeg" in child.name()
                for each in workers
                for child in each.children(recursive=True)
            )
        )
    )


def test_the_scheduler_is_lost(cluster: Cluster, clip: Path, tmp_path: Path) -> None:
    (tmp_path / "o.mp4").write_bytes(b"old")
    command = ("convert", clip, "-o", tmp_path / "o.mp4", "-y", "-k", "3", "-q")
    process = start(*command, "--cluster", cluster.address)
    wait_until(lambda: list(tmp_path.glob(".kseg-*/*.frames")))
    cluster.scheduler.kill()
    outcome = finish(process)
    assert outcome.code == 1
    lost = f"kseg-video: error: the Dask scheduler at {cluster.address} was lost\n"
    assert outcome.err == lost
    assert (tmp_path / "o.mp4").read_bytes() == b"old"
    wait_until(lambda: left_in(tmp_path) == ["o.mp4"])


def test_what_cannot_begin(clip: Path, tmp_path: Path) -> None:
    place = tmp_path / "scheduler"
    place.mkdir()
    alone = Cluster(place)
    try:
        command = ("convert", clip, "-o", tmp_path / "o.mp4", "--cluster")
        outcome = run(*command, alone.address)
        assert outcome.code == 1
        assert f"no worker yet; start one with: dask worker {alone.address}" in outcome.err
    finally:
        alone.close()
    outcome = run(*command, alone.address)
    assert outcome.code == 1
    assert re.search(r"no Dask scheduler answers at tcp://127.0.0.1:\d+; check", outcome.err)
    assert left_in(tmp_path) == ["scheduler"]
