"""Processes that have stalled, and those that only seem to have."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from typing import TYPE_CHECKING

import pytest

from kseg_video import SourceError, VideoInfo, open_source
from kseg_video.ffmpeg import process as ffmpeg
from kseg_video.ffmpeg import stalls
from kseg_video.ffmpeg.stalls import LOOK_SECONDS, StalledError, StallWatch
from kseg_video.reading.background_source import open_background
from tests.helpers.faulty_ffmpeg import faulty_ffmpeg
from tests.helpers.live_doubles import Clock
from tests.helpers.media import make_clip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="elsewhere what threads wait for is not told"
)


SLEEPS = "import time; time.sleep(99)"
COMPUTES = "while True: pass"
READS = "import time\nwhile True: open(__import__('os').devnull).read(); time.sleep(0.02)"


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", f"print(1, flush=True)\n{request.param}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    with process.stdout as out:
        out.readline()
        yield process
    process.kill()
    process.wait()


def look_twice(process: subprocess.Popen[bytes]) -> None:
    clock = Clock()
    watch = StallWatch(process.pid, clock)
    for _ in range(2):
        watch.look()
        clock.now += LOOK_SECONDS
        time.sleep(0.1)


def look_on(watch: StallWatch, clock: Clock) -> None:
    while True:
        time.sleep(0.05)
        clock.now += LOOK_SECONDS
        watch.look()


@pytest.mark.parametrize("process", [SLEEPS], indirect=True)
def test_one_that_sleeps_for_good_has_stalled(process: subprocess.Popen[bytes]) -> None:
    time.sleep(0.1)
    with pytest.raises(StalledError, match="done nothing for 2 s"):
        look_twice(process)


@pytest.mark.parametrize("process", [SLEEPS], indirect=True)
def test_where_no_waiting_for_a_disk_is_told_it_is_given_the_time(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalls, "_TELLS_STATES", False)
    time.sleep(0.1)
    look_twice(process)
    clock = Clock()
    with pytest.raises(StalledError, match="done nothing for 62 s"):
        look_on(StallWatch(process.pid, clock), clock)


@pytest.mark.parametrize("process", [COMPUTES], indirect=True)
def test_one_that_computes_has_not(process: subprocess.Popen[bytes]) -> None:
    look_twice(process)


COMPLAINS = "import sys\nwhile True: print('error', file=sys.stderr, flush=True)"


@pytest.mark.parametrize("process", [COMPUTES, COMPLAINS], indirect=True)
def test_one_whose_work_comes_to_nothing_has_stalled(
    process: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stalls, "_FRUITLESS_SECONDS", 0.2)
    clock = Clock()
    watch = StallWatch(process.pid, clock)
    for _ in range(5):  # the short limit applies only after the first output
        time.sleep(0.1)
        clock.now += LOOK_SECONDS
        watch.look()
    watch.note_progress()
    watch.look()
    with pytest.raises(StalledError, match=r"at work for .* s, and nothing came of it"):
        look_on(watch, clock)
    watch.note_progress()
    watch.look()


@pytest.mark.parametrize("process", [READS], indirect=True)
def test_time_without_a_processor_does_not_count(process: subprocess.Popen[bytes]) -> None:
    clock = Clock()
    watch = StallWatch(process.pid, clock)
    watch.note_progress()
    for _ in range(3):
        watch.look()
        clock.now += 10_000
        time.sleep(0.1)


@pytest.mark.parametrize("process", [COMPUTES], indirect=True)
def test_one_that_is_stopped_has_stalled(process: subprocess.Popen[bytes]) -> None:
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(0.1)
    with pytest.raises(StalledError):
        look_twice(process)


@pytest.mark.parametrize("process", [READS], indirect=True)
def test_one_that_reads_now_and_then_has_not(process: subprocess.Popen[bytes]) -> None:
    look_twice(process)


def test_one_that_has_ended_is_none_of_its_business() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    look_twice(process)


@pytest.mark.thorough
def test_a_decoder_that_complains_for_ever_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=0.2)
    fault = 'ffmpeg "$@" | head -c 10000; while :; do echo "[error] no" >&2; done'
    environment = faulty_ffmpeg(tmp_path, "decode", fault)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", environment["IMAGEIO_FFMPEG_EXE"])
    monkeypatch.setattr(ffmpeg, "LOOK_SECONDS", 1.0)
    monkeypatch.setattr(stalls, "_FRUITLESS_SECONDS", 0.5)
    ffmpeg.executable.cache_clear()
    try:
        info = VideoInfo(64, 48, Fraction(25))
        with (
            open_background(clip, info) as background,
            pytest.raises(SourceError, match=r"cannot be read on .*nothing came of it"),
        ):
            list(iter(background.next, None))
        with (
            open_source(clip) as source,
            pytest.raises(SourceError, match=r"the decoder of .* has stalled .*nothing came of it"),
        ):
            list(source)
    finally:
        ffmpeg.executable.cache_clear()
