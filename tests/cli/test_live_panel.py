from __future__ import annotations

import io
import re
import subprocess
import sys
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from rich.console import Console
from rich.text import Text

from kseg_video import RenderSettings, Segmenter, SegmenterSettings
from kseg_video.cli.live_panel import LiveLines, LivePanel, TerminalNote, live_panel
from kseg_video.core.timing import StageTimer
from kseg_video.live.live_state import LiveState
from kseg_video.live.metrics import LiveMetrics
from kseg_video.screens.terminal import Terminal
from tests.helpers.live_doubles import Clock
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


def figures(**changes: object) -> LiveMetrics:
    state = LiveState(
        SegmenterSettings(n_clusters=4), RenderSettings("masked", disabled=frozenset({2}))
    )
    usual = LiveMetrics(
        state=state,
        source="/dev/video0 1280x720 30 fps MJPG",
        condition="live",
        message="",
        capture_rate=29.9,
        shown_rate=29.8,
        latency_median=0.011,
        latency_95=0.014,
        received=300,
        dropped=7,
        stage_milliseconds={"fit": 1.5, "map": 2.5},
        palette=Segmenter(state.segmenter).segment(quadrants(40, 60)).palette,
        event="cut, 3 s ago",
        recording=None,
        recorded=0.0,
        unrecorded=0,
    )
    return replace(usual, **changes)  # type: ignore[arg-type]


def text_of(renderable: object) -> str:
    shown = io.StringIO()
    Console(file=shown, width=110, force_terminal=True, color_system="truecolor").print(renderable)
    return shown.getvalue()


def test_the_panel_tells_all(tmp_path: Path) -> None:
    take = tmp_path / "take.mp4"
    take.write_bytes(bytes(2_500_000))
    shown = text_of(
        live_panel(
            figures(recording=take, recorded=12.3, unrecorded=4, message="saved a.png"),
            ["a library's line"],
            "h: help",
            Console(width=110, height=40, force_terminal=True, color_system="truecolor"),
        )
    )
    for words in (
        "/dev/video0 1280x720 30 fps MJPG · live",
        "29.9 fps in · 29.8 fps shown · 300 received · 7 dropped",
        "11 ms median · 14 ms p95",
        "fit 1.5 · map 2.5",
        "masked · rgb · k 4 · stability 0.5 · background black",
        "take.mp4 · 12 s · 2.5 MB · encoder too slow for 4 frames",
        "cut, 3 s ago",
        "saved a.png",
        "a library's line",
        "h: help",
        "25.0%",
    ):
        assert words in Text.from_ansi(shown).plain
    struck = [line for line in shown.splitlines() if "\x1b[2;9m" in line]
    assert len(struck) == 1
    assert " 2 " in Text.from_ansi(struck[0]).plain


def test_the_panel_is_drawn_twice_a_second() -> None:
    clock, shown, worked_out = Clock(), io.StringIO(), []

    def told() -> LiveMetrics:
        worked_out.append(clock.now)
        return figures()

    console = Console(file=shown, force_terminal=True, width=100)
    with Terminal(console, clock=clock) as terminal:
        panel = LivePanel(terminal, deque(), has_window=True)
        drawn = 0
        for _ in range(100):
            clock.now += 0.02
            before = shown.tell()
            panel.update(told)
            drawn += shown.tell() > before
    assert drawn == 4
    assert len(worked_out) == drawn


@pytest.mark.parametrize(
    ("has_window", "hint"), [(True, "h in the window: help"), (False, "Ctrl-C: quit")]
)
def test_the_panel_names_keys_only_where_they_are_taken(has_window: bool, hint: str) -> None:
    shown = io.StringIO()
    console = Console(file=shown, force_terminal=True, width=100)
    with Terminal(console) as terminal:
        LivePanel(terminal, deque(), has_window=has_window).update(figures)
    assert f"─ {hint} ─" in Text.from_ansi(shown.getvalue()).plain


@pytest.mark.parametrize(("columns", "rows"), [(60, 20), (80, 24), (200, 50)])
@pytest.mark.parametrize("count", [1, 5, 12, 32])
def test_the_panel_fits_with_all_that_can_be_in_it(
    columns: int, rows: int, count: int, tmp_path: Path
) -> None:
    state = LiveState(SegmenterSettings(count), RenderSettings("side-by-side"), frozen=True)
    metrics = figures(
        state=state,
        source=f"/home/somebody/{'clips/' * 30}lake.mp4 1920x1080 59.94 fps",
        recording=tmp_path / "kseg-20260102-030405.mp4",
        message="saved kseg-20260102-030405.png",
        palette=Segmenter(state.segmenter).segment(quadrants(40, 60)).palette,
        received=1_234_567,
    )
    console = Console(width=columns, height=rows)
    others = ["a library's line", "another"]
    panel = live_panel(metrics, others, "q: quit · h: help", console)
    lines = ["".join(each.text for each in line) for line in console.render_lines(panel)]
    assert len(lines) <= rows
    told = "\n".join(lines)
    for words in ("lake.mp4 1920x1080", "· live", "side-by-side", "saved kseg-", *others):
        assert words in told
    for number in range(count):
        assert re.search(rf"(█ {number}\b)|( {number} █)", told)


def test_the_stages_keep_their_order() -> None:
    timer = StageTimer()
    for name in ("show", "paint", "measure", "fit", "map"):
        with timer.stage(name):
            pass
    assert list(timer.milliseconds_per(1)) == ["fit", "map", "measure", "paint", "show"]


def test_without_a_terminal_there_is_a_line_every_ten_seconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    clock = Clock()
    lines = LiveLines(clock)
    for _ in range(25 * 25):
        clock.now += 0.04
        lines.update(figures)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 2
    assert written[0] == (
        "/dev/video0 1280x720 30 fps MJPG · live · 29.8 fps · latency 11 ms · "
        "300 received · 7 dropped"
    )


@pytest.mark.parametrize("columns", [60, 80])
def test_under_a_picture_every_key_shows_what_it_did(columns: int, tmp_path: Path) -> None:
    written: list[Callable[[Console], Sequence[Text]]] = []
    note = TerminalNote(written.append, deque())

    def shown(**changes: object) -> str:
        note.update(lambda: figures(**changes))
        lines = written[-1](Console(width=columns))
        return "\n".join(line.plain[: columns - 1] for line in lines)

    assert "recording 12 s" in shown(recording=tmp_path / "kseg-1.mp4", recorded=12.0)
    state = figures().state
    assert "masked · rgb · k 4 · stability 0.5 · background black" in shown()
    for words, changed in (
        ("side-by-side", replace(state, rendering=RenderSettings("side-by-side"))),
        ("ycrcb", replace(state, segmenter=SegmenterSettings(4, "ycrcb"))),
        ("frozen", replace(state, frozen=True)),
        ("stability 0.6", replace(state, segmenter=SegmenterSettings(4, stability=0.6))),
        ("background blur", replace(state, rendering=RenderSettings("masked", background="blur"))),
    ):
        assert words in shown(state=changed)


def test_under_a_picture_in_the_terminal_there_are_figures_palette_and_others_lines() -> None:
    written: list[Callable[[Console], Sequence[Text]]] = []
    note = TerminalNote(written.append, deque(["a library's line"]))
    note.update(lambda: figures(message="saved a.png"))
    (lines,) = written
    line, settings, palette, other = lines(Console(width=100))
    assert settings.plain.startswith("masked · rgb")
    assert "29.8 fps" in line.plain
    assert line.plain.startswith("saved a.png · "), "what is new comes first: few columns show all"
    assert palette.plain.split()[:3] == ["██", "0", "25%"]
    assert [
        palette.plain[span.start : span.end]
        for span in palette.spans
        if "strike" in str(span.style)
    ] == [" 2 25%"]
    assert other.plain == "a library's line"


def test_what_libraries_and_children_print_is_kept_off_the_terminal() -> None:
    program = (
        "import os, subprocess, sys\n"
        "from kseg_video.cli.live_panel import caught_stderr\n"
        "with caught_stderr() as (console, lines):\n"
        "    os.write(2, b'from a library\\n')\n"
        "    subprocess.run(['sh', '-c', 'echo from a child >&2'])\n"
        "    console.print('ours')\n"
        "print('after', *lines, sep=',', file=sys.stderr)\n"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert finished.stderr == "ours\nafter,from a library,from a child\n"
