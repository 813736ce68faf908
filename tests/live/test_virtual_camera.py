"""Playing into a virtual camera, whose driver or library is a double."""

from __future__ import annotations

import errno
import re
import sys
import time
from importlib.machinery import ModuleSpec
from itertools import pairwise
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest

from kseg_video.core.errors import SinkError
from kseg_video.live.snapshots_and_recordings import LiveFiles
from kseg_video.live.virtual_camera import VirtualCamera
from tests.helpers.commands import run, without_rights
from tests.helpers.media import inspect
from tests.helpers.video_output import (
    BLACK,
    BUFFERS,
    CAPTURE,
    GREEN,
    LEFT,
    RED,
    TOP,
    Driver,
    filled,
    is_like,
)
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def test_what_is_no_virtual_camera_is_said(lake_clip: Path, tmp_path: Path) -> None:
    for device, why in (
        ("/dev/null", "/dev/null is no virtual camera; load"),
        (str(tmp_path), f"{tmp_path} is no virtual camera; load"),
        (str(lake_clip), f"{lake_clip} is no virtual camera; put the source before"),
        ("77", "there is no virtual camera /dev/video77; load"),
        ("/dev/null/9", "there is no virtual camera /dev/null/9; load"),
    ):
        with pytest.raises(SinkError, match=re.escape(why)):
            VirtualCamera(device)


def test_a_device_without_rights_ends_the_run(lake_clip: Path, tmp_path: Path) -> None:
    device = tmp_path / "video9"
    device.touch(0)
    options = ("--preview", "none", "--virtual-camera", device)
    outcome = run("live", lake_clip, *options, preexec_fn=without_rights)
    assert outcome.code == 1
    why = f"{device} may not be opened; add yourself to its group (often: video)"
    assert outcome.err == f"kseg-video: error: {why}\n"


def test_an_output_that_is_played_into_is_in_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(tmp_path / "video9", monkeypatch, capabilities=CAPTURE)
    with pytest.raises(SinkError, match="video9 is in use: another program plays into it; end"):
        VirtualCamera(str(driver.device))


@pytest.mark.parametrize("pixel_format", [b"YUYV", b"YU12"])
def test_an_odd_size_loses_its_last_row_and_column(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pixel_format: bytes
) -> None:
    driver = Driver(tmp_path / "video9", monkeypatch, formats=(pixel_format,))
    picture = filled(RED, 41, 63)
    picture[-1], picture[:, -1] = 255, 255
    with VirtualCamera(str(driver.device)) as played:
        played.offer(picture)
        wait_until(lambda: driver.shown)
    assert driver.shown[0].shape == (40, 62, 3)
    assert np.abs(driver.shown[0].astype(int) - RED).max() <= 3


def test_a_view_is_fitted_into_the_size_that_is_granted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(tmp_path / "video9", monkeypatch, grants=(64, 48))
    with VirtualCamera(str(driver.device)) as played:
        played.offer(filled(RED, 10, 40))
        wait_until(lambda: driver.shown)
    assert is_like(driver.shown[0], (0.5, 0.02), RED)
    assert is_like(driver.shown[0], (0.5, 0.98), RED)
    assert is_like(driver.shown[0], TOP, BLACK)


def test_a_device_of_other_pixel_formats_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for device, options in (
        (tmp_path / "video8", {"formats": (b"MJPG",)}),
        (tmp_path / "video9", {"grants": (63, 48)}),
    ):
        driver = Driver(device, monkeypatch, **options)
        with pytest.raises(SinkError, match="takes no YUYV or YUV 4:2:0 of an even size; choose"):
            VirtualCamera(str(driver.device))


def test_the_picture_being_read_is_not_written_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(tmp_path / "video9", monkeypatch)
    with VirtualCamera(str(driver.device)) as played:
        for count in range(1, 8):
            played.offer(filled(RED, 20, 40))
            wait_until(lambda count=count: len(driver.shown) == count)  # type: ignore[misc]
    assert all(before != after for before, after in pairwise(driver.buffers))


def test_nothing_queues_up_for_a_slow_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(tmp_path / "video9", monkeypatch)

    def is_shown(color: tuple[int, ...]) -> bool:
        played.offer(filled(color, 20, 40))
        return len(driver.shown) > BUFFERS and is_like(driver.shown[-1], LEFT, color)

    with VirtualCamera(str(driver.device)) as played:
        wait_until(lambda: is_shown(BLACK))
        driver.is_slow = True
        for _ in range(100):
            played.offer(filled(RED, 20, 40))
            time.sleep(0.001)
        driver.is_slow = False
        wait_until(lambda: is_shown(GREEN))
    assert sum(is_like(picture, LEFT, RED) for picture in driver.shown) <= 1


def test_a_device_that_fails_ends_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(tmp_path / "video9", monkeypatch)
    picture = filled(RED, 20, 40)
    with (
        VirtualCamera(str(driver.device)) as camera,
        LiveFiles(tmp_path, tmp_path / "take.mkv", must_give_out=True, camera=camera) as files,
    ):
        files.offer(picture)
        wait_until(lambda: driver.shown)
        driver.error = OSError(errno.EIO, "Input/output error")
        files.offer(picture)
        why = f"{driver.device} cannot be played into (Input/output error); load it again"
        wait_until(lambda: why in files.news())
        assert not files.has_failed_its_purpose
        files.offer(picture)
    with pytest.raises(SinkError, match=re.escape(why)):
        files.check()
    assert inspect(tmp_path / "take.mkv").frames == 3


class Pyvirtualcam(ModuleType):
    """Double of the library."""

    PixelFormat = SimpleNamespace(BGR="BGR")
    shown: ClassVar[list[NDArray[np.uint8]]] = []
    fails = False

    class Camera:
        def __init__(self, width: int, height: int, _: float, **options: object) -> None:
            assert options == {"fmt": "BGR", "device": "OBS Virtual Camera"}
            self.width, self.height = width, height

        def send(self, picture: NDArray[np.uint8]) -> None:
            if Pyvirtualcam.fails:
                raise RuntimeError("it is gone")
            assert picture.shape == (self.height, self.width, 3)
            Pyvirtualcam.shown.append(picture)

        def close(self) -> None: ...


def test_on_other_systems_a_library_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None)
    with pytest.raises(SinkError, match="needs pyvirtualcam; install it: pip install pyvirtualcam"):
        VirtualCamera("")
    library = Pyvirtualcam("pyvirtualcam")
    library.__spec__ = ModuleSpec("pyvirtualcam", None)
    monkeypatch.setitem(sys.modules, "pyvirtualcam", library)
    with VirtualCamera("OBS Virtual Camera") as played:
        played.offer(filled(RED, 21, 41))
        wait_until(lambda: Pyvirtualcam.shown)
        assert Pyvirtualcam.shown[0].shape == (20, 40, 3)
        monkeypatch.setattr(Pyvirtualcam, "fails", True)
        played.offer(filled(RED, 21, 41))
        wait_until(lambda: played.failure)
    assert played.failure == "the virtual camera cannot be played into: it is gone"
