"""Outlines are those of the regions that are large enough, and hold still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from kseg_video import Frame, Renderer, RenderSettings, Segmentation, render
from kseg_video.rendering.outlines import Outlines

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import PaletteEvent


def segmented(labels: NDArray[np.uint8], event: PaletteEvent = "warm") -> Segmentation:
    count = int(labels.max()) + 1
    colors = np.arange(count, dtype=np.uint8)[:, np.newaxis].repeat(3, axis=1)
    real = np.ones(count, bool)
    return Segmentation(labels, colors.astype(np.float32), colors, real, 0.0, event)


def borders(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    found = np.zeros(labels.shape, bool)
    found[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    found[1:] |= labels[1:] != labels[:-1]
    return found


def halves() -> NDArray[np.uint8]:
    labels = np.zeros((200, 300), np.uint8)
    labels[:, 150:] = 1
    return labels


def test_all_borders_of_large_regions_are_outlined() -> None:
    labels = halves()
    labels[20:80, 20:80] = 2  # an island
    labels[40:60, 40:60] = 1  # and one in it
    labels[150:, :50] = 3  # at a corner
    found = Outlines().of_frame(segmented(labels), 100)
    np.testing.assert_array_equal(found > 0, borders(labels))


def test_specks_have_none_and_leave_those_of_others_whole() -> None:
    labels, with_specks = halves(), halves()
    with_specks[10:180:12, 20:130:9] = 2
    with_specks[13:180:12, 170:280:9] = 0
    found = Outlines().of_frame(segmented(with_specks), 10)
    np.testing.assert_array_equal(found > 0, borders(labels))


def test_what_is_full_of_specks_is_outlined_as_a_whole() -> None:
    labels = halves()
    labels[50:150, 20:120] = np.random.default_rng(0).integers(2, 6, (100, 100))
    found = Outlines().of_frame(segmented(labels), 60) > 0
    assert found[50, 20:120].mean() > 0.9
    assert found[50:150, 20].mean() > 0.9
    assert found[55:145, 25:115].mean() < 0.1


@pytest.mark.parametrize("area", [0, 1])
def test_without_an_area_all_are_outlined(area: int) -> None:
    labels = np.random.default_rng(0).integers(0, 4, (60, 80)).astype(np.uint8)
    found = Outlines().of_frame(segmented(labels), area)
    np.testing.assert_array_equal(found > 0, borders(labels))


def test_there_are_none_where_no_labels_meet() -> None:
    noise = np.random.default_rng(0).random((200, 300)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 9)
    labels = np.digitize(smooth, np.quantile(smooth, [0.4, 0.7])).astype(np.uint8)
    found = Outlines().of_frame(segmented(labels), 60) > 0
    assert not (found & ~borders(labels)).any()
    assert found.any()


def test_by_default_what_suits_the_picture_has_none() -> None:
    labels = halves()
    labels[50:52, 50:55] = 1  # 10 pixels of 60,000; below 12 they are a speck
    labels[90:95, 50:54] = 1
    frame = Frame(np.full((*labels.shape, 3), 40, np.uint8))
    painted = render(frame, segmented(labels), RenderSettings("boundaries"))
    is_white = (painted.pixels == 255).all(axis=2)
    assert not is_white[49:54, 49:57].any()
    assert is_white[89:96, 49:55].any()
    everything = render(frame, segmented(labels), RenderSettings("boundaries", despeckle=0))
    np.testing.assert_array_equal((everything.pixels == 255).all(axis=2), borders(labels))


def outlined(sizes: list[int], event: PaletteEvent = "warm") -> list[bool]:
    """Whether a region that grows and shrinks is outlined, frame by frame, at 40 pixels."""
    renderer, found = Renderer(), []
    for size in sizes:
        labels = halves()
        labels[50:60, 50 : 50 + size // 10] = 1
        frame = Frame(np.full((*labels.shape, 3), 40, np.uint8))
        settings = RenderSettings("boundaries", despeckle=40)
        painted = renderer.render(frame, segmented(labels, event), settings)
        found.append(bool((painted.pixels[50:60, 50] == 255).any()))
    return found


def test_a_region_about_as_large_as_the_limit_does_not_flicker() -> None:
    assert outlined([50, 30, 50, 30, 50]) == [True] * 5
    assert outlined([30, 50, 30, 50, 30]) == [False] * 5
    assert outlined([30, 70, 30, 20, 50]) == [False, True, True, False, False]


def test_a_region_that_grows_on_all_sides_keeps_its_outline() -> None:
    outlines = Outlines()
    for side in (10, 12, 11, 9):
        labels = halves()
        labels[50 - side // 2 : 50 + side // 2, 50 - side // 2 : 50 + side // 2] = 1
        found = outlines.of_frame(segmented(labels), 64)
        np.testing.assert_array_equal(found > 0, borders(labels))


def test_the_outline_of_a_hole_holds_still() -> None:
    outlines, found = Outlines(), []
    for side in (22, 22, 24, 21, 18):
        labels = halves()
        specks = np.indices((side, side)).sum(axis=0) // 2 % 3 + 2  # thin diagonals
        labels[40 : 40 + side, 60 : 60 + side] = specks
        lines = outlines.of_frame(segmented(labels), 400)
        found.append(bool(lines[40, 60 : 60 + side].any()))
    assert found == [True, True, True, True, True]


def test_another_view_between_is_a_beginning() -> None:
    renderer, labels = Renderer(), halves()
    labels[50:60, 50:55] = 1
    frame = Frame(np.full((*labels.shape, 3), 40, np.uint8))
    outlined, plain = RenderSettings("boundaries", despeckle=40), RenderSettings("original")
    renderer.render(frame, segmented(halves()), outlined)
    renderer.render(frame, segmented(halves(), "cut"), plain)
    painted = renderer.render(frame, segmented(labels), outlined)
    assert (painted.pixels[50:60, 50] == 255).any()


def test_after_a_cut_a_region_is_taken_by_its_size() -> None:
    assert outlined([30, 50, 30], "cut") == [False, True, False]


def test_a_picture_of_another_size_is_a_beginning() -> None:
    outlines = Outlines()
    outlines.of_frame(segmented(halves()), 10)
    labels = np.ascontiguousarray(halves()[:90, 100:])
    found = outlines.of_frame(segmented(labels), 10)
    np.testing.assert_array_equal(found > 0, borders(labels))
