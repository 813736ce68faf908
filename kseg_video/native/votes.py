"""Votes of memory and neighbours between the label and the rival of pixels, for a band of rows.

`kseg_video.segmentation.label_hysteresis` describes the method.
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

# A colour counts as unchanged if Y, U and V change by at most one level each, and Y not in the same
# direction as U or V, which would change B or R by three levels. By the change of U or V modulo
# 256: the permitted changes of luma as bits (0: none, 1: one level up, 2: one level down). By the
# change of luma modulo 256: its bit.
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
    """Votes of pixels for the label that they had: positive for the rival, negative against it.

    Parameters
    ----------
    picture : Picture
    luma : ndarray of uint8, shape (H, W)
        Luma of the picture.
    memory : Memory
    rows : slice
        Rows of the picture.
    near : ndarray of uint8
        Label of the nearest cluster of each pixel of these rows.
    swaps : ndarray of uint8
        Label XOR rival of each pixel; 0 where there is no rival.
    """
    quiet = cv2.absdiff(luma[rows], memory.luma[rows]) <= np.uint8(memory.limit)
    still = _is_still(picture, memory.picture, rows)
    firmness = np.maximum(QUIET_VOTES * quiet.view(np.int8), STILL_VOTES * still.view(np.int8))
    votes: NDArray[np.int8] = firmness * _sign(memory.labels[rows] ^ near, swaps)
    return votes


def _is_still(picture: Picture, before: Picture, rows: slice) -> NDArray[np.bool_]:
    """Whether each pixel's colour is unchanged."""
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
    """Give each pixel its rival if that has enough votes, else the nearest label."""
    for _ in range(PASSES):
        # With two values, the median is the majority.
        median = cast("NDArray[np.uint8]", cv2.medianBlur(labels, 3))
        votes = NEIGHBOR_VOTES * _sign(median ^ near, swaps)
        labels = near ^ swaps * (votes >= needs).view(np.uint8)
    return labels


def _sign(swap: NDArray[np.uint8], swaps: NDArray[np.uint8]) -> NDArray[np.int8]:
    """1 where a swap yields the rival label, -1 where it yields the nearest, 0 elsewhere."""
    sign: NDArray[np.int8] = (swap == swaps).view(np.int8) - (swap == 0).view(np.int8)
    return sign
