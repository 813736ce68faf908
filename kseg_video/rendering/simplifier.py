"""Simplification: small regions of a segmentation join their neighbours.

Which regions are small, and which neighbour is the nearest, changes from frame to frame, and a
whole region would flicker with it. So a pixel that the picture leaves unchanged takes another label
only if that is wanted for some frames on end.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.native import kernels
from kseg_video.rendering.outlines import STEADINESS

if TYPE_CHECKING:
    from kseg_video.core.frame import Plane, Segmentation

# Frames for which an unchanged pixel waits. More flickers less, and lets what has moved on linger.
# 12 flickers about as much as without simplification, 0 up to twice as much.
_PATIENCE = 12


@dataclass(frozen=True, slots=True, eq=False)
class _Memory:
    """The frame before: its labels, the simplified ones, and how long pixels have waited."""

    labels: Plane
    simple: Plane
    waits: Plane


class Simplifier:
    """Simplifies the segmentations of one video, in order, so that regions hold still."""

    def __init__(self) -> None:
        self._memory: _Memory | None = None

    def simplify(self, segmentation: Segmentation, area: int) -> Segmentation:
        """Simplify the segmentation of the next frame.

        Parameters
        ----------
        segmentation : Segmentation
        area : int
            Regions of fewer pixels join the neighbour with the longest common border. Those of the
            frame before go only below this limit divided by `STEADINESS`, and new ones appear only
            above the limit times this factor.
        """
        labels, before = segmentation.labels, self._memory
        if segmentation.begins_scene or (
            before is not None and before.simple.shape != labels.shape
        ):
            before = None
        if before is None:
            self._memory = _Memory(labels, _merged(labels, area), np.zeros_like(labels))
        else:
            self._memory = _held(labels, before, area)
        return replace(segmentation, labels=self._memory.simple)


def _held(labels: Plane, before: _Memory, area: int) -> _Memory:
    """Simplify labels, and hold them to the frame before."""
    most, least = round(area * STEADINESS), round(area / STEADINESS)
    wanted = _merged(labels, most, before.simple, least)
    waits = before.waits + np.uint8(1)
    waits &= cast("Plane", cv2.compare(wanted, before.simple, cv2.CMP_NE))
    waits &= cast("Plane", cv2.compare(labels, before.labels, cv2.CMP_EQ))
    waits *= waits <= _PATIENCE
    cv2.copyTo(before.simple, waits, wanted)
    return _Memory(labels, _merged(wanted, least), waits)  # pixels that wait may leave specks


def _merged(labels: Plane, most: int, before: Plane | None = None, least: int = 0) -> Plane:
    result = np.empty_like(labels)
    kernels.merge_small_regions(labels, before, min(most, labels.size + 1), least, result)
    return result
