"""K-means fits as pure functions: cold, and from given labels.

Every fit is `cv2.kmeans`. It would move an empty cluster into another one, and so give its number
away; here an empty cluster stays where it was.

References
----------
.. [1] S. P. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28 (1982).
.. [2] OpenCV, "Clustering and Search in Multi-Dimensional Spaces" (`cv2.kmeans`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.core.color_spaces import from_working, luma
from kseg_video.native import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.settings import ColorSpace, SegmenterSettings

_DISTINCT_PREFIX = 512
# Attempts fit about this many points, and the best one is refined on all. 4 times as many points
# change the inertia by 0.2% on average, either way, and take 4 times as long.
_ATTEMPT_PIXELS = 3_000
_STARTS = {"k-means++": cv2.KMEANS_PP_CENTERS, "random": cv2.KMEANS_RANDOM_CENTERS}


def cold_fit(
    colors: NDArray[np.float32],
    settings: SegmenterSettings,
    seed: int,
    n_clusters: int,
    attempts: int | None = None,
) -> NDArray[np.float32]:
    """Fit centroids cold, without earlier ones.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        Points of the working space, N at least 1.
    settings : SegmenterSettings
    seed : int
        Seed of the random numbers.
    n_clusters : int
    attempts : int, optional
        Overrides the attempts of the settings. More find a lower inertia and take longer.

    Returns
    -------
    ndarray of float32, shape (R, 3)
        R is `n_clusters`, or the number of distinct colours if they are fewer.
    """
    distinct = _first_distinct(colors, n_clusters + 1)
    if len(distinct) <= n_clusters:
        return distinct
    points = colors if settings.init == "random" else _some(colors, n_clusters + 1)
    cv2.setRNGSeed(seed)  # of this thread
    centroids, _ = _kmeans(
        points,
        n_clusters,
        None,
        (settings.max_iterations, settings.epsilon),
        attempts or settings.attempts,
        _STARTS[settings.init],
    )
    if points is colors:
        return centroids
    return _kmeans(
        colors,
        n_clusters,
        kernels.nearest(colors, centroids)[0].astype(np.int32),
        (settings.max_iterations, settings.epsilon),
        1,
        cv2.KMEANS_USE_INITIAL_LABELS,
    )[0]


def refine(
    colors: NDArray[np.float32],
    labels: NDArray[np.uint8],
    centroids: NDArray[np.float32],
    epsilon: float,
    iterations: int = 2,
) -> NDArray[np.float32]:
    """Refine centroids from given labels by Lloyd's algorithm [1]_; their order stays.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    labels : ndarray of uint8, shape (N,)
    centroids : ndarray of float32, shape (K, 3)
        Clusters without colours keep their centroid.
    epsilon : float
        The fit ends when no centroid moves farther.
    iterations : int
        Maximum number of iterations, at least 2. A few are enough where fits follow one another,
        since the next fit goes on converging.

    Returns
    -------
    ndarray of float32, shape (K, 3)
    """
    present, labels = _lasting(colors, labels, centroids)
    positions = np.zeros(len(centroids), np.int32)
    positions[present] = np.arange(len(present))
    moved = centroids.copy()
    moved[present], _ = _kmeans(
        colors,
        len(present),
        positions[labels],
        (iterations, epsilon),
        1,
        cv2.KMEANS_USE_INITIAL_LABELS,
    )
    return moved


def means_of(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean colour of each label; a label without colours keeps its centroid."""
    counts = np.bincount(labels, minlength=len(centroids))[:, np.newaxis]
    sums = [np.bincount(labels, channel, len(centroids)) for channel in colors.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)
    return np.where(counts > 0, means, centroids).astype(np.float32)


def dark_to_light(centroids: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """Sort centroids by luma, the order in which clusters are numbered; (K, 3) to (K, 3)."""
    return centroids[np.argsort(luma(from_working(centroids, space)), kind="stable")]


def _kmeans(
    colors: NDArray[np.float32],
    n_clusters: int,
    labels: NDArray[np.int32] | None,
    criteria: tuple[int, float],
    attempts: int,
    flags: int,
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """`cv2.kmeans` [2]_: centroids (K, 3) and labels (N, 1)."""
    _, found, centroids = cv2.kmeans(
        colors.reshape(-1, 1, 3),  # OpenCV would read shape (1, 3) as three 1-D points
        n_clusters,
        cast("NDArray[np.int32]", labels),
        (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, *criteria),
        attempts,
        flags,
    )
    return cast("NDArray[np.float32]", centroids), cast("NDArray[np.int32]", found)


def _lasting(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> tuple[NDArray[np.intp], NDArray[np.uint8]]:
    """Clusters that do not run empty in a Lloyd step, and the labels restricted to them.

    `cv2.kmeans` would refill an empty cluster from the largest one.
    """
    present = np.flatnonzero(np.bincount(labels, minlength=len(centroids)))
    while True:
        means = means_of(colors, labels, centroids)[present]
        found, _ = kernels.nearest(colors, means)
        counts = np.bincount(found, minlength=len(present))
        if counts.all():
            return present, labels
        lost = np.isin(labels, present[counts == 0])
        present, kept = present[counts > 0], means[counts > 0]
        labels = labels.copy()
        labels[lost] = present[kernels.nearest(colors[lost], kept)[0]]


def _some(colors: NDArray[np.float32], n_distinct: int) -> NDArray[np.float32]:
    """A subset of the colours for attempts, or all if it had too few distinct colours."""
    if (stride := len(colors) // _ATTEMPT_PIXELS) < 2:
        return colors
    some = np.ascontiguousarray(colors[::stride])
    return some if len(_first_distinct(some, n_distinct)) == n_distinct else colors


def _first_distinct(colors: NDArray[np.float32], limit: int) -> NDArray[np.float32]:
    """Up to `limit` distinct rows."""
    # np.unique would first import NumPy's masked arrays, which takes longer than a fit.
    found = sorted(set(map(tuple, colors[:_DISTINCT_PREFIX].tolist())))
    if len(found) >= limit or len(colors) <= _DISTINCT_PREFIX:
        return np.array(found[:limit], np.float32)
    # With so few distinct colours, removing each known one is cheaper than sorting a whole image.
    known: list[NDArray[np.float32]] = []
    rest = colors
    while len(known) < limit and len(rest):
        known.append(rest[0])
        rest = rest[(rest != rest[0]).any(axis=1)]
    return np.stack(known)
