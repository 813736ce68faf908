"""``live`` on a page in a real browser: pictures, clicks, keys, and a connection that is lost."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video.live.key_bindings import HELP, KEYS
from tests.helpers.browser import Browser, needs_chromium
from tests.helpers.commands import finish, start
from tests.helpers.media import inspect, make_clip
from tests.helpers.servers import Tunnel
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = needs_chromium

RED, GREEN, BLACK, WHITE = (0xB0, 0x10, 0x10), (0x20, 0xE0, 0x20), (0, 0, 0), (255, 255, 255)
LEFT, RIGHT = (0.25, 0.5), (0.75, 0.5)
READY = "document.querySelector('#gone').hidden && document.querySelector('.swatch')"


@pytest.fixture(scope="module")
def two_halves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clip of five seconds, dark red on the left and bright green on the right."""
    red_left = "drawbox=x=0:y=0:w=32:h=48:color=0xb01010:t=fill"
    return make_clip(
        tmp_path_factory.mktemp("page") / "halves.mkv",
        *("-vf", f"{red_left},format=yuv420p", "-c:v", "ffv1"),
        picture="color=c=0x20e020",
        seconds=5,
    )


@contextmanager
def live_page(
    clip: Path, folder: Path, *options: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Address of the page of a run, and its process."""
    page = ("--preview", "browser", "-k", "2", "--output-dir", folder)
    with start("live", clip, *page, *options) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process
        finally:
            process.terminate()


def shows(browser: Browser, *colors: tuple[int, int, int]) -> bool:
    """Whether the halves of the picture have these colours, as far as JPEG keeps them."""
    picture = browser.picture()
    return all(is_like(picture, at, color) for at, color in zip((LEFT, RIGHT), colors, strict=True))


def is_like(picture: NDArray[np.uint8], at: tuple[float, float], color: tuple[int, ...]) -> bool:
    height, width = picture.shape[:2]
    found = picture[int(at[1] * height), int(at[0] * width)].astype(int)
    return bool(np.abs(found - color).max() <= 8)


def test_a_session_on_the_page(two_halves: Path, tmp_path: Path) -> None:
    with live_page(two_halves, tmp_path, "--loop") as (address, process), Browser() as browser:
        browser.open(address)
        browser.wait_for(READY)
        wait_until(lambda: shows(browser, RED, GREEN))
        assert browser.text("#source").endswith("halves.mkv")
        browser.click(".swatch:nth-child(1)")
        wait_until(lambda: BLACK in map(tuple, browser.picture()[24, ::63].tolist()))
        browser.click("[data-key=a]")
        wait_until(lambda: shows(browser, RED, GREEN))
        browser.click("canvas", LEFT)
        wait_until(lambda: shows(browser, BLACK, GREEN))
        browser.click("canvas", LEFT, "right")
        wait_until(lambda: shows(browser, RED, BLACK))
        browser.click("[title=white]")
        wait_until(lambda: shows(browser, RED, WHITE))
        browser.click("[data-key=u]")
        browser.click("[data-key=']']")
        browser.wait_for("document.querySelectorAll('.swatch').length === 3")
        assert browser.text("output") == "3"
        browser.click("[title=original]")
        browser.wait_for("document.querySelector('#figures').innerText.includes('original')")
        browser.type("s")
        wait_until(lambda: len(list(tmp_path.iterdir())) == 3)
        browser.reload()
        browser.wait_for(f"{READY} && document.querySelector('output').innerText === '3'")
        assert browser.text("[title=original][aria-pressed=true]") == "original"
        assert browser.errors == []
        browser.type("q")
        browser.wait_for("document.querySelector('#gone').innerText.includes('has ended')")
        assert finish(process).code == 0


@pytest.mark.thorough
def test_every_key_has_a_control_and_every_line_its_help(two_halves: Path, tmp_path: Path) -> None:
    with live_page(two_halves, tmp_path, "--loop") as (address, _), Browser() as browser:
        browser.open(address)
        browser.wait_for(READY)
        for binding in KEYS:
            key = binding.keys[0]
            if key not in {"0", "o"}:  # which clicks on swatches do
                assert browser.text(f"[data-key={json.dumps(key)}]").startswith(binding.does)
        browser.type("?")
        browser.wait_for("document.querySelector('#help').checkVisibility()")
        told = browser.text("#help")
        for title, lines in HELP.items():
            assert title in told
            assert all(line.does in told for line in lines)
        browser.type("Escape")
        browser.wait_for("!document.querySelector('#help').checkVisibility()")


@pytest.mark.thorough
@pytest.mark.parametrize(("width", "height", "is_phone"), [(1280, 800, False), (390, 844, True)])
def test_all_has_room(
    two_halves: Path, tmp_path: Path, width: int, height: int, *, is_phone: bool
) -> None:
    with live_page(two_halves, tmp_path, "--loop") as (address, _), Browser() as browser:
        browser.resize(width, height, is_phone=is_phone)
        browser.open(address)
        browser.wait_for(READY)
        wait_until(lambda: (browser.screenshot()[:, :, 1] > 200).sum() > width * height / 20)
        assert browser.value("document.documentElement.scrollWidth") == width
        for each in ("button", "#figures span", "h2"):
            assert browser.value(
                f"[...document.querySelectorAll('{each}')].every((one) => one.scrollWidth <= "
                "one.clientWidth + 2 && one.getBoundingClientRect().right <= innerWidth)"
            ), each
        if is_phone:
            browser.touch(".swatch:nth-child(1)", 0.8)
            browser.wait_for("document.querySelectorAll('.swatch.off').length === 1")
            assert browser.text(".swatch:nth-child(2)").endswith("off"), "the other is off"


@pytest.mark.thorough
def test_drags_move_the_split_and_the_position(two_halves: Path, tmp_path: Path) -> None:
    with live_page(two_halves, tmp_path, "--loop") as (address, _), Browser() as browser:
        browser.open(address)
        browser.wait_for(READY)
        browser.type(" ")
        browser.wait_for("document.querySelector('.condition').innerText === 'paused'")
        browser.click("#bar", (0.9, 0.5))
        browser.wait_for("parseFloat(document.querySelector('#bar div').style.width) > 85")
        browser.press_mouse("#bar", (0.9, 0.5))
        browser.move_mouse("#bar", (0.3, 0.5), "left")
        browser.release_mouse("#bar", (0.3, 0.5))
        browser.wait_for(
            "Math.abs(parseFloat(document.querySelector('#bar div').style.width) - 30) < 4"
        )
        browser.click("[title=split]")
        browser.click("[title=black]")
        browser.click(".swatch:nth-child(1)")
        browser.click(".swatch:nth-child(2)")
        wait_until(lambda: browser.picture().max() < 250)
        before = browser.picture()
        browser.press_mouse("canvas", (0.5, 0.5))
        browser.move_mouse("canvas", (0.7, 0.5), "left")
        browser.move_mouse("canvas", (0.9, 0.5), "left")
        browser.release_mouse("canvas", (0.9, 0.5))
        wait_until(lambda: np.abs(browser.picture().astype(int) - before).max() > 100)
        assert browser.text(".swatch:nth-child(1)").endswith("off"), "a drag is no click"


@pytest.mark.thorough
def test_a_recording_and_the_end_of_the_file(two_halves: Path, tmp_path: Path) -> None:
    with live_page(two_halves, tmp_path) as (address, process), Browser() as browser:
        browser.open(address)
        browser.wait_for(READY)
        browser.click("[data-key=r]")
        browser.wait_for("document.querySelector('#recorded').checkVisibility()")
        browser.wait_for("document.querySelector('#gone').innerText.includes('has ended')")
        assert finish(process).code == 0
    (recording,) = tmp_path.glob("kseg-*.mp4")
    assert inspect(recording).frames > 10


@pytest.mark.thorough
def test_a_lost_connection_is_told_and_regained(two_halves: Path, tmp_path: Path) -> None:
    with live_page(two_halves, tmp_path, "--loop") as (address, _), Browser() as browser:
        port = int(re.findall(r":(\d+)/", address)[0])
        with Tunnel(port) as tunnel:
            browser.open(address.replace(f":{port}/", f":{tunnel.port}/"))
            browser.wait_for(READY)
            tunnel.cut()
            browser.wait_for("document.querySelector('#gone').innerText.includes('is lost')")
            tunnel.lay()
            browser.wait_for(READY)
            browser.click("canvas", LEFT)
            wait_until(lambda: shows(browser, BLACK, GREEN))


@pytest.mark.thorough
def test_pages_of_one_run_show_the_same(two_halves: Path, tmp_path: Path) -> None:
    with (
        live_page(two_halves, tmp_path, "--loop") as (address, _),
        Browser() as one,
        Browser() as other,
    ):
        for browser in (one, other):
            browser.open(address)
            browser.wait_for(READY)
        one.click("canvas", LEFT)
        for browser in (one, other):
            wait_until(lambda browser=browser: shows(browser, BLACK, GREEN))  # type: ignore[misc]
