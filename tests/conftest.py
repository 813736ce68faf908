from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kseg_video.ffmpeg import executable
from tests.windows import virtual_screen

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture
def lake_clip() -> Path:
    return SAMPLES / "lake.mp4"


@pytest.fixture
def lake_still() -> Path:
    return SAMPLES / "lake.jpg"


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    yield from virtual_screen()


@pytest.fixture(scope="session")
def real_media() -> Path:
    folder = os.environ.get("KSEG_MEDIA")
    if not folder:
        pytest.skip("KSEG_MEDIA names no folder of real clips")
    return Path(folder)


# Inherited by all that this run starts, orphans included; other ffmpegs are none of our business.
_MARK = f"KSEG_TEST_RUN={os.getpid()}"
os.environ["KSEG_TEST_RUN"] = str(os.getpid())


def running_ffmpegs() -> set[int]:
    """Process numbers of all ffmpegs that work for us or for one of our children."""
    name = Path(executable()).name.encode()
    found = set()
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                command = (process / "cmdline").read_bytes()
                variables = (process / "environ").read_bytes()
            except OSError:
                continue
            if name in command.split(b"\0")[0] and _MARK.encode() in variables.split(b"\0"):
                found.add(int(process.name))
    return found


@pytest.fixture(autouse=True)
def _nothing_outlives_a_test() -> Iterator[None]:
    threads = set(threading.enumerate())
    processes = running_ffmpegs()
    yield
    assert not set(threading.enumerate()) - threads
    assert not running_ffmpegs() - processes
