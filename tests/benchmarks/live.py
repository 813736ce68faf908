"""``kseg-video live`` at a stream: rates, drops, latency, processor time, and how fast keys answer.

    python -m tests.benchmarks.live CLIP [--size 1920x1080] [--seconds 60] [-k 8]

The clip is brought to that size as motion JPEG at 30 frames a second, then served over HTTP on
loopback by an ffmpeg that only copies it. The window is real: on the display that there is, or on a
virtual one (xvfb). Latency is from the arrival of a decoded frame to the end of its display.
"""

from __future__ import annotations

import argparse
import contextlib
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

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.capture import open_capture
from kseg_video.feed import Feed
from kseg_video.ffmpeg import environment, executable
from kseg_video.live import LiveSession
from kseg_video.live_files import LiveFiles
from kseg_video.live_state import LiveState
from kseg_video.preview import LiveWindow
from kseg_video.screen import KeyPress
from kseg_video.settings import CaptureSettings
from kseg_video.startup import import_opencv
from tests.windows import virtual_screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kseg_video.live_figures import LiveFigures

_ADDRESS = "http://127.0.0.1:8099/"
_WARM_UP = 3.0  # seconds
_PRESS_EVERY = 0.37


class Watch:
    """Counts what the session tells, and presses keys."""

    def __init__(self, window: LiveWindow) -> None:
        self.session: LiveSession | None = None
        self.latencies: list[float] = []
        self.answers: dict[str, list[float]] = {"live": [], "paused": [], "lost": []}
        self._window = window
        self._pressed_at = 0.0
        self._state: LiveState | None = None

    def update(self, told: Callable[[], LiveFigures]) -> None:
        now = time.perf_counter()
        figures = told()
        if self._state is not None and figures.state is not self._state:
            kind = "lost" if figures.condition != "live" else "live"
            kind = "paused" if figures.state.paused else kind
            self.answers[kind].append(now - self._pressed_at)
            self._state = None

    def press(self, key: str) -> None:
        assert self.session is not None
        self._state, self._pressed_at = self.session.state, time.perf_counter()
        self._window._events.append(KeyPress(key))


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


def prepare(clip: Path, size: str, target: Path) -> None:
    scaled = f"scale={size.replace('x', ':')},fps=30"
    command = [
        executable(),
        "-loglevel",
        "error",
        "-nostdin",
        "-stream_loop",
        "-1",
        "-i",
        str(clip),
    ]
    command += ["-t", "10", "-vf", scaled, "-an", "-c:v", "mjpeg", "-q:v", "4", str(target)]
    subprocess.run(command, check=True, env=environment())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("clip", type=Path)
    parser.add_argument("--size", default="1920x1080")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("-k", "--clusters", type=int, default=8)
    options = parser.parse_args()
    import_opencv()
    with contextlib.ExitStack() as stack:
        if not os.environ.get("DISPLAY"):
            os.environ["DISPLAY"] = stack.enter_context(contextlib.contextmanager(virtual_screen)())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        prepare(options.clip, options.size, folder / "clip.mkv")
        measure(options, folder / "clip.mkv")


def measure(options: argparse.Namespace, clip: Path) -> None:
    feed = Feed(lambda: open_capture(_ADDRESS, CaptureSettings()), reconnect=True)
    state = LiveState(SegmenterSettings(n_clusters=options.clusters), RenderSettings())
    costs = []
    with LiveWindow("kseg-video benchmark") as window:
        watch = Watch(window)
        session = LiveSession("benchmark", feed, window, state, LiveFiles(Path()), status=watch)
        watch.session = session
        latencies: list[float] = []
        session._meter.latencies = LatencyLog(latencies)

        def direct() -> None:
            """What happens meanwhile, in a thread of its own."""
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
            for key in "v" * 20:
                watch.press(key)
                time.sleep(_PRESS_EVERY)
            watch.press("space")
            time.sleep(_PRESS_EVERY)
            for key in "v" * 20:
                watch.press(key)
                time.sleep(_PRESS_EVERY)
            watch.press("space")
            server.close()
            time.sleep(1)
            for key in "v" * 20:
                watch.press(key)
                time.sleep(_PRESS_EVERY)
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
    """Takes the place of the session's short memory, and forgets nothing."""

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
    print("| keys answer | median | slowest |")
    print("|---|---|---|")
    for kind, seconds in watch.answers.items():
        print(f"| {kind} | {np.median(seconds) * 1e3:.0f} ms | {max(seconds) * 1e3:.0f} ms |")


if __name__ == "__main__":
    main()
