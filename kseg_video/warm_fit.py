"""From one frame to the next: clusters go where they fit, as little as the picture asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kseg_video.clustering import polish
from kseg_video.clusters import MEMORY
from kseg_video.mapping import inertia_of
from kseg_video.matching import positions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.clusters import Clusters


def fit_warm(
    colors: NDArray[np.float32],
    labels: NDArray[np.uint8],
    state: Clusters,
    held: NDArray[np.uint8],
    epsilon: float,
) -> tuple[NDArray[np.float32], float]:
    """Where the active clusters fit best, from the labels of the last centroids on.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    labels : ndarray of uint8, shape (N,)
    state : Clusters
    held : ndarray of uint8, shape (L,)
        Clusters that stay where they are; the others are fitted without their pixels.
    epsilon : float
        The fit ends when no centroid moves farther.

    Returns
    -------
    fitted : ndarray of float32, shape (R, 3)
    inertia : float
        Mean squared distance to the nearest of them.
    """
    active, fitted = state.active, state.centroids.copy()
    free, others, labels_of_others = active, colors, labels
    if len(held):
        free = np.setdiff1d(active, held)
        are_free = np.isin(labels, free)
        others, labels_of_others = colors[are_free], labels[are_free]
    if len(others):
        own = positions(labels_of_others, free)
        fitted[free], inertia = polish(others, own, state.centroids[free], epsilon)
    return fitted, inertia_of(colors, fitted[active]) if len(held) else inertia


def renumber(
    colors: NDArray[np.float32],
    state: Clusters,
    fitted: NDArray[np.float32],
    held: NDArray[np.uint8],
    reach: float,
) -> Clusters | None:
    """Where clusters fit best, if one that would go far leaves its own pixels to another.

    So what is new takes a number that is free, and not that of the nearest colour. None if all keep
    their numbers.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
    state : Clusters
    fitted : ndarray of float32, shape (R, 3)
        Where they would go.
    held : ndarray of uint8, shape (L,)
        Clusters that stay where they are.
    reach : float
        Distance that is far, and within which a colour is a cluster's own.
    """
    if np.linalg.norm(fitted - state.centroids, axis=1).max() < reach:
        return None
    numbers = np.setdiff1d(state.active, held)
    renumbered = state.succeeded(colors, fitted[numbers], numbers, reach)
    is_as_before = np.array_equal(renumbered.centroids[numbers], fitted[numbers])
    return None if is_as_before else renumbered


def move_towards(
    state: Clusters,
    fitted: NDArray[np.float32],
    inertia: float,
    present: float,
    tolerance: float,
) -> None:
    """Move as few centroids to where they fit as keeps inertia within the tolerance.

    For fixed labels, inertia is the fit's plus each cluster's share times the square of its
    centroid's distance to its mean. Those that add the most move, and move all the way: most of a
    picture then keeps its exact colour, which an encoder gets for nothing.

    Parameters
    ----------
    state : Clusters
    fitted : ndarray of float32, shape (R, 3)
    inertia, present : float
        Of where they fit, and of where they are.
    tolerance : float
        Part of the inertia that it may be above the fit's.
    """
    excess = present - inertia
    allowed = tolerance * inertia
    if excess > allowed:
        parts = state.usual_shares * ((fitted - state.centroids) ** 2).sum(axis=1)
        order = np.argsort(-parts)
        remaining = 1 - np.cumsum(parts[order]) / max(parts.sum(), 1e-9)
        movers = order[: np.count_nonzero(remaining * excess > allowed) + 1]
        state.centroids = state.centroids.copy()
        state.centroids[movers] = fitted[movers]
    state.usual_inertia += MEMORY * (inertia - state.usual_inertia)
