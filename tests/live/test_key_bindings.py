from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.core.settings import ColorSpace
from kseg_video.live.key_bindings import (
    KEYS,
    VIEWS,
    PointedKeyPress,
    SessionRequest,
    press,
    refusal,
)
from kseg_video.live.live_state import BACKGROUNDS, PAINTS, LiveState, answer, click

ALL_KEYS = [key for binding in KEYS for key in binding.keys]


def state_of(n_clusters: int = 5, **rendering: object) -> LiveState:
    return LiveState(SegmenterSettings(n_clusters=n_clusters), RenderSettings(**rendering))  # type: ignore[arg-type]


def after(state: LiveState, *keys: str, pointed: int | None = None) -> LiveState:
    for key in keys:
        state, _ = press(state, PointedKeyPress(key, pointed))
    return state


@given(st.lists(st.tuples(st.sampled_from([*ALL_KEYS, "x", "F1"]), st.sampled_from([None, 0, 4]))))
def test_any_keys_leave_a_valid_state(keys: list[tuple[str, int | None]]) -> None:
    state = state_of()
    for key, pointed in keys:
        state, request = press(state, PointedKeyPress(key, pointed))
        assert request is None or request in SessionRequest
        assert 1 <= state.segmenter.cluster_count <= 32
        assert 0 <= state.segmenter.stability <= 1
        assert state.rendering.disabled <= state.clusters
        assert state.rendering.view in VIEWS


def test_no_key_is_bound_twice() -> None:
    assert len(ALL_KEYS) == len(set(ALL_KEYS))


def test_views_go_round_both_ways() -> None:
    seen = [after(state_of(), *"v" * times).rendering.view for times in range(len(VIEWS) + 1)]
    assert seen == [*VIEWS, VIEWS[0]]
    assert after(state_of(), "V").rendering.view == VIEWS[-1]
    assert after(state_of(), "v", "V") == state_of()


def test_digits_switch_the_clusters_that_there_are() -> None:
    assert after(state_of(5), "0", "3").rendering.disabled == {0, 3}
    assert after(state_of(5), "3", "3").rendering.disabled == frozenset()
    assert after(state_of(5), "7") == state_of(5)


def test_all_invert_and_only() -> None:
    assert after(state_of(4), "1", "i").rendering.disabled == {0, 2, 3}
    assert after(state_of(4), "1", "a").rendering.disabled == frozenset()
    assert after(state_of(4), "o", pointed=2).rendering.disabled == {0, 1, 3}
    assert after(state_of(4), "o") == state_of(4)


def test_fewer_clusters_keep_the_switches_of_the_rest() -> None:
    state = after(state_of(5), "1", "4", "[")
    assert state.segmenter.cluster_count == 4
    assert state.rendering.disabled == {1}
    assert after(state, "]").rendering.disabled == {1}
    assert after(state_of(1), "[").segmenter.cluster_count == 1
    assert after(state_of(32), "]").segmenter.cluster_count == 32


def test_stability_has_ends() -> None:
    assert after(state_of(), *"-" * 20).segmenter.stability == 0
    assert after(state_of(), *"+" * 20).segmenter.stability == 1
    assert after(state_of(), "-", "=") == state_of()


def test_spaces_and_backgrounds_go_round() -> None:
    spaces, backgrounds = get_args(ColorSpace), BACKGROUNDS
    assert after(state_of(), "c").segmenter.color_space == spaces[1]
    assert after(state_of(), *"c" * len(spaces)) == state_of()
    assert after(state_of(), "b").rendering.background == backgrounds[1]
    assert after(state_of(), *"b" * len(backgrounds)) == state_of()


def test_paints_go_round_and_are_answered() -> None:
    states = [state_of()]
    for _ in PAINTS:
        states.append(after(states[-1], "P"))
    assert [state.rendering.paint for state in states] == [*PAINTS, None]
    told = [answer(before, now) for before, now in pairwise(states)]
    assert (told[0], told[-1]) == ("paint: vivid", "paint: own colours")
    masked = replace(states[0], rendering=RenderSettings("masked"))
    assert answer(masked, after(masked, "P")) == "paint: vivid (this view shows none)"


@pytest.mark.parametrize(
    ("key", "field"),
    [
        ("space", "paused"),
        ("p", "frozen"),
        ("m", "mirrored"),
        ("f", "full_screen"),
        ("t", "shows_hud"),
        ("h", "shows_help"),
        ("?", "shows_help"),
    ],
)
def test_switches_go_to_and_fro(key: str, field: str) -> None:
    before = state_of()
    assert getattr(after(before, key), field) is not getattr(before, field)
    assert after(before, key, key) == before


@pytest.mark.parametrize(
    ("key", "requested"),
    [
        ("q", SessionRequest.QUIT),
        ("Esc", SessionRequest.QUIT),
        ("n", SessionRequest.NEW_FIT),
        ("s", SessionRequest.SNAPSHOT),
        ("r", SessionRequest.RECORD),
    ],
)
def test_requests(key: str, requested: SessionRequest) -> None:
    assert press(state_of(), PointedKeyPress(key)) == (state_of(), requested)


def test_only_a_window_goes_full_screen() -> None:
    without = replace(state_of(), has_window=False)
    assert press(without, PointedKeyPress("f")) == (without, None)
    assert refusal("f") == "only a window can fill the screen"


def test_a_next_frame_is_asked_for_while_paused() -> None:
    assert press(state_of(), PointedKeyPress(".")) == (state_of(), None)
    paused = after(state_of(), "space")
    assert press(paused, PointedKeyPress(".")) == (paused, SessionRequest.NEXT_FRAME)


@given(st.lists(st.tuples(st.sampled_from([*ALL_KEYS, "x"]), st.sampled_from([None, 0, 4]))))
def test_a_key_does_something_or_says_why_not(keys: list[tuple[str, int | None]]) -> None:
    state = state_of()
    for key, pointed in keys:
        before = state
        state, requested = press(before, PointedKeyPress(key, pointed))
        assert state != before or requested is not None or refusal(key) or key == "x"


def test_clicks() -> None:
    state = state_of(4)
    assert click(state, 2, alone=False).rendering.disabled == {2}
    alone = click(state, 2, alone=True)
    assert alone.rendering.disabled == {0, 1, 3}
    assert click(alone, 2, alone=True).rendering.disabled == frozenset()
