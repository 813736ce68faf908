"""What an image tells besides its pixels: resolution and EXIF data (CIPA DC-008), which is a TIFF.

Of a TIFF itself, its directories also tell the size of tiles and whether there are pages.

EXIF data is copied value by value, not by Pillow, which changes types and replaces letters that are
not ASCII.
"""

from __future__ import annotations

import contextlib
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping
    from mmap import mmap

# Tags of a directory: type and little-endian value, or a directory of their own.
_Directory: TypeAlias = "dict[int, tuple[int, bytes] | _Directory]"
_Pointers: TypeAlias = "Mapping[int, _Pointers]"

_EXIF, _GPS, _INTEROPERABILITY = 0x8769, 0x8825, 0xA005
_POINTERS: _Pointers = {_EXIF: {_INTEROPERABILITY: {}}, _GPS: {}}
_ORIENTATION, _RESOLUTIONS, _RESOLUTION_UNIT = 274, (282, 283), 296
# Tags that describe the photograph, not the file: description, make, model, orientation, software,
# date, artist, computer, copyright, rating, and those that Windows adds.
_KEPT = frozenset({270, 271, 272, _ORIENTATION, 305, 306, 315, 316, 33432, 18246, 18249})
_KEPT |= frozenset(range(40091, 40096)) | _POINTERS.keys()
# Makers' notes hold previews of the source and offsets that end with it; the others are its width
# and height, and padding.
_DROPPED = frozenset({37500, 40962, 40963, 59932})

_SHORT, _LONG, _RATIONAL = 3, 4, 5
_INCH = 2
# Bytes of a value and of the numbers that it consists of, by type.
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_NUMBERS = {**_SIZES, 5: 4, 10: 4}
_LARGEST = 4 << 20  # bytes; more than any camera writes


# TIFF: the version number of BigTIFF, tags, and integer types.
_BIG_TIFF = 43
_TILE_SIDES = (322, 323)
_NEW_SUBFILE_TYPE, _REDUCED = 254, 1
_MOST_DIRECTORIES = 64  # looked at; more than there are sizes of a preview
_WHOLE_NUMBERS = {3: "H", 4: "I"}


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """What an image tells besides its pixels and their colours.

    Parameters
    ----------
    dots_per_inch : tuple of float, optional
        Horizontal and vertical resolution of the upright picture.
    exif : bytes, optional
        EXIF data for the upright picture, little-endian, without resolution, previews and makers'
        notes.
    """

    dots_per_inch: tuple[float, float] | None = None
    exif: bytes | None = None

    @property
    def exif_with_resolution(self) -> bytes | None:
        """EXIF data with the resolution, for files that hold it nowhere else."""
        if self.dots_per_inch is None:
            return self.exif
        directory = {} if self.exif is None else _Reader(self.exif).first()
        for tag, number in zip(_RESOLUTIONS, self.dots_per_inch, strict=True):
            directory[tag] = _RATIONAL, struct.pack("<II", round(number * 1000), 1000)
        directory[_RESOLUTION_UNIT] = _SHORT, struct.pack("<H", _INCH)
        return _as_tiff(directory)


def kept_exif(data: bytes | mmap) -> bytes | None:
    """EXIF data to keep of a TIFF, or of EXIF data, which is one; None if there is none.

    Raises
    ------
    ValueError
        If it is damaged.
    """
    try:
        directory = _Reader(data).first()
    except (struct.error, OverflowError) as error:
        raise ValueError(f"damaged EXIF data: {error}") from error
    kept: _Directory = {tag: value for tag, value in directory.items() if tag in _KEPT}
    if not kept.keys() - {_ORIENTATION}:
        return None
    if _ORIENTATION in kept:
        kept[_ORIENTATION] = _SHORT, struct.pack("<H", 1)
    return _as_tiff(kept)


def add_to_tiff(image: bytes, exif: bytes) -> bytes:
    """Add EXIF data to a little-endian TIFF; Pillow cannot if it is compressed."""
    directory = _Reader(image).first() | _Reader(exif).first()
    start = len(image) + len(image) % 2
    head = image[:4] + struct.pack("<I", start)
    return head + image[8:].ljust(start - 8, b"\0") + _written(directory, start)


class _TiffLayout(NamedTuple):
    """Byte order and parts of a TIFF's directories, and where the first is."""

    order: str
    length: struct.Struct
    entry: struct.Struct
    following: struct.Struct
    first: int

    def number(self, kind: int, value: bytes) -> int:
        (number,) = struct.unpack_from(self.order + _WHOLE_NUMBERS[kind], value)
        return int(number)


def _tiff_layout(file: BinaryIO) -> _TiffLayout:
    file.seek(0)
    head = file.read(16)
    order, is_big = "<" if head[:2] == b"II" else ">", _BIG_TIFF in head[2:4]
    parts = ("Q", "HHQ8s", "Q") if is_big else ("H", "HHI4s", "I")
    length, entry, place = (struct.Struct(order + part) for part in parts)
    (first,) = place.unpack_from(head, 8 if is_big else 4)
    return _TiffLayout(order, length, entry, place, first)


def pixels_of_a_tile(file: BinaryIO) -> int:
    """Pixels of one tile of a TIFF; 0 if it has no tiles.

    libtiff decodes whole tiles, which may be far larger than the image. Where a tag appears twice,
    Pillow uses the last and libtiff the first, so the larger value counts.
    """
    layout = _tiff_layout(file)
    file.seek(layout.first)
    (count,) = layout.length.unpack(file.read(layout.length.size))
    sides: dict[int, int] = {}
    for _ in range(count):
        tag, kind, _, value = layout.entry.unpack(file.read(layout.entry.size))
        if tag in _TILE_SIDES:
            sides[tag] = max(sides.get(tag, 0), layout.number(kind, value))
    return math.prod(sides.get(tag, 0) for tag in _TILE_SIDES)


def has_pages(file: BinaryIO) -> bool:
    """Whether a directory of a TIFF after the first is not marked as that of a preview.

    Pillow would read all of each, and they may overlap: a mark is in a directory's first entry.
    """
    layout = _tiff_layout(file)
    place = layout.first
    for number in range(_MOST_DIRECTORIES):
        file.seek(place)
        (count,) = layout.length.unpack(file.read(layout.length.size))
        tag, kind, _, value = layout.entry.unpack(file.read(layout.entry.size))
        is_marked = tag == _NEW_SUBFILE_TYPE and layout.number(kind, value) & _REDUCED
        if number and not is_marked:
            return True
        file.seek(place + layout.length.size + count * layout.entry.size)
        (place,) = layout.following.unpack(file.read(layout.following.size))
        if not place:
            break
    return False


class _Reader:
    """Reads the directories of a classic TIFF."""

    def __init__(self, data: bytes | mmap) -> None:
        self._data = data
        self._order = {b"II*\0": "<", b"MM\0*": ">"}.get(data[:4], "")
        # No more than there is: values and directories may overlap, and be the same many times.
        self._left = min(_LARGEST, len(data))

    def first(self) -> _Directory:
        """The first directory; empty if this is no classic TIFF."""
        if not self._order:
            return {}
        (start,) = struct.unpack_from(f"{self._order}I", self._data, 4)
        return self._directory(start, _POINTERS)

    def _directory(self, start: int, pointers: _Pointers) -> _Directory:
        (count,) = struct.unpack_from(f"{self._order}H", self._data, start)
        if start + 2 + 12 * count > len(self._data):
            raise struct.error("a directory is cut off")
        self._take(12 * count)
        directory: _Directory = {}
        for number in range(count):
            place = start + 2 + 12 * number
            tag, kind, length = struct.unpack_from(f"{self._order}HHI", self._data, place)
            size = length * _SIZES.get(kind, 0)
            is_pointer = tag in pointers
            place += 8
            if size > 4 or is_pointer:
                (place,) = struct.unpack_from(f"{self._order}I", self._data, place)
            if is_pointer:
                with contextlib.suppress(struct.error):
                    if inner := self._directory(place, pointers[tag]):
                        directory[tag] = inner
            elif size and tag not in _DROPPED and place + size <= len(self._data):
                directory[tag] = kind, self._value(place, size, _NUMBERS[kind])
        return directory

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise ValueError("too much EXIF data")

    def _value(self, place: int, size: int, of_number: int) -> bytes:
        if size > 4:  # others are in the directory
            self._take(size)
        value = self._data[place : place + size]
        if self._order == "<":
            return value
        return np.frombuffer(value, f">u{of_number}").astype(f"<u{of_number}").tobytes()


def _as_tiff(directory: _Directory) -> bytes:
    return struct.pack("<4sI", b"II*\0", 8) + _written(directory, 8)


def _written(directory: _Directory, start: int) -> bytes:
    """A directory that begins at an offset, followed by its values and its own directories."""
    table, values = bytearray(), bytearray()
    values_start = start + 2 + 12 * len(directory) + 4
    for tag, entry in sorted(directory.items(), key=lambda item: item[0]):
        field = struct.pack("<I", values_start + len(values))
        if isinstance(entry, dict):
            kind, count = _LONG, 1
            values += _written(entry, values_start + len(values))
        else:
            kind, count = entry[0], len(entry[1]) // _SIZES[entry[0]]
            if len(entry[1]) > 4:
                values += entry[1] + bytes(len(entry[1]) % 2)
            else:
                field = entry[1].ljust(4, b"\0")
        table += struct.pack("<HHI4s", tag, kind, count, field)
    return b"".join((struct.pack("<H", len(directory)), table, bytes(4), values))
