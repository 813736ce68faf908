"""Scripted sources and screens, for faults that real ones do not show on demand."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Self

import cv2
import numpy as np

from kseg_video import Frame
from kseg_video.live.screen import KeyPress
from kseg_video.screens.hud import Hud
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from kseg_video.live.live_state import LiveState
    from kseg_video.live.screen import HudContent, ScreenEvent


class Clock:
    """A clock that the test advances."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class ScriptedCapture:
    """A capture that delivers the frames a test puts into it; None ends it."""

    description = "a script"
    duration = 0.0

    def __init__(self, frame_rate: float = 0.0) -> None:
        self.frame_rate = frame_rate
        self.closed = False
        self._frames: deque[Frame | Exception | None] = deque()
        self._more = threading.Semaphore(0)

    def put(self, *frames: Frame | Exception | None) -> None:
        for frame in frames:
            self._frames.append(frame)
            self._more.release()

    def read(self) -> Frame | None:
        self._more.acquire()
        frame = self._frames.popleft()
        if isinstance(frame, Exception):
            raise frame
        return frame

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.put(None)


class ScriptedVideo:
    """Replaces `cv2.VideoCapture`: grants little, and ignores a pixel format that is set late.

    Like a camera, it applies the pixel format only to the properties that are set after it.
    """

    granted = (1280, 720)

    def __init__(self, *_: object) -> None:
        self._values: dict[int, float] = {}

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return True

    def set(self, name: int, value: float) -> bool:
        if name != cv2.CAP_PROP_FOURCC:
            compressed = self._values.get(cv2.CAP_PROP_FOURCC) == cv2.VideoWriter.fourcc(*"MJPG")
            limits = {
                cv2.CAP_PROP_FRAME_WIDTH: self.granted[0],
                cv2.CAP_PROP_FRAME_HEIGHT: self.granted[1],
                cv2.CAP_PROP_FPS: 30 if compressed else 10,
            }
            value = min(value, limits.get(name, value))
        self._values[name] = value
        return True

    def get(self, name: int) -> float:
        return self._values.get(name, 0)

    def read(self) -> tuple[bool, NDArray[np.uint8]]:
        width, height = (int(self._values[each]) for each in (3, 4))
        return True, np.zeros((height, width, 3), np.uint8)

    def release(self) -> None:
        pass


class ScriptedScreen:
    """A screen with scripted key presses; it keeps the picture that was shown last."""

    def __init__(self, *, has_hud: bool = False) -> None:
        self._has_hud = has_hud
        self.shown: NDArray[np.uint8] = np.zeros((0, 0, 3), np.uint8)
        self.count = 0
        self.waiting: deque[ScreenEvent] = deque()
        self.on_turn: Callable[[], None] = lambda: None

    def press(self, *keys: str) -> None:
        self.waiting.extend(KeyPress(key) for key in keys)

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
    ) -> None:
        self.shown = picture
        if self._has_hud:
            self.shown = picture.copy()
            Hud().draw(self.shown, state, content())
        self.count += 1

    def events(self) -> Sequence[ScreenEvent]:
        self.on_turn()
        events = list(self.waiting)
        self.waiting.clear()
        return events

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def picture(seed: int = 0, noise: int = 6) -> Frame:
    return Frame(quadrants(40, 60, noise=noise, seed=seed))
