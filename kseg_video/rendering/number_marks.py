"""Where to write the clusters' numbers on a picture: at the innermost points of their regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

_MOST_OF_A_CLUSTER = 3  # regions with a number: more name more of them, fewer cover less
_LEAST_SHARE = 0.01  # of the picture, for a region beside its cluster's largest
_SMOOTHING = 5  # side of the majority filter that keeps noise from shrinking regions, in pixels
_WIDTH_OF_DIGIT = 0.6  # in text heights
_OF_RADIUS = 1.1  # text height in radii of the free circle around it
_APART = 0.35  # gap between two numbers, in text heights


@dataclass(frozen=True, slots=True)
class NumberMark:
    """A number on a picture.

    Parameters
    ----------
    number : int
        The cluster's.
    x, y : int
        Middle of the text, in pixels.
    height : int
        Height of the text in pixels.
    """

    number: int
    x: int
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class _Place:
    is_largest: bool
    radius: float
    x: int
    y: int
    number: int


def number_marks(labels: NDArray[np.uint8], smallest: int, largest: int) -> list[NumberMark]:
    """Choose places for the clusters' numbers that do not overlap.

    Parameters
    ----------
    labels : ndarray of uint8, shape (H, W)
    smallest, largest : int
        Text height in pixels at least and at most.

    Returns
    -------
    list of NumberMark
        Every cluster's largest region comes before all others; a number for which there is no room
        is left out.
    """
    places = [place for number in np.unique(labels).tolist() for place in _places(labels, number)]
    marks: list[NumberMark] = []
    for place in sorted(places, key=lambda place: (not place.is_largest, -place.radius)):
        wanted = int(_OF_RADIUS * place.radius)
        if wanted < smallest and any(mark.number == place.number for mark in marks):
            continue
        height = min(max(wanted, smallest), largest)
        mark = NumberMark(place.number, *_inside(place, height, labels), height)
        if not any(_overlap(mark, other) for other in marks):
            marks.append(mark)
    return marks


def _places(labels: NDArray[np.uint8], number: int) -> Iterator[_Place]:
    """The innermost points of a cluster's largest regions."""
    own = np.where(labels == number, 255, 0).astype(np.uint8)
    smooth = cv2.medianBlur(own, _SMOOTHING)
    mask = cv2.copyMakeBorder(smooth if smooth.any() else own, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
    distances = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_5)
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
    areas = statistics[1:, cv2.CC_STAT_AREA]
    by_area = np.argsort(-areas, kind="stable")[:_MOST_OF_A_CLUSTER]
    for rank, region in enumerate(by_area.tolist()):
        if rank and areas[region] < _LEAST_SHARE * labels.size:
            return
        left, top, width, height = statistics[region + 1, : cv2.CC_STAT_AREA].tolist()
        box = slice(top, top + height), slice(left, left + width)
        inside = np.where(regions[box] == region + 1, distances[box], 0)
        y, x = np.unravel_index(inside.argmax(), inside.shape)
        yield _Place(not rank, float(inside.max()), left + int(x) - 1, top + int(y) - 1, number)


def _inside(place: _Place, height: int, labels: NDArray[np.uint8]) -> tuple[int, int]:
    """Middle of the text, moved so that all of it lies in the picture."""
    rows, columns = labels.shape
    across, down = _half_width(place.number, height), (height + 1) // 2
    x = min(max(place.x, across), max(columns - across, across))
    return x, min(max(place.y, down), max(rows - down, down))


def _half_width(number: int, height: int) -> int:
    return int(np.ceil(_WIDTH_OF_DIGIT * height * len(str(number)) / 2))


def _overlap(one: NumberMark, other: NumberMark) -> bool:
    gap = _APART * min(one.height, other.height)
    across = _half_width(one.number, one.height) + _half_width(other.number, other.height)
    down = (one.height + other.height) / 2
    return abs(one.x - other.x) < across + gap and abs(one.y - other.y) < down + gap
