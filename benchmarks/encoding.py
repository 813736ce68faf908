"""Time, size and fidelity of encoders on segmented pictures.

    python -m benchmarks.encoding CLIP [-k 8] [--frames 200] [--runs 3] [--size 1280x720]

The clip is segmented once; its planes are then encoded from memory with each setting in turn, and
the median of the processor times is reported. Off is the share of samples of luma and of chroma
that differ by more than 10 levels when decoded: of luma they smear outlines and patterns, of chroma
they tint them. Blotched is the share of luma that differs by more than 4, as dirt in flat areas.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.stages import frames_of
from kseg_video import Segmenter, SegmenterSettings, render
from kseg_video.core.media_settings import EncoderSettings
from kseg_video.ffmpeg.process import environment, executable
from kseg_video.writing.video_encoders import software_encoder

if TYPE_CHECKING:
    from kseg_video.core.media_settings import Codec

_BLOTCHED, _OFF = 4, 10  # levels


def _x264(*options: str, preset: str = "veryfast", chroma: int = 0) -> tuple[str, ...]:
    return ("-c:v", "libx264", "-preset", preset, "-chromaoffset", str(chroma), *options)


_CODECS: tuple[Codec, ...] = ("h264", "h265", "av1", "vp9")
_SETTINGS: dict[str, tuple[str, ...]] = {
    **{
        f"{codec}, default": software_encoder(codec, EncoderSettings()).options for codec in _CODECS
    },
    **{f"x264, crf {crf}": _x264("-crf", str(crf)) for crf in (18, 20, 22, 23, 24)},
    "x264, crf 24, chroma -4": _x264("-crf", "24", chroma=-4),
    "x264, crf 23, animation": _x264("-crf", "23", "-tune", "animation"),
    "x264, crf 23, no aq": _x264("-crf", "23", "-aq-mode", "0"),
    "x264 superfast, crf 24": _x264("-crf", "24", preset="superfast"),
    "x264 faster, crf 24": _x264("-crf", "24", preset="faster"),
    "x264 medium, crf 24": _x264("-crf", "24", preset="medium"),
}


def encode(planes: bytes, size: str, settings: tuple[str, ...], target: Path) -> float:
    """Encode the planes; return the processor time in seconds."""
    command = [executable(), "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p"]
    command += ["-s", size, "-r", "30", "-i", "pipe:0", *settings]
    silent = {**environment(), "SVT_LOG": "1"}
    process = subprocess.Popen([*command, "-y", str(target)], stdin=subprocess.PIPE, env=silent)
    assert process.stdin is not None
    process.stdin.write(planes)
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise subprocess.CalledProcessError(os.waitstatus_to_exitcode(status), command)
    return usage.ru_utime + usage.ru_stime


def fidelity(painted: np.ndarray, target: Path) -> tuple[float, float, float]:
    """Shares of the decoded samples of painted frames, (N, H * 3 / 2, W), that differ.

    They are those of luma and of chroma that are off, and that of luma that is blotched.
    """
    command = [executable(), "-loglevel", "error", "-i", str(target)]
    command += ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-"]
    raw = subprocess.run(command, stdout=subprocess.PIPE, check=True, env=environment()).stdout
    decoded = np.frombuffer(raw, np.uint8).reshape(painted.shape)
    rows = painted.shape[1] * 2 // 3
    shares = []
    for one, other in zip(painted, decoded, strict=True):
        apart = np.abs(one.astype(np.int16) - other)
        luma, chroma = apart[:rows], apart[rows:]
        shares.append([(luma > _OFF).mean(), (chroma > _OFF).mean(), (luma > _BLOTCHED).mean()])
    of_luma, of_chroma, blotched = np.mean(shares, axis=0).tolist()
    return of_luma, of_chroma, blotched


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
    print("| setting | processor ms a frame | KB a frame | luma off | chroma off | blotched |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        targets = {name: Path(folder) / f"{number}.mkv" for number, name in enumerate(_SETTINGS)}
        for _ in range(options.runs):
            for name, settings in _SETTINGS.items():
                seconds[name].append(encode(planes, options.size, settings, targets[name]))
        for name, target in targets.items():
            cost = 1000 * median(seconds[name]) / len(frames)
            size = target.stat().st_size / 1000 / len(frames)
            shares = " | ".join(f"{share:.2%}" for share in fidelity(painted, target))
            print(f"| {name} | {cost:.1f} | {size:.2f} | {shares} |", flush=True)


if __name__ == "__main__":
    main()
