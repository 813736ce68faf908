"""Argument parser of the command line."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NoReturn

import kseg_video
from kseg_video.cli.argument_groups import (
    add_clusters,
    add_debugging,
    add_encoding,
    add_fitting,
    add_input,
    add_inputs,
    add_inspecting,
    add_overwriting,
    add_plot,
    add_quiet,
    add_reading,
    add_rendering,
    add_reporting,
    add_segmenting,
    add_statistics,
    add_value,
    add_workers,
)
from kseg_video.cli.argument_values import (
    file_name,
    is_file_like_option,
    is_there,
    number,
    path,
    port,
    size,
)
from kseg_video.cli.completion import add_completion, complete_if_asked
from kseg_video.cli.guessed_options import answer_to, in_known_words, is_guess, torn_clusters
from kseg_video.cli.messages import EXIT_USAGE, complain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_COMMAND = "COMMAND"
_EXAMPLES = """examples:
  kseg-video preview clip.mp4 -k 6      see the regions and their numbers
  kseg-video convert clip.mp4 -k 6      paint each region in its colour
  kseg-video convert clip.mp4 --view masked --only red --background gray
  kseg-video live                       watch the camera
"""
_NEGATIVE = re.compile(r"-\d*\.?\d+")  # what argparse takes as a value despite the hyphen
# Least similarity (difflib's ratio) of an option that is suggested for an unknown one. More: typos
# get no suggestion; less: unrelated options are suggested.
_SIMILAR = 0.7
# Attempts of a cold fit in live, where keys and frames wait for it. More: a longer wait; less:
# higher inertia. With three, mean inertia is 0.3% above that of ten attempts for 8 clusters and
# 1.6% for 16, which tracking soon makes up for.
_LIVE_ATTEMPTS = 3


class _Parser(argparse.ArgumentParser):
    """Argument parser that reports an error in one line, as the commands do."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - ArgumentParser's own
        super().__init__(**options, allow_abbrev=False, exit_on_error=False)
        self.commands: Mapping[str, _Parser] = {}
        self._given: Sequence[str] = ()

    def parse_known_args(  # type: ignore[override]  # only the overload in use
        self, args: Sequence[str], namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        self._given = args
        if not self.commands:  # it is a command's own
            if answer := answer_to(args, self.options):
                self.error(answer)
            args = list(in_known_words(args, self.options))
        try:
            return super().parse_known_args(args, namespace)
        except argparse.ArgumentError as error:
            self.error(self._explained(error, args))

    @property
    def options(self) -> list[str]:
        """All names of its options."""
        return list(self._option_string_actions)

    def error(self, message: str) -> NoReturn:
        file = next((word for word in self._given if is_file_like_option(word)), None)
        if file is not None:
            message += f" (the file {file} is ./{file})"
        complain(f"{message}; see {self.prog} --help")
        raise SystemExit(EXIT_USAGE)

    def _explained(self, error: argparse.ArgumentError, arguments: Sequence[str]) -> str:
        names = (error.argument_name or "").split("/")
        if names == [_COMMAND]:
            name = next((word for word in arguments if not word.startswith("-")), arguments[0])
            commands = ", ".join(map(repr, self.commands))
            convert = f" (or: kseg-video convert {name})" if is_there(name) else ""
            return f"there is no command {name or repr(name)}; choose from {commands}{convert}"
        followers = (after for word, after in pairwise(arguments) if word in names)
        if any(after.startswith("-") and not _NEGATIVE.fullmatch(after) for after in followers):
            return f"{error} (written {names[-1]}=... if it begins with -)"
        return str(error)


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse a command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; default: ``sys.argv[1:]``.

    Raises
    ------
    SystemExit
        After printing help, the version or an error.
    """
    given = sys.argv[1:] if arguments is None else arguments
    parser = command_parser()
    complete_if_asked(parser)
    options, unknown = parser.parse_known_args(given or ["--help"])
    strangers = [*unknown, *(str(path) for path in vars(options).get("inputs", ()))]
    if torn := torn_clusters(given, strangers):
        complain(f"{torn}; see kseg-video {options.command} --help")
        raise SystemExit(EXIT_USAGE)
    if unknown:
        known = parser.commands[options.command].options
        complain(
            f"{_why_unknown(unknown[0], options, known)}; see kseg-video {options.command} --help"
        )
        raise SystemExit(EXIT_USAGE)
    return options


def _why_unknown(argument: str, options: argparse.Namespace, known: Iterable[str]) -> str:
    if not argument.startswith("-"):
        if hasattr(options, "inputs"):
            return f"{argument} stands apart from the other inputs; name all of them on end"
        if hasattr(options, "source"):
            return f"{options.command} takes one source, and {argument} is another"
        return f"{options.command} takes no {argument}"
    if is_file_like_option(argument):
        return f"there is no option {argument}; the file of that name is ./{argument}"
    option = argument.split("=", maxsplit=1)[0]
    if is_guess(option):  # what is spelled alike may do the opposite
        return f"there is no {option}"
    is_negative = option.startswith("--no-")
    alike = {name for name in known if name.startswith("--no-") == is_negative} - {
        "--help",
        "--cluster",
    }
    similar = difflib.get_close_matches(option, alike, 1, _SIMILAR)
    return f"there is no {option}" + (f" (did you mean {similar[0]}?)" if similar else "")


def command_parser() -> _Parser:
    """Build the parser of all commands."""
    parser = _Parser(
        prog="kseg-video",
        description="Cut video into colour regions by k-means.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {kseg_video.__version__}")
    add_completion(parser)
    commands = parser.add_subparsers(dest="command", required=True, metavar=_COMMAND)
    _add_convert(commands)
    _add_live(commands)
    _add_palette(commands)
    _add_preview(commands)
    _add_measure(commands)
    for name, meaning in (
        ("cameras", "list the cameras with their sizes and rates"),
        ("doctor", "check that everything is there that is needed, and say what to do if not"),
    ):
        add_debugging(_added(commands, name, meaning))
    parser.commands = commands.choices
    return parser


def _added(commands: argparse._SubParsersAction[_Parser], name: str, meaning: str) -> _Parser:
    description = f"{meaning[0].upper()}{meaning[1:]}."
    return commands.add_parser(name, help=meaning, description=description)


def _add_convert(commands: argparse._SubParsersAction[_Parser]) -> None:
    meaning = "turn videos and images into segmented or masked ones, with their sound"
    convert = _added(commands, "convert", meaning)
    add_inputs(convert)
    convert.add_argument(
        "-o",
        "--output",
        type=file_name,
        help="file, folder for several inputs, or - for standard output (Matroska, or PNG of an "
        "image); default: beside INPUT, named .segmented",
    )
    add_overwriting(convert)
    add_segmenting(convert.add_argument_group("segmenting"), may_be_auto=True)
    rendering = convert.add_argument_group("rendering")
    add_rendering(rendering)
    rendering.add_argument(
        "--show", action="store_true", help="show an image in a window until a key is pressed"
    )
    add_reading(convert.add_argument_group("reading"))
    add_encoding(convert.add_argument_group("encoding"))
    add_workers(convert.add_argument_group("sharing the work"))
    reporting = convert.add_argument_group("reporting")
    add_statistics(reporting)
    add_reporting(reporting)


def _add_live(commands: argparse._SubParsersAction[_Parser]) -> None:
    meaning = "segment a camera, a stream or a playing file while you watch"
    live = _added(commands, "live", meaning)
    live.add_argument(
        "source",
        nargs="?",
        metavar="SOURCE",
        help="camera number or device, URL, or video file (default: the first camera)",
    )
    live.add_argument("--keys", action="store_true", help="list keys and mouse buttons and leave")
    capture = live.add_argument_group("capture")
    add_value(capture, "--size", size, "WxH", "picture size that a camera is asked for")
    add_value(capture, "--fps", number, "N", "frames a second that a camera is asked for")
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
        choices=("auto", "window", "terminal", "browser", "none"),
        default="auto",
        help="where the picture is shown (default: a window, else the terminal)",
    )
    meaning = "port of the browser's page on this machine (default: a free one)"
    add_value(showing, "--port", port, "N", meaning)
    showing.add_argument("--mirror", action="store_true", help="start mirrored")
    showing.add_argument(
        "--virtual-camera",
        nargs="?",
        const="",
        metavar="DEVICE",
        help="also play the picture into a virtual camera, for calls (default: the first free one)",
    )
    keeping = live.add_argument_group("keeping")
    add_value(keeping, "--record", path, "FILE", "record what is seen: .mp4, .mov or .mkv")
    keeping.add_argument(
        "--record-unmirrored", action="store_true", help="save pictures unmirrored, however shown"
    )
    meaning = "where snapshots and recordings go (default: here)"
    add_value(keeping, "--output-dir", path, "FOLDER", meaning)
    add_segmenting(live.add_argument_group("segmenting"))
    live.set_defaults(attempts=_LIVE_ATTEMPTS)
    add_rendering(live.add_argument_group("rendering"))
    reporting = live.add_argument_group("reporting")
    add_quiet(reporting)
    add_debugging(reporting)


def _add_palette(commands: argparse._SubParsersAction[_Parser]) -> None:
    palette = _added(commands, "palette", "find one palette for all of some videos and images")
    add_inputs(palette)
    palette.add_argument(
        "-o",
        "--output",
        action="append",
        default=[],
        type=path,
        help="write it to a .json, .gpl, .hex or .png; may be given several times",
    )
    add_overwriting(palette)
    fitting = palette.add_argument_group("fitting")
    add_clusters(fitting, may_be_auto=True)
    add_fitting(fitting)
    add_reading(palette.add_argument_group("reading"))
    add_reporting(palette.add_argument_group("reporting"))


def _add_preview(commands: argparse._SubParsersAction[_Parser]) -> None:
    meaning = "draw some frames of a video, or an image, with the numbers of the clusters"
    preview = _added(commands, "preview", meaning)
    add_input(preview)
    meaning = "the picture, .png, .jpg or .webp (default: INPUT-preview.png beside INPUT)"
    preview.add_argument("-o", "--output", type=path, help=meaning)
    add_overwriting(preview)
    preview.add_argument("--open", action="store_true", help="show it with the desktop's viewer")
    add_inspecting(preview)


def _add_measure(commands: argparse._SubParsersAction[_Parser]) -> None:
    measure = _added(commands, "measure", "write statistics of every frame, and no video")
    add_input(measure)
    measure.add_argument("-o", "--output", type=path, help="the table, .csv or .jsonl")
    add_plot(measure)
    add_overwriting(measure)
    add_inspecting(measure)
