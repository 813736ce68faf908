"""The limit on the memory of an ffmpeg process that reads media.

A small file can claim pictures that are far larger than those it shows, tables of millions of
frames, or codes that its decoder expands: each would fill the memory before ffmpeg refuses it.
"""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Most bytes that a process may allocate for an input that has not been probed. More let a small
# file take as much that claims millions of frames, which the demuxer lists; fewer refuse large
# pictures: 12-bit HEVC in one thread takes 2 GB at `MAX_PIXELS`.
_UNKNOWN_BYTES = 3 << 30
# The same for pictures of a known size, which the coded ones may exceed. In 16 threads, H.264 of 10
# bit takes 130 bytes a pixel, and the threads' stacks half a gigabyte; 12-bit 4:4:4 takes more.
_KNOWN_BYTES, _BYTES_A_PIXEL = 2 << 30, 256
# Most bytes for opening a file of several video tracks. ffmpeg decodes a picture of each and holds
# them all, and some decoders do not tell when it reaches `_UNKNOWN_BYTES`, which is therefore too
# late; 10-bit 4:4:4 H.264 of `MAX_PIXELS` takes 1.5 GB. Afterwards it would take as much again.
_OPENING_BYTES = 2 << 30
_OF_OUTPUT = "Video: wrapped_avframe"  # the frame that a report decodes
_PEAK = re.compile(r"VmPeak:\s+(\d+) kB")


def limit_memory(process: int, pixels: int | None) -> bool:
    """Limit the memory of a process that has just started, where the system can do so (Linux).

    Parameters
    ----------
    process : int
        Its number.
    pixels : int, optional
        Size of the pictures that it decodes; None if it is not known yet.

    Returns
    -------
    bool
        Whether this limit holds, and not a lower one of the user.
    """
    most = _UNKNOWN_BYTES if pixels is None else _KNOWN_BYTES + pixels * _BYTES_A_PIXEL
    if sys.platform == "linux":
        import resource  # noqa: PLC0415 - there is none on Windows

        with contextlib.suppress(OSError):  # it has ended
            soft, hard = resource.prlimit(process, resource.RLIMIT_DATA)
            if soft == resource.RLIM_INFINITY or soft > most:
                resource.prlimit(process, resource.RLIMIT_DATA, (most, hard))
                return resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY
    return False


def peak_memory(process: int) -> int:
    """Most bytes that a process has allocated so far; 0 where the system does not tell."""
    found = None
    with contextlib.suppress(OSError):  # it has ended, or this is not Linux
        found = _PEAK.search(Path(f"/proc/{process}/status").read_text())
    return int(found[1]) << 10 if found else 0


def check_opening(path: Path, taken: int, container: Iterable[str]) -> None:
    """Check what a file of several video tracks has taken to open, before they are decoded.

    Parameters
    ----------
    path : Path
    taken : int
        Bytes.
    container : iterable of str
        ffmpeg's lines on the container and its tracks.

    Raises
    ------
    SourceError
        If it is too much.
    """
    tracks = sum(": Video: " in line and _OF_OUTPUT not in line for line in container)
    if tracks > 1 and taken > _OPENING_BYTES:
        raise SourceError(
            f"{path} has {tracks} video tracks, which take too much memory; leave out all but one "
            "(ffmpeg -i FILE -map 0:V:0 -c copy NEW), if it is not damaged or hostile"
        )
