"""``kseg-video convert`` against ffmpeg alone: wall time, processor time and peak memory.

    python -m benchmarks.conversion CLIP [--sizes 1280x720 1920x1080] [-k 2 8 32]
                                          [--seconds 20] [--runs 3] [--per-frame]

The clip is first scaled and looped to each size and duration. The following then run in turn,
several times, and the median of each is reported:

floor
    one ffmpeg decodes the clip into a pipe while another encodes the frames segmented before from a
    pipe, with the settings that convert uses, and nothing in between.
convert
    the whole command with its children; peak memory is that of the command alone, from another run.
elbg
    ffmpeg's own filter for the same job, measured on a few frames and scaled up.
per frame
    `cv2.kmeans` with 10 attempts on all pixels of a frame, as in tutorials, measured on one frame
    and scaled up; only with --per-frame, since it takes minutes.
start
    ``kseg-video --help``, and the conversion of the first frame alone.
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
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from kseg_video import TrimSettings, open_source
from kseg_video.ffmpeg.probe import probe
from kseg_video.ffmpeg.process import environment, executable
from tests.helpers.oracles import opencv_kmeans

if TYPE_CHECKING:
    from collections.abc import Callable

_X264 = (
    *("-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-chromaoffset", "-4"),
    *("-pix_fmt", "yuv420p"),
)
_ELBG_FRAMES = 10
_CHUNK_BYTES = 1 << 20
_OURS = """
import pathlib, resource, sys
from kseg_video.cli.main import main
code = main(sys.argv[1:-1])
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
pathlib.Path(sys.argv[-1]).write_text(str(peak))
sys.exit(code)
"""


@dataclass(frozen=True)
class Cost:
    """Wall and processor time of one run, in seconds."""

    wall: float
    processor: float = 0.0


@dataclass(frozen=True)
class Case:
    """A clip and the parameters of its conversion."""

    clip: Path
    size: str
    rate: str
    frames: int
    clusters: int
    folder: Path


def ffmpeg(*arguments: str | Path) -> list[str]:
    return [executable(), "-loglevel", "error", "-nostdin", "-y", *map(str, arguments)]


def timed(command: list[str]) -> Cost:
    """Cost of a command and its children."""
    begin = time.perf_counter()
    process = subprocess.Popen(command, env=environment(), stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begin
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    return Cost(wall, usage.ru_utime + usage.ru_stime)


def ours(*arguments: str | Path) -> Cost:
    """Cost of ``kseg-video`` with its children."""
    return timed([sys.executable, "-m", "kseg_video", *map(str, arguments)])


def converting(case: Case, *more: str) -> list[str | Path]:
    output = case.folder / "ours.mp4"
    return ["convert", case.clip, "-o", output, "-yq", "-k", str(case.clusters), *more]


def convert(case: Case) -> Cost:
    return ours(*converting(case))


def memory_of_ours(case: Case) -> float:
    """Peak memory of ``kseg-video`` in MiB, without its children."""
    with tempfile.NamedTemporaryFile("r") as peak:
        timed([sys.executable, "-c", _OURS, *map(str, converting(case)), peak.name])
        return int(peak.read()) / 1024


def floor(case: Case) -> Cost:
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    decoder = subprocess.Popen(
        ffmpeg("-i", case.clip, *raw, "-"), stdout=subprocess.PIPE, env=environment()
    )
    target = case.folder / "floor.mp4"
    encoding = ffmpeg(*raw, "-s", case.size, "-r", case.rate, "-i", "pipe:0", *_X264, target)
    encoding.remove("-nostdin")
    with (case.folder / "segmented.yuv").open("rb") as frames:
        encoder = subprocess.Popen(encoding, stdin=subprocess.PIPE, env=environment())
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


def elbg(case: Case) -> Cost:
    few = ("-frames:v", str(_ELBG_FRAMES), "-vf", f"elbg=l={case.clusters},format=yuv420p")
    cost = timed(ffmpeg("-i", case.clip, *few, *_X264, case.folder / "elbg.mp4"))
    scale = case.frames / _ELBG_FRAMES
    return Cost(cost.wall * scale, cost.processor * scale)


def per_frame(case: Case) -> Cost:
    with open_source(case.clip, TrimSettings(max_frames=1)) as source:
        (picture,) = (frame.bgr for frame in source)
    pixels = picture.reshape(-1, 3).astype("float32")
    begin, began = time.perf_counter(), time.process_time()
    opencv_kmeans(pixels, case.clusters)
    wall, processor = time.perf_counter() - begin, time.process_time() - began
    return Cost(wall * case.frames, processor * case.frames)


def prepare(options: argparse.Namespace, size: str, clusters: int, folder: Path) -> Case:
    """Scale and loop the clip, and segment it once for the floor."""
    rate = str(probe(options.clip).frame_rate)
    clip = folder / "clip.mp4"
    scaled = ("-vf", f"scale={size.replace('x', ':')},fps={rate}", "-an", "-t", options.seconds)
    looped = ffmpeg("-stream_loop", "-1", "-i", options.clip, *map(str, scaled), *_X264, clip)
    timed(looped)
    frames = round(options.seconds * float(probe(clip).frame_rate))
    case = Case(clip, size, rate, frames, clusters, folder)
    convert(case)
    planes = ("-f", "rawvideo", "-pix_fmt", "yuv420p", folder / "segmented.yuv")
    timed(ffmpeg("-i", folder / "ours.mp4", *planes))
    return case


def measure(case: Case, runs: int, *, with_per_frame: bool) -> None:
    ways: dict[str, Callable[[Case], Cost]] = {"floor": floor, "convert": convert, "elbg": elbg}
    costs: dict[str, list[Cost]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            costs[name].append(way(case))
    if with_per_frame:
        costs["per frame"] = [per_frame(case)]
    base = median(cost.wall for cost in costs["floor"])
    for name, runs_of_it in costs.items():
        wall = median(cost.wall for cost in runs_of_it)
        processor = median(cost.processor for cost in runs_of_it)
        memory = f"{memory_of_ours(case):.0f}" if name == "convert" else ""
        print(
            f"| {case.size} | {case.clusters} | {name} | {wall:.1f} | {wall / base:.2f} "
            f"| {case.frames / wall:.1f} | {processor:.1f} | {memory} |",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("-k", "--clusters", nargs="+", type=int, default=[8])
    parser.add_argument("--sizes", nargs="+", default=["1280x720", "1920x1080"])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--per-frame", action="store_true")
    options = parser.parse_args()
    print("| size | k | | wall s | of floor | fps | CPU s | peak MiB |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        for size, clusters in product(options.sizes, options.clusters):
            case = prepare(options, size, clusters, Path(name))
            measure(case, options.runs, with_per_frame=options.per_frame)
        helps = [ours("--help").wall for _ in range(5)]
        firsts = [ours(*converting(case, "--max-frames", "1")).wall for _ in range(5)]
    print(f"--help: {median(helps):.2f} s; first frame of {case.size}: {median(firsts):.2f} s")


if __name__ == "__main__":
    main()
