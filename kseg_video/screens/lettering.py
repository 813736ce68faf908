"""Text on pictures: measured, wrapped and written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

BgrColor = tuple[int, int, int]

INK: BgrColor = (245, 245, 245)
FAINT: BgrColor = (170, 170, 170)
DARK: BgrColor = (20, 20, 20)
LINE = 1.5  # line height in text sizes
REGULAR, BOLD = 400, 650
_SHADE = 0.35  # factor on the brightness of the picture behind text
_SMALLEST, _LARGEST = 12, 64  # pixels
# Picture height and width in text sizes. More: smaller text; less: text covers more of the picture.
_TO_A_HEIGHT, _TO_A_WIDTH = 34, 44


class Lettering:
    """Writes text in one font."""

    def __init__(self) -> None:
        self._font = cv2.FontFace("sans")

    def width(self, text: str, size: int, weight: int = REGULAR) -> int:
        """Width of a text in pixels, given its size in pixels."""
        return int(cv2.getTextSize((0, 0), text, (0, 0), self._font, size, weight)[2])

    def write(
        self,
        picture: NDArray[np.uint8],
        text: str,
        left: int,
        baseline: int,
        size: int,
        color: BgrColor = INK,
        weight: int = REGULAR,
    ) -> None:
        """Write a text into a BGR picture in place."""
        cv2.putText(picture, text, (left, baseline), color, self._font, size, weight)

    def wrapped(
        self, words: Sequence[str], width: int, size: int, gap: str = "   "
    ) -> Sequence[str]:
        """Wrap words into lines of at most that width in pixels; longer words are broken."""
        lines = [""]
        for word in [piece for each in words for piece in self._pieces(each, width, size)]:
            longer = f"{lines[-1]}{gap}{word}" if lines[-1] else word
            if lines[-1] and self.width(longer, size) > width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def _pieces(self, word: str, width: int, size: int) -> Iterator[str]:
        """Pieces of a word that are at most that width in pixels."""
        begin = 0
        for end in range(1, len(word)):
            if self.width(word[begin : end + 1], size) > width:
                yield word[begin:end]
                begin = end
        yield word[begin:]


def text_size(picture: NDArray[np.uint8]) -> int:
    """Size in pixels of text that suits a picture."""
    height, width = picture.shape[:2]
    fitting = min(height / _TO_A_HEIGHT, width / _TO_A_WIDTH)
    return max(min(int(fitting), _LARGEST), _SMALLEST)


def shade(part: NDArray[np.uint8], left_over: float = _SHADE) -> None:
    """Darken a part of a picture, in place."""
    if part.size:
        part[:] = cv2.convertScaleAbs(part, alpha=left_over)
