"""Small regions of the segmented view join their neighbours, and hold still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    Frame,
    RenderSettings,
    Segmentation,
    Segmenter,
    SegmenterSettings,
    convert,
    render,
)
from kseg_video.rendering.renderer import Renderer
from tests.helpers.commands import run
from tests.helpers.pictures import as_i420, photo_like

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import PaletteEvent
    from kseg_video.core.settings import View

LEVELS = np.array([(0, 0, 0), (90, 90, 90), (170, 170, 170), (255, 255, 255)], np.uint8)


def of_labels(labels: NDArray[np.uint8], event: PaletteEvent = "warm") -> Segmentation:
    return Segmentation(labels, LEVELS.astype(np.float32), LEVELS, np.ones(4, bool), 0.0, event)


def shown(labels: NDArray[np.uint8], area: int) -> NDArray[np.uint8]:
    """Labels that a picture simplified alone shows."""
    picture = LEVELS[labels]
    painted = render(picture, of_labels(labels, "cold"), RenderSettings(simplify=area))
    return (painted[..., 0].astype(int) // 80).astype(np.uint8)


def areas_of(picture: NDArray[np.uint8]) -> list[int]:
    """Areas of the connected regions of one colour."""
    areas: list[int] = []
    for color in np.unique(picture.reshape(-1, 3), axis=0):
        mask = (picture == color).all(axis=2).view(np.uint8)
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=4)
        areas.extend(stats[1:, cv2.CC_STAT_AREA].tolist())
    return areas


def test_a_region_joins_the_neighbour_with_the_longest_border() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[:, 10:] = 3
    labels[4:8, 9:13] = 1  # 16 pixels, of which one column lies on the left
    result = shown(labels, 17)
    expected = np.zeros((20, 20), np.uint8)
    expected[:, 10:] = 3
    expected[4:8, 9] = 3
    assert np.array_equal(result, expected)
    assert np.array_equal(shown(labels, 16), labels)


def test_a_ring_that_has_taken_its_middle_is_large_enough() -> None:
    labels = np.zeros((20, 20), np.uint8)
    labels[5:12, 5:12] = 1
    labels[7:10, 7:10] = 2
    expected = np.where(labels == 2, 1, labels)
    assert np.array_equal(shown(labels, 45), expected)
    assert not shown(labels, 50).any()


@pytest.mark.parametrize("area", [10, 60, 400, 10**6])
@pytest.mark.parametrize("as_planes", [False, True])
def test_no_region_is_smaller(area: int, as_planes: bool) -> None:
    picture = photo_like(4)
    frame = as_i420(picture) if as_planes else Frame(picture)
    segmentation = Segmenter(SegmenterSettings(n_clusters=6)).segment(frame)
    plain = render(frame, segmentation, RenderSettings(), "bgr24").pixels
    simple = render(frame, segmentation, RenderSettings(simplify=area), "bgr24").pixels
    assert min(areas_of(plain)) < 10
    assert min(areas_of(simple)) >= min(area, simple.shape[0] * simple.shape[1])


@pytest.mark.parametrize("view", ["masked", "labels", "matte", "original"])
def test_other_views_keep_every_pixel(view: View) -> None:
    picture = photo_like(4)
    segmentation = Segmenter(SegmenterSettings(n_clusters=6)).segment(picture)
    off = frozenset({2, 3})
    plain = render(picture, segmentation, RenderSettings(view, off))
    simple = render(picture, segmentation, RenderSettings(view, off, simplify=500))
    assert np.array_equal(plain, simple)


def test_boundaries_are_those_of_the_simple_regions() -> None:
    labels = np.zeros((40, 40), np.uint8)
    labels[10:16, 10:16] = 1
    labels[20:32, 20:32] = 2
    settings = RenderSettings("boundaries", despeckle=0, simplify=100)
    lines = render(np.zeros((40, 40, 3), np.uint8), of_labels(labels, "cold"), settings)[..., 0] > 0
    assert lines[20:33, 20:33].any()
    assert not lines[:19, :19].any()


def test_a_region_that_wavers_about_the_limit_does_not_flicker() -> None:
    """Also one that loses its bridge to a large region in every other frame."""
    renderer, settings = Renderer(), RenderSettings(simplify=50)
    pictures = []
    for number in range(30):
        labels = np.zeros((40, 60), np.uint8)
        labels[10:17, 10 : 17 + number % 2] = 1  # 49 or 56 pixels
        labels[:, 50:] = 3
        labels[20:25, 40:45] = 3
        if number % 2:
            labels[22, 40:50] = 3
        segmentation = of_labels(labels, "warm" if number else "cold")
        pictures.append(renderer.render(Frame(LEVELS[labels]), segmentation, settings).pixels)
    later = pictures[15:]
    for middle in ((13, 13), (23, 41)):
        assert len({tuple(picture[middle].tolist()) for picture in later}) == 1


def test_what_moves_on_and_what_is_cut_is_followed() -> None:
    renderer, settings = Renderer(), RenderSettings(simplify=50)
    for number in range(25):
        labels = np.zeros((40, 60), np.uint8)
        labels[10:20, 2 * number : 2 * number + 10] = 3
        frame = Frame(LEVELS[labels])
        segmentation = of_labels(labels, "warm" if number else "cold")
        picture = renderer.render(frame, segmentation, settings).pixels
        assert np.array_equal(picture, LEVELS[labels])
    cut = of_labels(np.ones((40, 60), np.uint8), "cut")
    assert (renderer.render(frame, cut, settings).pixels == 90).all()


class TestCommand:
    @pytest.fixture
    def image(self, tmp_path: Path) -> Path:
        path = tmp_path / "photo.png"
        Image.fromarray(photo_like(4)[..., ::-1]).save(path)
        return path

    def test_it_reaches_the_file(self, image: Path, tmp_path: Path) -> None:
        outcome = run("convert", image, "--simplify", "300", "-o", tmp_path / "o.png")
        assert outcome.code == 0
        with Image.open(tmp_path / "o.png") as picture:
            assert min(areas_of(np.asarray(picture))) >= 300

    def test_where_it_has_no_effect(self, image: Path, tmp_path: Path) -> None:
        settings = RenderSettings("masked", frozenset({0}), simplify=300)
        report = convert(image, tmp_path / "o.png", rendering=settings)
        note = "masked does not show the regions, so that there is nothing to simplify"
        assert note in report.notes

    def test_a_wrong_area(self, image: Path, tmp_path: Path) -> None:
        outcome = run("convert", image, "--simplify", "-1", "-o", tmp_path / "o.png")
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert "the area to simplify cannot be -1; give a whole number" in outcome.err
