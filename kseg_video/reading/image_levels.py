"""Pixels of Pillow's pictures, in all of its modes, as 8-bit gray or RGB levels and alpha."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import Image

from kseg_video.core.errors import SourceError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

    Levels = NDArray[np.uint8]

# Pillow's modes that are first converted to another.
_CONVERTED = {
    "1": "L",
    "La": "LA",
    "PA": "RGBA",
    "RGBa": "RGBA",
    **dict.fromkeys(("RGBX", "CMYK", "YCbCr", "LAB"), "RGB"),
}
_MODES = frozenset({"L", "LA", "RGB", "RGBA"})

# Tags of TIFF.
_BITS_PER_SAMPLE, _PHOTOMETRIC, _COLOR_MAP, _SAMPLE_FORMAT = 258, 262, 320, 339
_YCBCR_SUBSAMPLING = 530

# Position of the bit depth in a PNG file, whose first chunk is always IHDR.
_PNG_DEPTH = 24


def levels_of(picture: ImageFile, file: BinaryIO, path: Path) -> tuple[Levels, Levels | None]:
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
    if mode == "CMYK" and (converted := _by_its_profile(picture)):
        return converted
    return picture.convert(_CONVERTED.get(mode, mode))


def _by_its_profile(picture: Image.Image) -> Image.Image | None:
    """A CMYK picture as sRGB by its profile; None if it has none that is of use."""
    from PIL import ImageCms  # noqa: PLC0415 - few pictures need it

    try:
        profile = ImageCms.getOpenProfile(io.BytesIO(picture.info["icc_profile"]))
        srgb = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(picture, profile, srgb, outputMode="RGB")
    except (KeyError, TypeError, ImageCms.PyCMSError, OSError):
        return None


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
