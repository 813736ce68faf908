"""Rendering of a frame and its segmentation to the picture that is shown or written.

=============  ====================================================================================
view           picture
=============  ====================================================================================
segmented      every pixel in its cluster's colour or paint, switched-off clusters as background
masked         the source's own pixels, switched-off clusters as background
boundaries     the source with the outlines of all but the smallest regions drawn in
side-by-side   source and segmented, all clusters on; if some are off, masked as the third
split          the source on the left, segmented on the right; masked if some clusters are off
matte          opacity of each pixel, 8-bit gray: white where clusters are on
labels         raw cluster numbers, 8-bit gray
original       the source
=============  ====================================================================================

An i420 frame is painted plane by plane, so that its kept pixels reach the output unchanged. With a
transparent background the picture has an alpha plane; its colours are not premultiplied.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast, overload

import cv2
import numpy as np

from kseg_video.core.background_spec import parse_background
from kseg_video.core.cluster_selectors import check_numbers
from kseg_video.core.frame import Frame, Segmentation, as_frame
from kseg_video.core.palette import hex_colors
from kseg_video.core.setting_checks import ValueKind, instance, one_of, take, take_settings
from kseg_video.core.settings import RenderSettings
from kseg_video.rendering.compositing import composite, nearest_kept
from kseg_video.rendering.matte import MatteSettings, Matting
from kseg_video.rendering.outlines import Outlines, speck_area
from kseg_video.rendering.painting import in_layout, paint_outlines, paint_view
from kseg_video.rendering.paints import Painter
from kseg_video.rendering.panels import in_a_row, panels_of, split
from kseg_video.rendering.simplifier import Simplifier

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import PixelLayout, Plane
    from kseg_video.core.settings import View

_KEYED = {"segmented", "masked"}  # the views that have a background
_SIMPLIFIED = {"segmented", "boundaries"}  # those that show the regions themselves


@overload
def render(
    picture: Frame,
    segmentation: Segmentation,
    settings: RenderSettings | View | None = None,
    layout: PixelLayout | None = None,
    background: Frame | None = None,
) -> Frame: ...


@overload
def render(
    picture: NDArray[np.uint8],
    segmentation: Segmentation,
    settings: RenderSettings | View | None = None,
    layout: PixelLayout | None = None,
    background: Frame | None = None,
) -> NDArray[np.uint8]: ...


def render(
    picture: Frame | NDArray[np.uint8],
    segmentation: Segmentation,
    settings: RenderSettings | View | None = None,
    layout: PixelLayout | None = None,
    background: Frame | None = None,
) -> Frame | NDArray[np.uint8]:
    """Render a view of a segmented picture.

    For the frames of a video, use a `Renderer`, whose mattes and outlines flicker less.

    Parameters
    ----------
    picture : Frame, or ndarray of uint8 and shape (H, W, 3)
        The segmented picture; an array is in BGR order.
    segmentation : Segmentation
        Segmentation of that picture.
    settings : RenderSettings or str, optional
        View, background, clusters that are off, and the softness of edges; or the view alone.
    layout : {"bgr24", "i420"}, optional
        Layout of the result; the picture's own by default, which avoids a conversion. Only a
        planar frame can also be rendered as the other. The labels view is always gray8, and so is
        the matte unless `layout` is bgr24.
    background : Frame, optional
        The picture for ``background="picture"``, of the frame's size and the result's layout.

    Returns
    -------
    Frame or ndarray
        A frame with the index and time of `picture` if that is a frame, else an array of uint8: of
        shape (H, W) for the labels view and the matte, (H, W, 4), B, G, R and alpha, on a
        transparent background, else (H, W, 3); wider for side-by-side.

    Raises
    ------
    SettingsError
        If the background is a picture and none of the right size is given, a cluster that is
        switched off does not exist, or a parameter is of the wrong type.
    SourceError
        If `picture` is neither a frame nor a BGR picture, or differs in size from the segmentation.
    """
    frame, settings = as_frame(picture), _taken(settings)
    take("the segmentation", segmentation, instance(Segmentation))
    check_numbers(settings.disabled, len(segmentation.colors))
    painted = Renderer().render(frame, segmentation, settings, layout, background)
    if isinstance(picture, Frame):
        return painted
    if painted.alpha is not None:
        return np.dstack([painted.pixels, painted.alpha])
    is_another = painted.pixels is not frame.pixels and painted.pixels is not segmentation.labels
    return painted.pixels if is_another else painted.pixels.copy()


class Renderer:
    """Renders the frames of one video, in order, with edges that hold still.

    Parameters
    ----------
    painter : Painter, optional
        One that has followed earlier frames; by default there are none.
    """

    def __init__(self, painter: Painter | None = None) -> None:
        self._matting = Matting()
        self._outlines = Outlines()
        self._painter = painter or Painter()
        self._simplifier = Simplifier()

    def render(
        self,
        frame: Frame,
        segmentation: Segmentation,
        settings: RenderSettings | View | None = None,
        layout: PixelLayout | None = None,
        background: Frame | None = None,
    ) -> Frame:
        """Render a view of the next frame; parameters are those of the function `render`."""
        settings = _taken(settings)
        take("the segmentation", segmentation, instance(Segmentation)).check_size(frame)
        if background is not None:
            take("the background", background, instance(Frame))
        self._painter.follow(frame, segmentation, settings.paint)
        if settings.paint is not None:
            segmentation = replace(segmentation, colors=self._painter.colors)
        if settings.view != "boundaries":
            self._outlines = Outlines()  # it would miss a cut in the meantime
        if settings.view == "labels":
            return replace(frame, pixels=segmentation.labels, layout="gray8")
        if settings.view == "matte":
            matte = self._matte(frame, segmentation, settings)
            if layout != "bgr24":
                return replace(frame, pixels=matte, layout="gray8")
            merged = cast("NDArray[np.uint8]", cv2.merge([matte] * 3))
            return replace(frame, pixels=merged, layout="bgr24")
        kind: ValueKind[PixelLayout] = one_of("bgr24", frame.layout)
        wanted = take("the layout", frame.layout if layout is None else layout, kind)
        layout = view_layout(wanted, frame.width, settings)
        simple = segmentation
        if settings.simplify and is_simplified(settings):
            simple = self._simplifier.simplify(segmentation, settings.simplify)
        panels = []
        for panel in panels_of(settings):
            shown = simple if panel.view in _SIMPLIFIED else segmentation
            if _is_composite(panel):
                matte = self._matte(frame, shown, panel)
                front = _front(frame, shown, panel, layout)
                style = parse_background(panel.background)
                canvas = in_layout(frame, layout)
                panels.append(composite(front, canvas, matte, style, background))
            elif panel.view == "boundaries":
                where = self._outlines.of_frame(shown, _outlined_area(frame, panel))
                panels.append(paint_outlines(in_layout(frame, layout), where))
            else:
                panels.append(paint_view(frame, shown, panel, layout))
        if settings.view == "split":
            before, after = panels
            return split(before, after, settings.split)
        return in_a_row(panels)

    @property
    def colors(self) -> NDArray[np.uint8]:
        """BGR colours in which the clusters of the frame rendered last are painted, (K, 3)."""
        return self._painter.colors

    def paint(self, settings: RenderSettings) -> tuple[str, ...]:
        """The same as ``#rrggbb``; empty if these are their own."""
        is_another = settings.paint is not None and is_painted(settings)
        return hex_colors(self.colors) if is_another else ()

    def _matte(self, frame: Frame, segmentation: Segmentation, settings: RenderSettings) -> Plane:
        edge = MatteSettings.suiting(settings, frame.width, frame.height)
        return self._matting.of_frame(frame, segmentation, settings.disabled, edge)


def _taken(settings: RenderSettings | View | None) -> RenderSettings:
    given = RenderSettings(view=settings) if isinstance(settings, str) else settings
    return take_settings("settings", given, RenderSettings)


def has_background(settings: RenderSettings) -> bool:
    """Whether pictures rendered with these settings show a background where clusters are off."""
    return any(panel.view in _KEYED for panel in panels_of(settings))


def is_painted(settings: RenderSettings) -> bool:
    """Whether pictures rendered with these settings show clusters in their colours or a paint."""
    return any(panel.view == "segmented" for panel in panels_of(settings))


def is_simplified(settings: RenderSettings) -> bool:
    """Whether pictures rendered with these settings show regions that may be simplified."""
    return any(panel.view in _SIMPLIFIED for panel in panels_of(settings))


def is_transparent(settings: RenderSettings) -> bool:
    """Whether pictures rendered with these settings have an alpha plane of their own."""
    return has_background(settings) and parse_background(settings.background).kind == "transparent"


def follows_colors(settings: RenderSettings) -> bool:
    """Whether pictures rendered with these settings have a soft matte."""
    views = {panel.view for panel in panels_of(settings)}
    is_keyed = bool(settings.disabled) and not views.isdisjoint({"matte", *_KEYED})
    return is_keyed and MatteSettings.suiting(settings, 1, 1).feather > 0


def view_width(width: int, settings: RenderSettings) -> int:
    """Width in pixels of the rendered picture, given the source's."""
    return width if settings.view == "split" else width * len(panels_of(settings))


def view_layout(layout: PixelLayout, width: int, settings: RenderSettings) -> PixelLayout:
    """Layout of a rendered colour picture, given the wanted layout and the source's width.

    Side-by-side panels of odd width are bgr24, since in i420 they would share chroma samples.
    """
    return "bgr24" if width % 2 and view_width(width, settings) > width else layout


def _is_composite(settings: RenderSettings) -> bool:
    """Whether the view needs a matte instead of pixels filled with a flat colour."""
    if settings.view not in _KEYED:
        return False
    kind = parse_background(settings.background).kind
    if not settings.disabled:
        return kind == "transparent"
    return kind != "color" or bool(settings.feather or settings.despeckle)


def _outlined_area(frame: Frame, settings: RenderSettings) -> int:
    """Area in pixels from which a region is outlined."""
    given = settings.despeckle
    return speck_area(frame.width, frame.height) if given is None else given


def _front(
    frame: Frame, segmentation: Segmentation, settings: RenderSettings, layout: PixelLayout
) -> Frame:
    """The foreground: the source, or the clusters' colours.

    A soft matte may reach into clusters that are off: they get the colour of the nearest one that
    is on.
    """
    if settings.view == "masked":
        return in_layout(frame, layout)
    nearest = nearest_kept(segmentation.centroids, settings.disabled)
    recolored = replace(segmentation, colors=segmentation.colors[nearest])
    return paint_view(frame, recolored, RenderSettings(), layout)
