"""The picture and the keys in a real (pseudo-)terminal."""

from __future__ import annotations

import base64
import io
import os
import pty
import re
import shlex
import time
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from rich.console import Console
from rich.text import Text

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.live.key_bindings import KEYS
from kseg_video.live.live_state import LiveState
from kseg_video.live.screen import HudContent
from kseg_video.screens.terminal import Terminal
from kseg_video.screens.terminal_colors import nearest_256
from kseg_video.screens.terminal_help import help_rows
from kseg_video.screens.terminal_pictures import NO_PICTURE, QUERY, half_blocks
from kseg_video.screens.terminal_screen import TerminalScreen
from tests.helpers.commands import COMMAND
from tests.helpers.live_doubles import Clock
from tests.helpers.media import make_flat_clip
from tests.helpers.terminals import Terminal as PseudoTerminal
from tests.helpers.terminals import shell_with_jobs
from tests.helpers.waiting import wait_until
from tests.helpers.windows import needs_screen

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = (0, 95, 135, 175, 215, 255)  # of each channel in the cube of 6x6x6 colours


def test_picture_and_keys(tmp_path: Path) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "0xc02020", "-c:v", "ffv1")
    with PseudoTerminal("live", clip, "--loop", "-k", "1") as terminal:
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
    with PseudoTerminal("live", clip, "--loop", "--preview", "none") as terminal:
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
    with PseudoTerminal("live", clip, "--loop", "--preview", "terminal") as terminal:
        terminal.read_until("live")
        terminal.process.send_signal(2)
        assert terminal.end() == 130


def test_what_a_key_changes_is_drawn_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setattr("kseg_video.screens.terminal.KEYBOARD", theirs)
    monkeypatch.setattr("kseg_video.screens.job_control.KEYBOARD", theirs)
    shown = io.StringIO()
    with Terminal(Console(file=shown, width=60, height=20), clock=Clock()) as terminal:
        screen = TerminalScreen(terminal)
        state, said = LiveState(SegmenterSettings(), RenderSettings()), ["live"]
        screen.note(lambda _console: [Text(said[0])])
        picture = np.zeros((48, 64, 3), np.uint8)
        screen.show(picture, state, HudContent)
        said[0] = "saved"
        screen.show(picture, state, HudContent)
        assert "saved" not in shown.getvalue(), "no more often than the eye needs it"
        os.write(ours, b"s")
        wait_until(lambda: [event.key for event in screen.events()] == ["s"])
        screen.show(picture, state, HudContent)
        assert "saved" in shown.getvalue()
    os.close(ours)
    os.close(theirs)


def test_alt_and_ctrl_with_a_key_are_not_that_key_and_arrows_seek(lake_clip: Path) -> None:
    with PseudoTerminal("live", lake_clip, "--loop", "--preview", "none") as terminal:
        terminal.read_until("█")
        terminal.type("\x1bq\x01\x1b[1;5C\x1bOP")  # Alt-q, Ctrl-A, Ctrl-right, F1
        terminal.type("v")
        terminal.read_until("view: masked")
        terminal.type("\x1b[C")
        terminal.read_until(r"0:0[5-8] of 0:08")
        terminal.type("\x1bOD")
        terminal.read_until(r"0:0[0-3] of 0:08")
        terminal.type("ы")
        terminal.read_until("ы does nothing; h: keys")
        terminal.type("\x1b")
        assert terminal.end() == 0


@pytest.mark.parametrize("preview", ["none", "terminal"])
def test_where_there_are_256_colors_the_nearest_are_shown(tmp_path: Path, preview: str) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "0xc02020", "-c:v", "ffv1")
    arguments = ("live", clip, "--loop", "-k", "1", "--preview", preview)
    with PseudoTerminal(*arguments, true_color=False) as terminal:
        terminal.read_until("\x1b\\[38;5;124m██" if preview == "none" else "38;5;124;48;5;124m▀")
        assert "38;2;" not in terminal.text
        terminal.type("q")
        assert terminal.end() == 0


def test_a_terminal_that_shows_pictures_gets_pixels(tmp_path: Path) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "0xc02020", "-c:v", "ffv1")
    arguments = ("live", clip, "--loop", "--preview", "terminal", "--view", "original")
    with PseudoTerminal(*arguments, size=(20, 60), cell=(8, 16)) as terminal:
        terminal.read_until(re.escape(QUERY))
        terminal.type("\x1b_Gi=1;OK\x1b\\")
        terminal.read_until("██")
        terminal.text = ""  # with the pictures before the first frame
        terminal.read_until(r"a=T,(.*m=1)?.*m=0;[^\x1b]*\x1b\\")
        keys, data = re.findall(r"\x1b_G(a=T.*?)m=[01];(.*?)\x1b\\", terminal.text)[0]
        settings = dict(pair.split("=") for pair in keys.strip(",").split(","))
        width, height = int(settings["s"]), int(settings["v"])
        pixels = np.frombuffer(zlib.decompress(base64.b64decode(data)), np.uint8)
        assert (width, height) == (64, 48), "enlarged by the terminal"
        assert np.abs(pixels.reshape(height, width, 3) - np.array((192, 32, 32))).max() <= 3
        across, down = int(settings["c"]) * 8, int(settings["r"]) * 16
        assert (across, down) == (360, 272)
        assert "▀" not in terminal.text
        terminal.type("h")
        terminal.read_until("next view")
        assert NO_PICTURE in terminal.text
        terminal.type("q")
        assert terminal.end() == 0


@needs_screen
def test_keys_work_in_the_terminal_while_a_window_is_open(screen: str, lake_clip: Path) -> None:
    with PseudoTerminal("live", lake_clip, "--loop", display=screen) as terminal:
        terminal.read_until("q: quit · h: help")
        terminal.type("v")
        terminal.read_until("view: masked")
        terminal.type("q")
        assert terminal.end() == 0


@pytest.mark.parametrize("seconds", [0.4, 0.7, 1.0, 1.3])
def test_ctrl_c_at_any_moment_restores_the_terminal(tmp_path: Path, seconds: float) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "red", "-c:v", "ffv1")
    with PseudoTerminal("live", clip, "--loop", "--preview", "terminal") as terminal:
        time.sleep(seconds)
        terminal.process.send_signal(2)
        assert terminal.end() == 130
        assert terminal.text.count("\x1b[?1049h") == terminal.text.count("\x1b[?1049l")


@pytest.mark.parametrize(("columns", "rows"), [(60, 17), (80, 20), (120, 40), (40, 12), (2, 1)])
def test_the_help_fills_its_cells(columns: int, rows: int) -> None:
    state = LiveState(SegmenterSettings(), RenderSettings())
    lines = "".join(segment.text for segment in help_rows(columns, rows, state)).split("\n")
    assert lines.pop() == ""
    assert [len(line) for line in lines] == [columns] * rows
    for binding in KEYS if columns >= 60 else ():
        assert any(f"{binding.key_names} " in line and binding.does in line for line in lines)


def test_every_color_gets_the_nearest_of_256() -> None:
    known = [(r, g, b) for r in LEVELS for g in LEVELS for b in LEVELS]
    known += [(gray, gray, gray) for gray in range(8, 248, 10)]
    steps = np.array([0, 1, 30, 77, 100, 128, 160, 200, 254, 255])
    colors = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    squares = np.square(colors[:, np.newaxis] - np.array(known)).sum(axis=-1)
    chosen = squares[np.arange(len(colors)), nearest_256(colors) - 16]
    assert (chosen == squares.min(axis=1)).all()


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
