"""Tracking of the palette: one fit per shot, which follows the shot's colours.

Each fit uses a memory of the shot's pixels and starts from the last centroids, so that the palette
changes little from frame to frame. Three events move it further:

*Light.* Where all colours change at once, the centroids and the remembered pixels change with them.

*New colours.* Colours that no cluster is near take over the cluster that is needed least; the
others stay. An earlier palette that fits again is reused.

*A cut.* The new shot is fitted cold, and its clusters take the numbers of those they resemble.

A cluster whose colour leaves the picture keeps some of its own pixels, which hold its centroid.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import bgr_of_hex, color_scale, from_working, to_working
from kseg_video.segmentation.cluster_matching import renumbered, renumbered_around
from kseg_video.segmentation.cluster_swap import swapped
from kseg_video.segmentation.cut_detector import CutDetector
from kseg_video.segmentation.illumination import Illumination, is_sudden_change
from kseg_video.segmentation.kmeans import dark_to_light, means_of
from kseg_video.segmentation.nearest_centroid import LastNearest, inertia_of
from kseg_video.segmentation.palette_history import PaletteHistory
from kseg_video.segmentation.shot_fit import ShotFit

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.core.frame import PaletteEvent
    from kseg_video.core.settings import SegmenterSettings

# Share of inertia a swap must save at stability 0, and what 1 adds. More keeps the palette stiller.
_SWAP_WORTH, _SWAP_WORTH_OF_STABILITY = 0.05, 0.4
_SWAP_SECONDS = 0.5  # between searches for a swap
_NTH_REMEMBERED = 3  # every 3rd remembered pixel is enough to measure the loss of a swap
_JUMP = 1.15  # rise of the inertia over its usual value that starts a search at once
_USUAL_MEMORY = 0.1  # weight of the newest frame in the usual inertia, a running mean
_REACH = 24.0  # distance in colour levels beyond which a colour is new to a cluster
_BETTER_IN_OTHER_LIGHT = 1.4  # factor by which a change of light has to lower the inertia


@dataclass(frozen=True, slots=True, eq=False)
class FramePalette:
    """The palette at one frame.

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
    event: PaletteEvent
    inertia: float


class PaletteTracker:
    """Follows the clusters of a video from frame to frame.

    Parameters
    ----------
    settings : SegmenterSettings
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._settings = settings
        self._n_clusters = settings.cluster_count
        self._cuts = CutDetector()
        self._centroids: NDArray[np.float32] = np.zeros((0, 3), np.float32)
        self._history = PaletteHistory()
        self._nearest = LastNearest()
        self._cold_fits, self._wants_new_fit = 0, False
        self.frozen = settings.holds_palette
        self._begin_memory()

    def _begin_memory(self) -> None:
        """Reset everything that is measured in the working space."""
        self._scale = color_scale(self._settings.color_space)
        self._fit = ShotFit(self._settings)
        self._memory = self._fit.memory
        self._illumination = Illumination(self._settings.color_space)
        self._history.forget()
        self._forget_shot()

    def _forget_shot(self) -> None:
        self._fit.forget_clusters()
        self._labels: NDArray[np.uint8] = np.zeros(0, np.uint8)  # of the frame before, by position
        self._usual_inertia = 0.0
        self._swap_time = -np.inf

    def add_look_ahead(self, time: float, bgr: NDArray[np.float32], *, begins_shot: bool) -> None:
        """Add a sample of an upcoming frame.

        Parameters
        ----------
        time : float
            Time of the frame in seconds, on the clock of `update`.
        bgr : ndarray of float32, shape (N, 3)
            Colours of the sample, 0 to 255.
        begins_shot : bool
            Whether a cut lies between this frame and the one before.
        """
        colors = to_working(bgr, self._settings.color_space)
        self._memory.add_look_ahead(time, colors, begins_shot=begins_shot)

    def update(
        self,
        colors: NDArray[np.float32],
        bgr: NDArray[np.float32],
        time: float,
        pinned: AbstractSet[int] = frozenset(),
    ) -> FramePalette:
        """Update the palette for the next frame.

        Parameters
        ----------
        colors : ndarray of float32, shape (N, 3)
            A sample of the frame's colours in the working space, from the same positions each time.
        bgr : ndarray of float32, shape (N, 3)
            The same sample in BGR levels.
        time : float
            Time of the frame in seconds; it increases with each frame.
        pinned : set of int
            Clusters whose numbers may never pass to another colour, such as those switched off.
        """
        is_cut = self._cuts.is_cut(bgr)
        event: PaletteEvent = "warm"
        by_position: NDArray[np.uint8] | None = None
        if len(self._centroids) and self.frozen:
            event = "cut" if is_cut else "warm"
        elif not len(self._centroids):
            event = "cold"
            self._memory.remember(time, colors)
            self._illumination.watch(colors)
            self._centroids = self._first_centroids(colors)
        elif is_cut or self._wants_new_fit:
            event = "cut" if is_cut else "reseed"
            if is_cut:
                self._memory.forget(time)
                self._illumination.watch(colors)
            self._memory.remember(time, colors)
            self._begin_shot(colors, pinned)
        else:
            event, by_position = self._continue(colors, time, pinned)
        self._wants_new_fit = False
        labels, distances = self._nearest(colors, self._centroids)
        self._labels = labels if by_position is None else by_position
        inertia = float(distances.mean(dtype=np.float64))
        if event != "warm" or by_position is not None:
            self._usual_inertia = inertia
        self._usual_inertia += _USUAL_MEMORY * (inertia - self._usual_inertia)
        return self._frame_palette(event, inertia)

    def retune(self, settings: SegmenterSettings) -> None:
        """Continue with other settings; clusters keep their numbers.

        If there are fewer clusters, the last ones are dropped; if there are more, the next frame
        adds them. In another working space the centroids keep their colours.
        """
        self._n_clusters = settings.cluster_count
        before, self._settings = self._settings, settings
        self._centroids = self._centroids[: self._n_clusters]
        if before.color_space != settings.color_space:
            bgr = from_working(self._centroids, before.color_space).astype(np.float32)
            self._centroids = to_working(bgr, settings.color_space)
        if before.color_space != settings.color_space or before.stability != settings.stability:
            self._begin_memory()
        self._history.forget()
        self._forget_shot()

    def fit_anew(self) -> None:
        """Fit the next frame cold; clusters keep the numbers of the colours they resemble."""
        self._wants_new_fit = True

    def _first_centroids(self, colors: NDArray[np.float32]) -> NDArray[np.float32]:
        if self._settings.palette:
            return to_working(bgr_of_hex(self._settings.palette), self._settings.color_space)
        return self._cold_fit(colors)

    def _begin_shot(self, colors: NDArray[np.float32], pinned: AbstractSet[int]) -> None:
        """Fit cold, and give the clusters the numbers of earlier ones that they resemble."""
        before = self._centroids
        self._history.remember(before)
        fresh = self._cold_fit(colors)
        known = self._history.best_match(colors, fresh)
        held = [number for number in pinned if number < min(len(known), len(before))]
        known[held] = before[held]
        reach, fit = _REACH * self._scale, partial(self._cold_fit, colors)
        self._centroids = renumbered_around(known, fresh, held, reach, self._n_clusters, fit)
        self._forget_shot()

    def _cold_fit(
        self, colors: NDArray[np.float32], n_clusters: int | None = None
    ) -> NDArray[np.float32]:
        """Fit cold; centroids are ordered from dark to light."""
        seed = (self._settings.seed + self._cold_fits) % 2**31
        wanted, is_first = n_clusters or self._n_clusters, not self._cold_fits
        self._cold_fits += 1
        found = self._fit.begin(colors, wanted, seed, is_first=is_first)
        return dark_to_light(found, self._settings.color_space)

    def _continue(
        self, colors: NDArray[np.float32], time: float, pinned: AbstractSet[int]
    ) -> tuple[PaletteEvent, NDArray[np.uint8] | None]:
        """Update within a shot; return the event, and labels by position after a sudden light."""
        labels, distances = self._nearest(colors, self._centroids)
        inertia = float(distances.mean(dtype=np.float64))
        has_jumped = inertia > _JUMP * self._usual_inertia
        self._follow_slow_light(colors, labels, inertia)
        if has_jumped and len(self._labels) == len(colors):
            by_position = self._labels
            if is_sudden_change(colors, inertia, labels, by_position):
                self._follow_sudden_light(colors, time)
                return "warm", by_position
        is_new = self._memory.remember(time, colors)
        before = self._centroids
        if len(before) < self._n_clusters and inertia:
            fresh = self._cold_fit(np.concatenate([self._memory.colors, colors]))
            self._centroids = renumbered(before, fresh)
        elif has_jumped or time >= self._swap_time + _SWAP_SECONDS:
            self._swap_time = time
            self._serve_what_is_new(colors, inertia, pinned, has_jumped=has_jumped)
            # Giving the palette up could pass a pinned number to a similar colour.
            self._centroids = self._fit.mend(self._centroids, colors, time, may_give_up=not pinned)
        event: PaletteEvent = "warm" if self._centroids is before else "reseed"
        if event == "reseed" or (is_new and self._fit.is_due(time)):
            self._centroids = self._fit.step(self._centroids, time, pinned)
        return event, None

    def _follow_slow_light(
        self, colors: NDArray[np.float32], labels: NDArray[np.uint8], inertia: float
    ) -> None:
        change = self._illumination.change(colors)
        if change is None:
            return
        changed = change.moved(self._centroids, colors, labels)
        if inertia > _BETTER_IN_OTHER_LIGHT * inertia_of(colors, changed):
            self._centroids = changed
            self._fit.repaint(change)
            self._illumination.watch(colors)

    def _follow_sudden_light(self, colors: NDArray[np.float32], time: float) -> None:
        """Move each centroid to the mean colour that its positions have now."""
        self._history.remember(self._centroids)
        self._centroids = means_of(colors, self._labels, self._centroids)
        self._fit.forget_clusters()
        self._memory.forget(time)
        self._memory.remember(time, colors)
        self._illumination.watch(colors)

    def _serve_what_is_new(
        self,
        colors: NDArray[np.float32],
        inertia: float,
        pinned: AbstractSet[int],
        *,
        has_jumped: bool,
    ) -> None:
        """Reuse an earlier palette that fits better, or swap clusters to the new colours."""
        stability = self._settings.stability
        worth = _SWAP_WORTH + _SWAP_WORTH_OF_STABILITY * stability
        held = [number for number in pinned if number < len(self._centroids)]
        if has_jumped:
            most = (1 - worth) * inertia
            again = self._history.fitting_again(colors, self._centroids, held, most)
            if again is not None:
                self._centroids = again
                self._fit.forget_clusters()
                return
        remembered, reach = self._memory.colors[::_NTH_REMEMBERED], _REACH * self._scale
        for _ in range(len(self._centroids)):
            found = swapped(colors, remembered, self._centroids, held, reach=reach, worth=worth)
            if found is None:
                return
            self._history.remember(self._centroids)
            self._fit.forget_clusters(np.flatnonzero((found != self._centroids).any(axis=1)))
            self._centroids = found

    def _frame_palette(self, event: PaletteEvent, inertia: float) -> FramePalette:
        numbers = np.arange(self._n_clusters)
        found = len(self._centroids)
        centroids = self._centroids[np.minimum(numbers, found - 1)]
        return FramePalette(centroids, numbers < found, event, inertia)
