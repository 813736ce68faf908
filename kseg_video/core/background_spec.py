"""Parsing of the background shown in place of switched-off clusters."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from kseg_video.core.errors import SettingsError

BackgroundKind: TypeAlias = Literal["color", "gray", "blur", "pixelate", "transparent", "picture"]
RgbColor: TypeAlias = "tuple[int, int, int]"  # red, green, blue

_HEX_COLOR = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)
_AMOUNT = re.compile(r"(blur|pixelate)(?::(.*))?")
_MOST_PIXELS = 1000  # of a blur's radius or a block's side
_FEW_DIGITS = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class BackgroundSpec:
    """The background shown in place of switched-off clusters.

    Parameters
    ----------
    kind : {"color", "gray", "blur", "pixelate", "transparent", "picture"}
        A flat colour; the source in gray, blurred or in blocks; alpha 0; or a picture that is
        passed with each frame.
    color : tuple of int
        Red, green and blue of a flat colour, 0 to 255.
    pixels : int, optional
        Standard deviation of the Gaussian blur or side of the blocks, in pixels: more hides more
        detail. None scales with the picture's height.
    """

    kind: BackgroundKind
    color: RgbColor = (0, 0, 0)
    pixels: int | None = None


_SIMPLE = {
    "black": BackgroundSpec("color"),
    "gray": BackgroundSpec("gray"),
    "grey": BackgroundSpec("gray"),
    "transparent": BackgroundSpec("transparent"),
    "picture": BackgroundSpec("picture"),
}


@lru_cache
def parse_background(text: str | Path) -> BackgroundSpec:
    """Parse a background such as ``black``, ``#2b6cb0`` or ``blur:20``; a Path is a picture.

    Raises
    ------
    SettingsError
        If the text is no background.
    """
    if isinstance(text, Path):
        return BackgroundSpec("picture")
    if text in _SIMPLE:
        return _SIMPLE[text]
    found = _AMOUNT.fullmatch(text)
    if found is None:
        if Path(text).suffix or Path(text).name != text:
            raise SettingsError(f"{text!r} is no background; give a file as a Path")
        return BackgroundSpec("color", parse_color(text))
    kind: BackgroundKind = "blur" if found[1] == "blur" else "pixelate"
    if found[2] is None:
        return BackgroundSpec(kind)
    if not _FEW_DIGITS.fullmatch(found[2]) or not 1 <= int(found[2]) <= _MOST_PIXELS:
        raise SettingsError(
            f"{text} is no background; give pixels from 1 to {_MOST_PIXELS}, as in {kind}:20"
        )
    return BackgroundSpec(kind, pixels=int(found[2]))


@lru_cache
def parse_color(text: str) -> RgbColor:
    """Parse ``#rrggbb``, ``#rgb`` or a CSS colour name to red, green and blue.

    Raises
    ------
    SettingsError
        If the text is no colour.
    """
    from PIL import ImageColor  # noqa: PLC0415 - loaded only when a colour is named

    if _HEX_COLOR.fullmatch(text) or text.lower() in ImageColor.colormap:
        red, green, blue = ImageColor.getrgb(text)[:3]
        return red, green, blue
    similar = difflib.get_close_matches(text.lower(), ImageColor.colormap, 1)
    hint = f"did you mean {similar[0]}?" if similar else "give a CSS name such as green"
    raise SettingsError(f"{text!r} is no colour; {hint} (or write it as #2b6cb0)")
