"""Outputs, and inputs, that are one file by whatever names: refused before anything is written."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.helpers.commands import run
from tests.helpers.media import left_in, make_clip
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from pathlib import Path

APART = "give each output a name of its own"


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=0.2)


@pytest.fixture
def folder(tmp_path: Path, clip: Path) -> Path:
    """An input, a file by two names, links to files and folders, and a folder in it."""
    shutil.copy(clip, tmp_path / "a.mp4")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("sub")
    (tmp_path / "old.png").write_text("precious")
    (tmp_path / "f-1.png").hardlink_to(tmp_path / "old.png")
    (tmp_path / "new.mp4").symlink_to("new.png")
    (tmp_path / "a.png").symlink_to("a.mp4")
    Image.fromarray(quadrants()).save(tmp_path / "sub" / "s.png")
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): b""
        if path.is_dir() or not path.exists()
        else path.read_bytes()
        for path in folder.rglob("*")
    }


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("command", "code", "message"),
    [
        (
            "palette a.mp4 -o p.png -o sub/../p.png",
            2,
            f"sub/../p.png and p.png are one file; {APART}",
        ),
        ("palette a.mp4 -o p.hex -o ./p.hex", 2, f"p.hex is given twice; {APART}"),
        (
            "palette a.mp4 -o sub/p.hex -o link/p.hex",
            2,
            f"link/p.hex and sub/p.hex are one file; {APART}",
        ),
        ("palette a.mp4 -o old.png -o f-1.png", 2, f"f-1.png and old.png are one file; {APART}"),
        (
            "palette sub/s.png -o link/s.png",
            1,
            "link/s.png is the input itself; choose another output",
        ),
        (
            "convert a.mp4 -o x.png --stats-plot sub/../x.png",
            2,
            f"sub/../x.png and x.png are one file; {APART}",
        ),
        (
            "convert a.mp4 -o new.mp4 --stats-plot new.png",
            2,
            f"new.png and new.mp4 are one file; {APART}",
        ),
        (
            "convert a.mp4 -o f-%d.png --stats-plot f-1.png",
            2,
            f"f-1.png and f-%d.png are one file; {APART}",
        ),
        (
            "convert a.mp4 -o f-%d.png --stats-plot f-7.png",
            2,
            f"f-7.png and f-%d.png are one file; {APART}",
        ),
        (
            "convert a.mp4 -o f-%d.png --stats-plot old.png",
            2,
            f"old.png and f-%d.png are one file; {APART}",
        ),
        (
            "convert a.mp4 -o link/%02d.png --stats-plot sub/07.png",
            2,
            f"sub/07.png and link/%02d.png are one file; {APART}",
        ),
        (
            "convert a.mp4 -o b.mp4 --stats-plot a.png",
            1,
            "a.png is the input itself; choose another output",
        ),
        (
            "convert link/s.png -o sub/s.png",
            1,
            "sub/s.png is the input itself; choose another output",
        ),
        ("convert sub -o link/%s.png", 1, "link/s.png is the input itself; choose another output"),
        (
            "convert a.mp4 sub/../a.mp4",
            2,
            "several inputs would be written to sub/../a.segmented.mp4; convert them apart",
        ),
        (
            "convert a.mp4 b.mp4",
            1,
            "a.segmented.mp4 is the input itself; choose another output",
        ),
        (
            "convert a.mp4 -o new.mp4 --palette p.json",
            1,
            "new.mp4 is the palette itself; choose another output",
        ),
        (
            "convert a.mp4 -o b.mp4 --background sub/s.png --stats-plot link/s.png",
            1,
            "link/s.png is the background itself; choose another output",
        ),
    ],
)
def test_it_is_refused(folder: Path, command: str, code: int, message: str) -> None:
    if command.endswith("b.mp4"):  # which is what the other is to become
        shutil.copy(folder / "a.mp4", folder / "a.segmented.mp4")
        (folder / "b.mp4").symlink_to("a.segmented.mp4")
    if "p.json" in command:
        (folder / "p.json").write_text('["#102030", "#405060"]')
        (folder / "new.png").hardlink_to(folder / "p.json")
    before = contents(folder)
    done = run(*command.replace("%s", "s").split(), "-y", cwd=folder)
    assert (done.code, done.err) == (code, f"kseg-video: error: {message}\n")
    assert contents(folder) == before


@pytest.mark.parametrize("others", [["f-0.png"], ["f-2.png"], ["f-9.png"], ["x.png", "x.png"]])
def test_numbers_of_a_sequence_that_are_one_file(folder: Path, others: list[str]) -> None:
    (folder / "f-0.png").write_text("precious")
    (folder / "x.png").write_text("precious")
    for number, other in enumerate(others, start=3):
        (folder / f"f-{number}.png").symlink_to(other)
    before = contents(folder)
    done = run("convert", "a.mp4", "-o", "f-%d.png", "-y", cwd=folder)
    assert done.code == 1
    assert done.err == (
        f"kseg-video: error: f-{2 + len(others)}.png leads to another file of f-%d.png; remove it, "
        "or choose another output\n"
    )
    assert contents(folder) == before


def test_names_that_only_look_alike_are_files_of_their_own(folder: Path) -> None:
    options = ("-o", "g-%02d.png", "--stats-plot", "g-1.png", "--stats", "sub/g-01.csv")
    done = run("convert", "a.mp4", *options, "-q", cwd=folder)
    assert (done.code, done.err) == (0, "")
    assert {"g-00.png", "g-04.png", "g-1.png"} < set(left_in(folder))


@pytest.mark.parametrize("pattern", ["%999999999999d.png", f"%{'9' * 5000}d.png"])
def test_numbers_too_long_to_be_compared(folder: Path, pattern: str) -> None:
    done = run("convert", "a.mp4", "-o", pattern, "--stats-plot", "7.png", cwd=folder)
    assert done.code == 1
    assert "too long" in done.err
    assert done.err.count("\n") == 1


def test_a_thousand_inputs_are_told_apart(tmp_path: Path) -> None:
    names = [f"{number}.mp4" for number in range(1000)]
    for name in names:
        (tmp_path / name).touch()
    done = run("convert", *names, os.path.join("..", tmp_path.name, "7.mp4"), cwd=tmp_path)  # noqa: PTH118
    assert done.code == 2
    assert "7.segmented.mp4; convert them apart" in done.err
