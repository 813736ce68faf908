"""The picture and the keys in a real (pseudo-)terminal."""

from __future__ import annotations

import io
import os
import re
import shlex
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.live.key_bindings import KEYS
from kseg_video.live.live_state import LiveState
from kseg_video.live.screen import HudContent
from kseg_video.screens.terminal_screen import TerminalScreen, half_blocks, help_rows
from tests.helpers.commands import COMMAND
from tests.helpers.live_doubles import Clock
from tests.helpers.media import make_flat_clip
from tests.helpers.terminals import Terminal, shell_with_jobs

if TYPE_CHECKING:
    from pathlib import Path


def test_picture_and_keys(tmp_path: Path) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "0xc02020", "-c:v", "ffv1")
    with Terminal("live", clip, "--loop", "-k", "1") as terminal:
        terminal.read_until(r"\x1b\[38;2;1[89]\d;[23]\d;[23]\d;48;2;1[89]\d;[23]\d;[23]\dm▀")
        terminal.read_until(r"live · [\d.]+ fps · latency \d+ ms · \d+ received")
        terminal.read_until("segmented · rgb · k 1")
        terminal.read_until("██.* 0 100%")
        terminal.type("f")
        terminal.read_until("only a window can fill the screen")
        terminal.type("0")
        terminal.read_until(r"\x1b\[38;2;4;4;4;48;2;4;4;4m▀")
        terminal.type(" ")
        terminal.read_until(r"paused · [\d.]+ fps")
        terminal.type("?")
        terminal.read_until("only the one pointed")
        terminal.type("\x1b[A\x1bOP?")
        terminal.read_until("▀")
        terminal.type("q")
        assert terminal.end() == 0
        assert "\x1b[?1049l" in terminal.text, "back from the other screen"
        assert "\x1b[?25h" in terminal.text, "with a cursor"
        assert re.search(r"red\.mkv: \d+ frames, [^\x1b]*\r\n$", terminal.text), "which stays"


def test_what_is_typed_does_not_tear_the_panel(tmp_path: Path) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "red", "-c:v", "ffv1")
    with Terminal("live", clip, "--loop", "--preview", "none") as terminal:
        terminal.read_until("kseg-video live")
        terminal.type("xyzzy")
        terminal.read_until("last event")
        assert "xyzzy" not in terminal.text
        terminal.process.send_signal(2)
        assert terminal.end() == 130


def test_in_the_background_the_terminal_is_left_alone(tmp_path: Path) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "red", "-c:v", "ffv1")
    job = f"{shlex.join(COMMAND)} live {clip} --preview none"
    with shell_with_jobs(f"{job} & wait $!") as (shell, _):
        assert shell.wait(20) == 0, "else it is stopped"


def test_ctrl_c_restores_the_terminal(tmp_path: Path) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "red", "-c:v", "ffv1")
    with Terminal("live", clip, "--loop", "--preview", "terminal") as terminal:
        terminal.read_until("live")
        terminal.process.send_signal(2)
        assert terminal.end() == 130


def test_what_a_key_changes_is_drawn_at_once() -> None:
    keyboard, theirs = os.pipe()
    shown = io.StringIO()
    with os.fdopen(theirs, "wb", buffering=0) as typing, os.fdopen(keyboard) as stdin:
        screen = TerminalScreen(Console(file=shown, width=60, height=20), Clock())
        state, said = LiveState(SegmenterSettings(), RenderSettings()), ["live"]
        screen.note(lambda: [Text(said[0])])
        picture = np.zeros((48, 64, 3), np.uint8)
        screen.show(picture, state, HudContent)
        said[0] = "saved"
        screen.show(picture, state, HudContent)
        assert "saved" not in shown.getvalue(), "no more often than the eye needs it"
        typing.write(b"s")
        screen._keyboard = stdin.fileno()
        assert [event.key for event in screen.events()] == ["s"]
        screen.show(picture, state, HudContent)
        assert "saved" in shown.getvalue()


@pytest.mark.parametrize("seconds", [0.4, 0.7, 1.0, 1.3])
def test_ctrl_c_at_any_moment_restores_the_terminal(tmp_path: Path, seconds: float) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "red", "-c:v", "ffv1")
    with Terminal("live", clip, "--loop", "--preview", "terminal") as terminal:
        time.sleep(seconds)
        terminal.process.send_signal(2)
        assert terminal.end() == 130
        assert terminal.text.count("\x1b[?1049h") == terminal.text.count("\x1b[?1049l")


@pytest.mark.parametrize(("columns", "rows"), [(60, 17), (80, 20), (120, 40)])
def test_the_help_shows_every_key(columns: int, rows: int) -> None:
    lines = "".join(segment.text for segment in help_rows(columns, rows)).split("\n")
    assert lines.pop() == ""
    assert [len(line) for line in lines] == [columns] * rows
    for binding in KEYS:
        assert any(f"{binding.key_names} " in line and binding.does in line for line in lines)


def test_columns_of_help_that_do_not_fit_stay_apart() -> None:
    lines = "".join(segment.text for segment in help_rows(50, 12)).splitlines()
    assert all(line[15] == " " and line[31] == " " for line in lines)
    assert lines[9].startswith("0-9   that clu…")


@pytest.mark.parametrize(("width", "height"), [(64, 48), (10, 300), (500, 5), (1, 1)])
def test_half_blocks_fill_the_cells(width: int, height: int) -> None:
    picture = np.full((height, width, 3), (10, 100, 200), np.uint8)
    rows = "".join(segment.text for segment in half_blocks(picture, 40, 12)).split("\n")
    assert rows.pop() == ""
    assert [len(row) for row in rows] == [40] * 12
    assert any("▀" in row for row in rows)


def test_half_blocks_hold_two_pixels() -> None:
    picture = np.zeros((2, 1, 3), np.uint8)
    picture[0] = (0, 0, 255)
    (cell,) = [segment for segment in half_blocks(picture, 1, 1) if segment.text == "▀"]
    assert cell.style is not None
    assert cell.style.color is not None
    assert cell.style.color.triplet is not None
    assert cell.style.color.triplet.red > 245
    assert cell.style.bgcolor is not None
    assert cell.style.bgcolor.triplet is not None
    assert cell.style.bgcolor.triplet.red < 10
