from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from kseg_video import Frame, Segmenter, SegmenterSettings, TrimSettings, open_source
from kseg_video.core.color_spaces import to_working
from kseg_video.native import kernels, planes
from kseg_video.segmentation.color_index import ColorIndex
from kseg_video.segmentation.nearest_centroid import (
    Cells,
    CellTable,
    inertia_of,
    map_exactly,
)
from kseg_video.segmentation.pixel_sampling import PixelSample
from tests.helpers.pictures import as_i420, photo_like, quadrants

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.settings import ColorSpace

BOUNDS = {8: 0.01, 16: 0.025}


def brute_force(colors: NDArray[np.float32], centroids: NDArray[np.float32]) -> NDArray[np.float64]:
    differences = colors[:, np.newaxis].astype(np.float64) - centroids.astype(np.float64)
    return np.asarray((differences**2).sum(axis=2))


def excess_of_fast_mapping(frame: Frame, n_clusters: int, space: ColorSpace) -> float:
    settings = SegmenterSettings(
        n_clusters=n_clusters, color_space=space, mapping="fast", stability=0.0
    )
    segmentation = Segmenter(settings).segment(frame)
    centroids = segmentation.palette.centroids
    _, exact = map_exactly(frame, centroids, space)
    colors = to_working(frame.bgr.reshape(-1, 3).astype(np.float32), space)
    errors = colors - centroids[segmentation.labels.ravel()]
    return float((errors.astype(np.float64) ** 2).sum() / len(colors) / exact - 1)


class TestNearest:
    def test_it_is_the_nearest_by_brute_force(self) -> None:
        rng = np.random.default_rng(0)
        colors = rng.integers(0, 256, (5000, 3)).astype(np.float32)
        centroids = rng.uniform(0, 255, (32, 3)).astype(np.float32)
        labels, distances = kernels.nearest(colors, centroids)
        all_distances = brute_force(colors, centroids)
        assert np.array_equal(labels, all_distances.argmin(axis=1))
        assert distances == pytest.approx(all_distances.min(axis=1), rel=1e-5)

    def test_the_first_of_equally_near_ones(self) -> None:
        centroids = np.array([[10, 0, 0], [0, 0, 0], [10, 0, 0]], np.float32)
        labels, _ = kernels.nearest(np.array([[5, 0, 0], [9, 0, 0]], np.float32), centroids)
        assert labels.tolist() == [0, 0]


class TestExactMapping:
    @settings(max_examples=40, deadline=None)
    @given(
        arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))),
        st.integers(1, 32),
        st.sampled_from(["rgb", "lab", "luv", "hsv", "ycrcb", "oklab"]),
    )
    def test_no_pixel_has_a_nearer_centroid(
        self, picture: NDArray[np.uint8], n_clusters: int, space: ColorSpace
    ) -> None:
        settings = SegmenterSettings(n_clusters=n_clusters, color_space=space, mapping="exact")
        segmentation = Segmenter(settings).segment(picture)
        palette = segmentation.palette
        colors = to_working(picture.reshape(-1, 3).astype(np.float32), space)
        distances = brute_force(colors, palette.centroids[palette.real])
        taken = distances[np.arange(len(colors)), segmentation.labels.ravel()]
        assert taken == pytest.approx(distances.min(axis=1), rel=1e-5, abs=1e-6)
        assert segmentation.inertia == pytest.approx(taken.mean(), rel=1e-5, abs=1e-6)

    def test_rows_beyond_one_chunk(self) -> None:
        picture = photo_like(1, size=(150, 40))
        centroids = np.array([[0, 0, 0], [128, 128, 128], [255, 255, 255]], np.float32)
        labels, inertia = map_exactly(Frame(picture), centroids, "rgb")
        distances = brute_force(picture.reshape(-1, 3).astype(np.float32), centroids)
        assert np.array_equal(labels.ravel(), distances.argmin(axis=1))
        assert inertia == pytest.approx(distances.min(axis=1).mean())


class TestFastMapping:
    """Inertia within 1% of exact mapping for 8 clusters, 2.5% for 16."""

    @pytest.mark.parametrize("n_clusters", BOUNDS)
    @pytest.mark.parametrize("space", ["rgb", "lab"])
    @pytest.mark.parametrize("layout", ["bgr24", "i420"])
    @pytest.mark.parametrize("seed", range(4))
    def test_on_photo_like_pictures(
        self, n_clusters: int, space: ColorSpace, layout: str, seed: int
    ) -> None:
        picture = photo_like(seed)
        frame = as_i420(picture) if layout == "i420" else Frame(picture)
        assert excess_of_fast_mapping(frame, n_clusters, space) <= BOUNDS[n_clusters]

    @pytest.mark.parametrize("n_clusters", BOUNDS)
    @pytest.mark.parametrize("space", ["rgb", "lab"])
    @pytest.mark.parametrize("layout", ["bgr24", "i420"])
    @pytest.mark.parametrize("low", [0, 100, 220])
    def test_colours_within_30_levels(
        self, n_clusters: int, space: ColorSpace, layout: str, low: int
    ) -> None:
        picture = photo_like(7, low, low + 30)
        frame = as_i420(picture) if layout == "i420" else Frame(picture)
        bound = 1e-4 if layout == "bgr24" else BOUNDS[n_clusters]
        assert excess_of_fast_mapping(frame, n_clusters, space) <= bound

    @pytest.mark.thorough
    @pytest.mark.parametrize("n_clusters", BOUNDS)
    @pytest.mark.parametrize("space", ["rgb", "lab"])
    def test_on_real_footage(self, real_media: Path, n_clusters: int, space: ColorSpace) -> None:
        paths = [p for p in real_media.iterdir() if p.suffix in {".mp4", ".webm", ".jpg"}]
        assert paths
        for path in paths:
            start = 0 if path.suffix == ".jpg" else 2
            with open_source(path, TrimSettings(start=start, max_frames=1)) as source:
                for frame in source:
                    excess = excess_of_fast_mapping(frame, n_clusters, space)
                    assert excess <= BOUNDS[n_clusters], path.name

    def test_an_index_made_for_darkness_is_replaced_when_the_light_comes_on(self) -> None:
        bright = photo_like(3)
        segmenter = Segmenter(SegmenterSettings(n_clusters=8))
        for frame in [bright // 10] * 3 + [bright] * 3:
            segmentation = segmenter.segment(frame)
        alone = Segmenter(SegmenterSettings(n_clusters=8)).segment(bright)
        assert segmentation.inertia <= 1.05 * alone.inertia

    def test_rivals_that_cost_little_more_are_marked(self) -> None:
        colors = np.array([[0, 0, 0], [45, 0, 0], [49, 0, 0], [50, 0, 0], [100, 0, 0]], np.float32)
        centroids = np.array([[0, 0, 0], [100, 0, 0], [500, 0, 0]], np.float32)
        numbers = np.array([3, 7, 9], np.uint8)
        table = Cells(colors).label(centroids, numbers, level=16)  # of excess 1e4, 1e3, 200, 0, 1e4
        assert table.labels[:5].tolist() == [3, 3, 3, 3, 7]
        assert (table.ties[:5] & 31).tolist() == [3, 3, 3, 3, 7]
        assert rivals_of(table)[:5].tolist() == [3, 7, 7, 7, 7]
        assert (table.ties[1:4] >> 10).tolist() == [63, 13, 1]

    @pytest.mark.parametrize("n_clusters", [1, 2, 8, 32])
    def test_tables_of_any_number_of_clusters(self, n_clusters: int) -> None:
        rng = np.random.default_rng(0)
        colors = rng.uniform(0, 255, (300, 3)).astype(np.float32)
        cells = Cells(colors)
        numbers = np.arange(n_clusters, dtype=np.uint8)
        for _ in range(3):
            centroids = rng.uniform(0, 255, (n_clusters, 3)).astype(np.float32)
            table = cells.label(centroids, numbers, level=np.inf)
            order = np.argsort(brute_force(colors, centroids), axis=1)
            assert (table.labels[:300] == order[:, 0]).mean() > 0.99
            if n_clusters > 1:
                assert (rivals_of(table)[:300] == order[:, 1]).mean() > 0.99


def rivals_of(table: CellTable) -> NDArray[np.uint16]:
    rivals: NDArray[np.uint16] = table.labels ^ ((table.ties >> np.uint16(5)) & np.uint16(31))
    return rivals


class TestColorIndex:
    @pytest.mark.parametrize("seed", range(3))
    @pytest.mark.parametrize("may_rotate", [False, True])
    def test_cells_stand_for_their_pixels(self, seed: int, may_rotate: bool) -> None:
        frame = Frame(photo_like(seed))
        sample = PixelSample.of_frame(frame, 10_000)
        index = ColorIndex.from_sample(sample, frame.components_to_bgr, may_rotate=may_rotate)
        assert len(index.cell_bgr) <= 65_536
        cells = index.of_frame(frame)
        assert cells.max() < len(index.cell_bgr)
        errors = index.cell_bgr[cells] - frame.bgr
        assert np.sqrt((errors**2).mean()) < 3

    def test_levels_that_the_sample_missed_have_cells(self) -> None:
        gray = Frame(np.full((8, 8, 3), 100, np.uint8))
        index = ColorIndex.from_sample(
            PixelSample.of_frame(gray, 10), gray.components_to_bgr, may_rotate=True
        )
        other = Frame(np.random.default_rng(0).integers(0, 256, (9, 9, 3)).astype(np.uint8))
        assert index.of_frame(other).max() < len(index.cell_bgr)


class TestBands:
    @pytest.mark.parametrize("layout", ["bgr24", "i420"])
    @pytest.mark.parametrize("stability", [0.0, 0.5])
    def test_labels_do_not_depend_on_where_bands_meet(
        self, layout: str, stability: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pictures = [photo_like(seed, size=(200, 64)) for seed in (5, 5, 6)]
        frames = [as_i420(each) if layout == "i420" else Frame(each) for each in pictures]
        settings = SegmenterSettings(n_clusters=8, stability=stability)

        def labels(pixels: int) -> list[NDArray[np.uint8]]:
            monkeypatch.setattr(planes, "_PIXELS", pixels)
            planes.bands_of.cache_clear()
            segmenter = Segmenter(settings)
            return [segmenter.segment(frame).labels for frame in frames]

        try:
            for one, many in zip(labels(1 << 30), labels(1), strict=True):
                assert np.array_equal(one, many)
        finally:
            planes.bands_of.cache_clear()


class TestSample:
    def test_all_pixels(self) -> None:
        picture = quadrants()
        sample = PixelSample.of_frame(Frame(picture), None)
        assert np.array_equal(sample.bgr, picture.reshape(-1, 3))

    @pytest.mark.parametrize("count", [1, 7, 100, 419, 420])
    def test_as_many_as_wanted(self, count: int) -> None:
        assert len(PixelSample.of_frame(Frame(quadrants()), count).bgr) == count

    def test_components_are_those_of_the_whole_frame(self) -> None:
        frame = as_i420(photo_like(1, size=(34, 50)))
        first, others = frame.components()
        sample = PixelSample.of_frame(frame, None)
        assert np.array_equal(sample.components[:, 0], first.ravel())
        difference = sample.components[:, 1:].astype(int) - others.reshape(-1, 2)
        assert np.abs(difference).max() <= 1

    def test_never_more_than_there_are(self) -> None:
        assert len(PixelSample.of_frame(Frame(quadrants()), 10_000).bgr) == 420

    def test_only_colours_that_are_there(self) -> None:
        picture = photo_like(0)
        present = {tuple(color) for color in picture.reshape(-1, 3).tolist()}
        sample = PixelSample.of_frame(Frame(picture), 5000)
        assert {tuple(color) for color in sample.bgr.astype(int).tolist()} <= present

    def test_between_takes_other_pixels(self) -> None:
        picture = np.arange(64 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(64, 64, 3)
        one, other = (
            PixelSample.of_frame(Frame(picture), 512, between=between) for between in (False, True)
        )
        assert not (one.bgr == other.bgr).all(axis=1).any()


def test_inertia_is_the_mean_squared_distance() -> None:
    colors = np.array([[0, 0, 0], [3, 4, 0]], np.float32)
    assert inertia_of(colors, np.zeros((1, 3), np.float32)) == 12.5


def test_i420_frames_convert_as_their_matrix_says() -> None:
    picture = np.asarray(cv2.GaussianBlur(photo_like(2), (0, 0), 3), np.uint8)
    for matrix in ("bt601", "bt709"):
        difference = as_i420(picture, matrix).bgr.astype(int) - picture
        assert np.abs(difference).mean() < 1.5
