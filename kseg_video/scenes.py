"""The beginning of a scene: fitted cold, under the numbers of the colours that earlier ones had."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.clusters import Clusters
from kseg_video.mapping import inertia_of

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.clustering import ColdFits

_KEPT = 8
_SAME_SCENE = 1.3  # inertia of an old palette over that of a fresh fit


class Scenes:
    """The palettes of the scenes so far.

    Parameters
    ----------
    fits : ColdFits
    reach : float
        Distance within which a colour is taken for a cluster's own.
    """

    def __init__(self, fits: ColdFits, reach: float) -> None:
        self._fits = fits
        self._reach = reach
        self._palettes: list[NDArray[np.float32]] = []

    def begin(
        self, colors: NDArray[np.float32], state: Clusters, pinned: AbstractSet[int]
    ) -> Clusters:
        """A cold fit, numbered after the colours that the scene shares with earlier ones.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            The sample of its first frame.
        state : Clusters
            At the end of the scene before.
        pinned : set of int
            Clusters whose numbers may never pass to another colour.
        """
        self._palettes = [*self._palettes, state.centroids][-_KEPT:]
        n_clusters = self._fits.settings.n_clusters
        fresh = self._fits.fit(colors, n_clusters)
        known = min(self._palettes, key=lambda palette: inertia_of(colors, palette)).copy()
        if inertia_of(colors, known) > _SAME_SCENE * inertia_of(colors, fresh):
            known = state.centroids.copy()
        held = [number for number in pinned if number < min(len(known), len(state.centroids))]
        known[held] = state.centroids[held]
        found, absent = Clusters.renumbered(colors, known, fresh, set()), set[int]()
        while strayed := found.strayed(known, pinned, self._reach):
            absent |= strayed
            if len(absent) == n_clusters:
                break  # something must take the pixels
            fresh = self._fits.fit(colors, n_clusters - len(absent))
            found = Clusters.renumbered(colors, known, fresh, absent)
        return found
