"""Groups of arguments that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from kseg_video.cli.argument_values import (
    background,
    clusters,
    codec,
    crop,
    frame_rate,
    input_path,
    number,
    paint,
    path,
    picture_size,
    pixel,
    seconds,
    whole_number,
    whole_number_or,
)
from kseg_video.core.media_settings import Codec, Device, Preset
from kseg_video.core.settings import (
    DEFAULT_CLUSTERS,
    DEFAULT_SAMPLE_PIXELS,
    MAX_CLUSTERS,
    ColorSpace,
    Init,
    Mapping,
    PaintName,
    RenderSettings,
    SegmenterSettings,
    View,
)
from kseg_video.writing.video_encoders import DEFAULT_CRF, DEFAULT_PRESET

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

_DEFAULTS = SegmenterSettings()
_INPUT = "video, image, folder of images, pattern such as frame_%%04d.png, or - for standard input"


def add_inputs(parser: argparse._ActionsContainer) -> None:
    """Add the input files."""
    parser.add_argument(
        "inputs",
        nargs="+",
        type=input_path,
        metavar="INPUT",
        help=_INPUT,
    )


def add_input(parser: argparse._ActionsContainer) -> None:
    """Add the input file of a command that takes only one."""
    parser.add_argument("input", type=input_path, metavar="INPUT", help=_INPUT)


def add_overwriting(parser: argparse._ActionsContainer) -> None:
    """Add the switch to overwrite outputs."""
    parser.add_argument("-y", "--overwrite", action="store_true", help="replace an existing output")


def add_clusters(group: argparse._ActionsContainer, *, may_be_auto: bool) -> None:
    """Add the number of clusters."""
    group.add_argument(
        "-k",
        "--clusters",
        type=whole_number_or("auto") if may_be_auto else whole_number,
        metavar="N",
        help=f"number of clusters, 1 to {MAX_CLUSTERS}"
        f"{', or auto' if may_be_auto else ''} (default: {DEFAULT_CLUSTERS})",
    )


def add_segmenting(group: argparse._ArgumentGroup, *, may_be_auto: bool = False) -> None:
    """Add the options of segmentation."""
    either = group.add_mutually_exclusive_group()
    add_clusters(either, may_be_auto=may_be_auto)
    meaning = "take and keep these colours, one for each cluster: .json, .gpl or .hex"
    add_value(either, "--palette", path, "FILE", meaning)
    group.add_argument(
        "--mapping",
        choices=get_args(Mapping),
        help="pixels to clusters by table or exactly (default: exact for images, else fast)",
    )
    meaning = "threads that label a frame (default: a quarter of the cores; in live all)"
    add_value(group, "--threads", whole_number, "N", meaning)
    add_fitting(group)


def add_fitting(group: argparse._ArgumentGroup) -> None:
    """Add the options of fitting centroids."""
    group.add_argument("--freeze", action="store_true", help="keep the palette of the first frame")
    meaning = "how still labels and palette are held, 0 (strict) to 1"
    add_value(group, "--stability", number, "X", meaning, _DEFAULTS.stability)
    group.add_argument(
        "--color-space",
        choices=get_args(ColorSpace),
        help="working space of the distances (default: that of --palette's .json, else "
        f"{_DEFAULTS.color_space})",
    )
    usual = f"(default: all for images, else {DEFAULT_SAMPLE_PIXELS})"
    meaning = f"pixels of a frame that a fit looks at, or all {usual}"
    add_value(group, "--sample-pixels", whole_number_or("all"), "N", meaning)
    add_value(group, "--seed", whole_number, "N", "random seed", _DEFAULTS.seed)
    group.add_argument(
        "--init",
        choices=get_args(Init),
        default=_DEFAULTS.init,
        help="first centroids of a cold fit (default: %(default)s)",
    )
    meaning = "cold fits of which the best is kept"
    add_value(group, "--attempts", whole_number, "N", meaning, _DEFAULTS.attempts)
    meaning = "iterations of a fit at most"
    add_value(group, "--max-iterations", whole_number, "N", meaning, _DEFAULTS.max_iterations)
    meaning = "a fit ends when no centroid moves farther"
    add_value(group, "--epsilon", number, "X", meaning, _DEFAULTS.epsilon)


def add_value(
    group: argparse._ActionsContainer,
    option: str,
    type_: Callable[[str], object],
    metavar: str,
    meaning: str,
    default: float | None = None,
) -> None:
    """Add an option with a value."""
    if default is not None:
        meaning += " (default: %(default)s)"
    group.add_argument(option, type=type_, default=default, metavar=metavar, help=meaning)


def add_rendering(group: argparse._ArgumentGroup) -> None:
    """Add the options of rendering."""
    group.add_argument(
        "--view",
        choices=get_args(View),
        default="segmented",
        help="what is written (default: %(default)s)",
    )
    off = "clusters switched off: numbers (0,2 or 0-2) or colours (blue: all of that hue; blue:1: "
    off += "the nearest; steelblue or #2b6cb0: likewise)"
    meaning = "other colours for the clusters of the segmented view, from dark to light: "
    meaning += f"{', '.join(get_args(PaintName))}, colours such as '#0a1128,#1282a2,#fefcfb', or a "
    meaning += "palette file (.json, .gpl, .hex); vivid keeps each hue and strengthens it"
    add_value(group, "--paint", paint, "WHAT", meaning)
    for option, type_, metavar, meaning in (
        ("--disable", clusters, "CLUSTERS", off),
        ("--only", clusters, "CLUSTERS", "the only clusters left on, chosen in the same way"),
        ("--pick", pixel, "X,Y", "leave on only the cluster under that pixel of the first frame"),
        ("--pick-off", pixel, "X,Y", "switch that cluster off"),
    ):
        group.add_argument(
            option, type=type_, action="extend", default=[], metavar=metavar, help=meaning
        )
    group.add_argument(
        "--background",
        type=background,
        default="black",
        metavar="WHAT",
        help="what is shown where clusters are off: a colour, gray, blur[:radius], "
        "pixelate[:size], transparent, or an image or video file (default: %(default)s)",
    )
    meaning = "width of soft edges (default: 0 on a flat background, else as suits the size)"
    add_value(group, "--feather", whole_number, "PIXELS", meaning)
    meaning = "area below which islands and holes go, or have no outline (default: likewise; "
    meaning += "outlines: as suits the size)"
    add_value(group, "--despeckle", whole_number, "PIXELS", meaning)
    meaning = "area below which regions join their neighbour, in the segmented and boundaries views"
    add_value(group, "--simplify", whole_number, "PIXELS", meaning, RenderSettings().simplify)


def add_reading(group: argparse._ArgumentGroup) -> None:
    """Add the options that choose a part, a size and a rate of the input."""
    group.add_argument(
        "--start",
        type=seconds,
        default=0.0,
        metavar="TIME",
        help="where to begin, in seconds or as 1:30",
    )
    until = group.add_mutually_exclusive_group()
    add_value(until, "--end", seconds, "TIME", "where to stop")
    add_value(until, "--duration", seconds, "TIME", "how much to take, instead of --end")
    add_value(group, "--max-frames", whole_number, "N", "frames taken at most")
    add_value(group, "--crop", crop, "WxH+X+Y", "take this part of the upright picture")
    meaning = "scale to fit, as 640x360, 50%% or 720p; the shape is kept"
    add_value(group, "--size", picture_size, "SIZE", meaning)
    add_value(group, "--width", whole_number, "N", "scale to this width")
    add_value(group, "--height", whole_number, "N", "scale to this height")
    meaning = "frames a second, by leaving out or repeating some; of images, the rate itself"
    add_value(group, "--fps", frame_rate, "N", meaning)
    group.add_argument(
        "--no-deinterlace",
        dest="deinterlace",
        action="store_false",
        help="leave interlaced pictures as they are",
    )


def add_encoding(group: argparse._ArgumentGroup) -> None:
    """Add the options of the encoder."""
    group.add_argument(
        "--codec",
        type=codec,
        choices=get_args(Codec),
        help="video codec (default: the container's usual one)",
    )
    defaults = ", ".join(f"{crf} for {codec}" for codec, crf in DEFAULT_CRF.items())
    meaning = f"constant rate factor, lower is better (default: {defaults})"
    add_value(group, "--crf", whole_number, "N", meaning)
    presets = ", ".join(f"{preset} for {codec}" for codec, preset in DEFAULT_PRESET.items())
    group.add_argument(
        "--preset",
        choices=get_args(Preset),
        metavar="NAME",
        help=f"ultrafast to veryslow (default: {presets})",
    )
    group.add_argument(
        "--encoder",
        choices=get_args(Device),
        default="software",
        help="what encodes: a device of a kind, auto for any that answers, or software (default: "
        "%(default)s)",
    )
    group.add_argument(
        "--lossless", action="store_true", help="FFV1 in .mkv, which keeps the exact colours"
    )
    group.add_argument("--no-audio", action="store_true", help="leave the sound out")


def add_statistics(group: argparse._ArgumentGroup) -> None:
    """Add the outputs of statistics."""
    add_value(group, "--stats", path, "FILE", "write figures of every frame to a .csv or .jsonl")
    add_plot(group)


def add_plot(group: argparse._ActionsContainer) -> None:
    """Add the plot of statistics."""
    meaning = "draw the clusters' shares over time to a .png or .svg"
    add_value(group, "--stats-plot", path, "FILE", meaning)


def add_inspecting(command: argparse.ArgumentParser) -> None:
    """Add the options of a command that segments as convert does, but writes no video."""
    add_segmenting(command.add_argument_group("segmenting"), may_be_auto=True)
    add_reading(command.add_argument_group("reading"))
    add_reporting(command.add_argument_group("reporting"))


def add_reporting(group: argparse._ArgumentGroup) -> None:
    """Add the switches of terminal output."""
    add_quiet(group)
    group.add_argument("--json", action="store_true", help="print a summary as JSON")
    add_debugging(group)


def add_quiet(group: argparse._ArgumentGroup) -> None:
    """Add the switch that silences status messages."""
    group.add_argument("-q", "--quiet", action="store_true", help="no status, errors alone")


def add_debugging(group: argparse._ActionsContainer) -> None:
    """Add the switch for tracebacks."""
    group.add_argument("--debug", action="store_true", help="show tracebacks")
