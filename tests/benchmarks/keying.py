"""What backgrounds and mattes cost beside a plain segmented conversion, apart from the encoder.

    python -m tests.benchmarks.keying CLIP... [--size 1920x1080] [-k 8] [--off 2]

Each frame is segmented and painted on one thread, once with every background in turn and once
plainly, each with a segmenter of its own. What is counted is that thread's processor time, not
decoding, which is the same for all. The brightest clusters are switched off.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2

from kseg_video import Frame, RenderSettings, Segmenter, SegmenterSettings
from kseg_video.rendering import Renderer
from kseg_video.startup import keep_freed_memory
from tests.benchmarks.stages import frames_of

_BACKGROUNDS = ("transparent", "blur", "gray", "pixelate", "picture", "black, feather 2")


def _settings(name: str, disabled: frozenset[int]) -> RenderSettings:
    background, _, feather = name.partition(", feather ")
    return RenderSettings("masked", disabled, background, feather=int(feather) if feather else None)


def measure(frames: list[Frame], n_clusters: int, off: int) -> dict[str, float]:
    """Milliseconds a frame of each background; the first frame aside."""
    disabled = frozenset(range(n_clusters - off, n_clusters))
    settings = {name: _settings(name, disabled) for name in _BACKGROUNDS}
    settings["plain"] = RenderSettings()
    segmenters = {name: Segmenter(SegmenterSettings(n_clusters)) for name in settings}
    renderers = {name: Renderer() for name in settings}
    costs: dict[str, list[float]] = defaultdict(list)
    for frame in frames:
        for name, rendering in settings.items():
            fresh = Frame(frame.pixels, frame.layout, frame.encoding, frame.index, frame.time)
            begin = time.thread_time()
            segmentation = segmenters[name].segment(fresh, rendering.disabled)
            renderers[name].render(fresh, segmentation, rendering, background=frames[0])
            costs[name].append(1000 * (time.thread_time() - begin))
    return {name: fmean(each[1:]) for name, each in costs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path, help="8-bit 4:2:0 videos of even size")
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("-k", "--clusters", type=int, default=8)
    parser.add_argument("--off", type=int, default=2, help="clusters switched off")
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    keep_freed_memory()
    print("| clip | plain, ms |", *(f"{name}, of plain |" for name in _BACKGROUNDS))
    print("|---" * (len(_BACKGROUNDS) + 2) + "|")
    for clip in options.clips:
        frames = frames_of(clip, options.size, options.frames)
        costs = measure(frames, options.clusters, options.off)
        ratios = (f"{costs[name] / costs['plain']:.2f}" for name in _BACKGROUNDS)
        print("|", " | ".join([clip.name, f"{costs['plain']:.1f}", *ratios]), "|", flush=True)


if __name__ == "__main__":
    main()
