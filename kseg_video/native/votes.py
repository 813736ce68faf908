"""Votes for the label or the rival of pixels, some rows at a time: of their memory and neighbours.

`kseg_video.segmentation.label_hysteresis` says what they are for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.native.constants import (
    NEIGHBOR_VOTES,
    PASSES,
    QUIET_VOTES,
    STILL_LEVELS,
    STILL_VOTES,
)
from kseg_video.native.planes import LevelTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.native.pictures import Memory, Picture

# Which changes of luma (bit 0 of none, 1 of one level more, 2 of one level less) leave a pixel's
# colour about as much the same, by how much one component of chroma has changed; and those bits by
# the change of luma. Both are found at the change modulo 256.
_STILL_WITH = LevelTable(np.array([0b111, 0b101, *[0] * 253, 0b011], np.uint8))
_MOVE = LevelTable(np.array([0b001, 0b010, *[0] * 253, 0b100], np.uint8))


def of_memory(
    picture: Picture,
    luma: NDArray[np.uint8],
    memory: Memory,
    rows: slice,
    near: NDArray[np.uint8],
    swaps: NDArray[np.uint8],
) -> NDArray[np.int8]:
    """Votes of pixels for their rival label, given the one that they had; negative against it.

    Parameters
    ----------
    picture : Picture
    luma : ndarray of uint8, shape (H, W)
        Its brightness.
    memory : Memory
    rows : slice
        Of the picture.
    near : ndarray of uint8
        Label of the nearest cluster of each pixel of these rows.
    swaps : ndarray of uint8
        What turns it into its rival by an exclusive or; 0 where there is none.
    """
    quiet = cv2.absdiff(luma[rows], memory.luma[rows]) <= np.uint8(memory.limit)
    still = _is_still(picture, memory.picture, rows)
    firmness = np.maximum(QUIET_VOTES * quiet.view(np.int8), STILL_VOTES * still.view(np.int8))
    votes: NDArray[np.int8] = firmness * _sign(memory.labels[rows] ^ near, swaps)
    return votes


def _is_still(picture: Picture, before: Picture, rows: slice) -> NDArray[np.bool_]:
    """Whether each pixel's colour is what it was."""
    if isinstance(picture, tuple):
        halves = slice(rows.start // 2, -(-rows.stop // 2))
        pairs = zip(picture, before, (rows, halves, halves), strict=True)
        luma, u, v = (now[part] - then[part] for now, then, part in pairs)
        moves = _STILL_WITH.look_up(u)
        moves &= _STILL_WITH.look_up(v)
        wide = (moves * np.uint16(0x0101)).view(np.uint8).repeat(2, axis=0)
        still = _MOVE.look_up(luma) & wide[: luma.shape[0], : luma.shape[1]] > 0
    else:
        assert not isinstance(before, tuple)
        changes = cv2.absdiff(picture[rows], before[rows])
        still = cv2.inRange(changes, (0, 0, 0), (STILL_LEVELS,) * 3) > 0
    return still


def follow_neighbors(
    labels: NDArray[np.uint8],
    near: NDArray[np.uint8],
    swaps: NDArray[np.uint8],
    needs: NDArray[np.int8],
) -> NDArray[np.uint8]:
    """Give each pixel its rival label where the votes for that suffice, else the nearest."""
    for _ in range(PASSES):
        # Of two values the median is the one that most have.
        median = cast("NDArray[np.uint8]", cv2.medianBlur(labels, 3))
        votes = NEIGHBOR_VOTES * _sign(median ^ near, swaps)
        labels = near ^ swaps * (votes >= needs).view(np.uint8)
    return labels


def _sign(swap: NDArray[np.uint8], swaps: NDArray[np.uint8]) -> NDArray[np.int8]:
    """1 where a swap leads to the rival label, -1 where it leads to the nearest, 0 elsewhere."""
    sign: NDArray[np.int8] = (swap == swaps).view(np.int8) - (swap == 0).view(np.int8)
    return sign
