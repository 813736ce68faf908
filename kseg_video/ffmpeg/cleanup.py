"""What must not outlive the program: child processes and half-written files.

Whoever makes one says here how it is undone, until it is done with. A command that is told to end
has everything undone at once, whatever its threads are doing.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from kseg_video.core.errors import KsegError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Leftovers:
    """The things that are to be undone if the program ends now."""

    def __init__(self) -> None:
        self._undoings: dict[int, Callable[[], object]] = {}
        self._numbers = itertools.count()
        # A signal's handler undoes everything, also in a thread that holds it at that moment.
        self._lock = threading.RLock()
        self._ending = False
        self._making = 0
        self._put_off: Callable[[], object] | None = None

    @contextlib.contextmanager
    def being_made(self) -> Iterator[None]:
        """Make something in the block, and `add` it before a signal ends the program.

        Raises
        ------
        KsegError
            If the program is ending.
        """
        self.check()
        with self._lock:
            self._making += 1
        try:
            yield
        finally:
            with self._lock:
                self._making -= 1
            if self._put_off is not None:
                self.when_made(self._put_off)

    def when_made(self, end: Callable[[], object]) -> None:
        """Do what ends the program, as soon as nothing is in the middle of being made."""
        if self._making:
            self._put_off = end
        else:
            end()

    def add(self, undo: Callable[[], object]) -> int:
        """Note how something that has just been made is undone.

        Parameters
        ----------
        undo : callable
            May come at any moment and from any thread, also when there is nothing left to undo.

        Returns
        -------
        int
            What `forget` takes.

        Raises
        ------
        KsegError
            If the program is ending; it is undone then.
        """
        with self._lock:
            number = next(self._numbers)
            self._undoings[number] = undo
        if self._ending:
            self.undo_all()
            self.check()
        return number

    def check(self) -> None:
        """See to it that nothing is made any more that would have to be undone.

        Raises
        ------
        KsegError
            If the program is ending.
        """
        if self._ending:
            raise KsegError("the program is ending")

    def forget(self, number: int) -> bool:
        """It is done with; harmless if it has been forgotten before.

        Returns
        -------
        bool
            Whether it was there until now: neither forgotten nor undone.
        """
        with self._lock:
            return self._undoings.pop(number, None) is not None

    def undo_all(self) -> None:
        """Undo everything, the newest first, and all that is still to come."""
        self._ending = True
        with self._lock:
            undoings = [self._undoings.pop(number) for number in sorted(self._undoings)]
        for undo in reversed(undoings):
            with contextlib.suppress(OSError):  # we end: nobody can do better
                undo()


leftovers = Leftovers()


class ClosingContext(ABC):
    """Context manager that is closed when it is left."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
