"""PNG and TIFF files written byte by byte, of kinds that no library writes."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Levels: TypeAlias = NDArray[np.integer[Any]]

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# First column, first row and their steps in each pass of an interlaced PNG.
_ADAM7 = [
    *((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4)),
    *((0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)),
]
_TIFF_TYPES = {"B": 1, "H": 3, "I": 4}


def png_chunk(kind: bytes, data: bytes, *, sum_is_right: bool = True) -> bytes:
    check = zlib.crc32(kind + data) ^ (not sum_is_right)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def png(
    levels: Levels,
    depth: int,
    color_type: int,
    *,
    palette: bytes = b"",
    transparency: bytes = b"",
    interlaced: bool = False,
    others: bytes = b"",
) -> bytes:
    """A PNG of levels, (H, W, C), with other chunks before its pixels."""
    passes = [levels]
    if interlaced:
        passes = [levels[y::down, x::across] for x, y, across, down in _ADAM7]
    rows = [packed(row, depth, ">") for part in passes if part.size for row in part]
    height, width = levels.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, interlaced)
    return b"".join(
        [
            PNG_SIGNATURE,
            png_chunk(b"IHDR", header),
            others,
            png_chunk(b"PLTE", palette) if palette else b"",
            png_chunk(b"tRNS", transparency) if transparency else b"",
            png_chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))),
            png_chunk(b"IEND", b""),
        ]
    )


def packed(row: Levels, depth: int, order: str) -> bytes:
    """The levels of a row with so many bits each, in a byte order, padded to whole bytes."""
    if depth % 8 == 0:
        return row.astype(f"{order}u{depth // 8}").tobytes()
    bits = row.reshape(-1, 1) >> np.arange(depth)[::-1] & 1
    return np.packbits(bits.astype(np.uint8).ravel()).tobytes()


def tiff(
    order: str,
    levels: Levels,
    depth: int,
    photometric: int,
    *,
    deflated: bool = False,
    others: Mapping[int, tuple[str, tuple[int, ...]]] | None = None,
) -> bytes:
    """A TIFF of levels, (H, W, C), in byte order ``<`` or ``>``, with other tags: type, values."""
    data = b"".join(packed(row, depth, order) for row in levels)
    data = zlib.compress(data) if deflated else data
    height, width, channels = levels.shape
    tags: dict[int, tuple[str, tuple[int, ...]]] = {
        256: ("I", (width,)),
        257: ("I", (height,)),
        258: ("H", (depth,) * channels),
        259: ("H", (8 if deflated else 1,)),
        262: ("H", (photometric,)),
        273: ("I", (8,)),
        277: ("H", (channels,)),
        278: ("I", (height,)),
        279: ("I", (len(data),)),
        **(others or {}),
    }
    data += bytes(len(data) % 2)
    start = 8 + len(data)
    entries, values = b"", b""
    for tag, (kind, numbers) in sorted(tags.items()):
        value = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(value) > 4:
            place = start + 2 + 12 * len(tags) + 4 + len(values)
            values += value + bytes(len(value) % 2)
            value = struct.pack(f"{order}I", place)
        entries += struct.pack(f"{order}HHI", tag, _TIFF_TYPES[kind], len(numbers))
        entries += value.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, start)
    return head + data + struct.pack(f"{order}H", len(tags)) + entries + bytes(4) + values
