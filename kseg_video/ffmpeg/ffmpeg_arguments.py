"""Command-line arguments for ffmpeg: inputs with limits, and filters with escaped values.

ffmpeg parses a filter's value twice: first as part of the filter chain, then as an option of the
filter ("Notes on filtergraph escaping" in its manual). Values are escaped for both, so that none
can end its filter and begin another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, formats_of_file, formats_of_streams

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

_LIMITS = ("-max_pixels", str(MAX_PIXELS))
# Largest single allocation in bytes, above any packet or plane of a live picture. Lower bounds
# the memory that a hostile stream can take; too low rejects large pictures.
_STREAM_BYTES = 1 << 28
_NETWORK = "http,https,httpproxy,tcp,udp,tls,crypto,data,rtp,srtp,rtmp,rtmps,srt,mmst,mmsh"
# Keep ffmpeg from printing the input's tags and chapters again for its output.
WITHOUT_TAGS = ("-map_metadata", "-1", "-map_chapters", "-1")

_IN_OPTION = str.maketrans({character: f"\\{character}" for character in "\\':"})
_IN_CHAIN = str.maketrans({character: f"\\{character}" for character in "\\'[],;"})


def file_argument(path: Path) -> str:
    """Path with a ``file:`` prefix, so that ffmpeg never parses it as an option or protocol."""
    return f"file:{path}"


def file_input(path: Path) -> list[str]:
    """Arguments that add a file as ffmpeg's next input.

    They limit the size of its pictures and forbid it to open any other file or address.
    """
    formats = formats_of_file(path)
    return [
        *_LIMITS,
        "-protocol_whitelist",
        "file",
        "-format_whitelist",
        formats,
        "-i",
        file_argument(path),
    ]


def stream_input(address: str) -> list[str]:
    """Arguments that add a stream as ffmpeg's next input.

    They limit the size of its pictures and forbid it to open local files.
    """
    allowed = ("-protocol_whitelist", _NETWORK, "-format_whitelist", formats_of_streams())
    # A multipart motion JPEG server can send a part without end, which would fill the memory.
    return [*_LIMITS, "-max_alloc", str(_STREAM_BYTES), *allowed, "-i", address]


def video_filter(
    name: str, *values: str | int | Fraction, **options: str | int | Fraction | None
) -> str:
    """Format one filter (or bitstream filter) with its values escaped.

    Parameters
    ----------
    name : str
        Name of the filter, with ``@`` and an instance name if it needs one.
    *values
        Options by position.
    **options
        Options by name; those that are None are omitted.
    """
    words = [_escaped(value) for value in values]
    words += [f"{key}={_escaped(value)}" for key, value in options.items() if value is not None]
    return f"{name}={':'.join(words)}" if words else name


def _escaped(value: str | int | Fraction) -> str:
    return str(value).translate(_IN_OPTION).translate(_IN_CHAIN)
