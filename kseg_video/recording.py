"""Recordings and snapshots of a live picture."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.errors import SettingsError, SinkError
from kseg_video.ffmpeg import FfmpegProcess, file_argument
from kseg_video.stills import write_still

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.palette import Palette

RECORDING_SUFFIXES = (".mp4", ".mov", ".mkv")

_USUAL_RATE, _HIGHEST_RATE = 30.0, 60.0
_TO_PLANES = (
    "crop=trunc(iw/2)*2:trunc(ih/2)*2,"
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int,format=yuv420p"
)
_TAGS = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")


class Recorder:
    """Records what is seen, in real time, whatever the rate at which pictures come.

    A thread writes the newest picture at a constant rate: a minute lasts a minute, and an encoder
    that cannot keep up costs pictures of the recording, never the caller's time. The file plays
    however the recording ends.

    Parameters
    ----------
    path : Path
        ``.mp4``, ``.mov`` or ``.mkv``, not there yet.
    first : ndarray of uint8, shape (H, W, 3)
        The first picture, BGR, which gives the size of all.
    frame_rate : float
        Of the source; 0 if unknown.
    clock : callable
        Seconds that only ever grow.

    Raises
    ------
    SinkError
        If it cannot be written.
    """

    def __init__(
        self,
        path: Path,
        first: NDArray[np.uint8],
        frame_rate: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.dropped = 0
        self._clock = clock
        self._rate = min(frame_rate or _USUAL_RATE, _HIGHEST_RATE)
        self._size = first.shape[1], first.shape[0]
        self._newest = first
        self._is_new = True
        self._began = clock()
        self._over = threading.Event()
        self._failed = False
        try:
            with path.open("xb"):
                pass
        except OSError as error:
            raise SinkError(f"{path} cannot be recorded to ({error.strerror})") from error
        self._process = FfmpegProcess(
            [
                *("-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{self._size[0]}x{self._size[1]}"),
                *("-r", f"{self._rate:.6g}", "-i", "pipe:0", "-vf", _TO_PLANES, *_TAGS),
                *("-c:v", "libx264", "-preset", "veryfast", "-crf", "18", "-g", "30", "-bf", "0"),
                *_container_options(path.suffix.lower()),
                *("-y", file_argument(path)),
            ],
            feeds=True,
        )
        self._thread = threading.Thread(target=self._write_all, name="recorder")
        self._thread.start()

    @property
    def seconds(self) -> float:
        """Recorded time."""
        return self._clock() - self._began

    @property
    def failed(self) -> bool:
        """Whether the encoder has given up, as on a full disk."""
        return self._failed

    def offer(self, picture: NDArray[np.uint8]) -> None:
        """Show the recorder the next picture, which must not change afterwards; never waits."""
        if (picture.shape[1], picture.shape[0]) != self._size:
            picture = _fitted(picture, *self._size)
        self.dropped += self._is_new
        self._newest, self._is_new = picture, True

    def stop(self) -> None:
        """Finish the file."""
        self._over.set()
        self._thread.join()
        if self._process.wait():
            self._failed = True

    def _write_all(self) -> None:
        written = 0
        while not self._over.is_set():
            due = self._began + written / self._rate
            if self._over.wait(max(due - self._clock(), 0)):
                break
            picture, self._is_new = self._newest, False
            try:
                self._write(picture)
            except OSError:
                self._failed = True
                return
            written += 1

    def _write(self, picture: NDArray[np.uint8]) -> None:
        left = np.ascontiguousarray(picture).reshape(-1).data
        while left:
            left = left[self._process.pipe.write(left) :]


def free_path(wanted: Path) -> Path:
    """A path where nothing is: the wanted one, or the first of it numbered from 2 on."""
    number, path = 2, wanted
    while path.exists():
        path = wanted.with_stem(f"{wanted.stem}-{number}")
        number += 1
    return path


def dated_path(folder: Path, suffix: str) -> Path:
    """A free path named by date and time."""
    return free_path(folder / f"kseg-{datetime.now().astimezone():%Y%m%d-%H%M%S}{suffix}")


def check_recording(path: Path) -> None:
    """Check a path that recordings shall have.

    Raises
    ------
    SettingsError
        If its suffix is none that survives a kill.
    SinkError
        If its folder cannot be written to.
    """
    if path.suffix.lower() not in RECORDING_SUFFIXES:
        raise SettingsError(
            f"{path} cannot be recorded to; name it {', '.join(RECORDING_SUFFIXES)}"
        )
    check_folder(path.parent)


def check_folder(folder: Path) -> None:
    """Check a folder that recordings and snapshots shall go to.

    Raises
    ------
    SinkError
        If there is none, or it cannot be written to.
    """
    if not folder.is_dir():
        raise SinkError(f"the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK):
        raise SinkError(f"the folder {folder} cannot be written to; check its rights")


def save_snapshot(
    folder: Path, view: NDArray[np.uint8], original: NDArray[np.uint8], palette: Palette
) -> Path:
    """Save the view, the original and the palette side by side; return the view's path.

    Raises
    ------
    SinkError
        If they cannot be written.
    """
    path = dated_path(folder, ".png")
    write_still(path, ".png", view, None)
    write_still(path.with_stem(f"{path.stem}-original"), ".png", original, None)
    clusters = [
        {"cluster": number, "hex": hex_color, "centroid": centroid, "share": share}
        for number, (hex_color, centroid, share) in enumerate(
            zip(
                palette.hex_colors,
                np.round(palette.centroids.astype(float), 3).tolist(),
                np.round(palette.shares, 6).tolist(),
                strict=True,
            )
        )
    ]
    path.with_suffix(".json").write_text(json.dumps(clusters, indent=2) + "\n", "utf-8")
    return path


def _container_options(suffix: str) -> list[str]:
    if suffix == ".mkv":
        return ["-f", "matroska", "-cluster_time_limit", "1000", "-flush_packets", "1"]
    return ["-f", suffix[1:], "-movflags", "hybrid_fragmented", "-flush_packets", "1"]


def _fitted(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The picture as large as fits, on black."""
    scale = min(width / picture.shape[1], height / picture.shape[0])
    size = max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1)
    left, top = (width - size[0]) // 2, (height - size[1]) // 2
    canvas = np.zeros((height, width, 3), np.uint8)
    inner = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    canvas[top : top + size[1], left : left + size[0]] = inner
    return canvas
