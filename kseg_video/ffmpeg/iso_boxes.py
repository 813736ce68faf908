"""Boxes of MP4, MOV and HEIF files (ISO 14496-12, ISO 23008-12), and what those of a HEIF claim.

libheif copies all that a file's metadata refers to, however often, and opacity may be far larger
than the picture that it belongs to, so the boxes are looked at before it opens a file.
"""

from __future__ import annotations

import io
import os
from collections import Counter, defaultdict
from functools import cache
from typing import IO, TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

_FULL_BOX = 4  # bytes of version and flags at the start of some boxes
# Items made of others, a grid and an overlay, and where the size of their canvas begins.
_CANVASES = {b"grid": 4, b"iovl": 10}
_HEAD = max(_CANVASES.values()) + 8
_IN_FILE, _IN_META = 0, 1  # where an item's parts are
# Boxes of one parent, items, their parts and references that a file may have; photographs have far
# fewer. More keep libavif, which searches all items for each, busy for longer: 1 s at this limit.
_MOST = 10_000
# By how much the parts of the items may be longer than the file: a few may share their data.
_MOST_SHARED = 4


class Element(NamedTuple):
    """A box or element: its name, and where its contents begin and end in the file."""

    name: bytes
    start: int
    end: int


class _Part(NamedTuple):
    """A part of an item; its place is in the file, in the meta box or in another item."""

    item: int
    method: int
    place: int
    length: int


def elements(
    file: IO[bytes],
    read: Callable[[IO[bytes], int, int], Element | None],
    start: int,
    end: int,
) -> Iterator[Element]:
    """Boxes or elements that follow each other, up to an end or to what is none."""
    while start < end and (element := read(file, start, end)) is not None:
        yield element
        start = element.end


def read_box(file: IO[bytes], start: int, end: int) -> Element | None:
    """Read the header of a box; None if there is none."""
    file.seek(start)
    header = file.read(16)
    size, begin = int.from_bytes(header[:4]), start + 8
    if size == 1:  # it follows the name
        size, begin = int.from_bytes(header[8:]), start + 16
    stop = start + size if size else end
    return Element(header[4:8], begin, min(stop, end)) if begin <= stop else None


def largest_heif_picture(file: IO[bytes]) -> int:
    """Pixels of the largest picture that a HEIF file claims to hold, shown or not.

    Raises
    ------
    OSError
        If its items, or what is decoded for one, are much longer than the file, or it is damaged.
    """
    end = file.seek(0, os.SEEK_END)
    left = _MOST_SHARED * end
    largest = 0
    for _, start, stop in _boxes(file, [b"meta"], 0, end):
        inside = start + _FULL_BOX, stop
        for _, begin, _ in _boxes(file, [b"iprp", b"ipco", b"ispe"], *inside):
            file.seek(begin + _FULL_BOX)
            largest = max(largest, _pixels(file.read(8), 4))
        canvases = dict(_canvases(file, *inside))
        heads = dict.fromkeys(canvases, b"")
        lengths: Counter[int] = Counter()
        for _, begin, _ in _boxes(file, [b"iprp", b"ipma"], *inside):
            file.seek(begin + _FULL_BOX)
            _check_count(int.from_bytes(file.read(4)))
        beside = next(_boxes(file, [b"idat"], *inside), None)
        for _, begin, close in _boxes(file, [b"iloc"], *inside):
            file.seek(begin)
            for count, part in enumerate(_parts(io.BytesIO(file.read(close - begin)))):
                length = part.length or end  # without a length, it is all of the file
                lengths[part.item] += length
                left -= length
                _check_count(count)
                if left < 0:
                    raise OSError("the items of the file are longer than the file")
                if part.item in canvases:
                    heads[part.item] += _head(file, part, beside)
        if _longest(lengths, _references(file, *inside)) > _MOST_SHARED * end:
            raise OSError("an item of the file consists of others many times over")
        for item, head in heads.items():
            wide = 4 if int.from_bytes(head[1:2]) & 1 else 2  # as the flags tell
            largest = max(largest, _pixels(head[canvases[item] :], wide))
    return largest


def _pixels(sides: bytes, wide: int) -> int:
    """Product of two numbers of so many bytes."""
    return int.from_bytes(sides[:wide]) * int.from_bytes(sides[wide : 2 * wide])


def _boxes(file: IO[bytes], path: Sequence[bytes], start: int, end: int) -> Iterator[Element]:
    """Boxes that lie within others; `path` names them from the outermost inward."""
    for count, box in enumerate(elements(file, read_box, start, end)):
        _check_count(count)
        if box.name == path[0]:
            yield from _boxes(file, path[1:], box.start, box.end) if path[1:] else [box]


def _check_count(count: int) -> None:
    if count > _MOST:
        raise OSError("the file has too many boxes, items or references")


def _canvases(file: IO[bytes], start: int, end: int) -> Iterator[tuple[int, int]]:
    """Items of a meta box that are made of others, and where the size of their canvas begins."""
    for _, begin, stop in _boxes(file, [b"iinf"], start, end):
        file.seek(begin)
        first = begin + _FULL_BOX + (4 if file.read(1) > b"\0" else 2)
        for _, place, _ in _boxes(file, [b"infe"], first, stop):
            file.seek(place)
            entry = file.read(14)
            wide = 4 if entry[:1] > b"\2" else 2
            kind = entry[6 + wide : 10 + wide]
            if kind in _CANVASES:
                yield int.from_bytes(entry[4 : 4 + wide]), _CANVASES[kind]


def _references(file: IO[bytes], start: int, end: int) -> Mapping[int, Sequence[int]]:
    """Items of a meta box that are made of others, and those, each as often as it is decoded."""
    references: defaultdict[int, list[int]] = defaultdict(list)
    for _, begin, stop in _boxes(file, [b"iref"], start, end):
        file.seek(begin)
        wide = 4 if file.read(1) > b"\0" else 2
        count = 0
        for name, place, close in elements(file, read_box, begin + _FULL_BOX, stop):
            count += 1 + (close - place) // wide
            _check_count(count)
            if name == b"dimg":
                file.seek(place)
                data = file.read(close - place)
                others = range(wide + 2, len(data), wide)  # after the item and their count
                references[int.from_bytes(data[:wide])] += (
                    int.from_bytes(data[at : at + wide]) for at in others
                )
    return references


def _longest(lengths: Mapping[int, int], references: Mapping[int, Sequence[int]]) -> int:
    """Bytes that are decoded for the item that takes most of them."""

    @cache
    def decoded(item: int) -> int:
        return lengths.get(item, 0) + sum(map(decoded, references.get(item, ())))

    return max(map(decoded, references), default=0)


def _head(file: IO[bytes], part: _Part, beside: Element | None) -> bytes:
    """The first bytes of a part of an item that is made of others."""
    if part.method == _IN_FILE:
        file.seek(part.place)
    elif part.method == _IN_META and beside is not None:
        file.seek(beside.start + part.place)
    else:
        raise OSError("an item of the file lies in others")
    return file.read(min(part.length, _HEAD))


def _parts(locations: IO[bytes]) -> Iterator[_Part]:
    """Parts of all items, of the contents of an `iloc` box."""

    def number(size: int) -> int:
        if len(data := locations.read(size)) < size:
            raise OSError("the places of the items are cut off")
        return int.from_bytes(data)

    version = number(1)
    number(3)
    of_place, of_length = divmod(number(1), 16)
    of_base, of_index = divmod(number(1), 16)
    wide = 4 if version == 2 else 2
    _check_count(items := number(wide))
    for _ in range(items):
        item = number(wide)
        method = number(2) & 15 if version else _IN_FILE
        number(2)
        base = number(of_base)
        for _ in range(number(2)):
            if version:
                number(of_index)
            place = number(of_place)
            yield _Part(item, method, base + place, number(of_length))
