"""The picture of a live run: the newest frame, segmented, and what is shown of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.frame import Frame
from kseg_video.rendering.cluster_selection import pinned
from kseg_video.rendering.compositing import mirrored, over_checkerboard
from kseg_video.rendering.renderer import Renderer, follows_colors
from kseg_video.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Segmentation
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.core.timing import StageTimer
    from kseg_video.live.background import LiveBackground
    from kseg_video.live.key_bindings import LiveState

_BLANK = (360, 640, 3)  # shown until the first frame


class LivePicture:
    """Segments and paints one frame after the other, as the user has chosen.

    Parameters
    ----------
    settings : SegmenterSettings
    timer : StageTimer
    """

    def __init__(self, settings: SegmenterSettings, timer: StageTimer) -> None:
        self.frame: Frame | None = None
        self.segmentation: Segmentation | None = None
        self.background: LiveBackground | None = None  # that of the state which is a file
        self._timer = timer
        self._segmenter = Segmenter(settings, timer)
        self._renderer = Renderer()
        self._width = 0  # of what is shown

    def segment(self, frame: Frame, state: LiveState) -> Segmentation:
        """Make a frame the picture."""
        self._segmenter.frozen = state.frozen
        self._segmenter.keeps_cells = follows_colors(state.rendering)
        self.frame = frame
        held = pinned(state.rendering.disabled, state.segmenter.n_clusters)
        self.segmentation = self._segmenter.segment(frame, held)
        return self.segmentation

    def fit(self, settings: SegmenterSettings, *, anew: bool) -> None:
        """Segment what follows by other settings, maybe fitted from nothing."""
        self._segmenter.retune(settings)
        if anew:
            self._segmenter.fit_anew()

    def painted(self, state: LiveState) -> Frame:
        """What the user has chosen to see, maybe with transparent parts."""
        frame, rendering = self.frame, state.rendering
        if frame is None or self.segmentation is None:
            return Frame(np.zeros(_BLANK, np.uint8))
        behind = None
        if self.background is not None and isinstance(rendering.background, Path):
            behind = self.background.picture(frame.width, frame.height)
        painted = self._renderer.render(frame, self.segmentation, rendering, "bgr24", behind)
        return mirrored(painted) if state.mirrored else painted

    def view(self, state: LiveState) -> NDArray[np.uint8]:
        """What is shown of it: BGR, shape (H, W, 3)."""
        with self._timer.stage("paint"):
            view = over_checkerboard(self.painted(state)).pixels
        self._width = view.shape[1]
        return view

    def cluster_at(self, x: int, y: int, state: LiveState) -> int | None:
        """Cluster of a pixel of the view."""
        if self.segmentation is None:
            return None
        labels = self.segmentation.labels
        height, width = labels.shape
        if state.mirrored:
            x = self._width - 1 - x
        if not (0 <= y < height and x >= 0):
            return None
        return int(labels[y, x % width])
