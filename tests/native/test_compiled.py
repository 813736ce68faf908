"""What the compiled kernels find is what OpenCV and NumPy find."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg_video import Segmentation, Segmenter, SegmenterSettings, render
from kseg_video.native import kernels, reference
from kseg_video.native.library import NotCompiledError, load
from kseg_video.native.pictures import Memory
from kseg_video.segmentation.color_index import ColorIndex
from kseg_video.segmentation.nearest_centroid import Cells, inertia_of_labels
from kseg_video.segmentation.pixel_sampling import PixelSample
from tests.helpers.packages import LIBRARY, compiler, wheel
from tests.helpers.pictures import noisier, noisy_frame

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

    from numpy.typing import NDArray

    from kseg_video import Frame
    from kseg_video.core.frame import PixelLayout

compiled = pytest.importorskip("kseg_video.native.compiled", exc_type=NotCompiledError)


@contextmanager
def through(side: ModuleType) -> Iterator[None]:
    """Have the door lead to these kernels."""
    with pytest.MonkeyPatch.context() as patch:
        for name in set(kernels.__all__) - {"ARE_COMPILED"}:
            patch.setattr(kernels, name, getattr(side, name))
        yield


@pytest.fixture(scope="module", params=["as installed", "portable"])
def _each_library(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The library that is there, and one that any processor can run."""
    if request.param == "as installed":
        yield
        return
    folder = tmp_path_factory.mktemp("portable")
    with ZipFile(wheel(folder, {"CC": f"{compiler()} -DPORTABLE"})) as archive:
        library = load(Path(archive.extract(LIBRARY, folder)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled, "library", library)
        yield


with_each_library = pytest.mark.usefixtures("_each_library")


def assert_same_labels(frame: Frame, random: np.random.Generator, clusters: int) -> None:
    """With and without a frame before; and the cells are the same."""
    sample = PixelSample.of_frame(frame, 1000)
    may_rotate = frame.layout == "bgr24"
    index = ColorIndex.from_sample(sample, frame.components_to_bgr, may_rotate=may_rotate)
    centroids = random.uniform(0, 255, (clusters, 3)).astype(np.float32)
    numbers = np.arange(clusters, dtype=np.uint8)
    table = Cells(index.cell_bgr).label(centroids, numbers, level=60)
    after = noisier(frame, random)
    before = random.integers(0, clusters, (frame.height, frame.width)).astype(np.uint8)
    given = after.picture, after.luma, index.numbers, table.ties
    for memory in (None, Memory(frame.picture, frame.luma, before, limit=4)):
        expected, cells = np.empty_like(before), np.empty(before.shape, np.uint16)
        reference.hold_labels(*given, memory, expected, cells)
        for wanted, threads in ((None, 1), (np.empty_like(cells), 1), (np.empty_like(cells), 3)):
            labels = np.empty_like(expected)
            compiled.hold_labels(*given, memory, labels, wanted, threads=threads)
            np.testing.assert_array_equal(labels, expected)
            if wanted is not None:
                np.testing.assert_array_equal(wanted, cells)


@with_each_library
class TestTheSameLabels:
    @pytest.mark.thorough
    @given(
        layout=st.sampled_from(["i420", "bgr24"]),
        width=st.integers(1, 150),
        height=st.integers(1, 20),
        clusters=st.integers(1, 32),
        spread=st.integers(1, 200),
        seed=st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=150, deadline=None)
    def test_at_any_size(
        self, layout: PixelLayout, width: int, height: int, clusters: int, spread: int, seed: int
    ) -> None:
        random = np.random.default_rng(seed)
        assert_same_labels(noisy_frame(layout, width, height, random, spread), random, clusters)

    @pytest.mark.parametrize("layout", ["i420", "bgr24"])
    @pytest.mark.parametrize(("width", "height"), [(1920, 300), (1001, 601), (4500, 9)])
    def test_over_several_bands(self, layout: PixelLayout, width: int, height: int) -> None:
        random = np.random.default_rng(1)
        assert_same_labels(noisy_frame(layout, width, height, random), random, 8)

    @pytest.mark.thorough
    @pytest.mark.parametrize("layout", ["i420", "bgr24"])
    @pytest.mark.parametrize("stability", [0.0, 0.5])
    def test_through_a_video(self, layout: PixelLayout, stability: float) -> None:
        random = np.random.default_rng(2)
        frames = [noisy_frame(layout, 97, 64, random)]
        for _ in range(12):
            frames.append(noisier(frames[-1], random))
        found = []
        for side in (compiled, reference):
            with through(side):
                segmenter = Segmenter(SegmenterSettings(n_clusters=6, stability=stability))
                found.append([segmenter.segment(frame).labels for frame in frames])
        np.testing.assert_array_equal(found[0], found[1])


@with_each_library
class TestTheSameDistances:
    @given(
        count=st.integers(0, 1100),
        clusters=st.integers(1, 32),
        whole=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=100, deadline=None)
    def test_of_nearest_and_second_nearest(
        self, count: int, clusters: int, whole: bool, seed: int
    ) -> None:
        """Whole levels, of which many are equally near, and others."""
        random = np.random.default_rng(seed)
        colors, centroids = (
            (values.round() if whole else values).astype(np.float32)
            for values in (random.uniform(0, 9, (count, 3)), random.uniform(0, 9, (clusters, 3)))
        )
        numbers = np.arange(clusters, dtype=np.uint8)
        found = []
        for side in (compiled, reference):
            with through(side):
                table = Cells(colors).label(centroids, numbers, level=0.1)
                labels, distances = side.nearest(colors, centroids)
                found.append((labels, distances, table.labels, table.ties))
        for by_c, by_numpy in zip(*found, strict=True):
            np.testing.assert_array_equal(by_c, by_numpy)


@with_each_library
@pytest.mark.parametrize("count", [1, 1000])
def test_the_same_inertia(count: int) -> None:
    random = np.random.default_rng(4)
    colors, centroids = (random.uniform(0, 255, (n, 3)).astype(np.float32) for n in (count, 8))
    labels = random.integers(0, 8, count).astype(np.uint8)
    found = []
    for side in (compiled, reference):
        with through(side):
            found.append(inertia_of_labels(colors, labels, centroids))
    by_c, by_numpy = found
    assert by_c == by_numpy
    assert by_c == pytest.approx(((colors - centroids[labels]) ** 2).sum(axis=1).mean(), rel=1e-6)


@with_each_library
class TestTheSamePictures:
    @given(
        layout=st.sampled_from(["i420", "bgr24"]),
        width=st.integers(1, 150),
        height=st.integers(1, 20),
        clusters=st.integers(1, 32),
        step=st.integers(1, 2),
        seed=st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=100, deadline=None)
    def test_painted_and_counted(
        self, layout: PixelLayout, width: int, height: int, clusters: int, step: int, seed: int
    ) -> None:
        """Also of labels that do not lie side by side."""
        random = np.random.default_rng(seed)
        labels = random.integers(0, clusters, (height, width * step)).astype(np.uint8)[:, ::step]
        assert_same_pictures(noisy_frame(layout, width, height, random), labels, clusters, random)

    @given(
        width=st.integers(1, 60),
        height=st.integers(1, 20),
        clusters=st.integers(1, 32),
        block=st.integers(1, 4),
        area=st.integers(1, 80),
        has_before=st.booleans(),
        seed=st.integers(0, 2**32 - 1),
    )
    @settings(max_examples=200, deadline=None)
    def test_simplified(
        self,
        width: int,
        height: int,
        clusters: int,
        block: int,
        area: int,
        has_before: bool,
        seed: int,
    ) -> None:
        random = np.random.default_rng(seed)
        blocks = random.integers(0, clusters, (-(-height // block), -(-width // block)))
        labels = (
            blocks.repeat(block, axis=0).repeat(block, axis=1)[:height, :width].astype(np.uint8)
        )
        before = labels.copy() if has_before else None
        if before is not None:
            others = random.random(labels.shape) < 0.3
            before[others] = random.integers(0, clusters, others.sum())
        by_c, by_numpy = np.empty_like(labels), np.empty_like(labels)
        for side, result in ((compiled, by_c), (reference, by_numpy)):
            most = min(area, labels.size + 1)
            side.merge_small_regions(labels, before, most, area // 2, result)
        np.testing.assert_array_equal(by_c, by_numpy)

    @pytest.mark.parametrize("layout", ["i420", "bgr24"])
    @pytest.mark.parametrize(("width", "height"), [(1920, 300), (20001, 3)])
    def test_of_many_pixels(self, layout: PixelLayout, width: int, height: int) -> None:
        """Also a row of more of one label than a byte can count."""
        random = np.random.default_rng(3)
        labels = random.integers(0, 9, (height, width)).astype(np.uint8)
        labels[0] = 4
        assert_same_pictures(noisy_frame(layout, width, height, random), labels, 9, random)


def assert_same_pictures(
    frame: Frame, labels: NDArray[np.uint8], clusters: int, random: np.random.Generator
) -> None:
    colors = random.integers(0, 256, (clusters, 3)).astype(np.uint8)
    found = []
    for side in (compiled, reference):
        with through(side):
            segmentation = Segmentation(
                labels, colors.astype(np.float32), colors, np.ones(clusters, bool), 0.0, "cold"
            )
            painted = render(frame, segmentation)
            found.append((painted.pixels, segmentation.palette.shares))
    for by_c, by_opencv in zip(*found, strict=True):
        np.testing.assert_array_equal(by_c, by_opencv)
