"""Where outputs may go: checks of names, and the name if the user gives none."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from kseg_video.containers import CONTAINERS, HIGHEST_CRF, LOSSLESS_SUFFIX
from kseg_video.errors import SettingsError, SinkError
from kseg_video.stills import (
    LOSSY_STILL_SUFFIXES,
    STILL_SUFFIXES,
    is_sequence,
    name_of_sequence,
)

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.settings import EncoderSettings


def check_output(path: Path, encoder: EncoderSettings) -> None:
    """Check what the output's name alone tells.

    Raises
    ------
    SettingsError
        If the suffix is unknown or does not go with the settings.
    """
    suffix = path.suffix.lower()
    if suffix in STILL_SUFFIXES:
        return
    container = CONTAINERS.get(suffix)
    if container is None:
        known = ", ".join(sorted([*CONTAINERS, *STILL_SUFFIXES]))
        raise SettingsError(f"{path.name} has no known suffix; choose one of {known}")
    if encoder.lossless:
        if suffix != LOSSLESS_SUFFIX:
            raise SettingsError(f"lossless output needs {LOSSLESS_SUFFIX}, not {suffix}")
        return
    codec = encoder.codec or container.codecs[0]
    if codec not in container.codecs:
        raise SettingsError(
            f"{suffix} takes {' or '.join(container.codecs)}, not {codec}; change one of the two"
        )
    if encoder.crf is not None and encoder.crf > HIGHEST_CRF[codec]:
        raise SettingsError(f"{codec} takes a rate factor of at most {HIGHEST_CRF[codec]}")
    if encoder.preset and codec != "h264":
        raise SettingsError(f"presets belong to h264, not {codec}; leave the preset out")


def check_target(path: Path, encoder: EncoderSettings) -> None:
    """Check that a file may be made where the output shall be.

    Raises
    ------
    SinkError
        If it exists without leave to overwrite, is no plain file, or its folder is not writable.
    """
    if path.exists():
        if not path.is_file():
            raise SinkError(f"{path} is not a plain file; choose another output")
        if not encoder.overwrite:
            raise SinkError(f"{path} exists; choose another output or pass --overwrite")
    folder = path.parent
    if not folder.is_dir():
        raise SinkError(f"the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SinkError(f"the folder {folder} is not writable; choose another output")


def default_output(source: Path, folder: Path | None = None, *, lossless: bool = False) -> Path:
    """Where the picture of a source goes if the user does not say.

    Parameters
    ----------
    source : Path
    folder : Path, optional
        Folder of the output; the source's own by default.
    lossless : bool
        Whether a video is written lossless.

    Returns
    -------
    Path
        The source's name with ``.segmented`` before its suffix, which is changed where it cannot
        be written or would not hold exact colours.
    """
    suffix = source.suffix.lower()
    if source.is_dir():
        stem, suffix = source.name or source.resolve().name, ""
    elif is_sequence(source):
        stem, suffix = name_of_sequence(source), ""
    else:
        stem = source.stem
    if suffix in STILL_SUFFIXES:
        suffix = ".png" if suffix in LOSSY_STILL_SUFFIXES else suffix
    elif lossless:
        suffix = LOSSLESS_SUFFIX
    elif suffix not in CONTAINERS:
        suffix = ".mp4"
    return (source.parent if folder is None else folder) / f"{stem}.segmented{suffix}"
