from __future__ import annotations

import numpy as np

from kseg_video.segmentation.illumination import LightChange
from kseg_video.segmentation.pixel_memory import PixelMemory


def gray(level: float, count: int = 100) -> np.ndarray:
    return np.full((count, 3), level, np.float32)


def levels(memory: PixelMemory) -> list[int]:
    return sorted(set(memory.colors[:, 0].astype(int).tolist()))


def remembering(seconds: int, behind: float = 10.0) -> PixelMemory:
    """Ten frames a second, each of the level that is its number."""
    memory = PixelMemory(behind)
    for number in range(10 * seconds):
        memory.remember(number / 10, gray(number))
    return memory


def test_frames_are_forgotten_in_time() -> None:
    assert levels(remembering(30)) == list(range(199, 300))


def test_without_a_memory_there_is_only_the_present() -> None:
    assert levels(remembering(3, behind=0)) == [29]


def test_each_frame_has_the_same_number_of_pixels() -> None:
    counts = np.unique(remembering(30).colors[:, 0], return_counts=True)[1]
    assert len(set(counts)) == 1


def test_frames_close_together_say_the_same() -> None:
    memory = PixelMemory(10)
    remembered = [memory.remember(number / 60, gray(number)) for number in range(60)]
    assert 9 <= sum(remembered) <= 10


def test_a_picture_that_stands_still_is_remembered_once() -> None:
    memory = PixelMemory(10)
    assert memory.remember(0, gray(7))
    assert not any(memory.remember(number, gray(7)) for number in range(1, 9))
    assert len(memory.colors) == 100


def test_any_part_of_a_frame_may_be_remembered() -> None:
    """Others of a frame that does not change, so that all together they show it."""
    memory, picture = PixelMemory(10), np.arange(10_000, dtype=np.float32)[:, np.newaxis]
    for number in range(100):
        picture[0] = number
        memory.remember(number / 10, picture.repeat(3, axis=1))
    seen = np.unique(memory.colors[:, 0])
    assert len(seen) > 8500
    assert abs(seen.mean() - 5000) < 100


def test_after_a_pause_something_is_left() -> None:
    memory = remembering(3)
    memory.remember(1000, gray(200))
    assert levels(memory) == [*range(20, 30), 200]


def test_half_may_be_forgotten_and_all_painted_otherwise() -> None:
    memory = remembering(1)
    memory.forget_half()
    memory.repaint(LightChange(np.full(3, 2, np.float32), np.full(3, 1, np.float32)))
    assert levels(memory) == [11, 13, 15, 17, 19]


class TestLookAhead:
    """Frames to come at 1, 2, ... 8 seconds, of which the one at 5 begins a shot."""

    @staticmethod
    def memory() -> PixelMemory:
        memory = PixelMemory(3)
        for number in range(1, 9):
            memory.add_look_ahead(number, gray(number), begins_shot=number == 5)
        return memory

    def test_those_of_the_shot_are_remembered_beside_those_gone_by(self) -> None:
        memory = self.memory()
        assert memory.remember(0.5, gray(100)) is False
        assert levels(memory) == [1, 2, 3, 4]
        assert memory.remember(3, gray(100)) is True
        assert levels(memory) == [1, 2, 3, 4]

    def test_at_the_cut_the_others_are(self) -> None:
        memory = self.memory()
        memory.remember(4.9, gray(100))
        memory.forget(4.95)
        memory.remember(4.95, gray(100))
        assert levels(memory) == [5, 6, 7, 8]

    def test_a_cut_that_is_foreseen_late_divides_the_shots(self) -> None:
        memory = self.memory()
        memory.remember(4.9, gray(100))
        memory.add_look_ahead(9, gray(9), begins_shot=True)
        memory.add_look_ahead(10, gray(10), begins_shot=False)
        memory.forget(8.8)
        memory.remember(8.8, gray(100))
        assert levels(memory) == [9, 10]

    def test_a_cut_that_does_not_come_was_none(self) -> None:
        memory = self.memory()
        memory.remember(5.1, gray(100))
        assert levels(memory) == [*range(1, 9)]

    def test_a_shot_of_which_none_is_foreseen_has_the_present(self) -> None:
        memory = PixelMemory(3)
        memory.add_look_ahead(2, gray(2), begins_shot=True)
        memory.forget(1)
        memory.add_look_ahead(2.5, gray(2), begins_shot=True)
        memory.forget(2.3)
        memory.add_look_ahead(2.6, gray(3), begins_shot=True)
        memory.remember(2.3, gray(100))
        assert len(memory.colors)

    def test_where_none_are_left_the_present_counts(self) -> None:
        memory = self.memory()
        memory.forget(20)
        memory.remember(20, gray(100))
        assert levels(memory) == [100]
