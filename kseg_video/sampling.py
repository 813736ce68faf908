"""A sample of a frame's pixels: all that fits and tracking ever look at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.frame import Frame


@dataclass(frozen=True, slots=True, eq=False)
class PixelSample:
    """Some pixels of a frame.

    Parameters
    ----------
    components : ndarray of uint8, shape (N, 3)
        As in `kseg_video.frame.Frame.components`.
    bgr : ndarray of float32, shape (N, 3)
        Their colours, 0 to 255.
    places : ndarray of int, shape (N,)
        Where they are in the frame, row by row.
    """

    components: NDArray[np.uint8]
    bgr: NDArray[np.float32]
    places: NDArray[np.intp]

    @classmethod
    def of_frame(cls, frame: Frame, n_pixels: int | None, *, between: bool = False) -> PixelSample:
        """Pixels at a constant stride, `n_pixels` at the most; None takes all.

        A stride, not a smaller picture: averaging invents colours that are not there. It is seldom
        a whole number, so that it does not beat with a regular texture.

        Parameters
        ----------
        frame : Frame
        n_pixels : int, optional
        between : bool
            Whether to take the pixels half-way between those that are taken otherwise.
        """
        total = frame.width * frame.height
        chosen = _places(total, total if n_pixels is None else min(n_pixels, total), between)
        first, others = frame.components
        components = np.empty((len(chosen), 3), np.uint8)
        components[:, 0] = first.ravel()[chosen]
        components[:, 1:] = others.reshape(-1, 2)[chosen]
        return cls(components, colors_of(components, frame.components_to_bgr), chosen)


@lru_cache(maxsize=4)
def _places(total: int, wanted: int, between: bool) -> NDArray[np.intp]:
    return (2 * np.arange(wanted) + between) * total // (2 * wanted)


def colors_of(
    components: NDArray[np.uint8], components_to_bgr: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Colours of some component levels, by the very arithmetic of `Frame.bgr`.

    Parameters
    ----------
    components : ndarray of uint8, shape (N, 3)
    components_to_bgr : ndarray of float32, shape (3, 4)

    Returns
    -------
    ndarray of float32, shape (N, 3)
        Whole BGR levels, 0 to 255.
    """
    points = np.ascontiguousarray(components).reshape(-1, 1, 3)
    return cv2.transform(points, components_to_bgr).reshape(-1, 3).astype(np.float32)
