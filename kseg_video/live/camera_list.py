"""List the cameras of this computer, from Linux's video devices.

References
----------
.. [1] The Linux kernel, "Video for Linux API": ioctls VIDIOC_QUERYCAP, VIDIOC_ENUM_FMT,
   VIDIOC_ENUM_FRAMESIZES, VIDIOC_ENUM_FRAMEINTERVALS.
"""

from __future__ import annotations

import contextlib
import os
import re
import struct
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ELSEWHERE = "cameras can be listed on Linux alone; try them: kseg-video live 0"
_DEVICES = Path("/dev")
WRITE, READ, READ_WRITE = 1, 2, 3  # directions of an ioctl's data
_CAPTURE = 1  # V4L2_BUF_TYPE_VIDEO_CAPTURE, and V4L2_CAP_VIDEO_CAPTURE
_DISCRETE = 1  # V4L2_FRMSIZE_TYPE_DISCRETE, and V4L2_FRMIVAL_TYPE_DISCRETE
_MOST_ENTRIES = 256  # of a list, in case a driver never ends it
# Numbers of the ioctls, in the order of the reference above.
QUERY_CAPABILITIES, _LIST_FORMATS, _LIST_FRAME_SIZES, _LIST_FRAME_INTERVALS = 0, 2, 74, 75

CAPABILITY = struct.Struct("16s32s32sIII12x")
_FORMAT = struct.Struct("III32sI16x")
_FRAME_SIZE = struct.Struct("III6I8x")
_FRAME_INTERVAL = struct.Struct("IIIII6I8x")


@dataclass(frozen=True, slots=True)
class CameraMode:
    """A capture mode of a camera.

    Parameters
    ----------
    pixel_format : str
        FourCC, such as MJPG.
    width, height : int
        Size in pixels; the largest one if the camera offers a range.
    frame_rates : tuple of float
        Frames per second; empty if the camera lists no discrete rates.
    """

    pixel_format: str
    width: int
    height: int
    frame_rates: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera.

    Parameters
    ----------
    device : Path
        Device file, such as ``/dev/video0``.
    name : str
        Name that its driver reports.
    modes : tuple of CameraMode
        Capture modes, in the order of the driver.
    """

    device: Path
    name: str
    modes: tuple[CameraMode, ...]


def find_cameras() -> list[Camera]:
    """List the cameras that can be opened, sorted by device number.

    Raises
    ------
    SourceError
        On a system other than Linux, or if there are cameras of which none may be opened.
    """
    if not sys.platform.startswith("linux"):
        raise SourceError(_ELSEWHERE)
    found, forbidden = [], []
    for device in video_devices():
        with contextlib.suppress(OSError):
            if not os.access(device, os.R_OK | os.W_OK):
                forbidden.append(device)
            number = os.open(device, os.O_RDWR | os.O_NONBLOCK)
            try:
                camera = _camera(device, number)
            finally:
                os.close(number)
            if camera is not None:
                found.append(camera)
    if forbidden and not found:
        raise SourceError(not_permitted(forbidden[0]))
    return found


def video_devices() -> list[Path]:
    """Linux's video devices, sorted by number: cameras, and whatever else they are."""
    devices = _DEVICES.glob("video[0-9]*")
    return sorted(devices, key=lambda path: int(re.sub(r"\D", "", path.name)))


def not_permitted(device: Path) -> str:
    """Message that says how to get the rights on a device."""
    return f"{device} may not be opened; add yourself to its group (often: video)"


def _camera(device: Path, number: int) -> Camera | None:
    answer = ask_driver(number, READ, QUERY_CAPABILITIES, bytes(CAPABILITY.size))
    _, card, _, _, capabilities, device_capabilities = CAPABILITY.unpack(answer)
    if not (device_capabilities or capabilities) & _CAPTURE:
        return None
    modes = tuple(
        CameraMode(_name_of(code), width, height, tuple(_frame_rates(number, code, width, height)))
        for code in _pixel_formats(number)
        for width, height in _frame_sizes(number, code)
    )
    return Camera(device, card.split(b"\0")[0].decode("utf-8", "replace"), modes)


def _pixel_formats(number: int) -> Iterator[int]:
    for answer in _answers(number, _LIST_FORMATS, lambda i: _FORMAT.pack(i, _CAPTURE, 0, b"", 0)):
        yield _FORMAT.unpack(answer)[4]


def _frame_sizes(number: int, code: int) -> Iterator[tuple[int, int]]:
    for answer in _answers(
        number, _LIST_FRAME_SIZES, lambda i: _FRAME_SIZE.pack(i, code, *[0] * 7)
    ):
        _, _, kind, *size = _FRAME_SIZE.unpack(answer)
        if kind == _DISCRETE:
            yield size[0], size[1]
        else:  # minimum, maximum and step of the width, then of the height
            yield size[1], size[4]
            return


def _frame_rates(number: int, code: int, width: int, height: int) -> Iterator[float]:
    def question(i: int) -> bytes:
        return _FRAME_INTERVAL.pack(i, code, width, height, *[0] * 7)

    for answer in _answers(number, _LIST_FRAME_INTERVALS, question):
        _, _, _, _, kind, *interval = _FRAME_INTERVAL.unpack(answer)
        if kind != _DISCRETE:
            return
        if interval[0]:
            yield interval[1] / interval[0]


def _answers(number: int, request: int, question: Callable[[int], bytes]) -> Iterator[bytes]:
    """Answers to an enumeration ioctl for index 0, 1, 2, ... until the driver refuses one."""
    for index in range(_MOST_ENTRIES):
        try:
            yield ask_driver(number, READ_WRITE, request, question(index))
        except OSError:
            return


def ask_driver(number: int, direction: int, request: int, question: bytes) -> bytes:
    """Call an ioctl of the video API."""
    if sys.platform == "win32":
        raise OSError(_ELSEWHERE)
    import fcntl  # noqa: PLC0415 - there is none on Windows

    code = direction << 30 | len(question) << 16 | ord("V") << 8 | request
    return fcntl.ioctl(number, code, question)


def _name_of(code: int) -> str:
    return code.to_bytes(4, "little").decode("ascii", "replace").strip()
