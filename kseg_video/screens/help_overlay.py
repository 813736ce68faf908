"""The help on keys and mouse, in groups with the current values, drawn over a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2

from kseg_video.live.key_bindings import HELP, HelpLine
from kseg_video.screens.lettering import BOLD, FAINT, LINE, shade, text_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.live.live_state import LiveState
    from kseg_video.screens.lettering import Lettering

_SMALLEST = 9  # pixels; letters that have to be smaller are scaled down, which keeps their spaces
_DARKER = 0.17  # factor on the brightness of the picture behind the help
# The groups of each column, on pictures wider and narrower than high.
_WIDE = (("View", "Files"), ("Clusters", "Palette"))
_NARROW = (tuple(HELP),)

_Column = list[HelpLine | str | None]  # lines, titles, and gaps between groups


def draw_help(picture: NDArray[np.uint8], state: LiveState, lettering: Lettering) -> None:
    """Draw the help over a BGR picture in place, at the largest size that fits."""
    height, width = picture.shape[:2]
    columns = [_column(groups) for groups in (_WIDE if width > height else _NARROW)]
    rows = max(map(len, columns))
    size = text_size(picture)
    _, _, widest = _widths(columns, state, lettering, size)
    fit = min(1.0, (width - size) / (len(columns) * widest), (height - size) / (rows * size * LINE))
    size = int(size * fit)
    if size < _SMALLEST:
        enlarged = cv2.resize(picture, None, fx=2, fy=2)
        draw_help(cast("NDArray[np.uint8]", enlarged), state, lettering)
        cv2.resize(enlarged, (width, height), dst=picture, interpolation=cv2.INTER_AREA)
        return
    keys, does, widest = _widths(columns, state, lettering, size)
    line = round(size * LINE)
    left = max((width - len(columns) * widest) // 2, size // 2)
    top = max((height - rows * line) // 2, 0)
    shade(picture, _DARKER)
    for number, column in enumerate(columns):
        x = left + number * widest
        for row, entry in enumerate(column):
            y = top + round((row + 0.75) * line)
            if isinstance(entry, str):
                lettering.write(picture, entry, x, y, size, FAINT)
            elif entry is not None:
                lettering.write(picture, entry.does_by, x, y, size, weight=BOLD)
                lettering.write(picture, entry.does, x + keys, y, size)
                lettering.write(picture, entry.value(state), x + keys + does, y, size, weight=BOLD)


def _column(groups: Sequence[str]) -> _Column:
    column: _Column = []
    for group in groups:
        column += [*([None] if column else []), group, *HELP[group]]
    return column


def _widths(
    columns: Sequence[_Column], state: LiveState, lettering: Lettering, size: int
) -> tuple[int, int, int]:
    """Widths in pixels of keys, of what they do, and of a whole column."""
    lines = [entry for column in columns for entry in column if isinstance(entry, HelpLine)]
    keys = max(lettering.width(line.does_by, size, BOLD) for line in lines) + size
    does = max(lettering.width(line.does, size) for line in lines) + size
    value = max(lettering.width(line.value(state), size, BOLD) for line in lines)
    return keys, does, keys + does + value + 2 * size
