"""Pictures in a terminal: as half blocks, or as pixels by the Kitty graphics protocol.

Kitty, Ghostty, Konsole and WezTerm know that protocol; no library is kept that sends frames by it
without first compressing each to a PNG.
"""

from __future__ import annotations

import base64
import sys
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from rich.segment import Segment

from kseg_video.screens.terminal_colors import nearest_256, style

if sys.platform != "win32":
    import fcntl
    import struct
    import termios

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

# Levels of 0 to 255 that share a style. More: visible banding; less: more styles to build.
_LEVEL_STEP = 8
_UPPER_HALF = "▀"
# A picture of one pixel to try out, which is not shown; "OK" is the reply where pictures work.
QUERY = "\x1b_Gi=1,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\"
NO_PICTURE = "\x1b_Ga=d,q=2\x1b\\"
_LUMA, _LIGHT = (0.299, 0.587, 0.114), 140  # of RGB, and from where on letters are black
_BLACK, _WHITE = (0, 0, 0), (255, 255, 255)
_IN_256 = {_BLACK: 16, _WHITE: 231}
_MOST_CHARACTERS = 4096  # in one sequence of the protocol
_MOST_PIXELS = 400_000  # more: sharper; less: less time for compression, and for slow connections
_USUAL_CELL = 1, 2  # width and height of a character where the terminal tells no pixels


@dataclass(frozen=True, slots=True)
class PictureText:
    """A text in a picture of characters.

    Parameters
    ----------
    row, column : int
        Cell of its first character, counted from the picture's top left.
    text : str
    """

    row: int
    column: int
    text: str


def half_blocks(
    picture: NDArray[np.uint8],
    columns: int,
    rows: int,
    *,
    true_color: bool = True,
    texts: Iterable[PictureText] = (),
) -> Iterator[Segment]:
    """Draw a picture with upper half blocks, which show two pixels per character cell.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        BGR.
    columns, rows : int
        Available cells; the picture is scaled to fit and centred in them.
    true_color : bool
        Whether the terminal shows all colours, not only 256.
    texts : iterable of PictureText
        Texts in it, black or white on the colour of their place.
    """
    height, width = picture.shape[:2]
    scale = min(columns / width, 2 * rows / height)
    size = max(int(width * scale), 1), max(int(height * scale) // 2 * 2, 2)
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(int)[..., ::-1]
    levels = np.minimum(small // _LEVEL_STEP * _LEVEL_STEP + _LEVEL_STEP // 2, 255)
    colors = [
        [tuple(color) if true_color else color for color in row]
        for row in (levels if true_color else nearest_256(small)).tolist()
    ]
    left = " " * ((columns - size[0]) // 2)
    right = " " * (columns - size[0] - len(left))
    blank = (rows - size[1] // 2) // 2
    yield from blank_rows(columns, blank)
    letters = {
        (text.row, text.column + place): letter
        for text in texts
        for place, letter in enumerate(text.text)
    }
    dark = small @ _LUMA < _LIGHT
    for row, (upper, lower) in enumerate(zip(colors[::2], colors[1::2], strict=True)):
        yield Segment(left)
        for column, (above, below) in enumerate(zip(upper, lower, strict=True)):
            if (letter := letters.get((row, column))) is None:
                yield Segment(_UPPER_HALF, style(above, below))
            else:
                ink = _WHITE if dark[2 * row, column] else _BLACK
                yield Segment(letter, style(ink if true_color else _IN_256[ink], above))
        yield Segment(right + "\n")
    yield from blank_rows(columns, rows - size[1] // 2 - blank)


def blank_rows(columns: int, rows: int) -> Iterator[Segment]:
    """Rows of blanks."""
    for _ in range(rows):
        yield Segment(" " * columns + "\n")


def pixels(
    picture: NDArray[np.uint8], columns: int, rows: int, cell: tuple[int, int]
) -> Iterator[str]:
    """Sequences of the Kitty graphics protocol that show a picture, in place of the last one.

    Parameters
    ----------
    picture : ndarray of uint8, shape (H, W, 3)
        BGR.
    columns, rows : int
        Available cells; the picture is scaled to fit and centred in them.
    cell : tuple of int
        Width and height of a cell in pixels.
    """
    across, down = _cells_of(picture, columns, rows, cell)
    yield f"\x1b[{(rows - down) // 2 + 1};{(columns - across) // 2 + 1}H"
    # Without moving the cursor (C=1).
    yield from _transmission(picture, "i=1,p=1,C=1,", across, down, cell)


def inline_pixels(
    picture: NDArray[np.uint8], columns: int, rows: int, cell: tuple[int, int]
) -> Iterator[str]:
    """The same from the cursor on, which is then after the picture; other pictures stay."""
    across, down = _cells_of(picture, columns, rows, cell)
    yield from _transmission(picture, "", across, down, cell)


def _cells_of(
    picture: NDArray[np.uint8], columns: int, rows: int, cell: tuple[int, int]
) -> tuple[int, int]:
    """Columns and rows of a picture that fills the available cells and keeps its shape."""
    height, width = picture.shape[:2]
    scale = min(columns * cell[0] / width, rows * cell[1] / height)
    across = max(round(width * scale / cell[0]), 1)
    return across, max(round(height * scale / cell[1]), 1)


def _transmission(
    picture: NDArray[np.uint8], keys: str, across: int, down: int, cell: tuple[int, int]
) -> Iterator[str]:
    height, width = picture.shape[:2]
    scale = min(across * cell[0] / width, down * cell[1] / height)
    less = min(scale if cell != _USUAL_CELL else 1.0, (_MOST_PIXELS / (width * height)) ** 0.5)
    if less < 1:  # enlarging is left to the terminal
        size = max(int(width * less), 1), max(int(height * less), 1)
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8)
        width, height = size
    rgb = np.ascontiguousarray(picture[..., ::-1])
    data = base64.b64encode(zlib.compress(rgb.data, level=1)).decode()
    # Transmit and show (a=T) RGB (f=24), compressed (o=z), without replies (q=2).
    keys = f"a=T,{keys}f=24,o=z,s={width},v={height},c={across},r={down},q=2,"
    for first in range(0, len(data), _MOST_CHARACTERS):
        chunk, is_last = (
            data[first : first + _MOST_CHARACTERS],
            first + _MOST_CHARACTERS >= len(data),
        )
        yield f"\x1b_G{keys}m={0 if is_last else 1};{chunk}\x1b\\"
        keys = ""


def cell_size(terminal: int) -> tuple[int, int]:
    """Width and height of a character in a terminal, in pixels or else their usual relation.

    Parameters
    ----------
    terminal : int
        Descriptor of the terminal.
    """
    rows = columns = width = height = 0
    if sys.platform != "win32":
        told = fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8))
        rows, columns, width, height = struct.unpack("HHHH", told)
    if width < columns or height < rows or not columns or not rows:
        return _USUAL_CELL
    return width // columns, height // rows
