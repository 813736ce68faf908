"""Fits of a palette to a memory of the shot: from nothing at its beginning, and step by step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import color_scale
from kseg_video.native import kernels
from kseg_video.segmentation.cluster_matching import renumbered
from kseg_video.segmentation.kmeans import cold_fit, refine
from kseg_video.segmentation.nearest_centroid import inertia_of
from kseg_video.segmentation.pixel_memory import PixelMemory

if TYPE_CHECKING:
    from collections.abc import Iterable
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.segmentation.illumination import LightChange

# At full stability: seconds that are remembered, colour levels a second that a centroid moves at
# the most, and levels that it does not move for. Twice as fast, twice as many colours are painted
# otherwise than a second ago, and frames are 0.5% closer.
_REMEMBERED_SECONDS = 20.0
_FASTEST = 5.0
_NOT_WORTH_A_MOVE = 1.0
_STEP_SECONDS, _LONGEST_STEP_SECONDS = 0.2, 0.4
_KEPT_PIXELS = 50  # of its own that a cluster always has
_ATTEMPTS = 3  # of cold fits while a video runs: within 0.2% of the inertia of ten
# Inertia over that of the frame's own palette, at which the older half of the shot is forgotten; at
# which frames to come count no more, as in a fade from black; and at which the palette is given up
# for that one. Less makes palettes closer, and restless.
_MISFIT, _TOO_FAR_AHEAD, _FAR_OFF = 1.12, 1.45, 1.8
_OWN_PIXELS, _OWN_ITERATIONS = 4000, 8
_ROUNDING = 1.0  # mean squared error that nobody sees, in levels


class ShotFit:
    """A shot's pixels, and the fits of a palette to them.

    Parameters
    ----------
    settings : SegmenterSettings

    Attributes
    ----------
    memory : PixelMemory
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._settings = settings
        self._scale = color_scale(settings.color_space)
        self.memory = PixelMemory(_REMEMBERED_SECONDS * settings.stability)
        self._kept: dict[int, NDArray[np.float32]] = {}  # pixels that clusters always have
        self._time = 0.0

    def forget_clusters(self, numbers: Iterable[int] | None = None) -> None:
        """Forget the own pixels of some clusters, or of all."""
        for number in list(self._kept) if numbers is None else numbers:
            self._kept.pop(int(number), None)

    def repaint(self, change: LightChange) -> None:
        """Show what is remembered under another light."""
        self._kept = {number: change.applied_to(kept) for number, kept in self._kept.items()}
        self.memory.repaint(change)

    def begin(
        self, colors: NDArray[np.float32], n_clusters: int, seed: int, *, is_first: bool
    ) -> NDArray[np.float32]:
        """Centroids found from nothing: of a frame, and of what else is known of its shot."""
        settings = self._settings
        attempts = settings.attempts if is_first else min(settings.attempts, _ATTEMPTS)
        remembered = self.memory.colors
        known = remembered if len(remembered) > len(colors) else colors
        found = cold_fit(known, settings, seed, n_clusters, attempts)
        if len(self.memory.ahead) and self._compare(colors, found)[1] > _TOO_FAR_AHEAD:
            self.memory.sees_ahead = False
        return found

    def is_due(self, time: float) -> bool:
        """Whether the last step is long enough ago: more of them move nothing farther."""
        return time >= self._time + _STEP_SECONDS

    def step(
        self, centroids: NDArray[np.float32], time: float, pinned: AbstractSet[int]
    ) -> NDArray[np.float32]:
        """Centroids moved to where they fit what is remembered, no faster than is good to see.

        Parameters
        ----------
        centroids : ndarray of float32, shape (K, 3)
        time : float
            Seconds.
        pinned : set of int
            Clusters that stay where they are.
        """
        colors = self.memory.colors
        labels, _ = kernels.nearest(colors, centroids)
        colors, labels = self._with_kept(colors, labels, len(centroids))
        held = [number for number in pinned if number < len(centroids)]
        if held:
            free = ~np.isin(labels, held)
            colors, labels = colors[free], labels[free]
        if not len(colors):
            return centroids
        fitted = refine(colors, labels, centroids, self._settings.epsilon)
        fitted[held] = centroids[held]
        ways = fitted - centroids
        lengths = np.linalg.norm(ways, axis=1, keepdims=True)
        stability = self._settings.stability
        seconds = min(max(time - self._time, 0.0), _LONGEST_STEP_SECONDS)
        self._time = time
        if stability:
            most = _FASTEST / stability * self._scale * seconds
            ways *= np.minimum(most / np.maximum(lengths, 1e-9), 1).astype(np.float32)
            ways[lengths[:, 0] < _NOT_WORTH_A_MOVE * stability * self._scale] = 0
        return centroids + ways if ways.any() else centroids

    def mend(
        self,
        centroids: NDArray[np.float32],
        colors: NDArray[np.float32],
        time: float,
        *,
        may_give_up: bool,
    ) -> NDArray[np.float32]:
        """Forget what keeps a palette from suiting the present frame.

        Parameters
        ----------
        centroids : ndarray of float32, shape (K, 3)
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame.
        time : float
            Seconds.
        may_give_up : bool
            Whether the frame's own palette may take the place of one that is far off.

        Returns
        -------
        ndarray of float32, shape (K, 3)
            The same centroids, or the frame's own under their numbers.
        """
        memory = self.memory
        own, excess = self._compare(colors, centroids)
        if excess > _FAR_OFF and may_give_up:
            centroids = own
            self.forget_clusters()
            memory.forget_past()
            memory.remember(time, colors)
        elif excess > _MISFIT:
            memory.forget_half()
        if excess > _TOO_FAR_AHEAD:
            memory.sees_ahead = False
        elif not memory.sees_ahead:
            ahead, limit = memory.ahead, _FAR_OFF * inertia_of(colors, centroids)
            memory.sees_ahead = not len(ahead) or inertia_of(ahead, centroids) < limit
        return centroids

    def _compare(
        self, colors: NDArray[np.float32], centroids: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], float]:
        """A palette for a frame's sake alone, and by what factor its inertia is more without."""
        few = np.ascontiguousarray(colors[:: max(len(colors) // _OWN_PIXELS, 1)])
        settings = replace(self._settings, max_iterations=_OWN_ITERATIONS)
        fresh = cold_fit(few, settings, settings.seed, len(centroids), attempts=1)
        rounding = _ROUNDING * self._scale**2
        excess = (inertia_of(few, centroids) + rounding) / (inertia_of(few, fresh) + rounding)
        return renumbered(centroids, fresh), excess

    def _with_kept(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], n_clusters: int
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Colours and labels, and the pixels that clusters which have hardly any always have."""
        all_colors, all_labels = [colors], [labels]
        for number, count in enumerate(np.bincount(labels, minlength=n_clusters)):
            if count >= _KEPT_PIXELS:
                own = np.flatnonzero(labels == number)
                self._kept[number] = colors[own[:: len(own) // _KEPT_PIXELS]]
            elif number in self._kept:
                kept = self._kept[number]
                all_colors.append(kept)
                all_labels.append(np.full(len(kept), number, np.uint8))
        return np.concatenate(all_colors), np.concatenate(all_labels)
