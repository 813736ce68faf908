"""What xdotool cannot do with windows, or does wrong under a window manager."""

from __future__ import annotations

import contextlib
import ctypes
import ctypes.util
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLIENT_MESSAGE = 33


class _ClientMessage(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("padding", ctypes.c_long * 16),
    )


@contextlib.contextmanager
def _connection(screen: str) -> Iterator[tuple[ctypes.CDLL, ctypes.c_void_p]]:
    x11 = ctypes.CDLL(ctypes.util.find_library("X11"))
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XInternAtom.restype = x11.XDefaultRootWindow.restype = ctypes.c_ulong
    display = ctypes.c_void_p(x11.XOpenDisplay(screen.encode()))
    yield x11, display
    x11.XCloseDisplay(display)


def place_of_window(screen: str, window: int) -> tuple[int, int]:
    """Left and top of a window on the screen."""
    x, y, child = ctypes.c_int(), ctypes.c_int(), ctypes.c_ulong()
    with _connection(screen) as (x11, display):
        root = ctypes.c_ulong(x11.XDefaultRootWindow(display))
        found = ctypes.byref(x), ctypes.byref(y), ctypes.byref(child)
        x11.XTranslateCoordinates(display, ctypes.c_ulong(window), root, 0, 0, *found)
    return x.value, y.value


def close_window(screen: str, window: int) -> None:
    """Ask a window to close, as a window manager does (ICCCM, section 4.2.8.1)."""
    with _connection(screen) as (x11, display):
        _ask_to_close(x11, display, window)


def _ask_to_close(x11: ctypes.CDLL, display: ctypes.c_void_p, window: int) -> None:
    protocols, delete = (
        x11.XInternAtom(display, name, False) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
    )
    event = _ClientMessage(type=_CLIENT_MESSAGE, window=window, message_type=protocols, format=32)
    event.data[0] = delete
    x11.XSendEvent(display, ctypes.c_ulong(window), False, ctypes.c_long(0), ctypes.byref(event))
