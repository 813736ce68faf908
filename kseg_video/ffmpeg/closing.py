"""What all that holds files or processes open has in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self


class ClosingContext(ABC):
    """Context manager that is closed when it is left."""

    @abstractmethod
    def close(self) -> None:
        """Release everything."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
