"""The palette through time: one cold fit, then warm fits that keep every cluster's number.

Warm fits alone have four faults, each of which is dealt with here.

*They get stuck.* A cluster that would serve the picture better elsewhere cannot get there. So from
time to time, and whenever inertia jumps, a *challenger* is fitted cold. If it is clearly better it
is adopted, its centroids matched one to one to the old ones.

*They lose clusters.* The nearest pixels of a colour that has left the picture are those of another.
A cluster that shrinks to nothing, or suddenly and far off, is *parked*: it keeps its number and
its colour, takes no pixel, and is revived when its colour returns.

*They wander.* A centroid follows what is nearest to it, in the end to something else. What is new
takes the number of nothing that stays; and pinned clusters, as those that are switched off, follow
changes of light alone.

*They tremble.* The best centroids of two noisy frames differ. Here they move only as far as it
takes to stay within a small tolerance of the fit's inertia: not at all in a still scene, at once
when the light changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.challenge import Challenger
from kseg_video.clustering import ColdFits, dark_to_light
from kseg_video.clusters import Clusters
from kseg_video.color import bgr_of_hex, color_scale, from_working, to_working
from kseg_video.cuts import CutDetector
from kseg_video.handover import Handover
from kseg_video.light import Light
from kseg_video.mapping import inertia_of
from kseg_video.places import LabelsByPlace
from kseg_video.scenes import Scenes
from kseg_video.warm_fit import fit_warm, move_towards, renumber

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.frame import Event
    from kseg_video.settings import SegmenterSettings

# Full stability lets inertia rise by this much over the fit's before a centroid moves.
_LARGEST_TOLERANCE = 0.006
_NOTHING_NEW = 0.01  # change of inertia with the same centroids
_CHALLENGE_AFTER = 3  # frames; half as many again after each challenge in vain, to the next limit
_CHALLENGE_AT_LEAST_EVERY = 60
_JUMP = 1.15  # of inertia over its usual value
_RESIGNATION = 0.5  # how far what is usual follows a jump that a fresh fit does not mend
_REACH = 24.0  # colour levels within which a colour is taken for a cluster's own


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Centroids of one frame.

    Parameters
    ----------
    centroids : ndarray of float32, shape (K, 3)
        Row i is cluster i; rows that are not real repeat the last real one.
    real : ndarray of bool, shape (K,)
        Whether the cluster has been found.
    active : ndarray of bool, shape (K,)
        Whether it may take pixels of this frame: found, and not parked.
    event : {"cold", "warm", "cut", "reseed"}
        How the centroids were found.
    inertia : float
        Mean squared distance of the sample to its nearest active centroids.
    shown : ndarray of float32, shape (K, 3)
        The clusters' colours in the working space: the centroids or, for a few frames after a
        reseed, points on the way to them.
    """

    centroids: NDArray[np.float32]
    real: NDArray[np.bool_]
    active: NDArray[np.bool_]
    event: Event
    inertia: float
    shown: NDArray[np.float32]


class PaletteTracker:
    """Follows the clusters of a video from frame to frame.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._settings = settings
        self._tolerance = _LARGEST_TOLERANCE * settings.stability
        self._reach = _REACH * color_scale(settings.color_space)
        self._handover = Handover(settings.color_space)
        self._cuts = CutDetector()
        self._state: Clusters | None = None
        self._wants_new_fit = False
        self.frozen = settings.holds_palette
        self._places = LabelsByPlace()
        self._light = Light(settings.color_space)
        self._waited = False
        self._last_present = np.inf
        self._patience = self._next_challenge = _CHALLENGE_AFTER
        self._frames = 0
        self._cold_fits = ColdFits(settings)
        self._scenes = Scenes(self._cold_fits, self._reach)

    def update(
        self,
        colors: NDArray[np.float32],
        bgr: NDArray[np.float32],
        pinned: AbstractSet[int] = frozenset(),
    ) -> Track:
        """Centroids for the next frame.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame's colours in the working space, from the same places each time.
        bgr : ndarray of float32, shape (N, 3)
            The same as BGR levels.
        pinned : set of int
            Clusters whose numbers may never pass to another colour.
        """
        is_cut = self._cuts.is_cut(bgr)
        state = self._state
        if state is not None and self.frozen:
            return self._track(colors, state, "cut" if is_cut else "warm")
        event: Event
        if state is None:
            event, state = "cold", self._begin(colors)
        elif self._wants_new_fit:
            event, state = "reseed", self._scenes.begin(colors, state, pinned)
            self._handover.stop()
        elif is_cut:
            event, state = "cut", self._scenes.begin(colors, state, pinned)
            self._be_patient(_CHALLENGE_AFTER)
            self._handover.stop()
            self._light.forget()
        else:
            event, state = self._continue(colors, state, pinned)
        self._wants_new_fit = False
        self._state = state
        self._frames += 1
        return self._track(colors, state, event)

    def retune(self, settings: SegmenterSettings) -> None:
        """Go on with other settings; clusters keep their numbers.

        Fewer clusters: the last ones go. More: the next fit that is worth it adds them. Another
        working space: their colours are taken over into it.
        """
        before, self._settings = self._settings, settings
        self._cold_fits.settings = settings
        self._tolerance = _LARGEST_TOLERANCE * settings.stability
        self._reach = _REACH * color_scale(settings.color_space)
        self._handover = Handover(settings.color_space)
        self._scenes = Scenes(self._cold_fits, self._reach)
        state = self._state
        if state is None:
            return
        count = settings.n_clusters
        parked = state.parked[:count]
        centroids = state.centroids[:count]
        if before.color_space != settings.color_space:
            bgr = from_working(centroids, before.color_space).astype(np.float32)
            centroids = to_working(bgr, settings.color_space)
        if parked.all() or before.color_space != settings.color_space:
            parked = np.zeros(len(centroids), bool)
        self._state = Clusters(centroids, parked, state.usual_shares[:count], state.usual_inertia)
        self._handover = Handover(settings.color_space, centroids)
        self._places.forget()
        self._light = Light(settings.color_space)

    def fit_anew(self) -> None:
        """Have the next frame fitted cold; numbers follow the colours."""
        self._wants_new_fit = True

    # --- the first centroids, and the next -----------------------------------------------------

    def _begin(self, colors: NDArray[np.float32]) -> Clusters:
        if self._settings.palette:
            given = bgr_of_hex(self._settings.palette)
            return Clusters.settled(colors, to_working(given, self._settings.color_space))
        centroids = self._cold_fits.fit(colors, self._settings.n_clusters)
        return Clusters.settled(colors, dark_to_light(centroids, self._settings.color_space))

    def _continue(
        self, colors: NDArray[np.float32], state: Clusters, pinned: AbstractSet[int]
    ) -> tuple[Event, Clusters]:
        state.revive(colors, self._reach, pinned)
        held = state.held(pinned)
        if len(state.centroids) == self._settings.n_clusters:  # in a fade from black, black stays
            self._light.follow(colors, state, held)
        labels, distances = state.nearest(colors)
        present = float(distances.mean(dtype=np.float64))
        if present > _JUMP * state.usual_inertia:
            by_place = self._places.best(colors, labels, state.parked)
            if by_place is not labels:  # another light on everything: all follow it
                labels, held = by_place, held[:0]
                self._light.forget()
        elif self._tolerance and self._is_as_before(present):
            return "warm", state
        fitted, inertia = fit_warm(colors, labels, state, held, self._settings.epsilon)
        if state.park_lost(labels, fitted, self._reach):
            fitted[state.parked] = state.centroids[state.parked]
            inertia = inertia_of(colors, fitted[state.active])
            present = inertia_of(colors, state.centroids[state.active])
        challenger = self._challenge(colors, state, inertia, pinned)
        if challenger is not None:
            return "reseed", challenger
        if labels is state.nearest(colors)[0]:
            renumbered = renumber(colors, state, fitted, held, self._reach)
            if renumbered is not None:
                return "reseed", renumbered
        move_towards(state, fitted, inertia, present, self._tolerance)
        return "warm", state

    def _is_as_before(self, present: float) -> bool:
        """Whether nothing has changed since the last fit, so that the next can wait a frame."""
        waited, self._waited = self._waited, False
        if waited or abs(present - self._last_present) > _NOTHING_NEW * present:
            self._last_present = present
            return False
        self._waited = True
        return True

    # --- the challenger --------------------------------------------------------------------------

    def _challenge(
        self,
        colors: NDArray[np.float32],
        state: Clusters,
        inertia: float,
        pinned: AbstractSet[int],
    ) -> Clusters | None:
        """Fit the frame anew if it is time to, and return what to go on with if that is better."""
        jumped = inertia > _JUMP * state.usual_inertia
        unfound = len(state.centroids) < self._settings.n_clusters
        if not (jumped or unfound or self._frames >= self._next_challenge) or inertia == 0:
            return None
        challenger = Challenger(colors, self._cold_fits, self._reach)
        winner = challenger.beat(state, inertia, pinned)
        if winner is not None and self._tolerance:
            jumping = self._handover.prepare(colors, state.nearest(colors)[0], winner)
            if challenger.is_worth(winner.usual_inertia, inertia, jumping):
                self._handover.begin()
            else:
                winner = None
        if jumped and winner is None:
            state.usual_inertia += _RESIGNATION * (inertia - state.usual_inertia)
        self._be_patient(_CHALLENGE_AFTER if winner or jumped else self._patience * 3 // 2)
        return winner

    def _be_patient(self, frames: int) -> None:
        """Wait that long for the next challenge."""
        self._patience = min(frames, _CHALLENGE_AT_LEAST_EVERY)
        self._next_challenge = self._frames + self._patience

    # --- the result -------------------------------------------------------------------------

    def _track(self, colors: NDArray[np.float32], state: Clusters, event: Event) -> Track:
        labels, distances = state.nearest(colors)
        self._places.remember(labels)
        shown = self._handover.shown(state.centroids, colors, labels)
        missing = self._settings.n_clusters - len(state.centroids)
        real = np.arange(self._settings.n_clusters) < len(state.centroids)
        return Track(
            _lengthened(state.centroids, missing),
            real,
            real & ~np.concatenate([state.parked, np.zeros(missing, bool)]),
            event,
            float(distances.mean(dtype=np.float64)),
            _lengthened(shown, missing),
        )


def _lengthened(rows: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    """Rows and as many repeats of the last."""
    if not by:
        return rows.copy()
    return np.concatenate([rows, rows[-1:].repeat(by, axis=0)]).astype(np.float32)
