"""Terminal display of a conversion: progress while it runs, then its summary and palette."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Self

from rich.columns import Columns
from rich.console import Console, Group
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from kseg_video.cli.messages import is_at_terminal
from kseg_video.conversion.report import summary_items
from kseg_video.core.shown_text import shown
from kseg_video.ffmpeg.cleanup import leftovers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kseg_video.conversion.report import ConversionReport
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.palette import Palette
    from kseg_video.core.timing import StageTimer

_SECONDS_BETWEEN_DRAWINGS = 0.1  # more: a choppier display; less: more time spent on drawing
_SWATCH = "  "


def terminal_console() -> Console | None:
    """Console on standard error; None unless that is a terminal that can move its cursor."""
    if not is_at_terminal():
        return None
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    return None if console.is_dumb_terminal else console


class ProgressDisplay:
    """Progress display of a run on a terminal; a `kseg_video.conversion.report.ConversionObserver`.

    Use it as a context manager: leaving it restores the terminal.

    Parameters
    ----------
    console : rich.console.Console
        Terminal to draw on (see `terminal_console`).
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._drawn = float("-inf")
        self._frames = 0
        self._timer: StageTimer | None = None
        self._segmentation: Segmentation | None = None
        self._progress = Progress(
            BarColumn(bar_width=None),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            expand=True,
        )
        self._task = self._progress.add_task("", total=None)
        self._names = Text(overflow="ellipsis", no_wrap=True)
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        self._leftover = leftovers.add(self._live.stop)  # a signal, too, shows the cursor again
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        leftovers.forget(self._leftover)

    def on_start(self, source: Path, output: Path, info: VideoInfo, timer: StageTimer) -> None:
        """Show an empty progress bar."""
        self._timer, self._segmentation, self._frames = timer, None, 0
        self._progress.reset(self._task, total=info.frame_count)
        self._names.plain = shown(f"{source.name} → {output.name}")
        self._draw()

    def on_frame(self, _frame: Frame, segmentation: Segmentation) -> None:
        """Advance the bar by a frame; redraw at most every `_SECONDS_BETWEEN_DRAWINGS`."""
        self._frames += 1
        self._segmentation = segmentation
        if self._clock() - self._drawn >= _SECONDS_BETWEEN_DRAWINGS:
            self._draw()

    def on_finish(self, report: ConversionReport) -> None:
        """Replace the progress display by the summary and the palette."""
        self._live.update(Text(), refresh=True)
        self._console.print(
            Text(shown(report.output.name), "bold"),
            *summary_items(report),
            *(Text(shown(note)) for note in report.notes),
            sep=" · ",
            soft_wrap=True,
        )
        self._console.print(palette_table(report.palette, report.disabled))

    def _draw(self) -> None:
        self._drawn = self._clock()
        self._progress.update(self._task, completed=self._frames)
        parts: list[Any] = [self._names, self._progress]
        if self._timer is not None and self._frames:
            costs = self._timer.milliseconds_per(self._frames)
            text = "   ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
            parts.append(Text(f"ms a frame   {text}", "dim"))
        if self._segmentation is not None:
            parts.append(palette_line(self._segmentation.palette))
        self._live.update(Group(*parts), refresh=True)


class _RateColumn(ProgressColumn):
    """Column of the frames per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f} fps", "progress.data.speed")


def palette_line(palette: Palette) -> Columns:
    """Palette as swatches with number, colour and share, side by side and wrapped to the width."""
    rows = zip(palette.hex_colors, palette.shares.tolist(), palette.real.tolist(), strict=True)
    return Columns(
        [
            Text.assemble((_SWATCH, f"on {color}"), f" {number} {color} {share:.0%}")
            for number, (color, share, real) in enumerate(rows)
            if real
        ],
        padding=(0, 3),
    )


def palette_table(palette: Palette, disabled: frozenset[int]) -> Table:
    """Palette as a table with one row per cluster."""
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = zip(palette.hex_colors, palette.shares.tolist(), palette.real.tolist(), strict=True)
    for number, (color, share, real) in enumerate(rows):
        swatch = Text(_SWATCH * 2, f"on {color}" if real else "")
        remark = "not found: fewer colours than clusters" if not real else ""
        if number in disabled:
            remark = "off"
        table.add_row(swatch, str(number), color if real else "-", f"{share:6.1%}", remark)
    return table
