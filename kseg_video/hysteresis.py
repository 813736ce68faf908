"""Labels that hold still: a pixel keeps its cluster until another is clearly nearer.

A pixel whose two nearest clusters are about equally near (label and runner-up of
`kseg_video.mapping.CellTable`) is carried to and fro by noise, in time and from place to place. As
long as the picture does not change there, it stays with the one it had. Where the picture has
changed, memory would leave a ghost of what was there: those pixels are labelled afresh, and their
neighbours settle which of the two it is, so that moving regions have clean outlines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.lookup import look_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.frame import Frame, Plane
    from kseg_video.mapping import CellTable

_SMOOTHING_PASSES = 2
# A pixel shows something else if its luma has changed by more than this many times the noise,
# within these limits, in levels.
_CHANGE_OVER_NOISE = 5.0
_LEAST_CHANGE = 3.0
_MOST_CHANGE = 12.0
_NOISE_GRID = 50  # rows and columns, about, of the pixels that noise is measured on


@dataclass(frozen=True, slots=True, eq=False)
class _Before:
    """What is remembered of a frame."""

    labels: Plane
    luma: Plane


class LabelHysteresis:
    """Keeps labels from frame to frame."""

    def __init__(self) -> None:
        self._before: _Before | None = None

    def forget(self) -> None:
        """Begin anew, as at a cut."""
        self._before = None

    def hold(self, frame: Frame, index: NDArray[np.uint16], table: CellTable) -> NDArray[np.uint8]:
        """Labels of a frame, held where they may be.

        Parameters
        ----------
        frame : Frame
        index : ndarray of uint16, shape (H, W)
            Cell number of every pixel.
        table : CellTable

        Returns
        -------
        ndarray of uint8, shape (H, W)
            Cluster numbers.
        """
        choices = np.stack([table.labels, table.runners_up], axis=1).view(np.uint16)
        pairs = look_up(index, choices).view(np.uint8).reshape(*index.shape, 2)
        nearest, runners_up = cast("tuple[Plane, Plane]", cv2.split(pairs))
        luma, before = frame.luma, self._before
        labels = nearest
        if before is not None and before.labels.shape == nearest.shape:
            labels = _smoothed(nearest, runners_up)
            tied = cv2.bitwise_or(
                cv2.compare(before.labels, nearest, cv2.CMP_EQ),
                cv2.compare(before.labels, runners_up, cv2.CMP_EQ),
            )
            stays = cv2.bitwise_and(tied, _unchanged(luma, before.luma))
            cv2.copyTo(before.labels, stays, labels)
        self._before = _Before(labels, luma)
        return labels


def _smoothed(nearest: Plane, runners_up: Plane) -> Plane:
    """Of the two labels of each pixel, the one that most of its neighbours have."""
    labels = nearest.copy()
    for _ in range(_SMOOTHING_PASSES):
        median = cv2.medianBlur(labels, 3)  # of two values, the one that most have
        cv2.copyTo(median, cv2.compare(median, runners_up, cv2.CMP_EQ), labels)
    return labels


def _unchanged(luma: Plane, before: Plane) -> Plane:
    """Mask of the pixels that differ by no more than noise."""
    difference = cv2.absdiff(luma, before)
    height, width = difference.shape
    few = difference[:: height // _NOISE_GRID + 1, :: width // _NOISE_GRID + 1].ravel()
    # Motion adds to the greater half of the differences alone.
    noise = np.sort(few)[: (len(few) + 1) // 2].mean()
    limit = float(np.clip(_CHANGE_OVER_NOISE * noise, _LEAST_CHANGE, _MOST_CHANGE))
    _, mask = cv2.threshold(difference, limit, 255, cv2.THRESH_BINARY_INV)
    return cast("Plane", mask)
