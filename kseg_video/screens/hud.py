"""The head-up display of a live picture: figures, palette and messages, drawn over it."""

from __future__ import annotations

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
_CELL = 4.6  # width of a swatch with its share, in text sizes
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
            Left, top, width and height of each cluster's swatch.
        """
        size = text_size(canvas)
        if state.shows_help:
            draw_help(canvas, state, self._lettering)
            return {}
        height, width = canvas.shape[:2]
        beside = 0 if box is None else box[0]
        bar = beside if beside > _ROOM_BESIDE * size else width
        swatches: dict[int, Box] = {}
        floor = height
        if state.shows_hud:
            self._draw_measurements(canvas[:, :bar], size, state, content)
            if content.recorded is not None:
                self._draw_recorded(canvas, size, content.recorded)
            if content.palette is not None:
                left = width - bar
                swatches = _laid_out(len(content.palette), (left, 0, bar, height), size)
                top = min(box[1] for box in swatches.values()) - size // 3
                shade(canvas[max(top, 0) :, left:])
                self._draw_palette(canvas, size, content, state, swatches)
                floor = top if bar == width else height
            if content.position is not None:
                _draw_position(canvas, content.position)
        if content.message:
            self._draw_message(canvas, size, content.message, floor)
        return swatches

    def _draw_measurements(
        self, bar: NDArray[np.uint8], size: int, state: LiveState, content: HudContent
    ) -> None:
        first = content.condition or f"{content.frames_per_second:.1f} fps"
        words = [
            first,
            f"{content.latency * 1000:.0f} ms",
            f"k {state.segmenter.cluster_count}",
            state.rendering.view,
            state.segmenter.color_space,
            f"stability {state.segmenter.stability:g}",
            *(["frozen"] if state.frozen else []),
            *([] if content.pointed is None else [f"pointer: {content.pointed}"]),
        ]
        lines = self._lettering.wrapped(words, bar.shape[1] - 2 * size, size)
        shade(bar[: round(size * (LINE * len(lines) + 0.5))])
        for row, line in enumerate(lines):
            baseline = round(size * (LINE * row + 1.35))
            self._lettering.write(bar, line, size // 2, baseline, size)
        if content.condition:
            color = _CONDITION_COLORS.get(content.condition, _OTHER_CONDITION)
            self._lettering.write(bar, first, size // 2, round(size * 1.35), size, color)

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
        swatches: dict[int, Box],
    ) -> None:
        palette: Palette | None = content.palette
        assert palette is not None
        brightness = luma(palette.colors)
        for number, color in enumerate(palette.colors.tolist()):
            box = left, top, width, _ = swatches[number]
            is_off = number in state.rendering.disabled
            if is_off:  # hollow, so that its number stays legible
                cv2.rectangle(canvas, box, DARK, cv2.FILLED)
                thick = max(size // 5, 2)
                inner = left + thick // 2, top + thick // 2, width - thick, box[3] - thick
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
            share = "off" if is_off else f"{palette.shares[number]:.0%}"
            at = left + width + size // 4
            self._lettering.write(canvas, share, at, top + size, size, FAINT if is_off else INK)

    def _draw_message(self, canvas: NDArray[np.uint8], size: int, message: str, floor: int) -> None:
        """Draw a message above the floor."""
        width = canvas.shape[1]
        lines = self._lettering.wrapped(message.split(), width - 2 * size, size, " ")
        line = round(size * LINE)
        top = max(floor - line * len(lines) - size, size // 2)
        widest = max(self._lettering.width(text, size) for text in lines)
        beside = max((width - widest) // 2 - size, 0)
        shade(
            canvas[top - size // 2 : top + line * len(lines) + size // 4, beside : width - beside]
        )
        for row, text in enumerate(lines):
            left = (width - self._lettering.width(text, size)) // 2
            baseline = top + round((row + 0.75) * line)
            self._lettering.write(canvas, text, left, baseline, size)


def position_bar(width: int, height: int) -> Box:
    """Left, top, width and height of the position bar of a canvas."""
    thick = max(height // _BARS_TO_A_HEIGHT, 4)
    return 0, height - thick, width, thick


def _draw_position(canvas: NDArray[np.uint8], share: float) -> None:
    _, top, width, _ = position_bar(canvas.shape[1], canvas.shape[0])
    shade(canvas[top:])
    canvas[top:, : round(share * width)] = FAINT


def _laid_out(count: int, room: Box, size: int) -> dict[int, Box]:
    """Boxes of the swatches, in rows at the bottom of a room."""
    cell, row = round(_CELL * size), round(_ROW * size)
    columns = max(min(room[2] // cell, count), 1)
    bar = position_bar(room[2], room[3])[3]
    top = room[1] + room[3] - bar - -(-count // columns) * row - size // 3
    width, height = round(1.7 * size), round(1.3 * size)
    return {
        number: (
            room[0] + size // 2 + (number % columns) * cell,
            top + (number // columns) * row,
            width,
            height,
        )
        for number in range(count)
    }
