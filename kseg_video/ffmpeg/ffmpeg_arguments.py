"""Arguments of ffmpeg: its inputs within limits, and filters as text.

ffmpeg reads a filter's value twice: as one of the filter's options, and before that as a part of
the chain ("Notes on filtergraph escaping" of its manual). So no value can end its filter and begin
another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, formats_of_file, formats_of_streams

if TYPE_CHECKING:
    from fractions import Fraction
    from pathlib import Path

_LIMITS = ("-max_pixels", str(MAX_PIXELS))
# Of one piece of memory: more than any packet or plane of a live picture takes.
_STREAM_BYTES = 1 << 28
_NETWORK = "http,https,httpproxy,tcp,udp,tls,crypto,data,rtp,srtp,rtmp,rtmps,srt,mmst,mmsh"
# So that it does not tell it once more, of its output.
WITHOUT_TAGS = ("-map_metadata", "-1", "-map_chapters", "-1")

_IN_OPTION = str.maketrans({character: f"\\{character}" for character in "\\':"})
_IN_CHAIN = str.maketrans({character: f"\\{character}" for character in "\\'[],;"})


def file_argument(path: Path) -> str:
    """A path as ffmpeg takes it: always a file, never an option or another protocol."""
    return f"file:{path}"


def file_input(path: Path) -> list[str]:
    """Arguments that make a file ffmpeg's next input.

    Its pictures' size is limited, and it can have nothing else opened, be it a file or an address.
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
    """Arguments that make a stream ffmpeg's next input.

    Its pictures' size is limited, and it can have no file of this computer opened.
    """
    allowed = ("-protocol_whitelist", _NETWORK, "-format_whitelist", formats_of_streams())
    # A part of motion JPEG may have no end.
    return [*_LIMITS, "-max_alloc", str(_STREAM_BYTES), *allowed, "-i", address]


def video_filter(
    name: str, *values: str | int | Fraction, **options: str | int | Fraction | None
) -> str:
    """One filter, of pictures or of packets.

    Parameters
    ----------
    name : str
        The filter's, with ``@`` and a name of its own where it has one.
    *values
        Options by position.
    **options
        Options by name; None is left out.
    """
    words = [_escaped(value) for value in values]
    words += [f"{key}={_escaped(value)}" for key, value in options.items() if value is not None]
    return f"{name}={':'.join(words)}" if words else name


def _escaped(value: str | int | Fraction) -> str:
    return str(value).translate(_IN_OPTION).translate(_IN_CHAIN)
