"""Live pictures on a page in a browser, with a control for each key."""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Self

import cv2

from kseg_video.core.shown_text import minutes
from kseg_video.live.key_bindings import HELP, KEYS, PointedKeyPress, press
from kseg_video.live.screen import Click, KeyPress, Place, PointerMove, Wheel
from kseg_video.screens.hud import measurements
from kseg_video.screens.page_server import PageServer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.live.key_bindings import HelpLine
    from kseg_video.live.live_state import LiveState
    from kseg_video.live.screen import HudContent, ScreenEvent

# More: sharper edges between regions, and more to send.
_JPEG = (cv2.IMWRITE_JPEG_QUALITY, 90)
_MOST_EVENTS = 256  # between two turns of the live loop; a page that sends more loses the oldest
_MOST_WHEEL_STEPS = 10  # at once
_LONGEST_KEY = 16  # characters of a key's name
_SWITCH = 2  # values of a key that turns something on and off
_BINDINGS = {each.keys[0]: each for each in KEYS}


@dataclass(frozen=True, slots=True)
class _Choice:
    """A value was picked among those that a key cycles through."""

    key: str
    value: str


class BrowserScreen:
    """Shows pictures on a page in a browser, and takes its events; a `Screen`.

    Parameters
    ----------
    port : int
        Port of the page's address; 0 for a free one.

    Raises
    ------
    DisplayError
        If the port is not free.
    """

    def __init__(self, port: int = 0) -> None:
        page = files("kseg_video.screens").joinpath("page.html").read_text("utf-8")
        self._server = PageServer(page, self._obey, port)
        self._events: deque[ScreenEvent | _Choice] = deque(maxlen=_MOST_EVENTS)
        self._state: LiveState | None = None
        self._size = 1, 1  # of the newest picture

    @property
    def address(self) -> str:
        """Address of the page, which is secret."""
        return self._server.address

    def __enter__(self) -> Self:
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def show(
        self, picture: NDArray[np.uint8], state: LiveState, content: Callable[[], HudContent]
    ) -> None:
        """Show a BGR picture of shape (H, W, 3), with the figures beside it."""
        if self._state is None:
            self._server.greeting = json.dumps({"controls": _controls(state)})
        self._state, self._size = state, (picture.shape[1], picture.shape[0])
        self._server.send(_Update(picture, state, content()))

    def events(self) -> Sequence[ScreenEvent]:
        """Events since the last call, oldest first."""
        events: list[ScreenEvent] = []
        state = self._state  # that the events before have led to
        while self._events:
            event = self._events.popleft()
            found: Sequence[ScreenEvent] = (event,) if not isinstance(event, _Choice) else ()
            if isinstance(event, _Choice) and state is not None:
                found = [KeyPress(event.key)] * _presses(event, state)
            for each in found:
                if state is not None and isinstance(each, KeyPress):
                    state, _ = press(state, PointedKeyPress(each.key))
            events += found
        return events

    def _obey(self, message: object) -> None:
        """Store the event that a message from a page describes.

        Raises
        ------
        ValueError
            If it describes none.
        """
        match message:
            case {"key": str(key)} if 0 < len(key) <= _LONGEST_KEY:
                self._events.append(KeyPress(key))
            case {"choose": str(key), "value": str(value)} if key in _BINDINGS:
                self._events.append(_Choice(key, value))
            case {"click": place, "alone": bool(alone)}:
                self._events.append(Click(self._place(place), alone))
            case {"pointer": None}:
                self._events.append(PointerMove(None))
            case {"pointer": place, "drags": bool(drags)}:
                self._events.append(PointerMove(self._place(place), drags))
            case {"wheel": int(steps), "shifted": bool(shifted)}:
                steps = min(max(steps, -_MOST_WHEEL_STEPS), _MOST_WHEEL_STEPS)
                self._events.append(Wheel(steps, shifted))
            case _:
                raise ValueError(message)

    def _place(self, told: object) -> Place:
        beside = -1
        match told:
            case {"swatch": int(number)}:
                if self._state is None or number not in self._state.clusters:
                    raise ValueError(number)
                return Place(beside, beside, swatch=number)
            case {"share": share}:
                return Place(beside, beside, share=min(max(_finite(share), 0.0), 1.0))
            case {"x": x, "y": y}:  # shares of the picture's width and height
                width, height = self._size
                return Place(*(math.floor(_finite(a) * b) for a, b in ((x, width), (y, height))))
            case _:
                raise ValueError(told)


def _finite(number: object) -> float:
    if not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ValueError(number)
    return float(number)


class _Update:
    """The messages of a picture and its figures, made for the first page that takes them."""

    def __init__(self, picture: NDArray[np.uint8], state: LiveState, content: HudContent) -> None:
        self._shown = picture, state, content
        self._messages: tuple[str | bytes, ...] = ()

    def __call__(self) -> Sequence[str | bytes]:
        if not self._messages:
            picture, state, content = self._shown
            encoded = cv2.imencode(".jpg", picture, _JPEG)[1].tobytes()
            self._messages = json.dumps(_figures(state, content)), encoded
        return self._messages


def _figures(state: LiveState, content: HudContent) -> dict[str, object]:
    """What changes from picture to picture."""
    palette, off = content.palette, state.rendering.disabled
    colors = [] if palette is None else palette.hex_colors
    shares = [] if palette is None else palette.shares.tolist()
    return {
        "measurements": measurements(state, content),
        "condition": content.condition,
        "message": content.message,
        "recorded": None if content.recorded is None else minutes(content.recorded),
        "position": content.position,
        "pointed": content.pointed,
        "source": content.source,
        "swatches": [
            {"color": color, "share": "off" if number in off else f"{share:.0%}"}
            for number, (color, share) in enumerate(zip(colors, shares, strict=True))
        ],
        "values": {each.keys[0]: value for each in KEYS if (value := each.value(state))},
        "figures": state.shows_hud,
        "help": state.shows_help,
        "view": state.rendering.view,
    }


def _controls(state: LiveState) -> list[dict[str, object]]:
    """The groups of the help, with the keys of each line, and what they choose from."""
    keys = {each.key_names: each.keys for each in KEYS}
    return [
        {
            "title": title,
            "lines": [_control(line, keys.get(line.does_by, ()), state) for line in lines],
        }
        for title, lines in HELP.items()
    ]


def _control(line: HelpLine, keys: tuple[str, ...], state: LiveState) -> dict[str, object]:
    values = _cycle(keys[0], state) if keys else []
    choices = values if len(values) > _SWITCH else []
    return {"by": line.does_by, "does": line.does, "keys": keys, "choices": choices}


def _cycle(key: str, state: LiveState) -> list[str]:
    """Values that presses of a key lead through and back to the present one; else none."""
    values: list[str] = []
    while (value := _BINDINGS[key].value(state)) not in values:
        values.append(value)
        state, _ = press(state, PointedKeyPress(key))
    return values if value == values[0] else []


def _presses(choice: _Choice, state: LiveState) -> int:
    """How often to press the key of a choice."""
    values = _cycle(choice.key, state)
    return values.index(choice.value) if choice.value in values else 0
