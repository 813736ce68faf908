"""Looped decoding of a file, by one ffmpeg process after another.

ffmpeg's own loop seeks back within one process. After that seek, MPEG transport streams have broken
time stamps and pictures: ffmpeg delivers no frames and reports errors forever.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kseg_video.ffmpeg.cleanup import ClosingContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.ffmpeg.process import FfmpegProcess

# Frames before the end at which the next decoder is started: more hide a slower start, fewer keep
# two decoders running for less time.
_AHEAD = 30


class LoopingDecoder(ClosingContext):
    """The decoders of a looped file. Use it in one thread; `close` may be called from another.

    Parameters
    ----------
    start : callable
        Starts a decoder at the beginning of the file.
    endless : bool
        Whether to loop; otherwise there is one pass.
    skips : bool
        Whether the first pass begins later in the file; then it may be without a frame.

    Attributes
    ----------
    process : FfmpegProcess
        The decoder of the current pass.
    """

    def __init__(
        self, start: Callable[[], FfmpegProcess], *, endless: bool = True, skips: bool = False
    ) -> None:
        self._start = start
        self._skips = skips
        self._endless = endless
        self._lock = threading.Lock()
        self._closed = False
        self._ahead: FfmpegProcess | None = None
        self._given = self._length = 0  # frames of this pass and of the one before
        self.process = start()

    def count(self) -> None:
        """Count a frame that has been read, and start the next decoder in time."""
        self._given += 1
        if self._length and self._given == max(self._length - _AHEAD, 1):
            self._begin_next()

    def again(self) -> bool:
        """Begin the next pass after the decoder's last frame; False if there is none.

        A pass without a frame is the last one.

        Raises
        ------
        StalledError
            If the decoder has stalled.
        MishapError
            If the decoder was killed or ran out of resources.
        """
        self.process.wait()
        if not self._endless or not (self._given or self._skips):
            return False
        # After a pass that began later, nothing is known of the length.
        self._length, self._given = 0 if self._skips else self._given, 0
        self._skips = False
        if self._ahead is None:
            self._begin_next()
        assert self._ahead is not None
        self.process, self._ahead = self._ahead, None
        return True

    def close(self) -> None:
        """Stop the decoders, even during a read in another thread."""
        with self._lock:
            self._closed = True
            if self._ahead is not None:
                self._ahead.stop()
            self.process.stop()

    def _begin_next(self) -> None:
        with self._lock:
            self._ahead = self._start()
            if self._closed:
                self._ahead.stop()
