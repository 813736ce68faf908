"""Clips made and read back by the tests: ffmpeg makes them, PyAV reads them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from kseg_video.ffmpeg.process import environment, executable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

TONE = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000")


def ffmpeg(*arguments: str | Path) -> None:
    command = [executable(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y"]
    subprocess.run(
        [*command, *map(str, arguments)], check=True, capture_output=True, env=environment()
    )


def make_clip(
    path: Path,
    *options: str | Path,
    size: str = "64x48",
    rate: str = "25",
    seconds: float = 1.0,
    sound: bool = False,
    picture: str = "testsrc2",
) -> Path:
    """A test pattern of ffmpeg's, encoded with the given output options."""
    separator = ":" if "=" in picture else "="
    pattern = f"{picture}{separator}size={size}:rate={rate}"
    inputs: list[str | Path] = ["-f", "lavfi", "-i", pattern]
    if sound:
        inputs += TONE
    ffmpeg(*inputs, "-t", str(seconds), *options, path)
    return path


def encode(
    path: Path,
    pictures: Sequence[NDArray[np.uint8]],
    *options: str | Path,
    rate: str = "25",
    inputs: Sequence[str | Path] = (),
) -> Path:
    """BGR pictures, each (H, W, 3), as a video, with further inputs and output options."""
    height, width = pictures[0].shape[:2]
    command = [executable(), "-hide_banner", "-loglevel", "error", "-y"]
    command += ["-f", "rawvideo", "-pixel_format", "bgr24", "-video_size", f"{width}x{height}"]
    command += [
        "-framerate",
        rate,
        "-i",
        "pipe:0",
        *map(str, inputs),
        *map(str, options),
        str(path),
    ]
    raw = b"".join(picture.tobytes() for picture in pictures)
    subprocess.run(command, input=raw, check=True, capture_output=True, env=environment())
    return path


def make_flat_clip(path: Path, color: str, *options: str | Path, size: str = "64x48") -> Path:
    """Five frames of one colour."""
    return make_clip(path, *options, picture=f"color=c={color}", size=size, seconds=0.2)


@dataclass(frozen=True)
class Stored:
    """What another reader finds in a video file."""

    width: int
    height: int
    rate: Fraction
    frames: int
    seconds: float
    pixel_format: str
    codec: str
    color_space: int
    color_range: int
    primaries: int
    transfer: int
    sample_aspect_ratio: Fraction
    audio: tuple[str, ...]
    audio_seconds: float
    first_time: float


def inspect(path: Path) -> Stored:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        context = video.codec_context
        times = [frame.time or 0.0 for frame in container.decode(video)]
        rate = video.average_rate or video.base_rate or Fraction(0)  # Ogg has no mean rate
        stored = {
            "width": context.width,
            "height": context.height,
            "rate": Fraction(rate),
            "frames": len(times),
            "seconds": times[-1] - times[0] + float(1 / rate),
            "pixel_format": context.pix_fmt or "",
            "codec": context.name,
            "color_space": int(context.colorspace),
            "color_range": int(context.color_range),
            "primaries": int(context.color_primaries),
            "transfer": int(context.color_trc),
            "sample_aspect_ratio": Fraction(video.sample_aspect_ratio or 1),
            "audio": tuple(stream.codec_context.name for stream in container.streams.audio),
            "first_time": times[0],
        }
    return Stored(**stored, audio_seconds=_audio_seconds(path))  # type: ignore[arg-type]


def _audio_seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return 0.0
        frames = list(container.decode(container.streams.audio[0]))
    first, last = frames[0], frames[-1]
    return (last.time or 0.0) + last.samples / last.sample_rate - (first.time or 0.0)


def read_planes(path: Path, pixel_format: str = "") -> list[NDArray[np.uint8]]:
    """Frames as stored, or in another pixel format."""
    with av.open(str(path)) as container:
        frames = container.decode(container.streams.video[0])
        return [
            np.asarray(frame.to_ndarray(format=pixel_format or frame.format.name), np.uint8)
            for frame in frames
        ]


def read_yuv(path: Path) -> list[list[NDArray[np.uint8]]]:
    """Y, U and V of every frame as they are stored, chroma in its own size."""
    with av.open(str(path)) as container:
        return [
            [
                np.frombuffer(bytes(plane), np.uint8)
                .reshape(plane.height, -1)[:, : plane.width]
                .copy()
                for plane in frame.planes
            ]
            for frame in container.decode(container.streams.video[0])
        ]


def read_exact_bgr(
    path: Path, before: str = "null", conversion: str = "zscale=matrix=gbr:range=full"
) -> NDArray[np.uint8]:
    """Frames converted by ffmpeg's own zscale, which follows the tags; (N, H, W, 3).

    The filters in `before` are applied first.
    """
    stored = inspect(path)
    command = [executable(), "-loglevel", "error", "-nostdin", "-noautorotate", "-i", str(path)]
    command += ["-map", "0:V:0", "-vf", f"{before},{conversion},format=gbrp"]
    command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, env=environment()).stdout
    planes = np.frombuffer(raw, np.uint8).reshape(-1, 3, stored.height, stored.width)
    return np.stack([planes[:, 1], planes[:, 0], planes[:, 2]], axis=-1)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def alpha_of(path: Path) -> NDArray[np.uint8]:
    """Opacity of every frame, (N, H, W)."""
    stored = inspect(path)
    decoder = {"vp8": ["-c:v", "libvpx"], "vp9": ["-c:v", "libvpx-vp9"]}.get(stored.codec, [])
    command = [executable(), "-v", "error", *decoder, "-i", str(path)]
    command += ["-vf", "format=yuva444p,alphaextract,format=gray", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, env=environment()).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, stored.height, stored.width)
