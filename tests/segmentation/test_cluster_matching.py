from __future__ import annotations

import itertools

import numpy as np

from kseg_video.segmentation.cluster_matching import match_centroids, renumbered


def grays(*levels: float) -> np.ndarray:
    return np.array(levels, np.float32)[:, np.newaxis].repeat(3, axis=1)


def test_shuffled_centroids_find_their_partners() -> None:
    rng = np.random.default_rng(0)
    old = rng.uniform(0, 255, (32, 3)).astype(np.float32)
    shuffled = rng.permutation(32)
    new = (old + rng.normal(0, 2, old.shape).astype(np.float32))[shuffled]
    assert np.array_equal(shuffled[match_centroids(old, new)], np.arange(32))


def test_the_total_distance_counts() -> None:
    # 9 is nearer to 10, but 0 needs it.
    assert match_centroids(grays(0, 10), grays(9, 30)).tolist() == [0, 1]


def test_no_other_pairing_is_closer() -> None:
    rng = np.random.default_rng(0)
    for count in (1, 3, 5) * 10:  # on a coarse grid, which has equal colours and equal distances
        old, new = (rng.integers(0, 3, (n, 3)).astype(np.float32) for n in (count, 5))
        order = match_centroids(old, new)
        assert sorted(order) == [0, 1, 2, 3, 4]
        totals = [
            np.linalg.norm(old - new[list(each)], axis=1).sum()
            for each in itertools.permutations(range(5), count)
        ]
        assert np.linalg.norm(old - new[order[:count]], axis=1).sum() < min(totals) + 1e-4


def test_additional_ones_follow() -> None:
    assert match_centroids(grays(100), grays(0, 101, 200)).tolist() == [1, 0, 2]


def test_fresh_ones_take_the_numbers_of_those_that_they_resemble() -> None:
    assert renumbered(grays(0, 100), grays(98, 200, 3))[:, 0].tolist() == [3, 98, 200]


def test_numbers_that_nobody_gets_keep_their_colors() -> None:
    assert renumbered(grays(0, 100, 200), grays(190))[:, 0].tolist() == [0, 100, 190]
    assert renumbered(grays(0, 100, 200), grays(2, 190), {1})[:, 0].tolist() == [2, 100, 190]
    assert renumbered(grays(0), grays(2, 190), {0})[:, 0].tolist() == [0, 2, 190]
