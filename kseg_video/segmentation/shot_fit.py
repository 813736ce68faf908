"""Fits of a palette to the memory of a shot: cold at its beginning, then step by step."""

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

# At full stability: seconds of memory; the fastest a centroid moves, in colour levels a second; and
# the shortest move that is made, in levels. At twice the speed, twice as many colours are painted
# differently from a second ago, and the inertia is 0.5% lower.
_REMEMBERED_SECONDS = 20.0
_FASTEST = 5.0
_NOT_WORTH_A_MOVE = 1.0
_STEP_SECONDS, _LONGEST_STEP_SECONDS = 0.2, 0.4
_KEPT_PIXELS = 50  # fewest pixels with which a cluster enters a fit
_ATTEMPTS = 3  # of cold fits after the first; their inertia is within 0.2% of that of ten
# Inertia relative to a palette fitted to the frame alone, above which: the older half of the shot
# is forgotten; upcoming frames no longer count, as in a fade from black; the palette is replaced by
# the frame's own. Less fits frames more closely; more keeps the palette stiller.
_MISFIT, _TOO_FAR_AHEAD, _FAR_OFF = 1.12, 1.45, 1.8
_OWN_PIXELS, _OWN_ITERATIONS = 4000, 8
_ROUNDING = 1.0  # invisible mean squared error, in levels; keeps ratios of tiny inertias near 1


class ShotFit:
    """The memory of a shot, and the fits of the palette to it.

    Parameters
    ----------
    settings : SegmenterSettings

    Attributes
    ----------
    memory : PixelMemory
        Pixels of the shot.
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._settings = settings
        self._scale = color_scale(settings.color_space)
        self.memory = PixelMemory(_REMEMBERED_SECONDS * settings.stability)
        self._kept: dict[int, NDArray[np.float32]] = {}  # last own pixels of each cluster
        self._time = 0.0

    def forget_clusters(self, numbers: Iterable[int] | None = None) -> None:
        """Forget the kept pixels of some clusters, or of all."""
        for number in list(self._kept) if numbers is None else numbers:
            self._kept.pop(int(number), None)

    def repaint(self, change: LightChange) -> None:
        """Convert the remembered and kept pixels to another light."""
        self._kept = {number: change.applied_to(kept) for number, kept in self._kept.items()}
        self.memory.repaint(change)

    def begin(
        self, colors: NDArray[np.float32], n_clusters: int, seed: int, *, is_first: bool
    ) -> NDArray[np.float32]:
        """Fit cold to the memory of the shot, or to the frame if that has more pixels."""
        settings = self._settings
        attempts = settings.attempts if is_first else min(settings.attempts, _ATTEMPTS)
        remembered = self.memory.colors
        known = remembered if len(remembered) > len(colors) else colors
        found = cold_fit(known, settings, seed, n_clusters, attempts)
        if len(self.memory.ahead) and self._compare(colors, found)[1] > _TOO_FAR_AHEAD:
            self.memory.sees_ahead = False
        return found

    def is_due(self, time: float) -> bool:
        """Whether a step is due; more frequent steps would not move centroids any faster."""
        return time >= self._time + _STEP_SECONDS

    def step(
        self, centroids: NDArray[np.float32], time: float, pinned: AbstractSet[int]
    ) -> NDArray[np.float32]:
        """Move centroids towards the fit of the memory, at a limited speed.

        Parameters
        ----------
        centroids : ndarray of float32, shape (K, 3)
        time : float
            Time of the frame in seconds.
        pinned : set of int
            Clusters that do not move.
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
        """Drop the part of the memory that keeps the palette from fitting the present frame.

        Parameters
        ----------
        centroids : ndarray of float32, shape (K, 3)
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame.
        time : float
            Time of the frame in seconds.
        may_give_up : bool
            Whether a palette that fits badly may be replaced by one fitted to the frame alone.

        Returns
        -------
        ndarray of float32, shape (K, 3)
            The same centroids, or those of the frame alone under the same numbers.
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
        """A palette fitted to the frame alone, and the present inertia relative to its own."""
        few = np.ascontiguousarray(colors[:: max(len(colors) // _OWN_PIXELS, 1)])
        settings = replace(self._settings, max_iterations=_OWN_ITERATIONS)
        fresh = cold_fit(few, settings, settings.seed, len(centroids), attempts=1)
        rounding = _ROUNDING * self._scale**2
        excess = (inertia_of(few, centroids) + rounding) / (inertia_of(few, fresh) + rounding)
        return renumbered(centroids, fresh), excess

    def _with_kept(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], n_clusters: int
    ) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Add the kept pixels of clusters that have hardly any colours."""
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
