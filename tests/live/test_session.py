from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    ClusterSelection,
    Frame,
    RenderSettings,
    SegmenterSettings,
    SourceError,
    load_palette,
)
from kseg_video.live.key_bindings import KEYS
from kseg_video.live.live_state import LiveState
from kseg_video.live.pipeline import open_live_background
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.live.screen import Click, Closed, Place, PointerMove
from kseg_video.live.session import LiveSession
from kseg_video.live.snapshots_and_recordings import LiveFiles
from tests.helpers.live_doubles import Clock, ScriptedCapture, ScriptedScreen, picture
from tests.helpers.media import ffmpeg, inspect
from tests.helpers.pictures import quadrants
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# The quadrants' colours, dark to light: lower left, upper left, upper right, lower right.
UPPER_LEFT, UPPER_RIGHT, LOWER_LEFT, LOWER_RIGHT = (5, 5), (50, 5), (5, 30), (50, 30)


class Stage:
    """Live run over scripted frames, with one scripted step per turn."""

    def __init__(self, files: LiveFiles, feed: ReconnectingFeed, capture: ScriptedCapture) -> None:
        self.capture, self.feed = capture, feed
        self.screen = ScriptedScreen()
        settings = SegmenterSettings(n_clusters=4)
        state = LiveState(settings, RenderSettings("masked"))
        self.files = files
        self.session = LiveSession("script", feed, self.screen, state, self.files)
        self._steps: list[Callable[[], object]] = []
        self._seed = 0
        self.screen.on_turn = self._next

    def show_frame(self) -> None:
        self._seed += 1
        self.capture.put(picture(self._seed))

    def then(self, *steps: Callable[[], object]) -> None:
        """Append steps, each with idle turns after it, so that it takes effect before the next."""
        for step in steps:
            self._steps += [step, lambda: None, lambda: time.sleep(0.03), lambda: None]

    def run(self) -> None:
        self.show_frame()
        self.then(lambda: self.screen.press("q"))
        with self.files:
            self.session.run()

    def _next(self) -> None:
        if self.screen.count and self.session.pipeline.segmentation is not None and self._steps:
            self._steps.pop(0)()

    def level(self, place: tuple[int, int]) -> int:
        return int(self.screen.shown[place[1], place[0]].max())


@pytest.fixture
def files(tmp_path: Path) -> LiveFiles:
    return LiveFiles(tmp_path)


@pytest.fixture
def stage(files: LiveFiles) -> Iterator[Stage]:
    capture = ScriptedCapture()
    with ReconnectingFeed(lambda: capture, reconnect=False) as feed:
        yield Stage(files, feed, capture)


def test_a_click_switches_the_region_under_it(stage: Stage) -> None:
    levels = []
    stage.then(
        lambda: stage.screen.waiting.append(Click(Place(*UPPER_RIGHT), alone=False)),
        lambda: levels.append([stage.level(p) for p in (UPPER_LEFT, UPPER_RIGHT)]),
        lambda: stage.screen.waiting.append(Click(Place(*UPPER_RIGHT), alone=False)),
        lambda: levels.append([stage.level(p) for p in (UPPER_LEFT, UPPER_RIGHT)]),
        lambda: stage.screen.waiting.append(Click(Place(*UPPER_RIGHT), alone=True)),
        lambda: levels.append([stage.level(p) for p in (UPPER_LEFT, UPPER_RIGHT)]),
    )
    stage.run()
    off, on, alone = levels
    assert off[0] > 100
    assert off[1] == 0
    assert min(on) > 100
    assert alone[0] == 0
    assert alone[1] > 100


def test_the_pointer_chooses_also_in_a_mirrored_picture(stage: Stage) -> None:
    levels = []
    stage.then(
        lambda: stage.screen.press("m"),
        lambda: stage.screen.waiting.append(PointerMove(Place(*UPPER_LEFT))),
        lambda: stage.screen.press("o"),
        lambda: levels.append([stage.level(p) for p in (UPPER_LEFT, UPPER_RIGHT, LOWER_RIGHT)]),
    )
    stage.run()
    assert levels[0][0] > 100
    assert levels[0][1:] == [0, 0]


def test_a_paused_picture_stands_still_and_still_answers(stage: Stage) -> None:
    shown = []
    stage.then(
        lambda: stage.screen.press("space"),
        lambda: shown.append(stage.screen.shown.copy()),
        stage.show_frame,
        lambda: shown.append(stage.screen.shown.copy()),
        lambda: stage.screen.press("a", "i"),
        lambda: shown.append(stage.screen.shown.copy()),
        lambda: stage.screen.press("a", "space"),
        stage.show_frame,
        lambda: shown.append(stage.screen.shown.copy()),
    )
    stage.run()
    assert np.array_equal(shown[0], shown[1])
    assert not shown[2].any()
    assert not np.array_equal(shown[3], shown[0])


def test_fewer_clusters_keep_their_numbers(stage: Stage) -> None:
    palettes = []

    def note() -> None:
        assert stage.session.pipeline.segmentation is not None
        palettes.append(stage.session.pipeline.segmentation.palette)

    stage.then(note, lambda: stage.screen.press("]"), note, lambda: stage.screen.press("["), note)
    stage.run()
    assert [len(palette) for palette in palettes] == [4, 5, 4]
    assert np.abs(palettes[2].centroids - palettes[0].centroids).max() < 10


def test_a_frozen_palette_stays_whatever_is_shown(stage: Stage) -> None:
    palettes = []

    def note() -> None:
        assert stage.session.pipeline.segmentation is not None
        palettes.append(stage.session.pipeline.segmentation.palette.centroids.copy())

    def show_other() -> None:
        frame = picture()
        stage.capture.put(type(frame)(255 - frame.pixels))

    stage.then(lambda: stage.screen.press("p"), note, show_other, note)
    stage.then(lambda: stage.screen.press("p", "n"), note)
    stage.run()
    assert np.array_equal(palettes[0], palettes[1])
    assert np.abs(palettes[2] - palettes[0]).max() > 20


def test_a_snapshot_is_view_original_and_palette(stage: Stage, tmp_path: Path) -> None:
    stage.then(lambda: stage.screen.press("1", "s"))
    stage.run()
    (palette,) = tmp_path.glob("*.json")
    view, original = palette.with_suffix(".png"), palette.with_stem(f"{palette.stem}-original")
    with Image.open(view) as masked, Image.open(original.with_suffix(".png")) as source:
        assert masked.size == source.size == (60, 40)
        assert (np.asarray(masked).max(axis=2) == 0).mean() == pytest.approx(0.25, abs=0.02)
        assert np.asarray(source).max(axis=2).min() > 100
    clusters = json.loads(palette.read_text())["palette"]
    assert [cluster["cluster"] for cluster in clusters] == [0, 1, 2, 3]
    assert load_palette(palette) == tuple(cluster["hex"] for cluster in clusters)
    assert sum(cluster["share"] for cluster in clusters) == pytest.approx(1)


class TestTakes:
    @pytest.fixture
    def files(self, tmp_path: Path) -> LiveFiles:
        return LiveFiles(tmp_path, tmp_path / "take.mkv")

    def test_they_are_numbered_and_nothing_is_replaced(self, stage: Stage, tmp_path: Path) -> None:
        wanted = tmp_path / "take.mkv"
        wanted.write_bytes(b"mine")
        stage.then(lambda: time.sleep(0.3), lambda: stage.screen.press("r"))
        stage.then(lambda: stage.screen.press("r"), lambda: time.sleep(0.3))
        stage.run()
        assert wanted.read_bytes() == b"mine"
        for name in ("take-2.mkv", "take-3.mkv"):
            assert inspect(tmp_path / name).width == 60


def test_what_is_chosen_from_the_start_is_found_on_the_first_frame(stage: Stage) -> None:
    stage.session.state = replace(
        stage.session.state, selection=ClusterSelection(only=("green", LOWER_RIGHT))
    )
    levels = []
    corners = (UPPER_LEFT, UPPER_RIGHT, LOWER_LEFT, LOWER_RIGHT)
    stage.then(
        lambda: levels.append([stage.level(place) for place in corners]),
        lambda: stage.screen.press("a"),
        lambda: levels.append([stage.level(place) for place in corners]),
    )
    stage.run()
    assert [level > 100 for level in levels[0]] == [False, True, False, True]
    assert min(levels[1]) > 100
    assert "green is cluster 2" in stage.session.summary()[1]
    assert "pixel 50,30 is cluster 3" in stage.session.summary()[2]


def test_a_colour_that_is_not_in_view_is_waited_for(stage: Stage) -> None:
    stage.session.state = replace(stage.session.state, selection=ClusterSelection(only=("purple",)))
    levels: list[float] = []
    stage.then(lambda: levels.append(stage.level(UPPER_LEFT)))
    stage.run()
    assert levels[0] > 100
    assert "no cluster is purple in the first frame: there is 0 red" in stage.session.summary()[1]


def test_the_paint_key_paints_picture_and_swatches(stage: Stage) -> None:
    state = stage.session.state
    stage.session.state = replace(
        state, rendering=RenderSettings(), paints=(None, ("#0a1128", "#fefcfb"))
    )
    seen = []

    def note() -> None:
        palette = stage.session.pipeline.palette(stage.session.state)
        assert palette is not None
        seen.append((stage.level(UPPER_LEFT), stage.level(LOWER_RIGHT), palette.hex_colors))

    stage.then(note, lambda: stage.screen.press("P"), note, lambda: stage.screen.press("P"), note)
    stage.run()
    own, painted, again = seen
    assert own == again
    assert painted[2][0] == "#0a1128"
    assert painted[2][-1] == "#fefcfb"
    assert painted[:2] == (0x28, 0xFE)


def test_a_paused_run_says_so(stage: Stage) -> None:
    conditions = []
    stage.then(
        lambda: conditions.append(stage.session._metrics().condition),
        lambda: stage.screen.press("space"),
        lambda: conditions.append(stage.session._metrics().condition),
    )
    stage.run()
    assert conditions == ["live", "paused"]


def test_the_background_key_goes_through_them_all(stage: Stage, tmp_path: Path) -> None:
    behind = tmp_path / "behind.png"
    Image.new("RGB", (90, 60), (0, 90, 255)).save(behind)
    state = stage.session.state
    stage.session.state = replace(state, backgrounds=(*state.backgrounds, behind))
    shown: list[NDArray[np.uint8]] = []

    def note() -> None:
        shown.append(stage.screen.shown[24:36, 4:26].copy())  # lower left, switched off

    stage.then(lambda: stage.screen.waiting.append(Click(Place(*LOWER_LEFT), alone=False)), note)
    for _ in state.backgrounds:
        stage.then(lambda: stage.screen.press("b"), note)
    with open_live_background(behind) as background:
        stage.session.pipeline.background = background
        stage.run()
    black, white, gray, blur, blocks, squares, picture = shown
    assert not black.any()
    assert (white == 255).all()
    assert np.ptp(gray, axis=2).max() == 0 < gray.max() < 255
    assert np.ptp(blur, axis=2).min() > 60
    assert np.ptp(blur.reshape(-1, 3), axis=0).max() < 12
    assert len(np.unique(blocks.reshape(-1, 3), axis=0)) < 100
    assert set(np.unique(squares)) == {204, 255}
    assert (picture == (255, 90, 0)).all()


def test_a_snapshot_on_a_transparent_background_is_transparent(
    stage: Stage, tmp_path: Path
) -> None:
    rendering = RenderSettings("masked", background="transparent", feather=0)
    stage.session.state = replace(stage.session.state, rendering=rendering)
    stage.then(
        lambda: stage.screen.waiting.append(Click(Place(*LOWER_LEFT), alone=False)),
        lambda: stage.screen.press("m", "s"),
    )
    stage.run()
    (palette,) = tmp_path.glob("*.json")
    with Image.open(palette.with_suffix(".png")) as view:
        alpha = np.asarray(view)[..., 3]
    assert (alpha[22:, 32:] == 0).all()  # lower left, mirrored
    assert (alpha[:18] == 255).all()


def test_a_video_plays_behind(tmp_path: Path) -> None:
    pattern = "color=black:size=32x24:rate=25,format=gray,geq=lum='60*N'"
    clip = tmp_path / "count.mkv"
    ffmpeg("-f", "lavfi", "-i", pattern, "-frames:v", "4", "-c:v", "ffv1", clip)
    seen: set[int] = set()
    with open_live_background(clip) as background:
        until = time.monotonic() + 5
        while len(seen) < 4 and time.monotonic() < until:
            frame = background.picture(60, 40)
            assert frame.pixels.shape == (40, 60, 3)
            seen.add(round(float(frame.pixels.mean()) / 60))
            time.sleep(0.01)
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no.png", "does not exist; check the name"),
        ("text.png", "is not an image"),
        ("text.mp4", "the background .*text.mp4 cannot be read .*; check that it plays"),
    ],
)
def test_a_background_that_cannot_be_read(tmp_path: Path, name: str, message: str) -> None:
    if name != "no.png":
        (tmp_path / name).write_text("nothing")
    with pytest.raises(SourceError, match=message), open_live_background(tmp_path / name):
        pass


def test_closing_the_screen_ends_it(stage: Stage) -> None:
    later: list[str] = []
    stage.then(lambda: stage.screen.waiting.append(Closed()), lambda: later.append("it goes on"))
    stage.run()
    assert not later


@pytest.mark.thorough
@pytest.mark.parametrize("condition", ["live", "paused", "lost", "paused and lost"])
def test_every_key_is_answered_in_the_turn_in_which_it_is_pressed(
    tmp_path: Path, condition: str
) -> None:
    clock, capture, screen = Clock(), ScriptedCapture(), ScriptedScreen(has_hud=True)
    state = LiveState(SegmenterSettings(n_clusters=10), RenderSettings("masked"))
    files = LiveFiles(tmp_path, clock=clock)
    with ReconnectingFeed(lambda: capture, reconnect=True, clock=clock) as feed, files:
        session = LiveSession("script", feed, screen, state, files, clock=clock)
        capture.put(Frame(quadrants(240, 320, noise=6)))
        wait_until(lambda: feed.received)
        session._turn()
        if "paused" in condition:
            screen.press("space")
        if "lost" in condition:
            capture.put(None)
            wait_until(lambda: feed.condition == "lost")
        session._turn()
        last = "space", "t"  # they change the condition and hide the messages
        keys = [key for binding in KEYS for key in binding.keys if key not in {"q", "Esc", *last}]
        for key in (*keys, *last):
            before, count = screen.shown, screen.count
            screen.press(key)
            session._turn()  # the clock stands still, so only the key can cause a redraw
            if key == "." and condition == "paused":
                capture.put(Frame(quadrants(240, 320, noise=6, seed=1)))
                wait_until(lambda: feed.received == 2)
                session._turn()
            assert screen.count > count, key
            # The window shows "f"; to "right" the answer is the one that "left" has just got.
            by_other = key in {"f", "right"}
            assert by_other or not np.array_equal(screen.shown, before), f"nothing to see of {key}"


def test_a_step_while_the_source_is_away_is_not_owed(tmp_path: Path) -> None:
    clock, screen = Clock(), ScriptedScreen()
    first, second = ScriptedCapture(), ScriptedCapture()
    state = LiveState(SegmenterSettings(n_clusters=4), RenderSettings("original"))
    captures = [first, second]
    files = LiveFiles(tmp_path, clock=clock)
    with ReconnectingFeed(lambda: captures.pop(0), reconnect=True, clock=clock) as feed, files:
        session = LiveSession("script", feed, screen, state, files, clock=clock)
        first.put(picture(1), None)
        wait_until(lambda: feed.condition == "lost")
        screen.press("space")
        session._turn()
        session._turn()
        stood = screen.shown
        screen.press(".")
        session._turn()
        assert session._metrics().message == "no next frame: the source is away"
        clock.now += 4
        assert session._metrics().message == "script: the source ended; trying again"
        second.put(picture(2))
        session._turn()
        wait_until(lambda: feed.received == 2)
        session._turn()
        assert np.array_equal(screen.shown, stood), "it is paused"
        second.put(picture(3))
        wait_until(lambda: feed.received == 3)
        screen.press(".")
        session._turn()
        second.put(picture(4))
        wait_until(lambda: feed.received == 4)
        session._turn()
        assert not np.array_equal(screen.shown, stood)


def test_the_palette_is_kept_while_the_source_is_away(tmp_path: Path) -> None:
    clock, screen = Clock(), ScriptedScreen()
    first, second = ScriptedCapture(), ScriptedCapture()
    captures = [first, second]
    state = LiveState(SegmenterSettings(n_clusters=4), RenderSettings("masked"))
    files = LiveFiles(tmp_path, clock=clock)
    with ReconnectingFeed(lambda: captures.pop(0), reconnect=True, clock=clock) as feed, files:
        session = LiveSession("script", feed, screen, state, files, clock=clock)
        first.put(picture(1))
        wait_until(lambda: feed.received == 1)
        session._turn()
        first.put(None)
        wait_until(lambda: feed.condition == "lost")
        screen.waiting.append(
            Click(Place(*UPPER_RIGHT), alone=False)
        )  # counts while the source is lost
        session._turn()
        before = session.pipeline.segmentation
        clock.now += 1
        session._turn()
        second.put(picture(2))
        wait_until(lambda: feed.received == 2)
        session._turn()
        after = session.pipeline.segmentation
    assert before is not None
    assert after is not None
    assert after.event == "warm"
    assert np.array_equal(after.labels[::39, ::59], before.labels[::39, ::59])
    assert np.abs(after.palette.centroids - before.palette.centroids).max() < 3
    assert screen.shown[5, 50].max() == 0
    assert screen.shown[5, 5].max() > 100


def test_a_source_that_gives_nothing_is_an_error(tmp_path: Path) -> None:
    capture = ScriptedCapture()
    capture.put(SourceError("script cannot be opened; check it"))
    with ReconnectingFeed(lambda: capture, reconnect=True) as feed:
        state = LiveState(SegmenterSettings(), RenderSettings())
        files = LiveFiles(tmp_path)
        session = LiveSession("script", feed, ScriptedScreen(), state, files)
        with files, pytest.raises(SourceError, match="script cannot be opened; check it"):
            session.run()
