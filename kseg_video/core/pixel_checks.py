"""Checks of pixel arrays, and of the fields of `VideoInfo`."""

from __future__ import annotations

import math

import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.setting_checks import (
    FLAG,
    LARGEST,
    FieldKinds,
    instance,
    one_of,
    ratio,
    take,
    whole,
)
from kseg_video.core.yuv import ColorEncoding

_WANTED_SHAPES = {
    "bgr24": "(height, width, 3) in BGR order",
    "i420": "(height + height / 2, width), the half rounded up and the width even",
    "gray8": "(height, width)",
}

_SIDE = whole(1, LARGEST)
_RATIO = ratio("give a Fraction above 0", math.inf)
OF_VIDEO: FieldKinds = {
    "width": ("the width", _SIDE),
    "height": ("the height", _SIDE),
    "frame_rate": ("the frame rate", _RATIO),
    "layout": ("the layout", one_of(*_WANTED_SHAPES)),
    "encoding": ("the encoding", instance(ColorEncoding)),
    "frame_count": ("the number of frames", whole(0).or_else(None)),
    "sample_aspect_ratio": ("the pixels' aspect ratio", _RATIO),
    "is_image": ("is_image", FLAG),
    "has_alpha": ("has_alpha", FLAG),
}


def check_pixels(pixels: object, layout: str) -> None:
    """Check that an array holds a picture of at least one pixel in this layout.

    Raises
    ------
    SettingsError
        If the layout is unknown.
    SourceError
        If the array does not fit the layout.
    """
    take("the layout", layout, one_of(*_WANTED_SHAPES))
    if not _is_picture(pixels, layout):
        raise SourceError(
            f"a {layout} picture: expected uint8 {_WANTED_SHAPES[layout]}, got {_kind_of(pixels)}"
        )


def check_opacity(alpha: object, shape: tuple[int, int]) -> None:
    """Check that an array holds the alpha of a picture of this shape.

    Raises
    ------
    SourceError
        If its dtype or shape differs.
    """
    if not isinstance(alpha, np.ndarray) or (alpha.dtype, alpha.shape) != (np.uint8, shape):
        raise SourceError(
            f"the opacity of this picture: expected uint8 {shape}, got {_kind_of(alpha)}"
        )


def _is_picture(pixels: object, layout: str) -> bool:
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or not pixels.size:
        return False
    if layout == "bgr24":
        return pixels.ndim == 3 and pixels.shape[2] == 3
    if pixels.ndim != 2:
        return False
    rows, columns = pixels.shape
    # Two luma rows have one chroma row of U and V together; so has a single, last luma row.
    return layout == "gray8" or (rows % 3 != 1 and columns % 2 == 0)


def _kind_of(pixels: object) -> str:
    """Describe a value that was passed instead of pixels."""
    if isinstance(pixels, np.ndarray):
        return f"{pixels.dtype} {pixels.shape}"
    return f"a {type(pixels).__name__}"
