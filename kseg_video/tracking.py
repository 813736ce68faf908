"""The palette through time: one cold fit, then warm fits that keep every cluster's number.

Warm fits alone have three faults, each of which is dealt with here.

*They get stuck.* A cluster that would serve the picture better elsewhere cannot get there. So from
time to time, and whenever inertia jumps, a *challenger* is fitted cold. If it is clearly better it
is adopted, its centroids matched one to one to the old ones.

*They lose clusters.* The nearest pixels of a colour that has left the picture are those of another.
A cluster that shrinks to nothing, or suddenly and far off, is *parked*: it keeps its number and
its colour, takes no pixel, and is revived when its colour returns.

*They tremble.* The best centroids of two noisy frames differ. Here they move only as far as it
takes to stay within a small tolerance of the fit's inertia: not at all in a still scene, at once
when the light changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.clustering import cold_fit, polish, positions
from kseg_video.color import color_scale, from_working, luma
from kseg_video.cuts import CutDetector
from kseg_video.mapping import inertia_of, nearest
from kseg_video.palette import match_centroids

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.frame import Event
    from kseg_video.settings import SegmenterSettings

# Full stability lets inertia rise by this much over the fit's before a centroid moves.
_LARGEST_TOLERANCE = 0.012
_NOTHING_NEW = 0.01  # change of inertia with the same centroids
_CHALLENGE_AFTER = 10  # frames; half as many again after each challenge in vain, to the next limit
_CHALLENGE_AT_LEAST_EVERY = 60
_CHALLENGE_PIXELS = 4000
_CHALLENGE_ATTEMPTS = 2
_URGENT_ATTEMPTS = 6  # when inertia has jumped
_CLEARLY_BETTER = 0.05
_WORTH_A_PARKED_NUMBER = 0.3
_JUMP = 1.15  # of inertia over its usual value
_MEMORY = 0.1  # weight of the newest frame in running means
_LEAST_SHARE = 0.0005  # of the sample, below which a cluster is parked
_SUDDEN_LOSS = 0.2  # of its usual share
_REACH = 24.0  # colour levels within which a colour is taken for a cluster's own
_SCENES_KEPT = 8
_SAME_SCENE = 1.3  # inertia of an old palette over that of a fresh fit


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
    """

    centroids: NDArray[np.float32]
    real: NDArray[np.bool_]
    active: NDArray[np.bool_]
    event: Event
    inertia: float


@dataclass(frozen=True, slots=True, eq=False)
class _Assignment:
    """Colours assigned to clusters, and what they were assigned by."""

    colors: NDArray[np.float32]
    centroids: NDArray[np.float32]
    parked: NDArray[np.bool_]
    labels: NDArray[np.uint8]
    distances: NDArray[np.float32]


@dataclass(slots=True, eq=False)
class _State:
    """What is remembered between frames; rows are the clusters found so far.

    Its arrays are replaced, never written to.
    """

    centroids: NDArray[np.float32]
    parked: NDArray[np.bool_]
    usual_shares: NDArray[np.float64]
    usual_inertia: float
    _last: _Assignment | None = None

    @property
    def active(self) -> NDArray[np.uint8]:
        """Numbers of the clusters that are not parked."""
        return np.flatnonzero(~self.parked).astype(np.uint8)

    def nearest(self, colors: NDArray[np.float32]) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Number of the nearest active cluster, and its squared distance, for every colour."""
        last = self._last
        if last is None or not (
            last.colors is colors
            and last.centroids is self.centroids
            and last.parked is self.parked
        ):
            active = self.active
            labels, distances = nearest(colors, self.centroids[active])
            last = _Assignment(colors, self.centroids, self.parked, active[labels], distances)
            self._last = last
        return last.labels, last.distances


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
        self._cuts = CutDetector()
        self._state: _State | None = None
        self._scenes: list[NDArray[np.float32]] = []
        self._recent_labels: list[NDArray[np.uint8]] = []
        self._waited = False
        self._last_present = np.inf
        self._patience = self._next_challenge = _CHALLENGE_AFTER
        self._frames = 0
        self._fits = 0

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
        event: Event
        if state is None:
            event, state = "cold", self._begin(colors)
        elif is_cut:
            event, state = "cut", self._begin_scene(colors, state, pinned)
            self._be_patient(_CHALLENGE_AFTER)
        else:
            event, state = self._continue(colors, state, pinned)
        self._state = state
        self._frames += 1
        return self._track(colors, state, event)

    # --- the four ways to the next centroids -----------------------------------------------------

    def _begin(self, colors: NDArray[np.float32]) -> _State:
        centroids = self._fit_cold(colors, self._settings.n_clusters)
        brightness = luma(from_working(centroids, self._settings.color_space))
        return self._settled(colors, centroids[np.argsort(brightness, kind="stable")])

    def _begin_scene(
        self, colors: NDArray[np.float32], state: _State, pinned: AbstractSet[int]
    ) -> _State:
        """A cold fit, numbered after the colours that the scene shares with earlier ones."""
        self._scenes = [*self._scenes, state.centroids][-_SCENES_KEPT:]
        fresh = self._fit_cold(colors, self._settings.n_clusters)
        known = min(self._scenes, key=lambda scene: inertia_of(colors, scene))
        if inertia_of(colors, known) > _SAME_SCENE * inertia_of(colors, fresh):
            known = state.centroids
        absent = self._absent(known, fresh, pinned)
        if absent:
            wanted = max(self._settings.n_clusters - len(absent), 1)
            fresh = self._fit_cold(colors, wanted)
        return self._renumbered(colors, known, fresh, absent)

    def _continue(
        self, colors: NDArray[np.float32], state: _State, pinned: AbstractSet[int]
    ) -> tuple[Event, _State]:
        self._revive(colors, state)
        labels, distances = state.nearest(colors)
        present = float(distances.mean(dtype=np.float64))
        if present > _JUMP * state.usual_inertia:
            labels = self._by_place(colors, labels, state)
        elif self._tolerance and self._is_as_before(present):
            return "warm", state
        fitted, inertia = self._fit_warm(colors, labels, state)
        if self._park_lost(labels, fitted, state):
            fitted[state.parked] = state.centroids[state.parked]
            inertia = inertia_of(colors, fitted[state.active])
            present = inertia_of(colors, state.centroids[state.active])
        challenger = self._challenge(colors, state, inertia, pinned)
        if challenger is not None:
            return "reseed", challenger
        self._move_towards(state, fitted, inertia, present)
        return "warm", state

    def _is_as_before(self, present: float) -> bool:
        """Whether nothing has changed since the last fit, so that the next can wait a frame."""
        waited, self._waited = self._waited, False
        if waited or abs(present - self._last_present) > _NOTHING_NEW * present:
            self._last_present = present
            return False
        self._waited = True
        return True

    def _fit_warm(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], state: _State
    ) -> tuple[NDArray[np.float32], float]:
        """Where the active clusters fit best, from the labels of the last centroids on."""
        active = state.active
        fitted = state.centroids.copy()
        fitted[active], inertia = polish(
            colors, positions(labels, active), state.centroids[active], self._settings.epsilon
        )
        return fitted, inertia

    def _move_towards(
        self, state: _State, fitted: NDArray[np.float32], inertia: float, present: float
    ) -> None:
        """Move as few centroids to where they fit as keeps inertia within the tolerance.

        For fixed labels, inertia is the fit's plus each cluster's share times the square of its
        centroid's distance to its mean. Those that add the most move, and move all the way: most
        of a picture then keeps its exact colour, which an encoder gets for nothing.
        """
        excess = present - inertia
        allowed = self._tolerance * inertia
        if excess > allowed:
            parts = state.usual_shares * ((fitted - state.centroids) ** 2).sum(axis=1)
            order = np.argsort(-parts)
            remaining = 1 - np.cumsum(parts[order]) / max(parts.sum(), 1e-9)
            movers = order[: np.count_nonzero(remaining * excess > allowed) + 1]
            state.centroids = state.centroids.copy()
            state.centroids[movers] = fitted[movers]
        state.usual_inertia += _MEMORY * (inertia - state.usual_inertia)

    # --- the initial labels of a warm fit --------------------------------------------------------

    def _by_place(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], state: _State
    ) -> NDArray[np.uint8]:
        """Labels of the same places in earlier frames, if they divide this one's colours better.

        So clusters keep their numbers when the light goes on or off: their pixels are where they
        were. The frame before the last counts, too, for a flash may have washed out the last one.
        """
        earlier = [
            each
            for each in self._recent_labels
            if len(each) == len(colors) and not state.parked[np.unique(each)].any()
        ]
        return min([labels, *earlier], key=lambda each: _inertia_of_partition(colors, each))

    def _revive(self, colors: NDArray[np.float32], state: _State) -> None:
        """Unpark the clusters whose colours are back."""
        for number in np.flatnonzero(state.parked):
            active = ~state.parked
            distances = ((colors - state.centroids[number]) ** 2).sum(axis=1)
            _, others = nearest(colors, state.centroids[active])
            own = (distances < others) & (distances < self._reach**2)
            if own.mean() > _LEAST_SHARE:
                state.parked = state.parked.copy()
                state.parked[number] = False
                state.centroids = state.centroids.copy()
                state.centroids[number] = colors[own].mean(axis=0)
                state.usual_shares = state.usual_shares.copy()
                state.usual_shares[number] = own.mean()

    def _park_lost(
        self, labels: NDArray[np.uint8], fitted: NDArray[np.float32], state: _State
    ) -> bool:
        """Park the clusters whose colours have left; say whether there are any."""
        shares = np.bincount(labels, minlength=len(fitted)) / len(labels)
        strayed = ((fitted - state.centroids) ** 2).sum(axis=1) > self._reach**2
        sudden = (shares < _SUDDEN_LOSS * state.usual_shares) & strayed
        lost = ~state.parked & ((shares < _LEAST_SHARE) | sudden)
        if (lost | state.parked).all():
            lost[:] = False
        if lost.any():
            state.parked = state.parked | lost
        weight = np.where(state.parked, 0, _MEMORY)
        state.usual_shares = state.usual_shares + weight * (shares - state.usual_shares)
        return bool(lost.any())

    # --- the challenger --------------------------------------------------------------------------

    def _challenge(
        self,
        colors: NDArray[np.float32],
        state: _State,
        inertia: float,
        pinned: AbstractSet[int],
    ) -> _State | None:
        """Fit the frame anew if it is time to, and return what to go on with if that is better."""
        jumped = inertia > _JUMP * state.usual_inertia
        unfound = len(state.centroids) < self._settings.n_clusters
        if not (jumped or unfound or self._frames >= self._next_challenge) or inertia == 0:
            return None
        attempts = _URGENT_ATTEMPTS if jumped else _CHALLENGE_ATTEMPTS
        winner = self._challenge_now(colors, state, inertia, pinned, attempts)
        self._be_patient(_CHALLENGE_AFTER if winner or jumped else self._patience * 3 // 2)
        return winner

    def _be_patient(self, frames: int) -> None:
        """Wait that long for the next challenge."""
        self._patience = min(frames, _CHALLENGE_AT_LEAST_EVERY)
        self._next_challenge = self._frames + self._patience

    def _challenge_now(
        self,
        colors: NDArray[np.float32],
        state: _State,
        inertia: float,
        pinned: AbstractSet[int],
        attempts: int,
    ) -> _State | None:
        n_parked = int(state.parked.sum())
        n_free = self._settings.n_clusters - n_parked
        fresh = self._fit_challenger(colors, n_free, attempts)
        if len(fresh) < (~state.parked).sum():  # fewer distinct colours than clusters
            return None
        if inertia_of(colors, fresh) < (1 - _CLEARLY_BETTER) * inertia:
            active = ~state.parked
            order = match_centroids(state.centroids[active], fresh)
            centroids = np.concatenate([state.centroids, fresh[order][active.sum() :]])
            centroids[: len(state.centroids)][active] = fresh[order][: active.sum()]
            return self._settled(colors, centroids, parked=state.parked)
        if n_parked:
            return self._claim_parked(colors, state, inertia, pinned, attempts)
        return None

    def _claim_parked(
        self,
        colors: NDArray[np.float32],
        state: _State,
        inertia: float,
        pinned: AbstractSet[int],
        attempts: int,
    ) -> _State | None:
        """Give the numbers of parked clusters away, where that is worth a great deal."""
        absent = {int(number) for number in np.flatnonzero(state.parked) if number in pinned}
        n_free = self._settings.n_clusters - len(absent)
        fresh = self._fit_challenger(colors, n_free, attempts)
        if inertia_of(colors, fresh) > (1 - _WORTH_A_PARKED_NUMBER) * inertia:
            return None
        return self._renumbered(colors, state.centroids, fresh, absent)

    def _fit_challenger(
        self, colors: NDArray[np.float32], n_clusters: int, attempts: int
    ) -> NDArray[np.float32]:
        few = np.ascontiguousarray(colors[:: max(len(colors) // _CHALLENGE_PIXELS, 1)])
        centroids = self._fit_cold(few, n_clusters, attempts)
        labels, _ = nearest(colors, centroids)
        return polish(colors, labels, centroids, self._settings.epsilon)[0]

    # --- helpers ---------------------------------------------------------------------------------

    def _fit_cold(
        self, colors: NDArray[np.float32], n_clusters: int, attempts: int | None = None
    ) -> NDArray[np.float32]:
        seed = (self._settings.seed + self._fits) % 2**31
        self._fits += 1
        return cold_fit(colors, self._settings, seed, n_clusters, attempts)

    def _absent(
        self, known: NDArray[np.float32], fresh: NDArray[np.float32], pinned: AbstractSet[int]
    ) -> set[int]:
        """Pinned clusters whose colours are not among the fresh ones."""
        numbers = [number for number in pinned if number < len(known)]
        if not numbers:
            return set()
        _, distances = nearest(known[numbers], fresh)
        return {
            number
            for number, distance in zip(numbers, distances, strict=True)
            if distance > self._reach**2
        }

    def _renumbered(
        self,
        colors: NDArray[np.float32],
        known: NDArray[np.float32],
        fresh: NDArray[np.float32],
        absent: AbstractSet[int],
    ) -> _State:
        """Fresh centroids under the numbers of the known ones they resemble; absent ones parked."""
        kept = np.array([number not in absent for number in range(len(known))])
        centroids = known.copy()
        count = min(int(kept.sum()), len(fresh))
        if len(fresh) >= kept.sum():
            order = match_centroids(known[kept], fresh)
            centroids[kept] = fresh[order][:count]
            centroids = np.concatenate([centroids, fresh[order][count:]])
            parked = np.zeros(len(centroids), bool)
            parked[: len(known)] = ~kept
        else:  # fewer colours than numbers: who finds no partner is parked
            partners = np.flatnonzero(kept)[match_centroids(fresh, known[kept])[:count]]
            centroids[partners] = fresh
            parked = np.ones(len(centroids), bool)
            parked[partners] = False
        return self._settled(colors, centroids, parked=parked)

    def _settled(
        self,
        colors: NDArray[np.float32],
        centroids: NDArray[np.float32],
        parked: NDArray[np.bool_] | None = None,
    ) -> _State:
        """State after a cold fit."""
        parked = np.zeros(len(centroids), bool) if parked is None else parked
        parked = np.concatenate([parked, np.zeros(len(centroids) - len(parked), bool)])
        active = np.flatnonzero(~parked)
        labels, distances = nearest(colors, centroids[active])
        shares = np.bincount(active[labels], minlength=len(centroids)) / len(labels)
        return _State(centroids, parked, shares, float(distances.mean(dtype=np.float64)))

    def _track(self, colors: NDArray[np.float32], state: _State, event: Event) -> Track:
        labels, distances = state.nearest(colors)
        self._recent_labels = [labels, *self._recent_labels[:1]]
        missing = self._settings.n_clusters - len(state.centroids)
        centroids = np.concatenate(
            [state.centroids, state.centroids[-1:].repeat(missing, axis=0)]
        ).astype(np.float32)
        real = np.arange(len(centroids)) < len(state.centroids)
        return Track(
            centroids,
            real,
            real & ~np.concatenate([state.parked, np.zeros(missing, bool)]),
            event,
            float(distances.mean(dtype=np.float64)),
        )


def _inertia_of_partition(colors: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Mean squared distance of colours to the means of their clusters."""
    counts = np.maximum(np.bincount(labels), 1)
    means = np.stack([np.bincount(labels, colors[:, c]) / counts for c in range(3)], axis=1)
    errors = colors - means[labels]
    return float(np.einsum("ij,ij->", errors, errors) / len(colors))
