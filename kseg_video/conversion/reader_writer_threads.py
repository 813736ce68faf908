"""Reading and writing in threads of their own, while the caller is at work on other frames.

A short queue on either side lets a run hold a handful of frames, however long the clip is. It is
made of `queue.SimpleQueue` alone: a signal handler may raise at any moment in the caller's thread,
and `queue.Queue`, written in Python, may then lose a wake-up or keep a lock for ever.
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
    from kseg_video.core.timing import StageTimer
    from kseg_video.reading.sources import FrameSource
    from kseg_video.writing.sinks import FrameSink

_Item = TypeVar("_Item")

_QUEUE_FRAMES = 3


class _ShortQueue(Generic[_Item]):
    """First in, first out, a few items at a time."""

    def __init__(self) -> None:
        self._items: SimpleQueue[_Item] = SimpleQueue()
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(_QUEUE_FRAMES):
            self._places.put(None)

    def put(self, item: _Item) -> None:
        """Add an item as soon as there is a place."""
        self._places.get()
        self._items.put(item)

    def put_last(self, item: _Item) -> None:
        """Add an item that needs no place."""
        self._items.put(item)

    def get(self) -> _Item:
        """Take the next item as soon as there is one."""
        item = self._items.get()
        self._places.put(None)
        return item

    def clear(self) -> None:
        """Throw the items away."""
        with contextlib.suppress(Empty):
            while True:
                self._items.get_nowait()
                self._places.put(None)


@dataclass(frozen=True, slots=True, eq=False)
class _End:
    """Last item of a queue: nothing more comes, or this error came."""

    error: BaseException | None = None


class _Worker(ABC, Generic[_Item]):
    """A thread that lasts as long as a ``with`` block, or as its work."""

    def __init__(self, name: str, timer: StageTimer) -> None:
        self._timer = timer
        self._queue: _ShortQueue[_Item | _End] = _ShortQueue()
        self._thread = threading.Thread(target=self._work, name=name)

    def __enter__(self) -> Self:
        try:
            self._thread.start()
        except BaseException as error:
            self.__exit__(type(error), error, None)
            raise
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self._give_up()
        if self._thread.ident is not None:
            self._thread.join()

    @abstractmethod
    def _work(self) -> None:
        """What the thread does."""

    @abstractmethod
    def _give_up(self) -> None:
        """Unblock the thread and have it end."""


class Reader(_Worker["Frame"]):
    """Reads frames ahead.

    Parameters
    ----------
    source : FrameSource
    timer : StageTimer
        Told what reading costs.
    """

    def __init__(self, source: FrameSource, timer: StageTimer) -> None:
        super().__init__("reader", timer)
        self._source = source
        self._unwanted = False

    def frames(self) -> Iterator[Frame]:
        """The frames in order.

        Raises
        ------
        SourceError
            As the source does.
        """
        while not isinstance(item := self._queue.get(), _End):
            yield item
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


class Writer(_Worker["tuple[Frame, Segmentation]"]):
    """Paints and writes pictures behind the caller.

    Parameters
    ----------
    sink : FrameSink
    paint : callable
        Makes the picture of a frame and its segmentation.
    timer : StageTimer
        Told what painting and writing cost.
    """

    def __init__(
        self, sink: FrameSink, paint: Callable[[Frame, Segmentation], Frame], timer: StageTimer
    ) -> None:
        super().__init__("writer", timer)
        self._sink = sink
        self._paint = paint
        self._error: BaseException | None = None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        first = self._error
        super().__exit__(kind, error, trace)
        if first is not None and isinstance(error, Exception) and error is not first:
            raise first from None  # it came before whatever ended the block

    def write(self, frame: Frame, segmentation: Segmentation) -> None:
        """Hand over what the next picture is made of.

        Raises
        ------
        KsegError
            If an earlier one could not be painted or written.
        """
        if self._error is not None:
            raise self._error
        self._queue.put((frame, segmentation))

    def finish(self) -> None:
        """Wait until all pictures are written.

        Raises
        ------
        KsegError
            If one could not be.
        """
        self._queue.put_last(_End())
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _give_up(self) -> None:
        self._sink.abort()
        self._queue.clear()
        self._queue.put_last(_End())

    def _work(self) -> None:
        while not isinstance(item := self._queue.get(), _End):
            if self._error is not None:
                continue  # keep taking, so that the segmenter is not stuck before it hears of it
            try:
                with self._timer.stage("paint"):
                    painted = self._paint(*item)
                with self._timer.stage("write"):
                    self._sink.write(painted)
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                self._error = error
