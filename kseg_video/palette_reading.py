"""Palettes read from files.

======  ============================================================================================
suffix  contents
======  ============================================================================================
.json   what ``kseg-video palette`` writes or ``convert --json`` prints, a snapshot's palette, or a
        list of hex colours
.gpl    GIMP's palette, which Inkscape, Krita and others write
.hex    one colour a line, ``rrggbb``
======  ============================================================================================
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from kseg_video.errors import SettingsError, SourceError
from kseg_video.setting_checks import PATH, take
from kseg_video.settings import MAX_CLUSTERS, ColorSpace

if TYPE_CHECKING:
    from collections.abc import Callable

_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_GIMP_COLOR = re.compile(r"\s*(\d+)\s+(\d+)\s+(\d+)(?:\s.*)?")


def load_palette(path: str | Path) -> tuple[str, ...]:
    """Read the colours of a palette.

    Parameters
    ----------
    path : str or Path
        A ``.json``, ``.gpl`` or ``.hex`` file.

    Returns
    -------
    tuple of str
        As ``#rrggbb``, in the file's order, 1 to 32 of them.

    Raises
    ------
    SettingsError
        If the suffix is unknown.
    SourceError
        If it cannot be read or holds none, or too many colours.
    """
    path = take("the palette's file", path, PATH)
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise SettingsError(
            f"{path} cannot be read as a palette; choose one of {', '.join(_READERS)}"
        )
    try:
        colors = _READERS[suffix](path.read_text("utf-8-sig"))
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); check the name") from error
    except (ValueError, TypeError) as error:
        raise SourceError(
            f"{path} is no palette that can be read ({error}); make one with: kseg-video palette"
        ) from error
    if not 1 <= len(colors) <= MAX_CLUSTERS:
        raise SourceError(
            f"{path} holds {len(colors)} colours; a palette has 1 to {MAX_CLUSTERS} of them"
        )
    return tuple(colors)


def load_color_space(path: str | Path) -> ColorSpace | None:
    """The working space that a palette says it was fitted in; None where it does not.

    Parameters
    ----------
    path : str or Path
        A file that `load_palette` reads.
    """
    path = Path(path)
    data = json.loads(path.read_text("utf-8-sig")) if path.suffix.lower() == ".json" else None
    named = data.get("color_space") if isinstance(data, dict) else None
    return cast("ColorSpace", named) if named in get_args(ColorSpace) else None


def _from_json(text: str) -> list[str]:
    data = json.loads(text)
    rows = data.get("palette") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise TypeError("it holds no list of colours")
    several = sum(isinstance(row, dict) and "palette" in row for row in rows)
    if several:
        palettes = "1 palette" if several == 1 else f"{several} palettes"
        raise ValueError(f"it holds {palettes} in a list; leave one alone in it")
    # What convert prints has rows for clusters that were not found, too.
    return [
        _as_hex(row.get("hex") if isinstance(row, dict) else row)
        for row in rows
        if not isinstance(row, dict) or row.get("real", True)
    ]


def _from_gimp(text: str) -> list[str]:
    first, *lines = text.splitlines() or [""]
    if first.strip() != "GIMP Palette":
        raise ValueError("its first line is not: GIMP Palette")
    colors = []
    for line in lines:
        if not line.strip() or line.startswith(("#", "Name:", "Columns:", "Channels:")):
            continue
        found = _GIMP_COLOR.fullmatch(line)
        levels = [int(level) for level in found.groups()] if found else [256]
        if max(levels) > 255:
            raise ValueError(f"{line.strip()!r} is no colour")
        colors.append("#{:02x}{:02x}{:02x}".format(*levels))
    return colors


def _from_hex(text: str) -> list[str]:
    return [_as_hex(line.strip()) for line in text.splitlines() if line.strip()]


def _as_hex(text: object) -> str:
    found = _HEX.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{text!r} is no colour such as #2b6cb0")
    return f"#{found[1].lower()}"


_READERS: dict[str, Callable[[str], list[str]]] = {
    ".json": _from_json,
    ".gpl": _from_gimp,
    ".hex": _from_hex,
}
