"""Small regions join their neighbours: the reference, in runs of pixels with the same label.

A region is runs that touch. Its root is its first run, which holds its area and its label.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kseg_video.native.constants import MAX_LABELS

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Regions:
    """The regions of a label map.

    Parameters
    ----------
    labels : ndarray of uint8, shape (H, W)
    before : ndarray of uint8, shape (H, W), optional
        The result for the frame before.
    """

    def __init__(self, labels: NDArray[np.uint8], before: NDArray[np.uint8] | None) -> None:
        changes = np.ones(labels.shape, bool)
        changes[:, 1:] = labels[:, 1:] != labels[:, :-1]
        begins = np.flatnonzero(changes)
        self._ends = np.append(begins[1:], labels.size)
        self._begins, self._before = begins, None if before is None else before.ravel()
        self._size = len(begins)
        self._parents = list(range(self._size))
        self._labels: list[int] = labels.ravel()[begins].tolist()
        self._areas: list[int] = (self._ends - begins).tolist()
        self._members = [[run] for run in range(self._size)]  # of each root
        self._neighbors: list[list[tuple[int, int]]] = [[] for _ in range(self._size)]
        self._link(np.cumsum(changes).reshape(labels.shape) - 1, changes)

    def _link(self, runs: NDArray[np.intp], changes: NDArray[np.bool_]) -> None:
        """Find which runs touch, with the length of their border; unite those of one label."""
        width = runs.shape[1]
        beside = self._begins[self._begins % width > 0]
        for right in runs.ravel()[beside].tolist():
            self._neighbors[right].append((right - 1, 1))
            self._neighbors[right - 1].append((right, 1))
        either = np.flatnonzero(changes[1:] | changes[:-1])
        borders = np.diff(either, append=runs.size - width)
        uppers, lowers = runs[:-1].ravel()[either], runs[1:].ravel()[either]
        for upper, lower, border in zip(
            uppers.tolist(), lowers.tolist(), borders.tolist(), strict=True
        ):
            if self._labels[upper] == self._labels[lower]:
                self._unite(upper, lower)
            else:
                self._neighbors[upper].append((lower, border))
                self._neighbors[lower].append((upper, border))

    def dissolve_all(self, most: int, least: int) -> NDArray[np.uint8]:
        """Dissolve regions of fewer than `most` pixels, smaller ones first; return the labels."""
        queues: dict[int, list[int]] = {}
        queued: set[int] = set()

        def enqueue(root: int) -> None:
            if root not in queued and self._areas[root] < most:
                queued.add(root)
                queues.setdefault(self._areas[root], []).append(root)

        for run, parent in enumerate(self._parents):
            if run == parent:
                enqueue(run)
        while queues:
            area = min(queues)
            root = queues[area].pop()
            if not queues[area]:
                del queues[area]
            queued.remove(root)
            if self._root_of(root) != root:
                continue
            if self._areas[root] > area or self._dissolve(root, least):  # it may have grown
                enqueue(self._root_of(root))
        roots = [self._root_of(run) for run in range(self._size)]
        labels = np.array([self._labels[root] for root in roots], np.uint8)
        return labels.repeat(self._ends - self._begins)

    def _dissolve(self, root: int, least: int) -> bool:
        """Join a region to its neighbours of one label; return whether there are any."""
        members = self._members[root]
        own, area = self._labels[root], self._areas[root]
        counts = self._counts_before(members)
        if self._before is not None and area >= least and 2 * counts[own] >= area:
            return False
        borders = [0] * MAX_LABELS
        touched = set()
        for run in members:
            for other, border in self._neighbors[run]:
                region = self._root_of(other)
                if region != root:
                    touched.add(region)
                    borders[self._labels[region]] += border
        if not touched:
            return False
        pairs = zip(borders, counts.tolist(), strict=True)
        votes = [border + min(border, count) for border, count in pairs]
        label = votes.index(max(votes))
        self._labels[root] = label
        for region in touched:
            if self._labels[region] == label:
                self._unite(root, region)
        return True

    def _counts_before(self, runs: list[int]) -> NDArray[np.intp]:
        """Count the pixels of some runs by the label that they had before."""
        if self._before is None:
            return np.zeros(MAX_LABELS, np.intp)
        parts = [self._before[self._begins[run] : self._ends[run]] for run in runs]
        return np.bincount(np.concatenate(parts), minlength=MAX_LABELS)

    def _root_of(self, run: int) -> int:
        parents = self._parents
        while parents[run] != run:
            parents[run] = parents[parents[run]]
            run = parents[run]
        return run

    def _unite(self, one: int, other: int) -> None:
        first, second = sorted((self._root_of(one), self._root_of(other)))
        if first != second:
            self._parents[second] = first
            self._areas[first] += self._areas[second]
            self._members[first] += self._members[second]
            self._members[second] = []
