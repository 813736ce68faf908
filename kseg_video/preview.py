"""Pictures in a window."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import cv2

from kseg_video.errors import DisplayError
from kseg_video.stills import read_still

if TYPE_CHECKING:
    from pathlib import Path

_POLL_MILLISECONDS = 50
_LARGEST_WINDOW = (1280, 800)
_TRIAL = "import cv2; cv2.namedWindow('display check', cv2.WINDOW_GUI_NORMAL)"
_TRIAL_SECONDS = 20


def show_still(path: Path) -> None:
    """Show an image in a window until a key is pressed or the window is closed.

    Raises
    ------
    DisplayError
        If there is no display.
    """
    _require_display()
    picture, _ = read_still(path)
    title = f"kseg-video: {path.name}"
    # The expanded GUI's context menu would block waitKey for good.
    cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
    try:
        cv2.resizeWindow(title, *_fitting_size(picture.shape[1], picture.shape[0]))
        cv2.imshow(title, picture)
        while cv2.waitKeyEx(_POLL_MILLISECONDS) == -1 and _is_open(title):
            pass
    finally:
        cv2.destroyAllWindows()


def _fitting_size(width: int, height: int) -> tuple[int, int]:
    """Window size that shows the whole picture, never larger than it is."""
    scale = min(1.0, _LARGEST_WINDOW[0] / width, _LARGEST_WINDOW[1] / height)
    return max(round(width * scale), 1), max(round(height * scale), 1)


def _is_open(title: str) -> bool:
    try:
        return cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) > 0
    except cv2.error:  # raised once the last window is gone
        return False


def _require_display() -> None:
    """Raise unless a window can be opened.

    Without a display OpenCV aborts the process, so a child process tries first.
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
        )
    except subprocess.TimeoutExpired:
        raise DisplayError("the display does not answer") from None
    if tried.returncode:
        raise DisplayError("the display cannot be opened")
