"""How close to the picture, how still and how small: ours beside ffmpeg's own filters.

    python -m tests.benchmarks.stability CLIP... [-k 8] [--frames 300] [--rows ours strict ...]

distortion
    mean squared distance between source and segmented frame in RGB, divided by that of a cold
    `cv2.kmeans` (k-means++, 4 attempts) on that frame; mean and worst over every tenth frame, but
    for nearly flat ones (cold inertia below 4), where rounding colours to 8 bit outweighs it.
flicker
    of the pixels whose source changed by at most 2 levels since the frame before, the share whose
    output changed by more than 12 levels in some channel.
size
    bytes as H.264 (crf 23, preset veryfast), divided by those of elbg's output.

Rows: ours with defaults; ours strict (stability 0); ffmpeg's elbg; one palette for the whole clip
(palettegen and paletteuse without dither); a cold fit for each frame. Everything is decoded by
ffmpeg's accurate conversion.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video import Segmenter, SegmenterSettings, TrimSettings, open_source
from kseg_video.ffmpeg import environment, executable
from kseg_video.mapping import map_exactly, nearest
from tests.oracles import opencv_kmeans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from kseg_video import Frame

    Pictures = Iterator[NDArray[np.uint8]]

_EVERY = 10
_STILL_LEVELS, _JUMP_LEVELS = 2, 12
_REFERENCE_PIXELS = 60_000
_NEARLY_FLAT = 4.0


@dataclass
class Tally:
    """Figures of one row, gathered frame by frame."""

    distortions: list[float]
    jumped: int = 0
    still: int = 0
    size: int = 0

    @property
    def flicker(self) -> float:
        """Share of the unmoved pixels, over the whole clip, whose output jumped."""
        return self.jumped / max(self.still, 1)


def source_frames(clip: Path, count: int) -> Iterator[Frame]:
    with open_source(clip, TrimSettings(max_frames=count)) as source:
        yield from source


def cold_fit(picture: NDArray[np.uint8], n_clusters: int) -> NDArray[np.float32]:
    pixels = picture.reshape(-1, 3).astype(np.float32)
    sample = pixels[:: max(len(pixels) // _REFERENCE_PIXELS, 1)]
    return opencv_kmeans(sample, n_clusters, attempts=4)[1]


def reference(clip: Path, count: int, n_clusters: int) -> dict[int, float]:
    """Inertia of a cold fit on every tenth frame that is not nearly flat."""
    inertias = {
        frame.index: map_exactly(frame, cold_fit(frame.bgr, n_clusters), "rgb")[1]
        for frame in source_frames(clip, count)
        if frame.index % _EVERY == 0
    }
    return {index: inertia for index, inertia in inertias.items() if inertia >= _NEARLY_FLAT}


def ours(stability: float) -> Callable[[Path, int, int], Pictures]:
    def pictures(clip: Path, count: int, n_clusters: int) -> Pictures:
        segmenter = Segmenter(SegmenterSettings(n_clusters=n_clusters, stability=stability))
        for frame in source_frames(clip, count):
            segmentation = segmenter.segment(frame)
            yield segmentation.palette.colors[segmentation.labels]

    return pictures


def cold_each(clip: Path, count: int, n_clusters: int) -> Pictures:
    for frame in source_frames(clip, count):
        centroids = cold_fit(frame.bgr, n_clusters)
        labels, _ = nearest(frame.bgr.reshape(-1, 3).astype(np.float32), centroids)
        yield np.rint(centroids).astype(np.uint8)[labels].reshape(frame.bgr.shape)


def filtered(graph: str) -> Callable[[Path, int, int], Pictures]:
    """Pictures of an ffmpeg filter graph, in which K stands for the number of clusters."""

    def pictures(clip: Path, count: int, n_clusters: int) -> Pictures:
        with open_source(clip) as source:
            info = source.info
        accurately = "flags=accurate_rnd+full_chroma_int+full_chroma_inp"
        matrix = f"in_color_matrix={info.encoding.matrix}"
        to_rgb = f"fps={info.frame_rate},scale={matrix}:{accurately},format=bgr0"
        command = [executable(), "-loglevel", "error", "-nostdin", "-i", str(clip)]
        command += ["-frames:v", str(count), "-r", str(info.frame_rate)]
        command += [
            "-filter_complex",
            f"[0:V]{to_rgb},trim=end_frame={count}," + graph.replace("K", str(n_clusters)),
        ]
        command += ["-pix_fmt", "bgr24", "-f", "rawvideo", "-"]
        shape = (info.height, info.width, 3)
        with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment()) as process:
            assert process.stdout is not None
            while len(raw := process.stdout.read(int(np.prod(shape)))) == np.prod(shape):
                yield np.frombuffer(raw, np.uint8).reshape(shape)

    return pictures


ROWS: dict[str, Callable[[Path, int, int], Pictures]] = {
    "ours": ours(SegmenterSettings().stability),
    "strict": ours(0),
    "elbg": filtered("elbg=l=K:pal8=0"),
    "palette": filtered(
        "split[a][b];[a]palettegen=max_colors=K:reserve_transparent=0[p];"
        "[b][p]paletteuse=dither=none"
    ),
    "cold": cold_each,
}


def measure(
    clip: Path, count: int, n_clusters: int, row: str, cold_inertia: dict[int, float]
) -> Tally:
    with tempfile.NamedTemporaryFile(suffix=".h264") as stream:
        tally = Tally([])
        before: tuple[NDArray[np.uint8], NDArray[np.uint8]] | None = None
        encoder: subprocess.Popen[bytes] | None = None
        outputs = ROWS[row](clip, count, n_clusters)
        for frame, output in zip(source_frames(clip, count), outputs, strict=False):
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
    """Number of the unmoved pixels whose output jumps, and of all unmoved ones."""
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
    parser.add_argument("--frames", type=int, default=300, help="of each clip, from its start")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS))
    options = parser.parse_args()
    print("| clip | row | distortion, mean | worst | flicker | size |")
    print("|---|---|---|---|---|---|")
    for clip in options.clips:
        cold_inertia = reference(clip, options.frames, options.clusters)
        tallies = {
            row: measure(clip, options.frames, options.clusters, row, cold_inertia)
            for row in options.rows
        }
        base = tallies["elbg"].size if "elbg" in tallies else 0
        for row, tally in tallies.items():
            relative = f"{tally.size / base:.2f}" if base else f"{tally.size} B"
            print(
                f"| {clip.name} | {row} | {np.mean(tally.distortions):.3f} "
                f"| {max(tally.distortions):.3f} | {tally.flicker:.2%} | {relative} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
