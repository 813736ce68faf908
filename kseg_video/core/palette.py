"""The palette: what the clusters look like and how much of the picture each one holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.cie_lab import cie_lab
from kseg_video.native import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ANOTHER_COLOR = 24.0  # levels, from which on a colour is taken for another one


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """Clusters of one frame; row i is cluster i.

    Parameters
    ----------
    centroids : ndarray of float32, shape (K, 3)
        Centres in the working colour space (see `kseg_video.core.color_spaces`).
    colors : ndarray of uint8, shape (K, 3)
        The clusters as BGR colours: their centres.
    shares : ndarray of float64, shape (K,)
        Part of the frame's pixels in each cluster; they sum to 1.
    real : ndarray of bool, shape (K,)
        Whether the cluster has been found. A picture with fewer distinct colours than clusters
        leaves some unfound: they have no pixels and repeat the colour of the last real one.
    """

    centroids: NDArray[np.float32]
    colors: NDArray[np.uint8]
    shares: NDArray[np.float64]
    real: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.centroids)

    @property
    def n_real(self) -> int:
        """Number of clusters that have been found, at most K."""
        return int(self.real.sum())

    @property
    def hex_colors(self) -> list[str]:
        """Colours as ``#rrggbb``."""
        return [f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in self.colors.tolist()]

    @property
    def lab(self) -> NDArray[np.float32]:
        """The colours in CIE L*a*b* under D65, (K, 3); L* from 0 to 100."""
        return cie_lab(self.colors.astype(np.float32))


def first_hex_colors(palette: Palette, first: Palette) -> list[str | None]:
    """Colours of a palette's clusters in the first frame; None where one had not been found yet."""
    colors = zip(first.hex_colors, first.real.tolist(), strict=True)
    return [color if real else None for color, real in colors][: len(palette)]


def changes_since_first(palette: Palette, first: Palette) -> str:
    """Clusters that were, in the first frame, another colour than they are in a palette; or none.

    Parameters
    ----------
    palette : Palette
    first : Palette
        That of the first frame, with as many clusters at least.

    Returns
    -------
    str
        Such as ``2 as #808080, 3 not there``.
    """
    ways = palette.colors.astype(np.float64) - first.colors[: len(palette)]
    has_changed = np.linalg.norm(ways, axis=1) > _ANOTHER_COLOR
    known = palette.real & (palette.shares > 0)
    return ", ".join(
        f"{number} not there" if color is None else f"{number} as {color}"
        for number, color in enumerate(first_hex_colors(palette, first))
        if known[number] and (color is None or has_changed[number])
    )


def shares_of(labels: NDArray[np.uint8], n_clusters: int) -> NDArray[np.float64]:
    """Part of a label map that each cluster has; (H, W) to (K,)."""
    return kernels.count_labels(labels, n_clusters) / labels.size
