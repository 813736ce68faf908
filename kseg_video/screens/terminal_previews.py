"""Pictures printed among a terminal's lines: contact sheets, or frames with numbers of text."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from rich.segment import Segments

from kseg_video.rendering.number_marks import number_marks
from kseg_video.screens.job_control import descriptor
from kseg_video.screens.terminal_colors import has_true_color
from kseg_video.screens.terminal_pictures import PictureText, cell_size, half_blocks, inline_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from rich.console import Console

_LEAST_COLUMNS = 40  # of a frame; fewer show more frames, whose regions are hard to tell apart
_MOST_COLUMNS = 64
_GAP = 2  # cells between two frames
_LEFT_FREE = 2  # rows for the shell's prompt


def shows_sheets() -> bool:
    """Whether the terminal says that it is one of those that show pictures among their lines."""
    if os.environ.get("TMUX"):  # it passes none on
        return False
    kinds = os.environ.get("TERM", ""), os.environ.get("TERM_PROGRAM", "")
    return kinds[0] in {"xterm-kitty", "xterm-ghostty"} or kinds[1] in {"ghostty", "WezTerm"}


def draw_sheet(console: Console, sheet: NDArray[np.uint8]) -> None:
    """Print a BGR picture as wide as the terminal, by the Kitty graphics protocol."""
    columns, rows = console.size
    cell = cell_size(descriptor(console))
    console.file.write("".join(inline_pixels(sheet, columns, rows - _LEFT_FREE, cell)))
    console.file.write("\n")
    console.file.flush()


def draw_frames(
    console: Console, frames: Sequence[tuple[NDArray[np.uint8], NDArray[np.uint8]]]
) -> None:
    """Print as many frames side by side as fit, with half blocks, and the numbers as text.

    Parameters
    ----------
    console : rich.console.Console
    frames : sequence of tuple of ndarray
        Segmented frames of one size, BGR, and their label maps.
    """
    columns, height = console.size
    count = min(max((columns + _GAP) // (_LEAST_COLUMNS + _GAP), 1), len(frames))
    chosen = np.linspace(0, len(frames) - 1, count).round().astype(int).tolist()
    width = min((columns - _GAP * (count - 1)) // count, _MOST_COLUMNS)
    tall, wide = frames[0][1].shape
    rows = min(max(round(width * tall / wide / 2), 1), max(height - _LEFT_FREE, 1))
    width = min(width, max(round(2 * rows * wide / tall), 1))
    size = width, 2 * rows
    pictures, texts = [], []
    for place, number in enumerate(chosen):
        picture, labels = frames[number]
        small = cast("NDArray[np.uint8]", cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
        pictures += [np.zeros((2 * rows, _GAP, 3), np.uint8)] if place else []
        pictures.append(small)
        per_cell = wide / width
        for mark in number_marks(labels, *[max(round(2 * per_cell), 1)] * 2):
            text = str(mark.number)
            left = min(max(round(mark.x / per_cell - len(text) / 2), 0), width - len(text))
            row = min(int(mark.y * rows / tall), rows - 1)
            texts.append(PictureText(row, left + place * (width + _GAP), text))
    whole = np.hstack(pictures)
    blocks = half_blocks(
        whole, whole.shape[1], rows, true_color=has_true_color(console), texts=texts
    )
    console.print(Segments(blocks), end="", soft_wrap=True)
