"""Synchronisation of sound and picture: a white flash and a click together, once a second."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np

from tests.helpers.media import ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def make_flashes(
    path: Path,
    *options: str | Path,
    size: str = "64x48",
    rate: str = "30000/1001",
    seconds: float = 6,
    picture: str = "color=black",
) -> Path:
    """A clip with a flash and a click about once a second, each at the start of a frame."""
    separator = ":" if "=" in picture else "="
    pictures = f"{picture}{separator}size={size}:rate={rate}:duration={seconds}"
    frames = round(Fraction(rate))
    period = float(frames / Fraction(rate))
    clicks = f"aevalsrc='lt(mod(t,{period:.9f}),0.02)*sin(6000*t)':s=48000:d={seconds}"
    flash = f"drawbox=color=white:t=fill:enable='lt(mod(n,{frames}),1)'"
    inputs = ("-f", "lavfi", "-i", pictures, "-f", "lavfi", "-i", clicks)
    ffmpeg(*inputs, "-vf", flash, "-g", "250", *options, path)
    return path


def flash_lag(path: Path, since: float = 0.0, track: int = 0) -> float:
    """Seconds from the last flash to the last click, counting only those after `since`."""
    with av.open(str(path)) as container:
        if since:
            container.seek(int(since * av.time_base))
        flashes = [
            frame.time
            for frame in container.decode(container.streams.video[0])
            if frame.to_ndarray(format="gray").mean() > 220
        ]
    clicks = _clicks(path, since, track)
    return float(clicks[-1] - (flashes[-1] or 0.0))


def _clicks(path: Path, since: float, track: int) -> NDArray[np.float64]:
    mixer = av.AudioResampler(format="flt", layout="mono")
    times, levels = [], []
    with av.open(str(path)) as container:
        if since:
            container.seek(int(since * av.time_base))
        for frame in container.decode(container.streams.audio[track]):
            for mixed in mixer.resample(frame):
                level = np.abs(mixed.to_ndarray().ravel().astype(float))
                times.append((frame.time or 0) + np.arange(len(level)) / frame.sample_rate)
                levels.append(level)
    level = np.concatenate(levels)
    loud: NDArray[np.float64] = np.concatenate(times)[level > 0.4 * level.max()]
    return loud[np.diff(loud, prepend=-1) > 0.5]
