"""Live pictures in a terminal, and screens that take a terminal's keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from rich.segment import Segments
from rich.text import Text

from kseg_video.screens.terminal_colors import has_true_color
from kseg_video.screens.terminal_help import help_rows
from kseg_video.screens.terminal_pictures import blank_rows, half_blocks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console

    from kseg_video.live.live_state import LiveState
    from kseg_video.live.screen import HudContent, KeyPress, Screen, ScreenEvent
    from kseg_video.screens.terminal import Terminal

# More: a choppier picture; less: more time spent on writing to the terminal.
_SECONDS_BETWEEN_DRAWINGS = 1 / 15


class NoScreen:
    """Screen without a picture, which takes the terminal's keys.

    Parameters
    ----------
    terminal : Terminal
        Already entered.
    """

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
    ) -> None:
        """Discard the picture."""

    def events(self) -> Sequence[KeyPress]:
        """Keys that have been pressed since the last call."""
        return self._terminal.pressed()


class WindowAndTerminal:
    """A window, and the terminal's keys besides its own events.

    Parameters
    ----------
    window : Screen
    terminal : Terminal
        Already entered.
    """

    def __init__(self, window: Screen, terminal: Terminal) -> None:
        self._window = window
        self._terminal = terminal

    def __enter__(self) -> Self:
        self._window.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._window.__exit__(*error)

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
    ) -> None:
        """Show a picture in the window."""
        self._window.show(picture, state, content)

    def events(self) -> Sequence[ScreenEvent]:
        """The window's events and the terminal's keys since the last call."""
        return [*self._window.events(), *self._terminal.pressed()]


class TerminalScreen(NoScreen):
    """Shows pictures in a terminal, and takes its keys.

    Parameters
    ----------
    terminal : Terminal
        Already entered, with a console.
    """

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal)
        self._lines: Callable[[Console], Sequence[Text]] = lambda _console: (Text(), Text())

    def note(self, lines: Callable[[Console], Sequence[Text]]) -> None:
        """Set the function that makes the lines under the picture, called at each drawing."""
        self._lines = lines

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, _content: Callable[[], HudContent]
    ) -> None:
        """Show a BGR picture of shape (H, W, 3), scaled to fit, or the help in its place."""
        if not self._terminal.is_due(_SECONDS_BETWEEN_DRAWINGS):
            return
        console = self._terminal.console
        columns, height = console.size
        lines = [line.copy() for line in self._lines(console)]
        if state.shows_help:
            lines = lines[:1]  # the message; the rest makes room
        rows = max(height - len(lines), 1)
        for line in lines:
            line.truncate(columns - 1, overflow="ellipsis", pad=True)
        note = Text("\n").join(lines)
        if state.shows_help:
            self._terminal.show_picture(None)
            self._terminal.draw(Segments(help_rows(columns, rows, state)), note)
        elif self._terminal.shows_pictures:
            self._terminal.draw(Segments(blank_rows(columns, rows)), note)
            self._terminal.show_picture(picture, columns, rows)
        else:
            blocks = half_blocks(picture, columns, rows, true_color=has_true_color(console))
            self._terminal.draw(Segments(blocks), note)
