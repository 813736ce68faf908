"""Playing into a virtual camera; into a real one with ``pytest -m camera``.

The kernel's vivid shows on a camera of its own what is played into its output.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video.core.errors import SinkError
from kseg_video.ffmpeg.process import executable
from kseg_video.live.camera_list import find_cameras
from kseg_video.live.virtual_camera import VirtualCamera
from tests.helpers.commands import finish, run, start
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

# Vivid shows what is played only in formats that are like it.
INPUT = ("-f", "v4l2", "-input_format", "yuyv422", "-i")
SECONDS = 60  # enough for a slow, emulated machine
RED, GREEN, BLACK = (0xB0, 0x10, 0x10), (0x20, 0xE0, 0x20), (0, 0, 0)
LEFT, RIGHT, TOP = (0.5, 0.25), (0.5, 0.75), (0.05, 0.25)  # shares of height and width


def test_what_is_no_virtual_camera_is_said(lake_clip: Path) -> None:
    for device, why in (
        ("/dev/null", "/dev/null is no virtual camera; load"),
        (str(lake_clip), f"{lake_clip} is no virtual camera; load"),
        ("77", "there is no virtual camera /dev/video77; load"),
    ):
        with pytest.raises(SinkError, match=re.escape(why)):
            VirtualCamera(device)
    outcome = run("live", lake_clip, "--preview", "none", "--virtual-camera", "77")
    assert outcome.code == 1
    assert outcome.err.startswith("kseg-video: error: there is no virtual camera /dev/video77; ")
    assert outcome.err.count("\n") == 1


@pytest.fixture
def loop() -> Iterator[tuple[str, str]]:
    """An output of vivid's, and the camera that shows what is played into it."""
    if shutil.which("v4l2-ctl") is None or not find_cameras()[0].name.startswith("vivid"):
        pytest.skip("needs the kernel's virtual camera, with an output")
    output, camera = "/dev/video1", "/dev/video0"
    if not re.search(r"Video Output\n", control(output, "--info")):
        pytest.skip("needs an output of the kernel's virtual camera")
    for device, choice in ((output, "--set-output=1"), (camera, "--set-input=3")):
        control(device, choice)  # HDMI, in 640x480
        control(device, "--set-dv-bt-timings=index=0")
    control(camera, "--set-ctrl=loop_video=1")
    yield output, camera
    control(camera, "--set-input=0")


def control(device: str, *arguments: str) -> str:
    command = ["v4l2-ctl", "-d", device, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def drawn(path: Path, pixels: str, *, rate: int, frames: int) -> Path:
    """A clip of 160x120 whose pixels ffmpeg computes."""
    source = f"color=black:s=160x120:r={rate},format=gbrp,geq={pixels}"
    command = [executable(), "-loglevel", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*command, "-frames:v", str(frames), "-c:v", "ffv1", path], check=True)
    return path


def shown_by(camera: str) -> NDArray[np.uint8]:
    """A picture that another program takes from the camera, RGB."""
    command = ["ffmpeg", "-loglevel", "error", *INPUT, camera, "-frames:v", "5"]
    command += ["-sws_flags", "accurate_rnd", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    taken = subprocess.run(command, check=True, capture_output=True, timeout=SECONDS).stdout
    return np.frombuffer(taken, np.uint8).reshape(-1, 480, 640, 3)[-1]  # type: ignore[no-any-return]


def is_like(picture: NDArray[np.uint8], at: tuple[float, float], color: tuple[int, ...]) -> bool:
    found = picture[int(at[0] * picture.shape[0]), int(at[1] * picture.shape[1])].astype(int)
    return bool(np.abs(found - color).max() <= 3)


@pytest.mark.camera
def test_a_camera_shows_what_is_played(loop: tuple[str, str], tmp_path: Path) -> None:
    pytest.importorskip("psutil", reason="playing a file needs psutil")
    output, camera = loop
    halves = "r=if(lt(X\\,80)\\,176\\,32):g=if(lt(X\\,80)\\,16\\,224):b=if(lt(X\\,80)\\,16\\,32)"
    clip = drawn(tmp_path / "halves.mkv", halves, rate=25, frames=50)
    options = ("--preview", "none", "--virtual-camera", "--loop", "-k", "2")
    with start("live", clip, *options) as process:
        try:
            wait_until(lambda: is_like(shown_by(camera), LEFT, RED), SECONDS)
            assert is_like(shown_by(camera), RIGHT, GREEN)
            with pytest.raises(SinkError, match=f"{output} is in use: another program plays into"):
                VirtualCamera("1")
            control(output, "--set-ctrl=disconnect=1")
            outcome = finish(process, SECONDS)
        finally:
            process.kill()
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].endswith(
        f"the virtual camera {output} is gone; load it again"
    )


@pytest.mark.camera
def test_views_of_another_shape_are_fitted(loop: tuple[str, str]) -> None:
    _, camera = loop
    picture = np.zeros((120, 160, 3), np.uint8)
    picture[:] = RED[::-1]
    with VirtualCamera("") as played:
        for shown in (picture, np.ascontiguousarray(picture[:40])):
            for _ in range(20):
                played.offer(shown)
                time.sleep(0.05)
        wait_until(lambda: is_like(shown_by(camera), LEFT, RED), SECONDS)
        assert is_like(shown_by(camera), TOP, BLACK)
        assert played.failure == ""


@pytest.mark.camera
def test_it_keeps_the_rate(loop: tuple[str, str], tmp_path: Path) -> None:
    pytest.importorskip("psutil", reason="playing a file needs psutil")
    _, camera = loop
    level = "40+20*mod(N\\,8)"
    clip = drawn(tmp_path / "steps.mkv", f"r={level}:g={level}:b={level}", rate=2, frames=200)
    options = ("--preview", "none", "--virtual-camera", "--view", "original", "-k", "1")
    command = ["ffmpeg", "-hide_banner", *INPUT, camera, "-t", "20"]
    command += ["-vf", "crop=8:8,format=rgb24,showinfo", "-f", "null", "-"]
    with start("live", clip, *options) as process:
        try:
            # Noise before; vivid writes its time at the edge.
            wait_until(lambda: np.ptp(shown_by(camera)[200:280, 280:360]) < 5, SECONDS)
            read = subprocess.run(command, capture_output=True, text=True, check=True)
        finally:
            process.terminate()
    steps: list[tuple[float, int]] = []
    for at, gray in re.findall(r"pts_time:([\d.]+).*?mean:\[(\d+)", read.stderr):
        step = round((int(gray) - 40) / 20)
        assert abs(int(gray) - 40 - 20 * step) <= 3
        if not steps or steps[-1][1] != step:
            steps.append((float(at), step))
    times, levels = zip(*steps[1:], strict=True)
    assert all((after - before) % 8 == 1 for before, after in pairwise(levels)), levels
    assert (len(times) - 1) / (times[-1] - times[0]) == pytest.approx(2, rel=0.02)
