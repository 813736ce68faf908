"""The hand-over from one fit to the next: colours fade, so that adoption is no flash.

Pixels are labelled by the new centroids at once. What fades are the colours that they are shown in:
each cluster starts in the colour in which most of its pixels were shown before, and reaches its
centroid within a few frames. A picture that changes meanwhile ends the fade.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.color import color_scale
from kseg_video.matching import common_members

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.clusters import Clusters
    from kseg_video.settings import ColorSpace

_MOST_FRAMES = 5
_STEP = 11.0  # colour levels a frame
_MOST_EXCESS = 0.07  # of inertia over that of the new fit


class Handover:
    """Fades the colours of one fit into those of the next, so that adoption is no flash.

    Parameters
    ----------
    space : str
        The working space.
    shown : ndarray of float32, shape (M, 3), optional
        Colours that the clusters are shown in so far.
    """

    def __init__(self, space: ColorSpace, shown: NDArray[np.float32] | None = None) -> None:
        self._step = _STEP * color_scale(space)
        self._shown = np.zeros((0, 3), np.float32) if shown is None else shown
        self._colors: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._offsets: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._left = 0
        self._of = 1

    def prepare(
        self,
        colors: NDArray[np.float32],
        shown_as: NDArray[np.uint8],
        fresh: Clusters,
    ) -> float:
        """Get ready to start from what is shown, if that is not too far from the picture.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            The sample.
        shown_as : ndarray of uint8, shape (N,)
            Labels of the sample so far.
        fresh : Clusters
            What may be adopted.

        Returns
        -------
        float
            Share of the sample that would jump to another colour all the same, though the picture
            has not changed there: where it has, nobody sees the jump.
        """
        labels, _ = fresh.nearest(colors)
        shown = self._shown
        common = common_members(labels, shown_as, (len(fresh.centroids), len(shown)))
        starts = shown[common.argmax(axis=1)]
        empty = ~common.any(axis=1)
        starts[empty] = fresh.centroids[empty]
        self._offsets = starts - fresh.centroids
        farthest = float(np.linalg.norm(self._offsets, axis=1).max(initial=0))
        self._of = min(math.ceil(farthest / self._step), _MOST_FRAMES)
        if not _is_close(starts, fresh.centroids, colors, labels):
            self._of, starts = 0, fresh.centroids
        jumps = np.linalg.norm(starts[:, np.newaxis] - shown, axis=2) > self._step
        still = self._is_still(colors)
        held = common_members(labels[still], shown_as[still], common.shape)
        return float(held[jumps].sum() / len(labels))

    def begin(self) -> None:
        """Start as prepared."""
        self._left = self._of

    def stop(self) -> None:
        """Show centroids as they are."""
        self._left = 0

    def shown(
        self,
        centroids: NDArray[np.float32],
        colors: NDArray[np.float32],
        labels: NDArray[np.uint8],
    ) -> NDArray[np.float32]:
        """What is shown of the centroids in the next frame, of which there is a sample."""
        self._colors = colors
        self._shown = self._faded(centroids, colors, labels) if self._left else centroids
        return self._shown

    def _faded(
        self,
        centroids: NDArray[np.float32],
        colors: NDArray[np.float32],
        labels: NDArray[np.uint8],
    ) -> NDArray[np.float32]:
        """The next step on the way to the centroids, if that is close enough to the picture."""
        self._left -= 1
        count = len(self._offsets)
        result = centroids.copy()
        result[:count] += self._offsets * np.float32(self._left / self._of)
        if _is_close(result, centroids, colors, labels):
            return result
        self.stop()
        return centroids

    def _is_still(self, colors: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which colours of the sample are about what they were in the frame before."""
        if colors.shape != self._colors.shape:
            return np.ones(len(colors), bool)
        moved: NDArray[np.bool_] = ((colors - self._colors) ** 2).sum(axis=1) > self._step**2
        return ~moved


def _is_close(
    shown: NDArray[np.float32],
    centroids: NDArray[np.float32],
    colors: NDArray[np.float32],
    labels: NDArray[np.uint8],
) -> bool:
    """Whether a picture in the shown colours is about as good as one in the centroids'."""
    squared = ((colors - shown[labels]) ** 2).sum(dtype=np.float64)
    least = ((colors - centroids[labels]) ** 2).sum(dtype=np.float64)
    return bool(squared <= (1 + _MOST_EXCESS) * least)
