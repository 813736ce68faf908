"""From a frame and its segmentation to the picture that is shown or written.

=============  ====================================================================================
view           picture
=============  ====================================================================================
segmented      every pixel in its cluster's colour, switched-off clusters as background
masked         the source's own pixels, switched-off clusters as background
boundaries     the source with the regions' outlines drawn in
side-by-side   source and segmented, all clusters on; if some are off, masked as the third
labels         raw cluster numbers, 8-bit gray
original       the source
=============  ====================================================================================

An i420 frame is painted plane by plane: its kept pixels reach the output untouched.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast, overload

import cv2
import numpy as np

from kseg_video.bands import bands_of
from kseg_video.color import bgr_to_yuv
from kseg_video.frame import Frame, as_frame
from kseg_video.lookup import PAIRS, LevelTable, look_up
from kseg_video.settings import MAX_CLUSTERS, RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from kseg_video.frame import PixelLayout, Plane, Segmentation
    from kseg_video.settings import Background, View

_BACKGROUNDS: dict[Background, NDArray[np.uint8]] = {
    "black": np.zeros((1, 3), np.uint8),
    "gray": np.full((1, 3), 128, np.uint8),
    "white": np.full((1, 3), 255, np.uint8),
}
_WHITE = _BACKGROUNDS["white"]
_LINES_PER_OUTLINE_PIXEL = 540


@overload
def render(
    picture: Frame,
    segmentation: Segmentation,
    settings: RenderSettings | None = None,
    layout: PixelLayout | None = None,
) -> Frame: ...


@overload
def render(
    picture: NDArray[np.uint8],
    segmentation: Segmentation,
    settings: RenderSettings | None = None,
    layout: PixelLayout | None = None,
) -> NDArray[np.uint8]: ...


def render(
    picture: Frame | NDArray[np.uint8],
    segmentation: Segmentation,
    settings: RenderSettings | None = None,
    layout: PixelLayout | None = None,
) -> Frame | NDArray[np.uint8]:
    """Paint a view of a segmented picture.

    Parameters
    ----------
    picture : Frame, or ndarray of uint8 and shape (H, W, 3)
        What was segmented.
    segmentation : Segmentation
        Of that picture.
    settings : RenderSettings, optional
    layout : {"bgr24", "i420"}, optional
        Layout of the result; the picture's own by default. A planar frame can be painted as BGR,
        not the other way round. The labels view is always gray8.

    Returns
    -------
    Frame or ndarray
        As `picture`: a frame with its index and time, or an array; uint8 of shape (H, W, 3), of
        shape (H, W) for the labels view, wider for side by side.
    """
    frame = as_frame(picture)
    settings = settings or RenderSettings()
    if settings.view == "labels":
        painted = _like(frame, segmentation.labels, "gray8")
    else:
        wanted = layout or frame.layout
        if frame.layout != wanted:
            frame = _like(frame, frame.bgr, "bgr24")
        painted = _in_a_row(
            [_VIEWS[panel.view](frame, segmentation, panel) for panel in _panels(settings)]
        )
    return painted if isinstance(picture, Frame) else painted.pixels


def view_width(width: int, settings: RenderSettings) -> int:
    """Width of the painted picture in pixels for a source of some width."""
    return width * len(_panels(settings))


def _panels(settings: RenderSettings) -> Sequence[RenderSettings]:
    """Views from left to right."""
    if settings.view != "side-by-side":
        return [settings]
    panels = [RenderSettings("original"), RenderSettings("segmented")]
    return [*panels, replace(settings, view="masked")] if settings.disabled else panels


def _original(frame: Frame, _segmentation: Segmentation, _settings: RenderSettings) -> Frame:
    return frame


def _segmented(frame: Frame, segmentation: Segmentation, settings: RenderSettings) -> Frame:
    colors = segmentation.palette.colors.copy()
    off = [number for number in settings.disabled if number < len(colors)]
    colors[off] = _BACKGROUNDS[settings.background]
    labels = segmentation.labels
    if frame.layout == "i420":
        return _like(frame, _painted_planes(labels, bgr_to_yuv(colors, frame.encoding)), "i420")
    table = np.zeros((256, 1, 3), np.uint8)
    table[: len(colors), 0] = colors
    painted = cv2.applyColorMap(labels, table)
    return _like(frame, cast("Plane", painted), "bgr24")


def _painted_planes(labels: Plane, levels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """I420 pixels of labels, given the YUV levels of each, (K, 3)."""
    height, width = labels.shape
    luma, *chroma = levels.T
    in_luma = LevelTable(luma)
    in_chroma = [_of_the_first(each) for each in chroma]
    pixels = np.empty((height * 3 // 2, width), np.uint8)
    halves = pixels[height:].reshape(2, height // 2, width // 2)
    for band in bands_of(height, width):
        rows, half = band.rows, slice(band.rows.start // 2, band.rows.stop // 2)
        pixels[:height][rows] = in_luma.look_up(labels[rows])
        # The upper left pixel of a block is where H.264 and its kin place the block's chroma: the
        # first of each pair in every other row.
        pairs = labels[rows][::2].view(np.uint16)
        for plane, table in zip(halves, in_chroma, strict=True):
            plane[half] = look_up(pairs, table)
    return pixels


def _masked(frame: Frame, segmentation: Segmentation, settings: RenderSettings) -> Frame:
    if not settings.disabled:
        return frame
    off = np.zeros(MAX_CLUSTERS, np.uint8)
    off[list(settings.disabled)] = 255
    where = LevelTable(off).look_up(segmentation.labels)
    return _filled(frame, where, _BACKGROUNDS[settings.background], halve=np.minimum)


def _boundaries(frame: Frame, segmentation: Segmentation, _settings: RenderSettings) -> Frame:
    labels = segmentation.labels
    where = np.zeros(labels.shape, np.uint8)
    where[:, 1:][labels[:, 1:] != labels[:, :-1]] = 255
    where[1:][labels[1:] != labels[:-1]] = 255
    thickness = 1 + frame.height // _LINES_PER_OUTLINE_PIXEL
    where = cast("Plane", cv2.dilate(where, np.ones((thickness, thickness), np.uint8)))
    return _filled(frame, where, _WHITE, halve=np.maximum)


_VIEWS: dict[View, Callable[[Frame, Segmentation, RenderSettings], Frame]] = {
    "original": _original,
    "segmented": _segmented,
    "masked": _masked,
    "boundaries": _boundaries,
}


def _filled(
    frame: Frame,
    where: Plane,
    color: NDArray[np.uint8],
    halve: Callable[[Plane, Plane], Plane],
) -> Frame:
    """The frame with a colour wherever the mask is 255.

    Of i420 chroma, `halve` says which blocks are filled: `np.minimum` those filled whole, so that a
    kept pixel keeps its colour; `np.maximum` all that are touched.
    """
    if frame.layout != "i420":
        pixels = frame.pixels.copy()
        cv2.copyTo(np.broadcast_to(color, pixels.shape).copy(), where, pixels)
        return _like(frame, pixels, frame.layout)
    rows = halve(where[::2], where[1::2])
    blocks = halve(rows[:, ::2], rows[:, 1::2])
    copy = _like(frame, frame.pixels.copy(), "i420")
    masks = (where, blocks, blocks)
    for plane, mask, level in zip(
        copy.planes, masks, bgr_to_yuv(color, frame.encoding)[0], strict=True
    ):
        cv2.copyTo(np.full_like(plane, level), mask, plane)
    return copy


def _in_a_row(panels: Sequence[Frame]) -> Frame:
    first = panels[0]
    if len(panels) == 1:
        return first
    if first.layout == "i420":
        rows = [np.hstack(planes) for planes in zip(*(p.planes for p in panels), strict=True)]
        return _from_planes(first, *rows)
    alpha = None if first.alpha is None else np.hstack([first.alpha] * len(panels))
    pixels = np.hstack([panel.pixels for panel in panels])
    return Frame(pixels, first.layout, first.encoding, first.index, first.time, alpha)


def _of_the_first(values: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Table from a pair of labels to the value of the first."""
    table = np.zeros((256, 256), np.uint8)
    size = len(values)
    table[:size, :size] = values[PAIRS[:size, :size, 0]]
    return table.ravel()


def _from_planes(frame: Frame, *planes: NDArray[np.uint8]) -> Frame:
    width = planes[0].shape[1]
    pixels = np.concatenate([plane.ravel() for plane in planes]).reshape(-1, width)
    return _like(frame, pixels, "i420")


def _like(frame: Frame, pixels: NDArray[np.uint8], layout: PixelLayout) -> Frame:
    return Frame(pixels, layout, frame.encoding, frame.index, frame.time, frame.alpha)
