"""``kseg-video live`` on a stream: frame rate, drops, latency, processor time, response to keys.

    python -m benchmarks.live CLIP [--size 1920x1080] [--seconds 60] [-k 8]

The clip is encoded at that size as motion JPEG at 30 frames a second, then served over HTTP on
loopback by an ffmpeg that only copies it. The window is real, on the present display or a virtual
one (xvfb). Latency is the time from the arrival of a decoded frame to the end of its display.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import resource
import subprocess
import tempfile
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video import RenderSettings
from kseg_video.cli.arguments import command_parser
from kseg_video.cli.opencv_setup import import_opencv
from kseg_video.cli.option_settings import segmenter_settings
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.ffmpeg.process import environment, executable
from kseg_video.live.capture import open_capture
from kseg_video.live.key_bindings import KEYS
from kseg_video.live.live_state import LiveState
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.live.screen import KeyPress
from kseg_video.live.session import LiveSession
from kseg_video.live.snapshots_and_recordings import LiveFiles
from kseg_video.screens.sdl import pygame
from kseg_video.screens.window import LiveWindow
from tests.helpers.media import ffmpeg
from tests.helpers.windows import virtual_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from kseg_video.live.screen import HudContent, ScreenEvent

_ADDRESS = "http://127.0.0.1:8099/"
_WARM_UP = 3.0  # seconds
_BETWEEN_KEYS = 0.4  # seconds, so that the effect of a key is over
_PRESSES = 4  # of each key; an even number restores what a key toggles


def post(key: str) -> None:
    """Press and release a key, as far as the window can tell."""
    is_named = len(key) > 1
    values = {
        "unicode": "" if is_named else key,
        "key": pygame.key.key_code(key) if is_named else ord(key.lower()),
        "mod": pygame.KMOD_SHIFT if key.isupper() else pygame.KMOD_NONE,
        "scancode": 0,
    }
    for event_type in (pygame.KEYDOWN, pygame.KEYUP):
        pygame.event.post(pygame.event.Event(event_type, values))


class Watch:
    """Presses keys and measures when they take effect.

    A key has taken effect when the next picture after it has been shown.
    """

    def __init__(self, window: LiveWindow) -> None:
        self.answers: dict[str, dict[str, list[float]]] = {}
        self._window = window
        self._pressed_at = self._took = 0.0
        self._taken = False
        self._answered = threading.Event()
        show, events = window.show, window.events

        def watched_show(
            picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
        ) -> None:
            show(picture, state, content)
            if self._taken:
                self._took, self._taken = time.perf_counter() - self._pressed_at, False
                self._answered.set()

        def watched_events() -> Sequence[ScreenEvent]:
            found = events()
            self._taken |= any(isinstance(event, KeyPress) for event in found)
            return found

        window.show, window.events = watched_show, watched_events  # type: ignore[method-assign]

    def press(self, key: str) -> float:
        """Press a key; return the seconds until it has taken effect."""
        self._answered.clear()
        self._pressed_at = time.perf_counter()
        post(key)
        if not self._answered.wait(5):
            return float("nan")
        time.sleep(_BETWEEN_KEYS)
        return self._took

    def press_all(self, kind: str) -> None:
        """Press every key that does not end or pause the run."""
        self.answers[kind] = {
            key: [self.press(key) for _ in range(_PRESSES)]
            for binding in KEYS
            for key in binding.keys[:1]
            if key not in {"q", "space"}
        }


@contextlib.contextmanager
def served(clip: Path) -> Iterator[None]:
    command = [executable(), "-loglevel", "error", "-nostdin", "-re", "-stream_loop", "-1"]
    command += ["-i", str(clip), "-c", "copy", "-f", "mpjpeg", "-listen", "1", _ADDRESS]
    server = subprocess.Popen(command, env=environment(), stderr=subprocess.DEVNULL)
    time.sleep(0.5)
    try:
        yield
    finally:
        server.kill()
        server.wait()


@contextlib.contextmanager
def kept_files() -> Iterator[LiveFiles]:
    """A temporary folder for the snapshots and recordings that keys make."""
    with tempfile.TemporaryDirectory() as folder, LiveFiles(Path(folder)) as files:
        yield files


def prepare(clip: Path, size: str, target: Path) -> None:
    scaled = f"scale={size.replace('x', ':')},fps=30"
    looped = ("-stream_loop", "-1", "-i", clip, "-t", "10", "-vf", scaled)
    ffmpeg(*looped, "-an", "-c:v", "mjpeg", "-q:v", "4", target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("-k", "--clusters", type=int, default=8)
    options = parser.parse_args()
    import_opencv()
    gc.freeze()  # as the command does
    with contextlib.ExitStack() as stack:
        if not os.environ.get("DISPLAY"):
            os.environ["DISPLAY"] = stack.enter_context(contextlib.contextmanager(virtual_screen)())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepare(options.clip, options.size, folder / "clip.mkv")
        measure(options, folder / "clip.mkv")


def measure(options: argparse.Namespace, clip: Path) -> None:
    feed = ReconnectingFeed(lambda: open_capture(_ADDRESS, CaptureSettings()), reconnect=True)
    command = command_parser().parse_args(["live", "-k", str(options.clusters)])
    state = LiveState(segmenter_settings(command), RenderSettings())
    costs = []
    with LiveWindow("kseg-video benchmark") as window, kept_files() as files:
        watch = Watch(window)
        session = LiveSession("benchmark", feed, window, state, files)
        latencies: list[float] = []
        session._reporter.meter.latencies = LatencyLog(latencies)

        def direct() -> None:
            """Measure and press keys while the session runs; in a thread of its own."""
            time.sleep(_WARM_UP)
            latencies.clear()
            received, dropped = feed.received, feed.dropped
            begin, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
            time.sleep(options.seconds)
            after, wall = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - begin
            used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            costs.append(
                (
                    (feed.received - received) / wall,
                    feed.dropped - dropped,
                    *np.percentile(latencies, [50, 95]),
                    used / wall,
                )
            )
            watch.press_all("live")
            watch.press("space")
            watch.press_all("paused")
            watch.press("space")
            server.close()
            time.sleep(1)
            watch.press_all("lost")
            session.quit()

        server = contextlib.ExitStack()
        server.enter_context(served(clip))
        with server, feed:
            director = threading.Thread(target=direct)
            director.start()
            session.run()
            director.join()
    report(options, costs[0], watch)


class LatencyLog(deque[float]):
    """Replaces the session's short memory of latencies by one that keeps them all."""

    def __init__(self, all_of_them: list[float]) -> None:
        super().__init__()
        self._all = all_of_them

    def append(self, latency: float, /) -> None:
        self._all.append(latency)


def report(
    options: argparse.Namespace, costs: tuple[float, int, float, float, float], watch: Watch
) -> None:
    rate, dropped, median, late, used = costs
    print(f"{options.clip.name}, {options.size} at 30 fps, k = {options.clusters}, ", end="")
    print(f"{options.seconds:g} s, {cv2.getNumThreads()} thread of OpenCV")
    print("| fps | dropped | latency, median | p95 | our processor time |")
    print("|---|---|---|---|---|")
    print(f"| {rate:.1f} | {dropped} | {median * 1e3:.0f} ms | {late * 1e3:.0f} ms | {used:.0%} |")
    print("| keys answer | median | p95 | slowest key, median |")
    print("|---|---|---|---|")
    for kind, answers in watch.answers.items():
        medians = {key: float(np.median(times)) for key, times in answers.items()}
        slowest = max(medians, key=lambda key: medians[key])
        median, late = np.percentile([*answers.values()], [50, 95])
        print(f"| {kind} | {median * 1e3:.0f} ms | {late * 1e3:.0f} ms ", end="")
        print(f"| {slowest}, {medians[slowest] * 1e3:.0f} ms |")


if __name__ == "__main__":
    main()
