from __future__ import annotations

import numpy as np
import pytest

from kseg_video.segmentation.illumination import Illumination, is_sudden_change

RNG = np.random.default_rng(3)
SCENE = RNG.uniform(20, 220, (8000, 3)).astype(np.float32)


def noisy(colors: np.ndarray) -> np.ndarray:
    return (colors + RNG.normal(0, 3, colors.shape)).astype(np.float32)


def test_a_slow_change_adds_up_until_it_is_sure() -> None:
    light = Illumination("rgb")
    light.watch(noisy(SCENE))
    changes = [light.change(noisy(SCENE * gain)) for gain in np.linspace(1, 0.9, 21)]
    assert changes[0] is None
    assert changes[-1] is not None
    assert changes[-1].applied_to(SCENE) == pytest.approx(SCENE * 0.9, abs=1)


def test_noise_is_no_change_of_light() -> None:
    light = Illumination("rgb")
    light.watch(noisy(SCENE))
    assert not any(light.change(noisy(SCENE)) for _ in range(50))


def test_what_moves_through_the_picture_is_none_either() -> None:
    light, picture = Illumination("rgb"), SCENE.copy()
    light.watch(noisy(picture))
    for begin in range(0, 3000, 100):
        picture[begin : begin + 100] = 250
        assert light.change(noisy(picture)) is None


def test_a_camera_that_moves_tells_nothing() -> None:
    light = Illumination("rgb")
    light.watch(SCENE)
    assert not any(light.change(0.9 * np.roll(SCENE, 7 * n, axis=0)) for n in range(1, 20))


def test_clusters_at_their_places_in_other_colors() -> None:
    labels = np.arange(len(SCENE), dtype=np.uint8) % 4
    centroids = np.array([[30] * 3, [90] * 3, [150] * 3, [210] * 3], np.float32)
    off = noisy(centroids[labels] * 0.2)
    by_color = np.zeros(len(SCENE), np.uint8)  # all of it is nearest to the darkest
    assert is_sudden_change(off, 1e4, by_color, labels)
    assert is_sudden_change(off, 1e4, labels, labels)
    assert not is_sudden_change(noisy(centroids[labels]), 27, labels, labels)
