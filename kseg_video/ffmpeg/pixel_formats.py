"""What ffmpeg's names of pixel formats and colours mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kseg_video.core.yuv import PRIMARIES, TRANSFERS, ColorEncoding

if TYPE_CHECKING:
    from kseg_video.core.yuv import Matrix

_MATRICES: dict[str, Matrix] = {
    "bt709": "bt709",
    "smpte240m": "bt709",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "fcc": "bt601",
    "bt2020nc": "bt2020",
    "bt2020c": "bt2020",
}
PLANAR_420 = {"yuv420p", "yuvj420p", "yuva420p"}
RGB_FORMAT = re.compile(r"rgb|bgr|gbr|pal8|mono|gray|yaf?\d|xyz")
FLOAT_FORMAT = re.compile(r"f(?:16|32)(?:le|be)$")
OF_FLOATS = {"linear", "unknown"}  # transfer functions of floats that are linear in light
ALPHA_FORMAT = re.compile(r"yuva|argb|rgba|abgr|bgra|gbrap|yaf?\d")
_STORED_SIZE = re.compile(r", (\d+)x(\d+)\b")


def guessed_encoding(header: str) -> ColorEncoding:
    """Encoding to assume for an untagged stream, guessed from its coded size."""
    size = _STORED_SIZE.search(header)
    return ColorEncoding.guess(int(size[1]), int(size[2])) if size else ColorEncoding()


def encoding_of(tags: re.Match[str], pixel_format: str, guess: ColorEncoding) -> ColorEncoding:
    """Encoding that a frame's tags state, completed by a guess.

    Parameters
    ----------
    tags : re.Match
        Range, matrix, primaries and transfer, as ffmpeg prints them.
    pixel_format : str
    guess : ColorEncoding
    """
    rgb = RGB_FORMAT.search(pixel_format) is not None
    full_range = tags["range"] == "pc" or pixel_format.startswith("yuvj")
    matrix = _MATRICES.get(tags["matrix"])
    return ColorEncoding(
        matrix=matrix or guess.matrix,
        full_range=full_range and not rgb,
        primaries=_known(tags["primaries"], PRIMARIES)
        or (None if tags["matrix"] in _MATRICES else guess.primaries),
        transfer=_known(tags["transfer"], TRANSFERS),
    )


def _known(tag: str, words: frozenset[str]) -> str | None:
    return tag if tag in words else None
