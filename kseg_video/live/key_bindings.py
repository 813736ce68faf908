"""Key bindings of a live run, as pure functions.

The table `KEYS` maps keys to actions; with what the mouse does it is also the source of the help
overlay, of ``live --keys`` and of the README's table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, TypeVar, get_args

from kseg_video.core.settings import MAX_CLUSTERS, ColorSpace
from kseg_video.live.live_state import LiveState, click, switch

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.core.settings import View

# In the order in which keys cycle through them.
VIEWS: tuple[View, ...] = (
    *("segmented", "masked", "boundaries", "side-by-side", "split", "matte", "original"),
)
_STABILITY_STEP = 0.1

_Choice = TypeVar("_Choice")


class SessionRequest(Enum):
    """Action that a key requests from the session, beyond a change of state."""

    QUIT = auto()
    NEXT_FRAME = auto()
    NEW_FIT = auto()
    SNAPSHOT = auto()
    TIMED_SNAPSHOT = auto()
    RECORD = auto()
    BACK = auto()
    FORWARD = auto()
    NEXT_CAMERA = auto()


@dataclass(frozen=True, slots=True)
class PointedKeyPress:
    """A pressed key, with the cluster under the pointer.

    Parameters
    ----------
    key : str
        The character, ``Esc`` or ``space``.
    pointed : int, optional
        Number of the cluster under the pointer; None if there is none.
    """

    key: str
    pointed: int | None = None


Outcome = tuple[LiveState, SessionRequest | None]


@dataclass(frozen=True, slots=True)
class KeyBinding:
    """Keys that share an action.

    Parameters
    ----------
    keys : tuple of str
        Keys as in `PointedKeyPress`.
    does : str
        Description for the help.
    act : callable
        Takes the state and the pressed key; returns the new state and a request or None.
    refusal : str
        Message for a press that changes nothing; empty where every press has an effect.
    value : callable
        The current value of what the keys change, for the help; empty for none.
    """

    keys: tuple[str, ...]
    does: str
    act: Callable[[LiveState, PointedKeyPress], Outcome]
    refusal: str = ""
    value: Callable[[LiveState], str] = lambda _state: ""

    @property
    def key_names(self) -> str:
        """The keys as the help shows them."""
        return "0-9" if self.keys == tuple("0123456789") else " ".join(self.keys)


def press(state: LiveState, pressed: PointedKeyPress) -> Outcome:
    """Return the state and the request after a key; an unknown key changes nothing."""
    binding = _BINDINGS.get(pressed.key)
    return (state, None) if binding is None else binding.act(state, pressed)


def is_bound(key: str) -> bool:
    """Whether a key has an action."""
    return key in _BINDINGS


def refusal(key: str) -> str:
    """Message for a key press that changed nothing; an unknown key points to the help."""
    binding = _BINDINGS.get(key)
    return f"{key} does nothing; h: keys" if binding is None else binding.refusal


def _request(request: SessionRequest) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    return lambda state, _pressed: (state, request)


def _next_frame(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return state, SessionRequest.NEXT_FRAME if state.paused else None


def _toggle(field: str) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    def act(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
        changed: dict[str, bool] = {field: not getattr(state, field)}
        return replace(state, **changed), None  # type: ignore[arg-type]

    return act


def _cycle(
    field: str, choices: tuple[Any, ...] = (), step: int = 1
) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    """Next of the choices, by default of the state's own for that field."""

    def act(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
        among = choices or getattr(state, f"{field}s")
        changed = {field: _after(among, getattr(state.rendering, field), step)}
        return replace(state, rendering=replace(state.rendering, **changed)), None

    return act


def _after(choices: tuple[_Choice, ...], now: _Choice, step: int = 1) -> _Choice:
    return choices[(choices.index(now) + step) % len(choices)]


def _switch(state: LiveState, pressed: PointedKeyPress) -> Outcome:
    number = int(pressed.key)
    known = number in state.clusters
    return (click(state, number, alone=False) if known else state), None


def _all_on(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return switch(state, frozenset()), None


def _invert(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return switch(state, state.clusters - state.rendering.disabled), None


def _undo(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return (state if state.switched is None else switch(state, state.switched)), None


def _only_pointed(state: LiveState, pressed: PointedKeyPress) -> Outcome:
    if pressed.pointed is None:
        return state, None
    return click(state, pressed.pointed, alone=True), None


def _clusters(step: int) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    def act(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
        count = min(max(state.segmenter.cluster_count + step, 1), MAX_CLUSTERS)
        # A given palette fits only its own number of clusters.
        segmenter = replace(state.segmenter, n_clusters=count, palette=())
        changed = replace(state, segmenter=segmenter)
        return switch(changed, state.rendering.disabled), None

    return act


def _stability(step: float) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    def act(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
        stability = round(min(max(state.segmenter.stability + step, 0.0), 1.0), 2)
        return replace(state, segmenter=replace(state.segmenter, stability=stability)), None

    return act


def _color_space(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    space = _after(get_args(ColorSpace), state.segmenter.color_space)
    return replace(state, segmenter=replace(state.segmenter, color_space=space)), None


def _full_screen(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return replace(state, full_screen=state.has_window and not state.full_screen), None


def _yes(field: str) -> Callable[[LiveState], str]:
    return lambda state: "on" if getattr(state, field) else ""


def _count(state: LiveState) -> str:
    return str(state.segmenter.cluster_count)


_VIEW = (
    KeyBinding(
        ("v",), "next view", _cycle("view", VIEWS), value=lambda state: state.rendering.view
    ),
    KeyBinding(("V",), "view before", _cycle("view", VIEWS, -1)),
    KeyBinding(("space",), "pause", _toggle("paused"), value=_yes("paused")),
    KeyBinding((".",), "next frame while paused", _next_frame, "pause first, with space"),
    KeyBinding(("left",), "5 seconds back in a file", _request(SessionRequest.BACK)),
    KeyBinding(("right",), "5 seconds on", _request(SessionRequest.FORWARD)),
    KeyBinding(("C",), "next camera", _request(SessionRequest.NEXT_CAMERA)),
    KeyBinding(("m",), "mirror", _toggle("mirrored"), value=_yes("mirrored")),
    KeyBinding(("f",), "full screen", _full_screen, "only a window can fill the screen"),
    KeyBinding(("t",), "figures on or off", _toggle("shows_hud")),
    KeyBinding(("?", "h"), "this help", _toggle("shows_help")),
    KeyBinding(("q", "Esc"), "quit", _request(SessionRequest.QUIT)),
)
_CLUSTERS = (
    KeyBinding(
        tuple("0123456789"), "that cluster off or on", _switch, "no cluster has that number"
    ),
    KeyBinding(("o",), "only the one pointed at", _only_pointed, "point at a region first"),
    KeyBinding(("a",), "all clusters on", _all_on, "all clusters are on"),
    KeyBinding(("i",), "invert which are on", _invert),
    KeyBinding(("u",), "undo the last switch", _undo, "nothing has been switched"),
    KeyBinding(
        ("b",),
        "next background",
        _cycle("background"),
        value=lambda state: str(state.rendering.background),
    ),
)
_PALETTE = (
    KeyBinding(("[",), "fewer clusters", _clusters(-1), "one cluster is the least", _count),
    KeyBinding(("]",), "more clusters", _clusters(1), f"{MAX_CLUSTERS} clusters are the most"),
    KeyBinding(
        ("-",),
        "less stability",
        _stability(-_STABILITY_STEP),
        "stability 0 is the least",
        lambda state: f"{state.segmenter.stability:g}",
    ),
    KeyBinding(
        ("+", "="), "more stability", _stability(_STABILITY_STEP), "stability 1 is the most"
    ),
    KeyBinding(
        ("c",), "next colour space", _color_space, value=lambda state: state.segmenter.color_space
    ),
    KeyBinding(("P",), "next paint", _cycle("paint"), value=lambda state: state.paint_name),
    KeyBinding(("p",), "freeze the palette", _toggle("frozen"), value=_yes("frozen")),
    KeyBinding(("n",), "new fit", _request(SessionRequest.NEW_FIT)),
)
_FILES = (
    KeyBinding(("s",), "snapshot", _request(SessionRequest.SNAPSHOT)),
    KeyBinding(("S",), "snapshot in 3 seconds", _request(SessionRequest.TIMED_SNAPSHOT)),
    KeyBinding(("r",), "record or stop", _request(SessionRequest.RECORD)),
)
KEYS: tuple[KeyBinding, ...] = (*_VIEW, *_CLUSTERS, *_PALETTE, *_FILES)
# What the mouse does in the window, worded as in `KEYS`.
_MOUSE_ON_CLUSTERS = (
    ("click", "region or swatch off or on"),
    ("right click", "that one alone, or all again"),
)
_MOUSE_ON_PALETTE = (("wheel", "more or fewer clusters"), ("Shift wheel", "stability"))
_MOUSE_ON_VIEW = (("drag", "move the split, or the position"),)


@dataclass(frozen=True, slots=True)
class HelpLine:
    """A line of the help.

    Parameters
    ----------
    does_by : str
        Keys or mouse action.
    does : str
    value : callable
        The current value, given the state; empty for none.
    """

    does_by: str
    does: str
    value: Callable[[LiveState], str] = lambda _state: ""


def _lines(
    bindings: tuple[KeyBinding, ...], mouse: tuple[tuple[str, str], ...] = ()
) -> tuple[HelpLine, ...]:
    by_key = (HelpLine(each.key_names, each.does, each.value) for each in bindings)
    return *by_key, *(HelpLine(*action) for action in mouse)


HELP: dict[str, tuple[HelpLine, ...]] = {
    "View": _lines(_VIEW, _MOUSE_ON_VIEW),
    "Clusters": _lines(_CLUSTERS, _MOUSE_ON_CLUSTERS),
    "Palette": _lines(_PALETTE, _MOUSE_ON_PALETTE),
    "Files": _lines(_FILES),
}
_BINDINGS = {key: binding for binding in KEYS for key in binding.keys}
