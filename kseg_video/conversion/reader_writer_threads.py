"""A reader thread and a writer thread, which work while the caller segments other frames.

A short queue on either side bounds the frames in memory, however long the clip is. The queue is
built on `queue.SimpleQueue`, because a signal handler may raise at any moment in the caller's
thread, and `queue.Queue`, written in Python, may then lose a wake-up or never release its lock.
"""

from __future__ import annotations

import contextlib
import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Generic, Self, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.settings import RenderSettings
    from kseg_video.core.timing import StageTimer
    from kseg_video.reading.sources import FrameSource
    from kseg_video.writing.sinks import FrameSink

_Item = TypeVar("_Item")

# Frames in each queue: more even out slow frames, fewer save memory.
_QUEUE_FRAMES = 3


class _ShortQueue(Generic[_Item]):
    """A bounded first-in, first-out queue."""

    def __init__(self) -> None:
        self._items: SimpleQueue[_Item] = SimpleQueue()
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(_QUEUE_FRAMES):
            self._places.put(None)

    def put(self, item: _Item) -> None:
        """Add an item, waiting until there is room for it."""
        self._places.get()
        self._items.put(item)

    def put_last(self, item: _Item) -> None:
        """Add the last item at once, even to a full queue."""
        self._items.put(item)

    def get(self) -> _Item:
        """Take the next item, waiting until there is one."""
        item = self._items.get()
        self._places.put(None)
        return item

    def clear(self) -> None:
        """Discard all items."""
        with contextlib.suppress(Empty):
            while True:
                self._items.get_nowait()
                self._places.put(None)


@dataclass(frozen=True, slots=True, eq=False)
class _End:
    """Last item of a queue: the end of the frames, or the error that ended them."""

    error: BaseException | None = None


class _Worker(ABC, Generic[_Item]):
    """A thread that a ``with`` block starts and joins."""

    def __init__(self, name: str, timer: StageTimer) -> None:
        self._timer = timer
        self._queue: _ShortQueue[_Item | _End] = _ShortQueue()
        self._is_done = False  # nothing is left in the queue, and nothing comes
        self._thread = threading.Thread(target=self._work, name=name)

    def __enter__(self) -> Self:
        try:
            self._thread.start()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None or not self._is_done:
            self._give_up()
        if self._thread.ident is not None:
            self._thread.join()

    @abstractmethod
    def _work(self) -> None:
        """Run in the thread."""

    @abstractmethod
    def _give_up(self) -> None:
        """Unblock the thread and make it end."""


class Reader(_Worker["Frame"]):
    """Reads frames ahead of the caller.

    Parameters
    ----------
    source : FrameSource
    timer : StageTimer
        Times the stage "read".
    """

    def __init__(self, source: FrameSource, timer: StageTimer) -> None:
        super().__init__("reader", timer)
        self._source = source
        self._unwanted = False
        self._is_read = False

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if not self._is_read:  # the thread may wait for ever to get rid of its next frame
            self._give_up()
        super().__exit__(kind, error, trace)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames in order.

        Raises
        ------
        SourceError
            If the source fails.
        """
        while not isinstance(item := self._queue.get(), _End):
            yield item
        self._is_done = True
        if item.error is not None:
            raise item.error

    def _give_up(self) -> None:
        self._unwanted = True
        self._source.close()
        self._queue.clear()

    def _work(self) -> None:
        end = _End()
        try:
            frames = iter(self._source)
            while not self._unwanted:
                with self._timer.stage("read"):
                    frame = next(frames, None)
                if frame is None:
                    break
                self._queue.put(frame)
        except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
            end = _End(error)
        self._queue.put_last(end)


class Writer(_Worker["tuple[Frame, Segmentation, RenderSettings]"]):
    """Paints and writes frames while the caller segments the next ones.

    Parameters
    ----------
    sink : FrameSink
    paint : callable
        Renders a frame and its segmentation with the settings given.
    timer : StageTimer
        Times the stages "paint" and "write".
    first : int
        Number of the first frame that is written; those before it are only painted.
    """

    def __init__(
        self,
        sink: FrameSink,
        paint: Callable[[Frame, Segmentation, RenderSettings], Frame],
        timer: StageTimer,
        first: int = 0,
    ) -> None:
        super().__init__("writer", timer)
        self._first = first
        self._sink = sink
        self._paint = paint
        self._error: BaseException | None = None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        first = self._error
        super().__exit__(kind, error, trace)
        if first is not None and isinstance(error, Exception) and error is not first:
            raise first from None  # the writer failed before the block did

    def write(self, frame: Frame, segmentation: Segmentation, rendering: RenderSettings) -> None:
        """Queue the next frame, its segmentation and how to paint it.

        Raises
        ------
        KsegError
            If an earlier frame could not be painted or written.
        """
        if self._error is not None:
            raise self._error
        self._queue.put((frame, segmentation, rendering))

    def finish(self) -> None:
        """Wait until all queued frames are written.

        Raises
        ------
        KsegError
            If a frame could not be painted or written.
        """
        self._queue.put_last(_End())
        self._thread.join()
        self._is_done = True
        if self._error is not None:
            raise self._error

    def _give_up(self) -> None:
        self._sink.abort()
        self._queue.clear()
        self._queue.put_last(_End())

    def _work(self) -> None:
        while not isinstance(item := self._queue.get(), _End):
            if self._error is not None:
                continue  # keep draining, or the caller would block in `write` and miss the error
            try:
                with self._timer.stage("paint"):
                    painted = self._paint(*item)
                if painted.index >= self._first:
                    with self._timer.stage("write"):
                        self._sink.write(painted)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                self._error = error
