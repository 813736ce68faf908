from __future__ import annotations

from pathlib import Path

import pytest

from kseg_video import SettingsError
from kseg_video.core.background_spec import BackgroundSpec, parse_background, parse_color


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("black", BackgroundSpec("color")),
        ("white", BackgroundSpec("color", (255, 255, 255))),
        ("#2b6cb0", BackgroundSpec("color", (0x2B, 0x6C, 0xB0))),
        ("#F80", BackgroundSpec("color", (255, 136, 0))),
        ("RebeccaPurple", BackgroundSpec("color", (102, 51, 153))),
        ("gray", BackgroundSpec("gray")),
        ("grey", BackgroundSpec("gray")),
        ("blur", BackgroundSpec("blur")),
        ("blur:7", BackgroundSpec("blur", pixels=7)),
        ("pixelate:16", BackgroundSpec("pixelate", pixels=16)),
        ("transparent", BackgroundSpec("transparent")),
        (Path("beach.jpg"), BackgroundSpec("picture")),
    ],
)
def test_what_is_understood(text: str | Path, expected: BackgroundSpec) -> None:
    assert parse_background(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gren", "did you mean green"),
        ("xyzzy", "give a CSS name"),
        ("#12345", "is no colour"),
        ("rgb(1,2,3)", "is no colour"),
        ("", "is no colour"),
        ("beach.jpg", "'beach.jpg' is no background; give a file as a Path"),
        ("pictures/beach", "give a file as a Path"),
        ("blur:", "pixels from 1 to 1000, as in blur:20"),
        ("blur:0", "pixels from 1"),
        ("blur:-3", "pixels from 1"),
        ("blur:2.5", "pixels from 1"),
        ("pixelate:1001", "as in pixelate:20"),
    ],
)
def test_what_is_not(text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        parse_background(text)


def test_a_color_is_red_green_blue() -> None:
    assert parse_color("crimson") == (220, 20, 60)
