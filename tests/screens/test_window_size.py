"""Size, place and title of a real window, with a window manager and without."""

from __future__ import annotations

import contextlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pygame
import pytest

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.live.live_state import LiveState
from kseg_video.live.screen import HudContent
from kseg_video.screens.window import LiveWindow
from tests.helpers.waiting import wait_until
from tests.helpers.windows import (
    WindowOnScreen,
    needs_screen,
    needs_window_manager,
    window_manager,
)
from tests.screens.test_hud import palette_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = needs_screen

SCREEN = (1400, 900)
FIGURES = HudContent(palette=palette_of(4), source="clip.mp4")
LEVEL = 200


class Shown:
    """A window of this process that shows gray pictures of a size."""

    def __init__(self, window: LiveWindow, on_screen: WindowOnScreen) -> None:
        self.window, self.on_screen = window, on_screen
        self.state = LiveState(SegmenterSettings(), RenderSettings(), shows_hud=False)
        self.figures = FIGURES
        self.picture = (320, 240)

    def show(self) -> None:
        width, height = self.picture
        picture = np.full((height, width, 3), LEVEL, np.uint8)
        self.window.show(picture, self.state, lambda: self.figures)

    def until(self, condition: Callable[[], object]) -> None:
        def is_so() -> bool:
            self.window.events()
            self.show()
            return bool(condition())

        wait_until(is_so)

    def until_size(self, width: int, height: int) -> None:
        self.until(lambda: self.on_screen.size == (width, height))

    def until_picture(self, width: int, height: int) -> None:
        """Wait until the picture has that size in the window, and stands in its middle."""

        def has_it() -> bool:
            seen = self.on_screen.picture()[..., 0] == LEVEL
            rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
            if (len(columns), len(rows)) != (width, height):
                return False
            beside = columns[0] - (seen.shape[1] - 1 - columns[-1])
            above = rows[0] - (seen.shape[0] - 1 - rows[-1])
            return bool(abs(beside) <= 1 and abs(above) <= 1)

        self.until(has_it)


@contextlib.contextmanager
def opened(screen: str, folder: Path) -> Iterator[Shown]:
    with pytest.MonkeyPatch.context() as variables:
        variables.setenv("DISPLAY", screen)
        variables.setenv("WAYLAND_DISPLAY", "")
        variables.setenv("XDG_STATE_HOME", str(folder / "state"))
        with LiveWindow("clip.mp4") as window:
            shown = Shown(window, WindowOnScreen(screen, folder, os.getpid()))
            shown.show()
            yield shown


@pytest.fixture(
    params=["without a manager", pytest.param("with a manager", marks=needs_window_manager)]
)
def desktop(request: pytest.FixtureRequest, screen: str) -> Iterator[str]:
    managed = request.param == "with a manager"
    with window_manager(screen) if managed else contextlib.nullcontext():
        yield screen


def test_only_the_user_changes_the_size_and_it_is_remembered(desktop: str, tmp_path: Path) -> None:
    with opened(desktop, tmp_path) as shown:
        shown.until_size(640, 480)
        left, top = shown.on_screen.position
        assert abs(left - (SCREEN[0] - 640) // 2) <= 5, "centred, but for a frame"
        assert abs(top - (SCREEN[1] - 480) // 2) <= 25
        shown.until_picture(640, 480)
        shown.on_screen.resize(500, 700)
        shown.until_size(500, 700)
        shown.until_picture(500, 375)
        shown.picture = (640, 240)  # side by side
        shown.until_picture(500, 188)
        assert shown.on_screen.size == (500, 700)
        shown.state = replace(shown.state, full_screen=True)
        shown.until_size(*SCREEN)
        shown.until_picture(1400, 525)
        assert shown.on_screen.position == (0, 0)
        shown.state = replace(shown.state, full_screen=False)
        shown.until_size(500, 700)
        shown.until_picture(500, 188)
    with opened(desktop, tmp_path) as shown:
        shown.until_size(500, 700)
        shown.state = replace(shown.state, full_screen=True)
        shown.until_size(*SCREEN)
    with opened(desktop, tmp_path) as shown:
        shown.until_size(500, 700)


def test_a_first_size_that_nobody_changed_is_not_remembered(screen: str, tmp_path: Path) -> None:
    with opened(screen, tmp_path) as shown:
        shown.until_size(640, 480)
    assert not any(tmp_path.glob("state/**/*.json"))


@pytest.mark.parametrize(
    ("picture", "window"),
    [((1280, 720), (1190, 669)), ((432, 768), (430, 765)), ((64, 48), (640, 480))],
)
def test_the_first_size_fits_the_screen(
    screen: str, tmp_path: Path, picture: tuple[int, int], window: tuple[int, int]
) -> None:
    with opened(screen, tmp_path) as shown:
        shown.window._is_sized = False  # as before the first picture
        shown.window._own_size = shown.window._window.size
        shown.picture = picture
        shown.until_size(*window)


@pytest.mark.parametrize("kept", ["no JSON", "[]", '{"size": ["a", 3]}', '{"size": [9, 99999]}'])
def test_a_damaged_memory_of_the_size_does_no_harm(screen: str, tmp_path: Path, kept: str) -> None:
    memory = tmp_path / "state" / "kseg-video" / "window.json"
    memory.parent.mkdir(parents=True)
    memory.write_text(kept)
    with opened(screen, tmp_path) as shown:
        shown.until_size(*((160, 900) if "99999" in kept else (640, 480)))


def test_the_title_says_source_and_states(screen: str, tmp_path: Path) -> None:
    with opened(screen, tmp_path) as shown:
        shown.until(lambda: shown.on_screen.title == "kseg-video: clip.mp4")
        shown.state = replace(shown.state, paused=True)
        shown.figures = replace(FIGURES, recorded=1.0)
        shown.until(lambda: shown.on_screen.title == "kseg-video: clip.mp4 · paused · recording")
        shown.figures, shown.state = (
            replace(FIGURES, source="/dev/video1"),
            replace(shown.state, paused=False),
        )
        shown.until(lambda: shown.on_screen.title == "kseg-video: /dev/video1")
        assert not pygame.display.get_allow_screensaver()
