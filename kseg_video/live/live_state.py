"""State of a live run that the user controls, as pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, get_args

from kseg_video.core.settings import PaintName
from kseg_video.rendering.renderer import is_painted

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.cluster_selectors import ClusterSelection
    from kseg_video.core.settings import Paint, RenderSettings, SegmenterSettings, View

# In the order in which a key cycles through them; the background given at the start comes last.
BACKGROUNDS: tuple[str | Path, ...] = (
    *("black", "white", "gray", "blur", "pixelate", "transparent"),
)
PAINTS: tuple[Paint | None, ...] = (None, *get_args(PaintName))  # likewise
_SWITCHES = {
    "paused": ("paused", "playing"),
    "frozen": ("palette frozen", "palette free"),
    "mirrored": ("mirrored", "not mirrored"),
    "full_screen": ("full screen", "window"),
    "shows_hud": ("figures on", "figures off"),
}
_SHOWS_ALL: frozenset[View] = frozenset({"boundaries", "original"})


@dataclass(frozen=True, slots=True)
class LiveState:
    """Settings of a live run that the user has chosen.

    Parameters
    ----------
    segmenter : SegmenterSettings
    rendering : RenderSettings
        Including the clusters that are switched off now.
    selection : ClusterSelection, optional
        Clusters to switch off from the start; None once a frame shows every colour that it names.
    backgrounds : tuple of str or Path
        Backgrounds that a key cycles through.
    paints : tuple of str, tuple of str or None
        Paints that a key cycles through; None is the clusters' own colours.
    switched : frozenset of int, optional
        Clusters that were off before the last switch; None if there was none.
    saves_mirrored : bool
        Whether what is saved is mirrored if the view is.
    has_window : bool
        Whether a window shows the picture; only then can it fill the screen.
    paused, frozen, mirrored, full_screen, shows_hud, shows_help : bool
        Switches; `frozen` keeps the palette as it is.
    """

    segmenter: SegmenterSettings
    rendering: RenderSettings
    selection: ClusterSelection | None = None
    backgrounds: tuple[str | Path, ...] = BACKGROUNDS
    paints: tuple[Paint | None, ...] = PAINTS
    switched: frozenset[int] | None = None
    saves_mirrored: bool = True
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

    @property
    def paint_name(self) -> str:
        """The paint in a word or two."""
        paint = self.rendering.paint
        return paint if isinstance(paint, str) else "own colours" if paint is None else "as given"


def click(state: LiveState, number: int, *, alone: bool) -> LiveState:
    """Return the state after a click: the cluster toggled; or it `alone` on, and back to all on."""
    if not alone:
        return switch(state, state.rendering.disabled ^ {number})
    others = state.clusters - {number}
    return switch(state, frozenset() if state.rendering.disabled == others else others)


def settle(state: LiveState, disabled: frozenset[int]) -> LiveState:
    """Return the state after the initial selection has been resolved to cluster numbers."""
    return replace(switch(state, disabled), selection=None, switched=None)


def switch(state: LiveState, disabled: frozenset[int]) -> LiveState:
    """Return the state with those clusters switched off."""
    before, after = state.rendering.disabled, disabled & state.clusters
    if after == before:
        return state
    return replace(state, rendering=replace(state.rendering, disabled=after), switched=before)


def split_at(state: LiveState, share: float) -> LiveState:
    """Return the state with the split at a share of the width."""
    return replace(state, rendering=replace(state.rendering, split=min(max(share, 0.0), 1.0)))


def answer(before: LiveState, after: LiveState) -> str:
    """Tell in a few words what the user has changed; empty for what shows by itself."""
    old, new = before.rendering, after.rendering
    for field, choice, remark in (
        ("view", new.view, " (clicks do nothing here)" * (new.view in _SHOWS_ALL)),
        ("background", new.background, " (nothing is off)" * (not new.disabled)),
        ("paint", after.paint_name, " (this view shows none)" * (not is_painted(new))),
    ):
        if getattr(new, field) != getattr(old, field):
            return f"{field}: {choice}{remark}"
    segmenters = before.segmenter, after.segmenter
    for name, (value, now) in {
        "k": tuple(each.cluster_count for each in segmenters),
        "stability": tuple(each.stability for each in segmenters),
        "colour space": tuple(each.color_space for each in segmenters),
    }.items():
        if value != now:
            return f"{name}: {now}"
    if new.disabled != old.disabled:
        return _switched(after) + " (this view shows all)" * (new.view in _SHOWS_ALL)
    for field, (on, off) in _SWITCHES.items():
        if getattr(after, field) != getattr(before, field):
            return on if getattr(after, field) else off
    return ""


def _switched(state: LiveState) -> str:
    off, on = sorted(state.rendering.disabled), sorted(state.clusters - state.rendering.disabled)
    if not off:
        return "all clusters on"
    if len(on) == 1:
        return f"only cluster {on[0]} on"
    return f"off: {', '.join(map(str, off))}"
