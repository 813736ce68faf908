"""Memory and sound sync of a long conversion.

    python -m benchmarks.endurance --hours 3

With ``--copy``, the memory that ffmpeg alone takes to copy the packets into the same container.
"""

from __future__ import annotations

import argparse
import contextlib
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.ffmpeg.process import environment, executable
from tests.helpers.commands import Outcome, finish, start
from tests.helpers.media import ffmpeg
from tests.helpers.sync import flash_lag, make_flashes

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOOP_SECONDS = 30.03  # 900 frames of 30000/1001
_SECONDS_BETWEEN_LOOKS = 0.05
_COPIER = "ffmpeg alone"
_NAMES = {"pipe:0": "encoder", "rawvideo\0-\0": "decoder", "-map\x000\0-c\0copy": _COPIER}


@dataclass(frozen=True)
class Endurance:
    """Figures of a long conversion.

    `memory` holds the MiB of each program after a minute of video, and the most after that.
    """

    seconds: float
    took: float
    memory: dict[str, tuple[float, float]]
    lag_before: float
    lag_after: float

    def __str__(self) -> str:
        return (
            f"{self.seconds / 60:.0f} minutes of video in {self.took:.0f} s: "
            f"{_in_words(self.memory)}; sound "
            f"{(self.lag_after - self.lag_before) * 1000:+.1f} ms at the end"
        )


def endure(folder: Path, seconds: float, suffix: str = ".mp4") -> Endurance:
    """Convert a looped 320x180 clip of that duration; all files are in `folder`."""
    source, target = _looped(folder, seconds), folder / f"out{suffix}"
    began = time.monotonic()
    process = start("convert", source, "-o", target, "-q", "--preset", "ultrafast")
    memory = _watch(process, source.stat().st_size * 60 / seconds)
    assert finish(process) == Outcome(0, "", "")
    took = time.monotonic() - began
    last = _loops(seconds) * _LOOP_SECONDS - 10
    return Endurance(seconds, took, memory, flash_lag(source, last), flash_lag(target, last))


def copy_alone(folder: Path, seconds: float, suffix: str) -> dict[str, tuple[float, float]]:
    """Memory of an ffmpeg that copies the same clip; see `Endurance`."""
    source = _looped(folder, seconds)
    command = [executable(), "-v", "error", "-nostdin", "-i", str(source)]
    command += ["-map", "0", "-c", "copy", str(folder / f"copy{suffix}")]
    process = subprocess.Popen(command, env=environment(), text=True)
    return _watch(process, source.stat().st_size * 60 / seconds, _COPIER)


def _loops(seconds: float) -> int:
    return round(seconds / _LOOP_SECONDS)


def _looped(folder: Path, seconds: float) -> Path:
    """Make a clip of about that duration."""
    sound = ("-c:a", "flac")  # its packets end where the picture does
    loop = make_flashes(
        folder / "loop.mkv", *sound, size="320x180", seconds=_LOOP_SECONDS, picture="testsrc2"
    )
    source = folder / "source.mkv"
    ffmpeg("-stream_loop", str(_loops(seconds) - 1), "-i", loop, "-c", "copy", source)
    return source


def _in_words(memory: dict[str, tuple[float, float]]) -> str:
    return "; ".join(
        f"{name} {first:.0f} MiB after a minute, {most - first:+.1f} MiB at most later"
        for name, (first, most) in memory.items()
    )


def _watch(
    process: subprocess.Popen[str], warm: float, leader: str = "decoder"
) -> dict[str, tuple[float, float]]:
    """Memory of a process and its children: once they are warm, and the most after that.

    They are warm when the leader has read `warm` bytes.
    """
    memory: dict[str, tuple[float, float]] = {}
    while process.poll() is None:
        family = dict(_family(process.pid))
        if family.get(leader, (0, 0.0))[0] > warm:
            for name, (_, size) in family.items():
                first, most = memory.get(name, (size, size))
                memory[name] = first, max(size, most)
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    return memory


def _family(number: int) -> Iterator[tuple[str, tuple[int, float]]]:
    """Name, bytes read and resident MiB of a process and its children."""
    with contextlib.suppress(OSError):  # a process may end meanwhile
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
    parser.add_argument("--copy", action="store_true", help="let ffmpeg copy the clip, alone")
    options = parser.parse_args()
    seconds = options.hours * 3600
    with tempfile.TemporaryDirectory() as folder:
        if options.copy:
            print(_in_words(copy_alone(Path(folder), seconds, options.suffix)))
        else:
            print(endure(Path(folder), seconds, options.suffix))


if __name__ == "__main__":
    _main()
