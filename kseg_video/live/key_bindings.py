"""State of a live run that the user controls, and its key bindings, as pure functions.

The table `KEYS` maps keys to actions; together with `MOUSE` it is also the source of the help
overlay, of ``live --keys`` and of the README's table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING, TypeVar, get_args

from kseg_video.core.settings import MAX_CLUSTERS, ColorSpace, RenderSettings, SegmenterSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kseg_video.core.cluster_selectors import ClusterSelection
    from kseg_video.core.settings import View

# In the order in which keys cycle through them.
VIEWS: tuple[View, ...] = (
    *("segmented", "masked", "boundaries", "side-by-side", "matte", "original"),
)
# In the order in which a key cycles through them; the background given at the start comes last.
BACKGROUNDS: tuple[str | Path, ...] = (
    *("black", "white", "gray", "blur", "pixelate", "transparent"),
)
_STABILITY_STEP = 0.1

_Choice = TypeVar("_Choice")


class SessionRequest(Enum):
    """Action that a key requests from the session, beyond a change of state."""

    QUIT = auto()
    NEXT_FRAME = auto()
    NEW_FIT = auto()
    SNAPSHOT = auto()
    RECORD = auto()


@dataclass(frozen=True, slots=True)
class LiveState:
    """Settings of a live run that the user has chosen.

    Parameters
    ----------
    segmenter : SegmenterSettings
    rendering : RenderSettings
        Including the clusters that are switched off now.
    selection : ClusterSelection, optional
        Clusters to switch off from the start; None once they are resolved on the first frame.
    backgrounds : tuple of str or Path
        Backgrounds that a key cycles through.
    has_window : bool
        Whether a window shows the picture; only then can it fill the screen.
    paused, frozen, mirrored, full_screen, shows_hud, shows_help : bool
        Switches; `frozen` keeps the palette as it is.
    """

    segmenter: SegmenterSettings
    rendering: RenderSettings
    selection: ClusterSelection | None = None
    backgrounds: tuple[str | Path, ...] = BACKGROUNDS
    has_window: bool = True
    paused: bool = False
    frozen: bool = False
    mirrored: bool = False
    full_screen: bool = False
    shows_hud: bool = True
    shows_help: bool = False

    @property
    def clusters(self) -> frozenset[int]:
        """All cluster numbers."""
        return frozenset(range(self.segmenter.cluster_count))


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
    """

    keys: tuple[str, ...]
    does: str
    act: Callable[[LiveState, PointedKeyPress], Outcome]
    refusal: str = ""

    @property
    def key_names(self) -> str:
        """The keys as the help shows them."""
        return "0-9" if self.keys == tuple("0123456789") else " ".join(self.keys)


def press(state: LiveState, pressed: PointedKeyPress) -> Outcome:
    """Return the state and the request after a key; an unknown key changes nothing."""
    binding = _BINDINGS.get(pressed.key)
    return (state, None) if binding is None else binding.act(state, pressed)


def refusal(key: str) -> str:
    """Message for a key press that changed nothing; empty for an unknown key."""
    binding = _BINDINGS.get(key)
    return "" if binding is None else binding.refusal


def click(state: LiveState, number: int, *, alone: bool) -> LiveState:
    """Return the state after a click: the cluster toggled; or it `alone` on, and back to all on."""
    if not alone:
        return _with_disabled(state, state.rendering.disabled ^ {number})
    others = state.clusters - {number}
    return _with_disabled(state, frozenset() if state.rendering.disabled == others else others)


def settle(state: LiveState, disabled: frozenset[int]) -> LiveState:
    """Return the state after the initial selection has been resolved to cluster numbers."""
    return _with_disabled(replace(state, selection=None), disabled)


def _with_disabled(state: LiveState, disabled: frozenset[int]) -> LiveState:
    rendering = replace(state.rendering, disabled=disabled & state.clusters)
    return replace(state, rendering=rendering)


def _request(request: SessionRequest) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    return lambda state, _pressed: (state, request)


def _next_frame(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return state, SessionRequest.NEXT_FRAME if state.paused else None


def _toggle(field: str) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    def act(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
        changed: dict[str, bool] = {field: not getattr(state, field)}
        return replace(state, **changed), None  # type: ignore[arg-type]

    return act


def _view(step: int) -> Callable[[LiveState, PointedKeyPress], Outcome]:
    def act(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
        view = _after(VIEWS, state.rendering.view, step)
        return replace(state, rendering=replace(state.rendering, view=view)), None

    return act


def _after(choices: tuple[_Choice, ...], now: _Choice, step: int = 1) -> _Choice:
    return choices[(choices.index(now) + step) % len(choices)]


def _switch(state: LiveState, pressed: PointedKeyPress) -> Outcome:
    number = int(pressed.key)
    known = number in state.clusters
    return (click(state, number, alone=False) if known else state), None


def _all_on(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return _with_disabled(state, frozenset()), None


def _invert(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    return _with_disabled(state, state.clusters - state.rendering.disabled), None


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
        return _with_disabled(changed, state.rendering.disabled), None

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


def _background(state: LiveState, _pressed: PointedKeyPress) -> Outcome:
    background = _after(state.backgrounds, state.rendering.background)
    return replace(state, rendering=replace(state.rendering, background=background)), None


KEYS: tuple[KeyBinding, ...] = (
    KeyBinding(("q", "Esc"), "quit", _request(SessionRequest.QUIT)),
    KeyBinding(("space",), "pause", _toggle("paused")),
    KeyBinding((".",), "next frame while paused", _next_frame, "pause first, with space"),
    KeyBinding(("v",), "next view", _view(1)),
    KeyBinding(("V",), "view before", _view(-1)),
    KeyBinding(
        tuple("0123456789"), "switch that cluster off or on", _switch, "no cluster has that number"
    ),
    KeyBinding(("a",), "all clusters on", _all_on, "all clusters are on"),
    KeyBinding(("i",), "invert which are on", _invert),
    KeyBinding(("o",), "only the cluster pointed at", _only_pointed, "point at a region first"),
    KeyBinding(("[",), "fewer clusters", _clusters(-1), "one cluster is the least"),
    KeyBinding(("]",), "more clusters", _clusters(1), f"{MAX_CLUSTERS} clusters are the most"),
    KeyBinding(("-",), "less stability", _stability(-_STABILITY_STEP), "stability 0 is the least"),
    KeyBinding(
        ("+", "="), "more stability", _stability(_STABILITY_STEP), "stability 1 is the most"
    ),
    KeyBinding(("c",), "next colour space", _color_space),
    KeyBinding(("p",), "freeze or release the palette", _toggle("frozen")),
    KeyBinding(("n",), "new fit", _request(SessionRequest.NEW_FIT)),
    KeyBinding(("b",), "next background", _background),
    KeyBinding(("m",), "mirror", _toggle("mirrored")),
    KeyBinding(("f",), "full screen", _full_screen, "only a window can fill the screen"),
    KeyBinding(("t",), "figures on or off", _toggle("shows_hud")),
    KeyBinding(("s",), "snapshot", _request(SessionRequest.SNAPSHOT)),
    KeyBinding(("r",), "record or stop", _request(SessionRequest.RECORD)),
    KeyBinding(("?", "h"), "this help", _toggle("shows_help")),
)
# Mouse actions in the window, worded as in `KEYS`.
MOUSE: tuple[tuple[str, str], ...] = (
    ("click", "switch that region's cluster off or on"),
    ("right click", "that one alone, or all again"),
)
HELP = (*((binding.key_names, binding.does) for binding in KEYS), *MOUSE)
_BINDINGS = {key: binding for binding in KEYS for key in binding.keys}
