"""``live`` in a real window: keys, clicks on regions, and all ways to end."""

from __future__ import annotations

import os
import re
import signal
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.helpers.commands import run, without_rights
from tests.helpers.media import inspect, make_clip, read_planes
from tests.helpers.waiting import wait_until
from tests.helpers.windows import Window, needs_screen
from tests.helpers.x11 import close_window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = needs_screen

SIZE = (320, 240)
WINDOW = (640, 480)  # size of the window for a picture of SIZE
LEFT, RIGHT = (160, 240), (480, 240)
ADVICE = (
    "show it in the terminal, with --preview terminal, in a browser, with --preview browser, or go "
    "without, with --preview none --record FILE"
)


@pytest.fixture(scope="module")
def two_halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clip of a second, dark red on the left and bright green on the right."""
    path = tmp_path_factory.mktemp("live") / "halves.mkv"
    red_left = "drawbox=x=0:y=0:w=160:h=240:color=0xb01010:t=fill"
    return make_clip(
        path,
        *("-vf", f"{red_left},format=yuv420p", "-c:v", "ffv1"),
        picture="color=c=0x20e020",
        size="320x240",
    )


@pytest.fixture
def window(screen: str, two_halves: Path, tmp_path: Path) -> Iterator[Window]:
    options = ("--loop", "-k", "2", "--output-dir", tmp_path)
    window = Window(screen, tmp_path, "live", two_halves, *options)
    with window.process:
        wait_for_picture(window)
        yield window
        if window.process.poll() is None:
            window.process.terminate()


def wait_for_picture(window: Window) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if window.picture().shape[:2] == WINDOW[::-1] and color(window, LEFT)[0] > 100:
            return
        time.sleep(0.1)
    shown = window.picture()
    window.process.kill()
    pytest.fail(f"no picture came; shown were {shown.shape}, of colour {shown.mean(axis=(0, 1))}")


def color(window: Window, place: tuple[int, int]) -> list[int]:
    return window.picture()[place[1], place[0]].tolist()  # type: ignore[no-any-return]


def test_a_click_blackens_a_region_and_another_brings_it_back(window: Window) -> None:
    assert color(window, LEFT)[0] > 100
    window.click(*LEFT)
    assert color(window, LEFT) == [0, 0, 0]
    assert color(window, RIGHT)[1] > 200
    window.click(*LEFT)
    assert color(window, LEFT)[0] > 100
    window.click(*LEFT, button=3)
    assert color(window, RIGHT) == [0, 0, 0]


def test_keys(window: Window) -> None:
    window.type("0")
    assert color(window, LEFT) == [0, 0, 0]
    window.type("b")
    assert color(window, LEFT) == [255, 255, 255]
    window.type("i")
    assert color(window, LEFT)[0] > 100
    assert color(window, RIGHT) == [255, 255, 255]
    window.type("a", "m")
    assert color(window, LEFT)[1] > 200, "mirrored"
    window.type("m", "v", "v", "v")
    assert window.size == WINDOW, "side by side"
    assert color(window, (320, 60)) == [0, 0, 0]
    window.type("V", "V", "V")
    assert color(window, LEFT)[0] > 100


def test_the_figures_and_the_help_come_and_go(window: Window) -> None:
    def is_bare() -> bool:
        return len(np.unique(window.picture().reshape(-1, 3), axis=0)) == 2

    assert not is_bare()
    mean = window.picture().mean()
    window.type("t")
    wait_until(is_bare)  # once the answer is gone
    window.type("question")
    assert window.picture().mean() < mean / 3
    window.type("h")
    assert is_bare()


@pytest.mark.parametrize(("width", "height"), [(200, 150), (900, 675)])
def test_figures_are_legible_whatever_the_window_s_size(
    window: Window, width: int, height: int
) -> None:
    window.call("xdotool", "windowsize", window.number, str(width), str(height))
    wait_until(lambda: window.picture().shape[:2] == (height, width))
    left, right = (width // 4, height // 2), (width * 3 // 4, height // 2)
    wait_until(lambda: color(window, left)[0] > 100 > color(window, left)[1])

    def height_of_letters() -> int:
        inked = (window.picture()[: height // 2].min(axis=2) > 200).any(axis=1)
        return int(inked[inked.argmax() :].argmin())

    # The window system may show the old picture at the new size first.
    wait_until(lambda: 7 <= height_of_letters() <= 25)
    window.click(*left)
    wait_until(lambda: color(window, left) == [0, 0, 0])
    assert color(window, right)[1] > 200


def test_every_other_key_is_survived_and_q_ends_it(window: Window) -> None:
    names = "space period bracketleft bracketright minus plus equal c p n o f f 9 x F1 Left space"
    window.type(*names.split())
    assert window.process.poll() is None
    window.type("q")
    assert window.end().code == 0


def test_full_screen_also_without_a_window_manager(window: Window) -> None:
    window.type("f")
    wait_until(lambda: window.picture().shape[:2] == (900, 1400))
    left, right = (400, 450), (1000, 450)
    wait_until(lambda: color(window, left)[0] > 100 > color(window, left)[1])
    shown = window.picture()
    assert not shown[100:800, :90].any(), "a screen wider than the picture has black bars"
    assert not shown[100:800, -90:].any()
    assert color(window, right)[1] > 200
    window.click(*left)
    wait_until(lambda: color(window, left) == [0, 0, 0])
    assert color(window, right)[1] > 200
    window.type("f")
    wait_until(lambda: window.picture().shape[:2] == WINDOW[::-1])
    assert color(window, LEFT) == [0, 0, 0]
    assert color(window, RIGHT)[1] > 200


def test_a_recording_made_by_key_plays(window: Window, tmp_path: Path) -> None:
    window.type("r")
    time.sleep(1)
    window.type("r")
    (recording,) = tmp_path.glob("kseg-*.mp4")
    window.type("Escape")
    outcome = window.end()
    assert outcome.code == 0
    assert re.search(rf"; recorded [\d.]+ s to {recording}\n$", outcome.err)
    stored = inspect(recording)
    assert (stored.width, stored.height) == SIZE
    assert stored.frames >= 20
    top = read_planes(recording, "rgb24")[-1][2:10]
    assert np.ptp(top[:, 10:150], axis=(0, 1)).max() < 30, "without the figures"


def test_where_nothing_can_be_written_it_shows_and_refuses_to_save(
    screen: str, two_halves: Path, tmp_path: Path
) -> None:
    for folder in (tmp_path, tmp_path / "state"):
        folder.mkdir(exist_ok=True)
    tmp_path.chmod(0o555)
    (tmp_path / "state").chmod(0o555)
    options = ("--loop", "-k", "2")
    limits = {"cwd": tmp_path, "preexec_fn": without_rights}
    window = Window(screen, tmp_path, "live", two_halves, *options, **limits)
    wait_for_picture(window)
    window.resize(700, 500)
    window.type("s", "r", "0")
    wait_until(lambda: not color(window, LEFT)[0])
    window.type("q")
    outcome = window.end()
    assert outcome.code == 1
    assert outcome.err.count("Permission denied") == 2, outcome.err
    assert [each.name for each in tmp_path.rglob("*")] == ["state"]


def test_the_close_button_ends_it(window: Window, screen: str) -> None:
    close_window(screen, int(window.number))
    assert window.end().code == 0


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_signals_end_it_with_the_recording_finished(
    screen: str, two_halves: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    options = ("--loop", "-k", "2", "--record", tmp_path / "take.mp4")
    window = Window(screen, tmp_path, "live", two_halves, *options)
    wait_for_picture(window)
    window.process.send_signal(number)
    assert window.end().code == code
    assert inspect(tmp_path / "take.mp4").frames > 3


def test_a_file_that_ends_ends_it(screen: str, two_halves: Path) -> None:
    environment = {**os.environ, "DISPLAY": screen, "WAYLAND_DISPLAY": ""}
    assert run("live", two_halves, env=environment).code == 0


def test_a_name_in_any_letters_is_shown(screen: str, two_halves: Path, tmp_path: Path) -> None:
    clip = tmp_path / "vidéo ☃.mkv"
    clip.symlink_to(two_halves)
    window = Window(screen, tmp_path, "live", clip, "--loop", "-k", "2")
    wait_for_picture(window)
    assert window.call("xdotool", "getwindowname", window.number).strip().endswith("vidéo ☃.mkv")
    window.type("q")
    assert window.end().code == 0


def test_of_two_windows_each_has_its_own_keys(
    window: Window, screen: str, two_halves: Path, tmp_path: Path
) -> None:
    other = Window(screen, tmp_path, "live", two_halves, "--loop", "-k", "2")
    assert other.number != window.number
    wait_for_picture(other)
    other.type("0")
    wait_until(lambda: color(other, LEFT) == [0, 0, 0])
    other.type("q")
    assert other.end().code == 0
    assert window.process.poll() is None


@pytest.mark.parametrize(
    ("display", "why"),
    [
        ("", "there is no display to show the picture on"),
        (":9999", "the display cannot be opened"),
    ],
)
def test_an_explicit_window_without_a_display(two_halves: Path, display: str, why: str) -> None:
    environment = {**os.environ, "DISPLAY": display, "WAYLAND_DISPLAY": ""}
    outcome = run("live", two_halves, "--preview", "window", env=environment)
    assert outcome.code == 1
    assert outcome.err == f"kseg-video: error: {why}; {ADVICE}\n"


@pytest.mark.parametrize(
    ("preview", "display", "lacking"),
    [
        ("auto", "", "neither a display nor a terminal"),
        ("auto", ":9999", "neither a display nor a terminal"),
        ("terminal", "", "no terminal"),
    ],
)
def test_nothing_to_show_it_on(two_halves: Path, preview: str, display: str, lacking: str) -> None:
    environment = {**os.environ, "DISPLAY": display, "WAYLAND_DISPLAY": ""}
    outcome = run("live", two_halves, "--preview", preview, env=environment)
    assert outcome.code == 1
    assert outcome.err == (
        f"kseg-video: error: there is {lacking} to show the picture on; "
        "show it in a browser, with --preview browser, or go without, with --preview none --record "
        "FILE\n"
    )


def test_the_bar_and_the_arrows_seek_in_a_file(screen: str, tmp_path: Path) -> None:
    later = "drawbox=t=fill:color=0x1010c0:enable=gte(t\\,5)"
    clip = make_clip(
        tmp_path / "two.mkv",
        *("-vf", later, "-c:v", "ffv1"),
        picture="color=0xc01010",
        size="320x240",
        seconds=10,
    )
    window = Window(screen, tmp_path, "live", clip, "--view", "original")
    middle = WINDOW[0] // 2, WINDOW[1] // 2
    with window.process:
        window.type("space")
        wait_until(lambda: color(window, middle)[0] > 150)
        window.click(WINDOW[0] * 3 // 4, WINDOW[1] - 2)
        wait_until(lambda: color(window, middle)[2] > 150)
        window.type("Left")
        wait_until(lambda: color(window, middle)[0] > 150)
        window.process.terminate()
