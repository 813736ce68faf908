"""The command line's arguments, and the settings they stand for."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, get_args

import kseg_video
from kseg_video.background import parse_background
from kseg_video.errors import SettingsError
from kseg_video.messages import complain
from kseg_video.palette_reading import load_palette
from kseg_video.settings import (
    DEFAULT_SAMPLE_PIXELS,
    MAX_CLUSTERS,
    CaptureSettings,
    ClusterChoice,
    Codec,
    ColorSpace,
    Init,
    Mapping,
    Preset,
    RenderSettings,
    SegmenterSettings,
    View,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.settings import Selector

EXIT_USAGE = 2

_DEFAULTS = SegmenterSettings()


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all our errors do."""

    def error(self, message: str) -> NoReturn:
        complain(f"{message}; see {self.prog} --help")
        raise SystemExit(EXIT_USAGE)


def command_parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    parser = _Parser(
        prog="kseg-video",
        description="Cut video into colour regions by k-means.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {kseg_video.__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    convert = commands.add_parser(
        "convert",
        help="turn videos and images into segmented or masked ones",
        description="Turn videos and images into segmented or masked ones, with their sound.",
        allow_abbrev=False,
    )
    convert.add_argument(
        "inputs",
        nargs="+",
        type=Path,
        metavar="INPUT",
        help="video, image, folder of images, or pattern such as frame_%%04d.png",
    )
    convert.add_argument(
        "-o",
        "--output",
        type=Path,
        help="file, or folder for several inputs; default: beside INPUT, named .segmented",
    )
    convert.add_argument(
        "-y", "--overwrite", action="store_true", help="replace an existing output"
    )
    _add_segmenting(convert.add_argument_group("segmenting"), may_be_auto=True)
    rendering = convert.add_argument_group("rendering")
    _add_rendering(rendering)
    rendering.add_argument(
        "--show", action="store_true", help="show a still in a window until a key is pressed"
    )
    reading = convert.add_argument_group("reading")
    _add_trimming(reading)
    reading.add_argument(
        "--no-deinterlace",
        dest="deinterlace",
        action="store_false",
        help="leave interlaced pictures as they are",
    )
    _add_encoding(convert.add_argument_group("encoding"))
    reporting = convert.add_argument_group("reporting")
    _add_statistics(reporting)
    _add_reporting(reporting)
    _add_live(commands)
    _add_palette(commands)
    commands.add_parser(
        "cameras",
        help="list the cameras",
        description="List the cameras with their sizes and rates.",
        allow_abbrev=False,
    ).add_argument("--debug", action="store_true", help="show tracebacks")
    return parser


def _add_live(commands: argparse._SubParsersAction[_Parser]) -> None:
    live = commands.add_parser(
        "live",
        help="segment a camera, a stream or a playing file while you watch",
        description="Segment a camera, a stream or a playing file while you watch.",
        allow_abbrev=False,
    )
    live.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="camera number or device, URL, or video file (default: the first camera)",
    )
    live.add_argument("--keys", action="store_true", help="list the keys and leave")
    capture = live.add_argument_group("capture")
    capture.add_argument(
        "--size", type=_size, metavar="WxH", help="picture size that a camera is asked for"
    )
    capture.add_argument(
        "--fps", type=float, metavar="N", help="frames a second that a camera is asked for"
    )
    capture.add_argument(
        "--reconnect",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="open a lost camera or stream again (default: yes)",
    )
    capture.add_argument("--loop", action="store_true", help="play a file again at its end")
    showing = live.add_argument_group("showing")
    showing.add_argument(
        "--preview",
        choices=("auto", "window", "terminal", "none"),
        default="auto",
        help="where the picture is shown (default: a window, else the terminal)",
    )
    showing.add_argument("--mirror", action="store_true", help="start mirrored")
    keeping = live.add_argument_group("keeping")
    keeping.add_argument(
        "--record", type=Path, metavar="FILE", help="record what is seen: .mp4, .mov or .mkv"
    )
    keeping.add_argument(
        "--output-dir",
        type=Path,
        default=Path(),
        metavar="FOLDER",
        help="where snapshots and recordings go (default: here)",
    )
    _add_segmenting(live.add_argument_group("segmenting"))
    _add_rendering(live.add_argument_group("rendering"))
    reporting = live.add_argument_group("reporting")
    reporting.add_argument("-q", "--quiet", action="store_true", help="no status, errors alone")
    reporting.add_argument("--debug", action="store_true", help="show tracebacks")


def _add_palette(commands: argparse._SubParsersAction[_Parser]) -> None:
    palette = commands.add_parser(
        "palette",
        help="find the palette of videos and images",
        description="Find one palette for all of some videos and images.",
        allow_abbrev=False,
    )
    palette.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="as of convert")
    palette.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        type=Path,
        help="write it to a .json, .gpl, .hex or .png; may be given several times",
    )
    palette.add_argument(
        "-y", "--overwrite", action="store_true", help="replace an existing output"
    )
    fitting = palette.add_argument_group("fitting")
    _add_clusters(fitting, may_be_auto=True)
    _add_fitting(fitting)
    _add_trimming(palette.add_argument_group("part of the input"))
    _add_reporting(palette.add_argument_group("reporting"))


def _add_clusters(group: argparse._ActionsContainer, *, may_be_auto: bool) -> None:
    group.add_argument(
        "-k",
        "--clusters",
        type=_count_or_auto if may_be_auto else int,
        default=_DEFAULTS.n_clusters,
        metavar="N",
        help=f"number of clusters, 1 to {MAX_CLUSTERS}"
        f"{', or auto' if may_be_auto else ''} (default: %(default)s)",
    )


def _add_segmenting(group: argparse._ArgumentGroup, *, may_be_auto: bool = False) -> None:
    either = group.add_mutually_exclusive_group()
    _add_clusters(either, may_be_auto=may_be_auto)
    either.add_argument(
        "--palette",
        type=Path,
        metavar="FILE",
        help="take and keep these colours, one for each cluster: .json, .gpl or .hex",
    )
    group.add_argument("--freeze", action="store_true", help="keep the palette of the first frame")
    group.add_argument(
        "--mapping",
        choices=get_args(Mapping),
        help="pixels to clusters by table or exactly (default: exact for stills, else fast)",
    )
    group.add_argument(
        "--stability",
        type=float,
        default=_DEFAULTS.stability,
        metavar="X",
        help="how still labels and palette are held, 0 (strict) to 1 (default: %(default)s)",
    )
    _add_fitting(group)


def _add_fitting(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--color-space",
        choices=get_args(ColorSpace),
        default=_DEFAULTS.color_space,
        help="working space of the distances (default: %(default)s)",
    )
    group.add_argument(
        "--sample-pixels",
        type=_count_or_all,
        metavar="N",
        help="pixels of a frame that a fit looks at, or all "
        f"(default: all for stills, else {DEFAULT_SAMPLE_PIXELS})",
    )
    group.add_argument(
        "--seed", type=int, default=_DEFAULTS.seed, metavar="N", help="random seed (default: 0)"
    )
    group.add_argument(
        "--init",
        choices=get_args(Init),
        default=_DEFAULTS.init,
        help="first centroids of a cold fit (default: %(default)s)",
    )
    group.add_argument(
        "--attempts",
        type=int,
        default=_DEFAULTS.attempts,
        metavar="N",
        help="cold fits of which the best is kept (default: %(default)s)",
    )
    group.add_argument(
        "--max-iterations",
        type=int,
        default=_DEFAULTS.max_iterations,
        metavar="N",
        help="iterations of a fit at most (default: %(default)s)",
    )
    group.add_argument(
        "--epsilon",
        type=float,
        default=_DEFAULTS.epsilon,
        metavar="X",
        help="a fit ends when no centroid moves farther (default: %(default)s)",
    )


def _add_rendering(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--view",
        choices=get_args(View),
        default="segmented",
        help="what is written (default: %(default)s)",
    )
    for option, type_, metavar, meaning in (
        ("--disable", _clusters, "CLUSTERS", "clusters switched off, by number or colour"),
        ("--only", _clusters, "CLUSTERS", "the only clusters left on, by number or colour"),
        ("--pick", _pixel, "X,Y", "leave on only the cluster under that pixel of the first frame"),
        ("--pick-off", _pixel, "X,Y", "switch that cluster off"),
    ):
        group.add_argument(
            option, type=type_, action="extend", default=[], metavar=metavar, help=meaning
        )
    group.add_argument(
        "--background",
        type=_background,
        default="black",
        metavar="WHAT",
        help="what is shown where clusters are off: a colour, gray, blur[:radius], "
        "pixelate[:size], transparent, or an image or video file (default: %(default)s)",
    )
    group.add_argument(
        "--feather",
        type=int,
        metavar="PIXELS",
        help="width of soft edges (default: 0 on a flat background, else as suits the size)",
    )
    group.add_argument(
        "--despeckle",
        type=int,
        metavar="PIXELS",
        help="area below which islands and holes go (default: likewise)",
    )


def _add_trimming(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--start", type=float, default=0.0, metavar="S", help="first second")
    group.add_argument("--end", type=float, metavar="S", help="second to stop before")
    group.add_argument("--max-frames", type=int, metavar="N", help="frames written at most")


def _add_encoding(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--codec", choices=get_args(Codec), help="default: the container's usual")
    group.add_argument("--crf", type=int, metavar="N", help="constant rate factor, lower is better")
    group.add_argument(
        "--preset", choices=get_args(Preset), metavar="NAME", help="of x264: ultrafast to veryslow"
    )
    group.add_argument(
        "--lossless", action="store_true", help="FFV1 in .mkv, which keeps the exact colours"
    )
    group.add_argument("--no-audio", action="store_true", help="leave the sound out")


def _add_statistics(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--stats",
        type=Path,
        metavar="FILE",
        help="write figures of every frame to a .csv or .jsonl",
    )
    group.add_argument(
        "--stats-plot",
        type=Path,
        metavar="FILE",
        help="draw the clusters' shares over time to a .png or .svg",
    )


def _add_reporting(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-q", "--quiet", action="store_true", help="no status, errors alone")
    group.add_argument("--json", action="store_true", help="print a summary as JSON")
    group.add_argument("--debug", action="store_true", help="show tracebacks")


def _clusters(text: str) -> tuple[Selector, ...]:
    """Numbers and colours with commas between."""
    parts = [part.strip() for part in text.split(",")]
    selectors = tuple(int(part) if re.fullmatch(r"-?\d+", part) else part for part in parts)
    _check(lambda: ClusterChoice(off=selectors))
    return selectors


def _pixel(text: str) -> tuple[Selector, ...]:
    found = re.fullmatch(r"(\d+),(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no pixel such as 320,240")
    return ((int(found[1]), int(found[2])),)


def _background(text: str) -> str | Path:
    """A background that has a name, else a file."""
    path = Path(text)
    if text == "picture" or path.is_file() or path.name != text or path.suffix:
        return path
    _check(lambda: parse_background(text))
    return text


def _check(settings: Callable[[], object]) -> None:
    """Make settings, and say in argparse's way what is wrong with them."""
    try:
        settings()
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x720")
    return int(found[1]), int(found[2])


def _count_or_auto(text: str) -> int | Literal["auto"]:
    if text == "auto":
        return "auto"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor auto") from None


def _count_or_all(text: str) -> int | Literal["all"]:
    if text == "all":
        return "all"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor all") from None


def segmenter_settings(options: argparse.Namespace) -> SegmenterSettings:
    """Settings of the segmenter; where the number of clusters is left open, the default stands.

    Raises
    ------
    SettingsError
        If one is out of range.
    SourceError
        If the palette cannot be read.
    """
    named = vars(options)  # not all commands have all of them
    palette = load_palette(named["palette"]) if named.get("palette") else ()
    count = _DEFAULTS.n_clusters if options.clusters == "auto" else options.clusters
    return SegmenterSettings(
        n_clusters=len(palette) or count,
        palette=palette,
        frozen=named.get("freeze", _DEFAULTS.frozen),
        color_space=options.color_space,
        mapping=named.get("mapping", _DEFAULTS.mapping),
        stability=named.get("stability", _DEFAULTS.stability),
        sample_pixels=options.sample_pixels,
        seed=options.seed,
        init=options.init,
        attempts=options.attempts,
        max_iterations=options.max_iterations,
        epsilon=options.epsilon,
    )


def render_settings(options: argparse.Namespace) -> RenderSettings:
    """What is painted.

    Raises
    ------
    SettingsError
        If one is out of range.
    """
    return RenderSettings(
        view=options.view,
        background=options.background,
        feather=options.feather,
        despeckle=options.despeckle,
    )


def cluster_choice(options: argparse.Namespace) -> ClusterChoice:
    """Which clusters are switched off.

    Raises
    ------
    SettingsError
        If some are kept and some switched off.
    """
    return ClusterChoice(
        only=(*options.only, *options.pick), off=(*options.disable, *options.pick_off)
    )


def capture_settings(options: argparse.Namespace) -> CaptureSettings:
    """What is asked of a live source.

    Raises
    ------
    SettingsError
        If one is out of range.
    """
    return CaptureSettings(options.size, options.fps, options.reconnect, options.loop)
