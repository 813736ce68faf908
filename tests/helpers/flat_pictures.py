"""Flat pictures, which every format keeps, with their properties."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from kseg_video import VideoInfo
from kseg_video.core.yuv import ColorEncoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

INFO = VideoInfo(64, 48, Fraction(25), "bgr24", ColorEncoding("bt601"))
COLORS = np.array([(0, 0, 255), (40, 200, 90), (250, 120, 30), (128, 128, 128)], np.uint8)


def quarters(height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Four flat quarters, their borders on whole 2x2 blocks where there are any."""
    labels = np.zeros((height, width), int)
    labels[height // 4 * 2 :] += 2
    labels[:, width // 4 * 2 :] += 1
    return COLORS[labels]
