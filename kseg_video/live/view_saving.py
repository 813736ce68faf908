"""What a live session saves of its views: snapshots, at once or by timer, and recordings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.rendering.compositing import mirrored

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from kseg_video.live.live_state import LiveState
    from kseg_video.live.pipeline import LivePipeline
    from kseg_video.live.snapshots_and_recordings import LiveFiles

_TIMER_SECONDS = 3.0  # from the key to a timed snapshot


class ViewSaver:
    """Hands a session's views to its files.

    Parameters
    ----------
    files : LiveFiles
    pipeline : LivePipeline
    clock : callable
        Monotonic clock, in seconds; tests pass their own.
    """

    def __init__(
        self, files: LiveFiles, pipeline: LivePipeline, clock: Callable[[], float]
    ) -> None:
        self._files = files
        self._pipeline = pipeline
        self._clock = clock
        self._due = float("inf")

    def offer(self, view: NDArray[np.uint8], state: LiveState) -> None:
        """Record a view, if a recording is under way or shall start with the first view."""
        self._files.offer(self._as_saved(view, state))

    def toggle(self, state: LiveState) -> str:
        """Start or end a recording; return a message."""
        return self._files.toggle(self._as_saved(self._pipeline.view(state), state))

    def snapshot(self, state: LiveState) -> str:
        """Save what is shown; return a message."""
        frame, segmentation = self._pipeline.frame, self._pipeline.segmentation
        if frame is None or segmentation is None:
            return "there is no picture yet"
        painted = self._pipeline.painted(state)
        if state.mirrored and not state.saves_mirrored:
            painted = mirrored(painted)
        found = segmentation.palette, segmentation.color_space
        return self._files.snapshot(painted, frame.bgr, *found)

    def begin_timer(self) -> None:
        """Take a snapshot in some seconds."""
        self._due = self._clock() + _TIMER_SECONDS

    def count_down(self, state: LiveState) -> str:
        """Take a timed snapshot that is due; return a message, empty without a timer."""
        left = self._due - self._clock()
        if math.isinf(left):
            return ""
        if left > 0:
            return f"snapshot in {math.ceil(left)}"
        self._due = float("inf")
        return self.snapshot(state)

    def _as_saved(self, view: NDArray[np.uint8], state: LiveState) -> NDArray[np.uint8]:
        if not state.mirrored or state.saves_mirrored:
            return view
        return np.ascontiguousarray(view[:, ::-1])
