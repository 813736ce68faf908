"""What mouse and keys do in a real window: a session over scripted frames."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import Frame, RenderSettings, SegmenterSettings
from kseg_video.live.live_state import LiveState
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.live.session import LiveSession
from kseg_video.live.snapshots_and_recordings import LiveFiles
from kseg_video.screens.window import LiveWindow
from tests.helpers.live_doubles import ScriptedCapture
from tests.helpers.waiting import wait_until
from tests.helpers.windows import WindowOnScreen, needs_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = needs_screen

CLUSTERS = 12
SIZE = (640, 480)


def stripes() -> Frame:
    """Twelve upright stripes, from dark to light."""
    row = np.repeat(np.arange(20, 20 + 20 * CLUSTERS, 20, dtype=np.uint8), 54)[: SIZE[0]]
    return Frame(np.repeat(np.tile(row, (SIZE[1], 1))[..., np.newaxis], 3, axis=2))


class Desk:
    """A session in a window, and a user at it."""

    def __init__(self, session: LiveSession, window: LiveWindow, shown: WindowOnScreen) -> None:
        self.session, self.window, self.shown = session, window, shown

    @property
    def off(self) -> set[int]:
        return set(self.session.state.rendering.disabled)

    def until(self, condition: Callable[[], object]) -> None:
        def is_so() -> bool:
            self.session._turn()
            return bool(condition())

        wait_until(is_so)

    def swatch(self, number: int) -> tuple[int, int]:
        left, top, width, height = self.window._swatches[number]
        return left + width // 2, top + height // 2

    def look(self, where: slice, over: slice = slice(None)) -> np.ndarray:
        """What rows and columns of the window show now."""
        return self.shown.picture()[where, over]


@contextlib.contextmanager
def desk_of(screen: str, folder: Path, **changes: object) -> Iterator[Desk]:
    state = LiveState(
        SegmenterSettings(n_clusters=CLUSTERS, stability=0.5), RenderSettings("masked")
    )
    capture = ScriptedCapture()
    with pytest.MonkeyPatch.context() as variables, contextlib.ExitStack() as stack:
        variables.setenv("DISPLAY", screen)
        variables.setenv("WAYLAND_DISPLAY", "")
        variables.setenv("XDG_STATE_HOME", str(folder / "state"))
        feed = stack.enter_context(ReconnectingFeed(lambda: capture, reconnect=False))
        window = stack.enter_context(LiveWindow("script"))
        files = stack.enter_context(LiveFiles(folder))
        session = LiveSession("script", feed, window, replace(state, **changes), files)  # type: ignore[arg-type]
        capture.put(stripes())
        desk = Desk(session, window, WindowOnScreen(screen, folder, os.getpid()))
        desk.until(lambda: session.pipeline.segmentation)
        desk.until(lambda: desk.shown.size == SIZE)
        desk.until(lambda: desk.look(slice(200, 201)).any())
        yield desk


@pytest.fixture
def desk(screen: str, tmp_path: Path) -> Iterator[Desk]:
    with desk_of(screen, tmp_path) as desk:
        yield desk


def test_the_palette_bar_reaches_clusters_above_9(desk: Desk) -> None:
    stripe = slice(11 * 54 + 10, 11 * 54 + 40)
    assert desk.look(slice(200, 220), stripe).min() > 200
    desk.shown.point(*desk.swatch(11), "click", "1")
    desk.until(lambda: desk.off == {11})
    desk.until(lambda: desk.look(slice(200, 220), stripe).max() == 0)
    desk.shown.point(*desk.swatch(10), "click", "3")
    desk.until(lambda: desk.off == set(range(CLUSTERS)) - {10})
    desk.shown.point(*desk.swatch(11))
    desk.until(lambda: desk.session._pointed() == 11)
    desk.shown.press("o")
    desk.until(lambda: desk.off == set(range(CLUSTERS)) - {11})
    desk.shown.press("u")
    desk.until(lambda: desk.off == set(range(CLUSTERS)) - {10})
    desk.shown.press("u", "a")
    desk.until(lambda: not desk.off)


def test_every_change_answers_above_the_palette(desk: Desk) -> None:
    """And the answer is gone after a second, as the welcome is after its own time."""
    top = min(box[1] for box in desk.window._swatches.values())
    above = slice(top - 40, top - 10)
    middle = slice(250, 390)
    desk.until(lambda: np.ptp(desk.look(above, middle), axis=0).max() == 0)
    desk.shown.press("b")
    desk.until(lambda: desk.session.state.rendering.background == "white")
    desk.until(lambda: np.ptp(desk.look(above, middle), axis=0).max() > 100)
    assert desk.session._metrics().message == "background: white (nothing is off)"
    desk.until(lambda: np.ptp(desk.look(above, middle), axis=0).max() == 0)
    for keys, answer in (
        (("v",), "view: boundaries (clicks do nothing here)"),
        (("F5",), "f5 does nothing; h: keys"),
        (("m",), "mirrored"),
    ):
        desk.shown.press(*keys)
        desk.until(lambda answer=answer: desk.session._metrics().message == answer)  # type: ignore[misc]


def test_the_first_seconds_point_to_the_help(desk: Desk) -> None:
    assert desk.session._metrics().message == "h: keys"


def test_the_wheel_changes_k_and_with_shift_stability(desk: Desk) -> None:
    def settings() -> tuple[int, float]:
        segmenter = desk.session.state.segmenter
        return segmenter.cluster_count, segmenter.stability

    desk.shown.point(300, 200, "click", "4", "click", "4", "click", "5")
    desk.until(lambda: settings() == (13, 0.5))
    desk.until(lambda: len(desk.window._swatches) == 13)
    desk.shown.call("xdotool", "keydown", "shift", "click", "4", "click", "4", "keyup", "shift")
    desk.until(lambda: settings() == (13, 0.7))
    desk.shown.call("xdotool", "keydown", "shift", "click", "5", "keyup", "shift")
    desk.until(lambda: settings() == (13, 0.6))


@pytest.mark.parametrize("mirrored", [False, True])
def test_a_drag_moves_the_split(screen: str, tmp_path: Path, mirrored: bool) -> None:
    """Left of it, or right in a mirrored picture, is the source; the line follows the mouse."""
    split = RenderSettings("split", disabled=frozenset(range(CLUSTERS)))
    with desk_of(screen, tmp_path, rendering=split, mirrored=mirrored) as desk:

        def dark() -> tuple[int, int]:
            """First and last column without a picture."""
            columns = np.flatnonzero(desk.look(slice(200, 201))[0].max(axis=1) == 0)
            return int(columns[0]), int(columns[-1])

        dark_half = (0, 319) if mirrored else (320, 639)
        desk.until(lambda: np.abs(np.subtract(dark(), dark_half)).max() < 4)
        desk.shown.point(320, 200, "mousedown", "1")
        desk.shown.point(400, 210)
        desk.until(
            lambda: np.abs(np.subtract(dark(), (0, 400) if mirrored else (400, 639))).max() < 4
        )
        desk.shown.point(150, 210)
        desk.until(
            lambda: np.abs(np.subtract(dark(), (0, 150) if mirrored else (150, 639))).max() < 4
        )
        desk.shown.call("xdotool", "mouseup", "1")
        desk.shown.point(500, 210)
        desk.until(lambda: desk.session._pointer is not None and desk.session._pointer.x == 500)
        assert np.abs(np.subtract(dark(), (0, 150) if mirrored else (150, 639))).max() < 4
        assert desk.off == set(range(CLUSTERS)), "a drag is no click"
