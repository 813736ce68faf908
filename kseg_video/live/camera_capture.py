"""Capture from a camera, with OpenCV, and the wait for its brightness to settle."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.live.camera_list import not_permitted

if TYPE_CHECKING:
    import numpy as np

    from kseg_video.core.media_settings import CaptureSettings

_MOTION_JPEG = "MJPG"
_CLOSING_SECONDS = 0.5  # to wait for a read under way before the camera is left open
# Most seconds to wait for the brightness of a camera: more lets slow cameras settle, less shows the
# segmented picture sooner.
_LONGEST_WAIT = 1.0
# The brightness has settled if it has varied by less than this share over so many frames, and the
# picture is not black.
_VARIATION, _FRAMES = 0.05, 5
_BLACK = 4.0  # levels
_NTH_ROW = 8


class CameraCapture:
    """An open camera; a `kseg_video.live.capture.Capture`.

    Parameters
    ----------
    source : str
        Number or device file of the camera.
    settings : CaptureSettings
        Requested size and frame rate; the camera may grant others (see `description`).

    Raises
    ------
    SourceError
        If the camera is absent, in use or not permitted.
    """

    def __init__(self, source: str, settings: CaptureSettings) -> None:
        on_linux = sys.platform.startswith("linux")
        device = Path(f"/dev/video{int(source)}" if source.isdecimal() else source)
        self._name = str(device) if on_linux else f"camera {source}"
        if on_linux:
            _check_device(device)
        self._video = cv2.VideoCapture(
            str(device) if on_linux else int(source), cv2.CAP_V4L2 if on_linux else cv2.CAP_ANY
        )
        if not self._video.isOpened():
            raise SourceError(
                f"{self._name} is in use, or is no camera; close other programs that show it"
            )
        # Motion JPEG, set before size and rate: few cameras send large frames fast uncompressed.
        self._video.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*_MOTION_JPEG))
        if settings.size is not None:
            self._video.set(cv2.CAP_PROP_FRAME_WIDTH, settings.size[0])
            self._video.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.size[1])
        if settings.frame_rate is not None:
            self._video.set(cv2.CAP_PROP_FPS, settings.frame_rate)
        self._video.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self.duration = 0.0
        self._busy = threading.Lock()
        self._opened = time.monotonic()
        self._count = 0

    @property
    def description(self) -> str:
        """Device, and the size, frame rate and pixel format that the camera granted."""
        width, height = (
            int(self._video.get(each))
            for each in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
        )
        code = int(self._video.get(cv2.CAP_PROP_FOURCC))
        pixel_format = code.to_bytes(4, "little", signed=code < 0).decode("ascii", "replace")
        rate = f" {self.frame_rate:g} fps" if self.frame_rate else ""
        return f"{self._name} {width}x{height}{rate} {pixel_format.strip()}"

    @property
    def frame_rate(self) -> float:
        """Granted frames per second; 0 if the camera does not report it."""
        rate = self._video.get(cv2.CAP_PROP_FPS)
        return rate if 0 < rate <= 1000 else 0.0

    def read(self) -> Frame | None:
        """Read the next frame; None if the camera delivers no more."""
        with self._busy:
            got, picture = self._video.read()
        if not got or picture is None:
            return None
        frame = Frame(
            cast("np.ndarray", picture), index=self._count, time=time.monotonic() - self._opened
        )
        self._count += 1
        return frame

    def close(self) -> None:
        """Release the camera, unless a read in another thread hangs."""
        if self._busy.acquire(timeout=_CLOSING_SECONDS):
            self._video.release()
            self._busy.release()


def _check_device(device: Path) -> None:
    try:
        with device.open("rb"):
            pass
    except FileNotFoundError:
        raise SourceError(
            f"there is no camera {device}; plug it in, or list what is there: kseg-video cameras"
        ) from None
    except PermissionError:
        raise SourceError(not_permitted(device)) from None
    except OSError as error:
        raise SourceError(
            f"{device} cannot be opened ({error.strerror}); close other programs that use it"
        ) from None


class BrightnessWatch:
    """Tells when a camera's brightness has settled: its first frames are dark, or glaring.

    Parameters
    ----------
    is_camera : bool
        Whether the source is a camera; nothing else is waited for.
    """

    def __init__(self, *, is_camera: bool) -> None:
        self._is_camera = is_camera
        self.begin()

    def begin(self) -> None:
        """Begin again, with a camera that is opened."""
        self._settled = not self._is_camera
        self._levels: deque[float] = deque(maxlen=_FRAMES)
        self._first: float | None = None

    def has_settled(self, frame: Frame, now: float) -> bool:
        """Whether the next frame, received at `now` in seconds, may be segmented."""
        self._settled = self._settled or self._settles(frame, now)
        return self._settled

    def _settles(self, frame: Frame, now: float) -> bool:
        if self._first is None:
            self._first = now
        if now - self._first >= _LONGEST_WAIT:
            return True
        self._levels.append(float(frame.luma[::_NTH_ROW].mean()))
        least, most = min(self._levels), max(self._levels)
        is_full = len(self._levels) == _FRAMES
        return is_full and least > _BLACK and most - least < _VARIATION * most
