from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from kseg_video import Frame, RenderSettings, Segmentation, Segmenter, SegmenterSettings
from kseg_video.rendering.matte import MatteSettings, Matting
from tests.helpers.pictures import as_i420, photo_like

if TYPE_CHECKING:
    from tests.helpers.pictures import Picture

DARK, LIGHT = (40, 30, 20), (200, 210, 220)


def two_sides(height: int = 40, width: int = 60) -> Picture:
    """Dark on the left and light on the right of a slanting edge, drawn eight times as large and
    brought down: its pixels mix the two by the area that each covers."""
    large = np.empty((8 * height, 8 * width, 3), np.uint8)
    large[:] = DARK
    corners = np.array([[200, 0], [8 * width, 0], [8 * width, 8 * height], [280, 8 * height]])
    cv2.fillPoly(large, [corners.astype(np.int32)], LIGHT)
    return np.asarray(cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def light_share(picture: Picture) -> np.ndarray:
    """How much of each pixel the light side covers."""
    return (picture[..., 0].astype(float) - DARK[0]) / (LIGHT[0] - DARK[0])


def segmented(picture: Picture | Frame, **settings: object) -> Segmentation:
    return Segmenter(SegmenterSettings(n_clusters=2, **settings)).segment(picture)  # type: ignore[arg-type]


def of_labels(labels: np.ndarray) -> Segmentation:
    """A segmentation with given labels: 0 or 1."""
    picture = np.where(labels[..., np.newaxis], LIGHT, DARK).astype(np.uint8)
    return replace(segmented(picture, stability=0.0), labels=labels.astype(np.uint8))


def hard_matte(labels: np.ndarray, despeckle: int) -> np.ndarray:
    """Whether pixels are on, with cluster 1 on."""
    segmentation = of_labels(labels)
    frame = Frame(np.zeros((*labels.shape, 3), np.uint8))
    matte = Matting().of_frame(frame, segmentation, {0}, MatteSettings(0, despeckle))
    assert set(np.unique(matte)) <= {0, 255}
    return matte > 0


class TestFeather:
    @pytest.mark.parametrize("mapping", ["fast", "exact"])
    @pytest.mark.parametrize("space", ["rgb", "oklab"])
    @pytest.mark.parametrize("planar", [False, True])
    def test_opacity_is_about_the_share_of_a_pixel_that_is_covered(
        self, mapping: str, space: str, planar: bool
    ) -> None:
        picture = two_sides()
        frame = as_i420(picture) if planar else Frame(picture)
        segmentation = segmented(frame, mapping=mapping, color_space=space)
        matte = Matting().of_frame(frame, segmentation, {0}, MatteSettings(2)) / 255
        share = light_share(picture)
        edge = (share > 0.02) & (share < 0.98)
        assert edge.sum() >= 40
        assert np.abs(matte - share)[edge].max() < 0.3
        stair = (segmentation.labels == 1).astype(float)
        assert np.abs(matte - share)[edge].mean() < 0.55 * np.abs(stair - share)[edge].mean()

    @pytest.mark.parametrize("mapping", ["fast", "exact"])
    @pytest.mark.parametrize("planar", [False, True])
    @pytest.mark.parametrize(
        ("share", "opacity"),
        [(0.1, 0), (0.2, 0), (0.3, 1 / 6), (0.5, 0.5), (0.7, 5 / 6), (0.8, 1), (0.9, 1)],
    )
    def test_it_rises_over_the_middle_three_fifths_of_the_way_between_the_clusters(
        self, mapping: str, planar: bool, share: float, opacity: float
    ) -> None:
        picture = np.empty((20, 120, 3), np.uint8)
        picture[:, :60], picture[:, 60:] = DARK, LIGHT
        picture[:, 59:61] = np.round(np.add(DARK, share * np.subtract(LIGHT, DARK)))
        frame = as_i420(picture) if planar else Frame(picture)
        matte = (
            Matting().of_frame(frame, segmented(frame, mapping=mapping), {0}, MatteSettings(3))
            / 255
        )
        assert np.abs(matte[:, 59:61] - opacity).max() < 0.04

    def test_away_from_the_border_it_is_the_labels(self) -> None:
        picture = photo_like(3)
        frame, segmentation = Frame(picture), segmented(picture)
        matte = Matting().of_frame(frame, segmentation, {0}, MatteSettings(3))
        on = (segmentation.labels == 1).view(np.uint8)
        ball = np.ones((7, 7), np.uint8)
        assert (matte[cv2.erode(on, ball) > 0] == 255).all()
        assert (matte[cv2.dilate(on, ball) == 0] == 0).all()
        soft = (matte > 0) & (matte < 255)
        assert 0.02 < soft.mean() < 0.5

    def test_a_thin_line_keeps_its_strength(self) -> None:
        picture = np.empty((30, 30, 3), np.uint8)
        picture[:] = DARK
        picture[:, 15] = LIGHT
        matte = Matting().of_frame(Frame(picture), segmented(picture), {0}, MatteSettings(3))
        assert (matte[:, 15] == 255).all()
        assert not matte[:, [14, 16]].any()

    def test_it_shrinks_from_one_side_to_the_other_without_a_step(self) -> None:
        ramp = np.linspace(0, 255, 120).astype(np.uint8)
        picture = np.ascontiguousarray(np.broadcast_to(ramp[None, :, None], (20, 120, 3)))
        for feather in (1, 4, 10):
            matte = Matting().of_frame(
                Frame(picture), segmented(picture), {0}, MatteSettings(feather)
            )
            row = matte[10].astype(int)
            assert (np.diff(row) >= 0).all()
            assert np.diff(row).max() <= 2 * 255 / (2 * feather + 1) + 2
            assert 2 * feather - 1 <= ((row > 0) & (row < 255)).sum() <= 2 * feather + 1

    @pytest.mark.parametrize(("disabled", "level"), [(set(), 255), ({0, 1}, 0), ({7}, 255)])
    def test_all_on_or_all_off(self, disabled: set[int], level: int) -> None:
        picture = two_sides()
        matte = Matting().of_frame(
            Frame(picture), segmented(picture), disabled, MatteSettings(2, 10)
        )
        assert (matte == level).all()

    def test_it_is_no_less_still_than_the_stair_in_the_picture_s_noise(self) -> None:
        rng, clean = np.random.default_rng(4), two_sides().astype(int)
        clean[:, :29], clean[:, 29], clean[:, 30:] = DARK, np.add(DARK, LIGHT) // 2, LIGHT
        segmenter, matting = Segmenter(SegmenterSettings(n_clusters=2, stability=0.0)), Matting()
        soft, hard = [], []
        for _ in range(8):
            noisy = np.clip(clean + rng.normal(0, 4, clean.shape), 0, 255).astype(np.uint8)
            segmentation = segmenter.segment(noisy)
            soft.append(
                matting.of_frame(Frame(noisy), segmentation, {0}, MatteSettings(2)).astype(int)
            )
            hard.append(255 * (segmentation.labels == 1).astype(int))
        trembling, flicker = (np.abs(np.diff(each, axis=0)).max() for each in (soft, hard))
        assert flicker == 255
        assert trembling < 64


class TestDespeckle:
    @pytest.mark.parametrize("area", [2, 5, 20])
    def test_islands_and_holes_below_the_area_go_and_nothing_else(self, area: int) -> None:
        for seed in range(6):
            rng = np.random.default_rng(seed)
            labels = cv2.GaussianBlur(rng.normal(size=(60, 80)), (0, 0), 1.3) > 0
            cleaned = hard_matte(labels, area)
            on = np.asarray(labels, np.uint8)
            _, islands, of_island, _ = cv2.connectedComponentsWithStats(on, connectivity=8)
            small = np.flatnonzero(of_island[:, cv2.CC_STAT_AREA] < area)
            without = labels & ~np.isin(islands, small[small > 0])
            _, holes, of_hole, _ = cv2.connectedComponentsWithStats(
                np.asarray(~without, np.uint8), connectivity=4
            )
            at_border = np.unique(np.r_[holes[0], holes[-1], holes[:, 0], holes[:, -1]])
            small = np.flatnonzero(of_hole[:, cv2.CC_STAT_AREA] < area)
            filled = np.isin(holes, np.setdiff1d(small[small > 0], at_border))
            assert np.array_equal(cleaned, without | filled)

    def test_a_speck_within_a_hole_goes_with_it(self) -> None:
        labels = np.ones((20, 20), bool)
        labels[5:10, 5:10] = False
        labels[7, 7] = True
        assert hard_matte(labels, 30).all()
        assert not hard_matte(labels, 10)[7, 7]
        assert not hard_matte(~labels, 30).any()

    def test_what_has_about_the_size_does_not_come_and_go(self) -> None:
        frame, matting = Frame(np.zeros((20, 20, 3), np.uint8)), Matting()
        shown = []
        for size in (9, 11, 9, 11, 5, 11, 16, 9):
            labels = np.zeros((20, 20), bool)
            labels[10:, :] = True
            labels.reshape(-1)[42 : 42 + size] = True
            segmentation = replace(of_labels(labels), event="warm")
            matte = matting.of_frame(frame, segmentation, {0}, MatteSettings(0, 10))
            shown.append(bool(matte.reshape(-1)[43]))
        assert shown == [False, False, False, False, False, False, True, True]

    def test_what_shrinks_to_one_pixel_goes(self) -> None:
        frame, matting = Frame(np.zeros((20, 20, 3), np.uint8)), Matting()
        shown = []
        for size in (3, 2, 1):
            labels = np.zeros((20, 20), bool)
            labels[10:, :] = True
            labels[2, 2 : 2 + size] = True
            segmentation = replace(of_labels(labels), event="warm")
            shown.append(
                bool(matting.of_frame(frame, segmentation, {0}, MatteSettings(0, 2))[2, 2])
            )
        assert shown == [True, True, False]

    def test_a_new_scene_begins_anew(self) -> None:
        frame, matting, edge = (
            Frame(np.zeros((20, 20, 3), np.uint8)),
            Matting(),
            MatteSettings(0, 10),
        )
        seen = []
        for size in (20, 9):
            labels = np.zeros((20, 20), bool)
            labels[10:, :] = True
            labels.reshape(-1)[42 : 42 + size] = True
            segmentation = replace(of_labels(labels), event="cut")
            seen.append(bool(matting.of_frame(frame, segmentation, {0}, edge)[2, 3]))
        assert seen == [True, False]


class TestDefaults:
    @pytest.mark.parametrize(
        ("settings", "edge"),
        [
            (RenderSettings("masked"), MatteSettings(0, 0)),
            (RenderSettings("masked", background="#123456"), MatteSettings(0, 0)),
            (RenderSettings("masked", background="transparent"), MatteSettings(2, 415)),
            (RenderSettings("segmented", background="transparent"), MatteSettings(0, 415)),
            (RenderSettings("matte"), MatteSettings(2, 415)),
            (RenderSettings("masked", feather=5, despeckle=7), MatteSettings(5, 7)),
            (
                RenderSettings("masked", background="blur", feather=0, despeckle=0),
                MatteSettings(0, 0),
            ),
        ],
    )
    def test_edges_suit_the_background(self, settings: RenderSettings, edge: MatteSettings) -> None:
        assert MatteSettings.suiting(settings, 1920, 1080) == edge

    def test_they_grow_with_the_picture(self) -> None:
        soft = RenderSettings("masked", background="blur")
        assert MatteSettings.suiting(soft, 3840, 2160) == MatteSettings(4, 1659)
        assert MatteSettings.suiting(soft, 176, 144) == MatteSettings(2, 5)
