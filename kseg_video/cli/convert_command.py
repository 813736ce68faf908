"""``kseg-video convert``: turn options into settings, and convert each input in turn."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any

from kseg_video.cli.argument_values import cluster_selection, render_settings, segmenter_settings
from kseg_video.cli.exit_codes import EXIT_FAILED
from kseg_video.cli.messages import answer_data, complain, inform, is_at_terminal, told
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
    from pathlib import Path

    from rich.console import Console

    from kseg_video.cli.progress import ProgressDisplay
    from kseg_video.conversion.report import ConversionReport
    from kseg_video.reading.sources import OpeningSource


def run_convert(options: argparse.Namespace) -> int:
    """Convert each input, and return the exit code."""
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
    from kseg_video.conversion.convert import check_settings
    from kseg_video.writing.output_paths import check_are_others

    outputs = _outputs(options)
    for path in settings["statistics"].paths if len(outputs) > 1 else ():
        raise SettingsError(f"{path} is one file for several inputs; convert them apart")
    for output in outputs:
        check_settings(output, settings["rendering"], settings["encoder"])
    written = *outputs, *settings["statistics"].paths
    check_are_others(written, options.inputs)
    if options.palette is not None:
        check_are_others(written, [options.palette], "palette")
    console = None if options.quiet else _console()
    pairs = list(zip(sources, outputs, strict=True))
    return _convert_each(options, pairs, settings, console)


def _convert_each(
    options: argparse.Namespace,
    pairs: list[tuple[OpeningSource, Path]],
    settings: dict[str, Any],
    console: Console | None,
) -> int:
    from kseg_video.conversion.convert import convert
    from kseg_video.conversion.report import summary_data, summary_line

    summaries: list[dict[str, Any]] = []
    failed = False
    for source, output in pairs:
        try:
            with ExitStack() as stack:
                display: ProgressDisplay | None = None
                if console is not None:
                    from kseg_video.cli.progress import ProgressDisplay

                    display = stack.enter_context(ProgressDisplay(console))
                job = partial(convert, source, output, observer=display, **settings)
                report = in_background(job, stopped_line(options))
        except Stopped:
            if options.json and len(pairs) > 1:
                answer_data([*summaries, {"input": str(source.path), "error": "stopped"}])
            raise
        except Exception as error:
            if len(pairs) == 1 or options.debug:
                raise
            complain(told(error))
            summaries.append({"input": str(source.path), "error": told(error)})
            failed = True
            continue
        for warning in report.warnings:
            complain(warning, "warning")
        if console is None and not options.quiet:
            inform(summary_line(report))
        summaries.append(summary_data(report))
        if options.show:
            _show(report)
    if options.json:
        answer_data(summaries if len(pairs) > 1 else summaries[0])
    return EXIT_FAILED if failed else 0


def _console() -> Console | None:
    """Console for the progress display; None without a terminal, which spares importing it."""
    if not is_at_terminal():
        return None
    from kseg_video.cli.progress import terminal_console

    return terminal_console()


def _outputs(options: argparse.Namespace) -> list[Path]:
    """Output path of each input."""
    from kseg_video.writing.output_paths import check_folder, check_name, default_output, find_same

    named: Path | None = options.output
    if named is not None:
        check_name(named)
    if named is not None and len(options.inputs) == 1 and not named.is_dir():
        return [named]
    if named is not None and len(options.inputs) > 1 and named.suffix and not named.is_dir():
        raise SettingsError(f"{named} is one file for several inputs; give a folder")
    if named is not None:
        check_folder(named)
    outputs = [
        default_output(source, named, lossless=options.lossless) for source in options.inputs
    ]
    if found := find_same(outputs):
        raise SettingsError(f"several inputs would be written to {found[1]}; convert them apart")
    return outputs


def _show(report: ConversionReport) -> None:
    from kseg_video.screens.fitted_window import show_image

    if not report.info.is_image:
        complain("--show is for images; the video was written all the same", "warning")
        return
    try:
        show_image(report.output)
    except DisplayError as error:
        complain(f"{error}; the picture was written all the same", "warning")
