from __future__ import annotations

import numpy as np

from kseg_video.rendering.number_marks import number_marks


def test_a_number_is_written_in_the_middle_of_its_region() -> None:
    labels = np.zeros((90, 160), np.uint8)
    labels[20:60, 100:140] = 1
    by_number = {mark.number: mark for mark in number_marks(labels, 8, 20)}
    one = by_number[1]
    assert abs(one.x - 120) <= 1
    assert abs(one.y - 40) <= 1
    assert labels[by_number[0].y, by_number[0].x] == 0
    assert one.height == 20  # as large as may be


def test_large_regions_of_a_cluster_have_a_number_each_and_specks_none() -> None:
    labels = np.zeros((90, 160), np.uint8)
    labels[10:40, 10:40] = labels[50:80, 110:150] = 1
    labels[5:8, 80:83] = 1
    places = {(mark.x // 80, mark.y // 45) for mark in number_marks(labels, 8, 20) if mark.number}
    assert places == {(0, 0), (1, 1)}


def test_numbers_lie_in_the_picture_and_apart() -> None:
    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 32, (9, 16)), np.ones((20, 20))).astype(np.uint8)
    marks = number_marks(labels, 12, 30)
    assert len({mark.number for mark in marks}) > 20
    drawn = np.zeros(labels.shape, int)
    for mark in marks:
        half = mark.height // 2
        across = int(0.3 * mark.height * len(str(mark.number)))
        box = drawn[mark.y - half : mark.y + half, mark.x - across : mark.x + across]
        assert box.shape == (2 * half, 2 * across)
        box += 1
    assert drawn.max() == 1


def test_noise_keeps_no_number_away() -> None:
    rng = np.random.default_rng(1)
    labels = np.zeros((90, 160), np.uint8)
    labels[:, 80:] = 1
    labels[rng.random(labels.shape) < 0.1] = 2
    numbers = {mark.number: mark for mark in number_marks(labels, 8, 20)}
    assert numbers[0].height == numbers[1].height == 20
    assert 2 in numbers
