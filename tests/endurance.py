"""A long conversion: is memory flat, and is the sound still in sync at the end?

``python -m tests.endurance --hours 3``
"""

from __future__ import annotations

import argparse
import contextlib
import re
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.commands import Outcome, finish, start
from tests.media import ffmpeg
from tests.sync import flash_lag, make_flashes

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

_LOOP_SECONDS = 30.03  # 900 frames of 30000/1001
_SECONDS_BETWEEN_LOOKS = 0.2
_NAMES = {"pipe:0": "encoder", "rawvideo\0-\0": "decoder"}


@dataclass(frozen=True)
class Endurance:
    """What a long conversion was like.

    `memory` holds, for each program at work, the MiB it had after a minute of video and at most.
    """

    seconds: float
    took: float
    memory: dict[str, tuple[float, float]]
    lag_before: float
    lag_after: float

    def __str__(self) -> str:
        memory = "; ".join(
            f"{name} {first:.0f} MiB after a minute, {most - first:+.1f} MiB at most later"
            for name, (first, most) in self.memory.items()
        )
        return (
            f"{self.seconds / 60:.0f} minutes of video in {self.took:.0f} s: {memory}; sound "
            f"{(self.lag_after - self.lag_before) * 1000:+.1f} ms at the end"
        )


def endure(folder: Path, seconds: float, suffix: str = ".mp4") -> Endurance:
    """Convert a looped clip of 320x180 that lasts so long, with all files in a folder."""
    loops = round(seconds / _LOOP_SECONDS)
    sound = ("-c:a", "flac")  # whose packets end where the picture does
    loop = make_flashes(
        folder / "loop.mkv", *sound, size="320x180", seconds=_LOOP_SECONDS, picture="testsrc2"
    )
    source, target = folder / "source.mkv", folder / f"out{suffix}"
    ffmpeg("-stream_loop", str(loops - 1), "-i", loop, "-c", "copy", source)
    began = time.monotonic()
    process = start("convert", source, "-o", target, "-q", "--preset", "ultrafast")
    memory = _watch(process, source.stat().st_size * 60 / seconds)
    assert finish(process) == Outcome(0, "", "")
    took = time.monotonic() - began
    last = loops * _LOOP_SECONDS - 10
    return Endurance(seconds, took, memory, flash_lag(source, last), flash_lag(target, last))


def _watch(process: subprocess.Popen[str], warm: float) -> dict[str, tuple[float, float]]:
    """Memory of the process and its children once they have read so many bytes, and at most later.

    The decoder tells how far they are.
    """
    memory: dict[str, tuple[float, float]] = {}
    while process.poll() is None:
        family = dict(_family(process.pid))
        if family.get("decoder", (0, 0.0))[0] > warm:
            for name, (_, size) in family.items():
                first, most = memory.get(name, (size, size))
                memory[name] = first, max(size, most)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return memory


def _family(number: int) -> Iterator[tuple[str, tuple[int, float]]]:
    """Name, bytes read and resident MiB of a process and its children."""
    with contextlib.suppress(OSError):  # they come and go
        for each in [str(number), *_children(number)]:
            folder = Path("/proc", each)
            command = (folder / "cmdline").read_text()
            name = next((name for mark, name in _NAMES.items() if mark in command), "kseg-video")
            read = re.search(r"^rchar: (\d+)", (folder / "io").read_text(), re.MULTILINE)
            size = re.search(r"^VmRSS:\s+(\d+)", (folder / "status").read_text(), re.MULTILINE)
            if read and size:
                yield name, (int(read[1]), int(size[1]) / 1024)


def _children(number: int) -> list[str]:
    tasks = Path(f"/proc/{number}/task").iterdir()
    return [child for task in tasks for child in (task / "children").read_text().split()]


def _main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--suffix", default=".mp4", help="of the output (default: .mp4)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(endure(Path(folder), options.hours * 3600, options.suffix))


if __name__ == "__main__":
    _main()
