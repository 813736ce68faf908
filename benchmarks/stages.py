"""Cost of each stage of a frame on one thread, in milliseconds and in conversions to BGR.

    python -m benchmarks.stages CLIP [--sizes 1920x1080] [-k 2 8 32] [--stability 0 0.5]

One conversion is ``cv2.cvtColor(..., COLOR_YUV2BGR_I420)`` of the same frames, timed in turn with
the stages in the same run. With compiled kernels, the index is part of the labels. Read and write,
which are not in the sum, are the pipes from an ffmpeg that generates pictures and to one that
discards them.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import defaultdict
from contextlib import ExitStack, contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import cv2
import numpy as np

from kseg_video import Frame, Segmenter, SegmenterSettings, TrimSettings, open_source, render
from kseg_video.cli.opencv_setup import keep_freed_memory
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.native.pictures import CellNumbers
from kseg_video.reading.raw_pictures import read_picture
from kseg_video.segmentation import fast_mapper
from kseg_video.segmentation.label_hysteresis import LabelHysteresis
from kseg_video.segmentation.nearest_centroid import Cells
from kseg_video.segmentation.palette_tracker import PaletteTracker
from kseg_video.segmentation.pixel_sampling import PixelSample
from kseg_video.writing.sink_base import raw_video

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

_STAGES: dict[str, list[tuple[type | ModuleType, str]]] = {
    "sample": [(PixelSample, "of_frame")],
    "fit": [(PaletteTracker, "update")],
    "tables": [(Cells, "label")],
    "index": [(CellNumbers, "of_picture")],
    "labels": [(LabelHysteresis, "hold"), (fast_mapper, "_strict_labels")],
}


class Stopwatch:
    """Sums the time of each stage, without that of the stages nested in it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def timed(self, name: str, work: Callable[[], Any]) -> Any:
        self._inner.append(0.0)
        begin = time.perf_counter()
        result = work()
        took = time.perf_counter() - begin
        self.seconds[name] += took - self._inner.pop()
        self._inner[-1] += took
        return result

    def watch(self, name: str, owner: type | ModuleType, method: str) -> None:
        original = owner.__dict__[method]
        function = original.__func__ if isinstance(original, classmethod) else original

        def wrapped(*arguments: Any, **options: Any) -> Any:
            return self.timed(name, lambda: function(*arguments, **options))

        replacement: Any = classmethod(wrapped) if function is not original else wrapped
        setattr(owner, method, replacement)


def frames_of(clip: Path, size: str, count: int) -> list[Frame]:
    """Frames of a clip in I420, scaled to that size."""
    width, height = map(int, size.split("x"))
    frames = []
    with open_source(clip, TrimSettings(max_frames=count)) as source:
        for frame in source:
            planes = [
                cv2.resize(plane, (width // part, height // part)).ravel()
                for plane, part in zip(frame.planes, (1, 2, 2), strict=True)
            ]
            pixels = np.concatenate(planes, dtype=np.uint8).reshape(height * 3 // 2, width)
            frames.append(Frame(pixels, "i420", frame.encoding, frame.index, frame.time))
    return frames


@contextmanager
def pipes(frame: Frame) -> Iterator[tuple[FfmpegProcess, FfmpegProcess]]:
    """A source and a sink of raw pictures of a frame's size."""
    endless = f"nullsrc=size={frame.width}x{frame.height},format=yuv420p"
    source = ["-f", "lavfi", "-i", endless, "-f", "rawvideo", "-"]
    taken = [*raw_video("yuv420p", frame.width, frame.height, 30), "-i", "pipe:0"]
    with ExitStack() as stack:
        reader = FfmpegProcess(source, feeds=False)
        stack.callback(reader.stop)
        writer = FfmpegProcess([*taken, "-c", "copy", "-f", "null", "-"], feeds=True)
        stack.callback(writer.stop)
        yield reader, writer


def measure(
    frames: list[Frame],
    settings: SegmenterSettings,
    watch: Stopwatch,
    reader: FfmpegProcess,
    writer: FfmpegProcess,
) -> dict[str, float]:
    """Mean milliseconds of each stage per frame, except the first frame, which is fitted cold."""
    segmenter = Segmenter(settings)
    for frame in frames:
        size = frame.width, frame.height
        watch.timed("read", lambda: read_picture(reader, frame.layout, *size))  # noqa: B023
        fresh = Frame(frame.pixels, frame.layout, frame.encoding, frame.index, frame.time)
        watch.timed("conversion", lambda: cv2.cvtColor(frame.pixels, cv2.COLOR_YUV2BGR_I420))  # noqa: B023
        segmentation = watch.timed("other", lambda: segmenter.segment(fresh))  # noqa: B023
        painted = watch.timed("paint", lambda: render(fresh, segmentation))  # noqa: B023
        watch.timed("write", lambda: writer.write(painted.pixels.reshape(-1).data))  # noqa: B023
        if frame.index == 0:
            watch.seconds.clear()
    costs = {name: 1000 * total / (len(frames) - 1) for name, total in watch.seconds.items()}
    watch.seconds.clear()
    return costs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, help="an 8-bit 4:2:0 video of even size")
    parser.add_argument("--sizes", nargs="+", default=["1280x720", "1920x1080", "3840x2160"])
    parser.add_argument("-k", "--clusters", nargs="+", type=int, default=[2, 8, 32])
    parser.add_argument("--color-space", nargs="+", default=["rgb"])
    parser.add_argument("--stability", nargs="+", type=float, default=[0.5])
    parser.add_argument("--frames", type=int, default=60)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    keep_freed_memory()
    watch = Stopwatch()
    for name, methods in _STAGES.items():
        for owner, method in methods:
            watch.watch(name, owner, method)
    names = [*_STAGES, "other", "paint"]
    stages = " | ".join(names)
    print(f"| size | space | k | stability | {stages} | sum | conversions | read | write |")
    print("|---" * (len(names) + 8) + "|")
    for size in options.sizes:
        frames = frames_of(options.clip, size, options.frames)
        for space, k, stability in product(
            options.color_space, options.clusters, options.stability
        ):
            settings = SegmenterSettings(n_clusters=k, color_space=space, stability=stability)
            with pipes(frames[0]) as ends:
                costs = measure(frames, settings, watch, *ends)
            total = sum(costs.get(name, 0) for name in names)
            shown = [costs.get(name, 0) for name in names]
            shown += [total, total / costs["conversion"], costs["read"], costs["write"]]
            cells = [size, space, str(k), f"{stability:g}", *(f"{cost:.1f}" for cost in shown)]
            print("|", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
