"""Synthetic scenes whose truth is known: labels, numbers and events through time."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kseg_video import Frame, Segmenter, SegmenterSettings, open_source

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video import Segmentation

    Picture = NDArray[np.uint8]

HEIGHT, WIDTH = 96, 128
RED, GREEN, BLUE, GRAY = (30, 30, 200), (60, 180, 40), (200, 80, 30), (120, 120, 120)
WHITE, DARK, YELLOW, BLACK = (235, 235, 235), (25, 20, 20), (40, 200, 220), (0, 0, 0)


def noisy(picture: Picture, seed: int, deviation: float = 4.0) -> Picture:
    noise = np.random.default_rng(seed).normal(0, deviation, picture.shape)
    return np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def quarters(*colors: tuple[int, int, int]) -> Picture:
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    half_height, half_width = HEIGHT // 2, WIDTH // 2
    for number, color in enumerate(colors):
        row, column = divmod(number, 2)
        picture[
            row * half_height : (row + 1) * half_height,
            column * half_width : (column + 1) * half_width,
        ] = color
    return picture


def stripes(*parts: tuple[tuple[int, int, int], float]) -> Picture:
    """Colours from left to right, each over its part of the width."""
    edges = np.rint(np.cumsum([0, *(part for _, part in parts)]) * WIDTH).astype(int)
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for (color, _), (left, right) in zip(parts, pairwise(edges), strict=True):
        picture[:, left:right] = color
    return picture


def gradient() -> Picture:
    """From dark at the left to light at the right."""
    ramp = np.linspace(20, 235, WIDTH).astype(np.uint8)
    return np.broadcast_to(ramp[np.newaxis, :, np.newaxis], (HEIGHT, WIDTH, 3)).copy()


def with_box(picture: Picture, left: int, color: tuple[int, int, int], size: int = 24) -> Picture:
    """The picture with a square in its middle rows, clipped at the picture's edges."""
    result = picture.copy()
    result[36 : 36 + size, max(left, 0) : max(left + size, 0)] = color
    return result


def lit(picture: Picture, gain: float) -> Picture:
    levels: Picture = np.clip(picture * gain, 0, 255).astype(np.uint8)
    return levels


def follow(
    pictures: Iterable[Picture],
    n_clusters: int,
    pinned: frozenset[int] = frozenset(),
    deviation: float = 4.0,
    **more: object,
) -> list[Segmentation]:
    segmenter = Segmenter(SegmenterSettings(n_clusters=n_clusters, **more))  # type: ignore[arg-type]
    return [
        segmenter.segment(noisy(picture, seed, deviation), pinned)
        for seed, picture in enumerate(pictures)
    ]


def number_of(segmentation: Segmentation, color: tuple[int, int, int]) -> int:
    distances = np.abs(segmentation.palette.colors.astype(int) - color).sum(axis=1)
    distances[~segmentation.palette.real] = 999
    return int(np.argmin(distances))


def events(run: list[Segmentation]) -> dict[int, str]:
    return {n: s.event for n, s in enumerate(run) if s.event != "warm"}


class TestStillScene:
    def test_labels_and_palette_do_not_move(self) -> None:
        run = follow([quarters(RED, GREEN, BLUE, GRAY)] * 40, 4)
        assert events(run) == {0: "cold"}
        for segmentation in run:
            assert np.array_equal(segmentation.labels, run[0].labels)
            assert np.array_equal(segmentation.palette.colors, run[0].palette.colors)

    def test_a_gradient_flickers_far_less_than_strictly(self) -> None:
        picture = gradient()

        def flips(stability: float) -> float:
            run = follow([picture] * 20, 5, stability=stability)
            return float(np.mean([(a.labels != b.labels).mean() for a, b in pairwise(run)]))

        assert flips(0.5) < 0.4 * flips(0)
        assert flips(1) < flips(0.5)

    def test_strict_labels_are_the_nearest(self) -> None:
        picture = quarters(RED, GREEN, BLUE, GRAY)
        (segmentation,) = follow([picture], 4, stability=0.0)
        ways = noisy(picture, 0)[..., np.newaxis, :] - segmentation.palette.centroids
        assert np.array_equal(segmentation.labels, np.linalg.norm(ways, axis=-1).argmin(axis=-1))

    def test_rare_colours_settle(self) -> None:
        """Colours of a few pixels each, more of them than clusters, take no turns."""
        picture = quarters(RED, GREEN, BLUE, GRAY)
        rng = np.random.default_rng(5)
        for color in rng.integers(0, 256, (40, 3)):
            picture[tuple(rng.integers(0, (HEIGHT, WIDTH)))] = color
        segmenter = Segmenter(SegmenterSettings(n_clusters=8))
        run = [segmenter.segment(picture) for _ in range(40)]
        assert set(events(run)) <= {0, 1, 2, 3}
        for segmentation in run[10:]:
            assert np.array_equal(segmentation.labels, run[10].labels)

    @pytest.mark.parametrize("deviation", [2.0, 8.0])
    def test_holding_still_costs_a_few_per_cent_at_most(self, deviation: float) -> None:
        """Whatever the noise, and in gradients, where every pixel is near some border."""
        picture = gradient()
        frames = [noisy(np.roll(picture, 2 * n, axis=1), n, deviation) for n in range(40)]
        held, strict = Segmenter(SegmenterSettings()), Segmenter(SegmenterSettings(stability=0.0))
        costs = [held.segment(f).inertia / strict.segment(f).inertia - 1 for f in frames]
        assert np.mean(costs[10:]) < 0.04
        assert max(costs) < 0.12

    def test_what_does_not_change_in_a_slow_pan_flickers_far_less_than_strictly(self) -> None:
        """Colours that slide by, often by a level or two at a time, and are still that often."""
        noise = np.random.default_rng(3).normal(0, 1, (220, 400, 3))
        texture = cv2.GaussianBlur(noise, (0, 0), 12)
        texture = np.clip(120 + 45 * texture / texture.std(), 0, 255)
        ways = [np.array([[1, 0, -0.8 * n - 5], [0, 1, -0.16 * n - 5]]) for n in range(40)]
        slid = [np.rint(cv2.warpAffine(texture, way, (320, 180))).astype(np.uint8) for way in ways]
        pan = [noisy(picture, seed, 0.5) for seed, picture in enumerate(slid)]

        def flicker(stability: float) -> tuple[float, float]:
            segmenter = Segmenter(SegmenterSettings(n_clusters=8, stability=stability))
            run = [segmenter.segment(picture) for picture in pan]
            still = [cv2.absdiff(a, b).max(axis=2) <= 2 for a, b in pairwise(pan)]
            flips = [a.labels != b.labels for a, b in pairwise(run)]
            inertia = np.mean([segmentation.inertia for segmentation in run])
            return float(np.mean(np.array(flips)[np.array(still)])), float(inertia)

        (held, cost), (strict, least) = flicker(0.5), flicker(0)
        assert held < 0.5 * strict
        assert cost < 1.05 * least

    @pytest.mark.thorough
    @pytest.mark.parametrize("stability", [0.5, 1.0])
    @pytest.mark.parametrize("space", ["rgb", "lab"])
    def test_what_drifts_to_another_color_of_a_given_palette_takes_its_label(
        self, space: str, stability: float
    ) -> None:
        """However slowly, and where it is all that happens."""
        colors = np.array([GRAY, (150, 60, 60), WHITE], np.uint8)
        given = tuple(f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in colors)
        settings = SegmenterSettings(palette=given, color_space=space, stability=stability)  # type: ignore[arg-type]
        segmenter = Segmenter(settings)
        picture = quarters(GRAY, GRAY, GRAY, WHITE)
        for step in np.linspace(0, 1, 200):
            picture[:48, :64] = np.rint(colors[0] + step * (colors[1].astype(float) - colors[0]))
            labels = segmenter.segment(picture).labels
        assert np.array_equal(labels[[20, 20, 80], [20, 100, 100]], [1, 0, 2])

    @pytest.mark.parametrize("space", ["rgb", "lab"])
    def test_a_slow_fade_with_a_given_palette_costs_a_few_per_cent_at_most(
        self, space: str
    ) -> None:
        """Flat parts drift from one colour to the next, and none stays behind."""
        y, x = np.mgrid[:HEIGHT, :WIDTH]
        sky = np.dstack([200 - y // 8, 185 - y // 8, 165 + x // 16])
        picture = np.where((y > 70)[..., np.newaxis], np.dstack([20 + x, 60 + x, 30 + y]), sky)
        given = ("#201c14", "#5f563b", "#9b8f79", "#c1ceda", "#e8eff9")
        held, strict = (
            Segmenter(SegmenterSettings(palette=given, color_space=space, stability=stability))  # type: ignore[arg-type]
            for stability in (0.5, 0.0)
        )
        fade = [lit(picture, gain) for gain in np.linspace(0, 1, 150)]
        costs = [held.segment(frame).inertia / strict.segment(frame).inertia for frame in fade]
        assert max(costs) < 1.12

    def test_a_first_frame_costs_no_more_than_others(self) -> None:
        """Also where all neighbours of many a pixel would have it another way."""
        picture = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
        picture[::2, ::2] = 140
        picture[:, -16:] = 255  # far from both, so that they seem near one another
        costs = {}
        for stability in (0.0, 0.5, 1.0):
            settings = SegmenterSettings(palette=("#3c3c3c", "#8c8c8c"), stability=stability)
            costs[stability] = Segmenter(settings).segment(picture).inertia
        assert max(costs.values()) < 1.1 * costs[0.0]

    def test_frames_may_change_in_layout_and_size(self) -> None:
        picture = quarters(RED, GREEN, BLUE, GRAY)
        planar = np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)
        segmenter = Segmenter(SegmenterSettings(n_clusters=4))
        for _ in range(2):
            for frame in (Frame(picture), Frame(planar, "i420"), Frame(picture[:, :64].copy())):
                labels = segmenter.segment(frame).labels
                assert labels.shape == (frame.height, frame.width)
                assert len(np.unique(labels[:, 10])) == 2

    def test_pictures_may_be_written_over_one_another(self) -> None:
        """As whoever reads a camera into the same array does."""
        picture = gradient()
        pictures = [np.roll(picture, 2 * n, axis=1) for n in range(8)]
        expected = follow(pictures, 5)
        segmenter, same = Segmenter(SegmenterSettings(n_clusters=5)), np.empty_like(picture)
        for seed, rolled in enumerate(pictures):
            same[:] = noisy(rolled, seed)
            assert np.array_equal(segmenter.segment(same).labels, expected[seed].labels)


class TestHandover:
    """A colour that grows until it is worth a cluster of its own."""

    @staticmethod
    def pictures() -> list[Picture]:
        picture = quarters(RED, (150, 120, 40), BLUE, GRAY)
        return [with_box(picture, 50, (135, 95, 70), 2 * min(step, 16)) for step in range(60)]

    def test_no_unmoved_pixel_flashes(self) -> None:
        run = follow(self.pictures(), 4)
        pictures = self.pictures()
        for (before, now), (old, new) in zip(pairwise(run), pairwise(pictures), strict=True):
            still = (old == new).all(axis=2)
            shown = [s.palette.colors[s.labels].astype(int) for s in (before, now)]
            jumps = np.abs(shown[1] - shown[0]).max(axis=2) > 12
            assert (jumps & still).mean() < 0.02

    def test_it_ends_at_the_centroids(self) -> None:
        last = follow(self.pictures(), 4)[-1].palette
        assert np.abs(last.colors - last.centroids).max() <= 0.5


class TestLeavingAndReturning:
    BACKGROUND = quarters(RED, DARK, BLUE, GRAY)

    def scene(self) -> list[Picture]:
        there = [with_box(self.BACKGROUND, 50, GREEN)] * 10
        leaving = [with_box(self.BACKGROUND, 50 + 8 * step, GREEN) for step in range(12)]
        gone = [self.BACKGROUND] * 100
        return [*there, *leaving, *gone, *reversed(leaving), *there]

    def test_the_number_waits_for_its_colour(self) -> None:
        run = follow(self.scene(), 5)
        green = number_of(run[0], GREEN)
        assert events(run) == {0: "cold"}
        for segmentation in run[25:118]:
            assert segmentation.palette.shares[green] == 0
            assert number_of(segmentation, GREEN) == green
        assert run[-1].palette.shares[green] == pytest.approx(24 * 24 / (96 * 128), rel=0.05)
        assert number_of(run[-1], GREEN) == green

    def test_the_others_keep_theirs(self) -> None:
        run = follow(self.scene(), 5)
        for color in (RED, DARK, BLUE, GRAY):
            assert len({number_of(segmentation, color) for segmentation in run}) == 1

    def test_it_leaves_no_ghost(self) -> None:
        run = follow(self.scene(), 5)
        assert np.array_equal(run[60].labels, run[110].labels)
        for color, corner in zip(
            (RED, DARK, BLUE, GRAY), ((5, 5), (5, -5), (-5, 5), (-5, -5)), strict=True
        ):
            rows = slice(0, 48) if corner[0] > 0 else slice(48, None)
            columns = slice(0, 64) if corner[1] > 0 else slice(64, None)
            assert (run[60].labels[rows, columns] == number_of(run[60], color)).mean() > 0.99

    def test_sudden_disappearance(self) -> None:
        there, gone = with_box(self.BACKGROUND, 50, GREEN), self.BACKGROUND
        run = follow([there] * 5 + [gone] * 30 + [there] * 5, 5)
        green = number_of(run[0], GREEN)
        assert all(segmentation.palette.shares[green] == 0 for segmentation in run[6:35])
        assert run[-1].palette.shares[green] == pytest.approx(0.047, rel=0.05)


def test_two_objects_cross() -> None:
    background = quarters(DARK, DARK, DARK, DARK)
    pictures = [
        with_box(with_box(background, 2 * step, RED), 100 - 2 * step, YELLOW) for step in range(50)
    ]
    run = follow(pictures, 3)
    assert events(run) == {0: "cold"}
    red, yellow = number_of(run[0], RED), number_of(run[0], YELLOW)
    assert (number_of(run[-1], RED), number_of(run[-1], YELLOW)) == (red, yellow)
    assert run[-1].labels[45, 110] == red
    assert run[-1].labels[45, 10] == yellow


class TestLight:
    PICTURE = quarters(RED, GREEN, BLUE, GRAY)

    def check(self, run: list[Segmentation], settled: int) -> None:
        """All quarters keep their numbers from the frame where the palette has settled."""
        for segmentation in run[settled:]:
            agreement = (segmentation.labels == run[0].labels).mean()
            assert agreement > 0.99
        assert "cut" not in events(run).values()

    @pytest.mark.thorough
    @pytest.mark.parametrize("pinned", [set(), {1}, {0, 3}])
    @pytest.mark.parametrize("target", [0.4, 1.25])
    def test_a_slow_change_is_followed_at_once(self, target: float, pinned: set[int]) -> None:
        pictures = [lit(self.PICTURE, gain) for gain in np.linspace(1, target, 60)]
        run = follow(pictures, 4, frozenset(pinned))
        self.check(run, 0)
        for picture, segmentation in zip(pictures, run, strict=True):
            shown = segmentation.palette.colors[segmentation.labels].astype(int)
            assert np.abs(shown - picture).mean() < 3

    @pytest.mark.parametrize("pinned", [set(), {1}, {0, 3}])
    @pytest.mark.parametrize("gain", [0.3, 0.15])
    def test_a_light_switched_off_and_on(self, gain: float, pinned: set[int]) -> None:
        dark = lit(self.PICTURE, gain)
        pictures = [self.PICTURE] * 10 + [dark] * 20 + [self.PICTURE] * 20
        run = follow(pictures, 4, frozenset(pinned))
        self.check(run[:30], 15)
        self.check(run, 35)
        shown = run[14].palette.colors[run[14].labels].astype(int)
        assert np.abs(shown - dark).mean() < 3

    @pytest.mark.parametrize(
        "flash", [lit(PICTURE, 1.6), np.full_like(PICTURE, 255)], ids=["bright", "white"]
    )
    def test_a_flash_of_one_frame(self, flash: Picture) -> None:
        run = follow([self.PICTURE] * 10 + [flash] + [self.PICTURE] * 10, 4)
        assert "cut" not in events(run).values()
        assert (run[12].labels == run[9].labels).mean() > 0.99
        assert (run[-1].labels == run[9].labels).mean() > 0.99

    def test_a_fade_to_black_and_back(self) -> None:
        gains = [*np.linspace(1, 0, 25), *np.zeros(5), *np.linspace(0, 1, 25), *np.ones(10)]
        run = follow([lit(self.PICTURE, gain) for gain in gains], 4)
        assert "cut" not in events(run).values()


class TestSomethingNew:
    """Numbers stay with what stays, and clusters that are off or alone on with their colours."""

    ORANGE, TAN = (47, 119, 185), (80, 130, 175)
    NIGHT, INK = (48, 30, 30), (40, 31, 31)

    def test_it_takes_the_number_of_nothing_that_stays(self) -> None:
        """A white window opens beside light gray text, and there are colours enough already."""
        text = ((BLUE, 0.04), (GRAY, 0.06), (self.NIGHT, 0.4))
        before, after = stripes((DARK, 0.5), *text), stripes((DARK, 0.3), (WHITE, 0.2), *text)
        run = follow([before] * 8 + [after] * 20, 4)
        gray = np.s_[:, int(0.55 * WIDTH) : int(0.59 * WIDTH)]
        assert number_of(run[-1], WHITE) != number_of(run[0], GRAY)
        assert (run[-1].labels[gray] == run[0].labels[gray]).mean() > 0.99

    def test_a_pinned_cluster_does_not_follow_it(self) -> None:
        """Orange gives way to a tan that is nearest to it."""
        pictures = [
            stripes(
                (DARK, 0.2),
                (WHITE, 0.25),
                (self.ORANGE, 0.3 - part),
                (self.TAN, 0.02 + 1.2 * part),
                (GREEN, 0.23 - 0.2 * part),
            )
            for part in np.linspace(0, 0.25, 80)
        ]
        (probe,) = follow(pictures[:1], 4)
        orange = number_of(probe, self.ORANGE)
        run = follow(pictures, 4, frozenset({orange}))
        ways = [s.palette.colors[orange].astype(int) - probe.palette.colors[orange] for s in run]
        assert np.abs(ways).max() <= 3

    def test_a_pinned_cluster_does_not_take_its_like(self) -> None:
        """Two dark colours, close to each other, of which the rarer one is off."""
        text = ((self.INK, 0.05), (GRAY, 0.04), (BLUE, 0.02), (self.NIGHT, 0.39))
        before = stripes((BLACK, 0.5), *text)
        after = stripes((BLACK, 0.3), (WHITE, 0.2), *text)
        (probe,) = follow([before], 5, deviation=1)
        ink = number_of(probe, self.INK)
        assert ink != number_of(probe, self.NIGHT)
        run = follow([before] * 8 + [after] * 20, 5, frozenset({ink}), deviation=1)
        night = np.s_[:, int(0.65 * WIDTH) :]
        assert (run[-1].labels[night] == ink).mean() < 0.01

    def test_black_stays_black_through_a_fade(self) -> None:
        picture = with_box(quarters(RED, GREEN, BLUE, GRAY), 50, BLACK)
        pictures = [lit(picture, gain) for gain in np.linspace(0, 1, 40)]
        run = follow(pictures + [picture] * 10, 5, frozenset({0}), deviation=1)
        assert run[-1].palette.colors[0].max() <= 8
        assert run[-1].palette.shares[0] < 0.08


class TestCuts:
    FIRST = with_box(quarters(RED, GREEN, BLUE, GRAY), 50, WHITE)

    def second(self) -> Picture:
        picture = quarters(YELLOW, WHITE, (90, 40, 140), DARK)
        return with_box(picture, 10, GREEN)

    def test_a_cut_and_the_cut_back(self) -> None:
        run = follow([self.FIRST] * 10 + [self.second()] * 10 + [self.FIRST] * 10, 5)
        assert events(run) == {0: "cold", 10: "cut", 20: "cut"}
        assert (run[20].labels == run[9].labels).mean() > 0.99

    def test_the_first_frame_after_a_cut_is_as_good_as_a_cold_fit(self) -> None:
        run = follow([self.FIRST] * 10 + [self.second()], 5)
        (alone,) = follow([self.second()], 5)
        assert run[-1].inertia <= 1.05 * alone.inertia

    def test_numbers_stay_where_colors_match(self) -> None:
        run = follow([self.FIRST] * 5 + [self.second()] * 5, 5)
        for color in (GREEN, WHITE):
            assert number_of(run[-1], color) == number_of(run[0], color)

    def test_a_pinned_number_never_passes_to_another_colour(self) -> None:
        (probe,) = follow([self.FIRST], 5)
        red = number_of(probe, RED)
        pictures = [self.FIRST] * 5 + [self.second()] * 25 + [self.FIRST] * 5
        run = follow(pictures, 5, frozenset({red}))
        assert all(segmentation.palette.shares[red] == 0 for segmentation in run[5:30])
        assert run[-1].palette.shares[red] == pytest.approx(run[0].palette.shares[red], rel=0.05)

    @pytest.mark.thorough
    @pytest.mark.parametrize("pinned", [{2}, {3}, {3, 4}, {0, 1, 3, 4}])
    def test_pinned_numbers_keep_their_colours_through_cuts_and_new_fits(
        self, lake_clip: Path, pinned: set[int]
    ) -> None:
        segmenter = Segmenter()
        with open_source(lake_clip) as source:
            run = [segmenter.segment(frame, pinned).palette.colors.astype(int) for frame in source]
        steps = [np.linalg.norm(after - before, axis=1) for before, after in pairwise(run)]
        assert np.max(steps, axis=0)[list(pinned)].max() <= 40

    def test_a_cross_fade_is_no_cut(self) -> None:
        weights = [*np.zeros(5), *np.linspace(0, 1, 30), *np.ones(5)]
        mixed = [
            np.rint(self.FIRST * (1 - w) + self.second() * w).astype(np.uint8) for w in weights
        ]
        assert "cut" not in events(follow(mixed, 5)).values()

    def test_a_fast_pan_is_no_cut(self) -> None:
        rng = np.random.default_rng(3)
        palette = np.array([RED, GREEN, BLUE, GRAY, WHITE, DARK], np.uint8)
        wide = palette[rng.integers(0, 6, (8, 120))].repeat(12, axis=0).repeat(16, axis=1)
        pan = [wide[:, 37 * step : 37 * step + WIDTH] for step in range(40)]
        assert "cut" not in events(follow(pan, 6)).values()


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 255), st.integers(0, 60), st.integers(0, 2**16)),
        min_size=1,
        max_size=12,
    ),
    st.integers(1, 32),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from(["rgb", "lab", "hsv"]),
)
def test_any_sequence_leaves_labels_in_range_and_the_palette_finite(
    steps: list[tuple[int, int, int]], n_clusters: int, stability: float, space: str
) -> None:
    segmenter = Segmenter(
        SegmenterSettings(n_clusters=n_clusters, stability=stability, color_space=space)  # type: ignore[arg-type]
    )
    for level, spread, seed in steps:
        noise = np.random.default_rng(seed).integers(-spread, spread + 1, (9, 13, 3))
        picture = np.clip(level + noise, 0, 255).astype(np.uint8)
        segmentation = segmenter.segment(picture)
        palette = segmentation.palette
        assert segmentation.labels.max() < n_clusters
        assert palette.real[np.unique(segmentation.labels)].all()
        assert np.isfinite(palette.centroids).all()
        assert np.isfinite(segmentation.inertia)
        assert palette.shares.sum() == pytest.approx(1)
