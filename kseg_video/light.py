"""How the light on a cluster changes, told apart from what comes into the picture.

The centroid of a cluster goes where its pixels are: also towards what is new in the picture and
nearest to it, bit by bit, until it stands for something else. Light is seen where nothing moves: at
places that have belonged to the cluster all the time, and have never changed suddenly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.color import color_scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.clusters import Clusters
    from kseg_video.settings import ColorSpace

# In colour levels.
_LEAST_CHANGE = 1.0  # below that, and below so many times its error, it may be noise, and adds up
_ERRORS = 5.0
_SUDDEN_CHANGE = 24.0  # from one frame to the next
_MOST_PLACES = 400
_LEAST_STAYED = 0.5  # of the places; if fewer have, others are taken


@dataclass(frozen=True, slots=True, eq=False)
class _Watched:
    """Places of the sample that belong to a cluster: how many at first, and those that still do."""

    count: int
    places: NDArray[np.intp]
    first: NDArray[np.float32]
    last: NDArray[np.float32]


class Light:
    """Watches the light on some clusters.

    Parameters
    ----------
    space : str
        The working space.
    """

    def __init__(self, space: ColorSpace) -> None:
        scale = color_scale(space)
        self._least, self._sudden = _LEAST_CHANGE * scale, _SUDDEN_CHANGE * scale
        self._watched: dict[int, _Watched] = {}

    def forget(self) -> None:
        """Begin anew, as in another scene."""
        self._watched = {}

    def follow(
        self, colors: NDArray[np.float32], state: Clusters, numbers: NDArray[np.uint8]
    ) -> None:
        """Move clusters by as much as the light on them has changed.

        At most to the mean of their pixels.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            Sample of the frame, from the same places each time.
        state : Clusters
        numbers : ndarray of uint8, shape (L,)
            Those that are to be moved.
        """
        self._watched = {n: seen for n, seen in self._watched.items() if n in numbers}
        for number in map(int, numbers):
            labels, _ = state.nearest(colors)
            change = self._change(colors, labels, number)
            if change.any():
                centroids = state.centroids.copy()
                way = colors[labels == number].mean(axis=0) - centroids[number]
                centroids[number] += np.clip(change, np.minimum(way, 0), np.maximum(way, 0))
                state.centroids = centroids

    def _change(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], number: int
    ) -> NDArray[np.float32]:
        """By how much the light on a cluster has changed since that was last told.

        Zero as long as it may be noise.
        """
        change = np.zeros(3, np.float32)
        stayed = self._stayed(colors, labels, number)
        if stayed is not None:
            changes = stayed.last - stayed.first
            whole = np.median(changes, axis=0)
            # Of a normal distribution, the error of a median, from the median deviation.
            error = 1.86 * np.median(np.abs(changes - whole)) / np.sqrt(len(changes))
            if np.linalg.norm(whole) < max(self._least, _ERRORS * error):
                self._watched[number] = stayed
                return change
            change = whole.astype(np.float32)
        places = np.flatnonzero(labels == number)
        places = places[:: len(places) // _MOST_PLACES + 1]
        now = colors[places]
        self._watched[number] = _Watched(len(places), places, now, now)
        return change

    def _stayed(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], number: int
    ) -> _Watched | None:
        """What is left of the watched places, if that is enough."""
        before = self._watched.get(number)
        if before is None or before.places[-1:].max(initial=0) >= len(colors):
            return None
        now = colors[before.places]
        sudden = ((now - before.last) ** 2).sum(axis=1) > self._sudden**2
        stay = (labels[before.places] == number) & ~sudden
        if not stay.any() or stay.sum() < _LEAST_STAYED * before.count:
            return None
        return _Watched(before.count, before.places[stay], before.first[stay], now[stay])
