"""The window of a live run, and its keys, clicks and pointer moves."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Self

import platformdirs

from kseg_video.core.shown_text import shown
from kseg_video.live.screen import Click, Closed, KeyPress, Place, PointerMove, Wheel
from kseg_video.screens.fitted_window import (
    LEGIBLE,
    SMALLEST,
    FittedWindow,
    first_size,
)
from kseg_video.screens.hud import Hud, position_bar
from kseg_video.screens.sdl import pygame, require_display
from kseg_video.screens.window_keys import Keyboard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from pygame.event import Event

    from kseg_video.live.live_state import LiveState
    from kseg_video.live.screen import HudContent, ScreenEvent
    from kseg_video.screens.fitted_window import Box

_DRAG_PIXELS = 4  # a press that moves farther is no click


class LiveWindow:
    """Window that shows live pictures; a `Screen`.

    Parameters
    ----------
    title : str
        Title of the window until the first picture.

    Raises
    ------
    DisplayError
        If there is no display.
    """

    def __init__(self, title: str) -> None:
        require_display()
        self._title = shown(title)
        self._hud = Hud()
        self._swatches: dict[int, Box] = {}
        self._position_bar: Box | None = None
        self._full_screen = self._is_sized = False
        self._pressed: tuple[int, int] | None = None  # where the left button went down
        self._drags = self._drags_position = False

    def __enter__(self) -> Self:
        self._window = FittedWindow(self._title, LEGIBLE)
        self._keyboard = Keyboard()
        if (remembered := _remembered_size()) is not None:
            self._window.size = remembered
            self._is_sized = True
        self._own_size = self._window.size
        return self

    def __exit__(self, *_: object) -> None:
        self._window.fill_screen(fills=False)
        if self._window.size != self._own_size:
            _remember_size(self._window.size)
        self._window.__exit__()

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
    ) -> None:
        """Show a BGR picture of shape (H, W, 3) with the figures drawn over it."""
        figures = content()
        if not self._is_sized and figures.palette is not None:
            self._is_sized = True
            if self._window.size == self._own_size:
                self._window.size = first_size(picture.shape[1], picture.shape[0])
                self._own_size = self._window.size
        if state.full_screen != self._full_screen:
            self._full_screen = state.full_screen
            self._window.fill_screen(fills=state.full_screen)
        states = {"paused": state.paused, "recording": figures.recorded is not None}
        words = (word for word, on in states.items() if on)
        self._window.title = " · ".join((f"kseg-video: {shown(figures.source)}", *words))
        canvas = self._window.canvas(picture)
        self._swatches = self._hud.draw(canvas, state, figures, self._window.box)
        has_bar = figures.position is not None and state.shows_hud and not state.shows_help
        self._position_bar = position_bar(canvas.shape[1], canvas.shape[0]) if has_bar else None
        self._window.put(canvas)

    def events(self) -> Sequence[ScreenEvent]:
        """Events since the last call, oldest first."""
        return [found for event in pygame.event.get() if (found := self._event(event)) is not None]

    def _event(self, event: Event) -> ScreenEvent | None:
        match event.type:
            case pygame.QUIT | pygame.WINDOWCLOSE:
                return Closed()
            case pygame.KEYDOWN:
                return KeyPress(key) if (key := self._keyboard.press(event)) else None
            case pygame.KEYUP:
                self._keyboard.release(event)
            case pygame.WINDOWFOCUSLOST:
                self._keyboard.release_all()
            case pygame.MOUSEWHEEL:
                shifted = self._keyboard.holds_shift
                # Some systems turn the wheel sideways while Shift is held.
                steps = event.y or (event.x if shifted else 0)
                return Wheel(steps, shifted) if steps else None
            case pygame.WINDOWLEAVE:
                return PointerMove(None)
            case pygame.WINDOWEXPOSED:
                self._window.refresh()
            case pygame.MOUSEBUTTONDOWN | pygame.MOUSEBUTTONUP | pygame.MOUSEMOTION:
                return self._pointed(event)
        return None

    def _pointed(self, event: Event) -> ScreenEvent | None:
        """A click on release, so that a press that moves can drag instead."""
        place = self._place(event.pos)
        if event.type == pygame.MOUSEBUTTONDOWN:
            self._drags = False
            self._drags_position = place.share is not None
            self._pressed = event.pos if event.button == pygame.BUTTON_LEFT else None
            return Click(place, alone=True) if event.button == pygame.BUTTON_RIGHT else None
        if event.type == pygame.MOUSEBUTTONUP:
            is_click = event.button == pygame.BUTTON_LEFT and self._pressed and not self._drags
            self._pressed = None
            return Click(place, alone=False) if is_click else None
        if self._pressed is not None:
            moved = max(abs(now - then) for now, then in zip(event.pos, self._pressed, strict=True))
            self._drags |= moved > _DRAG_PIXELS
        drags = self._drags and self._pressed is not None
        # What was taken hold of goes along, wherever the pointer is.
        share = self._share(event.pos) if drags and self._drags_position else None
        return PointerMove(replace(place, share=share), drags=drags)

    def _place(self, position: tuple[int, int]) -> Place:
        x, y = self._window.to_canvas(position)
        left, top, _, _ = self._window.box
        scale = self._window.scale
        swatches = self._swatches.items()
        swatch = next((number for number, box in swatches if _is_within(x, y, box)), None)
        is_on_bar = self._position_bar is not None and _is_within(x, y, self._position_bar)
        share = self._share(position) if is_on_bar and swatch is None else None
        return Place(int((x - left) // scale), int((y - top) // scale), swatch, share)

    def _share(self, position: tuple[int, int]) -> float | None:
        """Share of the position bar's length to the left of a position in the screen's units."""
        if self._position_bar is None:
            return None
        left, _, width, _ = self._position_bar
        return min(max((self._window.to_canvas(position)[0] - left) / width, 0.0), 1.0)


def _is_within(x: int, y: int, box: Box) -> bool:
    return 0 <= x - box[0] < box[2] and 0 <= y - box[1] < box[3]


def _size_file() -> Path:
    return Path(platformdirs.user_state_dir("kseg-video", appauthor=False)) / "window.json"


def _remembered_size() -> tuple[int, int] | None:
    """The size that the user last gave to a window, within the screen; None without one."""
    try:
        width, height = json.loads(_size_file().read_text("utf-8"))["size"]
    except (OSError, ValueError, TypeError, KeyError):
        return None
    if not isinstance(width, int) or not isinstance(height, int):
        return None
    screen = pygame.display.get_desktop_sizes()[0]
    return min(max(width, SMALLEST[0]), screen[0]), min(max(height, SMALLEST[1]), screen[1])


def _remember_size(size: tuple[int, int]) -> None:
    file = _size_file()
    with contextlib.suppress(OSError):  # a home that cannot be written is no reason to fail
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps({"size": size}), "utf-8")
