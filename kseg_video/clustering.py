"""Fits of k-means to colours, as pure functions: from nothing, and from labels.

Each iteration is that of `cv2.kmeans`, in a fraction of its time, but that a cluster without any
colour keeps its place: there it would be moved into another one, and so give its number away.

References
----------
.. [1] S. P. Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28 (1982).
.. [2] OpenCV, "Clustering and Search in Multi-Dimensional Spaces" (`cv2.kmeans`).
"""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video import compiled
from kseg_video.color import from_working, luma
from kseg_video.mapping import inertia_of_labels, nearest
from kseg_video.seeding import Seeding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.settings import ColorSpace, SegmenterSettings

_DISTINCT_PREFIX = 512
# Of a warm fit: what is left to converge can do so on the frames that follow.
WARM_ITERATIONS = 2
# Attempts of k-means++ look at about so many points; the best one is then polished on all.
_ATTEMPT_PIXELS = 20_000


def cold_fit(
    colors: NDArray[np.float32],
    settings: SegmenterSettings,
    seed: int,
    n_clusters: int,
    attempts: int | None = None,
    iterations: int | None = None,
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
    attempts, iterations : int, optional
        Instead of those of the settings.

    Returns
    -------
    ndarray of float32, shape (R, 3)
        R is `n_clusters`, or the number of distinct colours if they are fewer.
    """
    distinct = _first_distinct(colors, n_clusters + 1)
    if len(distinct) <= n_clusters:
        return distinct
    attempts = attempts or settings.attempts
    iterations = iterations or settings.max_iterations
    if settings.init == "random":
        return _opencv_kmeans(colors, settings, seed, n_clusters, attempts, iterations)
    points = _some(colors, n_clusters + 1)
    seeding, random = Seeding(points), Random(seed)
    fits = []
    for _ in range(attempts):
        start = points[seeding.choose(n_clusters, random)]
        fits.append(fit_from(points, start, settings.epsilon, iterations))
    found, _ = min(fits, key=lambda fit: fit[1])
    if points is colors:
        return found
    return fit_from(colors, found, settings.epsilon, settings.max_iterations)[0]


class ColdFits:
    """Cold fits one after another, each from a seed of its own.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self.settings = settings
        self._count = 0

    def fit(
        self,
        colors: NDArray[np.float32],
        n_clusters: int,
        attempts: int | None = None,
        iterations: int | None = None,
    ) -> NDArray[np.float32]:
        """The next fit; see `cold_fit`."""
        seed = (self.settings.seed + self._count) % 2**31
        self._count += 1
        return cold_fit(colors, self.settings, seed, n_clusters, attempts, iterations)


def polish(
    colors: NDArray[np.float32],
    labels: NDArray[np.uint8],
    centroids: NDArray[np.float32],
    epsilon: float,
    iterations: int = WARM_ITERATIONS,
) -> tuple[NDArray[np.float32], float]:
    """Centroids improved from given labels by Lloyd's algorithm [1]_, in the same order.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    labels : ndarray of uint8, shape (N,)
    centroids : ndarray of float32, shape (K, 3)
    epsilon : float
        Ends when no centroid moves farther.
    iterations : int
        Ends after so many.

    Returns
    -------
    centroids : ndarray of float32, shape (K, 3)
    inertia : float
        Mean squared distance to those that colours were nearest to before the last iteration.
    """
    iterate = _iterate if compiled.library is None else compiled.iterate
    moved, labels = iterate(colors, labels, centroids, epsilon, iterations)
    return moved, inertia_of_labels(colors, labels, moved)


def fit_from(
    colors: NDArray[np.float32], centroids: NDArray[np.float32], epsilon: float, iterations: int
) -> tuple[NDArray[np.float32], float]:
    """Centroids improved from where they are; see `polish`."""
    labels, _ = nearest(colors, centroids)
    return polish(colors, labels, centroids, epsilon, iterations)


def dark_to_light(centroids: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """Points of a working space by their luma, as clusters are numbered; (K, 3) to (K, 3)."""
    return centroids[np.argsort(luma(from_working(centroids, space)), kind="stable")]


def _opencv_kmeans(
    colors: NDArray[np.float32],
    settings: SegmenterSettings,
    seed: int,
    n_clusters: int,
    attempts: int,
    iterations: int,
) -> NDArray[np.float32]:
    """Centroids by `cv2.kmeans` [2]_ from random ones, as many examples have it."""
    cv2.setRNGSeed(seed)
    _, _, centroids = cv2.kmeans(
        colors.reshape(-1, 1, 3),  # a single row of three would be three points of one dimension
        n_clusters,
        cast("NDArray[np.int32]", None),
        (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, iterations, settings.epsilon),
        attempts,
        cv2.KMEANS_RANDOM_CENTERS,
    )
    return cast("NDArray[np.float32]", centroids)


def _some(colors: NDArray[np.float32], n_distinct: int) -> NDArray[np.float32]:
    """Enough of the colours for attempts; all if those would not have enough distinct ones."""
    if (stride := len(colors) // _ATTEMPT_PIXELS) < 2:
        return colors
    some = np.ascontiguousarray(colors[::stride])
    return some if len(_first_distinct(some, n_distinct)) == n_distinct else colors


def _iterate(
    colors: NDArray[np.float32],
    labels: NDArray[np.uint8],
    centroids: NDArray[np.float32],
    epsilon: float,
    iterations: int,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Centroids after Lloyd's iterations, and the labels before the last."""
    moved = _means(colors, labels, centroids)
    for _ in range(iterations - 1):
        centroids = moved
        labels, _ = nearest(colors, centroids)
        moved = _means(colors, labels, centroids)
        x, y, z = ((moved - centroids) ** 2).T
        if (x + y + z).max() <= epsilon**2:
            break
    return moved, labels


def _means(
    colors: NDArray[np.float32], labels: NDArray[np.uint8], centroids: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Mean colour of each label, or its centroid if it has no colour."""
    members, n_labels = labels.astype(np.intp), len(centroids)
    sums = np.stack([np.bincount(members, channel, n_labels) for channel in colors.T], axis=1)
    counts = np.bincount(members, minlength=n_labels)[:, np.newaxis]
    means = sums / np.maximum(counts, 1)
    return np.where(counts > 0, means, centroids).astype(np.float32)


def _first_distinct(colors: NDArray[np.float32], limit: int) -> NDArray[np.float32]:
    """Up to `limit` distinct rows."""
    # NumPy's own unique would first import its masked arrays, which takes longer than a fit.
    found = sorted(set(map(tuple, colors[:_DISTINCT_PREFIX].tolist())))
    if len(found) >= limit or len(colors) <= _DISTINCT_PREFIX:
        return np.array(found[:limit], np.float32)
    # Few colours so far: drop the known ones, which needs no sorting of a whole still.
    known: list[NDArray[np.float32]] = []
    rest = colors
    while len(known) < limit and len(rest):
        known.append(rest[0])
        rest = rest[(rest != rest[0]).any(axis=1)]
    return np.stack(known)
