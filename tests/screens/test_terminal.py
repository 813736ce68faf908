"""The terminal as a job shares it with its shell: stopped, in the background, resized."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

import pytest

from kseg_video.live.key_bindings import KEYS
from tests.helpers.commands import COMMAND
from tests.helpers.media import make_flat_clip
from tests.helpers.tmux import Tmux, needs_tmux
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_tmux

STOPPED = r"Stopped[^$]*\$$"  # with the shell's prompt
IN_BACKGROUND = r"^\[1\][^$]*\$$"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_flat_clip(tmp_path / "red.mkv", "0xc02020", "-c:v", "ffv1")


@pytest.mark.parametrize(("preview", "sign"), [("none", "q: quit"), ("terminal", "▀▀▀")])
def test_ctrl_z_gives_the_terminal_back_and_fg_takes_it_again(
    clip: Path, tmp_path: Path, preview: str, sign: str
) -> None:
    take = tmp_path / "take.mkv"
    with Tmux() as terminal:
        terminal.run("live", clip, "--loop", "--preview", preview, "--record", take)
        terminal.wait_for(sign)
        wait_until(take.exists)
        terminal.press("C-z")
        terminal.wait_for(STOPPED)
        assert terminal.is_restored
        assert sign not in "\n".join(terminal.lines)
        terminal.enter("stty -a | grep -o ' echo \\| icanon '")
        terminal.wait_for(r"icanon\n echo\n|echo\n icanon\n")
        terminal.enter("clear; bg")
        terminal.wait_for(IN_BACKGROUND)
        shown, size = terminal.lines, take.stat().st_size
        wait_until(lambda: take.stat().st_size > size)  # it is at work
        assert terminal.lines == shown
        assert terminal.is_restored
        terminal.enter("fg")
        terminal.wait_for(sign)
        assert not terminal.is_restored
        terminal.press("q")
        terminal.wait_for(r"red\.mkv: \d+ frames?,")
        assert terminal.is_restored


def test_a_job_that_begins_in_the_background_draws_once_it_is_in_the_foreground(
    clip: Path, tmp_path: Path
) -> None:
    take = tmp_path / "take.mkv"
    with Tmux() as terminal:
        command = shlex.join([*COMMAND, "live", str(clip), "--loop", "--record", str(take)])
        terminal.enter(f"clear; {command} --preview none &")
        wait_until(lambda: take.exists() and take.stat().st_size)
        assert terminal.is_restored
        assert [line for line in terminal.lines if line][1:] == ["$"], "only the job's number"
        terminal.enter("fg")
        terminal.wait_for("q: quit")
        terminal.press("h")
        terminal.wait_for("next view  segmented")
        terminal.press("q")
        terminal.wait_for(r"red\.mkv: \d+ frames?,")


def test_progress_is_drawn_only_in_the_foreground(lake_clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.gif"
    with Tmux() as terminal:
        terminal.run("convert", lake_clip, "-o", output)
        terminal.wait_for(r"\d+ fps .*\n.*ms a frame")
        terminal.press("C-z")
        terminal.wait_for(STOPPED)
        assert terminal.is_restored
        assert "ms a frame" not in "\n".join(terminal.lines)
        terminal.enter("clear; bg")
        terminal.wait_for(IN_BACKGROUND)
        shown = terminal.lines
        (partial,) = tmp_path.glob(".*")
        size = partial.stat().st_size
        wait_until(lambda: partial.stat().st_size > size)
        assert terminal.lines == shown
        terminal.enter("fg")
        terminal.wait_for("ms a frame")
        terminal.press("C-c")
        terminal.wait_for("stopped; no unfinished output")
        assert terminal.is_restored
        assert "ms a frame" not in "\n".join(terminal.lines)


def test_the_panel_is_clean_after_each_resize(lake_clip: Path) -> None:
    with Tmux(100, 30) as terminal:
        terminal.run("live", lake_clip, "--loop", "--preview", "none", "-k", "32")
        terminal.wait_for(" 31 ")
        for columns, rows in ((100, 30), (60, 20), (200, 50), (80, 24)):
            terminal.resize(columns, rows)
            text = terminal.wait_for(
                rf"(?m)^╭─{{1,{columns}}} kseg-video live ─+╮\n(│.{{{columns - 2}}}│\n)+╰"
            )
            lines = text.split("\n")
            bottom = next(row for row, line in enumerate(lines) if line.startswith("╰"))
            assert {len(line) for line in lines[: bottom + 1]} == {columns}
            assert not any(lines[bottom + 1 :]), "nothing is left of what was there"
            assert "…" not in text
            for number in range(32):
                assert re.search(rf"(██? {number} )|( {number} █)", text), number
            for name in ("source", "frames", "latency", "ms a frame", "view", "message"):
                assert name in text
        terminal.press("q")
        terminal.wait_for(r"lake\.mp4: \d+ frames?,")


@pytest.mark.parametrize("preview", ["none", "terminal"])
def test_the_help_is_whole_in_each_size(clip: Path, preview: str) -> None:
    with Tmux(60, 20) as terminal:
        terminal.run("live", clip, "--loop", "--preview", preview)
        terminal.wait_for("█|▀")
        terminal.press("h")
        # Between the titles there is more room in wider terminals.
        for columns, rows, gap in ((200, 50, "{46,}"), (80, 24, "{31,45}"), (60, 20, "{20,30}")):
            terminal.resize(columns, rows)
            text = terminal.wait_for(rf"(?s)View {gap}Clusters(?=.*new fit)(?=.*q Esc)(?=.*stop)")
            for binding in KEYS:
                assert re.search(
                    rf"{re.escape(binding.key_names)} +{re.escape(binding.does)}", text
                )
            for value in ("segmented", "black", "0.5", "rgb"):
                assert f"  {value}" in text
        terminal.press("h")
        terminal.wait_for("█|▀")
        terminal.press("q")
        terminal.wait_for(r"red\.mkv: \d+ frames?,")
