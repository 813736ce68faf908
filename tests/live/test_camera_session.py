"""A session at a camera: its first frames, the next camera, rights, and what is saved."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import ClusterSelection, Frame, RenderSettings, SegmenterSettings, SourceError
from kseg_video.cli.arguments import command_parser
from kseg_video.cli.live_command import _camera_changer, _first_camera, list_cameras
from kseg_video.live.camera_list import Camera, find_cameras
from kseg_video.live.live_state import LiveState
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.live.session import LiveSession
from kseg_video.live.snapshots_and_recordings import LiveFiles
from tests.helpers.live_doubles import Clock, ScriptedCapture, ScriptedScreen
from tests.helpers.media import read_planes
from tests.helpers.pictures import quadrants
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kseg_video.live.capture import Capture

SETTINGS = SegmenterSettings(n_clusters=4)


def frame(brightness: float = 1.0, seed: int = 0) -> Frame:
    return Frame((quadrants(40, 60, seed=seed) * brightness).astype(np.uint8))


class Camera1:
    """A session at a scripted camera, turned by hand, and another camera beside it."""

    def __init__(self, folder: Path, state: LiveState) -> None:
        self.capture, self.other = ScriptedCapture(), ScriptedCapture()
        self.clock, self.screen = Clock(), ScriptedScreen()
        self.feed = ReconnectingFeed(lambda: self.capture, reconnect=True, clock=self.clock)
        self.files = LiveFiles(folder, clock=self.clock)
        self.session = LiveSession(
            "camera 1",
            self.feed,
            self.screen,
            state,
            self.files,
            next_camera=self._change,
            clock=self.clock,
        )

    def _change(self) -> tuple[str, Callable[[], Capture]]:
        return "camera 2", lambda: self.other

    def show(self, *frames: Frame, by: ScriptedCapture | None = None) -> None:
        """Take frames, a thirtieth of a second apart."""
        for each in frames:
            received = self.feed.received
            (by or self.capture).put(each)
            wait_until(lambda received=received: self.feed.received > received)  # type: ignore[misc]
            self.session._turn()
            self.clock.now += 1 / 30

    @property
    def is_segmented(self) -> bool:
        return self.session.pipeline.segmentation is not None

    @property
    def condition(self) -> str:
        return self.session._reporter.hud_content(self.session.state, None).condition


@contextlib.contextmanager
def camera_of(folder: Path, state: LiveState) -> Iterator[Camera1]:
    camera = Camera1(folder, state)
    with camera.feed, camera.files:
        yield camera


@pytest.fixture
def camera(tmp_path: Path) -> Iterator[Camera1]:
    with camera_of(tmp_path, LiveState(SETTINGS, RenderSettings("masked"))) as camera:
        yield camera


class TestFirstFrames:
    DAWN = (0.0, 0.0, 0.1, 0.3, 0.5, 0.7, 0.9)

    def test_what_names_clusters_waits_until_it_is_bright(self, tmp_path: Path) -> None:
        only_green = ClusterSelection(only=("green",))
        state = LiveState(SETTINGS, RenderSettings("masked"), only_green, frozen=True)
        with camera_of(tmp_path, state) as camera:
            camera.show(*map(frame, self.DAWN))
            assert not camera.is_segmented
            assert camera.condition == "warming up"
            assert np.array_equal(camera.screen.shown, frame(0.9).bgr), "shown as it is"
            camera.show(*(frame(seed=seed) for seed in range(6)))
            assert camera.is_segmented
            assert camera.session.state.rendering.disabled == {0, 1, 3}
            assert camera.session.pipeline.segmentation is not None
            brightest = camera.session.pipeline.segmentation.palette.colors.max()
            assert brightest > 200, "the frozen palette is of the bright picture"

    def test_what_never_settles_is_waited_for_a_second(self, camera: Camera1) -> None:
        camera.show(*(frame(0.3 + 0.6 * (number % 2)) for number in range(29)))
        assert not camera.is_segmented
        camera.show(*(frame(0.3 + 0.6 * (number % 2)) for number in range(4)))
        assert camera.is_segmented

    def test_a_steady_picture_is_segmented_soon(self, camera: Camera1) -> None:
        camera.show(*(frame(seed=seed) for seed in range(5)))
        assert camera.is_segmented

    def test_a_black_picture_is_segmented_after_a_second(self, camera: Camera1) -> None:
        camera.show(*[frame(0.0)] * 29)
        assert not camera.is_segmented
        camera.show(*[frame(0.0)] * 4)
        assert camera.is_segmented

    def test_keys_and_clicks_meanwhile_do_no_harm(self, camera: Camera1) -> None:
        camera.show(frame(0.1))
        for key in "vmbio[s0.":
            camera.screen.press(key)
        camera.show(frame(0.2))
        assert not camera.is_segmented, "a change of k fits no dark frame"
        camera.show(*(frame(seed=seed) for seed in range(6)))
        assert camera.is_segmented

    def test_they_are_waited_for_again_when_it_was_away(self, camera: Camera1) -> None:
        camera.show(*(frame(seed=seed) for seed in range(6)))
        assert camera.session.pipeline.segmentation is not None
        before = camera.session.pipeline.segmentation.palette.centroids
        camera.capture.put(None)
        wait_until(lambda: camera.feed.condition == "lost")
        camera.capture = ScriptedCapture()
        camera.clock.now += 1
        camera.session._turn()
        camera.show(*map(frame, self.DAWN))
        assert not camera.is_segmented
        camera.show(*(frame(seed=seed) for seed in range(6)))
        after = camera.session.pipeline.segmentation
        assert after is not None
        assert np.abs(after.palette.centroids - before).max() < 3


class TestNextCamera:
    def test_it_takes_over_in_its_own_size(self, camera: Camera1) -> None:
        camera.show(*(frame(seed=seed) for seed in range(6)))
        camera.screen.press("C")
        camera.session._turn()
        assert camera.session._metrics().message == "camera 2"
        other = [Frame(quadrants(30, 50, seed=seed)) for seed in range(6)]
        camera.show(other[0], by=camera.other)
        assert camera.screen.shown.shape == (30, 50, 3)
        assert not camera.is_segmented, "its first frames are waited for, too"
        camera.show(*other[1:], by=camera.other)
        assert camera.is_segmented
        assert camera.capture.closed
        assert camera.session._reporter.hud_content(camera.session.state, None).source == "camera 2"
        assert camera.session.summary()[0].startswith("camera 2: ")

    def test_it_is_shown_also_while_paused(self, camera: Camera1) -> None:
        camera.show(*(frame(seed=seed) for seed in range(6)))
        camera.screen.press("space")
        camera.session._turn()
        camera.screen.press("C")
        camera.session._turn()
        camera.show(Frame(quadrants(30, 50)), by=camera.other)
        assert camera.screen.shown.shape == (30, 50, 3)

    @pytest.mark.parametrize(
        ("source", "devices", "expected"),
        [
            ("0", ("video0", "video2", "video4"), ["video2", "video4", "video0"]),
            ("/dev/video2", ("video0", "video2"), ["video0", "video2"]),
            ("/dev/video7", ("video0", "video2"), ["video0", "video2"]),
            ("/dev/video0", ("video0",), "there is no other camera"),
            ("/dev/video0", (), "there is no other camera"),
        ],
    )
    def test_they_come_in_turn(
        self,
        monkeypatch: pytest.MonkeyPatch,
        source: str,
        devices: tuple[str, ...],
        expected: list[str] | str,
    ) -> None:
        found = [Camera(Path("/dev") / name, name, ()) for name in devices]
        monkeypatch.setattr("kseg_video.cli.live_command.find_cameras", lambda: found)
        change = _camera_changer(source, command_parser().parse_args(["live", source]))
        if isinstance(expected, str):
            with pytest.raises(SourceError, match=expected):
                change()
        else:
            assert [change()[0] for _ in expected] == [f"/dev/{name}" for name in expected]

    def test_without_another_it_says_so(
        self, camera: Camera1, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def none() -> tuple[str, Callable[[], Capture]]:
            raise SourceError("there is no other camera")

        monkeypatch.setattr(camera.session._source, "_next_camera", none)
        camera.show(*(frame(seed=seed) for seed in range(6)))
        camera.screen.press("C")
        camera.session._turn()
        assert camera.session._metrics().message == "there is no other camera"
        camera.show(frame())
        assert camera.is_segmented


def test_missing_rights_are_named_without_a_device_being_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("video10", "video2"):
        (tmp_path / name).touch()

    def deny(*_: object, **__: object) -> bool:
        return False

    monkeypatch.setattr("kseg_video.live.camera_list._DEVICES", tmp_path)
    monkeypatch.setattr("kseg_video.live.camera_list.os.access", deny)
    said = f"{tmp_path}/video2 may not be opened; add yourself to its group"
    for ask in (find_cameras, _first_camera, list_cameras):
        with pytest.raises(SourceError, match=said):
            ask()


class TestSaving:
    def test_a_timed_snapshot_counts_down(self, camera: Camera1, tmp_path: Path) -> None:
        camera.show(*(frame(seed=seed) for seed in range(6)))
        camera.screen.press("S")
        messages = []
        for _ in range(16):
            camera.session._turn()
            messages.append(camera.session._metrics().message)
            camera.clock.now += 0.2
        assert list(dict.fromkeys(messages)) == [
            *("snapshot in 3", "snapshot in 2", "snapshot in 1"),
            "saving",
        ]
        wait_until(lambda: any(tmp_path.glob("kseg-*.json")))

    @pytest.mark.parametrize("saves_mirrored", [True, False])
    def test_what_is_saved_is_mirrored_or_not(self, tmp_path: Path, saves_mirrored: bool) -> None:
        state = LiveState(
            SETTINGS, RenderSettings("original"), mirrored=True, saves_mirrored=saves_mirrored
        )
        with camera_of(tmp_path, state) as camera:
            camera.show(*(frame(seed=seed) for seed in range(6)))
            mirrored = frame().bgr[:, ::-1]
            assert np.abs(camera.screen.shown[5, 5].astype(int) - mirrored[5, 5]).max() < 20
            camera.screen.press("s", "r")
            camera.show(*(frame(seed=seed) for seed in range(6)))
        saved = next(each for each in tmp_path.glob("kseg-*.png") if "original" not in each.name)
        with Image.open(saved) as view:
            snapshot = np.asarray(view)[..., ::-1]
        recording = read_planes(next(tmp_path.glob("kseg-*.mp4")), "rgb24")[0][..., ::-1]
        expected = mirrored if saves_mirrored else frame().bgr
        for found in (snapshot, recording):
            assert np.abs(found[5, 5].astype(int) - expected[5, 5]).max() < 40


def test_an_undone_switch_comes_back(camera: Camera1) -> None:
    camera.show(*(frame(seed=seed) for seed in range(6)))
    off = []
    for key in "1u23uau":
        camera.screen.press(key)
        camera.session._turn()
        off.append(set(camera.session.state.rendering.disabled))
    assert off == [{1}, set(), {2}, {2, 3}, {2}, set(), {2}]
    camera.session.state = replace(camera.session.state, switched=None)
    camera.screen.press("u")
    camera.session._turn()
    assert camera.session._metrics().message == "nothing has been switched"
