"""Inputs that are no files, or none that anybody means: refused in one line, at once."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from kseg_video import load_palette, open_source
from kseg_video.core.errors import SourceError
from tests.helpers.commands import finish, run, start
from tests.helpers.media import left_in

if TYPE_CHECKING:
    from pathlib import Path

SECONDS = 10


def make(kind: str, path: Path) -> None:
    """Put something under a name that is no file."""
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)  # its whole path may be too long
    else:
        path.symlink_to("/dev/zero")


USES = [
    "convert X.png",
    "convert X.png -o out.png",
    "convert X.jpg -o out.png",
    "convert X.mp4 -o out.mp4",
    "convert X.gif",
    "convert in -o out.mp4",
    "convert in/f-%d.png -o out.mp4",
    "convert a.png X.webp",
    "convert a.png -o out.png --palette X.json",
    "convert a.png -o out.png --palette X.gpl",
    "convert a.png -o out.png --palette X.hex",
    "convert a.png -o out.png --only 0 --background ./X.png",
    "convert a.png -o out.png --only 0 --background ./X.mp4",
    "palette X.png -o out.hex",
    "palette a.png X.tif -o out.hex",
    "live X.png --preview none",
    "live X.mp4 --preview none",
    "live a.mp4 --preview none --palette X.json",
    "live a.mp4 --preview none --background ./X.png",
]


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize(
    "kind", ["fifo", *(pytest.param(k, marks=pytest.mark.thorough) for k in ("socket", "device"))]
)
def test_what_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: str, kind: str
) -> None:
    if kind == "fifo" and re.match(r"(convert|palette) (a\.png )?X", use):
        kind = "socket"  # a fifo is read as a stream
    monkeypatch.chdir(tmp_path)
    Image.new("RGB", (16, 16), (1, 2, 3)).save("a.png")
    (tmp_path / "in").mkdir()
    Image.new("RGB", (16, 16)).save("in/f-1.png")
    for name in re.findall(r"X\.\w+", use):
        make(kind, tmp_path / name)
    if "in" in use.split()[1]:
        make("fifo" if kind == "socket" else kind, tmp_path / "in" / "f-2.png")
    (tmp_path / "a.mp4").write_bytes(b"")
    before = left_in(tmp_path)
    done = finish(start(*use.split()), SECONDS)
    assert done.code in {1, 2}
    *others, line = done.err.splitlines()
    assert re.fullmatch(r"kseg-video: error: .* (is not a (regular )?file|is no file)\b.*", line)
    assert all("a.segmented.png" in other for other in others)
    assert set(left_in(tmp_path)) - set(before) <= {"a.segmented.png"}


def test_a_folder_among_numbered_images(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16)).save(tmp_path / "f-1.png")
    (tmp_path / "f-2.png").mkdir()
    with pytest.raises(SourceError, match=r"f-2\.png is not a regular file"):
        open_source(tmp_path / "f-%d.png")
    with open_source(tmp_path) as source:
        assert len(list(source)) == 1


@pytest.mark.parametrize("compression", ["tiff_lzw", "jpeg"])
def test_what_libraries_say_of_an_image_is_not_printed(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "a.tif"
    Image.new("RGB", (16, 16)).save(path, compression=compression)
    data = path.read_bytes()
    samples = bytes.fromhex("1501 0300 01000000 0300")  # three a pixel
    assert samples in data
    for claim in (data.replace(samples, samples[:-2] + b"\xc8\0"), data[: len(data) // 2]):
        path.write_bytes(claim)
        outcome = run("convert", path, "-o", tmp_path / "out.png")
        assert outcome.code == 1
        assert re.fullmatch(r"kseg-video: error: .*a\.tif is not an image .*\n", outcome.err)


def test_a_folder_as_palette(tmp_path: Path) -> None:
    (tmp_path / "p.json").mkdir()
    with pytest.raises(SourceError, match=r"p\.json is not a regular file"):
        load_palette(tmp_path / "p.json")


class TestPalettes:
    @pytest.mark.parametrize(
        ("name", "text", "why"),
        [
            ("a.json", "[" * 100_000, "it is nested too deeply"),
            ("a.json", '{"palette":' * 100_000, "it is nested too deeply"),
            ("a.json", '{"a":[' * 2_000 + "]}" * 2_000, "it is nested too deeply"),
            ("a.json", f"[{'1' * 10_000}]", "inf is no colour such as #2b6cb0"),
            ("a.json", f"[-{'1' * 10_000}, 2]", "-inf is no colour such as #2b6cb0"),
            (
                "a.json",
                json.dumps(["x" * 100_000]),
                r"'x+\.\.\.x+' is no colour such as #2b6cb0",
            ),
            ("a.json", f"[{'[' * 500}{']' * 500}]", r".{1,60} is no colour such as #2b6cb0"),
            ("a.hex", "x" * 100_000, r"'x+\.\.\.x+' is no colour such as #2b6cb0"),
            ("a.gpl", f"GIMP Palette\n1 2 {'3' * 10_000}", r"'1 2 3+\.\.\.3+' is no colour"),
            ("a.gpl", "GIMP Palette\n" + "x" * 100_000, r"'x+\.\.\.x+' is no colour"),
        ],
    )
    def test_endless_ones(self, tmp_path: Path, name: str, text: str, why: str) -> None:
        (tmp_path / name).write_text(text)
        with pytest.raises(SourceError) as raised:
            load_palette(tmp_path / name)
        told = rf"\S+ is no palette that can be read \({why}\); make one with: kseg-video palette"
        assert re.fullmatch(told, str(raised.value))

    @pytest.mark.parametrize("suffix", [".json", ".gpl", ".hex"])
    def test_huge_ones(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"a{suffix}"
        with path.open("wb") as file:
            file.truncate(1 << 36)
        message = r"is no palette that can be read \(it has more than 8 MiB\); make one"
        with pytest.raises(SourceError, match=message):
            load_palette(path)

    def test_by_command(self, tmp_path: Path) -> None:
        Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
        (tmp_path / "p.json").write_text("[" * 1_000_000)
        command = ("convert", "a.png", "-o", "b.png", "--palette", "p.json")
        done = finish(start(*command, cwd=tmp_path), SECONDS)
        assert done.code == 1
        assert re.fullmatch(r"kseg-video: error: p\.json is no palette .*\n", done.err)
        assert left_in(tmp_path) == ["a.png", "p.json"]


class TestNumerals:
    @pytest.mark.parametrize(
        "names",
        [
            ["1²3.png", "1³.png", "1½.png"],
            ["f1.png", "f٣.png", "f十.png", "f²"],
            ["2.png", "9" * 240 + ".png"],
            ["①.png", "Ⅳ.png", "१.png"],
        ],
    )
    def test_any_name_can_be_put_in_order(self, tmp_path: Path, names: list[str]) -> None:
        for name in names:
            Image.new("RGB", (16, 16)).save(tmp_path / name, format="png")
        for source in (tmp_path, tmp_path / "%d.png", tmp_path / "f%d.png"):
            images = [name for name in names if name.endswith(".png")]
            if "%" in source.name:
                before = source.name[:-6]
                images = [n for n in images if re.fullmatch(rf"{before}\d+\.png", n, re.ASCII)]
            if images:
                with open_source(source) as frames:
                    assert len(list(frames)) == len(images)

    def test_the_order_is_that_of_the_numbers(self, tmp_path: Path) -> None:
        for level, name in enumerate(["²1.png", "1²3.png", "2²3.png", "10²3.png"]):
            Image.new("RGB", (16, 16), (level, 0, 0)).save(tmp_path / name)
        with open_source(tmp_path) as frames:
            assert [frame.bgr[0, 0, 2] for frame in frames] == [0, 1, 2, 3]

    @pytest.mark.parametrize(
        "command",
        [
            *("live N", "convert a.png -k N", "convert a.png --seed N", "convert a.png --pick N,N"),
            *("convert a.png --start N", "convert a.png --start N:10:10", "live a.png --size NxN"),
            *("convert a.png --disable N", "live a.png --background blur:N", "convert N.png"),
            *("convert a.png --background N", "N", "N N", "convert a.png --N"),
            *("convert a.png -o N/f-%Nd.png", "convert f-%Nd.png", "convert a.png --crf N"),
        ],
    )
    @pytest.mark.parametrize(
        "number",
        [
            "7" * (sys.get_int_max_str_digits() + 1),
            pytest.param("7" * 200, marks=pytest.mark.thorough),
            pytest.param("²", marks=pytest.mark.thorough),
        ],
    )
    def test_endless_and_odd_numbers(self, tmp_path: Path, command: str, number: str) -> None:
        Image.new("RGB", (16, 16)).save(tmp_path / "a.png")
        done = finish(start(*command.replace("N", number).split(), cwd=tmp_path), SECONDS)
        assert done.code in {1, 2}
        assert done.err.count("\n") == 1
        assert not re.search("unexpected|sys.set_int", done.err), done.err
        assert left_in(tmp_path) == ["a.png"]
