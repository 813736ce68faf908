"""Outlines of the connected regions of a label.

Texture breaks into thousands of regions of a few pixels, whose outlines would hide the picture:
only larger regions are outlined.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kseg_video.core.frame import Plane, Segmentation

# Hysteresis of the area limit, against flicker: a region of the frame before goes only below the
# limit divided by this factor, and a new one appears only above the limit times this factor.
STEADINESS = 1.5
_LARGEST_SPECK = 1 / 5000  # of the picture's area

_NEAR = 2  # pixels around a region in which its outline of the frame before is searched


def speck_area(width: int, height: int) -> int:
    """Area in pixels below which a region is a speck in a picture of that size."""
    return round(width * height * _LARGEST_SPECK)


def pixels_in(contour: NDArray[Any], *, is_hole: bool) -> float:
    """Count the pixels of a region, or of a hole in one, from its outline.

    The polygon through the centres of the outline's pixels has an area that is smaller by half
    their number and one (Pick's theorem); an island's outline belongs to it, a hole's does not.
    Filling each outline and counting takes 10 times as long, connected components take 50 times.

    Parameters
    ----------
    contour : ndarray of int32, shape (N, 1, 2)
        All pixels of an outline, as returned by `cv2.findContours`.
    is_hole : bool
        Whether the outline is that of a hole.
    """
    if len(contour) == 1:  # no polygon
        return 1
    half_border = len(contour) / 2
    return cv2.contourArea(contour) + (-half_border if is_hole else half_border) + 1


class Outlines:
    """Outlines the regions in the frames of one video, in order."""

    def __init__(self) -> None:
        # Labels, and lines, which were drawn on pixels of the regions that they outline.
        self._before: tuple[Plane, Plane] | None = None

    def of_frame(self, segmentation: Segmentation, area: int) -> Plane:
        """Mask of the outlines of the next frame.

        Parameters
        ----------
        segmentation : Segmentation
        area : int
            Regions of fewer pixels get no outline; see `speck_area` for a good value.

        Returns
        -------
        ndarray of uint8, shape (H, W)
            255 on the pixels to the right of and below a border, else 0.
        """
        labels = segmentation.labels
        borders = np.zeros(labels.shape, np.uint8)
        borders[:, 1:][labels[:, 1:] != labels[:, :-1]] = 255
        borders[1:][labels[1:] != labels[:-1]] = 255
        if area <= 1:
            return borders
        if segmentation.begins_scene or (
            self._before is not None and self._before[0].shape != labels.shape
        ):
            self._before = None
        lines = np.zeros_like(borders)
        for label in np.flatnonzero(segmentation.palette.shares).tolist():
            cv2.drawContours(lines, list(self._large_contours(labels, label, area)), -1, 255)
        self._before = labels, lines
        return cast("Plane", cv2.bitwise_and(borders, cv2.dilate(lines, np.ones((3, 3), np.uint8))))

    def _large_contours(self, labels: Plane, label: int, area: int) -> Iterator[NDArray[Any]]:
        """Outlines of a label's regions, and of their holes, that are large enough."""
        mask = (labels == label).view(np.uint8)
        contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        parents = hierarchy[0, :, 3].tolist() if len(contours) else []
        shortest = 2 * math.sqrt(area / STEADINESS)  # shorter than the outline of a disc that large
        for contour, parent in zip(contours, parents, strict=True):
            if len(contour) < shortest:
                continue
            # Holes count, too: the regions in them may be too small for outlines of their own.
            pixels = pixels_in(contour, is_hole=parent >= 0)
            is_large = pixels >= (area if self._before is None else area * STEADINESS)
            is_about_as_large = pixels >= area / STEADINESS
            if is_large or (is_about_as_large and self._was_outlined(contour, label)):
                yield contour

    def _was_outlined(self, contour: NDArray[Any], label: int) -> bool:
        """Whether a region, or a hole in one, was outlined in the frame before."""
        if self._before is None:
            return False
        x, y, width, height = cv2.boundingRect(contour)
        left, top = max(x - _NEAR, 0), max(y - _NEAR, 0)
        around = np.s_[top : y + height + _NEAR, left : x + width + _NEAR]
        labels, lines = (plane[around] for plane in self._before)
        return bool((lines[labels == label] > 0).any())
