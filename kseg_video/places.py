"""Labels by place: where the clusters were, for when the light changes everywhere at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KEPT = 2  # the frame before the last counts, too: a flash may have washed out the last one


class LabelsByPlace:
    """Labels of the same places in the frames before."""

    def __init__(self) -> None:
        self._recent: list[NDArray[np.uint8]] = []

    def remember(self, labels: NDArray[np.uint8]) -> None:
        """Take note of a frame's labels."""
        self._recent = [labels, *self._recent][:_KEPT]

    def forget(self) -> None:
        """Begin anew, as with other clusters."""
        self._recent = []

    def best(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], parked: NDArray[np.bool_]
    ) -> NDArray[np.uint8]:
        """Labels of an earlier frame if they divide this one's colours better, else its own.

        So clusters keep their numbers when the light goes on or off: their pixels are where they
        were.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
        labels : ndarray of uint8, shape (N,)
            By the colours.
        parked : ndarray of bool, shape (R,)
            Clusters that may take no pixel.
        """
        earlier = [
            each
            for each in self._recent
            if len(each) == len(colors) and not parked[np.unique(each)].any()
        ]
        return min([labels, *earlier], key=lambda each: _inertia_of_partition(colors, each))


def _inertia_of_partition(colors: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Mean squared distance of colours to the means of their clusters."""
    counts = np.maximum(np.bincount(labels), 1)
    means = np.stack([np.bincount(labels, colors[:, c]) / counts for c in range(3)], axis=1)
    errors = colors - means[labels]
    return float(np.einsum("ij,ij->", errors, errors) / len(colors))
