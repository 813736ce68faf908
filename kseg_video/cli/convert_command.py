"""``kseg-video convert``: turn options into settings, and convert each input in turn."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kseg_video.cli.argument_values import cluster_selection, render_settings, segmenter_settings
from kseg_video.cli.messages import (
    EXIT_FAILED,
    answer_data,
    complain,
    inform,
    is_at_terminal,
    told,
)
from kseg_video.cli.opencv_setup import import_opencv, silence_libraries
from kseg_video.cli.signals import Stopped, in_background, leave_on_signals, stopped_line
from kseg_video.core.cluster_selectors import check_numbers
from kseg_video.core.errors import DisplayError, SettingsError
from kseg_video.core.media_settings import (
    DecoderSettings,
    EncoderSettings,
    StatisticsSettings,
    TrimSettings,
)
from kseg_video.ffmpeg.probe_run import report_requested

if TYPE_CHECKING:
    import argparse

    from rich.console import Console

    from kseg_video.cli.command_files import StreamCopy
    from kseg_video.cli.progress import ProgressDisplay
    from kseg_video.reading.sources import OpeningSource

_STANDARD, _NONE = "-", "none"


def run_convert(options: argparse.Namespace) -> int:
    """Convert each input, and return the exit code."""
    if options.output == _NONE:
        raise SettingsError(
            "convert writes pictures; for statistics alone: kseg-video measure INPUT -o stats.csv"
        )
    segmenter, selection = segmenter_settings(options), cluster_selection(options)
    if segmenter.n_clusters != "auto":
        check_numbers(selection.numbers, segmenter.cluster_count)
    settings: dict[str, Any] = {
        "segmenter": segmenter,
        "rendering": render_settings(options),
        "encoder": EncoderSettings(
            codec=options.codec,
            crf=options.crf,
            preset=options.preset,
            lossless=options.lossless,
            audio=not options.no_audio,
            overwrite=options.overwrite,
        ),
        "decoder": DecoderSettings(deinterlace=options.deinterlace),
        "trim": TrimSettings(options.start, options.end, options.max_frames),
        "selection": selection,
        "statistics": StatisticsSettings(options.stats, options.stats_plot),
    }
    if options.output == _STANDARD:
        _check_standard_output(options)
    path = options.inputs[0]
    leave_on_signals(stopped_line(options))
    with report_requested(path) as request:
        import_opencv()
        silence_libraries()
        from kseg_video.reading.sources import OpeningSource

        with OpeningSource(path, request) as first:
            if segmenter.n_clusters != "auto":  # auto samples the whole video first
                looks_ahead = segmenter.looks_ahead
                first.begin(settings["trim"], settings["decoder"], looks_ahead=looks_ahead)
            return _convert_with(
                options, settings, [first, *map(OpeningSource, options.inputs[1:])]
            )


def _convert_with(
    options: argparse.Namespace, settings: dict[str, Any], sources: list[OpeningSource]
) -> int:
    from kseg_video.cli.command_files import (
        StreamCopy,
        check_are_there,
        is_stream,
        made_folder,
        send,
        temporary_folder,
    )
    from kseg_video.conversion.convert import check_settings
    from kseg_video.reading.image_files import is_image
    from kseg_video.reading.sources import OpeningSource
    from kseg_video.writing.output_paths import check_are_others, check_target

    check_are_there(options.inputs, output=options.output)
    to_standard = options.output == _STANDARD
    outputs = [] if to_standard else _outputs(options)
    for path in settings["statistics"].paths if len(options.inputs) > 1 else ():
        raise SettingsError(f"{path} is one file for several inputs; convert them apart")
    written = *outputs, *settings["statistics"].paths
    check_are_others(written, options.inputs)
    if options.palette is not None:
        check_are_others(written, [options.palette], "palette")
    if isinstance(options.paint, Path):
        check_are_others(written, [options.paint], "palette")
    for output in outputs:
        check_settings(output, settings["rendering"], settings["encoder"])
    with ExitStack() as stack:
        if outputs:
            stack.enter_context(made_folder(outputs[0].parent, wanted=_is_folder(options)))
        copies = {}
        for number, path in enumerate(options.inputs):
            if is_stream(path):
                if outputs:
                    check_target(outputs[number], settings["encoder"])
                copies[path] = stack.enter_context(StreamCopy(path))
                sources[number] = OpeningSource(copies[path].path)
        if to_standard:
            folder = temporary_folder()
            stack.callback(folder.discard)
            name = "stdout.png" if is_image(sources[0].path) else "stdout.mkv"
            outputs = [folder.path / name]
            check_settings(outputs[0], settings["rendering"], settings["encoder"])
        exit_code = _convert_each(options, sources, outputs, settings, copies)
        if to_standard:
            send(outputs[0])
        return exit_code


def _convert_each(
    options: argparse.Namespace,
    sources: list[OpeningSource],
    outputs: list[Path],
    settings: dict[str, Any],
    copies: dict[Path, StreamCopy],
) -> int:
    from kseg_video.conversion.convert import convert
    from kseg_video.conversion.report import summary_data, summary_line

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
                answer_data([*summaries, {"input": str(path), "error": "stopped"}])
            raise
        except Exception as error:
            if is_single or options.debug:
                raise
            complain(renamed(told(error)))
            summaries.append({"input": str(path), "error": renamed(told(error))})
            failed = True
            continue
        shown = Path(output.name) if options.output == _STANDARD else output
        warnings = tuple(map(renamed, report.warnings))
        report = replace(report, source=path, output=shown, warnings=warnings)
        for warning in report.warnings:
            complain(warning, "warning")
        if console is None and not options.quiet:
            inform(summary_line(report))
        summaries.append(summary_data(report))
        if options.show:
            _show(output, is_image=report.info.is_image)
    if options.json:
        answer_data(summaries[0] if is_single else summaries)
    return EXIT_FAILED if failed else 0


def _check_standard_output(options: argparse.Namespace) -> None:
    if options.json:
        raise SettingsError("--json goes to standard output, too; name a file with -o")
    if len(options.inputs) > 1:
        raise SettingsError("standard output takes one video; convert several inputs apart")
    if os.isatty(1):
        raise SettingsError("standard output is a terminal; pipe it, or name a file with -o")


def _console() -> Console | None:
    """Console for the progress display; None without a terminal, which spares importing it."""
    if not is_at_terminal():
        return None
    from kseg_video.cli.progress import terminal_console

    return terminal_console()


def _is_folder(options: argparse.Namespace) -> bool:
    """Whether the output is, or has to become, a folder."""
    if options.output is None:
        return False
    named = Path(options.output)
    ends_as_one = options.output.endswith(("/", os.sep))
    return named.is_dir() or ends_as_one or (len(options.inputs) > 1 and not named.suffix)


def _outputs(options: argparse.Namespace) -> list[Path]:
    """Output path of each input."""
    from kseg_video.cli.command_files import STANDARD, STANDARD_NAME
    from kseg_video.writing.output_paths import check_name, default_output, find_same

    named = None if options.output is None else Path(options.output)
    if named is not None:
        check_name(named)
        if not _is_folder(options):
            if len(options.inputs) > 1:
                raise SettingsError(f"{named} is one file for several inputs; give a folder")
            return [named]
    elif STANDARD in options.inputs:
        raise SettingsError("what comes from standard input has no name; name the output with -o")
    sources = [Path(STANDARD_NAME) if path == STANDARD else path for path in options.inputs]
    outputs = [default_output(source, named, lossless=options.lossless) for source in sources]
    if found := find_same(outputs):
        raise SettingsError(f"several inputs would be written to {found[1]}; convert them apart")
    return outputs


def _show(output: Path, *, is_image: bool) -> None:
    from kseg_video.screens.fitted_window import show_image

    if not is_image:
        complain("--show is for images; the video was written all the same", "warning")
        return
    try:
        show_image(output)
    except DisplayError as error:
        complain(f"{error}; the picture was written all the same", "warning")
