"""Recognize encrypted MP4, MOV, Matroska and WebM files, which ffmpeg may decode to garbage.

ffmpeg tells nothing of it, so the headers of the tracks are read here: the boxes of MP4 and MOV,
whose sample entries have other names in encrypted tracks, and the elements of Matroska and WebM.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import IO, TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.ffmpeg.iso_boxes import Element, elements, read_box

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

# Where the boxes and elements lie that tell of encryption, from the outermost inward.
_SAMPLE_ENTRIES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
_TRACK_ENCODING = (
    *(b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae"),  # Segment, Tracks, TrackEntry
    *(b"\x6d\x80", b"\x62\x40"),  # ContentEncodings, ContentEncoding
)
_ONCE = frozenset({b"moov", *_TRACK_ENCODING[:2]})  # what follows them need not be searched
# Sample entries of common encryption and of FairPlay, and Matroska's ContentEncryption.
_ENCRYPTED = frozenset({b"encv", b"enca", b"drmi", b"drms", b"\x50\x35"})
_ENTRIES_START = 8  # bytes of the version and count before the sample entries
_EBML = b"\x1a\x45\xdf\xa3"
# Elements of one parent that are looked at. More find tracks behind more other elements, fewer end
# sooner in a damaged file that consists of millions.
_MOST = 10_000


def check_is_not_encrypted(path: Path) -> None:
    """Check that no track of a regular file is encrypted, as far as the file can be read.

    Raises
    ------
    SourceError
        If one is.
    """
    if not path.is_file():  # reading a fifo would take from what is in it
        return
    with suppress(OSError), path.open("rb") as file:
        is_matroska = file.read(len(_EBML)) == _EBML
        within = _TRACK_ENCODING if is_matroska else _SAMPLE_ENTRIES
        read = _matroska_element if is_matroska else read_box
        names = _names(file, read, within, 0, path.stat().st_size)
        if not _ENCRYPTED.isdisjoint(names):
            raise SourceError(f"{path} is encrypted; give a copy without copy protection")


def _names(
    file: IO[bytes],
    read: Callable[[IO[bytes], int, int], Element | None],
    within: Sequence[bytes],
    start: int,
    end: int,
) -> Iterator[bytes]:
    """Names of the boxes or elements that lie within those of the given names."""
    for name, begin, stop in islice(elements(file, read, start, end), _MOST):
        if not within:
            yield name
        elif name == within[0]:
            first = begin + _ENTRIES_START if name == b"stsd" else begin
            yield from _names(file, read, within[1:], first, stop)
            if name in _ONCE:
                return


def _matroska_element(file: IO[bytes], start: int, end: int) -> Element | None:
    """Read the header of a Matroska element; None if there is none."""
    file.seek(start)
    header = file.read(12)
    name_length = _length(header)
    size_length = _length(header[name_length:])
    begin = start + name_length + size_length
    if not name_length or not size_length or begin > end:
        return None
    unknown = (1 << 7 * size_length) - 1
    size = int.from_bytes(header[name_length : name_length + size_length]) & unknown
    stop = end if size == unknown else min(begin + size, end)
    return Element(header[:name_length], begin, stop)


def _length(number: bytes) -> int:
    """Length of a Matroska number in bytes, which its leading zero bits tell; 0 if it is none."""
    return 9 - number[0].bit_length() if number and number[0] else 0
