"""The command line: arguments to settings, the parts wired together, errors to exit codes.

Nothing here imports OpenCV or NumPy until there is work to do.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import re
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn, get_args

import kseg_video
from kseg_video.errors import DisplayError, KsegError, SettingsError
from kseg_video.settings import (
    DEFAULT_SAMPLE_PIXELS,
    MAX_CLUSTERS,
    Codec,
    ColorSpace,
    EncoderSettings,
    Init,
    Mapping,
    Preset,
    RenderSettings,
    SegmenterSettings,
    TrimSettings,
    View,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import FrameType

    from rich.console import Console

    from kseg_video.pipeline import Report
    from kseg_video.status import TerminalStatus

EXIT_FAILED = 1
EXIT_USAGE = 2

_DEFAULTS = SegmenterSettings()

# Names and numbers from glibc's malloc.h (see mallopt(3)).
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_KEPT_BYTES = 1 << 28


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as all our errors do."""

    def error(self, message: str) -> NoReturn:
        _complain(f"{message}; see {self.prog} --help")
        raise SystemExit(EXIT_USAGE)


class _Stopped(BaseException):
    """A signal asked us to end; not an `Exception`, so that nothing takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; those of the process by default.

    Returns
    -------
    int
        Exit code: 0 done, 1 failed, 2 wrong usage, 130 and 143 stopped by a signal.
    """
    try:
        options = command_parser().parse_args(arguments)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    _on_signals(_leave)
    try:
        return _convert(options)
    except _Stopped as stopped:
        return stopped.exit_code
    except Exception as error:
        if options.debug:
            raise
        _complain(_told(error))
        return EXIT_USAGE if isinstance(error, SettingsError) else EXIT_FAILED


def entry() -> NoReturn:
    """Run the command as a process of its own."""
    raise SystemExit(main())


def _on_signals(handler: Callable[[int, FrameType | None], NoReturn] | signal.Handlers) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, handler)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    # While modules are imported nothing is there to clean up, and what is raised may be lost: the
    # import system runs callbacks in which exceptions count for nothing.
    os._exit(128 + number)


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    _on_signals(signal.SIG_IGN)  # a second signal must not interrupt the cleaning up
    raise _Stopped(number)


def _told(error: Exception) -> str:
    """What went wrong, in words for the user."""
    if isinstance(error, KsegError):
        return str(error)
    if isinstance(error, MemoryError):
        return "out of memory; take a smaller picture or fewer sampled pixels"
    if isinstance(error, OSError):
        return f"{error}; check the file and its folder"
    return f"unexpected {type(error).__name__}: {error}; run again with --debug and report it"


def _complain(message: str, kind: Literal["error", "warning"] = "error") -> None:
    print(f"kseg-video: {kind}: {_one_line(message)}", file=sys.stderr)


def _one_line(text: str) -> str:
    """Text without the line breaks that a file name may hold."""
    return " ".join(text.split())


# --- arguments ------------------------------------------------------------------------------------


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
        help="video, image, or folder of images",
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
    _add_segmenting(convert.add_argument_group("segmenting"))
    _add_rendering(convert.add_argument_group("rendering"))
    _add_trimming(convert.add_argument_group("part of the input"))
    _add_encoding(convert.add_argument_group("encoding"))
    _add_reporting(convert.add_argument_group("reporting"))
    return parser


def _add_segmenting(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "-k",
        "--clusters",
        type=int,
        default=_DEFAULTS.n_clusters,
        metavar="N",
        help=f"number of clusters, 1 to {MAX_CLUSTERS} (default: %(default)s)",
    )
    group.add_argument(
        "--color-space",
        choices=get_args(ColorSpace),
        default=_DEFAULTS.color_space,
        help="working space of the distances (default: %(default)s)",
    )
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
    switched = group.add_mutually_exclusive_group()
    switched.add_argument(
        "--disable", type=_numbers, metavar="I,J", help="clusters switched off: painted black"
    )
    switched.add_argument("--only", type=_numbers, metavar="I,J", help="the only clusters left on")
    group.add_argument(
        "--show", action="store_true", help="show a still in a window until a key is pressed"
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


def _add_reporting(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-q", "--quiet", action="store_true", help="no status, errors alone")
    group.add_argument("--json", action="store_true", help="print a summary as JSON")
    group.add_argument("--debug", action="store_true", help="show tracebacks")


def _numbers(text: str) -> frozenset[int]:
    try:
        return frozenset(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of numbers such as 0,2") from None


def _count_or_all(text: str) -> int | Literal["all"]:
    if text == "all":
        return "all"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor all") from None


# --- work -----------------------------------------------------------------------------------------


def _convert(options: argparse.Namespace) -> int:
    segmenter = SegmenterSettings(
        n_clusters=options.clusters,
        color_space=options.color_space,
        mapping=options.mapping,
        stability=options.stability,
        sample_pixels=options.sample_pixels,
        seed=options.seed,
        init=options.init,
        attempts=options.attempts,
        max_iterations=options.max_iterations,
        epsilon=options.epsilon,
    )
    settings: dict[str, Any] = {
        "segmenter": segmenter,
        "rendering": RenderSettings(options.view, _switched_off(options)),
        "encoder": EncoderSettings(
            codec=options.codec,
            crf=options.crf,
            preset=options.preset,
            lossless=options.lossless,
            audio=not options.no_audio,
            overwrite=options.overwrite,
        ),
        "trim": TrimSettings(options.start, options.end, options.max_frames),
    }
    _import_opencv()
    from kseg_video.pipeline import check_settings
    from kseg_video.status import terminal_console

    _on_signals(_stop)
    outputs = _outputs(options)
    for output in outputs:
        check_settings(output, segmenter, settings["rendering"], settings["encoder"])
    console = None if options.quiet else terminal_console()
    pairs = list(zip(options.inputs, outputs, strict=True))
    return _convert_each(options, pairs, settings, console)


def _convert_each(
    options: argparse.Namespace,
    pairs: list[tuple[Path, Path]],
    settings: dict[str, Any],
    console: Console | None,
) -> int:
    from kseg_video.pipeline import convert
    from kseg_video.status import TerminalStatus, summary_data, summary_line

    summaries: list[dict[str, Any]] = []
    failed = False
    for source, output in pairs:
        try:
            with ExitStack() as stack:
                status: TerminalStatus | None = None
                if console is not None:
                    status = stack.enter_context(TerminalStatus(console))
                report = convert(source, output, observer=status, **settings)
        except Exception as error:
            if len(pairs) == 1 or options.debug:
                raise
            _complain(_told(error))
            summaries.append({"input": str(source), "error": _told(error)})
            failed = True
            continue
        for warning in report.warnings:
            _complain(warning, "warning")
        if console is None and not options.quiet:
            print(_one_line(summary_line(report)), file=sys.stderr)
        summaries.append(summary_data(report))
        if options.show:
            _show(report)
    if options.json:
        _print_json(summaries if len(pairs) > 1 else summaries[0])
    return EXIT_FAILED if failed else 0


def _switched_off(options: argparse.Namespace) -> frozenset[int]:
    everything = frozenset(range(options.clusters))
    for number in sorted((options.disable or frozenset()) | (options.only or frozenset())):
        if number not in everything:
            raise SettingsError(
                f"there is no cluster {number}: {options.clusters} clusters are numbered from 0 "
                f"to {options.clusters - 1}"
            )
    return everything - options.only if options.only else options.disable or frozenset()


def _outputs(options: argparse.Namespace) -> list[Path]:
    """Where each input goes."""
    from kseg_video.sinks import default_output

    named: Path | None = options.output
    if named is not None and len(options.inputs) == 1 and not named.is_dir():
        return [named]
    if named is not None and len(options.inputs) > 1 and named.suffix and not named.is_dir():
        raise SettingsError(f"{named} is one file for several inputs; give a folder")
    outputs = [
        default_output(source, named, lossless=options.lossless) for source in options.inputs
    ]
    for output in outputs:
        if outputs.count(output) > 1:
            raise SettingsError(f"several inputs would be written to {output}; convert them apart")
    return outputs


def _import_opencv() -> None:
    """Import OpenCV, or say which system library it lacks.

    Raises
    ------
    KsegError
        If it cannot be imported.
    """
    # One thread each for OpenBLAS and OpenCV: their idle threads spin against the encoder's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        import cv2
    except ImportError as error:
        missing = re.search(r"(\S+\.so[.\d]*): cannot open shared object", str(error))
        if missing is None:
            raise KsegError(
                f"OpenCV cannot be imported ({error}); reinstall it with: pip install opencv-python"
            ) from error
        raise KsegError(
            f"OpenCV lacks the system library {missing[1]}; on Debian or Ubuntu install it with: "
            "apt install libgl1 libglib2.0-0"
        ) from error
    cv2.setNumThreads(1)
    _keep_freed_memory()


def _keep_freed_memory() -> None:
    """Let glibc reuse the memory of frames instead of returning it to the system each time.

    A frame's arrays are above its limits for that, and getting fresh pages takes longer than
    segmenting does.
    """
    with contextlib.suppress(OSError, AttributeError):  # another C library
        set_option = ctypes.CDLL(None).mallopt
        for option in (_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD):
            set_option(option, _KEPT_BYTES)


def _show(report: Report) -> None:
    from kseg_video.preview import show_still

    if not report.info.still:
        _complain("--show is for stills; the video was written all the same", "warning")
        return
    try:
        show_still(report.output)
    except DisplayError as error:
        _complain(f"{error}; the picture was written all the same", "warning")


def _print_json(data: object) -> None:
    import json

    print(json.dumps(data, indent=2, ensure_ascii=False))
