from __future__ import annotations

import numpy as np
import pytest

from kseg_video import ClusterSelection, Segmenter, SegmenterSettings, SettingsError, SourceError
from kseg_video.rendering.cluster_selection import pinned, resolve_selection
from tests.helpers.pictures import QUADRANTS, quadrants

# Dark to light: red (upper left) is 0, blue (lower left) 1, green (upper right) 2, white 3.
SEGMENTATION = Segmenter(SegmenterSettings(n_clusters=4)).segment(quadrants())


def disabled(selection: ClusterSelection) -> set[int]:
    return set(resolve_selection(selection, SEGMENTATION).disabled)


def test_the_quadrants_are_numbered_as_the_tests_expect() -> None:
    in_their_places = SEGMENTATION.palette.colors[[0, 2, 1, 3]].astype(int)
    assert np.abs(in_their_places - QUADRANTS).max() < 6


@pytest.mark.parametrize(
    ("selectors", "numbers"),
    [
        ((), set()),
        ((0, 3), {0, 3}),
        (("red",), {0}),
        (("#2b6cb0",), {1}),
        (("green", "white"), {2, 3}),
        (("#2b6cb0:2",), {1, 3}),
        (("lime",), {2}),
        (("darkgreen",), {2}),
        (("navy", "maroon"), {0, 1}),
        (((0, 0),), {0}),
        (((20, 0), (0, 19)), {1, 2}),
        ((0, "red", (1, 1)), {0}),
    ],
)
def test_numbers_colors_and_pixels(
    selectors: tuple[int | str | tuple[int, int], ...], numbers: set[int]
) -> None:
    assert disabled(ClusterSelection(disabled=selectors)) == numbers
    kept = disabled(ClusterSelection(only=selectors))
    assert kept == ({0, 1, 2, 3} - numbers if selectors else set())


@pytest.mark.parametrize(
    ("off", "held"),
    [(set(), set()), ({3}, {3}), ({0, 4}, {0, 4}), ({0, 1, 3, 4}, {2}), ({0, 1, 2, 3, 4}, set())],
)
def test_the_numbers_that_keep_their_colours_are_those_of_the_fewer(
    off: set[int], held: set[int]
) -> None:
    assert pinned(frozenset(off), 5) == held


def test_it_says_what_colors_and_pixels_have_come_to() -> None:
    chosen = resolve_selection(ClusterSelection(disabled=(3, "red", (20, 0))), SEGMENTATION)
    colors = SEGMENTATION.palette.hex_colors
    assert chosen.notes == (
        f"red is cluster 0 ({colors[0]})",
        f"pixel 20,0 is cluster 2 ({colors[2]})",
    )


# As BGR, from dark to light.
NAVY, RED, GRAY, SKY = (
    (0x60, 0x20, 0x10),
    (0x28, 0x28, 0xC8),
    (0x7F, 0x80, 0x86),
    (0xE6, 0xC8, 0xAA),
)
SHOT = Segmenter(SegmenterSettings(n_clusters=4)).segment(
    np.array([[NAVY, RED, GRAY, SKY]], np.uint8)
)


THERE_IS = "0 blue (#102060), 1 red (#c82828), 2 gray (#86807f), 3 blue (#aac8e6)"


@pytest.mark.parametrize(
    ("selector", "clusters", "note"),
    [
        ("blue", {0, 3}, "blue is clusters 0 (#102060), 3 (#aac8e6)"),
        ("Blue", {0, 3}, "Blue is clusters 0 (#102060), 3 (#aac8e6)"),
        ("blue:1", {0}, "blue:1 is cluster 0 (#102060)"),
        (
            "blue:3",
            {0, 2, 3},
            "blue:3 is clusters 0 (#102060), 2 (#86807f, of another hue), 3 (#aac8e6)",
        ),
        ("skyblue", {3}, "skyblue is cluster 3 (#aac8e6)"),
        ("navy:2", {0, 3}, "navy:2 is clusters 0 (#102060), 3 (#aac8e6)"),
        ("grey", {2}, "grey is cluster 2 (#86807f)"),
        ("red", {1}, "red is cluster 1 (#c82828)"),
        ("green:1", {2}, "green:1 is cluster 2 (#86807f, the nearest: nothing has its hue)"),
        (
            "teal",
            set(),
            f"no cluster is teal in the first frame: there is {THERE_IS}",
        ),
    ],
)
def test_a_basic_name_means_a_hue_and_a_shade_the_nearest(
    selector: str, clusters: set[int], note: str
) -> None:
    chosen = resolve_selection(ClusterSelection(disabled=(selector,)), SHOT)
    assert (set(chosen.disabled), chosen.notes) == (clusters, (note,))
    assert chosen.is_complete == bool(clusters)


def test_a_color_is_never_a_cluster_without_pixels() -> None:
    flat = np.full((8, 8, 3), (200, 60, 40), np.uint8)
    segmentation = Segmenter(SegmenterSettings(n_clusters=3)).segment(flat)
    for selector in ("blue", "blue:2", "khaki"):
        assert resolve_selection(ClusterSelection(disabled=(selector,)), segmentation).disabled == {
            0
        }


def test_a_picture_of_one_colour_tells_that_others_may_come() -> None:
    flat = np.zeros((8, 8, 3), np.uint8)
    segmentation = Segmenter(SegmenterSettings(n_clusters=3)).segment(flat)
    named = resolve_selection(ClusterSelection(only=("pink", "pink")), segmentation)
    assert named.notes == (
        "no cluster is pink in the first frame: there is 0 black (#000000)",
        "the first frame is all of one colour",
    )
    assert resolve_selection(ClusterSelection(disabled=(0,)), segmentation).notes == ()


def test_a_color_may_be_that_of_a_kept_cluster_that_is_not_in_the_picture() -> None:
    settings = SegmenterSettings(n_clusters=3, palette=("#d02010", "#20c030", "#3070d0"))
    flat = np.full((8, 8, 3), (16, 32, 208), np.uint8)
    segmentation = Segmenter(settings).segment(flat)
    chosen = resolve_selection(
        ClusterSelection(disabled=("#3070d0", "lime", "red:1")), segmentation
    )
    assert chosen.disabled == {0, 1, 2}
    assert chosen.notes == (
        "#3070d0 is cluster 2 (#3070d0, not in the first frame)",
        "lime is cluster 1 (#20c030, not in the first frame)",
        "red:1 is cluster 0 (#d02010)",
    )


@pytest.mark.parametrize("pixel", [(21, 0), (0, 20), (1000, 1000)])
def test_a_pixel_outside_the_picture(pixel: tuple[int, int]) -> None:
    with pytest.raises(SourceError, match=r"lies outside the picture; choose from 0,0 to 20,19"):
        resolve_selection(ClusterSelection(only=(pixel,)), SEGMENTATION)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"only": (1,), "disabled": (2,)}, "give one kind"),
        ({"disabled": ("gren",)}, "did you mean green"),
        ({"disabled": ("gren:2",)}, "did you mean green"),
        ({"only": ("blue:0",)}, "blue:0 chooses 0 clusters; write blue:1"),
        ({"only": ("blue:33",)}, "chooses 33 clusters"),
        ({"only": ("blue:",)}, "'blue:' is no colour"),
        ({"disabled": ((-1, 0),)}, "coordinate cannot be -1"),
        ({"only": (32,)}, "from 0 to 31"),
    ],
)
def test_what_cannot_be_meant(values: dict[str, tuple[object, ...]], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ClusterSelection(**values)  # type: ignore[arg-type]
