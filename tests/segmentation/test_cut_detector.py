"""Scene cuts in real footage: all are found, and none where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kseg_video import Segmenter, TrimSettings, open_source

if TYPE_CHECKING:
    from pathlib import Path

FRAMES = 250
CUTS = {
    "bikes_cuts_640x272.mp4": [1.2, 3.0, 5.5, 7.5, 9.7],  # seconds, of the list beside the clips
    "carphone_head_qcif30.mp4": [],
    "person_walk_static_432p10.mp4": [],
    "rotated_270_720p30_audio.mp4": [],
}


@pytest.mark.thorough
@pytest.mark.parametrize("name", CUTS)
def test_cuts_of_real_clips(real_media: Path, name: str) -> None:
    segmenter = Segmenter()
    with open_source(real_media / name, TrimSettings(max_frames=FRAMES)) as source:
        cuts = [frame.time for frame in source if segmenter.segment(frame).event == "cut"]
    assert cuts == pytest.approx(CUTS[name], abs=0.06)


def test_two_scenes_of_one_place(lake_clip: Path) -> None:
    """Sky above and water below in both, in nearly the same colours."""
    segmenter = Segmenter()
    with open_source(lake_clip, TrimSettings(start=4.8, max_frames=10)) as source:
        cuts = [frame.time for frame in source if segmenter.segment(frame).event == "cut"]
    assert cuts == pytest.approx([5.0])
