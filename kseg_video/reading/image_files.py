"""Images as arrays, read and written by imageio (Pillow), and their ICC profiles (ISO 15076-1)."""

from __future__ import annotations

import contextlib
import io
import math
import os
import re
import struct
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import numpy as np
from PIL import Image

from kseg_video.core.errors import SourceError, cannot_read
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, too_large
from kseg_video.reading.input_file_checks import check_is_regular

if TYPE_CHECKING:
    from pathlib import Path

    from imageio.plugins.pillow import PillowPlugin
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame

# What Pillow is told when it writes, by suffix.
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
_LONGEST_NAME = 255  # bytes, of practically all file systems
# What files of such names hold, rightly named or not; Pillow would give others to programs (EPS).
_READ_FORMATS = ("BMP", "DIB", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
_MAY_BE_ANIMATED = frozenset({".gif", ".png", ".webp"})

# Of TIFF: a byte of the larger kind, and tags and types by their numbers.
_BIG_TIFF = 43
_TILE_SIDES = (322, 323)
_WHOLE_NUMBERS = {3: "H", 4: "I"}

_NUMBER = re.compile(r"%0?(\d*)d")

_HOLDING_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})
_LARGEST = 1 << 20  # bytes; readers of PNG take no more
_SAME_LEVELS = 3


def is_image(path: Path) -> bool:
    """Whether a file is one picture, by its suffix and, of GIF, PNG and WebP, what is in it."""
    suffix = path.suffix.lower()
    if suffix not in _MAY_BE_ANIMATED or not path.is_file():
        return suffix in IMAGE_SUFFIXES
    # Of what Pillow raises at damaged files, who reads the picture says what is wrong.
    with contextlib.suppress(Exception), Image.open(path, formats=_READ_FORMATS) as picture:
        return not getattr(picture, "is_animated", False)
    return suffix in IMAGE_SUFFIXES


def is_sequence(path: Path) -> bool:
    """Whether a path such as ``frame_%04d.png`` is no file but stands for numbered images."""
    return (
        path.suffix.lower() in IMAGE_SUFFIXES
        and len(_NUMBER.findall(path.name)) == path.name.count("%") == 1
        and not path.exists()
    )


def name_of_sequence(path: Path) -> str:
    """What a pattern of numbered images has in common: ``frame`` of ``frame_%04d.png``."""
    return _NUMBER.sub("", path.stem).strip(" ._-") or path.resolve().parent.name


def numbered_files(pattern: Path) -> dict[int, Path]:
    """The files that there are of a sequence, by their numbers."""
    if not pattern.parent.is_dir() or has_too_long_names(pattern):
        return {}
    found = ((number_in(path.name, pattern.name), path) for path in pattern.parent.iterdir())
    return {number: path for number, path in found if number >= 0}


def number_in(name: str, pattern: str) -> int:
    """Number that makes a sequence's pattern this name; -1 if none does."""
    before, width, after = _NUMBER.split(pattern)
    digits = name.removeprefix(before).removesuffix(after).lstrip()
    # Neither may be long enough to take time or memory.
    may_be = len(width) <= _LONGEST_NAME and int(width or 0) <= len(name) <= _LONGEST_NAME
    if not (may_be and digits.isdecimal() and digits.isascii()):
        return -1
    number = int(digits)
    return number if pattern % number == name else -1


def has_too_long_names(path: Path) -> bool:
    """Whether names are longer than file systems take: a file's, or all of a sequence."""
    length = len(os.fsencode(path.name))
    if length <= _LONGEST_NAME and (found := _NUMBER.search(path.name)) and is_sequence(path):
        length += int(found[1] or 0) - len(found[0])
    return length > _LONGEST_NAME


class DecodedImage(NamedTuple):
    """An image.

    Parameters
    ----------
    bgr : ndarray of uint8, shape (H, W, 3)
    alpha : ndarray of uint8, shape (H, W), optional
    icc_profile : bytes, optional
        What its R, G and B are, if the file says so.
    """

    bgr: NDArray[np.uint8]
    alpha: NDArray[np.uint8] | None = None
    icc_profile: bytes | None = None


def read_image(path: Path) -> DecodedImage:
    """Read an image upright (EXIF), 16-bit levels brought to 8.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    import imageio.v3 as iio  # noqa: PLC0415 - takes as long as a video's first frame

    check_is_regular(path)
    try:
        # Opened here, since imageio takes names for home folders, archives and addresses, too.
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
    except Exception as error:  # Pillow raises all sorts of things at damaged files
        no_image = "is not an image that can be read; check that it opens"
        raise cannot_read(path, error, no_image) from error
    return DecodedImage(*_split(_to_8_bit(picture, path)), rgb_profile(metadata))


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
        One of `IMAGE_SUFFIXES`, which chooses the format.
    pixels : ndarray of uint8, shape (H, W, 3) in BGR order, or (H, W)
    alpha : ndarray of uint8, shape (H, W), optional
        Left out where the format has no transparency.
    icc_profile : bytes, optional
        Of R, G and B. Left out where the format has none, and of gray pictures.

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
    # Where imageio itself fails to write, it tries to once more, and complains, at its clean-up.
    path.write_bytes(iio.imwrite("<bytes>", picture, extension=suffix, plugin="pillow", **options))


def write_frame(path: Path, suffix: str, frame: Frame) -> None:
    """Write a frame as an image; see `write_image`."""
    pixels = frame.pixels if frame.layout == "gray8" else frame.bgr
    write_image(path, suffix, pixels, frame.alpha, frame.encoding.icc_profile)


def _check(path: Path, file: BinaryIO) -> None:
    """Look at an image's header, before memory is taken for its pixels."""
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
    """How many pixels the tiles of a TIFF have, however small it is: libtiff decodes them whole.

    0 if it has none. Of tags that are there twice, Pillow goes by the last and libtiff by the
    first, so that the largest counts.
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
    """BGR and opacity of a gray, gray-alpha, RGB or RGBA picture."""
    if picture.ndim == 2:
        picture = picture[..., np.newaxis]
    channels = picture.shape[2]
    alpha = np.ascontiguousarray(picture[..., -1]) if channels in (2, 4) else None
    colors = picture[..., :3] if channels >= 3 else picture[..., :1].repeat(3, axis=2)
    return np.ascontiguousarray(colors[..., ::-1]), alpha


def rgb_profile(metadata: dict[str, Any]) -> bytes | None:
    """The profile of an image, if it is one of R, G and B, which are what is read."""
    profile = metadata.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None


def holds_profile(suffix: str, icc_profile: bytes) -> bool:
    """Whether pictures of this suffix can have such a profile."""
    return suffix in _HOLDING_SUFFIXES and len(icc_profile) <= _LARGEST


def are_alike(one: bytes | None, other: bytes | None) -> bool:
    """Whether two profiles are the same, or both of sRGB, as a picture without one is."""
    return one == other or all(
        profile is None or name_unless_srgb(profile) is None for profile in (one, other)
    )


def name_unless_srgb(icc_profile: bytes) -> str | None:
    """What a profile calls itself, unless its colours are those of sRGB."""
    from PIL import Image, ImageCms  # noqa: PLC0415 - only few pictures need it

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
