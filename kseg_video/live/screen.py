"""The interface between the live loop and a screen: pictures to show, and user events back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.live.key_bindings import LiveState


DrawHud: TypeAlias = "Callable[[NDArray[np.uint8]], None]"

_LARGEST_WINDOW = (1280, 800)  # more: may not fit on a display; less: a smaller preview
_LEGIBLE = (640, 480)  # about the smallest picture on which the figures leave room for it


def shrinkage(width: int, height: int) -> float:
    """Initial scale of a window: at most 1, and small enough to show the whole picture."""
    return min(1.0, _LARGEST_WINDOW[0] / width, _LARGEST_WINDOW[1] / height)


def enlargement(width: int, height: int) -> int:
    """Integer factor by which a window enlarges a picture that is too small for the figures."""
    wanted = round(max(_LEGIBLE[0] / width, _LEGIBLE[1] / height))
    return max(min(wanted, _LARGEST_WINDOW[0] // width, _LARGEST_WINDOW[1] // height), 1)


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A pressed key: its character, ``Esc`` or ``space``."""

    key: str


@dataclass(frozen=True, slots=True)
class Click:
    """A click on a pixel of the picture; `alone` if with the right button."""

    x: int
    y: int
    alone: bool


@dataclass(frozen=True, slots=True)
class PointerMove:
    """The pointer moved to a pixel of the picture."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The user closed the screen."""


ScreenEvent: TypeAlias = KeyPress | Click | PointerMove | Closed


class Screen(Protocol):
    """Shows pictures and reports what the user does. A context manager."""

    def show(self, picture: NDArray[np.uint8], state: LiveState, draw_hud: DrawHud) -> None:
        """Show a BGR picture of shape (H, W, 3); `draw_hud` draws figures over it, given room."""
        ...

    def events(self) -> Sequence[ScreenEvent]:
        """Events since the last call, oldest first."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
