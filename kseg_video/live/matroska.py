"""Raw pictures with their times in a pipe: uncompressed Matroska, of which ffmpeg asks for little.

References
----------
.. [1] RFC 8794, "Extensible Binary Meta Language".
.. [2] RFC 9559, "Matroska Media Container Format Specification".
"""

from __future__ import annotations

_PIXELS = b"BGR\x18"  # 24 bits each, blue first, as the FourCC of raw video says it
_MILLISECOND = 1_000_000  # of Matroska's nanoseconds
_USUAL_DURATION = 1_000_000_000 // 30  # promises nothing, but sets the level that players look at
_UNKNOWN_SIZE = b"\x01" + b"\xff" * 7


def stream_header(width: int, height: int) -> bytes:
    """What comes before the first picture."""
    picture = (
        _element("B0", _number(width))
        + _element("BA", _number(height))
        + _element("2EB524", _PIXELS)
    )
    track = (
        *(_element("D7", _number(1)), _element("73C5", _number(1)), _element("83", _number(1))),
        *(_element("23E383", _number(_USUAL_DURATION)), _element("86", b"V_UNCOMPRESSED")),
        _element("E0", picture),
    )
    return b"".join(
        (
            _element("1A45DFA3", _element("4282", b"matroska")),
            bytes.fromhex("18538067") + _UNKNOWN_SIZE,
            _element("1549A966", _element("2AD7B1", _number(_MILLISECOND))),
            _element("1654AE6B", _element("AE", b"".join(track))),
        )
    )


def picture_header(milliseconds: int, size: int) -> bytes:
    """What comes before a picture of that time, whose `size` bytes of pixels follow."""
    time = _element("E7", _number(milliseconds))
    block = b"\x81\x00\x00\x80"  # track 1, at the cluster's time, complete in itself
    start = bytes.fromhex("A3") + _size(len(block) + size) + block
    return bytes.fromhex("1F43B675") + _size(len(time) + len(start) + size) + time + start


def _element(name: str, content: bytes) -> bytes:
    return bytes.fromhex(name) + _size(len(content)) + content


def _size(size: int) -> bytes:
    return b"\x01" + size.to_bytes(7, "big")


def _number(number: int) -> bytes:
    return number.to_bytes(8, "big")
