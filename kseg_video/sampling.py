"""A sample of a frame's pixels: all that fits and tracking ever look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.color import to_levels

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
    """

    components: NDArray[np.uint8]
    bgr: NDArray[np.float32]

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
        wanted = total if n_pixels is None else min(n_pixels, total)
        chosen = (2 * np.arange(wanted) + between) * total // (2 * wanted)
        components = np.stack([plane.ravel()[chosen] for plane in frame.components], axis=1)
        bgr = to_levels(apply_affine(frame.components_to_bgr, components))
        return cls(components, bgr.astype(np.float32))


def apply_affine(affine: NDArray[np.float32], rows: NDArray[np.generic]) -> NDArray[np.float32]:
    """Affine map (3, 4) of every row of (N, 3)."""
    return rows.astype(np.float32) @ affine[:, :3].T + affine[:, 3]
