"""Terminal displays of conversions: progress while they run, then summaries and palettes."""

from __future__ import annotations

import re
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

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
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from kseg_video.cli.messages import is_at_terminal
from kseg_video.conversion.report import summary_items
from kseg_video.core.shown_text import bytes_in_words, shown
from kseg_video.ffmpeg.cleanup import leftovers
from kseg_video.screens.job_control import (
    descriptor,
    is_in_foreground,
    on_stop,
    stop_by_default,
    stop_until_continued,
)
from kseg_video.screens.terminal_colors import color_style, color_styles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import FrameType

    from rich.console import RenderableType

    from kseg_video.cli.jobs import Job
    from kseg_video.conversion.report import ConversionReport
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.palette import Palette
    from kseg_video.core.timing import StageTimer

_SECONDS_BETWEEN_DRAWINGS = 0.1  # more: a choppier display; less: more time spent on drawing
_SWATCH = "  "
_HEX = re.compile(r"#[0-9a-f]{6}\b")


def terminal_console() -> Console | None:
    """Console on standard error; None unless that is a terminal that can move its cursor."""
    if not is_at_terminal():
        return None
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    return None if console.is_dumb_terminal else console


class _Display(ABC):
    """Something drawn at the end of a terminal until it is left.

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
        self._drawing = threading.RLock()
        self._live = self._new_live()

    def __enter__(self) -> Self:
        if is_in_foreground(descriptor(self._console)):
            self._live.start()
        self._leftover = leftovers.add(self._end)  # a signal, too, shows the cursor again
        on_stop(self._stop)
        return self

    def __exit__(self, *_: object) -> None:
        stop_by_default()
        self._end()
        leftovers.forget(self._leftover)

    @abstractmethod
    def _parts(self) -> Iterator[RenderableType]:
        """What is drawn, from top to bottom."""

    def _draw_now_and_then(self) -> None:
        """Draw at most every `_SECONDS_BETWEEN_DRAWINGS`."""
        if self._clock() - self._drawn >= _SECONDS_BETWEEN_DRAWINGS:
            self._draw()

    def _draw(self) -> None:
        self._drawn = self._clock()
        with self._drawing:
            if is_in_foreground(descriptor(self._console)):
                self._live.start()  # anew after a stop
                self._live.update(Group(*self._parts()), refresh=True)

    def _print_summary(self, report: ConversionReport) -> None:
        self._console.print(
            Text(shown(report.output.name), "bold"),
            *summary_items(report),
            *(with_swatches(shown(note), self._console) for note in report.notes),
            sep=" · ",
            soft_wrap=True,
        )

    def _stop(self, _number: int, _frame: FrameType | None) -> None:
        """On Ctrl-Z: restore the terminal, stop, and draw again once a shell continues us."""
        with self._drawing:
            self._live.stop()
            self._live = self._new_live()
            stop_until_continued()
        self._draw()
        on_stop(self._stop)

    def _end(self) -> None:
        self._live.stop()

    def _new_live(self) -> Live:
        return Live(console=self._console, auto_refresh=False, transient=True)


class ProgressDisplay(_Display):
    """Progress of one conversion; a `kseg_video.conversion.report.ConversionObserver`."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(console, clock)
        self._frames = 0
        self._timer: StageTimer | None = None
        self._bytes_written: Callable[[], int] = int
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

    def on_start(
        self,
        source: Path,
        output: Path,
        info: VideoInfo,
        timer: StageTimer,
        bytes_written: Callable[[], int],
    ) -> None:
        """Show an empty progress bar."""
        self._timer, self._segmentation, self._frames = timer, None, 0
        self._bytes_written = bytes_written
        self._progress.reset(self._task, total=info.frame_count)
        self._names.plain = shown(f"{source.name} → {output.name}")
        self._draw()

    def on_frame(self, _frame: Frame, segmentation: Segmentation) -> None:
        """Advance the bar by a frame."""
        self._frames += 1
        self._segmentation = segmentation
        self._draw_now_and_then()

    def on_finish(self, report: ConversionReport) -> None:
        """Replace the progress display by the summary and the palette."""
        with self._drawing:
            self._live.stop()
        self._print_summary(report)
        table = palette_table(report.palette, report.disabled, self._console, report.paint)
        self._console.print(table)

    def _parts(self) -> Iterator[RenderableType]:
        self._progress.update(self._task, completed=self._frames)
        yield self._names
        yield self._progress
        if self._timer is not None and self._frames:
            costs = self._timer.milliseconds_per(self._frames)
            text = "   ".join(f"{name} {cost:.1f}" for name, cost in costs.items())
            written = self._bytes_written()
            size = f"{bytes_in_words(written)} so far   " if written else ""
            yield Text(f"{size}ms a frame   {text}", "dim")
        if self._segmentation is not None:
            yield palette_line(self._segmentation.palette, self._console)


class JobsDisplay(_Display):
    """Progress of several conversions at a time: a bar for each, and one for all.

    Parameters
    ----------
    n_jobs : int
        Number of conversions.
    """

    def __init__(
        self, console: Console, n_jobs: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(console, clock)
        self._n_jobs = n_jobs
        self._done = self._failed = 0
        self._running: Sequence[Job] = ()

    def show(self, running: Sequence[Job]) -> None:
        """Show how far the running jobs are."""
        self._running = running
        self._draw_now_and_then()

    def count(self, job: Job) -> None:
        """Count a job that has ended, and print its summary if it has succeeded."""
        self._done += job.report is not None
        self._failed += job.report is None
        with self._drawing:
            self._live.stop()
            self._live = self._new_live()  # below what is printed now
        if job.report is not None:
            self._print_summary(job.report)

    def _parts(self) -> Iterator[RenderableType]:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)
        table.add_column(ratio=1)
        table.add_column(justify="right", min_width=4)
        shares = [job.frames / job.total if job.total else 0.0 for job in self._running]
        for job, share in zip(self._running, shares, strict=True):
            bar = ProgressBar(1.0, share, pulse=not job.total)
            table.add_row(Text(shown(job.source.name)), bar, f"{share:.0%}")
        ended = self._done + self._failed
        failed = f", {self._failed} failed" if self._failed else ""
        share = (ended + sum(shares)) / self._n_jobs
        all_of_them = Text(f"{self._done} of {self._n_jobs} done{failed}", "bold")
        table.add_row(all_of_them, ProgressBar(1.0, share), f"{share:.0%}")
        yield table


class _RateColumn(ProgressColumn):
    """Column of the frames per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:.0f} fps", "progress.data.speed")


def with_swatches(text: str, console: Console) -> Text:
    """A text with a block of each colour that it names as ``#rrggbb`` before that."""
    result, end = Text(), 0
    for found in _HEX.finditer(text):
        result.append(text[end : found.start()])
        result.append(_SWATCH, color_style(console, found[0]))
        result.append(f" {found[0]}")
        end = found.end()
    return result.append(text[end:])


def palette_line(palette: Palette, console: Console) -> Columns:
    """Palette as swatches with number, colour and share, side by side and wrapped to the width."""
    rows = zip(palette.hex_colors, palette.shares.tolist(), palette.real.tolist(), strict=True)
    styles = color_styles(console, palette, background=True)
    return Columns(
        [
            Text.assemble((_SWATCH, styles[number]), f" {number} {color} {share:.0%}")
            for number, (color, share, real) in enumerate(rows)
            if real
        ],
        padding=(0, 3),
    )


def palette_table(
    palette: Palette, disabled: frozenset[int], console: Console, paint: Sequence[str] = ()
) -> Table:
    """Palette as a table with one row per cluster, and the colour that it is painted in, if any."""
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = zip(palette.hex_colors, palette.shares.tolist(), palette.real.tolist(), strict=True)
    styles = color_styles(console, palette, background=True)
    for number, (color, share, real) in enumerate(rows):
        swatch = Text(_SWATCH * 2, styles[number] if real else "")
        remark = "not found: fewer colours than clusters" if not real else ""
        if number in disabled:
            remark = "off"
        row = swatch, str(number), color if real else "-", f"{share:6.1%}"
        painted = [with_swatches(f"as {paint[number]}" if real else "", console)] if paint else []
        table.add_row(*row, *painted, remark)
    return table
