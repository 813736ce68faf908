"""Terminal output of a live run: a panel of metrics, or a status line every ten seconds."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.segment import Segments
from rich.table import Table
from rich.text import Text

from kseg_video.cli.messages import inform
from kseg_video.core.shown_text import shown
from kseg_video.live.key_bindings import KEYS
from kseg_video.screens.terminal_screen import help_rows, keys_unechoed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from kseg_video.live.live_state import LiveState
    from kseg_video.live.metrics import LiveMetrics

_SECONDS_BETWEEN_DRAWINGS = 0.5  # more: staler figures; less: over 1% of a core, at 5 ms each
_SECONDS_BETWEEN_LINES = 10.0
_BAR_CELLS = 24
_TITLE = "kseg-video live"
_OTHERS_MESSAGES = 2  # newest lines of library output that are shown


class LivePanel:
    """Panel of metrics on a terminal, redrawn in place.

    Use it as a context manager: leaving it restores the terminal.

    Parameters
    ----------
    console : rich.console.Console
        Terminal to draw on.
    others : deque of str
        Newest lines that libraries printed on standard error (see `caught_stderr`).
    has_window : bool
        Whether a window shows the picture; keys then go to the window instead of the terminal.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(
        self,
        console: Console,
        others: deque[str],
        *,
        has_window: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._unechoed = contextlib.ExitStack()
        self._others = others
        self._has_window = has_window
        self._takes_keys = False
        self._clock = clock
        self._drawn = float("-inf")

    def __enter__(self) -> Self:
        keyboard = self._unechoed.enter_context(keys_unechoed())
        self._takes_keys = keyboard is not None and not self._has_window
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        self._unechoed.close()

    def update(self, metrics: Callable[[], LiveMetrics]) -> None:
        """Redraw the panel, at most every `_SECONDS_BETWEEN_DRAWINGS`."""
        now = self._clock()
        if now - self._drawn >= _SECONDS_BETWEEN_DRAWINGS:
            self._drawn = now
            self._live.update(self._panel(metrics()), refresh=True)

    def _panel(self, metrics: LiveMetrics) -> Panel:
        if self._takes_keys and metrics.state.shows_help:
            columns, rows = self._console.size
            # The panel has a border on each side, and a blank inside it at the left and right.
            lines = help_rows(max(columns - 4, 1), max(min(rows - 4, len(KEYS)), 1))
            return Panel(Segments(lines), title=_TITLE, subtitle="h: back")
        hint = "q: quit · h: help" if self._takes_keys else "Ctrl-C: quit"
        if self._has_window:
            hint = "h in the window: help"
        return live_panel(metrics, list(self._others), hint)


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
        self, offer: Callable[[Callable[[], Sequence[Text]]], None], others: deque[str]
    ) -> None:
        self._offer = offer
        self._others = others

    def update(self, metrics: Callable[[], LiveMetrics]) -> None:
        """Hand the screen the function that makes the lines."""
        self._offer(lambda: self._lines(metrics()))

    def _lines(self, metrics: LiveMetrics) -> Sequence[Text]:
        # The newest message comes first and the source last, as most terminals cut the line off.
        words = [*([metrics.message] if metrics.message else []), *_recording(metrics)]
        words += [metrics.condition, *_measured(metrics), metrics.source]
        return (
            Text(_joined(words)),
            Text(_settings(metrics.state) if metrics.state.shows_hud else "", "dim"),
            _palette_line(metrics),
            *(Text(line, "dim") for line in list(self._others)),
        )


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
    words += [word for word, on in (("frozen", state.frozen), ("mirrored", state.mirrored)) if on]
    return _joined([*words, f"background {state.rendering.background}"])


def _lost(metrics: LiveMetrics) -> str:
    """Format the number of frames that the recording lacks; empty if none."""
    lost = metrics.unrecorded
    return f" · encoder too slow for {lost} frames" if lost else ""


def live_panel(metrics: LiveMetrics, others: list[str], hint: str) -> Panel:
    """Panel of the metrics, with a hint on quitting and help in its lower border."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="ellipsis")
    table.add_row("source", Text(_joined([metrics.source, metrics.condition])))
    table.add_row(
        "frames",
        f"{metrics.capture_rate:.1f} fps in · {metrics.shown_rate:.1f} fps shown · "
        f"{metrics.received} received · {metrics.dropped} dropped",
    )
    table.add_row(
        "latency",
        f"{metrics.latency_median * 1000:.0f} ms median · {metrics.latency_95 * 1000:.0f} ms p95",
    )
    costs = (f"{name} {cost:.1f}" for name, cost in metrics.stage_milliseconds.items())
    table.add_row("ms a frame", " · ".join(costs))
    table.add_row("view", Text(_settings(metrics.state)))
    if metrics.recording is not None:
        size = metrics.recording.stat().st_size / 1e6 if metrics.recording.exists() else 0.0
        table.add_row(
            Text("recording", "bold red"),
            Text(
                shown(
                    f"{metrics.recording.name} · {metrics.recorded:.0f} s · {size:.1f} MB"
                    f"{_lost(metrics)}"
                )
            ),
        )
    table.add_row("last event", metrics.event)
    table.add_row("message", Text(shown(metrics.message or "-")))
    parts: list[Table | Text] = [table, Text(), *_palette_bars(metrics)]
    parts += [Text(line, "dim", overflow="ellipsis", no_wrap=True) for line in others]
    return Panel(Group(*parts), title=_TITLE, subtitle=hint)


def _palette_line(metrics: LiveMetrics) -> Text:
    if metrics.segmentation is None or not metrics.state.shows_hud:
        return Text()
    palette = metrics.segmentation.palette
    line = Text()
    for number, (color, share) in enumerate(zip(palette.hex_colors, palette.shares, strict=True)):
        off = number in metrics.state.rendering.disabled
        line.append("██", color)
        line.append(f" {number} {share:.0%}", "strike dim" if off else "")
        line.append("  ")
    return line


def _palette_bars(metrics: LiveMetrics) -> Iterator[Text]:
    if metrics.segmentation is None:
        return
    palette = metrics.segmentation.palette
    for number, (color, share) in enumerate(zip(palette.hex_colors, palette.shares, strict=True)):
        off = number in metrics.state.rendering.disabled
        bar = "█" * max(round(share * _BAR_CELLS), 1)
        yield Text.assemble(
            (f"{number:2d} ", "strike dim" if off else "bold"),
            (f"{bar:<{_BAR_CELLS}}", color),
            (f" {color} {share:6.1%}", "strike dim" if off else ""),
        )


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
