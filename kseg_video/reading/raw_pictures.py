"""Reading raw pictures from a decoding ffmpeg, and the errors if it fails."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import i420_shape
from kseg_video.ffmpeg.stalls import MishapError, StalledError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import PixelLayout
    from kseg_video.ffmpeg.process import FfmpegProcess


@contextmanager
def failures_told(path: Path) -> Iterator[None]:
    """Turn a decoder's `StalledError` or `MishapError` in the block into a `SourceError`.

    Raises
    ------
    SourceError
        If the decoder stalls, is killed or runs out of resources.
    """
    try:
        yield
    except StalledError as error:
        raise SourceError(
            f"the decoder of {path} has stalled ({error}); check the disk or the "
            "network that the file lies on"
        ) from error
    except MishapError as error:
        raise SourceError(f"the decoder of {path} {error.fate}") from error


def read_picture(
    process: FfmpegProcess, layout: PixelLayout, width: int, height: int, *, alpha: bool = False
) -> NDArray[np.uint8] | None:
    """Read the next raw picture from an ffmpeg; None at the end.

    Its shape is that of `Frame.pixels`. Alpha is a fourth channel of bgr24, or a plane below those
    of i420; `without_opacity` splits it off.

    Raises
    ------
    StalledError
        If the ffmpeg has stalled.
    """
    if layout == "bgr24":
        return _read(process, np.empty((height, width, 4 if alpha else 3), np.uint8))
    rows, columns = i420_shape(width, height)
    pixels = np.empty((rows + height * alpha, columns), np.uint8)
    if columns == width:
        return _read(process, pixels)
    for part, shown in (
        (pixels[:height], width),
        (pixels[height:rows], columns),
        (pixels[rows:], width),
    ):
        lines = _read(process, np.empty((len(part), shown), np.uint8))
        if lines is None:
            return None
        part[:, :shown], part[:, shown:] = lines, lines[:, -1:]
    return pixels


def without_opacity(
    pixels: NDArray[np.uint8], layout: PixelLayout, width: int, height: int
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Split a picture read with alpha into `Frame.pixels` and its alpha, (H, W)."""
    if layout == "i420":
        return pixels[:-height], pixels[-height:, :width]
    return np.ascontiguousarray(pixels[..., :3]), np.ascontiguousarray(pixels[..., 3])


def _read(process: FfmpegProcess, pixels: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    return pixels if process.read_into(pixels.reshape(-1).data) else None
