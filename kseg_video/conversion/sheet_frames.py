"""Frames for a contact sheet, gathered while a source is segmented: one of every shot."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_info import VideoInfo

_MOST, _LEAST = 6, 4  # frames on a sheet; at least as many of a video of fewer shots
# Frames kept until the last is known: more find one nearer to the middle of its shot, fewer need
# less memory.
_KEPT = 24
_PIXELS, _PIXELS_OF_IMAGE = 230_000, 900_000  # of a picture on the sheet
_MOST_ENLARGED = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class SheetFrame:
    """A frame on a contact sheet, in the sheet's resolution.

    Parameters
    ----------
    time : float
        Time stamp in the source, in seconds.
    segmented : ndarray of uint8, shape (H, W, 3)
        BGR.
    labels : ndarray of uint8, shape (H, W)
    colors : ndarray of uint8, shape (K, 3)
        The clusters as BGR colours in this frame.
    shot, place : int
        Number of its shot, and its own in the shot.
    source : ndarray of uint8, shape (H, W, 3), optional
        The picture itself as BGR, if it is an image.
    """

    time: float
    segmented: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    colors: NDArray[np.uint8]
    shot: int
    place: int
    source: NDArray[np.uint8] | None


class SheetFrames:
    """Gathers frames for a contact sheet in an amount of memory that does not grow.

    Parameters
    ----------
    info : VideoInfo
        Of the source.
    """

    def __init__(self, info: VideoInfo) -> None:
        wide = info.width * float(info.sample_aspect_ratio)
        pixels = _PIXELS_OF_IMAGE if info.is_image else _PIXELS
        scale = min(math.sqrt(pixels / (wide * info.height)), _MOST_ENLARGED)
        self._size = max(round(wide * scale), 1), max(round(info.height * scale), 1)
        self._is_image = info.is_image
        self._kept: list[SheetFrame] = []
        self._lengths: Counter[int] = Counter()  # frames by shot
        self._shot = -1
        self._nth_frame = self._nth_shot = 1

    def add(self, frame: Frame, segmentation: Segmentation) -> None:
        """Add the next frame."""
        self._shot += segmentation.begins_scene
        place = self._lengths[self._shot]
        self._lengths[self._shot] += 1
        if self._is_wanted(self._shot, place):
            self._kept.append(
                SheetFrame(
                    frame.time,
                    self._scaled(segmentation.colors[segmentation.labels], cv2.INTER_NEAREST_EXACT),
                    _resized(segmentation.labels, self._size, cv2.INTER_NEAREST_EXACT),
                    segmentation.colors,
                    self._shot,
                    place,
                    self._scaled(frame.bgr, cv2.INTER_CUBIC) if self._is_image else None,
                )
            )
        if len(self._kept) > _KEPT:
            self._thin_out()

    def chosen(self) -> list[SheetFrame]:
        """The frames for the sheet, in order: from the middle of evenly chosen shots."""
        by_shot: dict[int, list[SheetFrame]] = {}
        for frame in self._kept:
            by_shot.setdefault(frame.shot, []).append(frame)
        shots = list(by_shot)
        if len(shots) > _MOST:
            evenly = np.linspace(0, len(shots) - 1, _MOST)
            shots = [shots[round(number)] for number in evenly.tolist()]
        counts = dict.fromkeys(shots, 1)
        for _ in range(min(_LEAST, len(self._kept)) - len(shots)):
            room = [shot for shot in shots if counts[shot] < len(by_shot[shot])]
            counts[max(room, key=lambda shot: self._lengths[shot] / counts[shot])] += 1
        return [
            frame
            for shot in shots
            for frame in _evenly(by_shot[shot], counts[shot], self._lengths[shot])
        ]

    def _is_wanted(self, shot: int, place: int) -> bool:
        return shot % self._nth_shot == 0 and place % self._nth_frame == 0

    def _thin_out(self) -> None:
        while len(self._kept) > _KEPT // 2:
            if len({frame.shot for frame in self._kept}) > _KEPT // 4:
                self._nth_shot *= 2
            else:
                self._nth_frame *= 2
            self._kept = [frame for frame in self._kept if self._is_wanted(frame.shot, frame.place)]

    def _scaled(self, picture: NDArray[np.uint8], enlarging: int) -> NDArray[np.uint8]:
        is_smaller = self._size[1] < picture.shape[0]
        return _resized(picture, self._size, cv2.INTER_AREA if is_smaller else enlarging)


def _resized(picture: NDArray[np.uint8], size: tuple[int, int], way: int) -> NDArray[np.uint8]:
    return cast("NDArray[np.uint8]", cv2.resize(picture, size, interpolation=way))


def _evenly(frames: list[SheetFrame], count: int, length: int) -> list[SheetFrame]:
    """So many of a shot's frames, each near the middle of its part of the shot."""
    left = list(frames)
    taken = []
    for part in range(count):
        middle = (part + 0.5) / count * length - 0.5
        nearest = min(left, key=lambda frame: abs(frame.place - middle))
        left.remove(nearest)
        taken.append(nearest)
    return sorted(taken, key=lambda frame: frame.place)
