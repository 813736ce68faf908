"""Recordings: their duration, the interruptions that they survive, and reports of failures."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import Frame, Segmenter, SegmenterSettings, SinkError
from kseg_video.live.recording import Recorder
from kseg_video.live.snapshots_and_recordings import LiveFiles
from tests.conftest import running_ffmpegs
from tests.helpers.commands import finish, run, start
from tests.helpers.disks import fill, small_disk
from tests.helpers.live_doubles import Clock
from tests.helpers.media import inspect, left_in, make_clip
from tests.helpers.pictures import quadrants
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.mark.thorough
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_a_recording_survives_a_kill(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "clip.mkv", "-c:v", "ffv1", size="160x120", seconds=1)
    target = tmp_path / f"out{suffix}"
    process = start("live", clip, "--loop", "--preview", "none", "--record", target)
    wait_until(target.exists)
    time.sleep(4)
    process.kill()
    finish(process)
    assert inspect(target).frames >= 25


@pytest.mark.thorough
def test_a_recording_of_a_file_lasts_as_long_as_the_file(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", "-c:v", "ffv1", size="160x120", seconds=3, rate="12")
    target = tmp_path / "out.mp4"
    assert run("live", clip, "--preview", "none", "--record", target).code == 0
    # The recording begins with the first picture, after the first fit.
    assert 2.5 < inspect(target).seconds < 3.2


@pytest.mark.parametrize("pauses", [(1 / 30,), (1 / 12,), (0.005, 0.02, 0.2)])
def test_a_recording_lasts_as_long_as_it_took(tmp_path: Path, pauses: tuple[float, ...]) -> None:
    target, clock = tmp_path / "out.mkv", Clock()
    began = clock.now
    recorder = Recorder(target, np.zeros((48, 64, 3), np.uint8), clock)
    rng = np.random.default_rng(0)
    for level in range(1, 41):
        clock.now += rng.choice(pauses)
        recorder.offer(np.full((48, 64, 3), level * 6, np.uint8))
    recorder.stop()
    recorder.join()
    stored = inspect(target)
    assert stored.seconds == pytest.approx(clock.now - began, abs=0.035)
    assert stored.frames == 41, "the first, and all that were offered"
    assert recorder.dropped == 0


def test_an_encoder_that_is_too_slow_costs_frames_but_no_time(tmp_path: Path) -> None:
    target, clock = tmp_path / "out.mp4", Clock()
    noise = np.random.default_rng(0).integers(0, 256, (1080, 1920, 3), np.uint8)
    others = running_ffmpegs()
    recorder = Recorder(target, noise, clock)
    wait_until(lambda: running_ffmpegs() > others)
    (encoder,) = running_ffmpegs() - others
    os.kill(encoder, signal.SIGSTOP)
    for _ in range(100):  # would hang if offer waited for the encoder
        clock.now += 0.04
        recorder.offer(noise)
    os.kill(encoder, signal.SIGCONT)
    recorder.stop()
    recorder.join()
    assert not recorder.failure
    assert 80 < recorder.dropped < 100
    stored = inspect(target)
    last_begins = stored.seconds - 1 / stored.rate
    assert float(last_begins) == pytest.approx(4, abs=0.035)


def test_an_encoder_that_cannot_start_is_told_and_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kseg_video.ffmpeg.process.executable", lambda: str(tmp_path / "none"))
    view = quadrants(48, 64, noise=20)
    with LiveFiles(tmp_path, tmp_path / "take.mp4") as files:
        files.offer(view)
        wait_until(lambda: files.recorder is None or files.recorder.finished)
    (failure,) = files.failures
    assert failure.startswith("take.mp4 could not be begun: ")
    assert "\n" not in failure
    assert left_in(tmp_path) == []


class TestFullDisk:
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        with small_disk(tmp_path / "disk", "512k") as disk:
            yield disk

    def test_it_is_told_during_the_recording_and_another_can_begin(self, disk: Path) -> None:
        rng = np.random.default_rng(0)
        told: list[str] = []
        failure = "take.mkv could not be written on; the disk may be full"

        def show() -> bool:
            time.sleep(0.01)
            files.offer(rng.integers(0, 256, (120, 160, 3), np.uint8))
            told.extend(files.news())
            return failure in told

        with LiveFiles(disk, disk / "take.mkv") as files:
            wait_until(show)
            assert files.recorder is None
            begun = inspect(disk / "take.mkv").frames
            assert begun > 10, "what was written before plays"
            (disk / "take.mkv").write_bytes(b"")
            files.toggle(np.zeros((120, 160, 3), np.uint8))
        assert inspect(disk / "take-2.mkv").frames >= 1
        with pytest.raises(SinkError, match=failure):
            files.check()

    @pytest.mark.thorough
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_it_ends_what_only_records(self, disk: Path, tmp_path: Path, suffix: str) -> None:
        noise = ("-vf", "noise=alls=60:allf=t", "-c:v", "ffv1")
        clip = make_clip(tmp_path / "clip.mkv", *noise, size="160x120", seconds=0.4)
        take = disk / f"take{suffix}"
        options = ("--loop", "--preview", "none", "--view", "original")
        process = start("live", clip, *options, "--record", take)
        wait_until(lambda: take.exists() and take.stat().st_size)
        fill(disk)
        outcome = finish(process, 20)
        assert outcome.code == 1
        assert outcome.err.splitlines()[1:] == [
            f"kseg-video: error: {take.name} could not be written on; the disk may be full"
        ]

    def test_a_recording_that_cannot_even_begin(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "clip.mkv", "-c:v", "ffv1", size="160x120", seconds=0.4)
        take = tmp_path / "take.mp4"
        take.symlink_to("nowhere/take.mp4")
        outcome = run("live", clip, "--loop", "--preview", "none", "--record", take)
        assert outcome.code == 1
        assert outcome.err.splitlines()[1:] == [
            f"kseg-video: error: {take} cannot be recorded to (File exists); choose another name"
        ]
        assert left_in(tmp_path) == ["clip.mkv", "take.mp4"]

    def test_a_snapshot_that_cannot_be_written(self, disk: Path) -> None:
        fill(disk)
        picture = quadrants(120, 160, noise=20)
        palette = Segmenter(SegmenterSettings(n_clusters=4)).segment(picture).palette
        with LiveFiles(disk) as files:
            files.snapshot(Frame(picture), picture, palette, "rgb")
        assert [path.name for path in disk.iterdir()] == ["junk"]
        with pytest.raises(SinkError, match="the disk is full; make room"):
            files.check()
