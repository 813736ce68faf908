from __future__ import annotations

import cv2
import numpy as np
import pytest

from kseg_video import SegmenterSettings
from kseg_video.native import kernels
from kseg_video.segmentation.kmeans import cold_fit, refine
from kseg_video.segmentation.nearest_centroid import inertia_of
from tests.helpers.oracles import opencv_kmeans
from tests.helpers.pictures import photo_like, quadrants

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
        assert (kernels.nearest(vivid, found)[1] < 1).all()


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


class TestRefine:
    COLORS = quadrants(40, 40).reshape(-1, 3).astype(np.float32)

    def test_order_is_kept(self) -> None:
        start = np.array([[220, 220, 220], [20, 20, 180], [200, 60, 40], [40, 170, 60]], np.float32)
        labels, _ = kernels.nearest(self.COLORS, start + 10)
        refined = refine(self.COLORS, labels, start + 10, 0.2, 10)
        assert np.abs(refined - start).max() < 3

    @pytest.mark.parametrize("n_clusters", [1, 2, 8, 32])
    @pytest.mark.parametrize(("epsilon", "iterations"), [(0, 2), (0, 7), (3, 50)])
    def test_it_is_lloyds_algorithm(self, n_clusters: int, epsilon: float, iterations: int) -> None:
        centroids = COLORS[:: len(COLORS) // n_clusters][:n_clusters]
        labels, _ = kernels.nearest(COLORS, centroids)
        refined = refine(COLORS, labels, centroids, epsilon, iterations)
        for iteration in range(iterations):
            members = [COLORS[labels == number] for number in range(n_clusters)]
            means = np.stack([colors.mean(axis=0, dtype=np.float64) for colors in members])
            way = np.linalg.norm(means - centroids, axis=1).max()
            centroids = means.astype(np.float32)
            if iteration and way <= epsilon:
                break
            labels, _ = kernels.nearest(COLORS, centroids)
        assert refined == pytest.approx(centroids, abs=0.01)

    def test_an_absent_cluster_stays_where_it_is(self) -> None:
        start = np.array([[220, 220, 220], [0, 255, 255], [20, 20, 180]], np.float32)
        labels, _ = kernels.nearest(self.COLORS, start[[0, 2]])
        refined = refine(self.COLORS, np.array([0, 2], np.uint8)[labels], start, 0.2, 10)
        assert refined[1].tolist() == [0, 255, 255]

    def test_a_cluster_that_loses_all_its_colors_gives_its_number_to_no_other(self) -> None:
        """`cv2.kmeans` fills it again with the pixels of the largest one."""
        colors = np.array([[0] * 3] * 50 + [[100] * 3] * 50 + [[255] * 3] * 50, np.float32)
        labels = np.repeat([0, 1, 2], 50).astype(np.uint8)
        labels[[0, 149]] = 3  # black and white, whose mean is gray
        centroids = colors[[0, 60, 120, 60]] + np.array([[0], [0], [0], [27]], np.float32)
        refined = refine(colors, labels, centroids, 0.2, 5)
        assert refined[:3, 0].tolist() == pytest.approx([0, 100, 255], abs=1)
        assert refined[3].tolist() == [127, 127, 127]
