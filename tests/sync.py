"""Sound against picture: a white flash and a click at the same instants, once a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import numpy as np

from tests.media import ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def make_flashes(
    path: Path, *options: str, size: str = "64x48", seconds: float = 6, picture: str = "color=black"
) -> Path:
    """A clip of 30000/1001 fps with a flash and a click every 30 frames."""
    separator = ":" if "=" in picture else "="
    ffmpeg(
        *(
            "-f",
            "lavfi",
            "-i",
            f"{picture}{separator}size={size}:rate=30000/1001:duration={seconds}",
        ),
        *("-f", "lavfi", "-i", f"aevalsrc='lt(mod(t,1.001),0.02)*sin(6000*t)':s=48000:d={seconds}"),
        *("-vf", "drawbox=color=white:t=fill:enable='lt(mod(n,30),1)'", "-g", "250"),
        *options,
        path,
    )
    return path


def flash_lag(path: Path, since: float = 0.0) -> float:
    """Seconds from the last flash to the last click, of what comes after a time in seconds."""
    with av.open(str(path)) as container:
        container.seek(int(since * av.time_base))
        flashes = [
            frame.time
            for frame in container.decode(container.streams.video[0])
            if frame.to_ndarray(format="gray").mean() > 220
        ]
    clicks = _clicks(path, since)
    return float(clicks[-1] - (flashes[-1] or 0.0))


def _clicks(path: Path, since: float) -> NDArray[np.float64]:
    times, levels = [], []
    with av.open(str(path)) as container:
        container.seek(int(since * av.time_base))
        for frame in container.decode(container.streams.audio[0]):
            sound = np.abs(frame.to_ndarray()[0].astype(float))
            times.append((frame.time or 0) + np.arange(len(sound)) / frame.sample_rate)
            levels.append(sound / (1 if frame.format.name.startswith("flt") else 32768))
    loud = np.concatenate(times)[np.concatenate(levels) > 0.3]
    return loud[np.diff(loud, prepend=-1) > 0.5]
