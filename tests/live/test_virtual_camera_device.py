"""Playing into a real virtual camera: ``pytest -m camera``.

The kernel's vivid shows on a camera of its own what is played into its output.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video.core.errors import SinkError
from kseg_video.ffmpeg.process import executable
from kseg_video.live.camera_list import find_cameras
from kseg_video.live.virtual_camera import VirtualCamera
from tests.helpers.commands import finish, start
from tests.helpers.video_output import LEFT, RED, is_like
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.camera

# Vivid shows what is played only in formats that are like it.
INPUT = ("-f", "v4l2", "-input_format", "yuyv422", "-i")
SECONDS = 60  # enough for a slow, emulated machine


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


def drawn(path: Path) -> Path:
    """A clip, red on the left, with a new grey on the right twice a second, for 5 minutes."""
    grey = "40+20*mod(N\\,8)"
    channels = zip("rgb", RED, strict=True)
    pixels = ":".join(f"{name}=if(lt(X\\,4)\\,{level}\\,{grey})" for name, level in channels)
    source = f"color=black:s=8x6:r=2,format=gbrp,geq={pixels},scale=160:120:flags=neighbor"
    command = [executable(), "-loglevel", "error", "-f", "lavfi", "-i", source]
    subprocess.run([*command, "-t", "300", "-c:v", "ffv1", path], check=True)
    return path


def shown_by(camera: str) -> NDArray[np.uint8]:
    """A picture that another program takes from the camera, RGB."""
    command = ["ffmpeg", "-loglevel", "error", *INPUT, camera, "-frames:v", "5"]
    command += ["-sws_flags", "accurate_rnd", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    taken = subprocess.run(command, check=True, capture_output=True, timeout=SECONDS).stdout
    return np.frombuffer(taken, np.uint8).reshape(-1, 480, 640, 3)[-1]  # type: ignore[no-any-return]


def grey_shown_by(camera: str) -> int:
    """Number of the grey."""
    levels = shown_by(camera)[200:280, 440:520].astype(int)
    number = round(float(levels.mean() - 40) / 20)
    assert np.abs(levels - 40 - 20 * number).max() <= 3
    return number


def test_a_camera_shows_what_is_played(loop: tuple[str, str], tmp_path: Path) -> None:
    output, camera = loop
    options = ("--preview", "none", "--virtual-camera", "--view", "original", "-k", "1")
    with start("live", drawn(tmp_path / "clip.mkv"), *options) as process:
        try:
            wait_until(lambda: is_like(shown_by(camera), LEFT, RED), 2 * SECONDS)
            assert re.search(r"Width/Height +: 160/120\n", control(output, "--get-fmt-video-out"))
            grey = grey_shown_by(camera)
            wait_until(lambda: grey_shown_by(camera) != grey, SECONDS)
            for device in (output, ""):
                with pytest.raises(SinkError, match=f"{output} is in use: another program plays"):
                    VirtualCamera(device)
            control(output, "--set-ctrl=disconnect=1")
            outcome = finish(process, SECONDS)
        finally:
            process.kill()
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].endswith(
        f"the virtual camera {output} is gone; load it again"
    )
