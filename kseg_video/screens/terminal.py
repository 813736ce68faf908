"""The terminal of a live run, held while we are its foreground job: its keys, and a page."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Self

from rich.control import Control

from kseg_video.screens.job_control import (
    KEYBOARD,
    descriptor,
    is_in_foreground,
    on_stop,
    restore,
    stop_by_default,
    stop_until_continued,
    unecho,
)
from kseg_video.screens.terminal_pictures import NO_PICTURE, QUERY, cell_size, pixels
from kseg_video.screens.typed_keys import TypedKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    import numpy as np
    from numpy.typing import NDArray
    from rich.console import Console, RenderableType

    from kseg_video.live.screen import KeyPress
    from kseg_video.screens.job_control import Attributes

_MOST_BYTES = 4096  # typed, read at once


class Terminal:
    """Keys and page of a terminal. A context manager: leaving it restores the terminal.

    Ctrl-Z restores the terminal, too, before it stops us. In the background nothing is drawn and
    no key is read; in the foreground again, the page is.

    Parameters
    ----------
    console : rich.console.Console, optional
        Terminal to draw on; without one, there are only keys.
    asks_for_pictures : bool
        Whether to ask the terminal if it shows pictures.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(
        self,
        console: Console | None = None,
        *,
        asks_for_pictures: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._page = KEYBOARD if console is None else descriptor(console)
        self._asks = asks_for_pictures
        self._clock = clock
        self._typed = TypedKeys(clock)
        self._attributes: Attributes = None
        self._is_held = self._must_stop = False
        self._drawn = float("-inf")
        self._drawn_size: tuple[int, int] = 0, 0

    def __enter__(self) -> Self:
        # A stop waits until the loop asks for keys, since it must not come amid a drawing.
        on_stop(self._ask_to_stop)
        if sys.platform != "win32":
            signal.signal(signal.SIGCONT, self._take_anew)
        self._is_ours()
        return self

    def __exit__(self, *_: object) -> None:
        self._give_back()
        stop_by_default()
        if sys.platform != "win32":
            signal.signal(signal.SIGCONT, signal.SIG_DFL)
        if self._must_stop:
            stop_until_continued()

    @property
    def takes_keys(self) -> bool:
        """Whether keys can be typed."""
        return self._attributes is not None

    @property
    def shows_pictures(self) -> bool:
        """Whether the terminal has replied that it shows pictures."""
        return self._typed.shows_pictures

    @property
    def console(self) -> Console:
        """Terminal to draw on."""
        assert self._console is not None
        return self._console

    def pressed(self) -> Sequence[KeyPress]:
        """Keys since the last call; none in the background. If Ctrl-Z was typed, stop first."""
        if self._must_stop:
            self._give_back()
            stop_until_continued()
            self._must_stop = False
            on_stop(self._ask_to_stop)
        if not self._is_ours() or not self.takes_keys:
            return ()
        sent = b""
        if select.select([KEYBOARD], [], [], 0)[0]:
            try:
                sent = os.read(KEYBOARD, _MOST_BYTES)
            except OSError:  # the terminal was closed
                return ()
        pressed = self._typed.pressed(sent)
        if pressed:
            self._drawn = float("-inf")  # show at once what a key does
        return pressed

    def is_due(self, seconds: float) -> bool:
        """Whether to draw the page: it is old, or a key, a new size or a shell has outdated it."""
        now, size = self._clock(), self.console.size
        if not self._is_ours() or (now - self._drawn < seconds and size == self._drawn_size):
            return False
        self._drawn = now
        return True

    def draw(self, *page: RenderableType) -> None:
        """Draw a page, which fills the terminal."""
        size = self.console.size
        start = Control.home() if size == self._drawn_size else Control.clear()
        self._drawn_size = size
        self.console.print(start, Control.home(), *page, sep="", end="", soft_wrap=True)

    def show_picture(
        self, picture: NDArray[np.uint8] | None, columns: int = 0, rows: int = 0
    ) -> None:
        """Show a BGR picture over so many cells of the page, where pictures work; None: no more."""
        if picture is not None:
            self._write("".join(pixels(picture, columns, rows, cell_size(self._page))))
        elif self.shows_pictures:
            self._write(NO_PICTURE)

    def _is_ours(self) -> bool:
        """Whether we may use the terminal; if that is new, take it."""
        if not is_in_foreground(KEYBOARD) or not is_in_foreground(self._page):
            self._is_held = False
            return False
        if not self._is_held:
            self._is_held = True
            before = unecho()
            # After a stop that we could not see, these may be our own.
            self._attributes = before if self._attributes is None else self._attributes
            if self._console is not None:
                self._console.set_alt_screen(True)
                self._console.show_cursor(False)
                self._drawn_size = 0, 0
                if self._asks and self.takes_keys:
                    self._write(QUERY)
        return True

    def _give_back(self) -> None:
        if not self._is_held or not self._is_ours():
            return
        self._is_held = False
        if self._console is not None:
            self.show_picture(None)
            # Where it has grown, tmux would show the rest of our page on the shell's.
            self._console.control(Control.clear(), Control.show_cursor(True))
            self._console.set_alt_screen(False)
        restore(self._attributes)
        self._attributes = None

    def _write(self, sequence: str) -> None:
        self.console.file.write(sequence)
        self.console.file.flush()

    def _ask_to_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._must_stop = True

    def _take_anew(self, _number: int, _frame: FrameType | None) -> None:
        self._is_held = False
