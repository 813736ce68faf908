"""A virtual camera: a device that other programs take for a camera, and that shows our views.

On Linux it is a video output such as v4l2loopback's, elsewhere what pyvirtualcam drives.

References
----------
.. [1] The Linux kernel, "Video for Linux API": ioctls VIDIOC_G_FMT, VIDIOC_S_FMT, VIDIOC_REQBUFS,
   VIDIOC_QUERYBUF, VIDIOC_QBUF, VIDIOC_DQBUF, VIDIOC_STREAMON.
"""

from __future__ import annotations

import errno
import mmap
import os
import select
import struct
import sys
import threading
from collections import deque
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import cv2

from kseg_video.core.errors import KsegError, SinkError
from kseg_video.live.camera_list import (
    CAPABILITY,
    QUERY_CAPABILITIES,
    READ,
    READ_WRITE,
    WRITE,
    ask_driver,
    not_permitted,
    video_devices,
)
from kseg_video.live.recording import fitted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_LOAD = "load the kernel's module: sudo modprobe v4l2loopback exclusive_caps=1"
_LOOPBACK = b"v4l2 loopback"  # what its driver is called
_OUTPUT = 2  # V4L2_BUF_TYPE_VIDEO_OUTPUT, and V4L2_CAP_VIDEO_OUTPUT
# Numbers of the ioctls, in the order of the reference above.
_GET_FORMAT, _SET_FORMAT, _REQUEST_BUFFERS = 4, 5, 8
_QUERY_BUFFER, _QUEUE, _DEQUEUE, _STREAM_ON = 9, 15, 17, 18
# Type, and width, height, FourCC, field, bytes of a row, and seven numbers more.
_FORMAT = struct.Struct("I0L12I152x")
_REQUEST = struct.Struct("3I8x")  # count, type, memory
# Number, type, bytes used, flags, field, time, timecode, sequence, memory, offset, length.
_BUFFER = struct.Struct("5I2l16s2IL3I0L")
_STREAM = struct.Struct("I")
_MAPPED = 1  # V4L2_MEMORY_MMAP
# Pictures that a device holds. More: rarer gaps; less: lower latency.
_BUFFERS = 3
_PROGRESSIVE, _SRGB = 1, 8  # V4L2_FIELD_NONE, V4L2_COLORSPACE_SRGB
# Conversions to the pixel formats that a device may ask for, the most usual one first.
_CONVERSIONS = {b"YUYV": cv2.COLOR_BGR2YUV_YUYV, b"YU12": cv2.COLOR_BGR2YUV_I420}
_PATIENCE = 0.5  # seconds to wait for a device before a picture is left out
_USUAL_RATE = 30.0  # frames a second that pyvirtualcam announces


class VirtualCamera:
    """Plays views into a virtual camera, in a thread: always the newest. A context manager.

    Parameters
    ----------
    device : str
        Device file or number; empty for the first one that is free.

    Attributes
    ----------
    failure : str
        Why no more is played; empty while there is no failure.

    Raises
    ------
    SinkError
        If the device is absent, in use, not permitted or no virtual camera.
    """

    def __init__(self, device: str) -> None:
        self.failure = ""
        open_output = _video_output if sys.platform.startswith("linux") else _PyvirtualcamOutput
        self._output = open_output(device)
        self._changed = threading.Condition()
        self._newest: NDArray[np.uint8] | None = None
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="virtual camera")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_over = True
            self._changed.notify()
        self._thread.join()

    def offer(self, picture: NDArray[np.uint8]) -> None:
        """Play a BGR picture without waiting; the caller must not change it afterwards."""
        with self._changed:
            self._newest = picture
            self._changed.notify()

    def _run(self) -> None:
        try:
            while (picture := self._next()) is not None:
                self._output.write(picture)
        except KsegError as error:
            self.failure = str(error)
        finally:
            self._output.close()

    def _next(self) -> NDArray[np.uint8] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._newest is not None or self._is_over)
            picture, self._newest = self._newest, None
            return None if self._is_over else picture


class _NoVirtualCameraError(SinkError):
    """A device is something else."""


def _video_output(device: str) -> _VideoOutput:
    """Open an output device of Linux; without a name the first one that is free."""
    if device:
        return _VideoOutput(Path(f"/dev/video{int(device)}" if device.isdecimal() else device))
    failure: KsegError | None = None
    for each in video_devices():
        try:
            return _VideoOutput(each)
        except _NoVirtualCameraError:
            continue
        except KsegError as error:
            failure = failure or error
    raise failure or SinkError(f"there is no virtual camera; {_LOAD}")


class _VideoOutput:
    """An output device of Linux."""

    def __init__(self, device: Path) -> None:
        self._device = device
        self._buffers: list[mmap.mmap] = []
        self._queued: deque[int] = deque()  # numbers of buffers, the oldest first
        self._is_streaming = False
        try:
            self._number = os.open(device, os.O_RDWR | getattr(os, "O_NONBLOCK", 0))
        except OSError as error:
            raise self._explained(error) from error
        try:
            self._check()
        except KsegError:
            self.close()
            raise

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture in the device's size and pixel format."""
        picture = _even(picture)
        if not self._buffers:
            self._negotiate(picture.shape[1], picture.shape[0])
            self._map_buffers()
        number = self._free_buffer()
        if number is None:
            return
        converted = cv2.cvtColor(fitted(picture, *self._size), self._conversion)
        self._buffers[number][: converted.nbytes] = converted.tobytes()
        self._ask(_QUEUE, _BUFFER, *self._buffer(number, converted.nbytes))
        self._queued.append(number)
        if not self._is_streaming:
            self._ask(_STREAM_ON, _STREAM, _OUTPUT, direction=WRITE)
            self._is_streaming = True

    def close(self) -> None:
        for buffer in self._buffers:
            buffer.close()
        os.close(self._number)

    def _check(self) -> None:
        """Find out whether the device is an output, and whether another program plays into it."""
        nothing = b"", b"", b"", 0, 0, 0
        driver, _, _, _, of_all, of_this = self._ask(
            QUERY_CAPABILITIES, CAPABILITY, *nothing, direction=READ
        )
        if not (of_this or of_all) & _OUTPUT:
            # What exclusive_caps makes of an output while it is played into.
            raise self._in_use() if driver.startswith(_LOOPBACK) else self._no_camera()
        self._negotiate(*self._ask(_GET_FORMAT, _FORMAT, _OUTPUT, *[0] * 12)[1:3])
        self._ask(_REQUEST_BUFFERS, _REQUEST, 0, _OUTPUT, _MAPPED)

    def _map_buffers(self) -> None:
        count, *_ = self._ask(_REQUEST_BUFFERS, _REQUEST, _BUFFERS, _OUTPUT, _MAPPED)
        for number in range(count):
            *_, offset, length, _, _ = self._ask(_QUERY_BUFFER, _BUFFER, *self._buffer(number))
            try:
                self._buffers.append(mmap.mmap(self._number, length, offset=offset))
            except OSError as error:
                raise self._explained(error) from error

    @staticmethod
    def _buffer(number: int, used: int = 0) -> tuple[int | bytes, ...]:
        return number, _OUTPUT, used, 0, _PROGRESSIVE, 0, 0, b"", 0, _MAPPED, 0, 0, 0, 0

    def _free_buffer(self) -> int | None:
        """Number of a buffer that the device does not hold; None if it keeps all for long."""
        if len(self._queued) < len(self._buffers):
            return len(self._queued)
        if not select.select([], [self._number], [], _PATIENCE)[1]:
            return None
        self._ask(_DEQUEUE, _BUFFER, *self._buffer(0))
        # Not the number in the answer: v4l2loopback 0.12 gives the newest, which is being read.
        return self._queued.popleft()

    def _negotiate(self, width: int, height: int) -> None:
        """Ask for a size and pixel format, and store those that the device grants."""
        for wanted, conversion in _CONVERSIONS.items():
            code = int.from_bytes(wanted, "little")
            asked = (_OUTPUT, width, height, code, _PROGRESSIVE, 0, 0, _SRGB, *[0] * 5)
            _, *size, granted = self._ask(_SET_FORMAT, _FORMAT, *asked)[:4]
            if granted == code and not any(edge % 2 for edge in size):
                self._size, self._conversion = size, conversion
                return
        raise SinkError(
            f"{self._device} takes no YUYV or YUV 4:2:0 of an even size; choose another device"
        )

    def _ask(
        self, request: int, form: struct.Struct, *values: int | bytes, direction: int = READ_WRITE
    ) -> tuple[Any, ...]:
        try:
            return form.unpack(ask_driver(self._number, direction, request, form.pack(*values)))
        except OSError as error:
            raise self._explained(error) from error

    def _explained(self, error: OSError) -> KsegError:
        match error.errno:
            case errno.ENOENT | errno.ENOTDIR:
                return SinkError(f"there is no virtual camera {self._device}; {_LOAD}")
            case errno.EACCES | errno.EPERM:
                return SinkError(not_permitted(self._device))
            case errno.EBUSY:
                return self._in_use()
            case errno.ENODEV:
                return SinkError(f"the virtual camera {self._device} is gone; load it again")
            case errno.ENOTTY | errno.EINVAL | errno.EISDIR:
                return self._no_camera()
        return SinkError(f"{self._device} cannot be played into ({error.strerror}); load it again")

    def _in_use(self) -> SinkError:
        # The latter because v4l2loopback 0.12 stays as it is after programs that use write().
        cure = "end that, choose another device, or load the module again"
        return SinkError(f"{self._device} is in use: another program plays into it; {cure}")

    def _no_camera(self) -> SinkError:
        # A file is one that was meant to be the source.
        cure = "put the source before --virtual-camera" if self._device.is_file() else _LOAD
        return _NoVirtualCameraError(f"{self._device} is no virtual camera; {cure}")


def _even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Leave out an odd last column and row, which 4:2:0 and 4:2:2 cannot have."""
    height, width = picture.shape[:2]
    return picture[: max(height // 2 * 2, 1), : max(width // 2 * 2, 1)]


class _PyvirtualcamOutput:
    """What pyvirtualcam drives: a camera of OBS, or another program's."""

    def __init__(self, device: str) -> None:
        if find_spec("pyvirtualcam") is None:
            raise SinkError(
                "a virtual camera needs pyvirtualcam; install it: pip install pyvirtualcam"
            )
        self._device = device or None
        self._camera: Any = None

    def write(self, picture: NDArray[np.uint8]) -> None:
        """Show a picture; the first one sets the size."""
        import pyvirtualcam  # noqa: PLC0415 - an extra

        picture = _even(picture)
        size = picture.shape[1::-1]
        options = {"fmt": pyvirtualcam.PixelFormat.BGR, "device": self._device}
        try:
            if self._camera is None:
                self._camera = pyvirtualcam.Camera(*size, _USUAL_RATE, **options)
            self._camera.send(fitted(picture, self._camera.width, self._camera.height))
        except RuntimeError as error:  # which it raises for all that can go wrong
            raise SinkError(f"the virtual camera cannot be played into: {error}") from error

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
