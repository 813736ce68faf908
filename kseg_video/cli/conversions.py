"""The conversions of a command line: one by one, or several at a time; what is told of each."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kseg_video.cli.messages import EXIT_FAILED, answer_data, complain, inform, is_at_terminal, told
from kseg_video.cli.signals import Stopped, in_background, stopped_line
from kseg_video.conversion.convert import convert
from kseg_video.conversion.report import summary_data, summary_line
from kseg_video.core.errors import DisplayError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from rich.console import Console

    from kseg_video.cli.command_files import StreamCopy
    from kseg_video.cli.progress import JobsDisplay, ProgressDisplay
    from kseg_video.conversion.report import ConversionReport
    from kseg_video.reading.sources import OpeningSource


def convert_each(
    options: argparse.Namespace,
    sources: list[OpeningSource],
    outputs: list[Path],
    settings: dict[str, Any],
    copies: dict[Path, StreamCopy],
) -> int:
    """Convert one input after another; return the exit code.

    Parameters
    ----------
    options : argparse.Namespace
    sources : list of OpeningSource
        One for each of `options.inputs`.
    outputs : list of Path
    settings : dict
        Keyword arguments of `kseg_video.convert`.
    copies : dict of Path to StreamCopy
        Copies of the inputs that are streams.
    """
    console = None if options.quiet else _console()
    is_single = len(sources) == 1
    summaries: list[dict[str, Any]] = []
    failed = False
    for path, source, output in zip(options.inputs, sources, outputs, strict=True):
        renamed = copies[path].renamed if path in copies else str
        try:
            with ExitStack() as stack:
                display: ProgressDisplay | None = None
                if console is not None:
                    from kseg_video.cli.progress import ProgressDisplay

                    display = stack.enter_context(ProgressDisplay(console))
                job = partial(convert, source, output, observer=display, **settings)
                report = in_background(job, stopped_line(options))
        except Stopped:
            if options.json and not is_single:
                answer_data([*summaries, _without_output(path, "stopped")])
            raise
        except Exception as error:
            if is_single or options.debug:
                raise
            complain(renamed(told(error)))
            summaries.append(_without_output(path, renamed(told(error))))
            failed = True
            continue
        report = _named(options, path, report, renamed)
        _tell(options, report, is_shown=console is not None)
        summaries.append(summary_data(report))
    if options.json:
        answer_data(summaries[0] if is_single else summaries)
    return EXIT_FAILED if failed else 0


def convert_side_by_side(
    options: argparse.Namespace,
    sources: list[OpeningSource],
    outputs: list[Path],
    settings: dict[str, Any],
    copies: dict[Path, StreamCopy],
) -> int:
    """Convert several inputs at a time, with the parameters of `convert_each`."""
    from kseg_video.cli.jobs import Job, run_jobs

    jobs = {
        Job(source.path, output, settings): path
        for path, source, output in zip(options.inputs, sources, outputs, strict=True)
    }
    console = None if options.quiet else _console()

    def run(display: JobsDisplay | None) -> None:
        for job in run_jobs(list(jobs), options.jobs, display.show if display else None):
            if display is not None:
                display.count(job)
            path = jobs[job]
            renamed = copies[path].renamed if path in copies else str
            if job.report is None:
                job.error = renamed(job.error)
                complain(job.error)
            else:
                job.report = _named(options, path, job.report, renamed)
                _tell(options, job.report, is_shown=console is not None)

    try:
        with ExitStack() as stack:
            display: JobsDisplay | None = None
            if console is not None:
                from kseg_video.cli.progress import JobsDisplay

                display = stack.enter_context(JobsDisplay(console, len(jobs)))
            in_background(partial(run, display), stopped_line(options))
    finally:
        if options.json:
            answer_data(
                [
                    _without_output(path, job.error or "stopped")
                    if job.report is None
                    else summary_data(job.report)
                    for job, path in jobs.items()
                ]
            )
    return EXIT_FAILED if any(job.error for job in jobs) else 0


def _named(
    options: argparse.Namespace,
    path: Path,
    report: ConversionReport,
    renamed: Callable[[str], str],
) -> ConversionReport:
    """A report with the names that the user gave."""
    output = Path(report.output.name) if options.output == "-" else report.output
    warnings = tuple(map(renamed, report.warnings))
    return replace(report, source=path, output=output, warnings=warnings)


def _tell(options: argparse.Namespace, report: ConversionReport, *, is_shown: bool) -> None:
    for warning in report.warnings:
        complain(warning, "warning")
    if not is_shown and not options.quiet:
        inform(summary_line(report))
    if options.show:
        _show(report.output, is_image=report.info.is_image)


def _without_output(path: Path, error: str) -> dict[str, Any]:
    """What JSON says of a conversion without an output."""
    return {"input": str(path), "error": error}


def _console() -> Console | None:
    """Console for the progress display; None without a terminal, which spares importing it."""
    if not is_at_terminal():
        return None
    from kseg_video.cli.progress import terminal_console

    return terminal_console()


def _show(output: Path, *, is_image: bool) -> None:
    from kseg_video.screens.fitted_window import show_image

    if not is_image:
        complain("--show is for images; the video was written all the same", "warning")
        return
    try:
        show_image(output)
    except DisplayError as error:
        complain(f"{error}; the picture was written all the same", "warning")
