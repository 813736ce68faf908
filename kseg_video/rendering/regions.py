"""Connected regions of pixels, known by their outlines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A region that was there in the frame before goes only when it is smaller by this much, one that
# was not comes only when larger by as much: so that none flickers.
STEADINESS = 1.5
_LARGEST_SPECK = 1 / 5000  # of the picture


def speck_area(width: int, height: int) -> int:
    """Pixels below which a region is a speck in a picture of that size."""
    return round(width * height * _LARGEST_SPECK)


def pixels_in(contour: NDArray[Any], *, is_hole: bool) -> float:
    """Number of pixels, after Pick: an island's outline belongs to it, a hole's does not.

    Parameters
    ----------
    contour : ndarray of int32, shape (N, 1, 2)
        All pixels of an outline, as `cv2.findContours` has them.
    is_hole : bool
    """
    half_border = len(contour) / 2
    return cv2.contourArea(contour) + (-half_border if is_hole else half_border) + 1
