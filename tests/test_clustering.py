from __future__ import annotations

import cv2
import numpy as np
import pytest

from kseg_video import SegmenterSettings
from kseg_video.clustering import cold_fit, polish
from kseg_video.mapping import inertia_of, nearest
from kseg_video.matching import match_centroids
from tests.oracles import opencv_kmeans
from tests.pictures import photo_like, quadrants

SETTINGS = SegmenterSettings()
COLORS = photo_like(0).reshape(-1, 3).astype(np.float32)


def test_a_random_start_is_that_of_opencv() -> None:
    settings = SegmenterSettings(init="random", attempts=10, max_iterations=100, epsilon=0.2)
    mine = cold_fit(COLORS, settings, 5, 3)
    _, theirs = opencv_kmeans(COLORS, 3, 10, cv2.KMEANS_RANDOM_CENTERS, seed=5)
    assert mine == pytest.approx(theirs)


@pytest.mark.parametrize("n_clusters", [2, 8, 32])
def test_careful_starts_lead_as_far_as_those_of_opencv(n_clusters: int) -> None:
    colors = np.ascontiguousarray(COLORS[::9])
    mine, theirs = [], []
    for seed in range(8):
        mine.append(inertia_of(colors, cold_fit(colors, SETTINGS, seed, n_clusters, attempts=2)))
        found = opencv_kmeans(colors, n_clusters, attempts=2, seed=seed)[1]
        theirs.append(inertia_of(colors, found))
    assert np.mean(mine) <= 1.01 * np.mean(theirs)


def test_small_regions_of_other_colours_are_found_in_noise() -> None:
    """Each of them is 0.16% of the pixels."""
    rng = np.random.default_rng(0)
    colors = rng.normal(128, 4, (10_000, 3)).astype(np.float32)
    vivid = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.float32)
    places = rng.permutation(len(colors))[:48]
    colors[places] = vivid.repeat(16, axis=0)
    for seed in range(10):
        found = cold_fit(colors, SETTINGS, seed, 5)
        assert (nearest(vivid, found)[1] < 1).all()


@pytest.mark.parametrize("n_clusters", [1, 2, 8, 32])
def test_a_cold_fit_of_many_points_is_as_good_as_one_of_all(n_clusters: int) -> None:
    mine = cold_fit(COLORS, SETTINGS, 0, n_clusters)
    _, all_of_them = opencv_kmeans(COLORS, n_clusters, 3)
    theirs = inertia_of(COLORS, all_of_them)
    assert inertia_of(COLORS, mine) <= 1.02 * theirs


@pytest.mark.parametrize("n_colors", [1, 2, 5])
def test_fewer_colours_than_clusters_are_the_centroids(n_colors: int) -> None:
    few = np.arange(n_colors * 3, dtype=np.float32).reshape(-1, 3)
    rng = np.random.default_rng(0)
    found = cold_fit(few[rng.integers(0, n_colors, 9000)], SETTINGS, 0, 5)
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, few.tolist()))


def test_the_mean_of_many_colours_of_which_few_are_others() -> None:
    colors = np.zeros((160_000, 3), np.float32)
    colors[[3, 80_001]] = [[0, 0, 255], [255, 255, 255]]
    found = cold_fit(colors, SETTINGS, 0, 1)
    assert found == pytest.approx(colors.mean(axis=0, keepdims=True))


def test_rare_colours_are_seen() -> None:
    colors = np.zeros((50_000, 3), np.float32)
    colors[-3:] = [[9, 9, 9], [99, 99, 99], [200, 0, 0]]
    assert len(cold_fit(colors, SETTINGS, 0, 3)) == 3
    assert len(cold_fit(colors, SETTINGS, 0, 8)) == 4


class TestPolish:
    COLORS = quadrants(40, 40).reshape(-1, 3).astype(np.float32)

    def test_order_is_kept(self) -> None:
        start = np.array([[220, 220, 220], [20, 20, 180], [200, 60, 40], [40, 170, 60]], np.float32)
        labels, _ = nearest(self.COLORS, start + 10)
        polished, inertia = polish(self.COLORS, labels, start + 10, 0.2, 10)
        assert np.abs(polished - start).max() < 3
        assert inertia == pytest.approx(inertia_of(self.COLORS, polished))

    @pytest.mark.parametrize("n_clusters", [1, 2, 8, 32])
    @pytest.mark.parametrize(("epsilon", "iterations"), [(0, 2), (0, 7), (3, 50)])
    def test_it_is_what_opencv_does(self, n_clusters: int, epsilon: float, iterations: int) -> None:
        start = COLORS[:: len(COLORS) // n_clusters][:n_clusters]
        labels, _ = nearest(COLORS, start)
        mine, inertia = polish(COLORS, labels, start, epsilon, iterations)
        compactness, _, theirs = cv2.kmeans(
            COLORS,
            n_clusters,
            labels.astype(np.int32),
            (cv2.TERM_CRITERIA_MAX_ITER + cv2.TERM_CRITERIA_EPS, iterations, epsilon),
            1,
            cv2.KMEANS_USE_INITIAL_LABELS,
        )
        assert mine == pytest.approx(theirs, rel=1e-3)
        assert inertia == pytest.approx(compactness / len(COLORS), rel=1e-4)

    def test_an_absent_cluster_stays_where_it_is(self) -> None:
        start = np.array([[220, 220, 220], [0, 255, 255], [20, 20, 180]], np.float32)
        labels, _ = nearest(self.COLORS, start[[0, 2]])
        polished, _ = polish(self.COLORS, np.array([0, 2], np.uint8)[labels], start, 0.2, 10)
        assert polished[1].tolist() == [0, 255, 255]


class TestMatching:
    def test_shuffled_centroids_find_their_partners(self) -> None:
        rng = np.random.default_rng(0)
        old = rng.uniform(0, 255, (32, 3)).astype(np.float32)
        shuffled = rng.permutation(32)
        new = (old + rng.normal(0, 2, old.shape).astype(np.float32))[shuffled]
        assert np.array_equal(shuffled[match_centroids(old, new)], np.arange(32))

    def test_the_total_distance_counts(self) -> None:
        old = np.array([[0, 0, 0], [10, 0, 0]], np.float32)
        new = np.array([[9, 0, 0], [30, 0, 0]], np.float32)  # 9 is nearer to 10, but 0 needs it
        assert match_centroids(old, new).tolist() == [0, 1]

    def test_additional_ones_follow(self) -> None:
        old = np.array([[100, 0, 0]], np.float32)
        new = np.array([[0, 0, 0], [101, 0, 0], [200, 0, 0]], np.float32)
        assert match_centroids(old, new).tolist() == [1, 0, 2]
