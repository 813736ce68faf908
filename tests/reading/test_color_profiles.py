"""What an image says of its colours goes with them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageCms

from kseg_video import convert
from tests.helpers.commands import run
from tests.helpers.pictures import photo_like

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video import ConversionReport

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
NAMED = SRGB.replace("sRGB built-in".encode("utf-16-be"), "No sRGB\x1b test".encode("utf-16-be"))
# Red and green change places.
WIDE = NAMED.replace(b"rXYZ", b"temp").replace(b"gXYZ", b"rXYZ").replace(b"temp", b"gXYZ")
ITS_COLORS = "colours are those of No sRGB test, which"


def save(path: Path, profile: bytes, mode: str = "RGB") -> Path:
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(photo_like(0)[..., ::-1]).convert(mode).save(path, icc_profile=profile)
    return path


def profile_of(path: Path) -> bytes | None:
    with Image.open(path) as picture:
        found = picture.info.get("icc_profile")
    assert found is None or isinstance(found, bytes)
    return found


def about_colors(report: ConversionReport) -> list[str]:
    return [note for note in report.notes if note.startswith("colours are")]


@pytest.mark.thorough
@pytest.mark.parametrize("view", ["segmented", "masked"])
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_it_goes_with_an_image(tmp_path: Path, suffix: str, view: str) -> None:
    source, output = save(tmp_path / f"in{suffix}", WIDE), tmp_path / f"out{suffix}"
    outcome = run("convert", source, "-o", output, "--view", view, "--json")
    assert outcome.code == 0
    assert profile_of(output) == WIDE
    assert not any("colours" in note for note in json.loads(outcome.out)["notes"])


def test_it_goes_with_every_image_of_a_folder(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", WIDE)
    save(tmp_path / "in" / "b.png", SRGB)
    convert(tmp_path / "in", tmp_path / "out" / "%d.png")
    assert [profile_of(tmp_path / "out" / f"{number}.png") for number in (0, 1)] == [WIDE, SRGB]


def test_pixels_that_stay_are_the_same_in_the_same_colours(tmp_path: Path) -> None:
    source, output = save(tmp_path / "in.png", WIDE), tmp_path / "out.png"
    run("convert", source, "-o", output, "--view", "masked")
    with Image.open(source) as before, Image.open(output) as after:
        np.testing.assert_array_equal(np.asarray(before), np.asarray(after))


@pytest.mark.parametrize("name", ["out.bmp", "out.mp4", "out.gif", "%d.bmp"])
def test_where_it_cannot_go_that_is_told(tmp_path: Path, name: str) -> None:
    report = convert(save(tmp_path / "in.png", WIDE), tmp_path / name)
    (note,) = about_colors(report)
    assert note.startswith(ITS_COLORS)


@pytest.mark.parametrize("name", ["out.bmp", "out.mp4"])
@pytest.mark.parametrize("profile", [SRGB, NAMED])
def test_colours_of_srgb_go_without_saying(tmp_path: Path, name: str, profile: bytes) -> None:
    assert not about_colors(convert(save(tmp_path / "in.png", profile), tmp_path / name))


def test_one_that_readers_refuse_is_left_out_and_that_is_told(tmp_path: Path) -> None:
    source, output = save(tmp_path / "in.tif", WIDE + bytes(1 << 20)), tmp_path / "out.png"
    (note,) = about_colors(convert(source, output))
    assert note.startswith(ITS_COLORS)
    assert profile_of(output) is None


def test_profiles_of_the_same_colours_are_no_others(tmp_path: Path) -> None:
    Image.fromarray(photo_like(0)).save(save(tmp_path / "in" / "a.png", SRGB))  # without any
    save(tmp_path / "in" / "b.png", SRGB)
    save(tmp_path / "in" / "c.png", NAMED)
    assert convert(tmp_path / "in", tmp_path / "out.mp4").notes == ()


def test_others_among_images_are_told(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", SRGB)
    save(tmp_path / "in" / "b.png", WIDE)
    save(tmp_path / "in" / "c.png", WIDE)
    report = convert(tmp_path / "in", tmp_path / "out.mp4")
    assert report.notes == ("b.png has another colour profile than a.png",)


def test_an_animation_of_images_does_not_hold_it(tmp_path: Path) -> None:
    save(tmp_path / "in" / "a.png", WIDE)
    save(tmp_path / "in" / "b.png", WIDE)
    assert about_colors(convert(tmp_path / "in", tmp_path / "out.webp"))


def test_a_damaged_one_is_handed_on_and_can_be_named(tmp_path: Path) -> None:
    damaged = WIDE[:60]
    source = save(tmp_path / "in.png", damaged)
    convert(source, tmp_path / "out.png")
    assert profile_of(tmp_path / "out.png") == damaged
    (note,) = about_colors(convert(source, tmp_path / "out.bmp"))
    assert "damaged" in note


@pytest.mark.parametrize(("mode", "space"), [("L", b"GRAY"), ("CMYK", b"CMYK")])
def test_one_of_other_channels_is_not_that_of_rgb(tmp_path: Path, mode: str, space: bytes) -> None:
    profile = WIDE[:16] + space + WIDE[20:]
    convert(save(tmp_path / "in.jpg", profile, mode), tmp_path / "out.png")
    assert profile_of(tmp_path / "out.png") is None


def test_a_matte_has_no_colours(tmp_path: Path) -> None:
    source = save(tmp_path / "in.png", WIDE)
    output = tmp_path / "out.png"
    assert run("convert", source, "-o", output, "--view", "matte", "--disable", "0").code == 0
    assert profile_of(output) is None
