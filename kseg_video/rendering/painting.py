"""Views that are painted pixel by pixel from the labels, over a flat background.

An i420 frame is painted plane by plane, so that its kept pixels reach the output unchanged.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.core.background_spec import parse_background
from kseg_video.core.frame import padded_to_even
from kseg_video.core.settings import MAX_CLUSTERS
from kseg_video.core.yuv import bgr_to_yuv
from kseg_video.native import kernels
from kseg_video.native.planes import LevelTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, PixelLayout, Plane, Segmentation
    from kseg_video.core.settings import RenderSettings, View

_WHITE = np.full((1, 3), 255, np.uint8)
_LINES_PER_OUTLINE_PIXEL = 540


def paint_view(
    frame: Frame, segmentation: Segmentation, settings: RenderSettings, layout: PixelLayout
) -> Frame:
    """Paint the view original, segmented or masked.

    Parameters
    ----------
    frame : Frame
        The segmented frame; bgr24 or i420.
    segmentation : Segmentation
        Segmentation of that frame.
    settings : RenderSettings
        The view and its background, which is a colour.
    layout : {"bgr24", "i420"}
        Layout of the result: the frame's own, or bgr24.
    """
    if settings.view == "segmented":
        return _segmented(frame, segmentation, settings, layout)
    return _VIEWS[settings.view](in_layout(frame, layout), segmentation, settings)


def paint_outlines(frame: Frame, where: Plane) -> Frame:
    """Draw white lines where a mask, (H, W), is 255; lines are thicker in larger pictures."""
    thickness = 1 + frame.height // _LINES_PER_OUTLINE_PIXEL
    lines = cast("Plane", cv2.dilate(where, np.ones((thickness, thickness), np.uint8)))
    return _filled(frame, lines, _WHITE, halve=np.maximum)


def in_layout(frame: Frame, layout: PixelLayout) -> Frame:
    """The frame in its own layout, or converted to bgr24."""
    return frame if layout == frame.layout else replace(frame, pixels=frame.bgr, layout="bgr24")


def _original(frame: Frame, _segmentation: Segmentation, _settings: RenderSettings) -> Frame:
    return frame


def _segmented(
    frame: Frame, segmentation: Segmentation, settings: RenderSettings, layout: PixelLayout
) -> Frame:
    colors = segmentation.colors.copy()
    off = [number for number in settings.disabled if number < len(colors)]
    colors[off] = _background_color(settings)
    labels = segmentation.labels
    if layout == "i420":
        return replace(frame, pixels=_painted_planes(labels, bgr_to_yuv(colors, frame.encoding)))
    return replace(frame, pixels=_painted_bgr(labels, colors), layout=layout)


def _painted_bgr(labels: Plane, colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """BGR pixels of labels, given the colour of each label, (K, 3)."""
    pixels = np.empty((*labels.shape, 3), np.uint8)
    kernels.paint_bgr(labels, colors, pixels)
    return pixels


def _painted_planes(labels: Plane, levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """I420 pixels of labels, given the YUV levels of each label, (K, 3)."""
    height = len(labels)
    labels = padded_to_even(labels)
    rows_of_blocks, width = len(labels) // 2, labels.shape[1]
    pixels = np.empty((height + rows_of_blocks, width), np.uint8)
    halves = pixels[height:].reshape(2, rows_of_blocks, width // 2)
    kernels.paint_planes(labels[:height], levels, (pixels[:height], *halves))
    return pixels


def _masked(frame: Frame, segmentation: Segmentation, settings: RenderSettings) -> Frame:
    if not settings.disabled:
        return frame
    off = np.zeros(MAX_CLUSTERS, np.uint8)
    off[list(settings.disabled)] = 255
    where = LevelTable(off).look_up(segmentation.labels)
    return _filled(frame, where, _background_color(settings), halve=np.minimum)


def _background_color(settings: RenderSettings) -> NDArray[np.uint8]:
    return np.array([parse_background(settings.background).color[::-1]], np.uint8)


def _filled(
    frame: Frame,
    where: Plane,
    color: NDArray[np.uint8],
    halve: Callable[[Plane, Plane], Plane],
) -> Frame:
    """Fill the frame with a colour where the mask is 255.

    `halve` chooses which i420 chroma samples are filled: `np.minimum` those whose block is wholly
    masked, so that kept pixels keep their colour; `np.maximum` those with any masked pixel.
    """
    if frame.layout != "i420":
        pixels = frame.pixels.copy()
        cv2.copyTo(np.broadcast_to(color, pixels.shape).copy(), where, pixels)
        return replace(frame, pixels=pixels)
    even = padded_to_even(where)
    rows = halve(even[::2], even[1::2])
    blocks = halve(rows[:, ::2], rows[:, 1::2])
    copy = replace(frame, pixels=frame.pixels.copy())
    masks = (where, blocks, blocks)
    for plane, mask, level in zip(
        copy.planes, masks, bgr_to_yuv(color, frame.encoding)[0], strict=True
    ):
        cv2.copyTo(np.full_like(plane, level), mask, plane)
    return copy


_VIEWS: dict[View, Callable[[Frame, Segmentation, RenderSettings], Frame]] = {
    "original": _original,
    "masked": _masked,
}
