"""Fast against exact mapping: excess of inertia, and time saved.

    python -m benchmarks.mapping FILE... [-k 8 16] [--color-space rgb lab] [--frames 5]

Frames are taken evenly from the first 30 s of each file. A segmenter fits the palette to a single
frame, which is then mapped with that palette in both ways, one after the other.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video import Frame, Segmenter, SegmenterSettings, TrimSettings, open_source
from kseg_video.core.color_spaces import to_working
from kseg_video.segmentation.nearest_centroid import map_exactly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kseg_video.core.settings import ColorSpace

_SPAN_SECONDS = 30


def some_frames(path: Path, count: int) -> Iterator[Frame]:
    with open_source(path, TrimSettings(end=_SPAN_SECONDS)) as source:
        total = source.info.frame_count or count
        wanted = set(np.linspace(0, total - 1, min(count, total)).astype(int).tolist())
        for frame in source:
            if frame.index in wanted:
                yield frame


def compare(frame: Frame, settings: SegmenterSettings) -> tuple[float, float]:
    """Excess of the fast mapping's inertia, and its time relative to the exact mapping's."""
    segmenter = Segmenter(settings)
    segmenter.segment(frame)  # untimed: builds the index, which later frames reuse
    begin = time.perf_counter()
    segmentation = segmenter.segment(frame)
    fast_seconds = time.perf_counter() - begin
    centroids = segmentation.palette.centroids
    begin = time.perf_counter()
    _, exact = map_exactly(frame, centroids, settings.color_space)
    exact_seconds = time.perf_counter() - begin
    colors = to_working(frame.bgr.reshape(-1, 3).astype(np.float32), settings.color_space)
    errors = colors - centroids[segmentation.labels.ravel()]
    fast = float(np.einsum("ij,ij->", errors, errors, dtype=np.float64)) / len(colors)
    return (fast / exact - 1 if exact else 0.0), fast_seconds / exact_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("-k", "--clusters", nargs="+", type=int, default=[8, 16])
    parser.add_argument("--color-space", nargs="+", default=["rgb", "lab"])
    parser.add_argument("--frames", type=int, default=5)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    print("| file | space | k | inertia excess, mean | worst | time, fast / exact |")
    print("|---|---|---|---|---|---|")
    for path in options.files:
        frames = list(some_frames(path, options.frames))
        for space in options.color_space:
            for n_clusters in options.clusters:
                report(path.name, frames, space, n_clusters)


def report(name: str, frames: list[Frame], space: ColorSpace, n_clusters: int) -> None:
    settings = SegmenterSettings(n_clusters=n_clusters, color_space=space)
    excesses, ratios = zip(*(compare(frame, settings) for frame in frames), strict=True)
    print(
        f"| {name} | {space} | {n_clusters} | {np.mean(excesses):.2%} | {max(excesses):.2%} "
        f"| {np.median(ratios):.3f} |"
    )


if __name__ == "__main__":
    main()
