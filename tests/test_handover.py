"""Colours that fade from one fit to the next. Few pictures bring it about, so it is set off."""

from __future__ import annotations

import numpy as np
import pytest

from kseg_video import Segmenter, SegmenterSettings
from kseg_video.clusters import Clusters
from kseg_video.color import from_working
from kseg_video.handover import Handover
from tests.pictures import quadrants

FROM = 12.0  # levels of blue above its own, in which a cluster was shown


def picture(seed: int) -> np.ndarray:
    return quadrants(96, 128, noise=40, seed=seed)


@pytest.fixture
def fading() -> Segmenter:
    """A segmenter amid a hand-over of two frames."""
    segmenter = Segmenter(SegmenterSettings(n_clusters=4))
    segmenter.segment(picture(0))
    tracker = segmenter._tracker
    state = tracker._state
    assert state is not None
    colors = picture(0).reshape(-1, 3).astype(np.float32)
    shown = state.centroids.copy()
    shown[0, 0] += FROM
    tracker._handover = Handover("rgb", shown)
    tracker._handover.prepare(colors, state.nearest(colors)[0], state)
    tracker._handover.begin()
    return segmenter


def distance(segmenter: Segmenter, seed: int) -> float:
    """Levels between the colours that are shown and the centroids, at most."""
    segmentation = segmenter.segment(picture(seed))
    palette, space = segmentation.palette, segmenter.settings.color_space
    centroids = from_working(palette.centroids, space).astype(float)
    return float(np.abs(palette.colors - centroids).max())


def test_colours_fade_from_what_was_shown_to_the_centroids(fading: Segmenter) -> None:
    assert distance(fading, 1) == pytest.approx(FROM / 2, abs=1)
    assert distance(fading, 2) == 0


@pytest.mark.parametrize(
    "settings",
    [
        SegmenterSettings(n_clusters=4, color_space="lab"),
        SegmenterSettings(n_clusters=3),
        SegmenterSettings(n_clusters=5),
    ],
)
def test_other_settings_end_it(fading: Segmenter, settings: SegmenterSettings) -> None:
    fading.retune(settings)
    assert distance(fading, 1) == 0
    assert distance(fading, 2) == 0


def grays(*levels: float) -> np.ndarray:
    return np.array(levels, np.float32)[:, np.newaxis].repeat(3, axis=1)


@pytest.mark.parametrize(("before", "jumping"), [(140, 0.5), (180, 0.25)])
def test_pixels_that_change_anyway_do_not_count_as_jumping(before: float, jumping: float) -> None:
    """Two colours get a common one; one of them is a quarter of the picture and may be new."""
    shown = grays(0, 100, 140)
    was, now = (grays(0, 0, 100, level).repeat(100, axis=0) for level in (before, 140))
    handover = Handover("rgb")
    handover.shown(shown, was, np.zeros(len(was), np.uint8))
    labels = Clusters.settled(now, shown).nearest(now)[0]
    assert handover.prepare(now, labels, Clusters.settled(now, grays(0, 120))) == jumping
