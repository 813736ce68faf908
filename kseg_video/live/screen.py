"""What a live picture is shown on, as the live loop knows it, and what comes back from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.live.key_bindings import LiveState


DrawHud: TypeAlias = "Callable[[NDArray[np.uint8]], None]"

_LARGEST_WINDOW = (1280, 800)
_LEGIBLE = (640, 480)  # about the size of a picture from which on figures leave room for it


def shrinkage(width: int, height: int) -> float:
    """Size in which a window first shows a picture, over its own: the whole of it, never larger."""
    return min(1.0, _LARGEST_WINDOW[0] / width, _LARGEST_WINDOW[1] / height)


def enlargement(width: int, height: int) -> int:
    """Times in which a window shows a picture that would be too small to write on."""
    wanted = round(max(_LEGIBLE[0] / width, _LEGIBLE[1] / height))
    return max(min(wanted, _LARGEST_WINDOW[0] // width, _LARGEST_WINDOW[1] // height), 1)


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


ScreenEvent: TypeAlias = KeyPress | Click | PointerMove | Closed


class Screen(Protocol):
    """Shows pictures and tells what the user does. A context manager."""

    def show(self, picture: NDArray[np.uint8], state: LiveState, draw_hud: DrawHud) -> None:
        """Show a BGR picture of shape (H, W, 3), with figures drawn over it if there is room."""
        ...

    def events(self) -> Sequence[ScreenEvent]:
        """What the user has done since the last call."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
