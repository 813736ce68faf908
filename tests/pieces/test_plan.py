"""Where pieces begin."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from kseg_video import DecoderSettings, EncoderSettings, RenderSettings, SegmenterSettings
from kseg_video.conversion.looked_frames import LookedFrame, LookedFrames
from kseg_video.core.media_info import VideoInfo
from kseg_video.pieces.plan import Piece, PieceSettings, planned
from kseg_video.segmentation.palette_tracker import FramePalette

RATE = 10
INFO = VideoInfo(64, 48, Fraction(RATE))


def settings(
    decoder: DecoderSettings | None = None, rendering: RenderSettings | None = None
) -> PieceSettings:
    return PieceSettings(
        source=Path("clip.mp4"),
        decoder=decoder or DecoderSettings(),
        info=INFO,
        first_time=0.0,
        segmenter=SegmenterSettings(n_clusters=2),
        rendering=rendering or RenderSettings(),
        painted=INFO,
        encoder=EncoderSettings(),
        behind=None,
        measures=False,
    )


def pieces(seconds: float, cuts: tuple[float, ...], wanted: PieceSettings) -> list[Piece]:
    """The pieces of a video with cuts at these seconds."""
    at = {round(cut * RATE) for cut in cuts}
    frames = [
        LookedFrame(
            FramePalette(
                np.full((2, 3), number, np.float32),
                np.ones(2, bool),
                "cut" if number in at else "warm",
                1.0,
            ),
            frozenset(),
            number,
        )
        for number in range(round(seconds * RATE))
    ]
    return list(planned(frames, wanted))


@pytest.mark.parametrize(
    ("seconds", "cuts", "starts"),
    [
        (19, (), [0]),
        (60, (), [0]),
        (150, (), [0, 60, 120]),
        (50, (5, 19, 25, 30), [0, 25]),
        (130, (5, 25, 100), [0, 25, 85]),
    ],
)
def test_at_cuts_where_there_are_any(
    seconds: float, cuts: tuple[float, ...], starts: list[int]
) -> None:
    found = pieces(seconds, cuts, settings())
    assert [piece.first / RATE for piece in found] == starts
    assert [piece.number for piece in found] == list(range(len(starts)))
    whole = LookedFrames.joined(piece.own for piece in found)
    assert whole.checksums.tolist() == list(range(round(seconds * RATE)))


def test_frames_before_a_piece_only_within_a_shot() -> None:
    first, at_cut, within = pieces(130, (25,), settings())
    assert (first.run_up, at_cut.run_up) == (0, 0)
    assert within.run_up > 0
    assert within.looked.checksums[0] == within.first - within.run_up


@pytest.mark.parametrize(
    "wanted",
    [settings(DecoderSettings(frame_rate=10)), settings(rendering=RenderSettings(paint="vivid"))],
)
def test_what_cannot_be_divided_is_one_piece(wanted: PieceSettings) -> None:
    assert len(pieces(200, (30, 90), wanted)) == 1
