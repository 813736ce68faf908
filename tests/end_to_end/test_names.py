"""Names that a library might take for something else: a home folder, an archive, an address."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.helpers.commands import Outcome, run
from tests.helpers.media import left_in, make_flat_clip

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [
    "~.{}",
    "~root.{}",
    "~/x.{}",
    "$HOME.{}",
    "a.zip/x.{}",
    "imageio:chelsea.{}",
    "http:/127.0.0.1:9/x.{}",
    "file:/x.{}",
    "<bytes>.{}",
    "-.{}",
]
THOROUGH = pytest.mark.thorough
OUTPUTS = ["png", "tif", "gif", "webp", "mp4", "npz"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the command runs; beside it is a home that holds other pictures."""
    home, path = tmp_path / "home", tmp_path / "folder"
    home.mkdir()
    path.mkdir()
    Image.new("RGB", (64, 48), "red").save(home / "x.png")
    return path


def run_in(folder: Path, *arguments: str) -> Outcome:
    variables = {**os.environ, "HOME": str(folder.parent / "home")}
    return run(*arguments, cwd=folder, env=variables)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "suffix", ["png", *(pytest.param(s, marks=THOROUGH) for s in ("tif", "mp4"))]
)
def test_what_is_read_is_the_file_of_that_name(folder: Path, name: str, suffix: str) -> None:
    path = folder / name.format(suffix)
    path.parent.mkdir(parents=True, exist_ok=True)
    if suffix == "mp4":
        make_flat_clip(path, "0x00ff00", "-c:v", "libx264rgb", "-f", "mp4")
    else:
        Image.new("RGB", (64, 48), (0, 255, 0)).save(path)
    given = f"./{path.relative_to(folder)}"
    outcome = run_in(folder, "palette", given, "-k", "1", "-o", "p.json")
    assert (outcome.code, outcome.err) == (0, outcome.err)
    (color,) = json.loads((folder / "p.json").read_text())["palette"]
    assert color["hex"] in {"#00ff00", "#00fe00"}
    make_flat_clip(folder / "black.mp4", "black")
    behind = ("--background", given, "--disable", "0", "-k", "1")
    outcome = run_in(folder, "convert", "black.mp4", *behind, "-o", "out.png", "--max-frames", "1")
    assert outcome.code == 0, outcome.err
    assert Image.open(folder / "out.png").getpixel((32, 24)) == pytest.approx((0, 255, 0), abs=2)


@pytest.mark.parametrize(
    "name", ["~/x.{}", *(pytest.param(n, marks=THOROUGH) for n in NAMES if n != "~/x.{}")]
)
def test_what_is_written_has_that_name(folder: Path, name: str) -> None:
    make_flat_clip(folder / "in.mp4", "green")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for suffix in OUTPUTS:
        written = [name.format(f"{suffix}{last}") for last in (f".{suffix}", ".csv", ".svg")]
        output, table, plot = (f"./{each}" for each in written)
        view = "labels" if suffix == "npz" else "segmented"
        options = ("-k", "1", "--max-frames", "1", "--view", view)
        files = ("-o", output, "--stats", table, "--stats-plot", plot)
        outcome = run_in(folder, "convert", "in.mp4", *options, *files)
        assert outcome.code == 0, outcome.err
        assert {each.rpartition("/")[2] for each in written} <= {*left_in((folder / name).parent)}
    assert len(left_in((folder / name).parent)) == 3 * len(OUTPUTS) + ("/" not in name)
    assert list((folder.parent / "home").glob("[!.]*")) == [folder.parent / "home" / "x.png"]
