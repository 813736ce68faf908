"""Ends of a live run and the summary that it prints, with and without a terminal."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
from typing import TYPE_CHECKING

import pytest

from tests.helpers.commands import COMMAND, finish, run, start
from tests.helpers.media import inspect, left_in, make_clip
from tests.helpers.terminals import Terminal, shell_with_jobs
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

WITHOUT_A_PICTURE = ("--preview", "none", "-k", "2")


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mkv", "-c:v", "ffv1", seconds=2)


@pytest.mark.thorough
def test_at_the_end_of_a_file_it_says_what_was_done(clip: Path, tmp_path: Path) -> None:
    take = tmp_path / "take.mp4"
    outcome = run("live", clip, *WITHOUT_A_PICTURE, "--record", take)
    assert (outcome.code, outcome.out) == (0, "")
    said = re.fullmatch(
        rf"{clip}: (\d+) frames, ([\d.]+) s(?:, (\d+) dropped)?; the source ended; "
        rf"recorded ([\d.]+) s to {take}\n",
        outcome.err,
    )
    assert said is not None, outcome.err
    frames, seconds, dropped, recorded = (float(each or 0) for each in said.groups())
    assert 10 < frames <= frames + dropped <= 50
    assert seconds == pytest.approx(2, abs=0.8)  # tolerates a busy machine
    assert recorded == pytest.approx(inspect(take).seconds, abs=0.2)
    assert left_in(tmp_path) == ["clip.mkv", "take.mp4"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_and_it_says_what_was_done(
    clip: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    take = tmp_path / "take.mkv"
    process = start("live", clip, "--loop", *WITHOUT_A_PICTURE, "--record", take)
    wait_until(lambda: take.exists() and take.stat().st_size)
    process.send_signal(number)
    outcome = finish(process)
    assert (outcome.code, outcome.out) == (code, "")
    did = rf"{clip}: \d+ frames?, [\d.]+ s(, \d+ dropped)?; recorded [\d.]+ s to {take}\n"
    assert re.fullmatch(did, outcome.err), outcome.err
    assert inspect(take).frames > 0


SIGNALLED_WITH_ITS_GROUP = """
import imageio_ffmpeg, os, signal
def get_ffmpeg_exe():
    os.kill(os.getpid(), signal.SIGTERM)
    raise RuntimeError("the trial run has been killed by the signal to its group")
imageio_ffmpeg.get_ffmpeg_exe = get_ffmpeg_exe
"""


def test_what_a_signal_to_the_group_ends_first_is_no_failure(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SIGNALLED_WITH_ITS_GROUP)
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    outcome = run("live", clip, *WITHOUT_A_PICTURE, env=environment)
    assert (outcome.code, outcome.out) == (0, "")
    assert "no ffmpeg" not in outcome.err


@pytest.mark.thorough
def test_a_quiet_run_says_nothing(clip: Path) -> None:
    outcome = run("live", clip, *WITHOUT_A_PICTURE, "--quiet")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")


@pytest.mark.thorough
def test_every_key_works_without_a_picture_too(clip: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    with Terminal(
        "live", clip, "--loop", "--output-dir", folder, *WITHOUT_A_PICTURE, size=(32, 100)
    ) as terminal:
        terminal.read_until(r"clip\.mkv 64x48 25 fps · live")
        terminal.read_until("q: quit · h: help")
        terminal.type("h")
        terminal.read_until("only the one pointed at")
        terminal.type("hr")
        terminal.read_until(r"kseg-.*\.mp4 · 1 s")
        terminal.type("r")
        terminal.read_until(r"recorded [\d.]+ s to kseg-")
        terminal.type("s")
        terminal.read_until(r"saved kseg-.*\.png")
        terminal.type("q")
        assert terminal.end() == 0
        (recording,) = folder.glob("*.mp4")
        assert inspect(recording).frames >= 10
        assert len(left_in(folder)) == 4, "a snapshot is view, original and palette"
        assert re.search(
            rf"{clip}: \d+ frames, [\d.]+ s.*; recorded [\d.]+ s to {recording}; "
            rf"1 snapshot saved to {folder}\r\n$",
            terminal.text,
        )


def test_q_ends_it_where_figures_go_elsewhere(clip: Path) -> None:
    ours, theirs = pty.openpty()
    process = start("live", clip, "--loop", *WITHOUT_A_PICTURE, stdin=theirs)
    # Keys typed before it listens are lost, so press q until it ends.
    wait_until(lambda: os.write(ours, b"q") and process.poll() is not None)
    outcome = finish(process)
    os.close(ours)
    os.close(theirs)
    assert outcome.code == 0
    assert re.fullmatch(rf"{clip}: .*\n", outcome.err)


def test_what_is_typed_once_it_runs_in_the_background_does_not_stop_it(
    clip: Path, tmp_path: Path
) -> None:
    take = tmp_path / "take.mkv"
    command = shlex.join(
        [*COMMAND, *map(str, ("live", clip, *WITHOUT_A_PICTURE, "--record", take))]
    )
    with shell_with_jobs(f"{command} --quiet; bg; wait %1") as (shell, ours):
        wait_until(lambda: take.exists() and take.stat().st_size)
        os.write(ours, b"\x1a")
        shown = b""
        while b"live" not in shown:  # the shell's bg prints the command
            shown += os.read(ours, 4096)
        os.write(ours, b"xyz\n")
        assert shell.wait(20) == 0, "else it is stopped"
    assert inspect(take).seconds > 1.5


def test_without_a_window_nothing_that_opens_windows_is_needed(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "pygame.py").write_text("raise ImportError('there is none')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    outcome = run("live", clip, *WITHOUT_A_PICTURE, env=environment)
    assert outcome.code == 0
    assert "frames" in outcome.err
