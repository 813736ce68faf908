"""The measure of drift, which the benchmark of stability prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.drift import Drift
from tests.helpers.pictures import QUADRANTS, photo_like, quadrant_labels, quadrants

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.helpers.pictures import Picture

RATE = 10


def drift_of(frames: Iterable[tuple[Picture, Picture]]) -> Drift:
    drift = Drift(RATE)
    for source, output in frames:
        drift.add(source, output)
    return drift


def posterized(picture: Picture) -> Picture:
    return np.asarray(picture // 64 * 64 + 32, np.uint8)


def test_a_fade_is_seen() -> None:
    """Of a quarter of the picture, in steps that nobody sees from frame to frame."""
    source, labels = quadrants(80, 80), quadrant_labels(80, 80)
    frames = []
    for number in range(4 * RATE):
        colors = QUADRANTS.astype(int)
        colors[0] += min(max(number - 2 * RATE, 0), 8) * 5
        frames.append((source, colors.astype(np.uint8)[labels]))
    drift = drift_of(frames)
    assert len(drift.shares) == 3 * RATE
    assert drift.worst == pytest.approx(0.25, abs=0.01)
    assert drift.runs == 1
    assert drift.shares[:RATE] == [0.0] * RATE  # before it
    assert drift.shares[-1] == 0.0  # a second after it


def test_each_change_is_a_run() -> None:
    source, one = quadrants(80, 80), QUADRANTS[quadrant_labels(80, 80)]
    other = np.asarray(255 - one, np.uint8)
    drift = drift_of((source, [one, other][number // 25 % 2]) for number in range(75))
    assert drift.runs == 2
    assert drift.worst == 1.0
    assert drift.mean == pytest.approx(20 / 65)


def test_motion_is_no_change() -> None:
    picture = photo_like(1)
    frames = [np.roll(picture, 9 * number, axis=1) for number in range(3 * RATE)]
    assert drift_of((frame, posterized(frame)) for frame in frames).worst < 0.01


def test_a_cut_is_no_change() -> None:
    """Both shots have the same colours, but for the darkest ones, in different paint."""
    one, other = photo_like(1), photo_like(2, 60)
    frames = [(one, posterized(one))] * 25 + [(other, np.asarray(255 - other, np.uint8))] * 25
    drift = drift_of(frames)
    assert drift.worst == 0.0
    assert len(drift.shares) == 2 * (25 - RATE)


def test_what_is_new_was_not_painted_before() -> None:
    source = quadrants(80, 80)
    painted = posterized(source)
    newer, newer_painted = source.copy(), painted.copy()
    newer[:8], newer_painted[:8] = (0, 255, 255), (255, 0, 0)
    drift = drift_of([(source, painted)] * 15 + [(newer, newer_painted)] * 5)
    assert drift.shares == [0.0] * RATE
