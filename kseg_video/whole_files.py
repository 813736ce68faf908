"""Outputs that are whole under their name or not there at all."""

from __future__ import annotations

import os
import secrets
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

from kseg_video.errors import SinkError, cannot_write
from kseg_video.leftovers import leftovers


class PartialFile:
    """A file that grows beside its target under another name and replaces it when it is whole.

    Parameters
    ----------
    target : Path
    overwrite : bool
        Whether it may replace an existing file.

    Raises
    ------
    SinkError
        If it cannot be made.
    KsegError
        If the program is ending.
    """

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        self._target = Path(os.path.realpath(target))
        self._overwrite = overwrite
        # Not after the target's name, which may be as long as a name can be.
        self.path = self._target.parent / f".kseg-{secrets.token_hex(6)}{target.suffix.lower()}"
        with leftovers.being_made():
            try:
                with self.path.open("xb"):
                    pass
            except OSError as error:
                raise cannot_write(target, error) from error
            self._leftover = leftovers.add(self._remove)

    def publish(self) -> None:
        """Give it the target's name.

        Raises
        ------
        SinkError
            If that cannot be, as when the program ends, or if another file has taken the name
            meanwhile and may not be replaced.
        """
        # A signal ends what the file waits for, as its encoder, and that must not pass for success.
        if not leftovers.forget(self._leftover):
            raise SinkError(f"{self._target} is not written: the program is ending")
        try:
            if self._overwrite:
                self.path.replace(self._target)
            else:
                self._link()
        except FileExistsError:
            raise SinkError(f"{self._target} appeared meanwhile; choose another output") from None
        except OSError as error:
            raise cannot_write(self._target, error) from error
        self.discard()

    def discard(self) -> None:
        """Remove it; harmless if it is gone or published."""
        self._remove()
        leftovers.forget(self._leftover)

    def _link(self) -> None:
        """Give it the target's name, too, in one step that never replaces anything."""
        try:
            self._target.hardlink_to(self.path)
        except FileExistsError:
            raise
        except OSError:  # a file system without links
            if self._target.exists():
                raise FileExistsError from None
            self.path.rename(self._target)

    def _remove(self) -> None:
        self.path.unlink(missing_ok=True)


class AbortingContext(ABC):
    """Context manager of a sink: closed when all went well, else aborted."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output under its name."""

    @abstractmethod
    def abort(self) -> None:
        """Leave nothing behind."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException:
            self.abort()
            raise
