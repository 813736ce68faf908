"""The interface between the live loop and a screen: pictures to show, and user events back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.core.palette import Palette
    from kseg_video.live.live_state import LiveState


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A pressed key: its character, or a name such as ``Esc``, ``space`` and ``left``."""

    key: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pointer is.

    Parameters
    ----------
    x, y : int
        Pixel of the picture; outside of it beside the picture.
    swatch : int, optional
        Number of the cluster whose swatch is there; None elsewhere.
    share : float, optional
        Place on the position bar, 0 to 1; None elsewhere.
    """

    x: int
    y: int
    swatch: int | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Click:
    """A click; `alone` if with the right button."""

    at: Place
    alone: bool


@dataclass(frozen=True, slots=True)
class PointerMove:
    """The pointer moved; to None if it left the screen."""

    to: Place | None
    drags: bool = False


@dataclass(frozen=True, slots=True)
class Wheel:
    """The wheel turned by some steps, up if positive; perhaps with the Shift key held."""

    steps: int
    shifted: bool


@dataclass(frozen=True, slots=True)
class Closed:
    """The user closed the screen."""


ScreenEvent: TypeAlias = KeyPress | Click | PointerMove | Wheel | Closed


@dataclass(frozen=True, slots=True, eq=False)
class HudContent:
    """Values that the figures show.

    Parameters
    ----------
    frames_per_second : float
        Rate of the frames shown.
    latency : float
        Seconds from a frame's arrival to its display.
    palette : Palette, optional
        Palette of the newest frame; None before the first.
    pointed : int, optional
        Number of the cluster under the pointer.
    recorded : float, optional
        Seconds recorded; None while nothing is being recorded.
    message : str
        Event or error to show; empty for none.
    condition : str
        Condition of the source in a word, such as lost; empty while frames come.
    position : float, optional
        Share of a file that has been played; None for other sources.
    source : str
        Name of the source.
    """

    frames_per_second: float = 0.0
    latency: float = 0.0
    palette: Palette | None = None
    pointed: int | None = None
    recorded: float | None = None
    message: str = ""
    condition: str = ""
    position: float | None = None
    source: str = ""


class Screen(Protocol):
    """Shows pictures and reports what the user does. A context manager."""

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
    ) -> None:
        """Show a BGR picture of shape (H, W, 3), and the figures if there is room for them."""
        ...

    def events(self) -> Sequence[ScreenEvent]:
        """Events since the last call, oldest first."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
