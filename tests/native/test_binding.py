"""What the compiled library finds is what OpenCV and NumPy find; and it may be missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg_video import Frame, Segmentation, Segmenter, SegmenterSettings, render
from kseg_video.core.frame import i420_shape
from kseg_video.native import binding
from kseg_video.segmentation import label_hysteresis, label_hysteresis_native, nearest_centroid
from kseg_video.segmentation.color_index import ColorIndex
from kseg_video.segmentation.nearest_centroid import Cells
from kseg_video.segmentation.pixel_sampling import PixelSample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kseg_video.core.frame import PixelLayout

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module", params=["as installed", "portable"])
def _each_library(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """The library that is there, and one that any processor can run."""
    if binding.library is None:
        pytest.skip("no C compiler")
    if request.param == "as installed":
        yield
        return
    folder = tmp_path_factory.mktemp("portable")
    with ZipFile(wheel(folder, {"CC": f"{compiler()} -DPORTABLE"})) as archive:
        library = binding.load(Path(archive.extract("kseg_video/native/compiled.shared", folder)))
    assert library is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binding, "library", library)
        yield


with_each_library = pytest.mark.usefixtures("_each_library")


def frame_of(
    layout: PixelLayout, width: int, height: int, random: np.random.Generator, spread: int = 120
) -> Frame:
    """Noise over a slope."""
    odd = width % 2 == 1
    shape = i420_shape(width, height) if layout == "i420" else (height, width, 3)
    slope = np.linspace(0, 250 - spread, int(np.prod(shape))).reshape(shape)
    pixels = (slope + random.integers(0, spread, shape)).astype(np.uint8)
    return Frame(pixels, layout, odd_width=odd and layout == "i420")


def changed(frame: Frame, random: np.random.Generator) -> Frame:
    """What comes after a frame: a little noise, and much in every fourth row."""
    noise = random.integers(-3, 4, frame.pixels.shape)
    noise[::4] *= 20
    pixels = np.clip(frame.pixels.astype(int) + noise, 0, 255).astype(np.uint8)
    return Frame(pixels, frame.layout, odd_width=frame.odd_width)


def assert_same_labels(frame: Frame, random: np.random.Generator, clusters: int) -> None:
    """With and without a frame before; and the cells are the same."""
    sample = PixelSample.of_frame(frame, 1000)
    may_rotate = frame.layout == "bgr24"
    index = ColorIndex.from_sample(sample, frame.components_to_bgr, may_rotate=may_rotate)
    centroids = random.uniform(0, 255, (clusters, 3)).astype(np.float32)
    numbers = np.arange(clusters, dtype=np.uint8)
    table = Cells(index.cell_bgr).label(centroids, numbers, level=60)
    after = changed(frame, random)
    before = random.integers(0, clusters, (frame.height, frame.width)).astype(np.uint8)
    for memory in (None, (before, frame)):
        expected, cells = np.empty_like(before), np.empty(before.shape, np.uint16)
        label_hysteresis.label(after, index, table, memory, 4.6, expected, cells)
        for wanted in (None, np.empty_like(cells)):
            labels = np.empty_like(expected)
            label_hysteresis_native.label(after, index, table, memory, 4.6, labels, wanted)
            np.testing.assert_array_equal(labels, expected)
            if wanted is not None:
                np.testing.assert_array_equal(wanted, cells)


@with_each_library
class TestTheSameLabels:
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
        assert_same_labels(frame_of(layout, width, height, random, spread), random, clusters)

    @pytest.mark.parametrize("layout", ["i420", "bgr24"])
    @pytest.mark.parametrize(("width", "height"), [(1920, 300), (1001, 601), (4500, 9)])
    def test_over_several_bands(self, layout: PixelLayout, width: int, height: int) -> None:
        random = np.random.default_rng(1)
        assert_same_labels(frame_of(layout, width, height, random), random, 8)

    @pytest.mark.parametrize("layout", ["i420", "bgr24"])
    @pytest.mark.parametrize("stability", [0.0, 0.5])
    def test_through_a_video(
        self, layout: PixelLayout, stability: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        random = np.random.default_rng(2)
        frames = [frame_of(layout, 97, 64, random)]
        for _ in range(12):
            frames.append(changed(frames[-1], random))
        found = []
        for library in (binding.library, None):
            monkeypatch.setattr(binding, "library", library)
            segmenter = Segmenter(SegmenterSettings(n_clusters=6, stability=stability))
            found.append([segmenter.segment(frame).labels for frame in frames])
        np.testing.assert_array_equal(found[0], found[1])


@pytest.mark.parametrize(
    ("layout", "view"),
    [
        ("bgr24", np.s_[:, :97]),  # of a wider buffer
        ("bgr24", np.s_[:, ::-1]),  # mirrored
        ("bgr24", np.s_[::-1]),
        ("bgr24", np.s_[..., ::-1]),  # RGB
        ("i420", np.s_[:, :96]),
    ],
)
def test_the_pixels_of_frames_may_be_views_of_others(
    layout: PixelLayout, view: tuple[slice, ...]
) -> None:
    random = np.random.default_rng(5)
    frame, settings = frame_of(layout, 120, 90, random), SegmenterSettings(n_clusters=5)
    of_views, of_copies = Segmenter(settings), Segmenter(settings)
    for _ in range(4):
        seen = Frame(frame.pixels[view], layout)
        assert not seen.pixels.flags.c_contiguous
        copy = Frame(seen.pixels.copy(), layout)
        found, expected = of_views.segment(seen), of_copies.segment(copy)
        np.testing.assert_array_equal(found.labels, expected.labels)
        np.testing.assert_array_equal(render(seen, found).pixels, render(copy, expected).pixels)
        frame = changed(frame, random)


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
        for library in (binding.library, None):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(binding, "library", library)
                table = Cells(colors).label(centroids, numbers, level=0.1)
                labels, distances = nearest_centroid.nearest(colors, centroids)
                found.append((labels, distances, table.labels, table.ties))
        for by_c, by_numpy in zip(*found, strict=True):
            np.testing.assert_array_equal(by_c, by_numpy)


@with_each_library
@pytest.mark.parametrize("count", [1, 1000])
def test_the_same_inertia(count: int) -> None:
    random = np.random.default_rng(4)
    colors, centroids = (random.uniform(0, 255, (n, 3)).astype(np.float32) for n in (count, 8))
    labels = random.integers(0, 8, count).astype(np.uint8)
    by_c = nearest_centroid.inertia_of_labels(colors, labels, centroids)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(binding, "library", None)
        by_numpy = nearest_centroid.inertia_of_labels(colors, labels, centroids)
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
        assert_same_pictures(frame_of(layout, width, height, random), labels, clusters, random)

    @pytest.mark.parametrize("layout", ["i420", "bgr24"])
    @pytest.mark.parametrize(("width", "height"), [(1920, 300), (20001, 3)])
    def test_of_many_pixels(self, layout: PixelLayout, width: int, height: int) -> None:
        """Also a row of more of one label than a byte can count."""
        random = np.random.default_rng(3)
        labels = random.integers(0, 9, (height, width)).astype(np.uint8)
        labels[0] = 4
        assert_same_pictures(frame_of(layout, width, height, random), labels, 9, random)


def assert_same_pictures(
    frame: Frame, labels: NDArray[np.uint8], clusters: int, random: np.random.Generator
) -> None:
    colors = random.integers(0, 256, (clusters, 3)).astype(np.uint8)
    found = []
    for library in (binding.library, None):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(binding, "library", library)
            segmentation = Segmentation(
                labels, colors.astype(np.float32), colors, np.ones(clusters, bool), 0.0, "cold"
            )
            painted = render(frame, segmentation)
            found.append((painted.pixels, segmentation.palette.shares))
    for by_c, by_opencv in zip(*found, strict=True):
        np.testing.assert_array_equal(by_c, by_opencv)


class TestWithoutALibrary:
    def test_one_that_is_missing_or_none_is_not_loaded(self, tmp_path: Path) -> None:
        path = tmp_path / "compiled.shared"
        assert binding.load(path) is None
        path.write_bytes(b"not a library")
        assert binding.load(path) is None

    @pytest.mark.parametrize("compiler", ["false", "no-such-compiler"])
    def test_a_wheel_is_built_all_the_same(self, tmp_path: Path, compiler: str) -> None:
        files = wheel_files(tmp_path, {"CC": compiler})
        assert "kseg_video/native/compiled.shared" not in files
        assert files >= {"kseg_video/__init__.pyi", "kseg_video/py.typed"}


def test_a_wheel_has_the_library_where_there_is_a_compiler(tmp_path: Path) -> None:
    has_one = compiler() is not None
    assert ("kseg_video/native/compiled.shared" in wheel_files(tmp_path, {})) == has_one


def compiler() -> str | None:
    return next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)


def wheel_files(folder: Path, variables: dict[str, str]) -> set[str]:
    """Build a wheel, and list what is in it."""
    with ZipFile(wheel(folder, variables)) as archive:
        return set(archive.namelist())


def wheel(folder: Path, variables: dict[str, str]) -> Path:
    """Build a wheel of a copy of the project."""
    project = folder / "project"
    shutil.copytree(PROJECT / "kseg_video", project / "kseg_video")
    for name in ("pyproject.toml", "README.md", "LICENSE", "hatch_build.py"):
        shutil.copy(PROJECT / name, project)
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    without = {name: value for name, value in os.environ.items() if name != "CC"}
    subprocess.run(command, cwd=project, env=without | variables, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built
