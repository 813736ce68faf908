"""The palette: the clusters' colours and their shares of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.cie_lab import cie_lab
from kseg_video.native import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Distance in BGR levels above which a cluster's colour counts as changed since the first frame:
# less notes smaller drifts, more only changes that anybody would see.
_ANOTHER_COLOR = 24.0


@dataclass(frozen=True, slots=True, eq=False)
class Palette:
    """The clusters of one or more frames; row i is cluster i.

    Parameters
    ----------
    centroids : ndarray of float32, shape (K, 3)
        Cluster centres in the working colour space (see `kseg_video.core.color_spaces`).
    colors : ndarray of uint8, shape (K, 3)
        The centroids as BGR colours.
    shares : ndarray of float64, shape (K,)
        Fraction of the pixels in each cluster; they sum to 1.
    real : ndarray of bool, shape (K,)
        Whether the cluster has been found. If the picture has fewer distinct colours than clusters,
        the others have no pixels and repeat the colour of the last real one.
    """

    centroids: NDArray[np.float32]
    colors: NDArray[np.uint8]
    shares: NDArray[np.float64]
    real: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.centroids)

    def __repr__(self) -> str:
        return f"<Palette of {self.in_words}>"

    def _repr_html_(self) -> str:
        """Swatches with number, colour and share, for notebooks."""
        rows = "".join(
            f'<tr><td>{number}</td><td style="background:{color};width:4em"></td>'
            f"<td>{color}</td><td>{share:.1%}</td></tr>"
            for number, color, share in self._of_real()
        )
        return f"<table>{rows}</table>"

    @property
    def in_words(self) -> str:
        """The real clusters in a few words: number, colour and share of each."""
        told = ", ".join(
            f"{number} {color} {share:.1%}" for number, color, share in self._of_real()
        )
        return f"{len(self)} clusters: {told}"

    def _of_real(self) -> list[tuple[int, str, float]]:
        rows = zip(self.hex_colors, self.shares.tolist(), self.real.tolist(), strict=True)
        return [(number, color, share) for number, (color, share, real) in enumerate(rows) if real]

    @property
    def n_real(self) -> int:
        """Number of real clusters, at most K."""
        return int(self.real.sum())

    @property
    def hex_colors(self) -> list[str]:
        """Colours as ``#rrggbb``."""
        return list(hex_colors(self.colors))

    @property
    def lab(self) -> NDArray[np.float32]:
        """The colours in CIE L*a*b* under D65, (K, 3); L* from 0 to 100."""
        return cie_lab(self.colors.astype(np.float32))


def hex_colors(colors: NDArray[np.uint8]) -> tuple[str, ...]:
    """BGR colours as ``#rrggbb``; (K, 3) to K."""
    return tuple(f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in colors.tolist())


class ColorWatch:
    """Watches whether the clusters of a video still have the colours that they began with."""

    def __init__(self) -> None:
        self.colors: NDArray[np.uint8] = np.zeros((0, 3), np.uint8)
        self._real: NDArray[np.bool_] = np.zeros(0, bool)

    def changed(self, colors: NDArray[np.uint8], real: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which clusters have become another colour, or are new; they are watched anew from then.

        Parameters
        ----------
        colors : ndarray of uint8, shape (K, 3)
            BGR colours of the clusters now.
        real : ndarray of bool, shape (K,)
            Whether each has been found.

        Returns
        -------
        ndarray of bool, shape (K,)
            All where the number of clusters has changed.
        """
        if len(colors) == len(self.colors):
            ways = np.linalg.norm(colors.astype(np.float64) - self.colors, axis=1)
            changed: NDArray[np.bool_] = real & ((ways > _ANOTHER_COLOR) | ~self._real)
        else:
            changed = np.ones(len(colors), bool)
            self.colors = colors
        self._real = real
        self.colors = np.where(changed[:, np.newaxis], colors, self.colors)
        return changed


def first_hex_colors(palette: Palette, first: Palette) -> list[str | None]:
    """Colours of the clusters in the first frame; None for those not found there yet."""
    colors = zip(first.hex_colors, first.real.tolist(), strict=True)
    return [color if real else None for color, real in colors][: len(palette)]


def changes_since_first(palette: Palette, first: Palette) -> str:
    """List the clusters whose colour differs from that in the first frame.

    Parameters
    ----------
    palette : Palette
    first : Palette
        The palette of the first frame, with at least as many clusters.

    Returns
    -------
    str
        Such as ``2 as #808080, 3 not there``; empty if there are none.
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
    """Fraction of a label map's pixels in each cluster; (H, W) to (K,)."""
    return kernels.count_labels(labels, n_clusters) / labels.size
