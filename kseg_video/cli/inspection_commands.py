"""``kseg-video preview`` and ``measure``: see and measure the clusters without writing a video."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from kseg_video.cli.command_files import (
    STANDARD,
    STANDARD_NAME,
    StreamCopy,
    check_are_there,
    is_stream,
)
from kseg_video.cli.messages import answer_data, complain, inform
from kseg_video.cli.option_settings import decoder_settings, segmenter_settings, trim_settings
from kseg_video.cli.progress import ProgressDisplay, terminal_console
from kseg_video.cli.signals import in_background, stopped_line
from kseg_video.conversion.inspection import (
    check_sheet,
    default_sheet,
    measure_source,
    preview_source,
)
from kseg_video.conversion.report import summary_data, summary_line
from kseg_video.core.errors import SettingsError
from kseg_video.core.media_settings import StatisticsSettings
from kseg_video.ffmpeg.process import environment
from kseg_video.reading.sources import OpeningSource
from kseg_video.screens.job_control import descriptor, is_in_foreground
from kseg_video.screens.terminal_previews import draw_frames, draw_sheet, shows_sheets
from kseg_video.writing.output_paths import check_are_others

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from rich.console import Console

    from kseg_video.conversion.inspection import Preview
    from kseg_video.conversion.report import ConversionObserver, ConversionReport

_Result = TypeVar("_Result")


def run_preview(options: argparse.Namespace) -> int:
    """Run ``preview``; return the exit code.

    Raises
    ------
    KsegError
        If an option is wrong, the input cannot be read or the picture cannot be written.
    """
    name = STANDARD_NAME if options.input == STANDARD else options.input.name
    if options.output is None and options.input == STANDARD:
        raise SettingsError("what comes from standard input has no name; name the output with -o")
    output = default_sheet(options.input) if options.output is None else options.output
    check_sheet(output)
    settings, trim, decoder = (
        segmenter_settings(options),
        trim_settings(options),
        decoder_settings(options),
    )

    def preview(source: OpeningSource, observer: ConversionObserver | None) -> Preview:
        return preview_source(
            *(source, output, settings, trim, decoder, observer),
            title=name,
            overwrite=options.overwrite,
        )

    console = None if options.quiet else terminal_console()
    made = _run(options, [output], console, preview)
    _tell(options, console, made.report)
    if console is not None and is_in_foreground(descriptor(console)):
        if shows_sheets():
            draw_sheet(console, made.sheet)
        else:
            draw_frames(console, [(frame.segmented, frame.labels) for frame in made.frames])
    if options.open:
        _open(output)
    return 0


def run_measure(options: argparse.Namespace) -> int:
    """Run ``measure``; return the exit code.

    Raises
    ------
    KsegError
        If an option is wrong, the input cannot be read or a file cannot be written.
    """
    statistics = StatisticsSettings(options.output, options.stats_plot)
    if not statistics.paths:
        raise SettingsError("nothing is to be written; name a table with -o, as -o stats.csv")
    settings, trim, decoder = (
        segmenter_settings(options),
        trim_settings(options),
        decoder_settings(options),
    )

    def measure(source: OpeningSource, observer: ConversionObserver | None) -> ConversionReport:
        return measure_source(
            *(source, settings, statistics, trim, decoder, observer), overwrite=options.overwrite
        )

    console = None if options.quiet else terminal_console()
    report = _run(options, statistics.paths, console, measure)
    _tell(options, console, report)
    return 0


def _run(
    options: argparse.Namespace,
    outputs: Iterable[Path],
    console: Console | None,
    work: Callable[[OpeningSource, ConversionObserver | None], _Result],
) -> _Result:
    """Do the work on the input, with a progress display where there is a terminal."""
    path: Path = options.input
    check_are_there([path], output=options.output)
    check_are_others(outputs, [path])
    if options.palette is not None:
        check_are_others(outputs, [options.palette], "palette")
    with ExitStack() as stack:
        if is_stream(path):
            path = stack.enter_context(StreamCopy(path)).path
        display = None
        if console is not None:
            display = stack.enter_context(ProgressDisplay(console))
        return in_background(lambda: work(OpeningSource(path), display), stopped_line(options))


def _tell(options: argparse.Namespace, console: Console | None, report: ConversionReport) -> None:
    report = replace(report, source=options.input)
    for warning in report.warnings:
        complain(warning, "warning")
    if options.json:
        answer_data(summary_data(report))
    elif console is None and not options.quiet:
        inform(summary_line(report))


def _open(picture: Path) -> None:
    """Show a picture with the desktop's viewer, which stays when we end."""
    path = str(picture.resolve())
    try:
        if sys.platform == "win32":
            os.startfile(path)
        else:
            opener = "open" if sys.platform == "darwin" else "xdg-open"
            subprocess.Popen(
                [opener, path],
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
    except OSError as error:
        why = "there is no xdg-open" if isinstance(error, FileNotFoundError) else str(error)
        complain(f"--open found no viewer ({why}); the picture is {picture}", "warning")
