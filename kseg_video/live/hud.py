"""The head-up display of a live picture: figures, palette, messages and help, drawn over it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2

from kseg_video.core.color_spaces import luma
from kseg_video.live.key_bindings import HELP

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.core.palette import Palette
    from kseg_video.live.key_bindings import LiveState

BgrColor = tuple[int, int, int]

_INK: BgrColor = (245, 245, 245)
_FAINT: BgrColor = (170, 170, 170)
_DARK: BgrColor = (20, 20, 20)
_RED: BgrColor = (60, 60, 235)
_SHADE = 0.35  # factor on the brightness of the picture behind text
_SMALLEST_TEXT, _LARGEST_TEXT = 12, 64  # pixels
_SMALLEST_HELP = 7  # pixels
# Picture height and width in text sizes. More: smaller text; less: text covers more of the picture.
_TEXTS_TO_A_HEIGHT, _TEXTS_TO_A_WIDTH = 34, 44
_LINE = 1.5  # line height in text sizes
_REGULAR, _BOLD = 400, 650


@dataclass(frozen=True, slots=True, eq=False)
class HudContent:
    """Values that the display shows.

    Parameters
    ----------
    frames_per_second : float
        Rate of the frames shown.
    latency : float
        Seconds from a frame's arrival to its display.
    palette : Palette, optional
        Palette of the newest frame; None before the first.
    pointed : int, optional
        Number of the cluster under the pointer.
    recorded : float, optional
        Seconds recorded; None while nothing is being recorded.
    message : str
        Event or error to show in the middle of the picture; empty for none.
    """

    frames_per_second: float = 0.0
    latency: float = 0.0
    palette: Palette | None = None
    pointed: int | None = None
    recorded: float | None = None
    message: str = ""


class Hud:
    """Draws the head-up display over pictures."""

    def __init__(self) -> None:
        self._font = cv2.FontFace("sans")

    def draw(self, picture: NDArray[np.uint8], state: LiveState, content: HudContent) -> None:
        """Draw the display, or the help, over a BGR picture in place."""
        size = _text_size(picture)
        if state.shows_help:
            self._draw_help(picture, size)
            return
        if state.shows_hud:
            self._draw_measurements(picture, size, state, content)
            if content.palette is not None:
                self._draw_palette(picture, size, content.palette, state, content.pointed)
        if content.message:
            self._draw_message(picture, size, content.message)

    def _draw_measurements(
        self, picture: NDArray[np.uint8], size: int, state: LiveState, content: HudContent
    ) -> None:
        words = [
            f"{content.frames_per_second:.1f} fps",
            f"{content.latency * 1000:.0f} ms",
            f"k {state.segmenter.cluster_count}",
            state.rendering.view,
            state.segmenter.color_space,
            f"stability {state.segmenter.stability:g}",
        ]
        words += [word for word, on in (("paused", state.paused), ("frozen", state.frozen)) if on]
        if content.pointed is not None:
            words.append(f"pointer: {content.pointed}")
        lines = self._wrapped(words, picture.shape[1] - 2 * size, size)
        height = round(size * (_LINE * len(lines) + 0.5))
        _shade(picture[:height])
        for row, line in enumerate(lines):
            self._write(picture, line, size // 2, round(size * (_LINE * row + 1.35)), size)
        if content.recorded is not None:
            clock = f"{int(content.recorded) // 60}:{int(content.recorded) % 60:02d}"
            left = picture.shape[1] - self._width(clock, size) - size // 2
            _shade(picture[height : 2 * height, left - round(1.2 * size) :])
            baseline = height + round(size * 1.35)
            self._write(picture, clock, left, baseline, size)
            centre = (left - round(0.6 * size), baseline - round(0.35 * size))
            cv2.circle(picture, centre, round(size * 0.35), _RED, cv2.FILLED, cv2.LINE_AA)

    def _draw_palette(
        self,
        picture: NDArray[np.uint8],
        size: int,
        palette: Palette,
        state: LiveState,
        pointed: int | None,
    ) -> None:
        height, width = picture.shape[:2]
        cell = round(4.6 * size)
        columns = max(min(width // cell, len(palette)), 1)
        rows = -(-len(palette) // columns)
        line = round(size * 1.6)
        top = height - rows * line - size // 3
        _shade(picture[max(top - size // 3, 0) :])
        brightness = luma(palette.colors)
        for number, color in enumerate(palette.colors.tolist()):
            left = size // 2 + (number % columns) * cell
            row = top + (number // columns) * line
            box = (left, row, round(1.7 * size), round(1.3 * size))
            cv2.rectangle(picture, box, color, cv2.FILLED, cv2.LINE_AA)
            edge = _INK if number == pointed else _FAINT
            cv2.rectangle(picture, box, edge, 1 + (number == pointed) * max(size // 12, 1))
            off = number in state.rendering.disabled
            if off:  # strike the swatch through, before its number is drawn on top
                ends = (left, row + box[3]), (left + box[2], row)
                cv2.line(picture, *ends, _DARK, max(size // 5, 3), cv2.LINE_AA)
                cv2.line(picture, *ends, _INK, max(size // 12, 1), cv2.LINE_AA)
            ink = _DARK if brightness[number] > 128 else _INK
            text = str(number)
            indent = (box[2] - self._width(text, size)) // 2
            self._write(picture, text, left + indent, row + size, size, ink, _BOLD)
            share = f"{palette.shares[number]:.0%}"
            at = left + box[2] + size // 4
            self._write(picture, share, at, row + size, size, _FAINT if off else _INK)
            if off:
                middle, end = row + round(0.65 * size), at + self._width(share, size)
                cv2.line(picture, (at, middle), (end, middle), _FAINT, max(size // 14, 1))

    def _draw_message(self, picture: NDArray[np.uint8], size: int, message: str) -> None:
        lines = self._wrapped(message.split(), picture.shape[1] - 2 * size, size, " ")
        line = round(size * _LINE)
        top = (picture.shape[0] - line * len(lines)) // 2
        beside = max((picture.shape[1] - max(self._width(text, size) for text in lines)) // 2, 0)
        columns = slice(max(beside - size, 0), picture.shape[1] - max(beside - size, 0))
        _shade(picture[max(top - size // 2, 0) : top + line * len(lines) + size // 2, columns])
        for row, text in enumerate(lines):
            left = (picture.shape[1] - self._width(text, size)) // 2
            self._write(picture, text, left, top + round((row + 0.75) * line), size)

    def _draw_help(self, picture: NDArray[np.uint8], size: int) -> None:
        height, width = picture.shape[:2]
        columns = 2 if width > height else 1
        rows = -(-len(HELP) // columns)
        _, widest = self._help_widths(size)
        fit = min(1.0, (width - size) / (columns * widest), (height - size) / (rows * size * _LINE))
        size = max(int(size * fit), _SMALLEST_HELP)
        keys, widest = self._help_widths(size)
        line = round(size * _LINE)
        left = max((width - columns * widest) // 2, size // 2)
        top = max((height - rows * line) // 2, 0)
        _shade(picture, _SHADE / 2)
        for place, (key_names, does) in enumerate(HELP):
            x = left + (place // rows) * widest
            y = top + round((place % rows + 0.75) * line)
            self._write(picture, key_names, x, y, size, weight=_BOLD)
            self._write(picture, does, x + keys, y, size)

    def _help_widths(self, size: int) -> tuple[int, int]:
        """Widths in pixels of the column of keys and of a whole help line."""
        keys = max(self._width(key_names, size, _BOLD) for key_names, _ in HELP) + size
        return keys, keys + max(self._width(does, size) for _, does in HELP) + 2 * size

    def _wrapped(
        self, words: Sequence[str], width: int, size: int, gap: str = "   "
    ) -> Sequence[str]:
        """Wrap words into lines of at most that width in pixels."""
        lines = [""]
        for word in words:
            longer = f"{lines[-1]}{gap}{word}" if lines[-1] else word
            if lines[-1] and self._width(longer, size) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def _width(self, text: str, size: int, weight: int = _REGULAR) -> int:
        return int(cv2.getTextSize((0, 0), text, (0, 0), self._font, size, weight)[2])

    def _write(
        self,
        picture: NDArray[np.uint8],
        text: str,
        left: int,
        baseline: int,
        size: int,
        color: BgrColor = _INK,
        weight: int = _REGULAR,
    ) -> None:
        cv2.putText(picture, text, (left, baseline), color, self._font, size, weight)


def _text_size(picture: NDArray[np.uint8]) -> int:
    height, width = picture.shape[:2]
    fitting = min(height / _TEXTS_TO_A_HEIGHT, width / _TEXTS_TO_A_WIDTH)
    return max(min(int(fitting), _LARGEST_TEXT), _SMALLEST_TEXT)


def _shade(part: NDArray[np.uint8], left_over: float = _SHADE) -> None:
    """Darken a part of a picture, in place."""
    if part.size:
        part[:] = cv2.convertScaleAbs(part, alpha=left_over)
