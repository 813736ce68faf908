"""Seeking in a file that plays, by key and by the position bar."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING

import pytest

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.live.capture import open_capture
from kseg_video.live.live_state import LiveState
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.live.screen import Click, Place, PointerMove
from kseg_video.live.session import LiveSession
from kseg_video.live.snapshots_and_recordings import LiveFiles
from tests.helpers.live_doubles import ScriptedCapture, ScriptedScreen, picture
from tests.helpers.media import ffmpeg
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RATE, FRAMES = 10, 230
SKIP = 5 * RATE  # frames that an arrow key skips


@pytest.fixture(scope="module")
def count(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip whose frames have their numbers as gray levels, from 10 on."""
    path = tmp_path_factory.mktemp("count") / "count.mkv"
    pattern = f"color=black:size=32x24:rate={RATE},format=gray,geq=lum='10+N'"
    ffmpeg("-f", "lavfi", "-i", pattern, "-frames:v", str(FRAMES), "-c:v", "ffv1", path)
    return path


class Viewer:
    """A session that plays a clip, and its user."""

    def __init__(self, session: LiveSession, screen: ScriptedScreen) -> None:
        self.session, self.screen = session, screen

    @property
    def number(self) -> int:
        """Number of the frame that is shown."""
        return round(float(self.screen.shown.mean())) - 10

    @property
    def position(self) -> float:
        shown = self.session._reporter.hud_content(self.session.state, None).position
        return -1.0 if shown is None else shown

    def until(self, condition: Callable[[], object]) -> None:
        def is_so() -> bool:
            self.session._turn()
            return bool(condition())

        wait_until(is_so)

    def until_frame(self, first: int, last: int | None = None) -> None:
        """Wait for a frame of a range (within a level), and see that the position is right."""
        last = first if last is None else last
        self.until(lambda: first - 1 <= self.number <= last + 1)
        assert self.position == pytest.approx(self.number / FRAMES, abs=2.5 / FRAMES)

    def pause(self) -> int:
        """Pause, and return the number of the frame that stands."""
        self.screen.press("space")
        self.until(lambda: self.session.state.paused)
        return self.number


@contextlib.contextmanager
def viewer_of(clip: Path, folder: Path, *, loop: bool = False) -> Iterator[Viewer]:
    opener = partial(open_capture, str(clip), CaptureSettings(loop=loop))
    screen = ScriptedScreen()
    state = LiveState(SegmenterSettings(n_clusters=1), RenderSettings("original"))
    feed = ReconnectingFeed(opener, reconnect=False, paced=True, open_at=opener)
    with feed, LiveFiles(folder) as files:
        viewer = Viewer(LiveSession("clip", feed, screen, state, files), screen)
        viewer.until(lambda: feed.duration)
        viewer.until(lambda: screen.count > 2)
        yield viewer


@pytest.fixture
def viewer(count: Path, tmp_path: Path) -> Iterator[Viewer]:
    with viewer_of(count, tmp_path) as viewer:
        yield viewer


def test_arrow_keys_while_it_plays(viewer: Viewer) -> None:
    begin = viewer.number
    viewer.screen.press("right")
    viewer.until_frame(begin + SKIP, begin + SKIP + 20)
    viewer.screen.press("left")
    viewer.until_frame(begin, begin + 30)


def test_a_paused_picture_goes_along_and_stands_still(viewer: Viewer) -> None:
    begin = viewer.pause()
    viewer.screen.press("right")
    viewer.until_frame(begin + SKIP)
    assert viewer.session._metrics().message == f"0:0{(begin + SKIP) // RATE} of 0:23"
    for _ in range(10):
        viewer.session._turn()
    viewer.until_frame(begin + SKIP)
    viewer.screen.press(".")
    viewer.until_frame(begin + SKIP + 1)
    viewer.screen.press("left")
    viewer.until_frame(begin + 1)


def test_presses_that_come_faster_than_frames_add_up(viewer: Viewer) -> None:
    begin = viewer.pause()
    viewer.screen.press("right", "right", "right", "left", "right")
    viewer.until_frame(begin + 3 * SKIP)
    viewer.screen.press(*["left"] * 9)
    viewer.until_frame(0)


def test_a_pause_meanwhile_still_shows_what_was_sought(viewer: Viewer) -> None:
    begin = viewer.number
    viewer.screen.press("right", "space")
    viewer.until_frame(begin + SKIP, begin + SKIP + 4)
    viewer.screen.press("right")
    viewer.until_frame(begin + 2 * SKIP, begin + 2 * SKIP + 4)


def test_clicks_and_drags_on_the_bar(viewer: Viewer) -> None:
    viewer.pause()
    viewer.screen.waiting.append(Click(Place(9, 9, share=0.5), alone=False))
    viewer.until_frame(FRAMES // 2)
    for share in (0.6, 0.7, 0.8):
        viewer.screen.waiting.append(PointerMove(Place(9, 9, share=share), drags=True))
    viewer.until_frame(round(0.8 * FRAMES))


def test_the_end_is_shown_and_then_it_ends(viewer: Viewer) -> None:
    viewer.pause()
    viewer.screen.waiting.append(Click(Place(9, 9, share=1.0), alone=False))
    viewer.until_frame(FRAMES - RATE // 2)
    viewer.screen.press("right")
    viewer.until_frame(FRAMES - RATE // 2)
    viewer.screen.press("space")
    viewer.session.run()
    viewer.session.check()
    assert abs(viewer.number - (FRAMES - 1)) <= 1


def test_a_loop_begins_again_after_a_seek(count: Path, tmp_path: Path) -> None:
    with viewer_of(count, tmp_path, loop=True) as viewer:
        viewer.screen.waiting.append(Click(Place(9, 9, share=1.0), alone=False))
        viewer.until_frame(FRAMES - RATE // 2, FRAMES)
        viewer.until_frame(0, 20)
        viewer.screen.press("right")
        viewer.until_frame(SKIP, SKIP + 30)


@pytest.mark.parametrize("loop", [False, True])
def test_past_the_last_picture_of_a_file_that_has_more_sound(tmp_path: Path, loop: bool) -> None:
    clip = tmp_path / "sound.mkv"
    pattern = f"color=black:size=32x24:rate={RATE}:duration=3,format=gray,geq=lum='10+N'"
    sound = ("-f", "lavfi", "-i", "sine=duration=9", "-c:a", "flac")
    ffmpeg("-f", "lavfi", "-i", pattern, *sound, "-c:v", "ffv1", clip)
    with viewer_of(clip, tmp_path, loop=loop) as viewer:
        viewer.until(lambda: viewer.number > 4)
        viewer.screen.waiting.append(Click(Place(9, 9, share=0.9), alone=False))
        if loop:
            viewer.until(lambda: viewer.number in {0, 1, 2, 3})
            viewer.until(lambda: viewer.number > 6)
            assert viewer.position == pytest.approx(viewer.number / 90, abs=0.03)
        else:
            viewer.session.run()
            viewer.session.check()


def test_other_sources_say_so(tmp_path: Path) -> None:
    capture, screen = ScriptedCapture(), ScriptedScreen()
    state = LiveState(SegmenterSettings(n_clusters=1), RenderSettings())
    with ReconnectingFeed(lambda: capture, reconnect=True) as feed, LiveFiles(tmp_path) as files:
        viewer = Viewer(LiveSession("script", feed, screen, state, files), screen)
        capture.put(picture())
        viewer.until(lambda: screen.count)
        screen.press("right")
        viewer.until(lambda: viewer.session._metrics().message == "only a file can be sought in")
        assert viewer.position == -1.0
