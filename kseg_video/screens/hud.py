"""The head-up display of a live picture: figures, palette and messages, drawn over it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2

from kseg_video.core.color_spaces import luma
from kseg_video.core.shown_text import minutes
from kseg_video.screens.help_overlay import draw_help
from kseg_video.screens.lettering import (
    BOLD,
    DARK,
    FAINT,
    INK,
    LINE,
    BgrColor,
    Lettering,
    shade,
    text_size,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.core.palette import Palette
    from kseg_video.live.live_state import LiveState
    from kseg_video.live.screen import HudContent
    from kseg_video.screens.fitted_window import Box

_RED: BgrColor = (60, 60, 235)
_CONDITION_COLORS: dict[str, BgrColor] = {"paused": (70, 190, 250), "lost": (90, 90, 250)}
_OTHER_CONDITION: BgrColor = (240, 180, 90)
# Bars beside the picture that are wider than this, in text sizes, take the figures. More: the
# figures cover more pictures; less: they are wrapped into narrower columns.
_ROOM_BESIDE = 10
# Width of a swatch with its share and without, and a swatch's own width and height, in text sizes.
_CELL, _NARROW_CELL = 4.6, 2.0
_SWATCH = 1.7, 1.3
_MOST_OF_A_HEIGHT = 0.5  # for the palette; one that is higher shows no shares
_BARS_TO_A_HEIGHT = 120  # canvas height in thicknesses of the position bar
_ROW = 1.6  # height of a row of swatches, in text sizes


class Hud:
    """Draws the head-up display over pictures."""

    def __init__(self) -> None:
        self._lettering = Lettering()

    def draw(
        self,
        canvas: NDArray[np.uint8],
        state: LiveState,
        content: HudContent,
        box: Box | None = None,
    ) -> dict[int, Box]:
        """Draw the display, or the help, over a BGR canvas in place.

        Parameters
        ----------
        canvas : ndarray of uint8, shape (H, W, 3)
        state : LiveState
        content : HudContent
        box : tuple of int, optional
            Left, top, width and height of the picture in the canvas; wide bars beside it take the
            figures. The whole canvas by default.

        Returns
        -------
        dict of int to tuple of int
            Left, top, width and height of each cluster's place in the palette.
        """
        size = text_size(canvas)
        if state.shows_help:
            draw_help(canvas, state, self._lettering)
            return {}
        height, width = canvas.shape[:2]
        beside = 0 if box is None else box[0]
        bar = beside if beside > _ROOM_BESIDE * size else width
        cells: dict[int, Box] = {}
        top = height
        if state.shows_hud:
            self._draw_measurements(canvas[:, :bar], size, state, content)
            if content.recorded is not None:
                self._draw_recorded(canvas, size, content.recorded)
            if content.palette is not None:
                left = width - bar
                cells = _laid_out(len(content.palette), (left, 0, bar, height), size)
                top = max(min(box[1] for box in cells.values()) - size // 3, 0)
                shade(canvas[top:, left:])
                self._draw_palette(canvas, size, content, state, cells)
            if content.position is not None:
                _draw_position(canvas, content.position)
        if content.message:
            room = width if bar == width else width - 2 * bar
            self._draw_message(canvas, size, content.message, room, top)
        return cells

    def _draw_measurements(
        self, bar: NDArray[np.uint8], size: int, state: LiveState, content: HudContent
    ) -> None:
        words = measurements(state, content)
        lines = self._lettering.wrapped(words, bar.shape[1] - 2 * size, size)
        shade(bar[: round(size * (LINE * len(lines) + 0.5))])
        for row, line in enumerate(lines):
            baseline = round(size * (LINE * row + 1.35))
            self._lettering.write(bar, line, size // 2, baseline, size)
        if content.condition:
            color = _CONDITION_COLORS.get(content.condition, _OTHER_CONDITION)
            self._lettering.write(
                bar, content.condition, size // 2, round(size * 1.35), size, color
            )

    def _draw_recorded(self, canvas: NDArray[np.uint8], size: int, seconds: float) -> None:
        clock = minutes(seconds)
        left = canvas.shape[1] - self._lettering.width(clock, size) - size // 2
        top = round(2 * size)
        shade(canvas[top : 2 * top, left - round(1.2 * size) :])
        baseline = top + round(size * 1.35)
        self._lettering.write(canvas, clock, left, baseline, size)
        centre = (left - round(0.6 * size), baseline - round(0.35 * size))
        cv2.circle(canvas, centre, round(size * 0.35), _RED, cv2.FILLED, cv2.LINE_AA)

    def _draw_palette(
        self,
        canvas: NDArray[np.uint8],
        size: int,
        content: HudContent,
        state: LiveState,
        cells: dict[int, Box],
    ) -> None:
        palette: Palette | None = content.palette
        assert palette is not None
        brightness = luma(palette.colors)
        for number, color in enumerate(palette.colors.tolist()):
            left, top, across, _ = cells[number]
            width, height = round(_SWATCH[0] * size), round(_SWATCH[1] * size)
            box = left, top, width, height
            is_off = number in state.rendering.disabled
            if is_off:  # hollow, so that its number stays legible
                cv2.rectangle(canvas, box, DARK, cv2.FILLED)
                thick = max(size // 5, 2)
                inner = left + thick // 2, top + thick // 2, width - thick, height - thick
                cv2.rectangle(canvas, inner, color, thick)
            else:
                cv2.rectangle(canvas, box, color, cv2.FILLED)
            is_pointed = number == content.pointed
            edge = INK if is_pointed else FAINT
            cv2.rectangle(canvas, box, edge, 1 + is_pointed * max(size // 12, 1))
            ink = DARK if brightness[number] > 128 and not is_off else INK
            text = str(number)
            indent = (width - self._lettering.width(text, size)) // 2
            self._lettering.write(canvas, text, left + indent, top + size, size, ink, BOLD)
            if across < _CELL * size:
                continue
            share = "off" if is_off else f"{palette.shares[number]:.0%}"
            at = left + width + size // 4
            self._lettering.write(canvas, share, at, top + size, size, FAINT if is_off else INK)

    def _draw_message(
        self, canvas: NDArray[np.uint8], size: int, message: str, room: int, palette_top: int
    ) -> None:
        """Draw a message at the bottom of the room in the middle that it and the palette leave.

        A message wider than that room, or a palette within it, puts the message above the palette.
        """
        height, width = canvas.shape[:2]
        lines = self._lettering.wrapped(message.split(), width - 2 * size, size, " ")
        line = round(size * LINE)
        widest = max(self._lettering.width(text, size) for text in lines)
        floor = height if widest + 2 * size < room < width else palette_top
        top = max(floor - line * len(lines) - size, size // 2)
        beside = max((width - widest) // 2 - size, 0)
        shade(
            canvas[top - size // 4 : top + line * len(lines) + size // 4, beside : width - beside]
        )
        for row, text in enumerate(lines):
            left = (width - self._lettering.width(text, size)) // 2
            baseline = top + round((row + 0.75) * line)
            self._lettering.write(canvas, text, left, baseline, size)


def measurements(state: LiveState, content: HudContent) -> list[str]:
    """The condition of the source, or the rate and latency of its frames; and the settings."""
    rate, latency = content.frames_per_second, content.latency
    figures = [f"{rate:.1f} fps", f"{latency * 1000:.0f} ms"]
    return [
        *([content.condition] if content.condition else figures),
        f"k {state.segmenter.cluster_count}",
        state.rendering.view,
        state.segmenter.color_space,
        f"stability {state.segmenter.stability:g}",
        *([] if state.rendering.paint is None else [f"paint {state.paint_name}"]),
        *(["frozen"] if state.frozen else []),
        *([] if content.pointed is None else [f"pointer: {content.pointed}"]),
    ]


def position_bar(width: int, height: int) -> Box:
    """Left, top, width and height of the position bar of a canvas."""
    thick = max(height // _BARS_TO_A_HEIGHT, 4)
    return 0, height - thick, width, thick


def _draw_position(canvas: NDArray[np.uint8], share: float) -> None:
    _, top, width, _ = position_bar(canvas.shape[1], canvas.shape[0])
    shade(canvas[top:])
    canvas[top:, : round(share * width)] = FAINT


def _laid_out(count: int, room: Box, size: int) -> dict[int, Box]:
    """Cells of the palette, in rows at the bottom of a room."""
    left, above, width, height = room
    row = round(_ROW * size)
    for each in (_CELL, _NARROW_CELL):
        cell = math.ceil(each * size)
        columns = max(min((width - size // 2) // cell, count), 1)
        rows = -(-count // columns)
        if rows * row <= _MOST_OF_A_HEIGHT * height:
            break
    top = above + height - position_bar(width, height)[3] - rows * row - size // 3
    return {
        number: (
            left + size // 2 + (number % columns) * cell,
            top + (number // columns) * row,
            cell,
            row,
        )
        for number in range(count)
    }
