"""Labels that hold still: a pixel keeps its cluster until another is clearly nearer.

A pixel whose two nearest clusters fit it about equally well (label and runner-up of
`kseg_video.mapping.CellTable`) is carried to and fro by noise, in time and from place to place.
Which of the two it gets hardly matters to how close the result is to the picture, and much to how
still and clean it is. So as long as the picture does not change there, it stays with the one it
had; and its neighbours may draw it to the one that most of them have, but never away from the
nearer one once it has settled there. Where the picture has changed, memory would leave a ghost of
what was there: there the neighbours alone decide.

What a label costs is the *excess*: by how much its squared distance exceeds the least. Ties are
bounded by that, not by distance, since their sum is what the picture loses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.lookup import look_up
from kseg_video.mapping import LABEL_MASK, NEAR, VERY_NEAR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.frame import Frame, Plane
    from kseg_video.mapping import CellTable

_SMOOTHING_PASSES = 2
# A pixel shows something else if its luma has changed by more than this many times the noise,
# within these limits, in levels.
_CHANGE_OVER_NOISE = 5.0
_LEAST_CHANGE = 2.0
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
        numbers = runners_up & LABEL_MASK
        labels = nearest.copy()
        rivals = cv2.copyTo(numbers, (runners_up >= NEAR).view(np.uint8), nearest.copy())
        before = self._before
        if before is not None and before.labels.shape == nearest.shape:
            unchanged = _unchanged(frame.luma, before.luma)
            tied = _equal(before.labels, numbers) & unchanged
            cv2.copyTo(before.labels, tied & (runners_up >= VERY_NEAR).view(np.uint8), labels)
            cv2.copyTo(nearest, _equal(before.labels, nearest) & unchanged, rivals)
        _follow_neighbors(labels, nearest, cast("Plane", rivals))
        return labels

    def remember(self, frame: Frame, labels: NDArray[np.uint8]) -> None:
        """Go on from these labels of a frame."""
        self._before = _Before(labels, frame.luma)


def _follow_neighbors(labels: Plane, nearest: Plane, rivals: Plane) -> None:
    """Give each pixel the one of its two labels that most of its neighbours have, in place."""
    for _ in range(_SMOOTHING_PASSES):
        median = cast("Plane", cv2.medianBlur(labels, 3))  # of two values, the one that most have
        cv2.copyTo(median, _equal(median, nearest) | _equal(median, rivals), labels)


def _equal(labels: Plane, others: Plane) -> Plane:
    """Mask of the pixels that are equal, 255 where they are."""
    return cast("Plane", cv2.compare(labels, others, cv2.CMP_EQ))


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
