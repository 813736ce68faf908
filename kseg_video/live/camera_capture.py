"""Capture from a camera, with OpenCV."""

from __future__ import annotations

import sys
import threading
import time
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
        raise not_permitted(device) from None
    except OSError as error:
        raise SourceError(
            f"{device} cannot be opened ({error.strerror}); close other programs that use it"
        ) from None
