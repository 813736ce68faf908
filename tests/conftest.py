from __future__ import annotations

import contextlib
import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from kseg_video.cli.opencv_setup import cure_for
from kseg_video.ffmpeg.process import executable

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLES = Path(__file__).parent.parent / "samples"


def pytest_configure() -> None:
    """End with a line instead of a failure of every test, if OpenCV cannot be imported."""
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        pytest.exit(cure_for(error), returncode=1)


@pytest.fixture
def lake_clip() -> Path:
    return SAMPLES / "lake.mp4"


@pytest.fixture
def lake_image() -> Path:
    return SAMPLES / "lake.jpg"


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    from tests.helpers.windows import virtual_screen

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


_GRACE = 5.0  # seconds in which what a test has killed may end


def descendants() -> dict[int, str]:
    """Command lines of all processes that this run has started, by their numbers.

    One that has only just been started may not be among them yet: the kernel shows its variables
    a little after who started it goes on.
    """
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid():
            with contextlib.suppress(OSError):  # others', or just ended
                variables = (process / "environ").read_bytes().split(b"\0")
                if _MARK.encode() in variables:
                    command = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                    found[int(process.name)] = command.decode(errors="replace").strip()
    return found


def running_ffmpegs() -> set[int]:
    """Process numbers of all ffmpegs that work for us or for one of our children."""
    name = Path(executable()).name
    return {number for number, command in descendants().items() if name in command.split(" ")[0]}


@pytest.fixture(autouse=True)
def _nothing_outlives_a_test() -> Iterator[None]:
    threads = set(threading.enumerate())
    processes = set(descendants())
    yield
    assert not set(threading.enumerate()) - threads
    deadline = time.monotonic() + _GRACE
    while late := {n: c for n, c in descendants().items() if n not in processes}:
        assert time.monotonic() < deadline, late
        time.sleep(0.02)
