"""Complete key input of a window on X11.

OpenCV reports only the last key between two polls and, in its Qt window, does not distinguish ``V``
from ``v``. X11 lets any client select a window's key events, so we do, on a connection of our own
(Xlib, "C Language X Interface", chapters 8 and 12).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY_PRESS = 2
_KEY_PRESS_MASK = 1
_EVENT_BYTES = 192  # size of an XEvent with 64-bit longs
_MOST_CHARACTERS = 16

_Window = ctypes.c_ulong
_Handler = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


class X11Keys:
    """Receives the key presses of one window.

    Parameters
    ----------
    xlib : ctypes.CDLL
    display : int
        Pointer to an open connection, which `close` closes.
    window : int
        Identifier of the window.
    """

    def __init__(self, xlib: ctypes.CDLL, display: int, window: int) -> None:
        self._xlib = xlib
        self._display = ctypes.c_void_p(display)
        xlib.XSelectInput(self._display, _Window(window), ctypes.c_long(_KEY_PRESS_MASK))
        xlib.XFlush(self._display)

    @classmethod
    def of_window(cls, title: str) -> Self | None:
        """Find the window of that title and listen to it; None if it is not on X11."""
        name = ctypes.util.find_library("X11")
        if not sys.platform.startswith("linux") or not os.environ.get("DISPLAY") or name is None:
            return None
        xlib = ctypes.CDLL(name)
        xlib.XOpenDisplay.restype = ctypes.c_void_p
        xlib.XDefaultRootWindow.restype = _Window
        display = xlib.XOpenDisplay(None)
        if display is None:
            return None
        xlib.XSetErrorHandler(_IGNORE)
        root = xlib.XDefaultRootWindow(ctypes.c_void_p(display))
        for window in _below(xlib, display, root):
            if _name_of(xlib, display, window) == title:
                _map_again(xlib, display, window)
                return cls(xlib, display, window)
        xlib.XCloseDisplay(ctypes.c_void_p(display))
        return None

    def pressed(self) -> Iterator[str]:
        """Characters typed since the last call; Escape comes as the control character."""
        event = ctypes.create_string_buffer(_EVENT_BYTES)
        text = ctypes.create_string_buffer(_MOST_CHARACTERS)
        while self._xlib.XPending(self._display):
            self._xlib.XNextEvent(self._display, event)
            if ctypes.c_int.from_buffer(event).value == _KEY_PRESS:
                length = self._xlib.XLookupString(event, text, _MOST_CHARACTERS, None, None)
                yield from text.raw[:length].decode("latin-1")

    def unmanaged_screen(self) -> tuple[int, int] | None:
        """Width and height of the screen in pixels; None if a window manager runs."""
        if _is_managed(self._xlib, self._display):
            return None
        xlib, display = self._xlib, self._display
        return int(xlib.XDisplayWidth(display, 0)), int(xlib.XDisplayHeight(display, 0))

    def close(self) -> None:
        """Close the connection to the X server."""
        self._xlib.XCloseDisplay(self._display)


def _ignore(_display: int, _error: int) -> int:
    """Ignore X errors, as of a closed window; Xlib's own handler would end the process."""
    return 0


_IGNORE = _Handler(_ignore)


def _below(xlib: ctypes.CDLL, display: int, window: int) -> Iterator[int]:
    """All descendants of a window."""
    root, parent, children = _Window(), _Window(), ctypes.POINTER(_Window)()
    count = ctypes.c_uint()
    found = xlib.XQueryTree(
        ctypes.c_void_p(display),
        _Window(window),
        *map(ctypes.byref, (root, parent, children, count)),
    )
    if not found:
        return
    numbers = [int(children[i]) for i in range(count.value)]
    if numbers:
        xlib.XFree(children)
    for number in numbers:
        yield number
        yield from _below(xlib, display, number)


def _map_again(xlib: ctypes.CDLL, display: int, window: int) -> None:
    """Unmap and map a window if no window manager runs.

    Mapped at once, a window may be missed by Qt, which then never paints it.
    """
    pointer = ctypes.c_void_p(display)
    if not _is_managed(xlib, pointer):
        xlib.XUnmapWindow(pointer, _Window(window))
        xlib.XMapWindow(pointer, _Window(window))
        xlib.XFlush(pointer)


def _is_managed(xlib: ctypes.CDLL, display: ctypes.c_void_p) -> bool:
    """Whether a window manager runs (Inter-Client Communication Conventions, 4.3)."""
    xlib.XInternAtom.restype = xlib.XGetSelectionOwner.restype = _Window
    manager = xlib.XInternAtom(display, b"WM_S0", 0)
    return bool(xlib.XGetSelectionOwner(display, _Window(manager)))


def _name_of(xlib: ctypes.CDLL, display: int, window: int) -> str | None:
    name = ctypes.c_char_p()
    if not xlib.XFetchName(ctypes.c_void_p(display), _Window(window), ctypes.byref(name)):
        return None
    text = (name.value or b"").decode("utf-8", "replace")
    xlib.XFree(name)
    return text
