"""Terminal output of a live run: a panel of metrics, or a status line every ten seconds."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.panel import Panel
from rich.screen import Screen
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from kseg_video.cli.messages import inform
from kseg_video.core.shown_text import shown
from kseg_video.screens.terminal_colors import bar, only_number, palette_rows, share, swatch
from kseg_video.screens.terminal_help import help_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rich.console import RenderableType

    from kseg_video.live.live_state import LiveState
    from kseg_video.live.metrics import LiveMetrics
    from kseg_video.screens.terminal import Terminal
    from kseg_video.screens.terminal_colors import Swatch

_SECONDS_BETWEEN_DRAWINGS = 0.5  # more: staler figures; less: over 1% of a core, at 5 ms each
_SECONDS_BETWEEN_LINES = 10.0
_TITLE = "kseg-video live"
_OTHERS_MESSAGES = 2  # newest lines of library output that are shown
_TITLE_CELLS = 12  # for the titles of the panel's rows
# Rows of the panel that a low terminal leaves out, the first first.
_DISPENSABLE = "last event", "ms a frame", "latency", "frames"


class LivePanel:
    """Panel of metrics on a terminal's page.

    Parameters
    ----------
    terminal : Terminal
        Already entered, with a console.
    others : deque of str
        Newest lines that libraries printed on standard error (see `caught_stderr`).
    has_window : bool
        Whether a window shows the picture, and takes keys, too.
    address : str
        Address of the page that shows the picture; empty without one.
    """

    def __init__(
        self, terminal: Terminal, others: deque[str], *, has_window: bool, address: str = ""
    ) -> None:
        self._terminal = terminal
        self._others = others
        self._has_window = has_window
        self._address = address

    def update(self, metrics: Callable[[], LiveMetrics]) -> None:
        """Redraw the panel, at most every `_SECONDS_BETWEEN_DRAWINGS` unless it is outdated."""
        if self._terminal.is_due(_SECONDS_BETWEEN_DRAWINGS):
            self._terminal.draw(Screen(self._page(metrics())))

    def _page(self, metrics: LiveMetrics) -> RenderableType:
        console = self._terminal.console
        if self._terminal.takes_keys and metrics.state.shows_help:
            columns, rows = console.size
            said = Text(shown(metrics.message or "h: back"), overflow="ellipsis", no_wrap=True)
            return Group(Segments(help_rows(columns, max(rows - 1, 1), metrics.state)), said)
        hint = "q: quit · h: help" if self._terminal.takes_keys else "Ctrl-C: quit"
        if self._has_window and not self._terminal.takes_keys:
            hint = "h in the window: help"
        return live_panel(metrics, list(self._others), hint, console, self._address)


class LiveLines:
    """Status line every ten seconds, for a standard error that is no terminal.

    Parameters
    ----------
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._written = clock()

    def update(self, metrics: Callable[[], LiveMetrics]) -> None:
        """Print a line, at most every `_SECONDS_BETWEEN_LINES`."""
        now = self._clock()
        if now - self._written >= _SECONDS_BETWEEN_LINES:
            self._written = now
            inform(live_line(metrics()))


class TerminalNote:
    """Status lines under a picture that is shown in the terminal.

    Parameters
    ----------
    offer : callable
        Takes the function that makes the lines; the screen calls that at each drawing.
    others : deque of str
        Newest lines that libraries printed on standard error (see `caught_stderr`).
    """

    def __init__(
        self, offer: Callable[[Callable[[Console], Sequence[Text]]], None], others: deque[str]
    ) -> None:
        self._offer = offer
        self._others = others

    def update(self, metrics: Callable[[], LiveMetrics]) -> None:
        """Hand the screen the function that makes the lines."""
        self._offer(lambda console: self._lines(metrics(), console))

    def _lines(self, metrics: LiveMetrics, console: Console) -> Sequence[Text]:
        # The newest message comes first and the source last, as few terminals have room for all.
        words = [*([metrics.message] if metrics.message else []), *_recording(metrics)]
        words += [metrics.condition, *_measured(metrics), metrics.source]
        columns = console.width - 1
        while len(words) > 1 and len(_joined(words)) > columns:
            words.pop()
        others = [Text(line, "dim") for line in list(self._others)]
        if not metrics.state.shows_hud:
            return (Text(_joined(words)), *others)
        settings = Text(_settings(metrics.state), "dim")
        palette = _palette(metrics, console, (share, only_number), columns, 1)
        return (Text(_joined(words)), settings, *palette, *others)


def live_line(metrics: LiveMetrics) -> str:
    """Format the metrics as one line."""
    words = [metrics.source, metrics.condition, *_measured(metrics), *_recording(metrics)]
    return _joined(words + [metrics.message] * bool(metrics.message))


def _joined(words: Sequence[str]) -> str:
    return shown(" · ".join(words))


def _measured(metrics: LiveMetrics) -> list[str]:
    return [
        f"{metrics.shown_rate:.1f} fps",
        f"latency {metrics.latency_median * 1000:.0f} ms",
        f"{metrics.received} received",
        f"{metrics.dropped} dropped",
    ]


def _recording(metrics: LiveMetrics) -> list[str]:
    if metrics.recording is None:
        return []
    return [f"recording {metrics.recorded:.0f} s to {metrics.recording.name}{_lost(metrics)}"]


def _settings(state: LiveState) -> str:
    """Format the settings that keys change; the background comes last, as its name may be long."""
    words = [
        state.rendering.view,
        state.segmenter.color_space,
        f"k {state.segmenter.cluster_count}",
        f"stability {state.segmenter.stability:g}",
    ]
    words += [f"paint {state.paint_name}"] if state.rendering.paint is not None else []
    words += [word for word, on in (("frozen", state.frozen), ("mirrored", state.mirrored)) if on]
    return _joined([*words, f"background {state.rendering.background}"])


def _lost(metrics: LiveMetrics) -> str:
    """Format the number of frames that the recording lacks; empty if none."""
    lost = metrics.unrecorded
    return f" · encoder too slow for {lost} frames" if lost else ""


def live_panel(
    metrics: LiveMetrics, others: list[str], hint: str, console: Console, address: str = ""
) -> Panel:
    """Panel of the metrics that fits the console, with a hint on quitting and help in its border.

    A low console gets a denser palette, and then fewer figures.
    """
    # A border on each side, and a blank inside it at the left and right.
    columns, rows = max(console.width - 4, 1), console.height - 2
    figures = _figures(metrics, columns)
    if address:
        figures = {"page": address, **figures}
    for name in (*_DISPENSABLE, ""):
        table = Table.grid(padding=(0, 2))
        table.add_column(style="dim")
        table.add_column()
        for title, told in figures.items():
            table.add_row(Text(title, "bold red" if title == "recording" else ""), Text(told))
        high = len(console.render_lines(table, console.options.update(width=columns)))
        left = rows - high - len(others)
        palette = _palette(metrics, console, (bar, swatch, share, only_number), columns, left)
        if len(palette) <= left or name not in figures:
            break
        del figures[name]
    gap = [Text()] if len(palette) < left else []
    told_by_others = [Text(line, "dim", overflow="ellipsis", no_wrap=True) for line in others]
    return Panel(Group(table, *gap, *palette, *told_by_others), title=_TITLE, subtitle=hint)


def _figures(metrics: LiveMetrics, columns: int) -> dict[str, str]:
    """Rows of the panel: their titles and contents."""
    costs = (f"{name} {cost:.1f}" for name, cost in metrics.stage_milliseconds.items())
    figures = {
        "source": _shortened(metrics.source, metrics.condition, columns - _TITLE_CELLS),
        "frames": f"{metrics.capture_rate:.1f} fps in · {metrics.shown_rate:.1f} fps shown · "
        f"{metrics.received} received · {metrics.dropped} dropped",
        "latency": f"{metrics.latency_median * 1000:.0f} ms median · "
        f"{metrics.latency_95 * 1000:.0f} ms p95",
        "ms a frame": " · ".join(costs),
        "view": _settings(metrics.state),
    }
    if metrics.recording is not None:
        size = metrics.recording.stat().st_size / 1e6 if metrics.recording.exists() else 0.0
        figures["recording"] = shown(
            f"{metrics.recording.name} · {metrics.recorded:.0f} s · {size:.1f} MB{_lost(metrics)}"
        )
    return {**figures, "last event": metrics.event, "message": shown(metrics.message or "-")}


def _shortened(source: str, condition: str, cells: int) -> str:
    """Source and condition in a line; a long name loses its beginning."""
    line = _joined([source, condition])
    return line if len(line) <= cells else f"…{line[len(line) - cells + 1 :]}"


def _palette(
    metrics: LiveMetrics, console: Console, forms: Sequence[Swatch], columns: int, rows: int
) -> list[Text]:
    if metrics.palette is None:
        return []
    off = metrics.state.rendering.disabled
    return palette_rows(console, metrics.palette, off, forms, columns, rows)


@contextlib.contextmanager
def caught_stderr() -> Iterator[tuple[Console, deque[str]]]:
    """Capture what libraries print on standard error, to keep it off the terminal.

    Yields
    ------
    console : rich.console.Console
        Console on the terminal itself.
    lines : deque of str
        Newest captured lines.
    """
    lines: deque[str] = deque(maxlen=_OTHERS_MESSAGES)
    terminal = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)

    def listen() -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace") as stream:
            lines.extend(shown(line.strip()) for line in stream if line.strip())

    listener = threading.Thread(target=listen, name="stderr")
    listener.start()
    try:
        with os.fdopen(os.dup(terminal), "w", encoding="utf-8") as file:
            yield Console(file=file, highlight=False, markup=False, emoji=False), lines
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)
        listener.join()
