"""``kseg-video palette``: find one palette for videos and images, print it and save it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kseg_video.cli.command_files import StreamCopy, check_are_there, is_stream
from kseg_video.cli.messages import answer, answer_data, inform
from kseg_video.cli.option_settings import decoder_settings, segmenter_settings, trim_settings
from kseg_video.cli.signals import in_background
from kseg_video.conversion.palette_finder import FoundPalette, find_palette
from kseg_video.core.palette import changes_since_first, first_hex_colors
from kseg_video.writing.output_paths import check_are_apart, check_are_others, check_file
from kseg_video.writing.palette_writer import (
    COLUMNS,
    check_palette_output,
    column_texts,
    palette_rows,
    save_palette,
)

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

    from kseg_video.core.palette import Palette

_SWATCH = " " * 6


def run_palette(options: argparse.Namespace) -> int:
    """Run ``palette``; return the exit code.

    Raises
    ------
    SettingsError
        If the options are out of range or an output's suffix is unknown.
    SourceError
        If an input cannot be read.
    SinkError
        If an output cannot be written.
    """
    settings = segmenter_settings(options)
    trim, decoder = trim_settings(options), decoder_settings(options)
    outputs: list[Path] = options.output
    check_are_there(options.inputs, output=outputs)
    for path in outputs:
        check_palette_output(path)
    check_are_apart(outputs)
    check_are_others(outputs, options.inputs)
    for path in outputs:
        check_file(path, overwrite=options.overwrite)

    with ExitStack() as stack:
        inputs = [
            stack.enter_context(StreamCopy(path)).path if is_stream(path) else path
            for path in options.inputs
        ]

        def find() -> FoundPalette:
            found = find_palette(inputs, settings, trim=trim, decoder=decoder)
            for path in outputs:
                space = found.settings.color_space
                save_palette(path, found.palette, color_space=space, overwrite=options.overwrite)
            return found

        found = in_background(find)
    if options.json:
        answer_data(_data(options, found))
    else:
        _print_table(found)
    if found.auto_count is not None and not options.quiet:
        inform(found.auto_count.reason)
    if found.first_palette is not None and not options.quiet:
        _tell_of_others(found.palette, found.first_palette)
    return 0


def _data(options: argparse.Namespace, found: FoundPalette) -> dict[str, Any]:
    rows = palette_rows(found.palette)
    if found.first_palette is not None:
        for row, color in zip(
            rows, first_hex_colors(found.palette, found.first_palette), strict=True
        ):
            row["first_hex"] = color
    return {
        "inputs": [str(path) for path in options.inputs],
        "color_space": found.settings.color_space,
        "clusters": len(found.palette),
        "reason": None if found.auto_count is None else found.auto_count.reason,
        "palette": rows,
    }


def _tell_of_others(palette: Palette, first: Palette) -> None:
    if others := changes_since_first(palette, first):
        inform(
            f"convert begins with other colours under these numbers: {others}; give it this "
            "palette with --palette to have them as they are here"
        )


def _print_table(found: FoundPalette) -> None:
    table = Table("", "", *COLUMNS, box=None, pad_edge=False)
    for number, color in enumerate(found.palette.hex_colors):
        row = column_texts(found.palette, number)
        table.add_row(Text(_SWATCH, f"on {color}"), str(number), *row)
    console = Console(highlight=False)
    with console.capture() as printed:
        console.print(table)
    answer(printed.get().rstrip("\n"))
