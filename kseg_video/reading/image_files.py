"""Read and write images as arrays with imageio (Pillow), with their ICC profiles (ISO 15076-1)."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import struct
from typing import IO, TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
from PIL import Image

from kseg_video.core.errors import SourceError, cannot_read
from kseg_video.core.media_settings import DecoderSettings, TrimSettings
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, too_large
from kseg_video.reading.input_file_checks import check_is_regular
from kseg_video.reading.video_source import VideoFileSource

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imageio.plugins.pillow import PillowPlugin
    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    from kseg_video.core.frame import Frame

# Options for Pillow's encoder, by suffix.
_WRITER_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {},
    ".jpg": {"quality": 95, "subsampling": 0},
    ".jpeg": {"quality": 95, "subsampling": 0},
    ".webp": {"lossless": True},
    ".tif": {"compression": "tiff_deflate"},
    ".tiff": {"compression": "tiff_deflate"},
    ".bmp": {},
}
IMAGE_SUFFIXES = frozenset(_WRITER_OPTIONS)
LOSSY_IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg"})
OPAQUE_IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".bmp"})
# Stills that ffmpeg decodes; Pillow decodes all others.
_READ_BY_FFMPEG = frozenset(
    {".dpx", ".exr", ".hdr", ".j2k", ".jp2", ".pbm", ".pcx", ".pfm", ".pgm", ".phm"}
    | {".pnm", ".ppm", ".psd", ".qoi", ".sgi", ".tga"}
)
READ_SUFFIXES = IMAGE_SUFFIXES | {".avif", ".heic", ".heif", ".hif"} | _READ_BY_FFMPEG
_LONGEST_NAME = 255  # bytes; the limit of practically all file systems
# Formats accepted under any image suffix. Pillow would pass others to external programs (EPS).
_READ_FORMATS = ("BMP", "DIB", "GIF", "JPEG", "PNG", "TIFF", "WEBP", "AVIF", "HEIF")
_MAY_BE_ANIMATED = frozenset({".avif", ".gif", ".png", ".webp"})
# Brands of HEIF files; the general ones may be those of an AVIF file, which is tried before.
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1"})

# TIFF: the version number of BigTIFF, the tags TileWidth and TileLength, and integer types.
_BIG_TIFF = 43
_TILE_SIDES = (322, 323)
_WHOLE_NUMBERS = {3: "H", 4: "I"}

_NUMBER = re.compile(r"%0?(\d*)d")

_HOLDING_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})
_LARGEST = 1 << 20  # bytes; PNG readers accept no larger profile
# Levels of 255 by which a profile may change a colour and still count as sRGB. More hides real
# differences; fewer reports sRGB profiles that only round differently.
_SAME_LEVELS = 3


def _is_heif(prefix: bytes) -> bool:
    return prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIF_BRANDS


def _open_heif(file: IO[bytes], name: str | bytes) -> ImageFile:
    from pillow_heif import HeifImageFile  # noqa: PLC0415 - it takes 0.1 s, and few pictures need it

    return HeifImageFile(file, name)  # type: ignore[no-untyped-call]


Image.register_open("HEIF", _open_heif, _is_heif)


def is_image(path: Path) -> bool:
    """Whether a file is a still image, by its suffix and, if it may be animated, by its content."""
    suffix = path.suffix.lower()
    if suffix not in _MAY_BE_ANIMATED or not path.is_file():
        return suffix in READ_SUFFIXES
    # If Pillow fails on a damaged file, `read_image` reports the error.
    with contextlib.suppress(Exception), Image.open(path, formats=_READ_FORMATS) as picture:
        return not getattr(picture, "is_animated", False)
    return suffix in READ_SUFFIXES


def may_be_transparent(path: Path) -> bool:
    """Whether an image's header announces transparency."""
    # If Pillow fails on a damaged file, `read_image` reports the error.
    with contextlib.suppress(Exception), Image.open(path, formats=_READ_FORMATS) as picture:
        return picture.has_transparency_data
    return False


def is_sequence(path: Path) -> bool:
    """Whether a path such as ``frame_%04d.png`` is a pattern of numbered images and not a file."""
    return (
        path.suffix.lower() in READ_SUFFIXES
        and len(_NUMBER.findall(path.name)) == path.name.count("%") == 1
        and not path.exists()
    )


def name_of_sequence(path: Path) -> str:
    """Name of an image sequence without its number: ``frame`` for ``frame_%04d.png``."""
    return _NUMBER.sub("", path.stem).strip(" ._-") or path.resolve().parent.name


def numbered_files(pattern: Path) -> dict[int, Path]:
    """Existing files of an image sequence, by number."""
    if not pattern.parent.is_dir() or has_too_long_names(pattern):
        return {}
    found = ((number_in(path.name, pattern.name), path) for path in pattern.parent.iterdir())
    return {number: path for number, path in found if number >= 0}


def number_in(name: str, pattern: str) -> int:
    """Number of a file name in a sequence's pattern; -1 if the name does not match."""
    before, width, after = _NUMBER.split(pattern)
    digits = name.removeprefix(before).removesuffix(after).lstrip()
    # Limit width and name, since a huge width would take time and memory to format.
    may_be = len(width) <= _LONGEST_NAME and int(width or 0) <= len(name) <= _LONGEST_NAME
    if not (may_be and digits.isdecimal() and digits.isascii()):
        return -1
    number = int(digits)
    return number if pattern % number == name else -1


def has_too_long_names(path: Path) -> bool:
    """Whether a file's name, or each name of a sequence, is too long for file systems."""
    length = len(os.fsencode(path.name))
    if length <= _LONGEST_NAME and (found := _NUMBER.search(path.name)) and is_sequence(path):
        length += int(found[1] or 0) - len(found[0])
    return length > _LONGEST_NAME


class DecodedImage(NamedTuple):
    """A decoded image.

    Parameters
    ----------
    bgr : ndarray of uint8, shape (H, W, 3)
    alpha : ndarray of uint8, shape (H, W), optional
    icc_profile : bytes, optional
        ICC profile of its RGB values, if the file embeds one.
    notes, warnings : sequence of str
        What the user should know about the decoding, and faults that did not prevent it.
    """

    bgr: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    icc_profile: bytes | None = None
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()


def read_image(path: Path) -> DecodedImage:
    """Read an image, rotated as its EXIF data says and reduced from 16 bits a channel to 8.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    import imageio.v3 as iio  # noqa: PLC0415 - the import takes as long as a video's first frame

    check_is_regular(path)
    if path.suffix.lower() in _READ_BY_FFMPEG:
        return _read_by_ffmpeg(path)
    try:
        # Open it here, since imageio also interprets names as home folders, archives and addresses.
        with path.open("rb") as file:
            _check(path, file)
            with iio.imopen(file, "r", plugin="pillow") as plugin:
                pillow = cast("PillowPlugin", plugin)
                metadata = pillow.metadata(index=0)
                conversion: dict[str, Any] = {}
                if "transparency" in metadata:
                    conversion["mode"] = "RGBA"
                elif metadata.get("mode") == "CMYK":
                    conversion["mode"] = "RGB"
                picture = pillow.read(index=0, rotate=True, **conversion)
    except (MemoryError, SourceError):
        raise
    except Exception as error:  # Pillow raises many types of exception on damaged files
        no_image = "is not an image that can be read; check that it opens"
        raise cannot_read(path, error, no_image) from error
    return DecodedImage(*_split(_to_8_bit(picture, path)), rgb_profile(metadata))


def _read_by_ffmpeg(path: Path) -> DecodedImage:
    with VideoFileSource(path, TrimSettings(max_frames=1), DecoderSettings()) as source:
        (frame,) = source
        return DecodedImage(frame.bgr, frame.alpha, None, source.notes, source.warnings)


def write_image(
    path: Path,
    suffix: str,
    pixels: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None,
    icc_profile: bytes | None = None,
) -> None:
    """Write an image.

    Parameters
    ----------
    path : Path
    suffix : str
        One of `IMAGE_SUFFIXES`; it selects the format.
    pixels : ndarray of uint8, shape (H, W, 3) in BGR order, or (H, W)
    alpha : ndarray of uint8, shape (H, W), optional
        Ignored if the format has no transparency.
    icc_profile : bytes, optional
        Profile of the RGB values. Ignored if the format has no profiles, and for gray pictures.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import imageio.v3 as iio  # noqa: PLC0415

    picture = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    if alpha is not None and pixels.ndim == 3 and suffix not in OPAQUE_IMAGE_SUFFIXES:
        picture = np.dstack([picture, alpha])
    options = dict(_WRITER_OPTIONS[suffix])
    if icc_profile is not None and pixels.ndim == 3 and holds_profile(suffix, icc_profile):
        options["icc_profile"] = icc_profile
    # Write the file here: after a failed write, imageio retries and prints an error at clean-up.
    path.write_bytes(iio.imwrite("<bytes>", picture, extension=suffix, plugin="pillow", **options))


def write_frame(path: Path, suffix: str, frame: Frame) -> None:
    """Write a frame as an image; see `write_image`."""
    pixels = frame.pixels if frame.layout == "gray8" else frame.bgr
    write_image(path, suffix, pixels, frame.alpha, frame.encoding.icc_profile)


def _check(path: Path, file: BinaryIO) -> None:
    """Check the size in an image's header before its pixels are allocated."""
    try:
        with Image.open(file, formats=_READ_FORMATS) as picture:
            pixels = picture.width * picture.height
            if picture.format == "TIFF":
                pixels = max(pixels, _pixels_of_a_tile(file))
    except Image.DecompressionBombError as error:
        raise too_large(path) from error
    if pixels > MAX_PIXELS:
        raise too_large(path)
    file.seek(0)


def _pixels_of_a_tile(file: BinaryIO) -> int:
    """Pixels of one tile of a TIFF; 0 if it has no tiles.

    libtiff decodes whole tiles, which may be far larger than the image. Where a tag appears twice,
    Pillow uses the last and libtiff the first, so the larger value counts.
    """
    file.seek(0)
    head = file.read(16)
    order, is_big = "<" if head[:2] == b"II" else ">", _BIG_TIFF in head[2:4]
    number, fields, start = ("Q", "HHQ8s", head[8:16]) if is_big else ("H", "HHI4s", head[4:8])
    file.seek(*struct.unpack(order + ("Q" if is_big else "I"), start))
    (count,) = struct.unpack(order + number, file.read(struct.calcsize(f"={number}")))
    entry = struct.Struct(order + fields)
    sides: dict[int, int] = {}
    for _ in range(count):
        tag, kind, _, value = entry.unpack(file.read(entry.size))
        if tag in _TILE_SIDES:
            (side,) = struct.unpack_from(order + _WHOLE_NUMBERS[kind], value)
            sides[tag] = max(sides.get(tag, 0), side)
    return math.prod(sides.get(tag, 0) for tag in _TILE_SIDES)


def _to_8_bit(picture: NDArray[Any], path: Path) -> NDArray[np.uint8]:
    if picture.dtype == np.bool_:
        return picture.astype(np.uint8) * np.uint8(255)
    if picture.dtype == np.uint16:
        return (picture >> 8).astype(np.uint8)
    if picture.dtype != np.uint8:
        raise SourceError(f"{path} holds {picture.dtype} levels; save it with 8 or 16 bit")
    return picture


def _split(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """Split a gray, gray-alpha, RGB or RGBA picture into BGR and alpha."""
    if picture.ndim == 2:
        picture = picture[..., np.newaxis]
    channels = picture.shape[2]
    alpha = np.ascontiguousarray(picture[..., -1]) if channels in (2, 4) else None
    colors = picture[..., :3] if channels >= 3 else picture[..., :1].repeat(3, axis=2)
    return np.ascontiguousarray(colors[..., ::-1]), alpha


def rgb_profile(metadata: dict[str, Any]) -> bytes | None:
    """ICC profile of an image if it is an RGB profile, since images are read as RGB."""
    profile = metadata.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None


def holds_profile(suffix: str, icc_profile: bytes) -> bool:
    """Whether a file with this suffix can embed this profile."""
    return suffix in _HOLDING_SUFFIXES and len(icc_profile) <= _LARGEST


def are_alike(one: bytes | None, other: bytes | None) -> bool:
    """Whether two profiles are equal or both sRGB; None counts as sRGB."""
    return one == other or all(
        profile is None or name_unless_srgb(profile) is None for profile in (one, other)
    )


def name_unless_srgb(icc_profile: bytes) -> str | None:
    """Name of a profile, or None if its colours are those of sRGB."""
    from PIL import Image, ImageCms  # noqa: PLC0415 - few pictures need it

    levels = np.arange(0, 256, 51).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    try:
        opened = ImageCms.getOpenProfile(io.BytesIO(icc_profile))
        name = ImageCms.getProfileDescription(opened)
        converted = ImageCms.profileToProfile(
            Image.fromarray(cube), opened, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return "a damaged profile"
    change = np.asarray(converted).astype(np.int16) - cube
    if np.abs(change).max() <= _SAME_LEVELS:
        return None
    return "".join(filter(str.isprintable, name)).strip() or "a profile without a name"
