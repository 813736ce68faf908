"""Screen and terminal output of a live run, as its options say."""

from __future__ import annotations

from collections import deque
from importlib.util import find_spec
from typing import TYPE_CHECKING

from kseg_video.cli.live_panel import LiveLines, LivePanel, TerminalNote, caught_stderr
from kseg_video.cli.messages import answer
from kseg_video.cli.progress import terminal_console
from kseg_video.core.errors import DisplayError, SettingsError
from kseg_video.screens.terminal import Terminal
from kseg_video.screens.terminal_screen import NoScreen, TerminalScreen, WindowAndTerminal

if TYPE_CHECKING:
    import argparse
    from contextlib import ExitStack

    from kseg_video.live.metrics import LiveObserver
    from kseg_video.live.screen import Screen
    from kseg_video.screens.browser_screen import BrowserScreen

_NOTHING = "neither a display nor a terminal"
_OTHERWISE = (
    "in a browser, with --preview browser, or go without, with --preview none --record FILE"
)


def live_outputs(
    options: argparse.Namespace, title: str, stack: ExitStack
) -> tuple[Screen, LiveObserver | None]:
    """Open the screen for the picture and the observer that shows the metrics.

    Raises
    ------
    SettingsError
        If a port is given for no page.
    DisplayError
        If the requested preview cannot be opened.
    """
    if options.port is not None and options.preview != "browser":
        raise SettingsError("--port is the port of a page; add --preview browser")
    page = _page(options) if options.preview == "browser" else None
    window = page or _window(options, title)
    in_terminal = window is None and options.preview != "none"
    console = terminal_console() if in_terminal or not options.quiet else None
    if in_terminal and console is None:
        lacking = "no terminal" if options.preview == "terminal" else _NOTHING
        raise DisplayError(f"there is {lacking} to show the picture on; show it {_OTHERWISE}")
    others: deque[str] = deque()
    if console is not None:
        console, others = stack.enter_context(caught_stderr())
    terminal = stack.enter_context(Terminal(console, asks_for_pictures=in_terminal))
    if in_terminal:
        shown = TerminalScreen(terminal)
        return shown, None if options.quiet else TerminalNote(shown.note, others)
    screen = NoScreen(terminal) if window is None else WindowAndTerminal(window, terminal)
    if options.quiet:
        return screen, None
    if console is None:
        return screen, LiveLines()
    address = "" if page is None else page.address
    has_window = window is not None and page is None
    return screen, LivePanel(terminal, others, has_window=has_window, address=address)


def _page(options: argparse.Namespace) -> BrowserScreen:
    """Open the page for a browser, and print its address, which nobody else knows."""
    if find_spec("websockets") is None:
        raise DisplayError(
            "a page in a browser needs websockets; install it: pip install websockets"
        )
    from kseg_video.screens.browser_screen import BrowserScreen  # only for this: it is an extra

    page = BrowserScreen(options.port or 0)
    answer(page.address)
    return page


def _window(options: argparse.Namespace, title: str) -> Screen | None:
    if options.preview not in {"auto", "window"}:
        return None
    from kseg_video.screens.window import LiveWindow  # only for this: it loads SDL

    try:
        return LiveWindow(title)
    except DisplayError as error:
        if options.preview == "auto":
            return None
        raise DisplayError(
            f"{error}; show it in the terminal, with --preview terminal, {_OTHERWISE}"
        ) from error
