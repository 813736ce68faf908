"""The palette through time: one fit for a shot, which follows what the shot shows.

Every fit is made to a memory of the shot's pixels, from the labels of the last centroids on, so that
it changes little from frame to frame. Three things may move it otherwise.

*Light.* Where all pixels change at once, clusters are found again by place: they keep their numbers
and get the colours that their pixels have now.

*Something new.* A colour that no cluster is near takes the number of the cluster that is needed
least: a swap, as in local search for k-means [1]_. The others stay.

*A cut.* A new shot is fitted from nothing, its clusters numbered after those they resemble.

A cluster whose colour leaves the picture keeps some of its own pixels, and with them its place.

References
----------
.. [1] T. Kanungo et al., "A local search approximation algorithm for k-means clustering",
   Computational Geometry 28 (2004).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.color import bgr_of_hex, color_scale, from_working, to_working
from kseg_video.mapping import inertia_of, nearest
from kseg_video.segmentation.cluster_matching import common_members, match_centroids, match_members
from kseg_video.segmentation.cut_detector import CutDetector
from kseg_video.segmentation.illumination import Illumination, is_sudden_change, means_of
from kseg_video.segmentation.kmeans import cold_fit, dark_to_light, refine
from kseg_video.segmentation.pixel_memory import PixelMemory

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.frame import Event
    from kseg_video.segmentation.pixel_memory import Foreseen
    from kseg_video.settings import SegmenterSettings

# At full stability: what is remembered, and how much inertia may rise before a centroid moves.
import os
_BEHIND_SECONDS = float(os.environ.get("BEH","20"))
import os
_TOLERANCE = float(os.environ.get("TOL","0.001"))
_FASTEST = 12.0  # colour levels a second that a centroid moves at full stability... see below
_REACH = 24.0  # colour levels within which a colour is a cluster's own
_LIGHT = 1.15  # inertia over that of the clusters by place, from which on it is the light
_ROUNDING = 0.25  # mean squared error of three 8-bit channels
_SWAP = 0.25  # part of the inertia that a swap has to save
_SWAP_EVERY = 0.5  # seconds between looks for one
_JUMP = 1.15  # of inertia over what it was, at which one is looked for at once
_KEPT_PIXELS = 50  # that a cluster keeps of its own
_KEPT_PALETTES = 8
_SAME_SHOT = 1.3  # inertia of an old palette over that of a fresh fit
_CANDIDATES = 4


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """Centroids of one frame.

    Parameters
    ----------
    centroids : ndarray of float32, shape (K, 3)
        Row i is cluster i; rows that are not real repeat the last real one.
    real : ndarray of bool, shape (K,)
        Whether the cluster has been found.
    event : {"cold", "warm", "cut", "reseed"}
        How the centroids were found.
    inertia : float
        Mean squared distance of the sample to its nearest centroids.
    """

    centroids: NDArray[np.float32]
    real: NDArray[np.bool_]
    event: Event
    inertia: float


class PaletteTracker:
    """Follows the clusters of a video from frame to frame.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._adopt(settings)
        self._cuts = CutDetector()
        self._memory = PixelMemory(_BEHIND_SECONDS * settings.stability)
        self._centroids: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._own: dict[int, NDArray[np.float32]] = {}
        self._palettes: list[NDArray[np.float32]] = []
        self._labels: NDArray[np.uint8] = np.zeros(0, np.uint8)
        self._wants_new_fit = False
        self._fits = 0
        self._usual = np.inf
        self._light = Illumination(settings.color_space)
        self.log = []
        self._looked = self._moved_at = -np.inf
        self.frozen = settings.holds_palette
        import os
        self.P = {k: float(v) for k, v in (x.split("=") for x in os.environ.get("KP", "").split())}

    def _adopt(self, settings: SegmenterSettings) -> None:
        self._settings = settings
        self._scale = color_scale(settings.color_space)
        self._tolerance = _TOLERANCE * settings.stability

    def foresee(self, frames: list[Foreseen]) -> None:
        space = self._settings.color_space
        self._memory.foresee([each._replace(bgr=to_working(each.bgr, space)) for each in frames])

    def update(
        self,
        colors: NDArray[np.float32],
        bgr: NDArray[np.float32],
        time: float,
        pinned: AbstractSet[int] = frozenset(),
    ) -> Track:
        """Centroids for the next frame.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame's colours in the working space, from the same places each time.
        bgr : ndarray of float32, shape (N, 3)
            The same as BGR levels.
        time : float
            Seconds.
        pinned : set of int
            Clusters whose numbers may never pass to another colour.
        """
        is_cut = self._cuts.is_cut(bgr)
        event: Event = "warm"
        if len(self._centroids) and self.frozen:
            event = "cut" if is_cut else "warm"
        elif not len(self._centroids):
            event = "cold"
            self._memory.remember(time, colors)
            self._begin(colors)
        elif is_cut or self._wants_new_fit:
            event = "cut" if is_cut else "reseed"
            if is_cut:
                self._memory.forget(time)
            self._memory.remember(time, colors)
            self._begin_shot(pinned)
        else:
            event = self._continue(colors, time, pinned)
        self._wants_new_fit = False
        labels, distances = nearest(colors, self._centroids)
        if event != "warm" or self._labels_by_place is None:
            self._labels = labels
        else:
            self._labels = self._labels_by_place
        inertia = float(distances.mean(dtype=np.float64))
        return self._track(event, inertia)

    _labels_by_place: NDArray[np.uint8] | None = None

    def fit_anew(self) -> None:
        """Have the next frame fitted from nothing; numbers follow the colours."""
        self._wants_new_fit = True

    # --- shots -------------------------------------------------------------------------------

    def _begin(self, colors: NDArray[np.float32]) -> None:
        space = self._settings.color_space
        if self._settings.palette:
            self._centroids = to_working(bgr_of_hex(self._settings.palette), space)
        else:
            remembered = self._memory.colors
            fitted = self._cold(colors if len(remembered) <= len(colors) else remembered)
            self._centroids = dark_to_light(fitted, space)
        self._own = {}

    def _cold(self, colors: NDArray[np.float32], n_clusters: int | None = None):
        seed = (self._settings.seed + self._fits) % 2**31
        self._fits += 1
        count = self._settings.n_clusters if n_clusters is None else n_clusters
        return cold_fit(colors, self._settings, seed, count, min(self._settings.attempts, int(os.environ.get('ATT','3'))))

    def _begin_shot(self, pinned: AbstractSet[int]) -> None:
        colors = self._memory.colors
        before = self._centroids
        self._palettes = [*self._palettes, before][-_KEPT_PALETTES:]
        n_clusters = self._settings.n_clusters
        fresh = self._cold(colors)
        known = min(self._palettes, key=lambda palette: inertia_of(colors, palette)).copy()
        if inertia_of(colors, known) > _SAME_SHOT * inertia_of(colors, fresh):
            known = before.copy()
        held = [number for number in pinned if number < min(len(known), len(before))]
        known[held] = before[held]
        absent: set[int] = set()
        while True:
            found = _renumbered(known, fresh, absent)
            ways = np.linalg.norm(found[: len(known)] - known, axis=1)
            strayed = {n for n in held if n not in absent and ways[n] > _REACH * self._scale}
            if not strayed or len(absent | strayed) >= n_clusters:
                break
            absent |= strayed
            fresh = self._cold(colors, n_clusters - len(absent))
        self._centroids = found
        self._own = {n: before[n : n + 1] for n in absent}
        self._absent = absent
        self._usual = np.inf

    # --- within a shot -----------------------------------------------------------------------

    def _continue(self, colors, time, pinned) -> Event:
        P = self.P
        labels, distances = nearest(colors, self._centroids)
        present = float(distances.mean(dtype=np.float64))
        self._labels_by_place = None
        if self._follow_light(colors, labels, present, time):
            return "warm"
        came = self._memory.remember(time, colors)
        event: Event = "warm"
        missing = len(self._centroids) < self._settings.n_clusters
        if missing and present > 0:
            self._grow(colors)
            event = "reseed"
        elif present > P.get("jump", _JUMP) * self._usual or time - self._looked >= _SWAP_EVERY:
            self._looked = time
            if self._swap(colors, pinned):
                event = "reseed"
        if came or event != "warm":
            self._fit(time, pinned)
        self._usual = present if self._usual == np.inf else self._usual + 0.1 * (present - self._usual)
        return event

    def _grow(self, colors) -> None:
        fresh = self._cold(colors)
        if len(fresh) > len(self._centroids):
            self._centroids = _renumbered(self._centroids, fresh, set())

    def _follow_light(self, colors, labels, present, time) -> bool:
        """Whether a sudden change of light has been followed."""
        change = self._light.slow_change(colors)
        if change is not None and present > 1.3 * inertia_of(colors, change.applied_to(self._centroids)):
            self._memory.repaint(change)
            self._centroids = change.applied_to(self._centroids)
            self._light.forget()
            self._own = {n: change.applied_to(own) for n, own in self._own.items()}
            self.log.append((time, "light"))
        if len(self._labels) != len(colors) or not is_sudden_change(colors, labels, self._labels):
            return False
        self._centroids = means_of(colors, self._labels, self._centroids)
        self._own = {}
        self._memory.forget(time)
        self._memory.remember(time, colors)
        self._labels_by_place = self._labels
        self._usual = np.inf
        self._light.forget()
        self.log.append((time, "sudden"))
        return True

    def _swap(self, colors, pinned) -> bool:
        """Give the number of the cluster that is needed least to what no cluster is near."""
        swapped = False
        rng = np.random.default_rng(self._fits)
        for _ in range(3):
            ways = _squared(colors, self._centroids)
            labels = ways.argmin(axis=1)
            least = ways.min(axis=1)
            total = float(least.mean())
            far = np.flatnonzero(least > (_REACH * self._scale) ** 2)
            if len(far) < 0.002 * len(colors) or total == 0:
                break
            ways[np.arange(len(labels)), labels] = np.inf
            second = ways.min(axis=1)
            loss = np.bincount(labels, second - least, len(self._centroids)) / len(colors)
            remembered = self._memory.colors
            ways_m = _squared(remembered, self._centroids)
            labels_m = ways_m.argmin(axis=1); least_m = ways_m.min(axis=1)
            ways_m[np.arange(len(labels_m)), labels_m] = np.inf
            loss_m = np.bincount(labels_m, ways_m.min(axis=1) - least_m, len(self._centroids)) / len(remembered)
            loss = np.maximum(loss, loss_m)
            loss[[n for n in pinned if n < len(loss)]] = np.inf
            weakest = int(loss.argmin())
            best, saved = None, 0.0
            weights = least[far] / least[far].sum()
            for seed in rng.choice(far, _CANDIDATES, p=weights):
                nearer = ((colors - colors[seed]) ** 2).sum(axis=1) < least
                centre = colors[nearer].mean(axis=0)
                gain = float(np.maximum(least - ((colors - centre) ** 2).sum(axis=1), 0).mean())
                if gain > saved:
                    best, saved = centre, gain
            if best is None or saved - loss[weakest] < self.P.get("swap", _SWAP) * total:
                break
            self._centroids = self._centroids.copy()
            self._centroids[weakest] = best
            self._own.pop(weakest, None)
            swapped = True
        return swapped

    def _fit(self, time, pinned) -> None:
        """Move centroids to where they fit what is remembered."""
        colors = self._memory.colors
        count = len(self._centroids)
        labels, distances = nearest(colors, self._centroids)
        counts = np.bincount(labels, minlength=count)
        present = float(distances.mean(dtype=np.float64))
        for number in range(count):
            if counts[number] >= _KEPT_PIXELS:
                own = np.flatnonzero(labels == number)
                self._own[number] = colors[own[:: len(own) // _KEPT_PIXELS][:_KEPT_PIXELS]]
        few = [n for n in range(count) if counts[n] < _KEPT_PIXELS and n in self._own]
        if few:
            colors = np.concatenate([colors, *(self._own[n] for n in few)])
            labels = np.concatenate([labels, *(np.full(len(self._own[n]), n, np.uint8) for n in few)])
        held = [n for n in pinned if n < count]
        if held:
            free = ~np.isin(labels, held)
            colors, labels = colors[free], labels[free]
        if not len(colors):
            return
        fitted = refine(colors, labels, self._centroids, self._settings.epsilon)
        if held:
            fitted[held] = self._centroids[held]
        way = fitted - self._centroids
        lengths = np.linalg.norm(way, axis=1)
        parts = counts / max(counts.sum(), 1) * lengths**2
        inertia = inertia_of(colors, fitted) if not held else max(present - parts.sum(), 0)
        excess, allowed = parts.sum(), self._tolerance * inertia
        if excess > allowed:
            order = np.argsort(-parts)
            remaining = 1 - np.cumsum(parts[order]) / max(parts.sum(), 1e-9)
            movers = order[: np.count_nonzero(remaining * excess > allowed) + 1]
            fastest = self.P.get("fast", 10) * self._scale
            if fastest < 1e8:
                dt = max(min(time - self._moved_at, 0.2), 0.01)
                self._moved_at = time
                step = np.minimum(1, fastest * dt / np.maximum(lengths[movers], 1e-9))
                way[movers] *= step[:, np.newaxis].astype(np.float32)
            self._centroids = self._centroids.copy()
            self._centroids[movers] += way[movers]

    def retune(self, settings: SegmenterSettings) -> None:
        before, count = self._settings, settings.n_clusters
        self._adopt(settings)
        self._centroids = self._centroids[:count]
        if before.color_space != settings.color_space and len(self._centroids):
            bgr = from_working(self._centroids, before.color_space).astype(np.float32)
            self._centroids = to_working(bgr, settings.color_space)
            self._memory = PixelMemory(_BEHIND_SECONDS * settings.stability)
            self._palettes = []
        self._own = {}
        self._labels = np.zeros(0, np.uint8)
        self._usual = np.inf

    def _track(self, event: Event, inertia: float) -> Track:
        count = self._settings.n_clusters
        found = len(self._centroids)
        rows = np.minimum(np.arange(count), found - 1)
        return Track(self._centroids[rows], np.arange(count) < found, event, inertia)


def _squared(colors, centroids):
    out = np.empty((len(colors), len(centroids)), np.float32)
    for n, c in enumerate(centroids):
        d = colors - c
        out[:, n] = np.einsum("ij,ij->i", d, d)
    return out


def _renumbered(known, fresh, absent):
    """Fresh centroids under the numbers of the known ones that they resemble."""
    kept = np.array([n not in absent for n in range(len(known))])
    centroids = known.copy()
    if len(fresh) >= kept.sum():
        order = match_centroids(known[kept], fresh)
        count = int(kept.sum())
        centroids[kept] = fresh[order][:count]
        return np.concatenate([centroids, fresh[order][count:]])
    partners = np.flatnonzero(kept)[match_centroids(fresh, known[kept])[: len(fresh)]]
    centroids[partners] = fresh
    return centroids
