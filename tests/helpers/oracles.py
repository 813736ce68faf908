"""Independent references: OpenCV's k-means of all pixels, and CIE Lab by formula."""

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


def exact_lab(blue: float, green: float, red: float) -> list[float]:
    """CIE L*a*b* under D65 of sRGB levels, from the chromaticities of sRGB itself."""
    primaries = np.array([(0.64, 0.33, 0.03), (0.3, 0.6, 0.1), (0.15, 0.06, 0.79)]).T
    white = np.array([0.3127, 0.329, 0.3583]) / 0.329
    levels = np.array([red, green, blue], float) / 255
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in levels]
    xyz = primaries @ (np.linalg.solve(primaries, white) * linear)
    edge = 6 / 29
    x, y, z = (
        share ** (1 / 3) if share > edge**3 else share / (3 * edge**2) + 4 / 29
        for share in xyz / white
    )
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
