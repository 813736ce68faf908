"""Resolves the colours and pixels that a user selects to clusters that are switched off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.background_spec import parse_color
from kseg_video.core.cluster_selectors import parse_color_selector
from kseg_video.core.color_spaces import to_working
from kseg_video.core.errors import SourceError
from kseg_video.core.palette import ColorWatch
from kseg_video.rendering.color_names import LEAST_CHROMA, color_names, has_no_hue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.core.cluster_selectors import ClusterSelection, ColorSelector, Selector
    from kseg_video.core.frame import Segmentation
    from kseg_video.core.palette import Palette

# A colour name means a hue more than a lightness: "green" includes a tree in the shade. Lightness
# counts half, as in CMC 2:1, the usual formula for the acceptability of dyes.
_WEIGHTS = np.array([0.5, 1, 1], np.float32)
_TYPICAL = {"brown": "saddlebrown"}  # where CSS gives a basic name to another colour, here a red


@dataclass(frozen=True, slots=True)
class ResolvedSelector:
    """What a selector has come to.

    Parameters
    ----------
    selector : int, str or tuple
        As given in the `ClusterSelection`.
    clusters : tuple of int
        The chosen clusters in ascending order; empty if nothing has that hue.
    note : str
        A line that names them with their colours.
    """

    selector: Selector
    clusters: tuple[int, ...]
    note: str

    @property
    def name(self) -> str:
        """The selector as the command line writes it."""
        return _name(self.selector)


@dataclass(frozen=True, slots=True)
class ResolvedSelection:
    """A selection resolved on a frame.

    Parameters
    ----------
    disabled : frozenset of int
        Clusters that are switched off.
    choices : tuple of ResolvedSelector
        What each selector has come to.
    notes : tuple of str
        For each colour or pixel, a note that names its clusters.
    """

    disabled: frozenset[int]
    choices: tuple[ResolvedSelector, ...]
    notes: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every selector has come to a cluster."""
        return all(choice.clusters for choice in self.choices)


def pinned(disabled: AbstractSet[int], n_clusters: int) -> AbstractSet[int]:
    """Clusters whose numbers may never pass to another colour, given those that are off.

    These are the clusters that are off or, if they are the majority, those that are on. So a new
    colour is shown if few clusters are off, and hidden if few are on.
    """
    others = frozenset(range(n_clusters)) - disabled
    return disabled if len(disabled) <= len(others) else others


def resolve_selection(selection: ClusterSelection, segmentation: Segmentation) -> ResolvedSelection:
    """Resolve a selection to clusters on a frame.

    Parameters
    ----------
    selection : ClusterSelection
    segmentation : Segmentation
        Segmentation of the frame on which colours and pixels are looked up.

    Raises
    ------
    SourceError
        If a chosen pixel lies outside the picture.
    """
    palette = segmentation.palette
    selectors = selection.only or selection.disabled
    choices = tuple(_choice(selector, segmentation) for selector in selectors)
    numbers = frozenset(number for choice in choices for number in choice.clusters)
    notes = [choice.note for choice in choices if not isinstance(choice.selector, int)]
    if notes and np.count_nonzero(palette.real) == 1 < len(palette):
        notes.append("the first frame is all of one colour")
    disabled = _off(selection, numbers, len(palette))
    return ResolvedSelection(disabled, choices, tuple(dict.fromkeys(notes)))


class FollowedSelection:
    """A selection that is followed through a video.

    A cluster that takes another colour, as at a cut, is then chosen by a colour's name if its new
    colour has that name. What is chosen otherwise stays.

    Parameters
    ----------
    selection : ClusterSelection
    first : Segmentation
        Segmentation of the first frame.
    is_image : bool
        Whether no other frame follows.

    Attributes
    ----------
    resolved : ResolvedSelection
        As on the first frame.
    disabled : frozenset of int
        Clusters that are off at the frame followed last.

    Raises
    ------
    SourceError
        If a chosen pixel lies outside the picture, or no cluster has a named hue. A video that
        begins without hues or with few colours, as in a fade from black, may show it later.
    """

    def __init__(self, selection: ClusterSelection, first: Segmentation, *, is_image: bool) -> None:
        self._selection = selection
        self._watch = ColorWatch()
        self._watch.changed(first.colors, first.real)
        self.resolved = resolve_selection(selection, first)
        self.disabled = self.resolved.disabled
        self._chosen = [set(choice.clusters) for choice in self.resolved.choices]
        self._later: dict[tuple[str, int], str] = {}  # notes by selector and cluster
        names = color_names(first.colors)
        may_come = not is_image and (not first.real.all() or all(map(has_no_hue, names)))
        for choice in self.resolved.choices:
            if not (choice.clusters or may_come):
                nearest = f"{choice.name}:1 for the nearest"
                raise SourceError(f"{choice.note}; choose one of these, or {nearest}")

    def follow(self, segmentation: Segmentation, time: float) -> None:
        """Follow the clusters to the next frame, at a time in seconds."""
        if segmentation.event == "warm":
            return
        changed = self._watch.changed(segmentation.colors, segmentation.real)
        names, colors = color_names(segmentation.colors), segmentation.palette.hex_colors
        for choice, chosen in zip(self.resolved.choices, self._chosen, strict=True):
            name = _name_followed(choice.selector)
            for number in np.flatnonzero(changed).tolist() if name else ():
                chosen.discard(number)
                if names[number] == name:
                    chosen.add(number)
                    if number not in choice.clusters:
                        note = f"cluster {number} ({colors[number]}) is {choice.name}"
                        note += f" from {time:.2f} s on"
                        self._later.setdefault((choice.name, number), note)
        numbers = frozenset().union(*self._chosen)
        self.disabled = _off(self._selection, numbers, len(segmentation.colors))

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes that name the chosen clusters, those of later frames included."""
        return *self.resolved.notes, *self._later.values()

    @property
    def clusters(self) -> dict[str, list[int]]:
        """For each selector, the clusters that it has chosen in any frame."""
        return {
            choice.name: sorted(
                {*choice.clusters, *(number for name, number in self._later if name == choice.name)}
            )
            for choice in self.resolved.choices
        }


def _off(selection: ClusterSelection, numbers: frozenset[int], n_clusters: int) -> frozenset[int]:
    return frozenset(range(n_clusters)) - numbers if selection.only else numbers


def _name(selector: Selector) -> str:
    if isinstance(selector, tuple):
        return f"pixel {selector[0]},{selector[1]}"
    return str(selector)


def _name_followed(selector: Selector) -> str | None:
    """The basic colour whose clusters a selector chooses; None if it chooses otherwise."""
    wanted = parse_color_selector(selector) if isinstance(selector, str) else None
    return wanted.basic_color if wanted is not None and wanted.count is None else None


def _choice(selector: Selector, segmentation: Segmentation) -> ResolvedSelector:
    if isinstance(selector, str):
        return _chosen_by_color(selector, segmentation.palette)
    number = selector if isinstance(selector, int) else _cluster_at(selector, segmentation)
    note = _note(_name(selector), [number], segmentation.palette)
    return ResolvedSelector(selector, (number,), note)


def _cluster_at(pixel: tuple[int, int], segmentation: Segmentation) -> int:
    x, y = pixel
    height, width = segmentation.labels.shape
    if not (0 <= x < width and 0 <= y < height):
        raise SourceError(
            f"pixel {x},{y} lies outside the picture; choose from 0,0 to {width - 1},{height - 1}"
        )
    return int(segmentation.labels[y, x])


def _chosen_by_color(selector: str, palette: Palette) -> ResolvedSelector:
    wanted, names = parse_color_selector(selector), color_names(palette.colors)
    named = np.array([name == wanted.basic_color for name in names]) & palette.real
    if wanted.count is None:
        numbers = np.flatnonzero(named).tolist()
        if not numbers:
            rows = zip(names, palette.hex_colors, palette.real.tolist(), strict=True)
            there_is = ", ".join(
                f"{number} {name} ({color})"
                for number, (name, color, real) in enumerate(rows)
                if real
            )
            note = f"no cluster is {selector} in the first frame: there is {there_is}"
            return ResolvedSelector(selector, (), note)
        return ResolvedSelector(selector, tuple(numbers), _note(selector, numbers, palette))
    nearest, of_hue = _nearest_to(wanted, named, palette)
    lacking = "of another hue" if of_hue.any() else "the nearest: nothing has its hue"
    remarks = {number: lacking for number in nearest if not of_hue[number]}
    return ResolvedSelector(selector, nearest, _note(selector, nearest, palette, remarks))


def _note(
    name: str, numbers: Sequence[int], palette: Palette, remarks: Mapping[int, str] | None = None
) -> str:
    told = []
    for number in numbers:
        words = [palette.hex_colors[number]]
        words += [remarks[number]] if remarks and number in remarks else []
        words += ["not in the first frame"] if not palette.shares[number] else []
        told.append(f"{number} ({', '.join(words)})")
    return f"{name} is cluster{'s' if len(told) > 1 else ''} {', '.join(told)}"


def _nearest_to(
    wanted: ColorSelector, named: NDArray[np.bool_], palette: Palette
) -> tuple[tuple[int, ...], NDArray[np.bool_]]:
    """The wanted number of nearest clusters, and which clusters have about the colour's hue."""
    color, found = _oklab_of(wanted), _oklab(palette.colors)
    candidates = palette.real  # includes clusters of a kept palette without pixels in this frame
    of_hue = candidates & (named | _has_hue_of(color, found))
    distances = np.linalg.norm((found - color) * _WEIGHTS, axis=1)
    order = np.lexsort((distances, ~of_hue, ~named, ~candidates))
    nearest = order[: min(wanted.count or 1, np.count_nonzero(candidates))]
    return tuple(sorted(nearest.tolist())), of_hue


def _has_hue_of(wanted: NDArray[np.float32], found: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which Oklab colours, (N, 3), have about the wanted hue, (3,); all if the wanted is gray."""
    (a, b), others = wanted[1:], found[:, 1:]
    chroma = float(np.hypot(a, b))
    if chroma < LEAST_CHROMA:
        return np.ones(len(others), bool)
    along, across = others @ (a, b) / chroma, others @ (-b, a) / chroma
    has_it: NDArray[np.bool_] = along > np.maximum(np.abs(across), LEAST_CHROMA)
    return has_it


def _oklab_of(wanted: ColorSelector) -> NDArray[np.float32]:
    """A named colour in Oklab, (3,)."""
    rgb = parse_color(_TYPICAL.get(wanted.color.lower(), wanted.color))
    oklab: NDArray[np.float32] = _oklab(np.array([rgb[::-1]], np.uint8))[0]
    return oklab


def _oklab(bgr: NDArray[np.uint8]) -> NDArray[np.float32]:
    return to_working(bgr.astype(np.float32), "oklab")
