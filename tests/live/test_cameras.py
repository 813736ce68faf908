"""A real V4L2 camera, the kernel's virtual one or any other: ``pytest -m camera``."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from kseg_video.cli.arguments import command_parser
from kseg_video.cli.doctor import _cameras
from kseg_video.cli.live_command import _camera_changer
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.ffmpeg.probe import probe
from kseg_video.live.camera_list import find_cameras
from kseg_video.live.capture import open_capture
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from tests.helpers.commands import finish, run, start
from tests.helpers.waiting import wait_until

pytestmark = pytest.mark.camera

DEVICE = Path("/dev/video0")
SECONDS = 60  # enough for a slow, emulated machine


def is_virtual() -> bool:
    return find_cameras()[0].name.startswith("vivid")


def feed_of(source: str, settings: CaptureSettings | None = None) -> ReconnectingFeed:
    settings = settings or CaptureSettings()
    return ReconnectingFeed(
        lambda: open_capture(source, settings), reconnect=True, may_repeat=False
    )


def test_the_cameras_are_listed() -> None:
    cameras = find_cameras()
    assert cameras[0].device == DEVICE
    assert cameras[0].name
    assert any(mode.width >= 320 and mode.frame_rates for mode in cameras[0].modes)
    listed = run("cameras")
    assert listed.code == 0
    assert str(DEVICE) in listed.out
    assert cameras[0].name[:10] in listed.out
    assert _cameras().startswith(f"{DEVICE} {cameras[0].name}"), "doctor finds them"


@pytest.mark.parametrize("source", ["0", str(DEVICE)])
def test_by_number_and_by_device(source: str) -> None:
    with feed_of(source) as feed:
        wait_until(lambda: feed.received >= 2, SECONDS)
        assert feed.description.startswith(str(DEVICE))


def test_a_size_that_is_granted() -> None:
    mode = next(mode for mode in find_cameras()[0].modes if mode.width <= 640)
    with feed_of("0", CaptureSettings(size=(mode.width, mode.height))) as feed:
        wait_until(lambda: feed.received >= 1, SECONDS)
        received = feed.take(1)
        assert received is not None
        assert (received.frame.width, received.frame.height) == (mode.width, mode.height)
        assert f"{mode.width}x{mode.height}" in feed.description


def test_a_camera_in_use() -> None:
    with feed_of("0") as feed:
        wait_until(lambda: feed.received >= 1, SECONDS)
        outcome = run("live", "0", "--preview", "none")
        assert outcome.code == 1
        assert "in use" in outcome.err


def test_a_camera_that_is_not_there() -> None:
    outcome = run("live", "77", "--preview", "none")
    assert outcome.code == 1
    assert "there is no camera /dev/video77" in outcome.err


def test_it_is_recorded(tmp_path: Path) -> None:
    target = tmp_path / "out.mp4"
    process = start("live", "--preview", "none", "--size", "320x180", "--record", target)
    wait_until(target.exists, SECONDS)
    time.sleep(5)
    process.terminate()
    assert finish(process, SECONDS).code == 0
    assert probe(target).width == 320


def test_an_unplugged_camera_comes_back() -> None:
    if not is_virtual() or shutil.which("v4l2-ctl") is None:
        pytest.skip("needs the kernel's virtual camera, whose plug can be pulled")
    with feed_of("0") as feed:
        wait_until(lambda: feed.received >= 2, SECONDS)
        subprocess.run(["v4l2-ctl", "-d", DEVICE, "-c", "disconnect=1"], check=True)
        wait_until(lambda: feed.take(0.01) is None and feed.losses >= 1, SECONDS)
        received = feed.received
        wait_until(lambda: feed.take(0.01) is not None and feed.received > received, SECONDS)
        assert feed.condition == "live"


def test_two_cameras() -> None:
    cameras = find_cameras()
    if len(cameras) < 2:
        pytest.skip("needs two cameras")
    names = [str(camera.device) for camera in cameras[:2]]
    with feed_of(names[0]) as first, feed_of(names[1]) as second:
        wait_until(lambda: first.received and second.received, SECONDS)
        assert first.description.startswith(names[0])
        assert second.description.startswith(names[1])


def test_the_next_camera() -> None:
    cameras = [str(camera.device) for camera in find_cameras()]
    if len(cameras) < 2:
        pytest.skip("needs two cameras")
    change = _camera_changer("0", command_parser().parse_args(["live", "0"]))
    with feed_of("0") as feed:
        wait_until(lambda: feed.received, SECONDS)
        for expected in (*cameras[1:], cameras[0]):
            name, open_capture_of_next = change()
            assert name == expected
            feed.reopen(open_capture_of_next)
            wait_until(lambda name=name: shows(feed, name), SECONDS)  # type: ignore[misc]


def shows(feed: ReconnectingFeed, name: str) -> bool:
    return feed.condition == "live" and feed.description.startswith(name)
