"""A file that is decoded over and over, by one ffmpeg after another.

ffmpeg's own loop seeks back within one run. After that MPEG transport streams have broken times and
pictures, of which it makes no frames, and complains of them for ever.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from kseg_video.ffmpeg.cleanup import ClosingContext

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.ffmpeg.process import FfmpegProcess

_AHEAD = 30  # frames before the end at which the next decoder is started, which takes its time


class LoopingDecoder(ClosingContext):
    """The decoders of a file. Used by one thread; `close` may come from another.

    Parameters
    ----------
    start : callable
        Starts a decoder at the file's beginning.
    endless : bool
        Whether there is more than one pass.

    Attributes
    ----------
    process : FfmpegProcess
        The decoder of this pass.
    """

    def __init__(self, start: Callable[[], FfmpegProcess], *, endless: bool = True) -> None:
        self._start = start
        self._endless = endless
        self._lock = threading.Lock()
        self._closed = False
        self._ahead: FfmpegProcess | None = None
        self._given = self._length = 0  # frames of this pass, and of the one before
        self.process = start()

    def count(self) -> None:
        """Note that a frame has been read."""
        self._given += 1
        if self._length and self._given == max(self._length - _AHEAD, 1):
            self._begin_next()

    def again(self) -> bool:
        """Begin the next pass once the decoder has given all; whether there is one.

        There is none after one without a frame.

        Raises
        ------
        StalledError
            If the decoder does not end.
        MishapError
            If its end was not its own.
        """
        self.process.wait()
        if not self._endless or not self._given:
            return False
        self._length, self._given = self._given, 0
        if self._ahead is None:
            self._begin_next()
        assert self._ahead is not None
        self.process, self._ahead = self._ahead, None
        return True

    def close(self) -> None:
        """End the decoders, whatever they are doing."""
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
