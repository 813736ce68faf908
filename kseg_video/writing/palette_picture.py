"""A palette as a picture: a strip of its shares, and a swatch with figures for each cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.palette import Palette

_MARGIN, _STRIP, _ROW, _WIDTH = 32, 96, 72, 960
_TEXT_SIZE = 26
_NUMBER_X, _SWATCH_X, _SWATCH_WIDTH = 32, 80, 150
FIGURES = ("hex", "RGB", "Lab", "share")
_FIGURES_X = (254, 384, 574, 834)
_INK, _FAINT, _OUTLINE, _PAPER = (24,) * 3, (110,) * 3, (200,) * 3, (255,) * 3


def draw_swatches(palette: Palette) -> NDArray[np.uint8]:
    """Draw the real clusters of a palette.

    Returns
    -------
    ndarray of uint8, shape (H, 960, 3)
        BGR.
    """
    count = palette.n_real
    height = 2 * _MARGIN + _STRIP + (count + 1) * _ROW
    picture = Image.new("RGB", (_WIDTH, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_TEXT_SIZE)
    _draw_strip(draw, palette)
    top = _MARGIN + _STRIP
    for title, left in zip(FIGURES, _FIGURES_X, strict=True):
        draw.text((left, top + _ROW / 2), title, _FAINT, font, anchor="lm")
    for number in range(count):
        top += _ROW
        middle = top + _ROW / 2
        box = (_SWATCH_X, top + 6, _SWATCH_X + _SWATCH_WIDTH, top + _ROW - 6)
        draw.rectangle(box, palette.hex_colors[number], outline=_OUTLINE)
        draw.text((_NUMBER_X, middle), str(number), _INK, font, anchor="lm")
        for text, left in zip(figures(palette, number), _FIGURES_X, strict=True):
            draw.text((left, middle), text, _INK, font, anchor="lm")
    return np.ascontiguousarray(np.asarray(picture)[..., ::-1])


def figures(palette: Palette, number: int) -> tuple[str, str, str, str]:
    """What `FIGURES` names, of a cluster."""
    rgb = ", ".join(str(level) for level in palette.colors[number, ::-1].tolist())
    lab = ", ".join(f"{value:.1f}" for value in palette.lab[number].tolist())
    return palette.hex_colors[number], rgb, lab, f"{palette.shares[number]:.1%}"


def _draw_strip(draw: ImageDraw.ImageDraw, palette: Palette) -> None:
    inner = _WIDTH - 2 * _MARGIN
    ends = _MARGIN + np.rint(np.cumsum(palette.shares) * inner).astype(int)
    left = _MARGIN
    for number, end in enumerate(ends[: palette.n_real].tolist()):
        if end > left:
            draw.rectangle(
                (left, _MARGIN, end - 1, _MARGIN + _STRIP - 16), palette.hex_colors[number]
            )
        left = end
