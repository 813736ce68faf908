"""Outlines of the regions of labels.

In texture a segmentation has thousands of regions of a few pixels, and their outlines would hide
the picture: only those of larger regions are drawn.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from kseg_video.regions import STEADINESS, pixels_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kseg_video.frame import Plane, Segmentation


class Outlines:
    """Outlines in the frames of one video, one after another."""

    def __init__(self) -> None:
        self._before: Plane | None = None

    def of_frame(self, segmentation: Segmentation, area: int) -> Plane:
        """Where the outlines of the next frame are.

        Parameters
        ----------
        segmentation : Segmentation
        area : int
            Regions of fewer pixels have none.

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
        is_new_scene = segmentation.event in {"cold", "cut"}
        if is_new_scene or (self._before is not None and self._before.shape != labels.shape):
            self._before = None
        large = np.zeros_like(borders)
        for label in np.flatnonzero(segmentation.palette.shares).tolist():
            regions = list(self._large_regions((labels == label).view(np.uint8), area))
            cv2.drawContours(large, regions, -1, 255)
        self._before = large
        return cast("Plane", cv2.bitwise_and(borders, cv2.dilate(large, np.ones((3, 3), np.uint8))))

    def _large_regions(self, mask: Plane, area: int) -> Iterator[NDArray[Any]]:
        """Outlines of the regions of a mask that are large enough for one."""
        contours, hierarchy = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
        parents = hierarchy[0, :, 3].tolist() if len(contours) else []
        shortest = 2 * math.sqrt(area / STEADINESS)  # less than a circle's
        for contour, parent in zip(contours, parents, strict=True):
            if parent >= 0 or len(contour) < shortest:  # holes are outlined by what is in them
                continue
            if pixels_in(contour, is_hole=False) >= self._least(area, contour):
                yield contour

    def _least(self, area: int, contour: NDArray[Any]) -> float:
        """Pixels from which a region is outlined; fewer if it was in the frame before."""
        if self._before is None:
            return area
        x, y = contour[:, 0].T
        was_outlined = self._before[y, x].any()
        return area / STEADINESS if was_outlined else area * STEADINESS
