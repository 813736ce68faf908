from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kseg_video import Palette, RenderSettings, Segmenter, SegmenterSettings
from kseg_video.live.key_bindings import HELP
from kseg_video.live.live_state import LiveState
from kseg_video.live.screen import HudContent
from kseg_video.screens.hud import Hud, position_bar
from tests.helpers.pictures import quadrants

GRAY = 128


def palette_of(n_clusters: int) -> Palette:
    picture = quadrants(60, 80, noise=20)
    return Segmenter(SegmenterSettings(n_clusters=n_clusters)).segment(picture).palette


def state_of(**changes: bool) -> LiveState:
    return replace(LiveState(SegmenterSettings(n_clusters=4), RenderSettings()), **changes)  # type: ignore[arg-type]


def drawn(size: tuple[int, int], state: LiveState, content: HudContent) -> np.ndarray:
    picture = np.full((size[1], size[0], 3), GRAY, np.uint8)
    Hud().draw(picture, state, content)
    return picture


@pytest.mark.parametrize("size", [(320, 240), (1920, 1080), (3840, 2160), (240, 426), (16, 16)])
@pytest.mark.parametrize("n_clusters", [1, 5, 32])
def test_it_fits_every_size_and_leaves_the_middle_alone(
    size: tuple[int, int], n_clusters: int
) -> None:
    picture = drawn(size, state_of(), HudContent(29.97, 0.01, palette_of(n_clusters), 0, 61.0))
    if size != (16, 16):
        assert (picture[0] < GRAY).any()
        assert (picture[-1] < GRAY).all()
        if n_clusters <= 5:
            assert (picture[size[1] // 2] == GRAY).all()


def test_text_grows_with_the_picture() -> None:
    bright = [
        (drawn(size, state_of(), HudContent(25)).max(axis=2) > 230).any(axis=1).sum() / size[1]
        for size in ((1280, 720), (3840, 2160))
    ]
    assert bright[0] == pytest.approx(bright[1], rel=0.35)


def test_a_message_covers_no_more_than_it_needs() -> None:
    picture = drawn((640, 360), state_of(shows_hud=False), HudContent(message="saved"))
    changed = np.flatnonzero((picture != GRAY).any(axis=(0, 2)))
    assert changed.size
    assert np.ptp(changed) < 100


def test_the_swatches_have_the_clusters_colours() -> None:
    palette = palette_of(4)
    picture = drawn((640, 360), state_of(), HudContent(palette=palette))
    for color in palette.colors:
        assert (picture == color).all(axis=2).sum() > 60


def test_a_switched_off_cluster_is_struck_out() -> None:
    palette = palette_of(4)
    on = drawn((640, 360), state_of(), HudContent(palette=palette))
    off = replace(state_of(), rendering=RenderSettings(disabled=frozenset({2})))
    struck = drawn((640, 360), off, HudContent(palette=palette))
    changed = np.flatnonzero((on != struck).any(axis=(0, 2)))
    assert changed.size
    assert np.ptp(changed) < 80


def test_it_can_be_hidden_but_not_a_message() -> None:
    hidden = state_of(shows_hud=False)
    assert (drawn((640, 360), hidden, HudContent(25, palette=palette_of(4))) == GRAY).all()
    assert (drawn((640, 360), hidden, HudContent(message="the camera is away")) != GRAY).any()


def test_the_pointers_cluster_is_named() -> None:
    without, pointed = (
        drawn((640, 360), state_of(), HudContent(palette=palette_of(4), pointed=number))
        for number in (None, 2)
    )
    assert not np.array_equal(without[:24], pointed[:24])


def test_help_has_a_line_for_each_key_and_mouse_action_and_group() -> None:
    inked = drawn((600, 1200), state_of(shows_help=True), HudContent()).max(axis=(1, 2)) > GRAY
    inked = np.convolve(inked, np.ones(3)) > 0  # joins the dot of an i to its stem
    lines = (inked[1:] & ~inked[:-1]).sum()
    assert lines == len(HELP) + sum(map(len, HELP.values()))


def test_help_shows_the_present_values() -> None:
    few = replace(state_of(shows_help=True), segmenter=SegmenterSettings(n_clusters=3))
    many = replace(few, segmenter=SegmenterSettings(n_clusters=12))
    assert not np.array_equal(
        drawn((900, 600), few, HudContent()), drawn((900, 600), many, HudContent())
    )


def test_wide_bars_beside_the_picture_take_the_figures() -> None:
    picture = np.full((400, 900, 3), GRAY, np.uint8)
    swatches = Hud().draw(
        picture, state_of(), HudContent(25, 0.01, palette_of(8)), (300, 0, 300, 400)
    )
    assert (picture[:, 300:600] == GRAY).all()
    assert all(left >= 600 for left, _, _, _ in swatches.values())


def test_the_number_of_a_cluster_that_is_off_stays_legible() -> None:
    palette = palette_of(4)
    off = replace(state_of(), rendering=RenderSettings(disabled=frozenset(range(4))))
    canvas = np.full((360, 640, 3), GRAY, np.uint8)
    for left, top, _, _ in Hud().draw(canvas, off, HudContent(palette=palette)).values():
        inside = canvas[top + 4 : top + 12, left + 4 : left + 16].max(axis=2)
        assert inside.max() - inside.min() > 180


@pytest.mark.parametrize("size", [(320, 200), (640, 480)])
def test_columns_of_help_stay_apart_and_within(size: tuple[int, int]) -> None:
    inked = drawn(size, state_of(shows_help=True), HudContent()).max(axis=(0, 2)) > GRAY
    assert not inked[-2:].any()
    halves = inked[: size[0] // 2], inked[size[0] // 2 :]
    for half in halves:
        between = "".join("x" if ink else " " for ink in half).strip().split("x")
        assert max(map(len, between)) >= 2, "between a key and what it does"


def test_help_covers_the_picture() -> None:
    assert drawn((640, 360), state_of(shows_help=True), HudContent()).mean() < GRAY / 2


def test_nothing_of_a_long_word_is_cut() -> None:
    picture = drawn((320, 400), state_of(shows_hud=False), HudContent(message="x" * 300))
    inked = (picture.max(axis=2) > 220).any(axis=0)
    assert inked.any()
    assert not inked[:4].any()
    assert not inked[-4:].any()
    short = drawn((320, 400), state_of(shows_hud=False), HudContent(message="x" * 100))
    assert (picture.max(axis=2) > 220).sum() == pytest.approx(
        3 * (short.max(axis=2) > 220).sum(), rel=0.1
    )


@pytest.mark.parametrize("words", [1, 12])
def test_a_message_never_covers_the_palette(words: int) -> None:
    """Be the palette below the picture or beside it."""
    beside = (300, 0, 300, 400)
    for box in (None, beside):
        content = HudContent(palette=palette_of(32), position=0.5)
        said = replace(content, message=" ".join(["message"] * words))
        without, with_message = (np.full((400, 900, 3), GRAY, np.uint8) for _ in range(2))
        cells = Hud().draw(without, state_of(), content, box)
        Hud().draw(with_message, state_of(), said, box)
        assert not np.array_equal(without, with_message)
        for left, top, width, height in cells.values():
            cell = slice(top, top + height), slice(left, left + width)
            assert np.array_equal(without[cell], with_message[cell])


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720)])
@pytest.mark.parametrize("position", [None, 0.3])
def test_the_palette_leaves_half_of_the_picture_and_the_position_bar(
    size: tuple[int, int], position: float | None
) -> None:
    canvas = np.full((size[1], size[0], 3), GRAY, np.uint8)
    content = HudContent(palette=palette_of(32), position=position)
    cells = Hud().draw(canvas, state_of(), content)
    bar = position_bar(*size)[1]
    assert min(top for _, top, _, _ in cells.values()) > 0.4 * size[1]
    for left, top, width, height in cells.values():
        assert left + width <= size[0]
        assert top + height <= bar


@pytest.mark.parametrize("condition", ["paused", "lost", "warming up"])
def test_a_condition_stands_in_colour_instead_of_the_figures(condition: str) -> None:
    playing, other = (
        drawn((640, 360), state_of(), HudContent(29.9, 0.01, condition=each))[:20, :120]
        for each in ("", condition)
    )
    assert np.ptp(playing, axis=2).max() == 0, "white on gray"
    assert np.ptp(other, axis=2).max() > 100
