"""Random command lines: each ends with a documented exit code and only whole files."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import stat
import sys
from typing import TYPE_CHECKING

import av
import pytest
from PIL import Image

from kseg_video.cli.arguments import parse_arguments
from tests.helpers.command_lines import command_lines
from tests.helpers.commands import Outcome, finish, start
from tests.helpers.forks import Forks
from tests.helpers.media import make_clip

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS, BATCHES = 600, 24
MOST_SECONDS = 20
REAL = 10  # every REAL-th run of a batch is a process of its own instead of a fork
UNSEEMLY = re.compile("Traceback|unexpected|\x1b|\x07|\u202e")


@pytest.fixture(scope="module")
def forks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forks]:
    with Forks(tmp_path_factory.mktemp("streams")) as forks:
        yield forks


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with all files that the command lines name."""
    folder = tmp_path_factory.mktemp("media") / "work"
    (folder / "folder").mkdir(parents=True)
    make_clip(folder / "clip.mp4", size="32x24", seconds=0.2, sound=True)
    make_clip(folder / "clip.mkv", size="33x25", seconds=0.2)
    make_clip(folder / "still.png", "-frames:v", "1", size="32x24")
    for name in ("still-0.png", "still-1.png"):
        shutil.copy(folder / "still.png", folder / name)
    (folder / "old.mp4").write_text("precious")
    (folder / "text.mp4").write_text("no video")
    (folder / "empty.mp4").touch()
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXTINF:1,\nclip.mp4\n")
    (folder / "link.mp4").symlink_to("old.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "dangling.mp4").symlink_to("nowhere.mp4")
    (folder / "colors.hex").write_text("000000\nff0000\n")
    (folder / "colors.json").write_text('["#000000", "#2b6cb0", "#ffffff"]')
    (folder / "colors.gpl").write_text("GIMP Palette\n0 0 0 a\n255 0 0 b\n")
    return folder


def contents(folder: Path) -> dict[str, str]:
    """Hash of each file in a folder and mode of everything else, by relative path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        mode = path.lstat().st_mode
        is_file = stat.S_ISREG(mode)
        found[str(path.relative_to(folder))] = (
            hashlib.sha256(path.read_bytes()).hexdigest() if is_file else oct(mode)
        )
    return found


def check_is_whole(path: Path) -> None:
    """Check that an independent reader can read the whole file."""
    if path.suffix.lower() in {".mp4", ".mkv", ".mov", ".webm", ".m4v"}:
        with av.open(str(path)) as container:
            assert list(container.decode(container.streams.video[0]))
    elif path.suffix.lower() in {".png", ".jpg", ".webp", ".gif", ".tif", ".bmp"}:
        with Image.open(path) as picture:
            picture.load()
    else:
        assert path.suffix in {".npz", ".csv", ".jsonl", ".svg", ".json", ".hex", ".gpl"}
        assert path.stat().st_size > 0


@pytest.mark.thorough
@pytest.mark.parametrize("batch", [pytest.param(0, marks=pytest.mark.quick), *range(1, BATCHES)])
def test_options(forks: Forks, media: Path, tmp_path: Path, batch: int) -> None:
    if sys.platform == "win32":
        pytest.skip("needs forks")
    for number, line in list(enumerate(command_lines(RUNS)))[batch::BATCHES]:
        folder = tmp_path / str(number) / "work"
        shutil.copytree(media, folder, symlinks=True)
        os.mkfifo(folder / "fifo")
        before = contents(folder.parent)
        if number // BATCHES % REAL == 0:
            outcome = finish(start(*line, cwd=folder, errors="replace"), MOST_SECONDS)
        else:
            outcome = forks.run(line, folder, MOST_SECONDS)
        try:
            check(line, outcome, folder, before)
        except AssertionError as error:
            raise AssertionError(f"run {number}: {line}\n{outcome}") from error
        shutil.rmtree(folder.parent)


def check(line: list[str], outcome: Outcome, folder: Path, before: dict[str, str]) -> None:
    """Check the exit code, one line per error, and that only named files were written, whole."""
    assert outcome.code in {0, 1, 2}
    inputs = [] if outcome.code == 2 else getattr(parse_arguments(line), "inputs", [])
    errors = re.findall("^kseg-video: error: .*$", outcome.err, re.MULTILINE)
    assert bool(errors) == (outcome.code != 0)
    assert len(errors) <= max(len(inputs), 1)
    assert not UNSEEMLY.search(outcome.out + outcome.err)
    after = contents(folder.parent)
    made = {name for name, content in after.items() if before.get(name) != content}
    assert before.keys() <= after.keys()
    assert outcome.code == 0 or len(inputs) > 1 or not made
    assert {"-y", "--overwrite"} & set(line) or not made & before.keys()
    given = [word.partition("=")[2] if re.match("--.*=", word) else word for word in line]
    patterns = [re.sub("%0?[0-9]*d", "([0-9]+|%d)", re.escape(name)) for name in given if name]
    names = "|".join([*patterns, r".*\.segmented\.\w+", r".*\.segmented/\d+\.\w+"])
    for path in [folder.parent / name for name in made]:
        if path.is_file():
            assert re.fullmatch(names, str(path.relative_to(folder)))
            check_is_whole(path)
