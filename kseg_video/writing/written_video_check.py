"""Check that a video file that has just been written holds all its frames.

The file is read back packet by packet, without decoding, because data may be lost on the way to the
disk although the encoder succeeded and ffmpeg's exit status is 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from kseg_video.core.errors import SinkError
from kseg_video.ffmpeg.packets import read_packets
from kseg_video.ffmpeg.stalls import MishapError, StalledError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class WrittenVideo:
    """Frame count and duration of a video file.

    Parameters
    ----------
    frames : int
    seconds : float
        From the start of the first frame to the end of the last.
    unit : Fraction
        Seconds to which the file rounds its times.
    """

    frames: int
    seconds: float
    unit: Fraction


def check_whole(part: Path, target: Path, frames: int, seconds: Fraction, frame: Fraction) -> None:
    """Check that a file holds the expected number of frames and their duration.

    Parameters
    ----------
    part : Path
        The file.
    target : Path
        Its final path, which the message names.
    frames : int
        Expected number of frames.
    seconds : Fraction
        Expected duration.
    frame : Fraction
        Duration of one frame in seconds: the tolerance, unless the file rounds to more.

    Raises
    ------
    SinkError
        If frames are missing or the duration differs.
    """
    try:
        written = read_back(part)
    except StalledError as error:
        raise stalled(target, error) from error
    except MishapError as error:
        raise SinkError(f"{target} cannot be checked: the ffmpeg for it {error.fate}") from error
    if written.frames != frames:
        lacks = f"{written.frames} of {frames} frames are in it"
    elif abs(written.seconds - seconds) > max(frame, 2 * written.unit):
        lacks = f"it lasts {written.seconds:.3f} s instead of {float(seconds):.3f} s"
    else:
        return
    raise SinkError(f"{target} was written but is not whole ({lacks}); check the disk")


def stalled(target: Path, error: StalledError) -> SinkError:
    """The error for an output whose encoder or check has stalled."""
    return SinkError(f"{target} cannot be written: {error}; check the disk and try again")


def read_back(path: Path) -> WrittenVideo:
    """Count the frames of a file's first video stream and measure their duration.

    Frames that cannot be read count as missing.

    Raises
    ------
    StalledError
        If ffmpeg has stalled.
    MishapError
        If ffmpeg was killed or ran out of resources.
    """
    frames, first, end, unit = 0, float("inf"), float("-inf"), Fraction(1)
    for packet in read_packets(path):
        frames, unit = frames + 1, packet.unit
        first, end = min(first, packet.begin), max(end, packet.end)
    return WrittenVideo(frames, float((end - first) * unit) if frames else 0.0, unit)
