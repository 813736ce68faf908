"""Cost of backgrounds and mattes relative to a plain segmented conversion, without the encoder.

    python -m benchmarks.keying CLIP... [--size 1920x1080] [-k 8] [--off 2]

Each clip is scaled to that size. It is then converted plainly and with each background in turn,
several times, into a sink that drops the pictures: decoding, segmenting and rendering count, the
encoder does not. The brightest clusters are switched off. Reported are the medians of wall and
processor time for each background, relative to the plain conversion.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Self

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2

from kseg_video import ClusterSelection, RenderSettings, SegmenterSettings, convert
from kseg_video.cli.opencv_setup import keep_freed_memory
from kseg_video.conversion import convert as conversion
from tests.helpers.media import ffmpeg

_BACKGROUNDS = ("transparent", "blur", "gray", "pixelate", "picture", "black, feather 2")


class _Nowhere:
    """A sink that drops its pictures."""

    def __init__(self, *_: object) -> None:
        self.notes: list[str] = []

    def write(self, _frame: object) -> None: ...

    def abort(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


def settings_of(name: str, image: Path) -> RenderSettings:
    if name == "plain":
        return RenderSettings()
    background, _, feather = name.partition(", feather ")
    return RenderSettings(
        "masked",
        background=image if background == "picture" else background,
        feather=int(feather) if feather else None,
    )


def cost(clip: Path, rendering: RenderSettings, n_clusters: int, off: int) -> tuple[float, float]:
    """Wall and processor seconds of one conversion, decoder included."""
    numbers = tuple(range(n_clusters - off, n_clusters)) if rendering != RenderSettings() else ()
    before, begin = _processor_time(), time.perf_counter()
    convert(
        clip,
        clip.with_name("nothing.mkv"),
        segmenter=SegmenterSettings(n_clusters),
        rendering=rendering,
        selection=ClusterSelection(disabled=numbers),
    )
    return time.perf_counter() - begin, _processor_time() - before


def _processor_time() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def bring_to(clip: Path, size: str, frames: int, target: Path) -> None:
    scale = f"scale={size.replace('x', ':')},setsar=1"
    options = ("-an", "-pix_fmt", "yuv420p", "-crf", "18", "-preset", "veryfast")
    looped = ("-stream_loop", "-1", "-i", clip, "-vf", scale, "-frames:v", str(frames))
    ffmpeg(*looped, *options, target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("-k", "--clusters", type=int, default=8)
    parser.add_argument("--off", type=int, default=2, help="clusters switched off")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    keep_freed_memory()
    vars(conversion)["open_sink"] = _Nowhere
    print("| clip | plain, ms a frame: wall, processor |", *(f"{name} |" for name in _BACKGROUNDS))
    print("|---" * (len(_BACKGROUNDS) + 2) + "|")
    for clip in options.clips:
        with tempfile.TemporaryDirectory() as folder:
            scaled, image = Path(folder, "clip.mp4"), Path(folder, "image.png")
            bring_to(clip, options.size, options.frames, scaled)
            bring_to(clip, options.size, 1, image)
            costs: dict[str, list[tuple[float, float]]] = {}
            for _ in range(options.runs):
                for name in ("plain", *_BACKGROUNDS):
                    spent = cost(scaled, settings_of(name, image), options.clusters, options.off)
                    costs.setdefault(name, []).append(spent)
        wall, processor = (
            {name: median(each[kind] for each in spent) for name, spent in costs.items()}
            for kind in (0, 1)
        )
        plain = [f"{1000 * each['plain'] / options.frames:.1f}" for each in (wall, processor)]
        ratios = (
            f"{wall[name] / wall['plain']:.2f}, {processor[name] / processor['plain']:.2f}"
            for name in _BACKGROUNDS
        )
        print("|", " | ".join([clip.name, ", ".join(plain), *ratios]), "|", flush=True)


if __name__ == "__main__":
    main()
