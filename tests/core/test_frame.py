"""Frames made of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kseg_video import Frame, SettingsError, SourceError
from tests.helpers.pictures import quadrants

BGR = r"a bgr24 picture: expected uint8 \(height, width, 3\) in BGR order, got "
I420 = r"an? i420 picture: expected uint8 \(height \+ height / 2, width\), .*, got "
GRAY = r"a gray8 picture: expected uint8 \(height, width\), got "


def zeros(*shape: int, kind: str = "u1") -> Any:
    return np.zeros(shape, kind)


@pytest.mark.parametrize(
    ("pixels", "layout", "message"),
    [
        (zeros(4, 6, 3, kind="u2"), "bgr24", BGR + r"uint16 \(4, 6, 3\)"),
        (zeros(4, 6, 3, kind="f4"), "bgr24", BGR + "float32"),
        (zeros(4, 6, 3, kind="f8"), "bgr24", BGR + "float64"),
        (zeros(4, 6, 3, kind="i1"), "bgr24", BGR + "int8"),
        (zeros(4, 6, 3, kind="?"), "bgr24", BGR + "bool"),
        (zeros(4, 6, 4), "bgr24", BGR + r"uint8 \(4, 6, 4\)"),
        (zeros(4, 6, 1), "bgr24", BGR),
        (zeros(4, 6), "bgr24", BGR),
        (zeros(2, 4, 6, 3), "bgr24", BGR),
        (zeros(0, 6, 3), "bgr24", BGR),
        (zeros(4, 0, 3), "bgr24", BGR),
        (zeros(), "bgr24", BGR),
        (None, "bgr24", BGR + "a NoneType"),
        ([[[0, 0, 0]]], "bgr24", BGR + "a list"),
        (zeros(7, 6), "i420", I420 + r"uint8 \(7, 6\)"),
        (zeros(1, 6), "i420", I420),
        (zeros(6, 5), "i420", I420),
        (zeros(0, 6), "i420", I420),
        (zeros(6, 0), "i420", I420),
        (zeros(6, 6, 3), "i420", I420),
        (zeros(6, 6, kind="u2"), "i420", I420 + "uint16"),
        (zeros(6, 6, 3), "gray8", GRAY),
        (zeros(0, 0), "gray8", GRAY),
        (zeros(6, 6, kind="f4"), "gray8", GRAY),
    ],
)
def test_what_is_no_picture(pixels: Any, layout: Any, message: str) -> None:
    with pytest.raises(SourceError, match=message):
        Frame(pixels, layout)


@pytest.mark.parametrize("layout", ["rgb24", None, 3, []])
def test_an_unknown_layout(layout: Any) -> None:
    with pytest.raises(SettingsError, match="choose one of bgr24, i420, gray8"):
        Frame(quadrants(), layout)


@pytest.mark.parametrize(
    "alpha", [zeros(20, 20), zeros(20, 21, 1), zeros(20, 21, kind="f4"), 255, [[255]]]
)
def test_what_is_no_opacity(alpha: Any) -> None:
    with pytest.raises(SourceError, match=r"opacity .* expected uint8 \(20, 21\), got"):
        Frame(quadrants(), alpha=alpha)


@pytest.mark.parametrize("height", range(1, 12))
@pytest.mark.parametrize("odd_width", [False, True])
def test_planar_frames_of_every_height(height: int, odd_width: bool) -> None:
    frame = Frame(zeros(height + (height + 1) // 2, 8), "i420", odd_width=odd_width)
    assert (frame.width, frame.height) == (8 - odd_width, height)
    assert frame.bgr.shape == (height, 8 - odd_width, 3)
