"""Processes that do nothing any more, and those that only seem so."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from kseg_video.stalls import LOOK_SECONDS, StalledError, StallWatch
from tests.live_doubles import Clock

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


SLEEPS = "import time; time.sleep(99)"
COMPUTES = "while True: pass"
READS = "import time\nwhile True: open('/proc/self/stat').read(); time.sleep(0.02)"


@pytest.fixture
def process(request: pytest.FixtureRequest) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-c", f"print(1, flush=True)\n{request.param}"], stdout=subprocess.PIPE
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


@pytest.mark.parametrize("process", [SLEEPS], indirect=True)
def test_one_that_sleeps_for_good_has_stalled(process: subprocess.Popen[bytes]) -> None:
    time.sleep(0.1)
    with pytest.raises(StalledError, match="done nothing for 2 s"):
        look_twice(process)


@pytest.mark.parametrize("process", [COMPUTES], indirect=True)
def test_one_that_computes_has_not(process: subprocess.Popen[bytes]) -> None:
    look_twice(process)


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
