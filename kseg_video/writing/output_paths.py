"""Checks of output paths, and the default output name.

Inputs and outputs are compared as files, so that links and letter case hide no clash.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from kseg_video.core.errors import SettingsError, SinkError
from kseg_video.reading.image_files import (
    IMAGE_SUFFIXES,
    LOSSY_IMAGE_SUFFIXES,
    OPAQUE_IMAGE_SUFFIXES,
    READ_SUFFIXES,
    has_too_long_names,
    is_image,
    is_sequence,
    number_in,
    numbered_files,
    stem_of,
)
from kseg_video.writing.atomic_file import check_is_plain, check_replaceable, may, real_path
from kseg_video.writing.containers import CONTAINERS, LOSSLESS_SUFFIX
from kseg_video.writing.video_encoders import check_quality

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from kseg_video.core.media_settings import EncoderSettings

ANIMATION_SUFFIX = ".gif"
ARCHIVE_SUFFIX = ".npz"
_PLAIN_SUFFIXES = frozenset({ANIMATION_SUFFIX, ARCHIVE_SUFFIX})
_TRANSPARENT_SUFFIXES = (".webm", ".mov", ".mkv", ".gif", ".webp", ".png", ".tif")

_IGNORES_CASE = sys.platform in {"win32", "darwin"}


def check_output(path: Path, encoder: EncoderSettings, *, transparent: bool = False) -> None:
    """Check an output's suffix against the settings, without touching any file.

    Parameters
    ----------
    path : Path
    encoder : EncoderSettings
    transparent : bool
        Whether the output has to hold alpha.

    Raises
    ------
    SettingsError
        If the suffix is unknown or does not go with the settings.
    """
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        opaque = suffix in OPAQUE_IMAGE_SUFFIXES
    elif suffix in _PLAIN_SUFFIXES:
        _check_plain(suffix, encoder)
        opaque = suffix == ARCHIVE_SUFFIX
    elif suffix in CONTAINERS:
        _check_codec(suffix, encoder)
        container = CONTAINERS[suffix]
        codec = container.codec(encoder, alpha=transparent)
        opaque = not encoder.lossless and codec not in container.alpha_codecs
        if opaque and transparent and container.alpha_codecs:
            raise SettingsError(
                f"{codec} holds no transparency; {suffix} takes it as {container.alpha_codecs[0]}"
            )
    else:
        known = ", ".join(sorted({*CONTAINERS, *IMAGE_SUFFIXES, *_PLAIN_SUFFIXES}))
        folder = "" if suffix else f", or write {path.name}/ if it is a folder"
        raise SettingsError(f"{path.name} has no known suffix; choose one of {known}{folder}")
    if opaque and transparent:
        raise SettingsError(
            f"{suffix} holds no transparency; choose one of {', '.join(_TRANSPARENT_SUFFIXES)}"
        )


def _check_plain(suffix: str, encoder: EncoderSettings) -> None:
    """Check that no encoder setting is given for a format that has none."""
    if encoder.lossless:
        raise SettingsError(f"lossless output needs {LOSSLESS_SUFFIX}, not {suffix}")
    given = encoder.codec or encoder.preset or encoder.crf is not None
    if given or encoder.device not in {"software", "auto"}:
        raise SettingsError(
            f"{suffix} takes no codec, rate factor, preset or encoder; leave them out"
        )


def _check_codec(suffix: str, encoder: EncoderSettings) -> None:
    if encoder.lossless:
        if suffix != LOSSLESS_SUFFIX:
            raise SettingsError(f"lossless output needs {LOSSLESS_SUFFIX}, not {suffix}")
        return
    codecs = CONTAINERS[suffix].codecs
    codec = encoder.codec or codecs[0]
    if codec not in codecs:
        raise SettingsError(
            f"{suffix} takes {' or '.join(codecs)}, not {codec}; change one of the two"
        )
    check_quality(codec, encoder)


def check_target(path: Path, encoder: EncoderSettings) -> None:
    """Check that the output file, or every file of a numbered sequence, may be created.

    Raises
    ------
    SinkError
        If a file exists and may not be overwritten, is no regular file, or its folder is not
        writable.
    """
    if not is_sequence(path):
        check_file(path, overwrite=encoder.overwrite)
        return
    check_name(path)
    check_numbers_are_apart(path)
    for image in numbered_files(path).values():
        check_replaceable(image, overwrite=encoder.overwrite)
        if image.is_symlink():
            check_folder(real_path(image).parent)
    folder = path.parent
    check_folder(folder if folder.exists() else folder.parent)


def check_file(path: Path, *, overwrite: bool) -> None:
    """Check that a file may be created.

    Raises
    ------
    SinkError
        If it exists and may not be overwritten, is no regular file, or its folder is not writable.
    """
    check_name(path)
    check_replaceable(path, overwrite=overwrite)
    check_folder(real_path(path).parent if path.is_symlink() else path.parent)


def check_name(path: Path) -> None:
    """Check that an output's name is possible for a file.

    Raises
    ------
    SinkError
        If the name is too long, or is that of a device.
    """
    if has_too_long_names(path):
        raise SinkError(f"the name {path.name} is too long; choose another output")
    if not path.is_dir():
        check_is_plain(path)


def check_folder(folder: Path) -> None:
    """Check that files can be created in a folder.

    Raises
    ------
    SinkError
        If the folder is missing or not writable.
    """
    if not folder.is_dir():
        raise SinkError(f"the folder {folder} does not exist; make it first")
    if not may(folder, os.W_OK | os.X_OK):
        raise SinkError(f"the folder {folder} is not writable; choose another output")


def default_output(source: Path, folder: Path | None = None, *, lossless: bool = False) -> Path:
    """The output path for a source if the user names none.

    Parameters
    ----------
    source : Path
    folder : Path, optional
        Folder of the output; the source's own by default.
    lossless : bool
        Whether the video is encoded losslessly.

    Returns
    -------
    Path
        The source's name with ``.segmented`` before its suffix. The suffix is changed if its format
        cannot be written or is a lossy image format.
    """
    is_one_file = not (source.is_dir() or is_sequence(source))
    suffix = source.suffix.lower() if is_one_file else ""
    if suffix in READ_SUFFIXES:
        if not is_image(source):
            suffix = ".webp"  # an animated PNG or AVIF is read, but not written
        suffix = suffix if suffix in IMAGE_SUFFIXES - LOSSY_IMAGE_SUFFIXES else ".png"
    elif lossless:
        suffix = LOSSLESS_SUFFIX
    elif suffix not in {*CONTAINERS, ANIMATION_SUFFIX}:
        suffix = ".mp4"
    return (source.parent if folder is None else folder) / f"{stem_of(source)}.segmented{suffix}"


def check_are_others(outputs: Iterable[Path], sources: Iterable[Path], kind: str = "input") -> None:
    """Check that no output is a source, or an image of a source.

    Parameters
    ----------
    outputs, sources : iterable of Path
    kind : str
        What the message calls a source.

    Raises
    ------
    SinkError
        If an output is one.
    """
    files = (file for source in sources for file in _files(source))
    taken = {_identity(file) for file in files if file.exists()}
    for output in outputs:
        if not taken.isdisjoint(map(_identity, _files(output))):
            raise SinkError(f"{output} is the {kind} itself; choose another output")


def check_are_apart(outputs: Sequence[Path]) -> None:
    """Check that no two outputs are the same file.

    Raises
    ------
    SettingsError
        If two are.
    """
    if (found := find_same(outputs)) is None:
        return
    one, other = found
    what = f"{one} is given twice" if one == other else f"{other} and {one} are one file"
    raise SettingsError(f"{what}; give each output a name of its own")


def find_same(outputs: Sequence[Path]) -> tuple[Path, Path] | None:
    """The first two outputs that are the same file, if any."""
    found: dict[tuple[object, ...], int] = {}
    for number, output in enumerate(outputs):
        for identity in map(_identity, _files(output)):
            if (other := found.setdefault(identity, number)) != number:
                return outputs[other], output
    for pattern in filter(is_sequence, outputs):
        for output in outputs:
            if output != pattern and _is_of(pattern, output):
                return pattern, output
    return None


def check_numbers_are_apart(pattern: Path) -> None:
    """Check that no link makes two numbers of a sequence the same file.

    Raises
    ------
    SinkError
        If two are.
    """
    places = set()
    for _, image in sorted(numbered_files(pattern).items()):
        place = real_path(image)
        if place in places or (image.is_symlink() and _is_of(pattern, image)):
            raise SinkError(
                f"{image} leads to another file of {pattern.name}; remove it, or choose another "
                "output"
            )
        places.add(place)


def _is_of(pattern: Path, path: Path) -> bool:
    """Whether a path leads to a file of a sequence, existing or not."""
    place = real_path(path)
    return place.parent == real_path(pattern.parent) and number_in(place.name, pattern.name) >= 0


def _files(path: Path) -> list[Path]:
    """The files that a path stands for: itself, or those of a folder or sequence."""
    try:
        if path.is_dir():
            return list(path.iterdir())
        return [path, *numbered_files(path).values()] if is_sequence(path) else [path]
    except OSError:  # an impossible name, which other checks report
        return []


def _identity(path: Path) -> tuple[object, ...]:
    place = real_path(path)
    if place.exists():
        status = place.stat()
        return status.st_dev, status.st_ino
    return place.parent, place.name.casefold() if _IGNORES_CASE else place.name
