"""SDL, which opens the windows, by way of pygame-ce: how it is set up, and whether it can."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys

from kseg_video.core.errors import DisplayError

_PROMPT = "PYGAME_HIDE_SUPPORT_PROMPT"
_VARIABLES = {
    # Pictures are copied, not drawn: OpenGL takes longer to start, and without a GPU nine times as
    # long for each picture.
    "SDL_FRAMEBUFFER_ACCELERATION": "0",
    "SDL_NO_SIGNAL_HANDLERS": "1",  # signals are the command's
    "SDL_VIDEO_X11_WMCLASS": "kseg-video",
    "SDL_VIDEO_WAYLAND_WMCLASS": "kseg-video",
}
if sys.platform.startswith("linux"):  # no others: they show nothing, or take the whole console
    _VARIABLES["SDL_VIDEODRIVER"] = "x11,wayland"

_before = dict(os.environ)
os.environ[_PROMPT] = "1"
import pygame  # noqa: E402 - it prints a greeting unless told not to, and sets variables

for _name in set(os.environ) - set(_before):
    del os.environ[_name]
os.environ.update(_before)

__all__ = ["has_window_manager", "pygame", "require_display", "toolkit"]

_TRIAL = "import pygame; pygame.display.init()"
_TRIAL_SECONDS = 20  # more: slower to give up on a hung display; less: refuses slow ones


def toolkit() -> str:
    """Names and versions of the libraries that open the windows."""
    return f"pygame-ce {pygame.version.ver}, SDL {'.'.join(map(str, pygame.get_sdl_version()))}"


def require_display() -> None:
    """Set SDL up, and raise unless a window can be opened.

    On X11 a child process tries first, because a display that hangs would hang its process.

    Raises
    ------
    DisplayError
        If no window can be opened; the caller adds what to do instead.
    """
    for name, value in _VARIABLES.items():
        os.environ.setdefault(name, value)
    if not sys.platform.startswith("linux"):
        return
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
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


def has_window_manager() -> bool:
    """Whether a window manager fills the screen for us; SDL relies on one."""
    if pygame.display.get_driver() != "x11":
        return True
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = x11.XGetSelectionOwner.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(None))
    # Window managers own this selection, by the ICCCM, section 2.8.
    atom = ctypes.c_ulong(x11.XInternAtom(display, b"WM_S0", 0))
    owner = x11.XGetSelectionOwner(display, atom)
    x11.XCloseDisplay(display)
    return bool(owner)
