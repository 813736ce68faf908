"""Double of a video output's driver, and the pictures that are played into it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.live import camera_list, virtual_camera

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from numpy.typing import NDArray

CAPTURE, OUTPUT = 1, 2  # capabilities of a device
BUFFERS, BUFFER_BYTES = 2, 1 << 16
RED, GREEN, BLACK = (0xB0, 0x10, 0x10), (0x20, 0xE0, 0x20), (0, 0, 0)
LEFT, TOP = (0.5, 0.25), (0.05, 0.25)  # shares of height and width


class Driver:
    """Double of the driver of an output device, whose memory is a file.

    Like v4l2loopback's, it takes each picture at once, and names the newest buffer as the free one.
    """

    def __init__(
        self,
        device: Path,
        monkeypatch: pytest.MonkeyPatch,
        *,
        formats: tuple[bytes, ...] = (b"YUYV", b"YU12"),
        grants: tuple[int, int] | None = None,
        capabilities: int = OUTPUT,
    ) -> None:
        device.write_bytes(bytes(BUFFER_BYTES * BUFFERS))
        self.device = device
        self.formats = formats
        self.grants = grants
        self.capabilities = capabilities
        self.error: OSError | None = None
        self.is_slow = False
        self.size = 64, 48
        self.format = formats[0]
        self.buffers: list[int] = []
        self.shown: list[NDArray[np.uint8]] = []
        monkeypatch.setattr(virtual_camera, "ask_driver", self.answer)
        monkeypatch.setattr(virtual_camera, "select", self)  # as the module

    def select(self, *_: object) -> tuple[list[int], list[int], list[int]]:
        time.sleep(0.001)
        return [], [] if self.is_slow else [0], []

    def answer(self, _number: int, _direction: int, request: int, question: bytes) -> bytes:
        if self.error is not None:
            raise self.error
        if request == camera_list.QUERY_CAPABILITIES:
            return camera_list.CAPABILITY.pack(b"v4l2 loopback", b"", b"", 0, 0, self.capabilities)
        if request == virtual_camera._SET_FORMAT:
            _, *size, code, _ = virtual_camera._FORMAT.unpack(question)[:5]
            self.size = self.grants or (size[0], size[1])
            wanted = code.to_bytes(4, "little")
            self.format = wanted if wanted in self.formats else self.formats[0]
        if request in {virtual_camera._GET_FORMAT, virtual_camera._SET_FORMAT}:
            code = int.from_bytes(self.format, "little")
            return virtual_camera._FORMAT.pack(OUTPUT, *self.size, code, *[0] * 9)
        if request == virtual_camera._REQUEST_BUFFERS:
            count, *rest = virtual_camera._REQUEST.unpack(question)
            return virtual_camera._REQUEST.pack(min(count, BUFFERS), *rest)
        return self.answer_on_buffer(request, question)

    def answer_on_buffer(self, request: int, question: bytes) -> bytes:
        if request == virtual_camera._STREAM_ON:
            return question
        values = list(virtual_camera._BUFFER.unpack(question))
        if request == virtual_camera._QUERY_BUFFER:
            values[-4:-2] = values[0] * BUFFER_BYTES, BUFFER_BYTES
        elif request == virtual_camera._QUEUE:
            self.buffers.append(values[0])
            self.show(values[0], values[2])
        else:
            values[0] = self.buffers[-1]
        return virtual_camera._BUFFER.pack(*values)

    def show(self, number: int, used: int) -> None:
        width, height = self.size
        stored = self.device.read_bytes()[number * BUFFER_BYTES :][:used]
        pixels = np.frombuffer(stored, np.uint8)
        if self.format == b"YUYV":
            packed = pixels.reshape(height, width, 2)
            self.shown.append(cv2.cvtColor(packed, cv2.COLOR_YUV2RGB_YUYV))  # type: ignore[arg-type]
        else:
            planes = pixels.reshape(height * 3 // 2, width)
            self.shown.append(cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420))  # type: ignore[arg-type]


def filled(color: tuple[int, ...], height: int, width: int) -> NDArray[np.uint8]:
    """A BGR picture of an RGB colour."""
    return np.full((height, width, 3), color[::-1], np.uint8)


def is_like(picture: NDArray[np.uint8], at: tuple[float, float], color: tuple[int, ...]) -> bool:
    found = picture[int(at[0] * picture.shape[0]), int(at[1] * picture.shape[1])].astype(int)
    return bool(np.abs(found - color).max() <= 3)
