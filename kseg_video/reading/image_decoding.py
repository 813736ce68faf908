"""Decode still images with Pillow: within limits of size, upright, and damaged ones in part."""

from __future__ import annotations

import contextlib
import io
import mmap
import re
import struct
import zlib
from itertools import islice
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image

from kseg_video.core.errors import SourceError, cannot_read
from kseg_video.core.image_metadata import has_pages, pixels_of_a_tile
from kseg_video.core.media_settings import DecoderSettings, TrimSettings
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, too_large
from kseg_video.reading.image_files import (
    READ_BY_FFMPEG,
    READ_FORMATS,
    metadata_of,
    rgb_profile,
)
from kseg_video.reading.image_levels import levels_of
from kseg_video.reading.input_file_checks import check_is_regular
from kseg_video.reading.video_source import VideoFileSource

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    from kseg_video.core.image_metadata import ImageMetadata

    Levels = NDArray[np.uint8]

_JPEG_START, _JPEG_END = b"\xff\xd8", b"\xff\xd9"
# Markers other than those within a scan; those that have no length, and that of a scan.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])", re.DOTALL)
_JPEG_ALONE, _JPEG_SCAN = {b"\x01", b"\xd8"}, b"\xda"
# Scans of a JPEG: as many as libtiff accepts, and libjpeg's program writes. Each takes a few bytes
# of the file, and as long as the whole picture to decode.
_MOST_SCANS = 100
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Chunks of a still that matter to its picture; capitals are needed by every decoder.
_PNG_CHUNKS = frozenset({b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"iCCP", b"pHYs", b"eXIf"})
_PNG_END = b"IEND"
_PHYS_BYTES = 9
_LARGEST_PROFILE = 1 << 20  # bytes; Pillow's limit


class DecodedImage(NamedTuple):
    """A decoded image.

    Parameters
    ----------
    bgr : ndarray of uint8, shape (H, W, 3)
    alpha : ndarray of uint8, shape (H, W), optional
    icc_profile : bytes, optional
        ICC profile of its RGB values, if the file embeds one.
    metadata : ImageMetadata, optional
        Resolution and EXIF data, if the file tells them.
    is_whole : bool
        Whether all of it was decoded.
    has_others : bool
        Whether the file holds further pictures: pages or frames, but not previews.
    notes, warnings : sequence of str
        What the user should know about the decoding, and faults that did not prevent it.
    """

    bgr: Levels
    alpha: Levels | None = None
    icc_profile: bytes | None = None
    metadata: ImageMetadata | None = None
    is_whole: bool = True
    has_others: bool = False
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()


def read_image(path: Path) -> DecodedImage:
    """Read an image, rotated as its EXIF data says and reduced from 16 bits a channel to 8.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    check_is_regular(path)
    if path.suffix.lower() in READ_BY_FFMPEG:
        return _read_by_ffmpeg(path)
    try:
        with path.open("rb") as file:
            _check_scans(path, file)
            try:
                return _decoded(path, file)
            except (MemoryError, SourceError):
                raise
            except Exception:  # noqa: BLE001 - Pillow raises many types on damaged files
                return _decoded(path, _mended(file), leniently=True)
    except (MemoryError, SourceError):
        raise
    except Exception as error:
        no_image = (
            "is not an image that can be read; check that it opens, or save it as PNG with 8 or "
            "16 bit"
        )
        raise cannot_read(path, error, no_image) from error


def _read_by_ffmpeg(path: Path) -> DecodedImage:
    with VideoFileSource(path, TrimSettings(max_frames=1), DecoderSettings()) as source:
        (frame,) = source
        return DecodedImage(frame.bgr, frame.alpha, notes=source.notes, warnings=source.warnings)


def _decoded(path: Path, file: BinaryIO, *, leniently: bool = False) -> DecodedImage:
    """Decode an image; leniently, what decodes of a damaged one."""
    with _opened(path, file) as picture:
        has_others = _has_others(picture, file)
        orientation = _orientation(picture)
        metadata = metadata_of(picture, file, is_turned=orientation > 4)
        is_whole = _load(picture, leniently=leniently)
        if picture.format == "TIFF":  # Pillow has rotated it
            orientation = 1
        levels, alpha = levels_of(picture, file, path)
        if not (is_whole or (levels != levels[0, 0]).any()):
            raise OSError("nothing of the picture decodes")
        bgr = levels[..., ::-1] if levels.ndim == 3 else levels[..., np.newaxis].repeat(3, axis=2)
        return DecodedImage(
            _upright(bgr, orientation),
            None if alpha is None else _upright(alpha, orientation),
            rgb_profile(picture),
            metadata,
            is_whole,
            has_others,
        )


def _load(picture: ImageFile, *, leniently: bool) -> bool:
    """Decode the pixels; returns whether the picture is known to be whole."""
    try:
        picture.load()
    except MemoryError:
        raise
    except Exception:
        if not leniently:
            raise
        picture.tile = []  # so that Pillow gives what it has decoded
        return False
    # A JPEG that needed mending lacks its end, which libjpeg fills with gray.
    return not leniently or picture.format == "PNG"


def _opened(path: Path, file: BinaryIO) -> ImageFile:
    """Open an image and check the size in its header before its pixels are allocated."""
    try:
        picture = Image.open(file, formats=READ_FORMATS)
    except Image.DecompressionBombError as error:
        raise too_large(path) from error
    pixels = picture.width * picture.height
    if picture.format == "TIFF":
        position = file.tell()
        pixels = max(pixels, pixels_of_a_tile(file))
        file.seek(position)
    if pixels > MAX_PIXELS:
        raise too_large(path)
    return picture


def _check_scans(path: Path, file: BinaryIO) -> None:
    """Refuse a JPEG that a small file can keep a decoder busy with for hours."""
    if file.read(len(_JPEG_START)) == _JPEG_START:
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            if sum(1 for _ in islice(_scans(data), _MOST_SCANS + 1)) > _MOST_SCANS:
                raise SourceError(
                    f"{path} is a JPEG of more than {_MOST_SCANS} scans, which may take hours to "
                    "decode; save it anew, if it is not damaged or hostile"
                )
    file.seek(0)


def _scans(jpeg: mmap.mmap) -> Iterator[int]:
    """Where the scans of a JPEG begin, up to its end."""
    place = len(_JPEG_START)
    while (found := _JPEG_MARKER.search(jpeg, place)) and found[1] != _JPEG_END[1:]:
        place = found.end()
        if found[1] == _JPEG_SCAN:
            yield place
        if found[1] not in _JPEG_ALONE:
            place += int.from_bytes(jpeg[place : place + 2])


def _has_others(picture: ImageFile, file: BinaryIO) -> bool:
    """Whether a file holds further pictures that are not those of a phone or a preview.

    Phones add depth and brightness maps to a JPEG (MPO), whose first picture is the photograph.
    """
    if picture.format == "TIFF":
        position = file.tell()
        found = False
        with contextlib.suppress(Exception):  # it is damaged
            found = has_pages(file)
        file.seek(position)
        return found
    return picture.format not in {"JPEG", "MPO"} and getattr(picture, "is_animated", False)


def _orientation(picture: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 (upright) if the EXIF data is missing or damaged."""
    found: object = 1
    with contextlib.suppress(Exception):
        found = picture.getexif().get(ExifTags.Base.Orientation)
    return found if isinstance(found, int) and found in range(1, 9) else 1


def _upright(levels: Levels, orientation: int) -> Levels:
    """Undo an EXIF orientation; the result is contiguous."""
    if orientation > 4:
        levels = levels.swapaxes(0, 1)
    rows = -1 if orientation in {3, 4, 7, 8} else 1
    columns = -1 if orientation in {2, 3, 6, 7} else 1
    return np.ascontiguousarray(levels[::rows, ::columns])


def _mended(file: BinaryIO) -> BinaryIO:
    """A JPEG with an end, a PNG with nothing but its picture, or the file as it is.

    Pillow's own leniency is a switch of the whole process, and would hide damage. Its limits on
    texts and profiles, and its check sums, concern what is around a picture.
    """
    file.seek(0)
    head = file.read(len(_PNG_SIGNATURE))
    if head == _PNG_SIGNATURE:
        return io.BytesIO(b"".join((head, *_png_chunks(file))))
    file.seek(0)
    if head.startswith(_JPEG_START):
        return io.BytesIO(file.read() + _JPEG_END)
    return file


def _png_chunks(file: BinaryIO) -> Iterator[bytes]:
    """The chunks of a PNG that matter, with right check sums; the last may be a part of one."""
    position = file.tell()
    end = file.seek(0, io.SEEK_END)
    while position < end:
        file.seek(position)
        head = file.read(8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        position = file.tell() + length + 4
        if kind == _PNG_END:
            break
        if kind in _PNG_CHUNKS:
            # No more than there is, since a buffer for all that is claimed would be made.
            data = file.read(min(length, end - file.tell()))
            if _is_accepted(kind, data):
                yield _png_chunk(kind, data)
    yield _png_chunk(_PNG_END, b"")


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return b"".join((struct.pack(">I", len(data)), kind, data, check))


def _is_accepted(kind: bytes, data: bytes) -> bool:
    """Whether Pillow accepts a chunk, for which it would refuse the whole file."""
    if kind == b"pHYs":
        return len(data) == _PHYS_BYTES
    if kind != b"iCCP":
        return True
    method, compressed = data.partition(b"\0")[2][:1], data.partition(b"\0")[2][1:]
    inflating = zlib.decompressobj()
    try:
        inflating.decompress(compressed, _LARGEST_PROFILE)
    except zlib.error:
        return False
    return method == b"\0" and not inflating.unconsumed_tail
