"""The panels of a view: which there are, and how they are put together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.settings import RenderSettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kseg_video.core.frame import Frame
    from kseg_video.core.settings import View


def panels_of(settings: RenderSettings) -> Sequence[RenderSettings]:
    """Settings of the panels, from left to right."""
    if settings.view == "split":
        after: View = "masked" if settings.disabled else "segmented"
        return [RenderSettings("original"), replace(settings, view=after)]
    if settings.view != "side-by-side":
        return [settings]
    panels = [RenderSettings("original"), RenderSettings("segmented")]
    return [*panels, replace(settings, view="masked")] if settings.disabled else panels


def split(before: Frame, after: Frame, share: float) -> Frame:
    """The left part of one picture beside the right part of another."""
    column = round(share * before.width)
    alpha = None if after.alpha is None else after.alpha.copy()
    joined = replace(after, pixels=after.pixels.copy(), alpha=alpha)
    if before.layout == "i420":
        column += column % 2  # neighbours share chroma samples
        for ours, theirs, left in zip(
            joined.planes, before.planes, (column, column // 2, column // 2), strict=True
        ):
            ours[:, :left] = theirs[:, :left]
    else:
        joined.pixels[:, :column] = before.pixels[:, :column]
    if alpha is not None:
        alpha[:, :column] = 255
    return joined


def in_a_row(panels: Sequence[Frame]) -> Frame:
    """Pictures of one size and layout beside each other."""
    first = panels[0]
    if len(panels) == 1:
        return first
    alpha = None
    if any(panel.alpha is not None for panel in panels):
        alpha = np.hstack([panel.opacity for panel in panels])
    if first.layout == "i420":
        rows = [np.hstack(planes) for planes in zip(*(p.planes for p in panels), strict=True)]
        pixels = np.concatenate([plane.ravel() for plane in rows]).reshape(-1, rows[0].shape[1])
    else:
        pixels = np.hstack([panel.pixels for panel in panels])
    return replace(first, pixels=pixels, alpha=alpha)
