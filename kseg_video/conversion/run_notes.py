"""Notes on a run: settings without effect, and what became of the palette."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.palette import changes_since_first
from kseg_video.core.settings import RenderSettings
from kseg_video.native import kernels
from kseg_video.rendering.paints import note_on_paint
from kseg_video.rendering.renderer import has_background, is_painted, is_simplified

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.palette import Palette

_SHOWS_ALL = {"original", "boundaries", "labels"}  # the views in which no cluster is switched off


def notes_on_palette(rendering: RenderSettings, palette: Palette, first: Palette) -> Iterator[str]:
    """Notes on how clusters are painted, and on those that changed since the first frame."""
    if rendering.paint is not None and is_painted(rendering):
        note = note_on_paint(rendering.paint, palette.n_real)
        if note is not None:
            yield note
    if others := changes_since_first(palette, first):
        yield f"clusters that began as other colours: {others}"


def warnings_without_hue(selection: dict[str, list[int]]) -> Iterator[str]:
    """Warnings of colours that no cluster had in any frame."""
    for name, clusters in selection.items():
        if not clusters:
            yield f"no cluster was {name} in any frame; kseg-video palette lists the colours"


def note_on_kernels(info: VideoInfo) -> Iterator[str]:
    """Note on slow labels, since pip hides what the installation says."""
    if not kernels.ARE_COMPILED and not info.is_image:
        yield "labels took twice the time, without compiled code; see kseg-video doctor"


def notes_without_effect(rendering: RenderSettings, n_clusters: int) -> Iterator[str]:
    """Notes on rendering settings that have no visible effect."""
    if len(rendering.disabled) == n_clusters and has_background(rendering):
        yield "all clusters are switched off, so nothing of the source is seen"
    given = rendering.background != RenderSettings().background
    if given and not has_background(rendering):
        yield f"{rendering.view} has no background, so {rendering.background} is seen nowhere"
    smoothing = ("feather",) if rendering.view == "boundaries" else ("feather", "despeckle")
    smooths = " and ".join(name for name in smoothing if getattr(rendering, name))
    idle = f"so there is nothing for {smooths} to do"
    if smooths and not has_background(rendering) and rendering.view != "matte":
        yield f"{rendering.view} switches nothing off, {idle}"
    if rendering.paint is not None and not is_painted(rendering):
        yield f"{rendering.view} shows no cluster in a colour, so that there is nothing to paint"
    if rendering.simplify and not is_simplified(rendering):
        yield f"{rendering.view} does not show the regions, so that there is nothing to simplify"
    if rendering.disabled and rendering.view in _SHOWS_ALL:
        yield f"{rendering.view} shows all clusters, so that switching some off hides nothing"
    if rendering.disabled:
        return
    if rendering.view == "masked":
        yield "no cluster is switched off, so masked shows the whole source"
    elif rendering.view == "matte":
        yield "no cluster is switched off, so the matte is white throughout"
    elif given and has_background(rendering):
        yield f"no cluster is switched off, so {rendering.background} is seen nowhere"
    elif smooths and has_background(rendering):
        yield f"no cluster is switched off, {idle}"
