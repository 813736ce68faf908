"""The memory of a shot: pixels of past frames, and of upcoming ones where they are known."""

from __future__ import annotations

import itertools
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.segmentation.illumination import LightChange

# Interval between remembered frames: closer ones are nearly alike and would cost memory and time.
_INTERVAL_SECONDS = 0.1
_LEAST_FRAMES = 10  # are kept whatever their age, as after a pause
_PIXELS = 30_000  # of a fit: more makes fits steadier and slower
_MOST_OF_A_FRAME = 10_000
_SEEN_LATE_SECONDS = 0.25  # largest delay with which the look-ahead reports a cut
_ROUNDING = 1e-6
_ORDERS = 64


class LookAheadSample(NamedTuple):
    """A sample of the pixels of an upcoming frame.

    Attributes
    ----------
    time : float
        Time of the frame in seconds, as in `kseg_video.core.frame.Frame`.
    bgr : ndarray of float32, shape (N, 3)
        Colours of the sample, 0 to 255.
    begins_shot : bool
        Whether a cut lies between this frame and the one before.
    """

    time: float
    bgr: NDArray[np.float32]
    begins_shot: bool


class _UpcomingFrame(NamedTuple):
    """An upcoming frame, as it is remembered."""

    time: float
    colors: NDArray[np.float32]
    begins_shot: bool


class PixelMemory:
    """Pixels of one shot, about the same number from each frame.

    Parameters
    ----------
    behind : float
        Seconds for which a frame is remembered. More keeps the palette stiller; less lets it
        follow the picture sooner.

    Attributes
    ----------
    sees_ahead : bool
        Whether upcoming frames count.
    """

    def __init__(self, behind: float) -> None:
        self._behind = behind
        self._past: deque[tuple[float, NDArray[np.float32]]] = deque()
        self._ahead: deque[_UpcomingFrame] = deque()
        self._count = 0
        self._looks_ahead = False
        self.sees_ahead = True
        self._last: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._present = self._last

    def forget_past(self) -> None:
        """Forget all past frames."""
        self._past.clear()

    def forget(self, time: float) -> None:
        """Begin a new shot with the frame at `time`."""
        self.forget_past()
        self.sees_ahead = True
        # The look-ahead skips frames: if it skipped the shot's first one, its cut comes a bit late.
        cut = next((each.time for each in self._ahead if each.begins_shot), time)
        begin = cut if time < cut <= time + _SEEN_LATE_SECONDS else time
        while self._ahead and self._ahead[0].time < begin:
            self._ahead.popleft()
        if self._ahead:
            self._ahead[0] = self._ahead[0]._replace(begins_shot=False)

    def forget_half(self) -> None:
        """Forget the older half of the past frames, as when a fast pan leaves them behind."""
        for _ in range(len(self._past) // 2):
            self._past.popleft()

    def repaint(self, change: LightChange) -> None:
        """Convert the remembered pixels to another light."""
        self._past = deque((time, change.applied_to(colors)) for time, colors in self._past)

    def add_look_ahead(
        self, time: float, colors: NDArray[np.float32], *, begins_shot: bool
    ) -> None:
        """Add an upcoming frame; frames come in order of time.

        Parameters
        ----------
        time, colors
            As in `remember`.
        begins_shot : bool
            Whether a cut lies between this frame and the one before.
        """
        self._looks_ahead = True
        self._ahead.append(_UpcomingFrame(time, self._shuffled(colors), begins_shot))

    def remember(self, time: float, colors: NDArray[np.float32]) -> bool:
        """Add the present frame; return whether the memory has changed.

        Parameters
        ----------
        time : float
            Time of the frame in seconds.
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame, in the working space.
        """
        changed = False
        while self._ahead and self._ahead[0].time <= time:
            passed = self._ahead.popleft()
            self._past.append((passed.time, passed.colors))
            changed = True
        self._present = colors
        if self._behind == 0:
            self._past.clear()
        while len(self._past) > _LEAST_FRAMES and time - self._past[0][0] > self._behind:
            self._past.popleft()
        if self._looks_ahead and self.sees_ahead and (self._past or self._frames_ahead()):
            return changed
        if self._past and time - self._past[-1][0] < _INTERVAL_SECONDS - _ROUNDING:
            return changed
        if self._past and np.array_equal(colors, self._last):  # a still picture
            return changed
        self._last = colors
        self._past.append((time, self._shuffled(colors)))
        return True

    @property
    def colors(self) -> NDArray[np.float32]:
        """All remembered pixels, (N, 3)."""
        frames = [colors for _, colors in self._past]
        if self.sees_ahead or not frames:
            frames += self._frames_ahead()
        if sum(map(len, frames)) < len(self._present):  # a short shot of small pictures
            frames.append(self._present)
        share = _PIXELS // len(frames)
        return np.concatenate([colors[:share] for colors in frames])

    @property
    def ahead(self) -> NDArray[np.float32]:
        """Pixels of the shot's upcoming frames, (N, 3)."""
        return np.concatenate([np.zeros((0, 3), np.float32), *self._frames_ahead()])

    def _frames_ahead(self) -> list[NDArray[np.float32]]:
        shot = itertools.takewhile(lambda frame: not frame.begins_shot, self._ahead)
        return [frame.colors for frame in shot]

    def _shuffled(self, colors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Shuffle colours so that any prefix is spread over the frame; the order varies by call."""
        self._count += 1
        return colors[_order(len(colors), self._count % _ORDERS)]


@lru_cache(maxsize=2 * _ORDERS)
def _order(count: int, turn: int) -> NDArray[np.intp]:
    return np.random.default_rng(turn).permutation(count)[:_MOST_OF_A_FRAME]
