"""A window that shows pictures, and its keys, clicks and pointer moves."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Self, cast

import cv2

from kseg_video.core.errors import DisplayError
from kseg_video.core.shown_text import shown
from kseg_video.live.screen import Click, Closed, KeyPress, PointerMove, enlargement, shrinkage
from kseg_video.live.window_x11_keys import X11Keys
from kseg_video.reading.image_decoding import read_image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.live.key_bindings import LiveState
    from kseg_video.live.screen import DrawHud, ScreenEvent

_POLL_MILLISECONDS = 50  # more: slower to notice that the window is closed; less: more wakeups
# The context menu of Qt's expanded GUI would block waitKey for good.
_PLAIN_WINDOW = cv2.WINDOW_NORMAL | cv2.WINDOW_GUI_NORMAL
_NAMES = {"\x1b": "Esc", " ": "space"}
_TRIAL = "import cv2; cv2.namedWindow('display check', cv2.WINDOW_GUI_NORMAL)"
_TRIAL_SECONDS = 20  # more: slower to give up on a hung display; less: refuses slow ones


class LiveWindow:
    """Window that shows live pictures; a `Screen`.

    Parameters
    ----------
    title : str
        Title of the window.

    Raises
    ------
    DisplayError
        If there is no display.
    """

    def __init__(self, title: str) -> None:
        require_display()
        self._title = title
        self._name = _window_name()
        self._events: list[ScreenEvent] = []
        self._full_screen = False
        self._shape: tuple[int, ...] = ()
        self._scale = 1.0  # of the shown picture relative to the original
        self._corner = 0, 0  # of the picture inside the bars
        self._keys: X11Keys | None = None

    def __enter__(self) -> Self:
        cv2.namedWindow(self._name, _PLAIN_WINDOW | cv2.WINDOW_FREERATIO)
        cv2.setMouseCallback(self._name, self._on_mouse)
        cv2.pollKey()
        self._keys = X11Keys.of_window(self._name)
        cv2.setWindowTitle(self._name, shown(self._title))
        return self

    def __exit__(self, *_: object) -> None:
        if self._keys is not None:
            self._keys.close()
        cv2.destroyAllWindows()
        cv2.pollKey()

    def show(self, picture: NDArray[np.uint8], state: LiveState, draw_hud: DrawHud) -> None:
        """Show a BGR picture of shape (H, W, 3) with the figures drawn over it."""
        if state.full_screen != self._full_screen:
            self._full_screen = state.full_screen
            wanted = cv2.WINDOW_FULLSCREEN if self._full_screen else cv2.WINDOW_NORMAL
            cv2.setWindowProperty(self._name, cv2.WND_PROP_FULLSCREEN, float(wanted))
            self._shape = ()
        if picture.shape != self._shape:
            self._shape = picture.shape
            self._resize(picture.shape[1], picture.shape[0])
        canvas = self._canvas(picture)
        draw_hud(canvas)
        cv2.imshow(self._name, self._between_bars(canvas))
        self._poll()

    def events(self) -> Sequence[ScreenEvent]:
        """Events since the last call, oldest first."""
        self._poll()
        if not _is_open(self._name):
            self._events.append(Closed())
        events, self._events = self._events, []
        return events

    def _resize(self, width: int, height: int) -> None:
        """Fit the window to a picture; without a window manager, also to a full screen."""
        screen = None if self._keys is None else self._keys.unmanaged_screen()
        if not self._full_screen:
            times = enlargement(width, height)
            cv2.resizeWindow(self._name, *_fitting_size(times * width, times * height))
        elif screen is not None:
            cv2.resizeWindow(self._name, *screen)
        cv2.pollKey()

    def _canvas(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Copy to draw on, at the displayed size, but enlarged by at most `enlargement`."""
        height, width = picture.shape[:2]
        columns, rows = _room(self._name) or (width, height)
        scale = min(columns / width, rows / height)
        if scale >= 1:
            scale = min(int(scale), enlargement(width, height))
        self._scale = scale
        size = max(round(scale * width), 1), max(round(scale * height), 1)
        # INTER_AREA would look a little better, but takes half of a frame's time.
        how = cv2.INTER_LINEAR if scale < 1 else cv2.INTER_NEAREST
        return cast("NDArray[np.uint8]", cv2.resize(picture, size, interpolation=how))

    def _between_bars(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Pad the picture to the window's aspect ratio with black; OpenCV's own bars are white."""
        height, width = picture.shape[:2]
        columns, rows = _room(self._name) or (width, height)
        beside = max(round(height * columns / rows) - width, 0) // 2
        above = max(round(width * rows / columns) - height, 0) // 2
        self._corner = beside, above
        if max(beside, above) <= 1:  # rounding
            self._corner = 0, 0
            return picture
        bars = above, above, beside, beside
        return cast("NDArray[np.uint8]", cv2.copyMakeBorder(picture, *bars, cv2.BORDER_CONSTANT))

    def _poll(self) -> None:
        """Let OpenCV draw the window, and collect pressed keys."""
        code = cv2.pollKey()
        typed: Iterable[str] = [chr(code)] if 0 < code < 127 else ()
        for character in typed if self._keys is None else self._keys.pressed():
            self._events.append(KeyPress(_NAMES.get(character, character)))

    def _on_mouse(self, event: int, x: int, y: int, _flags: int, _data: object) -> None:
        x = int((x - self._corner[0]) // self._scale)
        y = int((y - self._corner[1]) // self._scale)
        if event in (cv2.EVENT_LBUTTONDOWN, cv2.EVENT_RBUTTONDOWN):
            self._events.append(Click(x, y, alone=event == cv2.EVENT_RBUTTONDOWN))
        elif event == cv2.EVENT_MOUSEMOVE:
            self._events.append(PointerMove(x, y))


def show_image(path: Path) -> None:
    """Show an image in a window until a key is pressed or the window is closed.

    Raises
    ------
    DisplayError
        If there is no display.
    """
    require_display()
    picture = read_image(path).bgr
    name = _window_name()
    cv2.namedWindow(name, _PLAIN_WINDOW | cv2.WINDOW_KEEPRATIO)
    try:
        cv2.pollKey()
        if (keys := X11Keys.of_window(name)) is not None:  # which maps the window if Qt failed to
            keys.close()
        cv2.setWindowTitle(name, shown(f"kseg-video: {path.name}"))
        cv2.resizeWindow(name, *_fitting_size(picture.shape[1], picture.shape[0]))
        cv2.imshow(name, picture)
        while cv2.waitKeyEx(_POLL_MILLISECONDS) == -1 and _is_open(name):
            pass
    finally:
        cv2.destroyAllWindows()


def _window_name() -> str:
    """Name that identifies the window to OpenCV and X11, independent of its title.

    OpenCV cannot look up a window whose name is not ASCII, and the window of another run may have
    the same title.
    """
    return f"kseg-video {os.getpid()}"


def _fitting_size(width: int, height: int) -> tuple[int, int]:
    """Initial width and height of a window for a picture."""
    scale = shrinkage(width, height)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _room(name: str) -> tuple[int, int] | None:
    """Width and height of a window's content; None if the window was closed or has no area."""
    try:
        _, _, width, height = cv2.getWindowImageRect(name)
    except cv2.error:
        return None
    return (width, height) if min(width, height) > 0 else None


def _is_open(name: str) -> bool:
    try:
        return cv2.getWindowProperty(name, cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:  # raised once the last window is gone
        return False


def require_display() -> None:
    """Raise unless a window can be opened.

    A child process tries first, because OpenCV aborts its process if there is no display.

    Raises
    ------
    DisplayError
        If no window can be opened; the caller adds what to do instead.
    """
    on_x11 = sys.platform.startswith("linux")
    if on_x11 and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise DisplayError("there is no display to show the picture on")
    try:
        tried = subprocess.run(
            [sys.executable, "-c", _TRIAL],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_TRIAL_SECONDS,
            check=False,
            start_new_session=True,  # a Ctrl-C at the terminal must not reach it
        )
    except subprocess.TimeoutExpired:
        raise DisplayError("the display does not answer") from None
    if tried.returncode:
        raise DisplayError("the display cannot be opened")
