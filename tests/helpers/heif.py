"""HEIF and AVIF files of several tiles, box by box (ISO 14496-12, ISO 23008-12).

Pillow encodes the tiles; it writes no grids of AVIF, nor cropped and turned pictures.
"""

from __future__ import annotations

import io
import re
import struct
from typing import TYPE_CHECKING

import pillow_heif
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_CODECS = {".avif": (b"av01", b"av1C", b"avif"), ".heic": (b"hvc1", b"hvcC", b"heic")}
_GRID = 1  # number of the item that is shown; its tiles follow, and then its opacity and theirs


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def turned(quarters: int) -> bytes:
    """Property: turn by so many quarters, counter-clockwise."""
    return box(b"irot", bytes([quarters]))


def mirrored(axis: int) -> bytes:
    """Property: exchange top and bottom (0) or left and right (1)."""
    return box(b"imir", bytes([axis]))


def cropped(width: int, height: int, right: int, down: int) -> bytes:
    """Property: keep so much, its centre moved by so many half pixels from that of the picture."""
    return box(b"clap", struct.pack(">IIIIiIiI", width, 1, height, 1, right, 2, down, 2))


def write_grid(
    path: Path,
    tiles: Sequence[NDArray[np.uint8]],
    columns: int,
    size: tuple[int, int],
    *,
    opacity: Sequence[NDArray[np.uint8]] = (),
    properties: Sequence[bytes] = (),
    referred: int | None = None,
    copies: int = 1,
    more_references: bytes = b"",
) -> Path:
    """A picture of equal tiles, row by row; those with the same data share them.

    Parameters
    ----------
    path : Path
        .avif or .heic
    tiles : sequence of ndarray of uint8, shape (H, W, 3)
        RGB.
    columns : int
    size : tuple of int
        Width and height of the canvas, which crops the last column and row.
    opacity : sequence of ndarray of uint8, shape (H, W)
        Tiles of the alpha.
    properties : sequence of bytes
        How the canvas is shown: `turned`, `mirrored`, `cropped`.
    referred : int, optional
        How many tiles the grid refers to; by default all.
    copies : int
        How often every item's data belong to it.
    more_references : bytes
        Further boxes of references between items.
    """
    kind, config, brand = _CODECS[path.suffix]
    rows = len(tiles) // columns
    grid = struct.pack(">BBBBII", 0, 1, rows - 1, columns - 1, *size)
    grids = [(_GRID, tiles)]
    if opacity:
        grids.append((_GRID + len(tiles) + 1, opacity))
    items: list[tuple[int, bytes, bytes]] = []
    stored: list[bytes] = []
    entries, references, ipco, ipma = b"", b"", b"", b""
    count = 0

    def describe(item: int, *described: bytes) -> None:
        nonlocal ipco, ipma, count
        ipco += b"".join(described)
        numbers = bytes(0x80 | count + number + 1 for number in range(len(described)))
        ipma += struct.pack(">HB", item, len(described)) + numbers
        count += len(described)

    for first, pictures in grids:
        depth = 1 if pictures is opacity else 3
        shape = _size_property(*size), full_box(b"pixi", bytes([depth, *[8] * depth]))
        if pictures is opacity:
            auxiliary = full_box(b"auxC", b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0")
            describe(first, *shape, auxiliary, *properties)
            references += _reference(b"auxl", first, [_GRID])
        else:
            describe(first, *shape, *properties)
        items.append((first, b"grid", grid))
        stored.append(grid)
        numbers = [first + 1 + number for number in range(len(pictures))]
        references += _reference(b"dimg", first, numbers[:referred])
        for number, picture in zip(numbers, pictures, strict=True):
            configured, data = _encoded(picture, path.suffix, config)
            height, width = picture.shape[:2]
            describe(number, _size_property(width, height), configured)
            items.append((number, kind, data))
            stored += [data] if data not in stored else []
    for item, type_, _ in items:
        hidden = int(type_ != b"grid")
        named = struct.pack(">HH4sB", item, 0, type_, 0)
        entries += full_box(b"infe", named, version=2, flags=hidden)
    ftyp = box(b"ftyp", brand, bytes(4), brand, b"mif1", b"miaf")

    count_of_items = struct.pack(">I", len(items))

    def meta(start: int) -> bytes:
        places, starts = b"", {}
        for item, type_, data in items:
            if type_ == b"grid" or data not in starts:
                starts[data] = start
                start += len(data)
            places += struct.pack(">HHH", item, 0, copies)
            places += struct.pack(">II", starts[data], len(data)) * copies
        return full_box(
            b"meta",
            full_box(b"hdlr", bytes(4), b"pict", bytes(13)),
            full_box(b"pitm", struct.pack(">H", _GRID)),
            full_box(b"iinf", struct.pack(">H", len(items)), entries),
            full_box(b"iref", references, more_references),
            box(b"iprp", box(b"ipco", ipco), full_box(b"ipma", count_of_items, ipma)),
            full_box(b"iloc", b"\x44\x00", struct.pack(">H", len(items)), places),
        )

    start = len(ftyp) + len(meta(0)) + 8
    mdat = box(b"mdat", *stored)
    path.write_bytes(ftyp + meta(start) + mdat)
    return path


def _reference(kind: bytes, item: int, to: list[int]) -> bytes:
    return box(kind, struct.pack(f">HH{len(to)}H", item, len(to), *to))


def _size_property(width: int, height: int) -> bytes:
    return full_box(b"ispe", struct.pack(">II", width, height))


def _encoded(picture: NDArray[np.uint8], suffix: str, config: bytes) -> tuple[bytes, bytes]:
    """A picture's configuration property, and its data."""
    file = io.BytesIO()
    image = Image.fromarray(picture)
    if suffix == ".avif":
        image.save(file, "AVIF", quality=100, subsampling="4:4:4", speed=10)
    else:
        pillow_heif.from_pillow(image).save(file, quality=100, chroma=444)
    stored = file.getvalue()
    found = re.search(re.escape(config), stored)
    assert found is not None
    begin = found.start() - 4
    length = int.from_bytes(stored[begin : begin + 4], "big")
    data = stored.index(b"mdat") + 4
    return stored[begin : begin + length], stored[data:]
