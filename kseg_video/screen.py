"""What a live picture is shown on, as the live loop knows it, and what comes back from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.live_state import LiveState


_LARGEST_WINDOW = (1280, 800)


def shrinkage(width: int, height: int) -> float:
    """Size in which a window first shows a picture, over its own: the whole of it, never larger."""
    return min(1.0, _LARGEST_WINDOW[0] / width, _LARGEST_WINDOW[1] / height)


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key: its character, ``Esc`` or ``space``."""

    key: str


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a pixel of the picture; `alone` with the other button."""

    x: int
    y: int
    alone: bool


@dataclass(frozen=True, slots=True)
class PointerMove:
    """The pointer is over a pixel of the picture."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The user has closed it."""


Event: TypeAlias = KeyPress | Click | PointerMove | Closed


class Screen(Protocol):
    """Shows pictures and tells what the user does. A context manager."""

    @property
    def has_hud(self) -> bool:
        """Whether figures are to be drawn into its pictures."""
        ...

    def show(self, picture: NDArray[np.uint8], state: LiveState) -> None:
        """Show a BGR picture of shape (H, W, 3)."""
        ...

    def events(self) -> Sequence[Event]:
        """What the user has done since the last call."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
