"""Pictures of a segmented clip to look at: its palette over time, and a frame of each second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.segmented_clips import segmented
from kseg_video import SegmenterSettings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.segmented_clips import Excerpt

_CLUSTER_HEIGHT, _FRAME_WIDTH = 32, 4
_THUMBNAIL_WIDTH, _COLUMNS = 320, 5


def draw(excerpt: Excerpt, n_clusters: int, folder: Path) -> None:
    """Write a strip (a row per cluster, time to the right) and a sheet (sources above results)."""
    palettes: list[NDArray[np.uint8]] = []
    pairs: list[NDArray[np.uint8]] = []
    settings, frame_rate = SegmenterSettings(n_clusters=n_clusters), excerpt.frame_rate
    for frame, segmentation in segmented(excerpt, settings, looks_ahead=True):
        palettes.append(segmentation.colors)
        if frame.index >= len(pairs) * frame_rate:
            painted = segmentation.colors[segmentation.labels]
            pairs.append(np.concatenate([_thumbnail(frame.bgr), _thumbnail(painted)]))
    blank = np.zeros_like(pairs[0])
    pairs += [blank] * (-len(pairs) % _COLUMNS)
    rows = [np.hstack(pairs[begin : begin + _COLUMNS]) for begin in range(0, len(pairs), _COLUMNS)]
    strip = np.stack(palettes, axis=1)
    folder.mkdir(parents=True, exist_ok=True)
    name = folder / f"{excerpt.clip.stem}_k{n_clusters}_{excerpt.start:g}s"
    cv2.imwrite(f"{name}_palette.png", strip.repeat(_CLUSTER_HEIGHT, 0).repeat(_FRAME_WIDTH, 1))
    cv2.imwrite(f"{name}_sheet.png", np.vstack(rows))


def _thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height = round(_THUMBNAIL_WIDTH * picture.shape[0] / picture.shape[1])
    small = cv2.resize(picture, (_THUMBNAIL_WIDTH, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
