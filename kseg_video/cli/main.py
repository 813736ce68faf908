"""Entry point of ``kseg-video``: run the requested command and turn errors into exit codes.

OpenCV and NumPy are imported only once a command needs them, so that ``--help`` is fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.cli.arguments import parse_arguments
from kseg_video.cli.convert_command import run_convert
from kseg_video.cli.messages import (
    EXIT_FAILED,
    EXIT_USAGE,
    complain,
    complain_in_full,
    inform,
    told,
)
from kseg_video.cli.opencv_setup import import_opencv, silence_libraries
from kseg_video.cli.signals import Stopped, in_background, stopped_line
from kseg_video.core.errors import KsegError, SettingsError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``kseg-video``.

    Parameters
    ----------
    arguments : sequence of str, optional
        Command line without the program's name; default: ``sys.argv[1:]``.

    Returns
    -------
    int
        Exit code: 0 success, 1 failure, 2 wrong usage, 128 + N stopped by signal N (130 for Ctrl-C,
        143 for SIGTERM).
    """
    try:
        return _run(arguments)
    except Stopped as stopped:
        return stopped.exit_code


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = parse_arguments(arguments)
    except SystemExit as leaving:
        return int(leaving.code or 0)
    except KsegError as error:  # of printing the completion
        complain(str(error))
        return EXIT_FAILED
    try:
        return _COMMANDS[options.command](options)
    except Stopped:
        if line := stopped_line(options):
            inform(line)
        raise
    except Exception as error:  # noqa: BLE001 - every failure is reported in one line
        if options.debug:
            complain_in_full(error)
        else:
            complain(told(error))
        return EXIT_USAGE if isinstance(error, SettingsError) else EXIT_FAILED


def _live(options: argparse.Namespace) -> int:
    import_opencv()
    silence_libraries()
    from kseg_video.cli.live_command import run_live

    return run_live(options)


def _palette(options: argparse.Namespace) -> int:
    import_opencv()
    silence_libraries()
    from kseg_video.cli.palette_command import run_palette

    return run_palette(options)


def _preview(options: argparse.Namespace) -> int:
    import_opencv()
    silence_libraries()
    from kseg_video.cli.inspection_commands import run_preview

    return run_preview(options)


def _measure(options: argparse.Namespace) -> int:
    import_opencv()
    silence_libraries()
    from kseg_video.cli.inspection_commands import run_measure

    return run_measure(options)


def _cameras(_options: argparse.Namespace) -> int:
    import_opencv()
    from kseg_video.cli.live_command import list_cameras

    return list_cameras()


def _doctor(_options: argparse.Namespace) -> int:
    from kseg_video.cli.doctor import examine

    return in_background(examine)


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "convert": run_convert,
    "live": _live,
    "palette": _palette,
    "preview": _preview,
    "measure": _measure,
    "cameras": _cameras,
    "doctor": _doctor,
}
