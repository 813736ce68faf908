"""A real window on a virtual screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.helpers.windows import Window, needs_screen
from tests.helpers.x11 import close_window

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_screen


def show(image: Path, folder: Path) -> tuple[str | Path, ...]:
    return "convert", image, "-o", folder / "out.png", "--show"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    picture = Image.new("RGB", (300, 200), (250, 0, 0))
    picture.paste((0, 0, 250), (0, 0, 150, 200))
    picture.save(tmp_path / "two.png")
    return tmp_path / "two.png"


def test_it_shows_the_picture_until_a_key(screen: str, image: Path, tmp_path: Path) -> None:
    window = Window(screen, tmp_path, *show(image, tmp_path), "-k", "2")
    shown = window.picture()
    assert shown.shape[:2] == (200, 300)
    assert shown[100, 50].tolist() == [0, 0, 250]
    assert shown[100, 250].tolist() == [250, 0, 0]
    assert window.process.poll() is None
    window.type("shift", "alt")
    assert window.process.poll() is None, "as for Alt and Tab"
    window.type("space")
    outcome = window.end()
    assert outcome.code == 0
    assert re.fullmatch(r"\S+out.png: 1 frame.*\n", outcome.err)


def test_a_large_picture_fits_the_screen(screen: str, tmp_path: Path) -> None:
    Image.new("RGB", (4000, 1000), (9, 99, 9)).save(tmp_path / "wide.png")
    window = Window(
        screen,
        tmp_path,
        *show(tmp_path / "wide.png", tmp_path),
        "-k",
        "1",
        "--sample-pixels",
        "100",
    )
    height, width = window.picture().shape[:2]
    assert (width, height) == (1190, 298)  # 85% of the screen's width
    window.type("q")
    assert window.end().code == 0


def test_closing_the_window_ends_it(screen: str, image: Path, tmp_path: Path) -> None:
    window = Window(screen, tmp_path, *show(image, tmp_path))
    close_window(screen, int(window.number))
    assert window.end().code == 0
    assert (tmp_path / "out.png").exists()


def test_ctrl_c_ends_it_and_the_picture_stays(screen: str, image: Path, tmp_path: Path) -> None:
    window = Window(screen, tmp_path, *show(image, tmp_path))
    window.process.send_signal(2)
    assert window.end().code == 130
    assert (tmp_path / "out.png").exists()
