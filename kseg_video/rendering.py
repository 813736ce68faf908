"""From a frame and its segmentation to the picture that is shown or written.

=============  ====================================================================================
view           picture
=============  ====================================================================================
segmented      every pixel in its cluster's colour, switched-off clusters as background
masked         the source's own pixels, switched-off clusters as background
boundaries     the source with the regions' outlines drawn in
side-by-side   source and segmented, all clusters on; if some are off, masked as the third
matte          how opaque each pixel is, 8-bit gray: white where clusters are on
labels         raw cluster numbers, 8-bit gray
original       the source
=============  ====================================================================================

An i420 frame is painted plane by plane: its kept pixels reach the output untouched. With a
transparent background the picture has an alpha plane; its colours are not multiplied by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast, overload

import cv2
import numpy as np

from kseg_video.background import parse_background
from kseg_video.bands import bands_of
from kseg_video.color import bgr_to_yuv
from kseg_video.compositing import composite, nearest_kept
from kseg_video.frame import Frame, as_frame
from kseg_video.lookup import PAIRS, LevelTable, look_up
from kseg_video.matte import Edge, Matting
from kseg_video.settings import MAX_CLUSTERS, RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from kseg_video.frame import PixelLayout, Plane, Segmentation
    from kseg_video.settings import View

_WHITE = np.full((1, 3), 255, np.uint8)
_LINES_PER_OUTLINE_PIXEL = 540


@overload
def render(
    picture: Frame,
    segmentation: Segmentation,
    settings: RenderSettings | None = None,
    layout: PixelLayout | None = None,
    background: Frame | None = None,
) -> Frame: ...


@overload
def render(
    picture: NDArray[np.uint8],
    segmentation: Segmentation,
    settings: RenderSettings | None = None,
    layout: PixelLayout | None = None,
    background: Frame | None = None,
) -> NDArray[np.uint8]: ...


def render(
    picture: Frame | NDArray[np.uint8],
    segmentation: Segmentation,
    settings: RenderSettings | None = None,
    layout: PixelLayout | None = None,
    background: Frame | None = None,
) -> Frame | NDArray[np.uint8]:
    """Paint a view of a segmented picture.

    For the frames of a video, a `Renderer` keeps mattes stiller.

    Parameters
    ----------
    picture : Frame, or ndarray of uint8 and shape (H, W, 3)
        What was segmented.
    segmentation : Segmentation
        Of that picture.
    settings : RenderSettings, optional
    layout : {"bgr24", "i420"}, optional
        Layout of the result; the picture's own by default. A planar frame can be painted as BGR,
        not the other way round. The labels view is always gray8, and so is the matte unless bgr24
        is asked for.
    background : Frame, optional
        The picture for ``background="picture"``, of the frame's size and the result's layout.

    Returns
    -------
    Frame or ndarray
        As `picture`: a frame with its index and time, or an array; uint8 of shape (H, W, 3), of
        shape (H, W) for the labels view and the matte, wider for side by side, and (H, W, 4), as
        B, G, R and opacity, of an array on a transparent background.

    Raises
    ------
    SettingsError
        If the background is a picture and none of the right size is given.
    """
    painted = Renderer().render(as_frame(picture), segmentation, settings, layout, background)
    if isinstance(picture, Frame):
        return painted
    return painted.pixels if painted.alpha is None else np.dstack([painted.pixels, painted.alpha])


class Renderer:
    """Paints the frames of one video, one after another, with mattes that hold still."""

    def __init__(self) -> None:
        self._matting = Matting()

    def render(
        self,
        frame: Frame,
        segmentation: Segmentation,
        settings: RenderSettings | None = None,
        layout: PixelLayout | None = None,
        background: Frame | None = None,
    ) -> Frame:
        """Paint a view of the next frame; as the function `render` does."""
        settings = settings or RenderSettings()
        if settings.view == "labels":
            return _like(frame, segmentation.labels, "gray8")
        if settings.view == "matte":
            matte = self._matte(frame, segmentation, settings)
            if layout == "bgr24":
                return _like(frame, cast("Plane", cv2.merge([matte] * 3)), "bgr24")
            return _like(frame, matte, "gray8")
        canvas = frame
        if frame.layout != (layout or frame.layout):
            canvas = _like(frame, frame.bgr, "bgr24")
        panels = []
        for panel in _panels(settings):
            if _is_composite(panel):
                matte = self._matte(frame, segmentation, panel)
                front = _front(canvas, segmentation, panel)
                style = parse_background(panel.background)
                panels.append(composite(front, canvas, matte, style, background))
            else:
                panels.append(_VIEWS[panel.view](canvas, segmentation, panel))
        return _in_a_row(panels)

    def _matte(self, frame: Frame, segmentation: Segmentation, settings: RenderSettings) -> Plane:
        edge = Edge.suiting(settings, frame.width, frame.height)
        return self._matting.of_frame(frame, segmentation, settings.disabled, edge)


def is_transparent(settings: RenderSettings) -> bool:
    """Whether pictures painted by these settings have an alpha plane of their own."""
    keyed = any(panel.view in _KEYED for panel in _panels(settings))
    return keyed and parse_background(settings.background).kind == "transparent"


def follows_colors(settings: RenderSettings) -> bool:
    """Whether pictures painted by these settings have a soft matte."""
    views = {panel.view for panel in _panels(settings)}
    is_keyed = bool(settings.disabled) and not views.isdisjoint({"matte", *_KEYED})
    return is_keyed and Edge.suiting(settings, 1, 1).feather > 0


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
    colors = segmentation.colors.copy()
    off = [number for number in settings.disabled if number < len(colors)]
    colors[off] = _background_color(settings)
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
    return _filled(frame, where, _background_color(settings), halve=np.minimum)


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


_KEYED = {"segmented", "masked"}


def _background_color(settings: RenderSettings) -> NDArray[np.uint8]:
    return np.array([parse_background(settings.background).color[::-1]], np.uint8)


def _is_composite(settings: RenderSettings) -> bool:
    """Whether it takes more than painting pixels in a flat colour."""
    if settings.view not in _KEYED:
        return False
    kind = parse_background(settings.background).kind
    if kind == "transparent" or not settings.disabled:
        return kind == "transparent"
    return kind != "color" or bool(settings.feather or settings.despeckle)


def _front(canvas: Frame, segmentation: Segmentation, settings: RenderSettings) -> Frame:
    """What is kept: the source, or the clusters' colours.

    A matte may reach into clusters that are off: they have the colour of the nearest that is on.
    """
    if settings.view == "masked":
        return canvas
    nearest = nearest_kept(segmentation.centroids, settings.disabled)
    recolored = replace(segmentation, colors=segmentation.colors[nearest])
    return _segmented(canvas, recolored, RenderSettings())


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
    alpha = None
    if any(panel.alpha is not None for panel in panels):
        opaque = np.full((first.height, first.width), 255, np.uint8)
        alpha = np.hstack([opaque if panel.alpha is None else panel.alpha for panel in panels])
    if first.layout == "i420":
        rows = [np.hstack(planes) for planes in zip(*(p.planes for p in panels), strict=True)]
        return replace(_from_planes(first, *rows), alpha=alpha)
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
