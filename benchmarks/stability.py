"""Drift, distortion, flicker and size of segmented video, compared with ffmpeg's own filters.

    python -m benchmarks.stability CLIP... [-k 8] [--start 2] [--frames 300]
        [--rows ours strict ...] [--strip DIR]

drift
    share of the pixels that are painted more than 12 levels differently from how their source
    colour was painted a second ago, among those whose colour was there in the same shot; mean and
    worst over all frames, and how often it rises above a tenth (runs).
distortion
    mean squared distance between source and segmented frame in RGB, divided by that of a cold
    `cv2.kmeans` (k-means++, 4 attempts) on that frame; mean and worst over every tenth frame except
    nearly flat ones (cold inertia below 4), where the rounding of colours to 8 bits dominates.
flicker
    share of the pixels whose output changed by more than 12 levels in some channel, among those
    whose source changed by at most 2 levels since the frame before.
size
    bytes as H.264 (crf 23, preset veryfast), divided by those of elbg's output.

Rows: ours, which is `convert` with defaults; live, the same without look-ahead; strict (stability
0); ffmpeg's elbg; palette, one for the whole clip (palettegen and paletteuse without dither);
shots, one palette for each shot, fitted to all of it.

--strip draws the palette over time and a contact sheet of ours.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.contact_sheets import draw
from benchmarks.drift import Drift
from benchmarks.segmented_clips import ROWS, Excerpt, cold_fit
from kseg_video.ffmpeg.process import environment, executable
from kseg_video.segmentation.nearest_centroid import map_exactly

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EVERY = 10
_STILL_LEVELS, _JUMP_LEVELS = 2, 12
_NEARLY_FLAT = 4.0


@dataclass
class Tally:
    """Figures of one row, accumulated frame by frame."""

    drift: Drift
    distortions: list[float] = field(default_factory=list)
    jumped: int = 0
    still: int = 0
    size: int = 0

    @property
    def flicker(self) -> float:
        """Share of the unchanged pixels of the whole clip whose output jumped."""
        return self.jumped / max(self.still, 1)


def reference(excerpt: Excerpt, n_clusters: int) -> dict[int, float]:
    """Inertia of a cold fit on every tenth frame that is not nearly flat."""
    inertias = {
        frame.index: map_exactly(frame, cold_fit(frame.bgr, n_clusters), "rgb")[1]
        for frame in excerpt.frames()
        if frame.index % _EVERY == 0
    }
    return {index: inertia for index, inertia in inertias.items() if inertia >= _NEARLY_FLAT}


def measure(excerpt: Excerpt, n_clusters: int, row: str, cold_inertia: dict[int, float]) -> Tally:
    with tempfile.NamedTemporaryFile(suffix=".h264") as stream:
        tally = Tally(Drift(excerpt.frame_rate))
        before: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
        encoder: subprocess.Popen[bytes] | None = None
        outputs = ROWS[row](excerpt, n_clusters)
        for frame, output in zip(excerpt.frames(), outputs, strict=True):
            if encoder is None:
                encoder = start_encoder(frame.width, frame.height, stream.name)
            assert encoder.stdin is not None
            encoder.stdin.write(output.tobytes())
            if frame.index in cold_inertia:
                error = cv2.norm(frame.bgr, output, cv2.NORM_L2SQR) / (frame.width * frame.height)
                tally.distortions.append(error / cold_inertia[frame.index])
            if before is not None:
                jumped, still = flicker(frame.bgr, output, *before)
                tally.jumped += jumped
                tally.still += still
            before = frame.bgr, output
            tally.drift.add(frame.bgr, output)
        assert encoder is not None
        encoder.communicate()
        tally.size = Path(stream.name).stat().st_size
    return tally


def flicker(
    source: NDArray[np.uint8],
    output: NDArray[np.uint8],
    source_before: NDArray[np.uint8],
    output_before: NDArray[np.uint8],
) -> tuple[int, int]:
    """Number of unchanged pixels whose output jumps, and of all unchanged pixels."""
    still = cv2.absdiff(source, source_before).max(axis=2) <= _STILL_LEVELS
    jumped = cv2.absdiff(output, output_before).max(axis=2) > _JUMP_LEVELS
    return int((jumped & still).sum()), int(still.sum())


def start_encoder(width: int, height: int, target: str) -> subprocess.Popen[bytes]:
    command = [executable(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "bgr24"]
    command += ["-s", f"{width}x{height}", "-i", "pipe:0", "-c:v", "libx264", "-crf", "23"]
    command += ["-preset", "veryfast", "-pix_fmt", "yuv420p", "-y", target]
    return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("-k", "--clusters", type=int, default=8)
    parser.add_argument("--start", type=float, default=0.0, help="seconds of each clip")
    parser.add_argument("--frames", type=int, default=300, help="of each clip, from there on")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--strip", type=Path, metavar="DIR", help="folder of pictures of ours")
    options = parser.parse_args()
    print("| clip | row | drift, mean | worst | runs | distortion, mean | worst | flicker | size |")
    print("|---|---|---|---|---|---|---|---|---|")
    for clip in options.clips:
        excerpt = Excerpt(clip, options.start, options.frames)
        if options.strip is not None:
            draw(excerpt, options.clusters, options.strip)
        cold_inertia = reference(excerpt, options.clusters)
        tallies = {
            row: measure(excerpt, options.clusters, row, cold_inertia) for row in options.rows
        }
        base = tallies["elbg"].size if "elbg" in tallies else 0
        for row, tally in tallies.items():
            relative = f"{tally.size / base:.2f}" if base else f"{tally.size} B"
            drift, distortions = tally.drift, tally.distortions
            print(
                f"| {clip.name} | {row} | {drift.mean:.2%} | {drift.worst:.1%} | {drift.runs} "
                f"| {np.mean(distortions):.3f} | {max(distortions):.3f} "
                f"| {tally.flicker:.2%} | {relative} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
