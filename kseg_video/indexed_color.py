"""Pictures of few colours as palette and indices, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_UNKNOWN = 255
_PROBED_PIXELS = 4096


class ColorIndexer:
    """Finds the colours of pictures, if they are few."""

    def __init__(self) -> None:
        # One entry for every colour: a look-up for each pixel, where sorting would take 20 times as
        # long. Entries that were used are reset after each picture.
        self._table: NDArray[np.uint8] = np.full(1 << 24, _UNKNOWN, np.uint8)

    def index(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]] | None:
        """Index a picture by its own colours.

        Parameters
        ----------
        bgr : ndarray of uint8, shape (H, W, 3)

        Returns
        -------
        indices : ndarray of uint8, shape (H, W)
        colors : ndarray of uint8, shape (N, 3)
            BGR, at most 255. Or None for both if there are more.
        """
        codes = cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA).view(np.uint32)[..., 0] & np.uint32(0xFFFFFF)
        rest = codes.ravel()
        if len(np.unique(rest[:: max(len(rest) // _PROBED_PIXELS, 1)])) > _UNKNOWN:
            return None
        found: list[np.uint32] = []
        while len(rest) and len(found) < _UNKNOWN:
            found.append(rest[0])
            rest = rest[rest != rest[0]]
        if len(rest):
            return None
        self._table[found] = np.arange(len(found))
        indices = self._table[codes]
        self._table[found] = _UNKNOWN
        levels = np.array(found, "<u4").view(np.uint8).reshape(-1, 4)[:, :3]
        return indices, levels
