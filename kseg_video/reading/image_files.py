"""Names of image files, and images written with their ICC profiles (ISO 15076-1) and metadata."""

from __future__ import annotations

import contextlib
import io
import math
import mmap
import os
import re
from typing import IO, TYPE_CHECKING, Any, BinaryIO

import numpy as np
from PIL import ExifTags, Image

from kseg_video.core.image_metadata import ImageMetadata, add_to_tiff, kept_exif
from kseg_video.ffmpeg.allowed_inputs import MAX_PIXELS
from kseg_video.ffmpeg.iso_boxes import largest_heif_picture

if TYPE_CHECKING:
    from pathlib import Path

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
READ_BY_FFMPEG = frozenset(
    {".dpx", ".exr", ".hdr", ".j2k", ".jp2", ".pbm", ".pcx", ".pfm", ".pgm", ".phm"}
    | {".pnm", ".ppm", ".psd", ".qoi", ".sgi", ".tga"}
)
READ_SUFFIXES = IMAGE_SUFFIXES | {".avif", ".heic", ".heif", ".hif"} | READ_BY_FFMPEG
_LONGEST_NAME = 255  # bytes; the limit of practically all file systems
# Not Pillow's own names of the formats, whose readers check nothing; imageio registers HEIF's.
_OUR_AVIF, _OUR_HEIF = "CHECKED_AVIF", "CHECKED_HEIF"
# Formats accepted under any image suffix. Pillow would pass others to external programs (EPS).
READ_FORMATS = ("BMP", "DIB", "GIF", "JPEG", "PNG", "TIFF", "WEBP", _OUR_AVIF, _OUR_HEIF)
_MAY_BE_ANIMATED = frozenset({".avif", ".gif", ".png", ".webp"})
# Brands of HEIF files; the general ones may be those of an AVIF file, which is tried before.
_GENERAL_BRANDS = frozenset({b"mif1", b"msf1"})
_AVIF_BRANDS = _GENERAL_BRANDS | {b"avif", b"avis"}
_HEIF_BRANDS = _GENERAL_BRANDS | {b"heic", b"heix", b"heim", b"heis"}

_NUMBER = re.compile(r"%0?(\d*)d")

_HOLDING_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})
_TIFF_SUFFIXES = frozenset({".tif", ".tiff"})
_EXIF_HEAD = b"Exif\0\0"
_LARGEST_IN_JPEG = 65_533 - len(_EXIF_HEAD)  # bytes of EXIF data
_LARGEST = 1 << 20  # bytes; PNG readers accept no larger profile
# EXIF's units of resolution in dots per inch, and the largest resolution of a JPEG.
_TO_INCHES = {2: 1, 3: 2.54}
_MOST_DOTS = 65_535
# Levels of 255 by which a profile may change a colour and still count as sRGB. More hides real
# differences; fewer reports sRGB profiles that only round differently.
_SAME_LEVELS = 3


def _is_heif(prefix: bytes) -> bool:
    return prefix[4:8] == b"ftyp" and prefix[8:12] in _HEIF_BRANDS


def _is_avif(prefix: bytes) -> bool:
    return prefix[4:8] == b"ftyp" and prefix[8:12] in _AVIF_BRANDS


def _open_heif(file: IO[bytes], name: str | bytes) -> ImageFile:
    from pillow_heif import HeifImageFile  # noqa: PLC0415 - it takes 0.1 s, and few pictures need it

    _check_items(file)
    return HeifImageFile(file, name)  # type: ignore[no-untyped-call]


def _open_avif(file: IO[bytes], name: str | bytes) -> ImageFile:
    from PIL.AvifImagePlugin import AvifImageFile  # noqa: PLC0415 - few pictures need it

    _check_items(file)
    return AvifImageFile(file, name)


def _check_items(file: IO[bytes]) -> None:
    if largest_heif_picture(file) > MAX_PIXELS:
        raise Image.DecompressionBombError("a picture in the file is too large")
    file.seek(0)


Image.register_open(_OUR_AVIF, _open_avif, _is_avif)
Image.register_open(_OUR_HEIF, _open_heif, _is_heif)


def is_image(path: Path) -> bool:
    """Whether a file is a still image, by its suffix and, if it may be animated, by its content."""
    suffix = path.suffix.lower()
    if suffix not in _MAY_BE_ANIMATED or not path.is_file():
        return suffix in READ_SUFFIXES
    # If Pillow fails on a damaged file, decoding it reports the error.
    with contextlib.suppress(Exception), Image.open(path, formats=READ_FORMATS) as picture:
        return not getattr(picture, "is_animated", False)
    return suffix in READ_SUFFIXES


def may_be_transparent(path: Path) -> bool:
    """Whether an image's header announces transparency."""
    # If Pillow fails on a damaged file, decoding it reports the error.
    with contextlib.suppress(Exception), Image.open(path, formats=READ_FORMATS) as picture:
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


def stem_of(source: Path) -> str:
    """Name of a source without its suffix or number."""
    if source.is_dir():
        return source.name or source.resolve().name
    return name_of_sequence(source) if is_sequence(source) else source.stem


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


def write_image(
    path: Path,
    suffix: str,
    pixels: NDArray[np.uint8],
    alpha: NDArray[np.uint8] | None,
    icc_profile: bytes | None = None,
    metadata: ImageMetadata | None = None,
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
    metadata : ImageMetadata, optional
        Resolution and EXIF data; what the format does not hold is ignored.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    import imageio.v3 as iio  # noqa: PLC0415 - the import takes as long as a video's first frame

    picture = pixels if pixels.ndim == 2 else pixels[..., ::-1]
    if alpha is not None and pixels.ndim == 3 and suffix not in OPAQUE_IMAGE_SUFFIXES:
        picture = np.dstack([picture, alpha])
    options = dict(_WRITER_OPTIONS[suffix])
    if icc_profile is not None and pixels.ndim == 3 and holds_profile(suffix, icc_profile):
        options["icc_profile"] = icc_profile
    exif = None
    if metadata is not None:
        exif = metadata.exif_with_resolution if suffix == ".webp" else metadata.exif
        if metadata.dots_per_inch is not None:
            options["dpi"] = metadata.dots_per_inch
    if exif is not None and not holds_exif(suffix, exif):
        exif = None
    is_tiff = suffix in _TIFF_SUFFIXES
    if exif is not None and not is_tiff:
        options["exif"] = _EXIF_HEAD + exif
    # Write the file here: after a failed write, imageio retries and prints an error at clean-up.
    data = iio.imwrite("<bytes>", picture, extension=suffix, plugin="pillow", **options)
    path.write_bytes(add_to_tiff(data, exif) if exif is not None and is_tiff else data)


def write_frame(path: Path, suffix: str, frame: Frame) -> None:
    """Write a frame as an image; see `write_image`."""
    pixels = frame.pixels if frame.layout == "gray8" else frame.bgr
    profile = frame.encoding.icc_profile
    write_image(path, suffix, pixels, frame.alpha, profile, frame.metadata)


def rgb_profile(picture: Image.Image) -> bytes | None:
    """ICC profile of an image if it is an RGB profile, since images are read as RGB."""
    profile = picture.info.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None


def metadata_of(picture: ImageFile, file: BinaryIO, *, is_turned: bool) -> ImageMetadata | None:
    """Resolution and EXIF data of a picture for its upright form; None if it has neither."""
    exif, stored = None, picture.info.get("exif")
    with contextlib.suppress(ValueError):
        if picture.format == "TIFF":
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as whole:
                exif = kept_exif(whole)
        elif isinstance(stored, bytes):
            exif = kept_exif(stored.removeprefix(_EXIF_HEAD))
    resolution = _dots_per_inch(picture)
    if exif is None and resolution is None:
        return None
    return ImageMetadata(resolution[::-1] if resolution and is_turned else resolution, exif)


def _dots_per_inch(picture: ImageFile) -> tuple[float, float] | None:
    with contextlib.suppress(Exception):
        found: Any = picture.info.get("dpi")
        if found is None:
            exif, base = picture.getexif(), ExifTags.Base
            scale = _TO_INCHES[exif[base.ResolutionUnit]]
            found = exif[base.XResolution] * scale, exif[base.YResolution] * scale
        across, down = map(float, found)
        # Pillow gives 1 for a TIFF that tells none, and JPEG holds no more.
        if 1 < across <= _MOST_DOTS and 1 < down <= _MOST_DOTS:
            return across, down
    return None


def holds_profile(suffix: str, icc_profile: bytes) -> bool:
    """Whether a file with this suffix can embed this profile."""
    return suffix in _HOLDING_SUFFIXES and len(icc_profile) <= _LARGEST


def holds_exif(suffix: str, exif: bytes) -> bool:
    """Whether a file with this suffix can hold this EXIF data."""
    largest = _LARGEST_IN_JPEG if suffix in LOSSY_IMAGE_SUFFIXES else math.inf
    return suffix in _HOLDING_SUFFIXES and len(exif) <= largest


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
