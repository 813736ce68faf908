"""Earlier palettes of a video, reused when a scene comes back."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from kseg_video.segmentation.nearest_centroid import inertia_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_KEPT_PALETTES = 8
# Largest inertia of an old palette, relative to a fresh fit, at which the scene counts as known.
_SAME_SCENE = 1.3


class PaletteHistory:
    """The most recent palettes that were replaced, with their cluster numbers."""

    def __init__(self) -> None:
        self._palettes: deque[NDArray[np.float32]] = deque(maxlen=_KEPT_PALETTES)

    def remember(self, centroids: NDArray[np.float32]) -> None:
        """Keep a palette that is being replaced."""
        self._palettes.append(centroids)

    def forget(self) -> None:
        """Forget all palettes."""
        self._palettes.clear()

    def best_match(
        self, colors: NDArray[np.float32], fresh: NDArray[np.float32]
    ) -> NDArray[np.float32]:
        """Choose the palette from which a new shot takes its cluster numbers.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the shot's first frame.
        fresh : ndarray of float32, shape (K, 3)
            Centroids fitted to the shot.

        Returns
        -------
        ndarray of float32, shape (M, 3)
            The palette that fits the frame best if it fits about as well as the fresh one, else the
            last palette.
        """
        best = min(self._palettes, key=lambda palette: inertia_of(colors, palette))
        is_same = inertia_of(colors, best) <= _SAME_SCENE * inertia_of(colors, fresh)
        return (best if is_same else self._palettes[-1]).copy()

    def fitting_again(
        self,
        colors: NDArray[np.float32],
        present: NDArray[np.float32],
        held: Sequence[int],
        most: float,
    ) -> NDArray[np.float32] | None:
        """Find the latest palette whose inertia on a frame is below a limit.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame.
        present : ndarray of float32, shape (K, 3)
            Centroids in use.
        held : sequence of int
            Clusters that keep their present centroid.
        most : float
            Limit of the inertia.
        """
        for known in reversed(self._palettes):
            if len(known) == len(present):
                again = known.copy()
                again[held] = present[held]
                if inertia_of(colors, again) < most:
                    return again
        return None
