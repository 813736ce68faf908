"""``kseg-video convert``: turn options into settings, and convert each input in turn."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kseg_video.cli.opencv_setup import import_opencv, silence_libraries
from kseg_video.cli.option_settings import (
    cluster_selection,
    decoder_settings,
    render_settings,
    segmenter_settings,
    trim_settings,
)
from kseg_video.cli.signals import leave_on_signals, stopped_line
from kseg_video.core.cluster_selectors import check_numbers
from kseg_video.core.errors import SettingsError
from kseg_video.core.media_settings import EncoderSettings, StatisticsSettings
from kseg_video.ffmpeg.probe_run import report_requested

if TYPE_CHECKING:
    import argparse

    from kseg_video.reading.sources import OpeningSource


def run_convert(options: argparse.Namespace) -> int:
    """Convert each input, and return the exit code."""
    if options.output == "none":
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
            device=options.encoder,
            lossless=options.lossless,
            audio=not options.no_audio,
            overwrite=options.overwrite,
        ),
        "decoder": decoder_settings(options),
        "trim": trim_settings(options),
        "selection": selection,
        "statistics": StatisticsSettings(options.stats, options.stats_plot),
    }
    if options.output == "-":
        _check_standard_output(options)
    if options.jobs < 1:
        raise SettingsError(f"{options.jobs} jobs convert nothing; give 1 or more")
    path = options.inputs[0]
    leave_on_signals(stopped_line(options))
    with report_requested(path) as request:
        import_opencv()
        silence_libraries()
        from kseg_video.reading.sources import OpeningSource

        with OpeningSource(path, request) as first:
            if segmenter.n_clusters != "auto" and not _is_side_by_side(options):
                # auto samples the whole video first
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
    from kseg_video.cli.conversions import convert_each, convert_side_by_side
    from kseg_video.conversion.convert import check_settings
    from kseg_video.reading.image_files import is_image
    from kseg_video.reading.sources import OpeningSource
    from kseg_video.writing.output_paths import check_are_others, check_target

    check_are_there(options.inputs, output=options.output)
    to_standard = options.output == "-"
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
        convert_all = convert_side_by_side if _is_side_by_side(options) else convert_each
        exit_code = convert_all(options, sources, outputs, settings, copies)
        if to_standard:
            send(outputs[0])
        return exit_code


def _is_side_by_side(options: argparse.Namespace) -> bool:
    """Whether several conversions run at a time."""
    return options.jobs > 1 and len(options.inputs) > 1


def _check_standard_output(options: argparse.Namespace) -> None:
    if options.json:
        raise SettingsError("--json goes to standard output, too; name a file with -o")
    if len(options.inputs) > 1:
        raise SettingsError("standard output takes one video; convert several inputs apart")
    if os.isatty(1):
        raise SettingsError("standard output is a terminal; pipe it, or name a file with -o")


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
