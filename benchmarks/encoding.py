"""Time, size and fidelity of x264's settings on segmented pictures.

    python -m benchmarks.encoding CLIP [-k 8] [--frames 200] [--runs 3] [--size 1280x720]

The clip is segmented once; its planes are then encoded from memory with each setting in turn, and
the median of the processor times is reported. Blotched is the share of pixels whose decoded luma is
off by more than 4 levels, which shows as dirt in flat areas and at outlines.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median

import numpy as np

from benchmarks.stages import frames_of
from kseg_video import Segmenter, SegmenterSettings, render
from kseg_video.ffmpeg.process import environment, executable

_VISIBLE_LEVELS = 4
_SETTINGS: dict[str, tuple[str, ...]] = {
    "ultrafast, crf 18": ("-preset", "ultrafast", "-crf", "18"),
    "superfast, crf 18": ("-preset", "superfast", "-crf", "18"),
    "veryfast, crf 16": ("-preset", "veryfast", "-crf", "16"),
    "veryfast, crf 18": ("-preset", "veryfast", "-crf", "18"),
    "veryfast, crf 20": ("-preset", "veryfast", "-crf", "20"),
    "veryfast, crf 18, animation": ("-preset", "veryfast", "-crf", "18", "-tune", "animation"),
    "veryfast, crf 20, no aq": ("-preset", "veryfast", "-crf", "20", "-aq-mode", "0"),
    "veryfast, crf 18, 60 a key frame": ("-preset", "veryfast", "-crf", "18", "-g", "60"),
    "faster, crf 18": ("-preset", "faster", "-crf", "18"),
    "medium, crf 18": ("-preset", "medium", "-crf", "18"),
}


def encode(planes: bytes, size: str, settings: tuple[str, ...], target: Path) -> float:
    """Encode the planes; return the processor time in seconds."""
    command = [executable(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    command += ["-s", size, "-r", "30", "-i", "pipe:0", "-c:v", "libx264", *settings]
    process = subprocess.Popen(
        [*command, "-y", str(target)], stdin=subprocess.PIPE, env=environment()
    )
    assert process.stdin is not None
    process.stdin.write(planes)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    return usage.ru_utime + usage.ru_stime


def blotched(painted: np.ndarray, target: Path) -> float:
    """Share of the luma of painted frames, (N, H * 3 / 2, W), that is visibly off when decoded."""
    command = [executable(), "-loglevel", "error", "-i", str(target)]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    raw = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment()).stdout
    decoded = np.frombuffer(raw, np.uint8).reshape(painted.shape)
    rows = painted.shape[1] * 2 // 3
    wrong = [
        np.abs(one[:rows].astype(np.int16) - other[:rows]) > _VISIBLE_LEVELS
        for one, other in zip(painted, decoded, strict=True)
    ]
    return float(np.mean(wrong))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path, help="an 8-bit 4:2:0 video of even size")
    parser.add_argument("-k", "--clusters", type=int, default=8)
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--size", default="1280x720")
    options = parser.parse_args()
    segmenter = Segmenter(SegmenterSettings(n_clusters=options.clusters))
    frames = frames_of(options.clip, options.size, options.frames)
    painted = np.stack([render(frame, segmenter.segment(frame)).pixels for frame in frames])
    planes = painted.tobytes()
    seconds: dict[str, list[float]] = {name: [] for name in _SETTINGS}
    print("| setting | processor ms a frame | KB a frame | blotched |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        targets = {name: Path(folder) / f"{number}.mp4" for number, name in enumerate(_SETTINGS)}
        for _ in range(options.runs):
            for name, settings in _SETTINGS.items():
                seconds[name].append(encode(planes, options.size, settings, targets[name]))
        for name, target in targets.items():
            cost = 1000 * median(seconds[name]) / len(frames)
            size = target.stat().st_size / 1000 / len(frames)
            print(f"| {name} | {cost:.1f} | {size:.2f} | {blotched(painted, target):.2%} |")


if __name__ == "__main__":
    main()
