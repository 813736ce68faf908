"""The palette through time: one cold fit, then warm fits that keep every cluster's number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.clustering import cold_fit, warm_fit
from kseg_video.color import from_working, luma
from kseg_video.mapping import nearest
from kseg_video.palette import match_centroids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.frame import Event
    from kseg_video.settings import SegmenterSettings


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Centroids of one frame.

    Parameters
    ----------
    centroids : ndarray of float32, shape (K, 3)
        Row i is cluster i; rows that are not real repeat the last real one.
    real : ndarray of bool, shape (K,)
        Whether the cluster has been found.
    event : {"cold", "warm", "reseed"}
        How the centroids were found.
    """

    centroids: NDArray[np.float32]
    real: NDArray[np.bool_]
    event: Event


class PaletteTracker:
    """Follows the clusters of a video from frame to frame.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._settings = settings
        self._centroids = np.empty((0, 3), np.float32)  # the real ones
        self._fits = 0

    def update(self, colors: NDArray[np.float32]) -> Track:
        """Centroids for the next frame.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame's colours in the working space.
        """
        event: Event = "warm"
        if not len(self._centroids):
            event = "cold"
            self._centroids = self._dark_to_light(self._fit_cold(colors))
        elif self._finds_more(colors):
            event = "reseed"
            fresh = self._fit_cold(colors)
            self._centroids = fresh[match_centroids(self._centroids, fresh)]
        else:
            self._centroids = warm_fit(colors, self._centroids, self._settings)
        return self._track(event)

    def _fit_cold(self, colors: NDArray[np.float32]) -> NDArray[np.float32]:
        seed = (self._settings.seed + self._fits) % 2**31
        self._fits += 1
        return cold_fit(colors, self._settings, seed)

    def _dark_to_light(self, centroids: NDArray[np.float32]) -> NDArray[np.float32]:
        brightness = luma(from_working(centroids, self._settings.color_space))
        return centroids[np.argsort(brightness, kind="stable")]

    def _finds_more(self, colors: NDArray[np.float32]) -> bool:
        """Whether clusters that earlier frames had no colours for have some now."""
        if len(self._centroids) == self._settings.n_clusters:
            return False
        _, distances = nearest(colors, self._centroids)
        return bool(distances.max() > self._settings.epsilon**2)

    def _track(self, event: Event) -> Track:
        n_real = len(self._centroids)
        missing = self._settings.n_clusters - n_real
        centroids = np.concatenate([self._centroids, self._centroids[-1:].repeat(missing, axis=0)])
        return Track(centroids, np.arange(len(centroids)) < n_real, event)
