"""A window of the user's size, with pictures fitted into it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from kseg_video.core.errors import DisplayError
from kseg_video.core.shown_text import shown
from kseg_video.reading.image_decoding import read_image
from kseg_video.screens.sdl import has_window_manager, pygame, require_display
from kseg_video.screens.window_keys import key_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Box = tuple[int, int, int, int]  # left, top, width and height in pixels

_SHARE_OF_SCREEN = 0.85  # of width and height; the rest is for title bars and panels
LEGIBLE = (640, 480)  # about the smallest window in which the figures leave room for the picture
SMALLEST = (160, 120)
_POLL_MILLISECONDS = 50  # more: slower to notice a signal; less: more wakeups
_ICON = (((40, 60, 200), (60, 180, 80)), ((220, 150, 60), (235, 235, 235)))  # BGR


class FittedWindow:
    """A window of the user's size, with pictures fitted into it. A context manager.

    Parameters
    ----------
    title : str
    size : tuple of int
        Width and height at first.

    Raises
    ------
    DisplayError
        If the window cannot be opened.
    """

    def __init__(self, title: str, size: tuple[int, int]) -> None:
        try:
            pygame.display.init()
            self._window = pygame.Window(
                title, size, pygame.WINDOWPOS_CENTERED, resizable=True, allow_high_dpi=True
            )
        except pygame.error as error:
            pygame.display.quit()
            raise DisplayError("the display cannot be opened") from error
        self._window.minimum_size = SMALLEST
        icon = np.array(_ICON, np.uint8).repeat(32, axis=0).repeat(32, axis=1)
        self._window.set_icon(pygame.image.frombuffer(icon.data, (64, 64), "BGR"))
        pygame.display.set_allow_screensaver(False)
        self._window.get_surface()  # without one, it could not be refreshed
        self._unmanaged: tuple[tuple[int, int], tuple[int, int]] | None = None
        self.box: Box = 0, 0, *size
        self.scale = 1.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._window.destroy()
        pygame.display.quit()

    @property
    def title(self) -> str:
        """The title, which may be set."""
        return self._window.title

    @title.setter
    def title(self, title: str) -> None:
        if title != self._window.title:
            self._window.title = title

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in the screen's units; set, the window is centred, too."""
        return self._window.size

    @size.setter
    def size(self, size: tuple[int, int]) -> None:
        if size != self._window.size:
            self._window.size = size
            self._window.position = pygame.WINDOWPOS_CENTERED

    def fill_screen(self, *, fills: bool) -> None:
        """Fill the screen, or go back to the size before."""
        if fills and has_window_manager():
            self._window.set_fullscreen(desktop=True)
        elif fills:
            self._unmanaged = self._window.size, self._window.position
            self._window.position = 0, 0
            self._window.size = pygame.display.get_desktop_sizes()[0]
        elif self._unmanaged is not None:
            (self._window.size, self._window.position), self._unmanaged = self._unmanaged, None
        else:
            self._window.set_windowed()

    def canvas(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A picture of the window's size in pixels, with the given one fitted between black bars.

        Afterwards `box` is its place in it (left, top, width and height), `scale` its enlargement.
        """
        width, height = self._window.get_surface().get_size()
        rows, columns = picture.shape[:2]
        self.scale = min(width / columns, height / rows)
        size = max(round(columns * self.scale), 1), max(round(rows * self.scale), 1)
        left, top = (width - size[0]) // 2, (height - size[1]) // 2
        self.box = left, top, *size
        canvas = np.zeros((height, width, 3), np.uint8)
        inside = canvas[top : top + size[1], left : left + size[0]]
        if self.scale.is_integer():
            cv2.resize(picture, size, dst=inside, interpolation=cv2.INTER_NEAREST)
        else:  # INTER_AREA would look a little better, but takes half of a frame's time
            cv2.resize(picture, size, dst=inside, interpolation=cv2.INTER_LINEAR)
        return canvas

    def put(self, canvas: NDArray[np.uint8]) -> None:
        """Show a canvas."""
        height, width = canvas.shape[:2]
        surface = self._window.get_surface()
        surface.blit(pygame.image.frombuffer(canvas.data, (width, height), "BGR"), (0, 0))
        self._window.flip()

    def refresh(self) -> None:
        """Show the last canvas again, as when another window has covered it."""
        self._window.flip()

    def to_canvas(self, position: tuple[int, int]) -> tuple[int, int]:
        """Convert a position in the screen's units to canvas pixels."""
        pixels, units = self._window.get_surface().get_width(), self._window.size[0]
        return position[0] * pixels // units, position[1] * pixels // units


def show_image(path: Path) -> None:
    """Show an image in a window until a key is pressed or the window is closed.

    Raises
    ------
    DisplayError
        If there is no display.
    """
    require_display()
    picture = read_image(path).bgr
    ends = {pygame.QUIT, pygame.WINDOWCLOSE}
    with FittedWindow(shown(f"kseg-video: {path.name}"), LEGIBLE) as window:
        window.size = first_size(picture.shape[1], picture.shape[0], SMALLEST)
        window.put(window.canvas(picture))
        while (event := pygame.event.wait(_POLL_MILLISECONDS)).type not in ends:
            if event.type == pygame.KEYDOWN and key_of(event) is not None:
                break
            if event.type in {pygame.WINDOWEXPOSED, pygame.WINDOWSIZECHANGED}:
                window.put(window.canvas(picture))


def first_size(width: int, height: int, least: tuple[int, int] = LEGIBLE) -> tuple[int, int]:
    """Width and height of a window for a picture: its own, if large enough and within the screen.

    Parameters
    ----------
    width, height : int
        Of the picture.
    least : tuple of int
        Width and height from which on a picture is large enough; others are enlarged.
    """
    screen = pygame.display.get_desktop_sizes()[0]
    most = min(_SHARE_OF_SCREEN * screen[0] / width, _SHARE_OF_SCREEN * screen[1] / height)
    enough = max(round(max(least[0] / width, least[1] / height)), 1)
    scale = min(enough, int(most)) if most >= 1 else most
    return max(round(width * scale), SMALLEST[0]), max(round(height * scale), SMALLEST[1])
