from __future__ import annotations

import doctest
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

import kseg_video.segmentation.segmenter
from kseg_video import Frame, Segmenter, SegmenterSettings, SourceError
from kseg_video.core.color_spaces import luma
from tests.helpers.pictures import as_i420, photo_like, quadrant_labels, quadrants

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kseg_video.core.settings import ColorSpace, Mapping

MODES: list[Mapping] = ["fast", "exact"]


def segment(picture: NDArray[np.uint8], n_clusters: int, **more: object) -> kseg_video.Segmentation:
    settings = SegmenterSettings(n_clusters=n_clusters, **more)  # type: ignore[arg-type]
    return Segmenter(settings).segment(picture)


@pytest.mark.parametrize("mapping", MODES)
@pytest.mark.parametrize("space", ["rgb", "lab", "luv", "hsv", "ycrcb", "oklab"])
def test_quadrants_are_found_and_numbered_from_dark_to_light(
    mapping: Mapping, space: ColorSpace
) -> None:
    segmentation = segment(quadrants(), 4, mapping=mapping, color_space=space)
    brightness = luma(segmentation.palette.colors)
    assert (np.diff(brightness) > 0).all()
    truth = quadrant_labels()
    order = np.argsort(luma(np.array([quadrants(noise=0)[truth == n][0] for n in range(4)])))
    assert np.array_equal(segmentation.labels, np.argsort(order)[truth])


def test_whole_numbers_of_numpy_are_whole_numbers() -> None:
    names = ("seed", "attempts", "max_iterations", "sample_pixels")
    four: Any = np.int64(4)
    found = segment(quadrants(), four, **{name: np.uint8(9) for name in names})
    plain = segment(quadrants(), 4, **dict.fromkeys(names, 9))
    assert np.array_equal(found.labels, plain.labels)


@pytest.mark.parametrize("picture", [None, [[0, 0, 0]], "a.png"])
def test_what_is_no_picture(picture: Any) -> None:
    with pytest.raises(SourceError, match=r"expected a Frame, or uint8 .*, got a"):
        Segmenter().segment(picture)


def test_a_frame_without_colors_is_no_picture() -> None:
    with pytest.raises(SourceError, match="gray8 frames are for outputs alone; give one"):
        Segmenter().segment(Frame(np.zeros((9, 9), np.uint8), "gray8"))


@pytest.mark.parametrize("mapping", MODES)
@pytest.mark.parametrize("name", ["labels", "centroids", "colors", "real"])
def test_what_the_next_frame_is_held_to_can_only_be_read(mapping: Mapping, name: str) -> None:
    segmenter = Segmenter(SegmenterSettings(n_clusters=4, mapping=mapping))
    found = getattr(segmenter.segment(quadrants()), name)
    with pytest.raises(ValueError, match="read-only"):
        found[:] = 0
    assert found.copy().flags.writeable


@pytest.mark.parametrize("mapping", MODES)
class TestFewColours:
    def test_fewer_than_clusters(self, mapping: Mapping) -> None:
        picture = quadrants(noise=0)
        segmentation = segment(picture, 7, mapping=mapping)
        palette = segmentation.palette
        assert palette.n_real == 4
        assert palette.real.tolist() == [True] * 4 + [False] * 3
        assert palette.shares[4:].tolist() == [0] * 3
        assert np.array_equal(palette.colors[segmentation.labels], picture)
        assert segmentation.inertia == 0

    @pytest.mark.parametrize("n_clusters", [1, 5, 32])
    @pytest.mark.parametrize("shape", [(1, 1), (1, 7), (9, 1), (3, 3)])
    def test_a_flat_picture(
        self, mapping: Mapping, n_clusters: int, shape: tuple[int, int]
    ) -> None:
        picture = np.full((*shape, 3), (10, 128, 250), np.uint8)
        segmentation = segment(picture, n_clusters, mapping=mapping)
        assert segmentation.palette.n_real == 1
        assert segmentation.palette.hex_colors[0] == "#fa800a"
        assert not segmentation.labels.any()

    def test_more_colours_later(self, mapping: Mapping) -> None:
        segmenter = Segmenter(SegmenterSettings(n_clusters=4, mapping=mapping))
        two = quadrants(noise=0)
        two[10:] = two[:10]
        first = segmenter.segment(two)
        second = segmenter.segment(quadrants(noise=0))
        assert (first.palette.n_real, second.palette.n_real) == (2, 4)
        assert second.event == "reseed"
        for number in range(2):
            assert np.array_equal(second.palette.colors[number], first.palette.colors[number])

    def test_a_single_pixel_for_many_frames(self, mapping: Mapping) -> None:
        segmenter = Segmenter(SegmenterSettings(n_clusters=3, mapping=mapping))
        for level in (0, 10, 200, 90):
            segmentation = segmenter.segment(np.full((1, 1, 3), level, np.uint8))
            color = segmentation.palette.colors[segmentation.labels[0, 0]]
            assert np.abs(color.astype(int) - level).max() <= 1


class TestDeterminism:
    PICTURES = tuple(photo_like(seed) for seed in range(3))

    def run(self, n_clusters: int = 8) -> Iterator[kseg_video.Segmentation]:
        segmenter = Segmenter(SegmenterSettings(n_clusters=n_clusters))
        for _ in range(4):
            for picture in self.PICTURES:
                yield segmenter.segment(picture)

    def same(
        self, one: list[kseg_video.Segmentation], other: list[kseg_video.Segmentation]
    ) -> bool:
        return all(
            np.array_equal(a.labels, b.labels)
            and np.array_equal(a.palette.centroids, b.palette.centroids)
            and a.inertia == b.inertia
            for a, b in zip(one, other, strict=True)
        )

    def test_a_second_run_is_identical(self) -> None:
        assert self.same(list(self.run()), list(self.run()))

    def test_the_number_of_threads_does_not_matter(self) -> None:
        before = cv2.getNumThreads()
        try:
            cv2.setNumThreads(1)
            one = list(self.run())
            cv2.setNumThreads(4)
            many = list(self.run())
        finally:
            cv2.setNumThreads(before)
        assert self.same(one, many)

    def test_segmenters_in_threads_do_not_disturb_each_other(self) -> None:
        results: dict[int, list[kseg_video.Segmentation]] = {}
        threads = [
            threading.Thread(target=lambda k=k: results.update({k: list(self.run(k))}))
            for k in (3, 8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert self.same(results[3], list(self.run(3)))
        assert self.same(results[8], list(self.run(8)))

    def test_another_seed_is_another_fit(self) -> None:
        picture = photo_like(1)
        one, other = (segment(picture, 20, seed=seed, attempts=1) for seed in (0, 1))
        assert not np.array_equal(one.palette.centroids, other.palette.centroids)


class TestResult:
    @pytest.mark.parametrize("mapping", MODES)
    def test_shares_are_those_of_the_labels(self, mapping: Mapping) -> None:
        segmentation = segment(photo_like(0), 6, mapping=mapping)
        counts = np.bincount(segmentation.labels.ravel(), minlength=6)
        assert segmentation.palette.shares == pytest.approx(counts / counts.sum())
        assert segmentation.palette.shares.sum() == pytest.approx(1)

    def test_planar_and_bgr_frames_agree(self) -> None:
        frame = as_i420(photo_like(4))
        planar = Segmenter(SegmenterSettings(n_clusters=6)).segment(frame)
        bgr = Segmenter(SegmenterSettings(n_clusters=6)).segment(frame.bgr)
        assert (planar.labels == bgr.labels).mean() > 0.97

    def test_odd_sizes_and_strided_arrays(self) -> None:
        wide = photo_like(0, size=(61, 75))
        strided = segment(wide[::2, 1::3, ::-1], 5)
        copied = segment(np.ascontiguousarray(wide[::2, 1::3, ::-1]), 5)
        assert strided.labels.shape == (31, 25)
        assert np.array_equal(strided.labels, copied.labels)

    def test_a_picture_of_another_size_in_between(self) -> None:
        segmenter = Segmenter(SegmenterSettings(n_clusters=4))
        for size in ((40, 60), (30, 20), (40, 60)):
            assert segmenter.segment(photo_like(0, size=size)).labels.shape == size

    @pytest.mark.parametrize(
        "picture",
        [
            np.zeros((4, 4), np.uint8),
            np.zeros((4, 4, 4), np.uint8),
            np.zeros((4, 4, 3), np.float32),
            np.zeros((0, 4, 3), np.uint8),
        ],
    )
    def test_what_is_not_a_bgr_picture_is_refused(self, picture: NDArray[np.uint8]) -> None:
        with pytest.raises(SourceError, match="expected uint8"):
            segment(picture, 2)

    def test_the_picture_is_left_as_it_was(self) -> None:
        picture = photo_like(0)
        before = picture.copy()
        segment(picture, 5)
        assert np.array_equal(picture, before)


def test_the_documented_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    results = doctest.testmod(kseg_video.segmentation.segmenter)
    assert results.attempted > 0
    assert results.failed == 0
