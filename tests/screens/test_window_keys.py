"""Keys, wheel and pointer of a real window, whatever the keyboard's layout and locks."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.live.live_state import LiveState
from kseg_video.live.screen import HudContent, KeyPress, PointerMove, Wheel
from kseg_video.screens.window import LiveWindow
from tests.helpers.waiting import wait_until
from tests.helpers.windows import WindowOnScreen, needs_screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kseg_video.live.screen import ScreenEvent

pytestmark = needs_screen

STATE = LiveState(SegmenterSettings(), RenderSettings())
PICTURE = np.full((480, 640, 3), 90, np.uint8)
LAST = "F12"  # pressed after others, so that all of theirs have come when it comes


class Hand:
    """Presses keys for a window of this process."""

    def __init__(self, window: LiveWindow, shown: WindowOnScreen) -> None:
        self.window, self.shown = window, shown

    def pressed(self, *keys: str) -> list[str]:
        """Names of the keys that the window reports when those keys are pressed."""
        self.shown.press(*keys, LAST)
        return self.received()

    def received(self) -> list[str]:
        events: list[ScreenEvent] = []

        def are_all_there() -> bool:
            events.extend(self.window.events())
            return KeyPress("f12") in events

        wait_until(are_all_there)
        return [each.key for each in events if isinstance(each, KeyPress)][:-1]

    def events(self, count: int) -> list[ScreenEvent]:
        """That many wheel steps and pointer moves within the window."""
        events: list[ScreenEvent] = []

        def are_all_there() -> bool:
            events.extend(self.window.events())
            return len(events) >= count

        wait_until(are_all_there)
        return events


@pytest.fixture(scope="module")
def hand(screen: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    folder = tmp_path_factory.mktemp("window")
    with pytest.MonkeyPatch.context() as variables:
        for name, value in (
            ("DISPLAY", screen),
            ("WAYLAND_DISPLAY", ""),
            ("XDG_STATE_HOME", str(folder)),
        ):
            variables.setenv(name, value)
        with LiveWindow("clip") as window:
            window.show(PICTURE, STATE, HudContent)
            shown = WindowOnScreen(screen, folder, os.getpid())
            shown.point(5, 5)
            hand = Hand(window, shown)
            hand.pressed()
            yield hand


def test_plain_keys(hand: Hand) -> None:
    names = ("v", "V", "space", "Escape", "0", "9", "period", "bracketleft", "plus", "Left")
    assert hand.pressed(*names) == ["v", "V", "space", "Esc", "0", "9", ".", "[", "+", "left"]
    assert hand.pressed("question", "C", "u", "Right") == ["?", "C", "u", "right"]


def test_caps_lock_is_no_shift(hand: Hand) -> None:
    try:
        assert hand.pressed("Caps_Lock", "v", "shift+v", "s", "shift+s") == ["v", "V", "s", "S"]
    finally:
        hand.pressed("Caps_Lock")


@pytest.mark.parametrize("locks", [(), ("Num_Lock",)])
def test_the_numeric_keypad(hand: Hand, locks: tuple[str, ...]) -> None:
    """By place: its keys are digits with and without the lock."""
    zero, one, four, nine, plus, minus, point = "90", "87", "83", "81", "86", "82", "91"
    try:
        found = hand.pressed(*locks, zero, one, four, nine, plus, minus, point)
        assert found == ["0", "1", "4", "9", "+", "-", "."]
    finally:
        hand.pressed(*locks)


@pytest.mark.skipif(shutil.which("setxkbmap") is None, reason="needs setxkbmap")
@pytest.mark.parametrize(
    ("layout", "pressed", "found"),
    [
        # By place: v, Shift+v, r, s, brackets.
        ("ru", "55 shift+55 27 39 34 35", ["v", "V", "r", "s", "[", "]"]),
        ("gr", "55 39 10", ["v", "s", "1"]),
        # Digits need Shift there; letters are where they are printed.
        ("fr", "10 11 24 38", ["1", "2", "a", "q"]),
        ("de", "ISO_Level3_Shift+17 29 52", ["[", "z does nothing", "y does nothing"]),
    ],
)
def test_other_layouts(hand: Hand, layout: str, pressed: str, found: list[str]) -> None:
    hand.shown.call("setxkbmap", layout)
    try:
        hand.pressed()  # the new layout has been heard of
        keys = hand.pressed(*pressed.split())
        assert keys == [name.removesuffix(" does nothing") for name in found]
    finally:
        hand.shown.call("setxkbmap", "us")
        hand.pressed()


def test_chords_and_modifiers_are_no_keys(hand: Hand) -> None:
    assert hand.pressed("ctrl+q", "alt+v", "super+s", "ctrl+shift+c", "shift", "ctrl", "alt") == []


def test_a_key_without_a_character_has_a_name(hand: Hand) -> None:
    assert hand.pressed("F5", "Delete", "Return") == ["f5", "delete", "return"]


def test_only_what_moves_something_repeats_while_held(hand: Hand) -> None:
    hand.shown.call("xdotool", "keydown", "v", "keydown", "Right")
    found: list[str] = []

    def is_repeated() -> bool:
        found.extend(each.key for each in hand.window.events() if isinstance(each, KeyPress))
        return found.count("right") >= 3

    wait_until(is_repeated)
    hand.shown.call("xdotool", "keyup", "Right")
    hand.shown.call("xdotool", "keyup", "v", "keydown", "v", "keyup", "v")
    assert found.count("v") == 1
    assert hand.pressed().count("v") == 1


def test_the_wheel_with_and_without_shift(hand: Hand) -> None:
    hand.shown.call("xdotool", "click", "4", "click", "5", "keydown", "shift", "click", "4")
    wheels = [each for each in hand.events(3) if isinstance(each, Wheel)]
    hand.shown.call("xdotool", "keyup", "shift")
    assert wheels == [Wheel(1, shifted=False), Wheel(-1, shifted=False), Wheel(1, shifted=True)]
    hand.pressed()


def test_the_pointer_that_leaves_points_nowhere(hand: Hand) -> None:
    hand.shown.point(300, 200)
    moves = hand.events(1)
    hand.shown.call("xdotool", "mousemove", "2", "2")
    wait_until(lambda: PointerMove(None) in [*moves, *hand.window.events()])
    inside = [each.to for each in moves if isinstance(each, PointerMove) and each.to is not None]
    assert (inside[-1].x, inside[-1].y, inside[-1].swatch) == (300, 200, None)
    hand.shown.point(5, 5)
    hand.pressed()
