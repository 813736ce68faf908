"""Fits of k-means to colours, as pure functions: from nothing, and from labels.

Every fit is `cv2.kmeans`. Where it would move a cluster without colours into another one, and so
give its number away, the cluster stays where it was.

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
# Attempts look at about so many points, the best one is then refined on all: 5 times as many find
# starts whose inertia is 0.2% less, in 5 times the time.
_ATTEMPT_PIXELS = 20_000
_STARTS = {"k-means++": cv2.KMEANS_PP_CENTERS, "random": cv2.KMEANS_RANDOM_CENTERS}


def cold_fit(
    colors: NDArray[np.float32],
    settings: SegmenterSettings,
    seed: int,
    n_clusters: int,
    attempts: int | None = None,
) -> NDArray[np.float32]:
    """Centroids found from nothing.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        Points of the working space, N at least 1.
    settings : SegmenterSettings
    seed : int
        Of the random numbers.
    n_clusters : int
    attempts : int, optional
        Instead of those of the settings.

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
    """Centroids improved from given labels by Lloyd's algorithm [1]_, in the same order.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    labels : ndarray of uint8, shape (N,)
    centroids : ndarray of float32, shape (K, 3)
        Where those without colours stay.
    epsilon : float
        Ends when no centroid moves farther.
    iterations : int
        Ends after so many, at least 2. Few are enough where fits follow one another: what is left
        to converge can do so in the next.

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
    """Mean colour of each label, or its centroid if it has no colour."""
    counts = np.bincount(labels, minlength=len(centroids))[:, np.newaxis]
    sums = [np.bincount(labels, channel, len(centroids)) for channel in colors.T]
    means = np.stack(sums, axis=1) / np.maximum(counts, 1)
    return np.where(counts > 0, means, centroids).astype(np.float32)


def dark_to_light(centroids: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """Points of a working space by their luma, as clusters are numbered; (K, 3) to (K, 3)."""
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
        colors.reshape(-1, 1, 3),  # a single row of three would be three points of one dimension
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
    """Clusters that keep colours in a step of Lloyd's, and labels by these alone.

    `cv2.kmeans` would fill the others with colours of the largest one.
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
    """Enough of the colours for attempts; all if those would not have enough distinct ones."""
    if (stride := len(colors) // _ATTEMPT_PIXELS) < 2:
        return colors
    some = np.ascontiguousarray(colors[::stride])
    return some if len(_first_distinct(some, n_distinct)) == n_distinct else colors


def _first_distinct(colors: NDArray[np.float32], limit: int) -> NDArray[np.float32]:
    """Up to `limit` distinct rows."""
    # NumPy's own unique would first import its masked arrays, which takes longer than a fit.
    found = sorted(set(map(tuple, colors[:_DISTINCT_PREFIX].tolist())))
    if len(found) >= limit or len(colors) <= _DISTINCT_PREFIX:
        return np.array(found[:limit], np.float32)
    # Few colours so far: drop the known ones, which needs no sorting of a whole image.
    known: list[NDArray[np.float32]] = []
    rest = colors
    while len(known) < limit and len(rest):
        known.append(rest[0])
        rest = rest[(rest != rest[0]).any(axis=1)]
    return np.stack(known)
