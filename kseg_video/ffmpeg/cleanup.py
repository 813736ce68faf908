"""Cleanup of what must not outlive the program: child processes and half-written files.

The code that creates one registers a cleanup callback here and removes it once it has finished with
it. A command that receives a termination signal runs all callbacks at once, whatever its threads
are doing.
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
    """Registry of the cleanup callbacks to run if the program ends now."""

    def __init__(self) -> None:
        self._undoings: dict[int, Callable[[], object]] = {}
        self._numbers = itertools.count()
        # Reentrant, since a signal handler may run in the thread that already holds the lock.
        self._lock = threading.RLock()
        self._ending = False
        self._making = 0
        self._put_off: Callable[[], object] | None = None

    @contextlib.contextmanager
    def being_made(self) -> Iterator[None]:
        """Defer termination while the block creates something and calls `add` for it.

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
        """Call `end`, which ends the program, once no `being_made` block is active."""
        if self._making:
            self._put_off = end
        else:
            end()

    def add(self, undo: Callable[[], object]) -> int:
        """Register the cleanup of something that has just been created.

        Parameters
        ----------
        undo : callable
            Must be safe to call at any moment, from any thread, and with nothing left to undo.

        Returns
        -------
        int
            Key to pass to `forget`.

        Raises
        ------
        KsegError
            If the program is ending; the callback has been called by then.
        """
        with self._lock:
            number = next(self._numbers)
            self._undoings[number] = undo
        if self._ending:
            self.undo_all()
            self.check()
        return number

    def check(self) -> None:
        """Refuse to create anything more that would need cleanup once the program is ending.

        Raises
        ------
        KsegError
            If the program is ending.
        """
        if self._ending:
            raise KsegError("the program is ending")

    def forget(self, number: int) -> bool:
        """Remove a callback without calling it; harmless if it has been removed before.

        Returns
        -------
        bool
            Whether it was still registered: neither removed nor called before.
        """
        with self._lock:
            return self._undoings.pop(number, None) is not None

    def undo_all(self) -> None:
        """Call all callbacks, the newest first, and from now on each one as soon as it is added."""
        self._ending = True
        with self._lock:
            undoings = [self._undoings.pop(number) for number in sorted(self._undoings)]
        for undo in reversed(undoings):
            with contextlib.suppress(OSError):  # the program is ending: nothing can handle it
                undo()


leftovers = Leftovers()


class ClosingContext(ABC):
    """Context manager that calls `close` on exit."""

    @abstractmethod
    def close(self) -> None:
        """Release all resources."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
