"""The limit on the memory of an ffmpeg process that reads media.

A small file can claim pictures that are far larger than those it shows, tables of millions of
frames, or codes that its decoder expands: each would fill the memory before ffmpeg refuses it.
"""

from __future__ import annotations

import contextlib
import sys

# Most bytes that a process may allocate for an input that has not been probed. More let a small
# file take as much that claims millions of frames, which the demuxer lists; fewer refuse large
# pictures: 12-bit HEVC in one thread takes 2 GB at `MAX_PIXELS`.
_UNKNOWN_BYTES = 3 << 30
# The same for pictures of a known size, which the coded ones may exceed. In 16 threads, H.264 of 10
# bit takes 130 bytes a pixel, and the threads' stacks half a gigabyte; 12-bit 4:4:4 takes more.
_KNOWN_BYTES, _BYTES_A_PIXEL = 2 << 30, 256


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
