"""Excerpts of clips, and their segmentation by each row of the stability benchmark."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, replace
from threading import Thread
from typing import IO, TYPE_CHECKING

import numpy as np

from benchmarks.drift import ShotChanges, bin_numbers, count_bins
from kseg_video import Segmenter, SegmenterSettings, TrimSettings, open_source
from kseg_video.ffmpeg.process import environment, executable
from kseg_video.native import kernels
from kseg_video.reading.video_source import VideoFileSource
from kseg_video.segmentation.pixel_sampling import PixelSample
from tests.helpers.oracles import opencv_kmeans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video import Frame, Segmentation

    Pictures = Iterator[NDArray[np.uint8]]

_FIT_PIXELS = 60_000
_PIXELS_OF_A_FRAME = 2000


@dataclass(frozen=True)
class Excerpt:
    """A number of frames of a clip from a start time."""

    clip: Path
    start: float
    count: int

    @property
    def trim(self) -> TrimSettings:
        return TrimSettings(self.start, max_frames=self.count)

    def frames(self) -> Iterator[Frame]:
        with open_source(self.clip, self.trim) as source:
            yield from source

    @property
    def frame_rate(self) -> float:
        with open_source(self.clip, self.trim) as source:
            return float(source.info.frame_rate)


def cold_fit(
    pixels: NDArray[np.uint8] | NDArray[np.float32], n_clusters: int
) -> NDArray[np.float32]:
    """Fit centroids to evenly sampled pixels with `cv2.kmeans` alone."""
    colors = pixels.reshape(-1, 3).astype(np.float32)
    return opencv_kmeans(colors[:: max(len(colors) // _FIT_PIXELS, 1)], n_clusters, attempts=4)[1]


def segmented(
    excerpt: Excerpt, settings: SegmenterSettings, *, looks_ahead: bool
) -> Iterator[tuple[Frame, Segmentation]]:
    """Segment an excerpt as `convert` does or, without look-ahead, as `live` does."""
    segmenter = Segmenter(settings)
    with open_source(excerpt.clip, excerpt.trim) as source:
        ahead = source.look_ahead() if looks_ahead and isinstance(source, VideoFileSource) else None
        for frame in source:
            if ahead is not None:
                segmenter.add_look_ahead(ahead.until(frame.time))
            yield frame, segmenter.segment(frame)


def ours(settings: SegmenterSettings, *, looks_ahead: bool) -> Callable[[Excerpt, int], Pictures]:
    def pictures(excerpt: Excerpt, n_clusters: int) -> Pictures:
        of_size = replace(settings, n_clusters=n_clusters)
        for _, segmentation in segmented(excerpt, of_size, looks_ahead=looks_ahead):
            yield segmentation.colors[segmentation.labels]

    return pictures


def palette_of_each_shot(excerpt: Excerpt, n_clusters: int) -> Pictures:
    """Fit a palette to all frames of each shot, and map every pixel exactly."""
    changes = ShotChanges()
    samples: list[NDArray[np.float32]] = []
    shots: list[int] = []  # shot number of each frame
    for frame in excerpt.frames():
        counts = count_bins(bin_numbers(frame.bgr))
        shots.append((shots[-1] if shots else 0) + changes.begins_shot(frame.bgr, counts))
        samples.append(PixelSample.of_frame(frame, _PIXELS_OF_A_FRAME).bgr)
    palettes = []
    for shot in range(shots[-1] + 1):
        pixels = [sample for sample, number in zip(samples, shots, strict=True) if number == shot]
        # Shuffled, so that the fit samples different positions of each frame.
        shuffled = np.random.default_rng(0).permutation(np.concatenate(pixels))
        palettes.append(cold_fit(shuffled, n_clusters))
    for frame in excerpt.frames():
        centroids = palettes[shots[frame.index]]
        labels, _ = kernels.nearest(frame.bgr.reshape(-1, 3).astype(np.float32), centroids)
        yield np.rint(centroids).astype(np.uint8)[labels].reshape(frame.bgr.shape)


def filtered(graph: str) -> Callable[[Excerpt, int], Pictures]:
    """Pictures of an ffmpeg filter graph, in which K stands for the number of clusters."""

    def pictures(excerpt: Excerpt, n_clusters: int) -> Pictures:
        with open_source(excerpt.clip, excerpt.trim) as source:
            info = source.info
        raw = ["-f", "rawvideo", "-pix_fmt", "bgr24"]
        command = [executable(), "-loglevel", "error", *raw]
        command += ["-s", f"{info.width}x{info.height}", "-r", str(info.frame_rate)]
        command += ["-i", "pipe:0", "-filter_complex"]
        command += ["format=bgr0," + graph.replace("K", str(n_clusters)), *raw, "-"]
        shape = (info.height, info.width, 3)
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment()) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            Thread(target=_write, args=(excerpt, process.stdin), daemon=True).start()
            while len(raw_picture := process.stdout.read(int(np.prod(shape)))) == np.prod(shape):
                yield np.frombuffer(raw_picture, np.uint8).reshape(shape)

    return pictures


def _write(excerpt: Excerpt, stream: IO[bytes]) -> None:
    with stream:
        for frame in excerpt.frames():
            stream.write(frame.bgr.tobytes())


ROWS: dict[str, Callable[[Excerpt, int], Pictures]] = {
    "ours": ours(SegmenterSettings(), looks_ahead=True),
    "live": ours(SegmenterSettings(), looks_ahead=False),
    "strict": ours(SegmenterSettings(stability=0), looks_ahead=False),
    "elbg": filtered("elbg=l=K:pal8=0"),
    "palette": filtered(
        "split[a][b];[a]palettegen=max_colors=K:reserve_transparent=0[p];"
        "[b][p]paletteuse=dither=none"
    ),
    "shots": palette_of_each_shot,
}
