"""Captures from real streams on loopback and real files, and the errors of absent ones."""

from __future__ import annotations

import os
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from kseg_video import SourceError
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.ffmpeg.process import environment, executable
from kseg_video.live.camera_capture import CameraCapture
from kseg_video.live.capture import is_camera, is_stream, open_capture
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from tests.helpers.commands import finish, run, start
from tests.helpers.disks import small_disk
from tests.helpers.live_doubles import ScriptedVideo
from tests.helpers.media import ffmpeg, inspect, left_in, make_clip, read_planes
from tests.helpers.rtsp import RtspServer
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


class Server:
    """ffmpeg serving motion JPEG over HTTP as a live source, one client at a time."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self._process: subprocess.Popen[bytes] | None = None

    def start(
        self, color: str = "blue", seconds: float = 60, size: str = "160x120", rate: float = 25
    ) -> None:
        source = f"color=c={color}:s={size}:r={rate},noise=alls=4:allf=t"
        command = [executable(), "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi"]
        command += ["-i", source, "-t", str(seconds), "-c:v", "mjpeg", "-f", "mpjpeg"]
        self._process = subprocess.Popen(
            [*command, "-listen", "1", self.url], env=environment(), stderr=subprocess.DEVNULL
        )
        self._wait_until_listening()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _wait_until_listening(self) -> None:
        row = f":{self.port:04X} 00000000:0000 0A"
        for _ in range(500):
            with open("/proc/net/tcp") as table:  # noqa: PTH123 - to connect would use it up
                if row in table.read():
                    return
            time.sleep(0.01)
        pytest.fail("the server does not listen")


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


def feed_of(url: str) -> ReconnectingFeed:
    return ReconnectingFeed(lambda: open_capture(url, CaptureSettings()), reconnect=True)


def test_a_stream_arrives_in_its_colours(server: Server) -> None:
    server.start("0x2040c0")
    with feed_of(server.url) as feed:
        wait_until(lambda: feed.received > 5)
        received = feed.take(1)
        assert received is not None
        assert (received.frame.width, received.frame.height) == (160, 120)
        mean = received.frame.bgr.reshape(-1, 3).mean(axis=0)
        assert np.abs(mean - (0xC0, 0x40, 0x20)).max() < 4
        assert feed.description.endswith("160x120"), "its rate is a guess of the decoder's"


def test_a_stream_that_is_cut_off_comes_back(server: Server) -> None:
    server.start("red")
    with feed_of(server.url) as feed:
        wait_until(lambda: feed.received > 3)
        server.stop()
        wait_until(lambda: feed.condition == "lost")
        server.start("blue")

        def came_back() -> bool:
            received = feed.take(0.01)
            return received is not None and received.frame.bgr[60, 80, 0] > 200

        wait_until(came_back)
        assert feed.losses >= 1


@pytest.mark.thorough
def test_a_slow_stream_is_no_lost_one(server: Server) -> None:
    server.start(rate=1)
    with feed_of(server.url) as feed:
        deadline = time.monotonic() + 20
        while feed.received < 4:
            feed.take(0.05)
            assert time.monotonic() < deadline
        assert (feed.condition, feed.losses, feed.dropped) == ("live", 0, 0)


def test_a_stream_that_is_slow_to_open_is_waited_for() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        process = start("live", f"http://127.0.0.1:{silent.getsockname()[1]}/", "--preview", "none")
        time.sleep(3)
        assert process.poll() is None
        process.terminate()
        assert finish(process, 10).code == 0


@pytest.mark.thorough
def test_a_stream_of_another_size_takes_its_place(server: Server, tmp_path: Path) -> None:
    server.start("red")
    target = tmp_path / "out.mp4"
    process = start("live", server.url, "--preview", "none", "--record", target)
    wait_until(target.exists)
    time.sleep(1)
    server.stop()
    server.start("blue", size="320x200")
    time.sleep(6)
    process.terminate()
    assert finish(process, 20).code == 0
    last = read_planes(target, "rgb24")[-1]
    assert last.shape == (120, 160, 3)
    assert last[60, 80, 2] > 200


@pytest.mark.thorough
def test_a_stream_over_udp() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        url = f"udp://127.0.0.1:{free.getsockname()[1]}"
    command = [executable(), "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi"]
    command += ["-i", "color=c=red:s=160x120:r=25,noise=alls=4:allf=t", "-c:v", "libx264"]
    command += ["-tune", "zerolatency", "-g", "25", "-f", "mpegts", url]
    with feed_of(url) as feed, subprocess.Popen(command, env=environment()) as sender:
        deadline = time.monotonic() + 20
        while feed.received < 10:
            feed.take(0.02)
            assert time.monotonic() < deadline
        sender.terminate()
        while feed.condition == "live":
            feed.take(0.02)
            assert time.monotonic() < deadline
        assert feed.message == "no frames come"


def test_a_stream_over_rtsp_that_is_cut_off_comes_back(tmp_path: Path) -> None:
    with RtspServer(tmp_path, "red") as server, feed_of(server.url) as feed:
        deadline = time.monotonic() + 30

        def taken_after(losses: int) -> NDArray[np.uint8]:
            while (received := feed.take(0.02)) is None or feed.losses <= losses:
                assert time.monotonic() < deadline
            return received.frame.bgr

        first = taken_after(-1)
        assert np.abs(first.reshape(-1, 3).mean(axis=0) - (0, 0, 255)).max() < 6
        server.cut_off()
        assert taken_after(0).shape == (120, 160, 3)


def test_an_address_where_nobody_is(server: Server) -> None:
    outcome = run("live", server.url, "--preview", "none")
    assert outcome.code == 1
    assert "cannot be opened" in outcome.err
    assert "(Connection refused); check the address" in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_stream_that_ends_is_recorded_to_its_end(server: Server, tmp_path: Path) -> None:
    server.start(seconds=2)
    target = tmp_path / "out.mkv"
    options = ("--preview", "none", "--no-reconnect", "--record", target)
    assert run("live", server.url, *options).code == 0
    stored = inspect(target)
    assert (stored.width, stored.height) == (160, 120)
    assert 1.2 < stored.seconds < 2.6


def test_a_file_that_is_played_once_gives_all_its_frames(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=0.4)
    capture = open_capture(str(clip), CaptureSettings())
    count = 0
    while capture.read() is not None:
        count += 1
    capture.close()
    assert count == 10


def test_a_file_of_a_variable_rate_is_played_in_its_own_time(tmp_path: Path) -> None:
    held = "setpts='if(lt(N,5),N,N+30)/25/TB'"  # five frames, then none for more than a second
    clip = make_clip(
        tmp_path / "held.mkv", "-vf", held, "-fps_mode", "vfr", "-c:v", "ffv1", seconds=2
    )
    capture = open_capture(str(clip), CaptureSettings())
    times = []
    while (frame := capture.read()) is not None:
        times.append(frame.time)
    capture.close()
    assert times[-1] == pytest.approx(49 / 25, abs=0.1)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("/dev/video99", "there is no camera /dev/video99; plug it in"),
        ("99", "there is no camera /dev/video99; plug it in"),
        ("/dev/null", "in use, or is no camera"),
        ("nothing.mp4", "nothing.mp4 is no file, camera number or URL; check the name"),
        ("text.mp4", "text.mp4 is not a video that ffmpeg can decode (Invalid data found"),
        ("sound.m4a", "sound.m4a holds no video; give a video file"),
        ("dot.mkv", "dot.mkv has pictures of 1x1; live plays what is at least 2x2"),
    ],
)
def test_what_is_not_there_or_no_video(tmp_path: Path, source: str, said: str) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.2", "-c:a", "aac", str(tmp_path / "sound.m4a"))
    make_clip(tmp_path / "dot.mkv", "-c:v", "rawvideo", size="1x1", picture="color=c=red")
    outcome = run("live", source, "--preview", "none", cwd=tmp_path)
    assert outcome.code == 1
    assert outcome.err.startswith("kseg-video: error: ")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


def test_an_image_is_not_played(tmp_path: Path) -> None:
    (tmp_path / "photo.JPG").touch()
    outcome = run("live", "photo.JPG", "--preview", "none", cwd=tmp_path)
    advice = "segment it with: kseg-video convert photo.JPG --show"
    assert outcome.err == f"kseg-video: error: photo.JPG is an image; {advice}\n"
    assert outcome.code == 2


@pytest.mark.parametrize("options", [(), ("-c:v", "apng", "-f", "apng")])
def test_an_animation_is_played(tmp_path: Path, options: tuple[str, ...]) -> None:
    name = "a.png" if options else "a.webp"
    make_clip(tmp_path / name, *options, seconds=0.4)
    outcome = run("live", name, "--preview", "none", cwd=tmp_path)
    assert outcome.code == 0
    assert outcome.err.endswith("the source ended\n")


@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="there is a camera")
def test_no_camera_at_all() -> None:
    outcome = run("live", "--preview", "none")
    assert outcome.code == 1
    said = "kseg-video: error: there is no camera; plug one in"
    assert outcome.err == f"{said}, or name a source\n"
    listed = run("cameras")
    assert (listed.code, listed.out, listed.err) == (1, "", f"{said}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be")
def test_a_device_that_may_not_be_opened(tmp_path: Path) -> None:
    device = tmp_path / "video0"
    device.touch(mode=0o000)
    pid = os.fork()
    if pid == 0:
        os.setuid(65_534)
        try:
            CameraCapture(str(device), CaptureSettings())
        except SourceError as error:
            os._exit(0 if "may not be opened" in str(error) else 2)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_camera_is_asked_for_motion_jpeg_before_size_and_rate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cv2, "VideoCapture", ScriptedVideo)
    device = tmp_path / "video0"
    device.touch()
    settings = CaptureSettings(size=(1920, 1080), frame_rate=60)
    capture = CameraCapture(str(device), settings)
    assert capture.description.endswith("video0 1280x720 30 fps MJPG"), "as granted, not as asked"
    frame = capture.read()
    assert frame is not None
    assert (frame.width, frame.height) == (1280, 720)
    capture.close()


def test_a_file_among_the_devices_is_a_file() -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        clip = make_clip(Path(folder, "clip.mp4"), seconds=0.2)
        assert run("live", clip, "--preview", "none").code == 0


@pytest.mark.parametrize("records", [False, True])
def test_a_folder_that_is_not_writable(tmp_path: Path, records: bool) -> None:
    """It is an error only if something is to be written there."""
    with small_disk(tmp_path / "disk", "1m") as disk:
        make_clip(disk / "clip.mp4", seconds=0.2)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        options = ("--record", "out.mp4") if records else ()
        outcome = run("live", "clip.mp4", "--preview", "none", *options, cwd=disk)
    assert outcome.code == int(records)
    assert ("the folder . is not writable" in outcome.err) == records


@pytest.mark.parametrize("options", [("a.ts", "-bf", "2"), ("a.ts", "-bf", "0"), ("a.mkv",)])
def test_a_file_that_is_looped_starts_again(tmp_path: Path, options: tuple[str, ...]) -> None:
    clip = make_clip(tmp_path / options[0], *options[1:], seconds=1.4)
    capture, shown = open_capture(str(clip), CaptureSettings(loop=True)), list[int]()
    while len(shown) < 105 and (frame := capture.read()) is not None:
        shown.append(hash(frame.pixels.tobytes()))
    capture.close()
    assert len(set(shown[:35])) > 25, "some are alike"
    assert shown == 3 * shown[:35]


def test_a_looped_file_that_is_removed_meanwhile_ends_the_run(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mkv", seconds=0.4)
    take = tmp_path / "take.mkv"
    process = start("live", clip, "--loop", "--preview", "none", "-q", "--record", take)
    wait_until(lambda: take.exists() and take.stat().st_size)
    clip.unlink()
    outcome = finish(process, 20)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"kseg-video: error: {clip} is gone; put it back and try again\n"


def test_pixels_that_are_not_square_are_made_so(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "wide.mp4", "-vf", "setsar=16/11", size="176x144", seconds=0.2)
    capture = open_capture(str(clip), CaptureSettings())
    frame = capture.read()
    capture.close()
    assert frame is not None
    assert (frame.width, frame.height) == (256, 144)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (("--record", "out.webm"), 2, "cannot be recorded to; name it .mp4, .mov, .mkv"),
        (("--record", "nowhere/out.mp4"), 1, "the folder nowhere does not exist; make it first"),
        (("--output-dir", "nowhere"), 1, "the folder nowhere does not exist; make it first"),
        (("--view", "labels"), 2, "live cannot show labels; choose segmented, masked"),
        (("--size", "big"), 2, "'big' is not a size such as 1280x720"),
        (("--fps", "0"), 2, "the frame rate cannot be 0"),
        (("--disable", "7"), 2, "there is no cluster 7"),
    ],
)
def test_wrong_options(tmp_path: Path, options: tuple[str, ...], code: int, said: str) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=0.2)
    outcome = run("live", clip, "--preview", "none", *options, cwd=tmp_path)
    assert outcome.code == code
    assert said in outcome.err
    assert outcome.err.count("\n") == 1
    assert left_in(tmp_path) == ["clip.mp4"]


def test_names() -> None:
    assert is_camera("0")
    assert is_camera("/dev/video2"), "be it plugged in or not"
    assert is_camera("/dev/null"), "it has to be opened to be told from one"
    assert not is_camera("clip.mp4")
    assert is_stream("rtsp://127.0.0.1/a")
    assert not is_stream("a:b.mp4")
