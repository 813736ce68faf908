"""Reading palettes from files.

======  ============================================================================================
suffix  contents
======  ============================================================================================
.json   what ``kseg-video palette`` writes or ``convert --json`` prints, a snapshot's palette, or a
        list of hex colours
.gpl    a GIMP palette, which Inkscape, Krita and others write
.hex    one colour per line, ``rrggbb``
======  ============================================================================================
"""

from __future__ import annotations

import json
import re
import reprlib
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from kseg_video.core.errors import SettingsError, SourceError, cannot_read
from kseg_video.core.setting_checks import PATH, take
from kseg_video.core.settings import MAX_CLUSTERS, ColorSpace
from kseg_video.reading.input_file_checks import check_is_regular

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_BYTES = 1 << 23  # more than convert --json prints for a long film
_HEX = re.compile(r"#?([0-9a-fA-F]{6})")
_GIMP_COLOR = re.compile(r"\s*(\d{1,3})\s+(\d{1,3})\s+(\d{1,3})(?:\s.*)?")


def load_palette(path: str | Path) -> tuple[str, ...]:
    """Read the colours of a palette.

    Parameters
    ----------
    path : str or Path
        A ``.json``, ``.gpl`` or ``.hex`` file. The suffix tells the format.

    Returns
    -------
    tuple of str
        1 to 32 colours as ``#rrggbb``, in the file's order, for `SegmenterSettings.palette`.

    Raises
    ------
    SettingsError
        If the suffix is unknown.
    SourceError
        If the file cannot be read, or holds no or too many colours.
    """
    path = take("the palette's file", path, PATH)
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise SettingsError(
            f"{path} cannot be read as a palette; choose one of {', '.join(_READERS)}"
        )
    try:
        colors = _READERS[suffix](_text(path))
    except OSError as error:
        why = f"cannot be read ({error.strerror}); check the name"
        raise cannot_read(path, error, why) from error
    except RecursionError as error:
        raise _unreadable(path, "it is nested too deeply") from error
    except (ValueError, TypeError) as error:
        raise _unreadable(path, error) from error
    if not 1 <= len(colors) <= MAX_CLUSTERS:
        raise SourceError(
            f"{path} holds {len(colors)} colours; a palette has 1 to {MAX_CLUSTERS} of them"
        )
    return tuple(colors)


def load_color_space(path: str | Path) -> ColorSpace | None:
    """Read the working space in which a palette was fitted; None if the file does not say.

    Parameters
    ----------
    path : str or Path
        A file that `load_palette` reads.
    """
    path = Path(path)
    data = _parsed(_text(path)) if path.suffix.lower() == ".json" else None
    named = data.get("color_space") if isinstance(data, dict) else None
    return cast("ColorSpace", named) if named in get_args(ColorSpace) else None


def _unreadable(path: Path, why: object) -> SourceError:
    return SourceError(
        f"{path} is no palette that can be read ({why}); make one with: kseg-video palette"
    )


def _text(path: Path) -> str:
    """Read a text file of at most `_MOST_BYTES`."""
    check_is_regular(path)
    with path.open("rb") as file:
        data = file.read(_MOST_BYTES + 1)
    if len(data) > _MOST_BYTES:
        raise ValueError(f"it has more than {_MOST_BYTES >> 20} MiB")
    return data.decode("utf-8-sig")


def _parsed(text: str) -> object:
    """Parse JSON; integers of 20 or more digits become floats, since Python limits their length."""
    return json.loads(
        text, parse_int=lambda digits: int(digits) if len(digits) < 20 else float(digits)
    )


def _from_json(text: str) -> list[str]:
    data = _parsed(text)
    rows = data.get("palette") if isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise TypeError("it holds no list of colours")
    several = sum(isinstance(row, dict) and "palette" in row for row in rows)
    if several:
        palettes = "1 palette" if several == 1 else f"{several} palettes"
        raise ValueError(f"it holds {palettes} in a list; leave one alone in it")
    # The output of convert --json also lists clusters that were not found.
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
            raise ValueError(f"{reprlib.repr(line.strip())} is no colour")
        colors.append("#{:02x}{:02x}{:02x}".format(*levels))
    return colors


def _from_hex(text: str) -> list[str]:
    return [_as_hex(line.strip()) for line in text.splitlines() if line.strip()]


def _as_hex(text: object) -> str:
    found = _HEX.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError(f"{reprlib.repr(text)} is no colour such as #2b6cb0")
    return f"#{found[1].lower()}"


_READERS: dict[str, Callable[[str], list[str]]] = {
    ".json": _from_json,
    ".gpl": _from_gimp,
    ".hex": _from_hex,
}
