from __future__ import annotations

import numpy as np

from kseg_video.segmentation.cluster_swap import swapped


def grays(*levels: float) -> np.ndarray:
    return np.array(levels, np.float32)[:, np.newaxis].repeat(3, axis=1)


BEFORE = np.concatenate(
    [grays(0).repeat(500, 0), grays(60).repeat(300, 0), grays(70).repeat(200, 0)]
)
AFTER = np.concatenate([BEFORE, grays(250).repeat(100, 0)])


def swap(pinned: set[int], colors: np.ndarray = AFTER) -> list[float] | None:
    found = swapped(colors, BEFORE, grays(0, 60, 70), pinned, reach=24, worth=0.25)
    return None if found is None else found[:, 0].tolist()


def test_the_number_that_is_needed_least_goes_to_what_is_new() -> None:
    assert swap(set()) == [0, 60, 250]


def test_pinned_numbers_stay_and_take_no_others() -> None:
    """Without 60 or 70, its pixels would go to the pinned one; so black has to give way."""
    assert swap({2}) == [250, 60, 70]
    assert swap({0, 2}) is None


def test_nothing_new_changes_nothing() -> None:
    assert swap(set(), BEFORE) is None
    few = np.concatenate([BEFORE, grays(250)])
    assert swap(set(), few) is None
