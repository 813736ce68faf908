"""Colours of a terminal, and palettes in them.

They are true colours, or the nearest of the 256 that older terminals have: after the user's own 16,
a cube of 6x6x6 colours and 24 grays.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from rich.console import Console

    from kseg_video.core.palette import Palette

_CUBE = np.array((0, 95, 135, 175, 215, 255))
_GRAYS = 8 + 10 * np.arange(24)
_FIRST_OF_CUBE, _FIRST_GRAY = 16, 232
_BAR_CELLS = 24
_GAP = 2  # cells between columns of a palette
_HIGH = 8  # rows of a palette from which on another column is begun, if it fits
# Draws a cluster, given the palette, its number, its colour's style, and whether it is off.
Swatch: TypeAlias = "Callable[[Palette, int, Style, bool], Text]"


def has_true_color(console: Console) -> bool:
    """Whether a console shows all colours."""
    return console.color_system == "truecolor"


def nearest_256(rgb: NDArray[np.int_]) -> NDArray[np.int_]:
    """Numbers of the nearest of the 256 colours.

    Parameters
    ----------
    rgb : ndarray of int, shape (..., 3)
        0 to 255.
    """
    digits = np.abs(rgb[..., np.newaxis] - _CUBE).argmin(axis=-1)
    gray = np.abs(rgb.mean(axis=-1, keepdims=True) - _GRAYS).argmin(axis=-1)
    from_cube = np.square(rgb - _CUBE[digits]).sum(axis=-1)
    from_gray = np.square(rgb - _GRAYS[gray][..., np.newaxis]).sum(axis=-1)
    in_cube = _FIRST_OF_CUBE + digits @ (36, 6, 1)
    numbers: NDArray[np.int_] = np.where(from_gray < from_cube, _FIRST_GRAY + gray, in_cube)
    return numbers


@lru_cache(maxsize=1 << 14)
def style(
    color: tuple[int, ...] | int | None, background: tuple[int, ...] | int | None = None
) -> Style:
    """Style of two colours, each RGB, or a number of the 256, or none."""
    return Style(color=_color(color), bgcolor=_color(background))


def _color(color: tuple[int, ...] | int | None) -> Color | None:
    if color is None:
        return None
    return Color.from_ansi(color) if isinstance(color, int) else Color.from_rgb(*color)


def color_styles(console: Console, palette: Palette, *, background: bool = False) -> list[Style]:
    """Style of each of a palette's colours, as the text's colour or its background."""
    rgb = palette.colors[:, ::-1].astype(int)
    shown = rgb.tolist() if has_true_color(console) else nearest_256(rgb).tolist()
    colors = [tuple(color) if isinstance(color, list) else color for color in shown]
    return [style(None, color) if background else style(color) for color in colors]


def color_style(console: Console, color: str) -> Style:
    """Style of a colour, ``#rrggbb``, as the background."""
    rgb = tuple(bytes.fromhex(color[1:]))
    return style(None, rgb if has_true_color(console) else int(nearest_256(np.array(rgb))))


def palette_rows(
    console: Console,
    palette: Palette,
    disabled: frozenset[int],
    forms: Sequence[Swatch],
    columns: int,
    rows: int,
) -> list[Text]:
    """Lay a palette out in columns.

    Parameters
    ----------
    console : rich.console.Console
    palette : Palette
    disabled : frozenset of int
        Clusters that are off.
    forms : sequence of callable
        Ways to draw a cluster, from the richest on; the first in which all fit is taken.
    columns, rows : int
        Available cells.
    """
    styles = color_styles(console, palette)
    count = len(styles)
    for form in forms:
        cells = [
            form(palette, number, styles[number], number in disabled) for number in range(count)
        ]
        width = max(cell.cell_len for cell in cells) + _GAP
        beside = max((columns + _GAP) // width, 1)
        if math.ceil(count / beside) <= rows:
            break
    used = min(beside, math.ceil(count / min(_HIGH, max(rows, 1))))
    down = math.ceil(count / used)
    for cell in cells:
        cell.pad_right(width - cell.cell_len)
    return [Text().join(cells[row::down]) for row in range(down)]


def bar(palette: Palette, number: int, color: Style, off: bool) -> Text:
    """A cluster as a bar as long as its share."""
    cells = max(round(palette.shares[number] * _BAR_CELLS), 1)
    return _figures(palette, number, (f"{'█' * cells:<{_BAR_CELLS}}", color), off)


def swatch(palette: Palette, number: int, color: Style, off: bool) -> Text:
    """A cluster as its colour with all figures."""
    return _figures(palette, number, ("██", color), off)


def share(palette: Palette, number: int, color: Style, off: bool) -> Text:
    """A cluster as its colour, number and share."""
    told = f" {number} {palette.shares[number]:.0%}"
    return Text.assemble(("██", color), (told, "strike dim" if off else ""))


def only_number(_palette: Palette, number: int, color: Style, off: bool) -> Text:
    """A cluster as its colour and number."""
    return Text.assemble(("██", color), (f" {number}", "strike dim" if off else ""))


def _figures(palette: Palette, number: int, drawn: tuple[str, Style], off: bool) -> Text:
    return Text.assemble(
        (f"{number:2d} ", "strike dim" if off else "bold"),
        drawn,
        (
            f" {palette.hex_colors[number]} {palette.shares[number]:6.1%}",
            "strike dim" if off else "",
        ),
    )
