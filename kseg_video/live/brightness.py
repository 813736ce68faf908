"""The wait for a camera's brightness to settle after it was opened."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kseg_video.core.frame import Frame

# Most seconds to wait: more lets slow cameras settle, less shows the segmented picture sooner.
_LONGEST = 1.0
# The brightness has settled if it has varied by less than this share over so many frames, and the
# picture is not black.
_VARIATION, _FRAMES = 0.05, 5
_BLACK = 4.0  # levels
_NTH_ROW = 8


class BrightnessWatch:
    """Tells when a camera's brightness has settled: its first frames are dark, or glaring.

    Parameters
    ----------
    is_camera : bool
        Whether the source is a camera; nothing else is waited for.
    """

    def __init__(self, *, is_camera: bool) -> None:
        self._is_camera = is_camera
        self.begin()

    def begin(self) -> None:
        """Begin again, with a camera that is opened."""
        self._settled = not self._is_camera
        self._levels: deque[float] = deque(maxlen=_FRAMES)
        self._first: float | None = None

    def has_settled(self, frame: Frame, now: float) -> bool:
        """Whether the next frame, received at `now` in seconds, may be segmented."""
        self._settled = self._settled or self._settles(frame, now)
        return self._settled

    def _settles(self, frame: Frame, now: float) -> bool:
        if self._first is None:
            self._first = now
        if now - self._first >= _LONGEST:
            return True
        self._levels.append(float(frame.luma[::_NTH_ROW].mean()))
        least, most = min(self._levels), max(self._levels)
        is_full = len(self._levels) == _FRAMES
        return is_full and least > _BLACK and most - least < _VARIATION * most
