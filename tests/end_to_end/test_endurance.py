"""Ten minutes of video; `python -m benchmarks.endurance` runs three hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.endurance import endure

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.thorough
def test_ten_minutes_of_video(tmp_path: Path) -> None:
    endurance = endure(tmp_path, 600)
    assert set(endurance.memory) == {"kseg-video", "decoder", "encoder"}
    for first, most in endurance.memory.values():
        assert most - first < 10
    assert abs(endurance.lag_after - endurance.lag_before) <= 0.02
