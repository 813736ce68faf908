"""A contact sheet: segmented frames with the clusters' numbers, beside the palette."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kseg_video.core.palette import hex_colors
from kseg_video.rendering.color_names import color_names
from kseg_video.rendering.number_marks import number_marks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from kseg_video.conversion.sheet_frames import SheetFrame
    from kseg_video.core.palette import Palette

_MARGIN, _GAP = 32, 20
_TITLE, _CAPTION = 52, 30  # heights of these lines
_TITLE_SIZE, _CAPTION_SIZE, _ROW_SIZE = 24, 17, 20
_LEAST_ROW, _MOST_ROW = 34, 64  # height of a row of the palette
_ROW_GAP = 6
_COLUMN, _SWATCH_X, _HEX_X, _NAME_X, _SHARE_X = 430, 40, 164, 264, 410
_SWATCH = 108
_SHAPE = 1.6  # width over height that a sheet comes near to
_SMALLEST, _LARGEST = 16, 40  # text height of the numbers on the pictures
_STROKE = 8  # text heights of a number in the width of its outline
_INK, _FAINT, _PAPER = (24,) * 3, (110,) * 3, (255,) * 3
_BLACK, _WHITE = (0,) * 3, (255,) * 3
_LIGHT = 140  # luma from which a colour takes black letters
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class _Layout:
    """Sizes of a sheet: columns of pictures and of the palette, and the height of its rows."""

    across: int
    down: int
    columns: int
    rows: int
    row_height: int
    width: int
    height: int


def draw_contact_sheet(
    title: str, frames: Sequence[SheetFrame], palette: Palette
) -> NDArray[np.uint8]:
    """Draw a contact sheet.

    Parameters
    ----------
    title : str
    frames : sequence of SheetFrame
        In order; a single image is drawn beside its source.
    palette : Palette
        The mean colours and shares of the clusters. A cluster whose colour changes has a swatch
        with its colour in each frame.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        BGR.
    """
    pictures = [(_numbered(frame), _time_in_words(frame.time)) for frame in frames]
    if (source := frames[0].source) is not None:
        pictures = [(Image.fromarray(source[..., ::-1]), "source"), (pictures[0][0], "segmented")]
    picture = pictures[0][0]
    real = np.flatnonzero(palette.real).tolist()
    layout = _layout(picture.width, picture.height, len(pictures), len(real))
    sheet = Image.new("RGB", (layout.width, layout.height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    name = _shortened(title, layout.width - 2 * _MARGIN)
    draw.text((_MARGIN, _MARGIN), name, _INK, _font(_TITLE_SIZE), anchor="lt")
    top = _MARGIN + _TITLE
    for place, (tile, caption) in enumerate(pictures):
        x = _MARGIN + place % layout.across * (picture.width + _GAP)
        y = top + place // layout.across * (picture.height + _CAPTION + _GAP)
        sheet.paste(tile, (x, y))
        caption_at = x, y + picture.height + _CAPTION // 2 + 2
        draw.text(caption_at, caption, _FAINT, _font(_CAPTION_SIZE), anchor="lm")
    left = _MARGIN + layout.across * (picture.width + _GAP) + _GAP
    colors = [hex_colors(frame.colors) for frame in frames]
    for place, number in enumerate(real):
        row_left = left + place // layout.rows * _COLUMN
        row_top = top + place % layout.rows * layout.row_height
        own = [of_frame[number] for of_frame in colors]
        _draw_row(draw, (row_left, row_top), layout.row_height, palette, number, own)
    return np.ascontiguousarray(np.asarray(sheet)[..., ::-1])


def _layout(width: int, height: int, pictures: int, clusters: int) -> _Layout:
    """Sizes of a sheet of pictures of that size, as near to `_SHAPE` as can be."""

    def sized(across: int) -> _Layout:
        down = math.ceil(pictures / across)
        grid = down * (height + _CAPTION + _GAP) - _GAP
        columns = math.ceil(clusters / max(grid // _LEAST_ROW, min(clusters, 12)))
        rows = math.ceil(clusters / columns)
        row_height = min(max(grid // rows, _LEAST_ROW), _MOST_ROW)
        return _Layout(
            *(across, down, columns, rows, row_height),
            width=2 * _MARGIN + across * (width + _GAP) + _GAP + columns * _COLUMN,
            height=2 * _MARGIN + _TITLE + max(grid, rows * row_height),
        )

    every = [sized(across) for across in range(1, pictures + 1)]
    return min(every, key=lambda one: _away_from_shape(one, pictures))


def _away_from_shape(layout: _Layout, pictures: int) -> float:
    holes = layout.across * layout.down - pictures
    return abs(math.log(layout.width / layout.height / _SHAPE)) + holes / pictures


def _shortened(title: str, width: int) -> str:
    """A title that is no wider than that, cut in its middle."""
    font, cut = _font(_TITLE_SIZE), title
    for kept in range(len(title) // 2, 0, -1):
        if font.getlength(cut) <= width:
            break
        cut = f"{title[:kept]}…{title[-kept:]}"
    return cut


def _numbered(frame: SheetFrame) -> Image.Image:
    """A segmented frame with the clusters' numbers on their regions."""
    picture = Image.fromarray(frame.segmented[..., ::-1])
    draw = ImageDraw.Draw(picture)
    for mark in number_marks(frame.labels, _SMALLEST, _LARGEST):
        ink, outline = _letters_on(frame.colors[mark.number])
        draw.text(
            (mark.x, mark.y),
            str(mark.number),
            ink,
            _font(mark.height),
            anchor="mm",
            stroke_width=max(mark.height // _STROKE, 2),
            stroke_fill=outline,
        )
    return picture


def _letters_on(color: NDArray[np.uint8]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Colours of letters on a BGR colour and of their outline."""
    is_light = float(color @ (0.114, 0.587, 0.299)) >= _LIGHT
    return (_BLACK, _WHITE) if is_light else (_WHITE, _BLACK)


def _draw_row(
    draw: ImageDraw.ImageDraw,
    corner: tuple[int, int],
    height: int,
    palette: Palette,
    number: int,
    colors: Sequence[str],
) -> None:
    """Draw a cluster's number, its colour in each frame, and its mean colour, name and share."""
    left, top = corner
    middle, font = top + height / 2, _font(_ROW_SIZE)
    ends = np.linspace(0, _SWATCH, len(colors) + 1).round().astype(int).tolist()
    for color, begin, end in zip(colors, ends, ends[1:], strict=False):
        box = left + _SWATCH_X + begin, top, left + _SWATCH_X + end - 1, top + height - _ROW_GAP
        draw.rectangle(box, color)
    middle -= _ROW_GAP / 2
    for x, text, ink, anchor in (
        (_SWATCH_X - 12, str(number), _INK, "rm"),
        (_HEX_X, hex_colors(palette.colors)[number], _INK, "lm"),
        (_NAME_X, color_names(palette.colors)[number], _FAINT, "lm"),
        (_SHARE_X, f"{palette.shares[number]:.1%}", _INK, "rm"),
    ):
        draw.text((left + x, middle), text, ink, font, anchor=anchor)


def _time_in_words(seconds: float) -> str:
    return f"{seconds // _MINUTE:.0f}:{seconds % _MINUTE:04.1f}"


@lru_cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
