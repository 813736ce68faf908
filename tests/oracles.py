"""What others say: k-means of all pixels by OpenCV, as its users call it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def opencv_kmeans(
    colors: NDArray[np.float32],
    n_clusters: int,
    attempts: int = 10,
    start: int = cv2.KMEANS_PP_CENTERS,
    seed: int = 0,
) -> tuple[float, NDArray[np.float32]]:
    """Sum of the squared distances, and centroids; (N, 3) to (K, 3)."""
    cv2.setRNGSeed(seed)
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 0.2)
    compactness, _, centroids = cv2.kmeans(
        colors,
        n_clusters,
        None,  # type: ignore[call-overload]
        criteria,
        attempts,
        start,
    )
    return compactness, np.asarray(centroids, np.float32)
