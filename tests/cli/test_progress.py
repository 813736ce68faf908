from __future__ import annotations

import io
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console

from kseg_video.cli import progress
from kseg_video.cli.progress import ProgressDisplay, palette_line, palette_table, with_swatches
from kseg_video.core.frame import Frame, Segmentation
from kseg_video.core.media_info import VideoInfo
from kseg_video.core.palette import Palette
from kseg_video.core.timing import StageTimer
from kseg_video.ffmpeg.cleanup import Leftovers
from tests.helpers.live_doubles import Clock

if TYPE_CHECKING:
    import pytest

PALETTE = Palette(
    centroids=np.zeros((3, 3), np.float32),
    colors=np.array([(0, 0, 0), (64, 32, 16), (64, 32, 16)], np.uint8),
    shares=np.array([0.25, 0.75, 0.0]),
    real=np.array([True, True, False]),
)


def terminal(width: int = 100) -> tuple[Console, io.StringIO]:
    shown = io.StringIO()
    return Console(file=shown, force_terminal=True, color_system="truecolor", width=width), shown


def text_of(renderable: object) -> str:
    shown = io.StringIO()
    Console(file=shown, width=100).print(renderable)
    return shown.getvalue()


def test_the_palette_shows_only_real_clusters_in_the_line() -> None:
    assert text_of(palette_line(PALETTE, terminal()[0])).split() == [
        "0",
        "#000000",
        "25%",
        "1",
        "#102040",
        "75%",
    ]


def test_the_palette_table_says_what_is_off_and_what_was_not_found() -> None:
    first, second, third = text_of(
        palette_table(PALETTE, frozenset({1}), terminal()[0])
    ).splitlines()
    assert first.split() == ["0", "#000000", "25.0%"]
    assert second.split() == ["1", "#102040", "75.0%", "off"]
    assert "not found" in third


def test_colors_in_a_note_have_swatches() -> None:
    console, shown = terminal()
    console.print(with_swatches("blue is clusters 0 (#102060), 3 (#aac8e6)", console))
    assert shown.getvalue() == (
        "blue is clusters 0 (\x1b[48;2;16;32;96m  \x1b[0m #102060), "
        "3 (\x1b[48;2;170;200;230m  \x1b[0m #aac8e6)\n"
    )


def test_it_draws_at_most_ten_times_a_second() -> None:
    console, shown = terminal()
    clock = Clock()
    frame = Frame(np.zeros((2, 2, 3), np.uint8))
    segmentation = Segmentation(
        np.zeros((2, 2), np.uint8), PALETTE.centroids, PALETTE.colors, PALETTE.real, 0.0, "warm"
    )
    with ProgressDisplay(console, clock) as progress:
        progress.on_start(
            Path("a.mp4"),
            Path("b.mp4"),
            VideoInfo(2, 2, Fraction(25), frame_count=50),
            StageTimer(),
            int,
        )
        drawings = []
        for _ in range(50):
            clock.now += 0.04
            before = shown.tell()
            progress.on_frame(frame, segmentation)
            drawings.append(shown.tell() > before)
    assert 15 <= sum(drawings) <= 20


def test_the_size_so_far_is_shown() -> None:
    console, shown = terminal()
    clock = Clock()
    segmentation = Segmentation(
        np.zeros((2, 2), np.uint8), PALETTE.centroids, PALETTE.colors, PALETTE.real, 0.0, "warm"
    )
    with ProgressDisplay(console, clock) as progress:
        info = VideoInfo(2, 2, Fraction(25), frame_count=50)
        progress.on_start(Path("a.mp4"), Path("b.mp4"), info, StageTimer(), lambda: 1_540_000)
        clock.now += 1
        progress.on_frame(Frame(np.zeros((2, 2, 3), np.uint8)), segmentation)
    assert "1.5 MB so far" in shown.getvalue()


def test_an_unknown_length_is_no_trouble() -> None:
    console, shown = terminal()
    with ProgressDisplay(console, Clock()) as progress:
        progress.on_start(
            Path("a.ts"), Path("b.mp4"), VideoInfo(2, 2, Fraction(25)), StageTimer(), int
        )
    assert "a.ts → b.mp4" in shown.getvalue()


def test_the_cursor_is_there_again_when_the_program_ends_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(progress, "leftovers", own := Leftovers())
    console = Console(file=io.StringIO(), force_terminal=True)
    with ProgressDisplay(console):
        assert "\x1b[?25h" not in console.file.getvalue()  # type: ignore[attr-defined]
        own.undo_all()
        assert "\x1b[?25h" in console.file.getvalue()  # type: ignore[attr-defined]
