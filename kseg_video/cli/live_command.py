"""``kseg-video live`` and ``kseg-video cameras``: build and run a live session, list cameras."""

from __future__ import annotations

import gc
import shlex
import signal
import sys
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from kseg_video.cli.live_outputs import live_outputs
from kseg_video.cli.messages import answer, inform
from kseg_video.cli.option_settings import (
    capture_settings,
    cluster_selection,
    render_settings,
    segmenter_settings,
)
from kseg_video.cli.signals import on_signals
from kseg_video.core.cluster_selectors import check_numbers
from kseg_video.core.errors import KsegError, SettingsError, SourceError
from kseg_video.core.settings import usable_cores
from kseg_video.core.shown_text import shown, without_secrets
from kseg_video.live.camera_list import find_cameras
from kseg_video.live.capture import is_camera, is_stream, open_capture
from kseg_video.live.key_bindings import HELP, VIEWS
from kseg_video.live.live_state import BACKGROUNDS, PAINTS, LiveState
from kseg_video.live.pipeline import open_live_background
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.live.recording import check_recording
from kseg_video.live.session import LiveSession
from kseg_video.live.snapshots_and_recordings import LiveFiles
from kseg_video.live.virtual_camera import VirtualCamera
from kseg_video.reading.image_files import is_image
from kseg_video.screens.terminal_screen import WindowAndTerminal
from kseg_video.writing.output_paths import check_folder

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable
    from types import FrameType

    from kseg_video.core.media_settings import CaptureSettings
    from kseg_video.live.capture import Capture

# Signals that are a regular end of a live run, with exit code 0: SIGTERM, the terminal closing.
_POLITE = frozenset({signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)})


def run_live(options: argparse.Namespace) -> int:
    """Run ``live`` until the user quits; return the exit code.

    Raises
    ------
    SettingsError
        If the options contradict each other.
    SourceError
        If the source gives no frame, or a file cannot be played to its end.
    SinkError
        If a recording or a snapshot could not be written, or the virtual camera not be played into.
    DisplayError
        If the requested preview cannot be opened.
    """
    if options.keys:
        _print_keys()
        return 0
    state = _first_state(options)
    if options.record is not None:
        check_recording(options.record)
    # The default folder is not checked: a run that saves nothing needs no writable one.
    if options.output_dir is not None:
        check_folder(options.output_dir)
    folder = options.output_dir or Path()
    outputs = options.record, options.virtual_camera
    must_give_out = options.preview == "none" and any(output is not None for output in outputs)
    source = options.source or _first_camera()
    name = without_secrets(source)
    feed = _feed(source, capture_settings(options))
    stopped_by: list[int] = []
    running: list[LiveSession] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        stopped_by.append(number)
        for session in running:
            session.quit()

    # Handle signals before anything changes the terminal, so that it is always restored.
    on_signals(stop)
    try:
        with ExitStack() as stack:
            # Before the screen: a device that cannot be used is said without a window.
            camera = None
            if options.virtual_camera is not None:
                camera = stack.enter_context(VirtualCamera(options.virtual_camera))
            screen, observer = live_outputs(options, f"kseg-video: {name}", stack)
            has_window = isinstance(screen, WindowAndTerminal) and options.preview != "browser"
            state = replace(state, has_window=has_window)
            stack.enter_context(feed)
            stack.enter_context(screen)
            files = stack.enter_context(
                LiveFiles(folder, options.record, must_give_out=must_give_out, camera=camera)
            )
            session = LiveSession(
                name,
                feed,
                screen,
                state,
                files,
                observer=observer,
                next_camera=_camera_changer(source, options) if is_camera(source) else None,
            )
            if isinstance(background := state.rendering.background, Path):
                session.pipeline.background = stack.enter_context(open_live_background(background))
            running.append(session)
            # Imported modules stay for the whole run: exempt them from garbage collection, which
            # would take longer than a frame lasts.
            gc.freeze()
            if not stopped_by:
                session.run()
    except KsegError:
        if not stopped_by:
            raise
        # A signal to the whole process group ends child processes too; their errors do not count.
    else:
        if not options.quiet:
            inform("; ".join((*session.summary(), *files.summary())))
        files.check()
        if not stopped_by:
            session.check()
    return next((128 + number for number in stopped_by if number not in _POLITE), 0)


def _first_state(options: argparse.Namespace) -> LiveState:
    """Build the initial state from options.

    Raises
    ------
    SettingsError
        If the options contradict each other.
    """
    rendering, selection = render_settings(options), cluster_selection(options)
    segmenter = segmenter_settings(options)
    segmenter = replace(segmenter, threads=segmenter.threads or usable_cores())
    check_numbers(selection.numbers, segmenter.cluster_count)
    if rendering.view not in VIEWS:
        raise SettingsError(f"live cannot show {rendering.view}; choose {', '.join(VIEWS)}")
    return LiveState(
        segmenter,
        rendering,
        selection,
        tuple(dict.fromkeys((*BACKGROUNDS, rendering.background))),
        tuple(dict.fromkeys((*PAINTS, rendering.paint))),
        frozen=segmenter.holds_palette,
        mirrored=options.mirror,
        saves_mirrored=not options.record_unmirrored,
    )


def list_cameras() -> int:
    """Print the cameras; return the exit code.

    Raises
    ------
    SourceError
        If there is no camera, or cameras cannot be listed.
    """
    cameras = find_cameras()
    if not cameras:
        raise SourceError("there is no camera; plug one in")
    table = Table("camera", "name", "format", "size", "frames a second", box=None)
    for camera in cameras:
        name: tuple[str | Text, ...] = str(camera.device), Text(shown(camera.name))
        for mode in camera.modes:
            rates = ", ".join(f"{rate:.4g}" for rate in mode.frame_rates) or "any"
            table.add_row(
                *name, Text(shown(mode.pixel_format)), f"{mode.width}x{mode.height}", rates
            )
            name = "", ""
        if not camera.modes:
            table.add_row(*name, "", "", "")
    with (console := Console(highlight=False)).capture() as captured:
        console.print(table)
    answer(captured.get().rstrip())
    return 0


def _first_camera() -> str:
    if not sys.platform.startswith("linux"):
        return "0"
    cameras = find_cameras()
    if not cameras:
        raise SourceError("there is no camera; plug one in, or name a source")
    return str(cameras[0].device)


def _feed(source: str, settings: CaptureSettings) -> ReconnectingFeed:
    camera, stream = is_camera(source), is_stream(source)
    if not camera and not stream and not Path(source).is_file():
        name = without_secrets(source)
        raise SourceError(f"{name} is no file, camera number or URL; check the name")
    if not stream and is_image(Path(source)):
        raise SettingsError(
            f"{source} is an image; segment it with: kseg-video convert {shlex.quote(source)} "
            "--show"
        )
    open_at = partial(open_capture, source, settings)
    return ReconnectingFeed(
        open_at,
        reconnect=settings.reconnect and (camera or stream),
        paced=not camera and not stream,
        may_repeat=not camera,
        open_at=None if camera or stream else open_at,
    )


def _camera_changer(
    source: str, options: argparse.Namespace
) -> Callable[[], tuple[str, Callable[[], Capture]]]:
    """A function that returns name and opener of the camera after the one it returned before."""
    settings = capture_settings(options)
    device = f"/dev/video{int(source)}" if source.isdecimal() else source
    present = [Path(device).resolve()]

    def change() -> tuple[str, Callable[[], Capture]]:
        devices = [camera.device for camera in find_cameras()]
        others = [each for each in devices if each != present[0]]
        if not others:
            raise SourceError("there is no other camera")
        after = devices.index(present[0]) if present[0] in devices else 0
        present[0] = others[after % len(others)]
        return str(present[0]), partial(open_capture, str(present[0]), settings)

    return change


def _print_keys() -> None:
    width = max(len(line.does_by) for group in HELP.values() for line in group)
    for title, group in HELP.items():
        answer(title)
        for line in group:
            answer(f"  {line.does_by:<{width}}  {line.does}")
