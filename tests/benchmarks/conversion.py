"""``kseg-video convert`` against ffmpeg alone: wall time, processor time and peak memory.

    python -m tests.benchmarks.conversion CLIP [-k 8] [--size 1920x1080] [--seconds 20] [--runs 3]

The clip is first brought to that size and length (looped). Then, one after another and several
times over, the median of each being reported:

floor
    ffmpeg decodes the clip into a pipe while another ffmpeg encodes the already segmented frames
    from a pipe, with the settings that convert uses, and nothing in between.
convert
    the command as a whole process with its children.
elbg
    ffmpeg's own filter for the same job, on a few frames, scaled up.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from kseg_video.ffmpeg import environment, executable
from kseg_video.probe import probe

_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-pix_fmt", "yuv420p")
_ELBG_FRAMES = 10
_CHUNK_BYTES = 1 << 20
_OURS = """
import pathlib, resource, sys
from kseg_video.cli import main
code = main(sys.argv[1:-1])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pathlib.Path(sys.argv[-1]).write_text(str(peak))
sys.exit(code)
"""


@dataclass(frozen=True)
class Cost:
    """Seconds and mebibytes of one run."""

    wall: float
    processor: float = 0.0
    memory: float = 0.0


def ffmpeg(*arguments: str | Path) -> list[str]:
    return [executable(), "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)]


def ours(*arguments: str | Path) -> Cost:
    """Cost of our command with its children; its memory is its own, without theirs."""
    command = [sys.executable, "-c", _OURS, *map(str, arguments)]
    with tempfile.NamedTemporaryFile("r") as peak:
        cost = timed([*command, peak.name])
        return replace(cost, memory=int(peak.read()) / 1024)


def timed(command: list[str]) -> Cost:
    """Cost of a command and its children."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def floor(clip: Path, segmented: Path, size: str, rate: str, target: Path) -> Cost:
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    decoder = subprocess.Popen(
        ffmpeg("-i", clip, *raw, "-"), stdout=subprocess.PIPE, env=environment()
    )
    encoder_command = ffmpeg(*raw, "-s", size, "-r", rate, "-i", "pipe:0", *_X264, target)
    encoder_command.remove("-nostdin")
    with segmented.open("rb") as frames:
        encoder = subprocess.Popen(encoder_command, stdin=subprocess.PIPE, env=environment())
        drain = threading.Thread(target=_discard, args=(decoder,))
        drain.start()
        assert encoder.stdin is not None
        while chunk := frames.read(_CHUNK_BYTES):
            encoder.stdin.write(chunk)
        encoder.stdin.close()
        encoder.wait()
        drain.join()
    wall = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _discard(decoder: subprocess.Popen[bytes]) -> None:
    assert decoder.stdout is not None
    with decoder.stdout as pipe:
        while pipe.read(_CHUNK_BYTES):
            pass
    decoder.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("-k", "--clusters", type=int, default=8)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        measure(options, Path(name))


def measure(options: argparse.Namespace, folder: Path) -> None:
    rate = str(probe(options.clip).frame_rate)
    clip, output, raw = folder / "clip.mp4", folder / "ours.mp4", folder / "segmented.yuv"
    limits = ("-t", str(options.seconds))
    scaled = ("-vf", f"scale={options.size.replace('x', ':')},fps={rate}", "-an")
    prepared = ("-c:v", "libx264", "-preset", "veryfast", "-crf", "18")
    timed(ffmpeg("-stream_loop", "-1", "-i", options.clip, *limits, *scaled, *prepared, clip))
    command = ("convert", clip, "-o", output, "-yq", "-k", str(options.clusters))
    ours(*command)
    timed(ffmpeg("-i", output, "-f", "rawvideo", "-pix_fmt", "yuv420p", raw))
    floors, runs, elbgs = [], [], []
    for _ in range(options.runs):
        floors.append(floor(clip, raw, options.size, rate, folder / "floor.mp4"))
        runs.append(ours(*command))
        few = ("-frames:v", str(_ELBG_FRAMES), "-vf", f"elbg=l={options.clusters},format=yuv420p")
        elbg = timed(ffmpeg("-i", clip, *few, *_X264, folder / "elbg.mp4"))
        frames = round(options.seconds * float(probe(clip).frame_rate))
        elbgs.append(
            Cost(elbg.wall * frames / _ELBG_FRAMES, elbg.processor * frames / _ELBG_FRAMES)
        )
    base = median(cost.wall for cost in floors)
    print(f"{options.clip.name}, {options.size}, {options.seconds:g} s, k = {options.clusters}")
    print("| | wall s | of floor | fps | CPU s | peak MiB |")
    print("|---|---|---|---|---|---|")
    for label, costs in (("floor", floors), ("convert", runs), ("elbg (scaled up)", elbgs)):
        wall = median(cost.wall for cost in costs)
        processor = median(cost.processor for cost in costs)
        memory = max(cost.memory for cost in costs)
        print(
            f"| {label} | {wall:.1f} | {wall / base:.2f} | {frames / wall:.0f} | {processor:.1f} "
            f"| {f'{memory:.0f}' if memory else ''} |"
        )


if __name__ == "__main__":
    main()
