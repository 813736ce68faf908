"""Decode still images with Pillow, from all of its pixel formats to 8-bit BGR and alpha."""

from __future__ import annotations

import contextlib
import io
import math
import struct
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import numpy as np
from PIL import ExifTags, Image

from kseg_video.core.errors import SourceError, cannot_read
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS, too_large
from kseg_video.reading.image_files import READ_FORMATS
from kseg_video.reading.input_file_checks import check_is_regular

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    Levels = NDArray[np.uint8]

# Pillow's modes that are first converted to another.
_CONVERTED = {"1": "L", "La": "LA", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA", "YCbCr": "RGB"}
_MODES = frozenset({"L", "LA", "RGB", "RGBA"})

# TIFF: the version number of BigTIFF, tags, and integer types.
_BIG_TIFF = 43
_BITS_PER_SAMPLE, _PHOTOMETRIC, _COLOR_MAP, _SAMPLE_FORMAT = 258, 262, 320, 339
_TILE_SIDES = (322, 323)
_YCBCR_SUBSAMPLING = 530
_WHOLE_NUMBERS = {3: "H", 4: "I"}

# Position of the bit depth in a PNG file, whose first chunk is always IHDR.
_PNG_DEPTH = 24


class DecodedImage(NamedTuple):
    """A decoded image.

    Parameters
    ----------
    bgr : ndarray of uint8, shape (H, W, 3)
    alpha : ndarray of uint8, shape (H, W), optional
    icc_profile : bytes, optional
        ICC profile of its RGB values, if the file embeds one.
    """

    bgr: Levels
    alpha: Levels | None = None
    icc_profile: bytes | None = None


def read_image(path: Path) -> DecodedImage:
    """Read an image, rotated as its EXIF data says and reduced from 16 bits a channel to 8.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    check_is_regular(path)
    try:
        with path.open("rb") as file:
            return _decoded(path, file)
    except (MemoryError, SourceError):
        raise
    except Exception as error:  # Pillow raises many types of exception on damaged files
        no_image = (
            "is not an image that can be read; check that it opens, or save it as PNG with 8 or "
            "16 bit"
        )
        raise cannot_read(path, error, no_image) from error


def _decoded(path: Path, file: BinaryIO) -> DecodedImage:
    with _opened(path, file) as picture:
        orientation = _orientation(picture)
        picture.load()
        if picture.format == "TIFF":  # Pillow has rotated it
            orientation = 1
        levels, alpha = _levels(picture, file, path)
        bgr = levels[..., ::-1] if levels.ndim == 3 else levels[..., np.newaxis].repeat(3, axis=2)
        return DecodedImage(
            _upright(bgr, orientation),
            None if alpha is None else _upright(alpha, orientation),
            _rgb_profile(picture),
        )


def _opened(path: Path, file: BinaryIO) -> ImageFile:
    """Open an image and check the size in its header before its pixels are allocated."""
    try:
        picture = Image.open(file, formats=READ_FORMATS)
    except Image.DecompressionBombError as error:
        raise too_large(path) from error
    pixels = picture.width * picture.height
    if picture.format == "TIFF":
        position = file.tell()
        pixels = max(pixels, _pixels_of_a_tile(file))
        file.seek(position)
    if pixels > MAX_PIXELS:
        raise too_large(path)
    return picture


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


def _levels(picture: ImageFile, file: BinaryIO, path: Path) -> tuple[Levels, Levels | None]:
    """Gray levels (H, W) or RGB (H, W, 3) of a loaded picture, and its alpha."""
    tags: dict[int, Any] = getattr(picture, "tag_v2", {})
    _check_samples(picture.mode, tags, path)
    clear = picture.info.get("transparency")
    if picture.mode.startswith("I;16"):
        return _of_16_bit(np.asarray(picture).astype(np.uint16), tags, clear)
    converted = _converted(picture, tags, has_clear=clear is not None)
    if converted.mode not in _MODES:
        dtype = np.asarray(converted).dtype
        raise SourceError(f"{path} holds {dtype} levels; save it with 8 or 16 bit")
    levels = np.asarray(converted)
    if converted.mode in {"LA", "RGBA"}:
        colors = levels[..., 0] if converted.mode == "LA" else levels[..., :3]
        return colors, levels[..., -1]
    if clear is None:
        return levels, None
    depth = 8
    if picture.format == "PNG":
        file.seek(_PNG_DEPTH)
        depth = file.read(1)[0]
    if depth == 16:
        exact = levels.astype(np.uint16) << 8 | _low_bytes(file)
        return levels, _opaque_but(exact, clear)
    # Pillow has scaled the levels to 8 bits, but this one only if it was of 1 bit.
    in_8_bit = np.minimum(np.multiply(clear, 255) // (2**depth - 1), 255)
    return levels, _opaque_but(levels, in_8_bit)


def _check_samples(mode: str, tags: dict[int, Any], path: Path) -> None:
    """Check that Pillow knows how the samples of a TIFF are to be understood."""
    if mode == "L" and max(tags.get(_SAMPLE_FORMAT, (1,))) > 1:
        raise SourceError(f"{path} holds signed levels; save it with 8 or 16 bit without sign")
    if mode == "YCbCr" and tags and tags.get(_YCBCR_SUBSAMPLING) != (1, 1):
        raise SourceError(f"{path} holds subsampled YCbCr without compression; save it as RGB")


def _of_16_bit(
    levels: NDArray[np.uint16], tags: dict[int, Any], clear: object
) -> tuple[Levels, Levels | None]:
    """Reduce gray levels in which Pillow leaves a TIFF's 12 bits and its white of 0."""
    alpha = None if clear is None else _opaque_but(levels, clear)
    if tags.get(_BITS_PER_SAMPLE) == (12,):
        levels = levels << np.uint16(4)
    if tags.get(_PHOTOMETRIC) == 0:
        levels = ~levels
    return (levels >> 8).astype(np.uint8), alpha


def _converted(picture: Image.Image, tags: dict[int, Any], *, has_clear: bool) -> Image.Image:
    mode = picture.mode
    if mode in {"P", "PA"} and max(tags.get(_COLOR_MAP, (256,))) < 256:
        # Some TIFFs wrongly have a colour map of 8 bits.
        picture.putpalette(bytes(tags[_COLOR_MAP]), "RGB;L")
    if mode == "P":
        assert picture.palette is not None
        return picture.convert("RGBA" if has_clear else picture.palette.mode)
    if mode in {"CMYK", "LAB"}:
        return _as_srgb(picture)
    return picture.convert(_CONVERTED.get(mode, mode))


def _as_srgb(picture: Image.Image) -> Image.Image:
    """Convert CIE Lab, or CMYK by its profile if it has one, to sRGB."""
    from PIL import ImageCms  # noqa: PLC0415 - few pictures need it

    try:
        profile = (
            ImageCms.createProfile("LAB")
            if picture.mode == "LAB"
            else ImageCms.getOpenProfile(io.BytesIO(picture.info.get("icc_profile") or b""))
        )
        srgb = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(picture, profile, srgb, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        converted = None
    return converted or picture.convert("RGB")


def _low_bytes(file: BinaryIO) -> Levels:
    """The low bytes of a PNG's 16-bit RGB levels, of which Pillow gives the high ones."""
    with Image.open(file, formats=["PNG"]) as picture:
        # Little-endian samples would have their high bytes there.
        picture.tile = [tile._replace(args="RGB;16L") for tile in picture.tile]
        return np.asarray(picture)


def _opaque_but(levels: NDArray[Any], clear: object) -> Levels:
    """Alpha that is 0 where the levels, gray or RGB, are those of a colour, and 255 elsewhere."""
    channels = levels.reshape(*levels.shape[:2], -1)
    differs: NDArray[np.bool_] = (channels != np.asarray(clear)).any(axis=-1)
    return differs.astype(np.uint8) * np.uint8(255)


def _rgb_profile(picture: Image.Image) -> bytes | None:
    """ICC profile of an image if it is an RGB profile, since images are read as RGB."""
    profile = picture.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None
