"""``kseg-video preview`` and ``measure`` as users run them."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import time
from typing import TYPE_CHECKING

import imageio.v3 as iio
import numpy as np
import pytest

from tests.helpers.commands import run, run_on_terminal
from tests.helpers.media import make_clip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", seconds=0.2)


class TestPreview:
    def test_a_sheet_appears_beside_the_input_and_replaces_none(
        self, clip: Path, tmp_path: Path
    ) -> None:
        source = tmp_path / "holiday.mp4"
        shutil.copy(clip, source)
        outcome = run("preview", source, "-k", "3", "--json")
        assert (outcome.code, outcome.err) == (0, "")
        told = json.loads(outcome.out)
        assert told["output"] == str(tmp_path / "holiday-preview.png")
        assert iio.imread(tmp_path / "holiday-preview.png").ndim == 3
        converted = json.loads(run("convert", source, "-k", "3", "--json").out)
        assert told["palette"] == converted["palette"]
        again = run("preview", source)
        assert again.code == 1
        assert "holiday-preview.png exists" in again.err
        assert run("preview", source, "-y", "-q").err == ""

    @pytest.mark.parametrize("name", ["sheet.gif", "sheet.mp4", "sheet", "sheet-%02d.png"])
    def test_only_a_picture_can_be_named(self, clip: Path, tmp_path: Path, name: str) -> None:
        outcome = run("preview", clip, "-o", tmp_path / name)
        assert outcome.code == 2
        assert "a preview is one picture; name it with one of" in outcome.err
        assert not list(tmp_path.iterdir())

    def test_open_shows_it_with_the_desktops_viewer(
        self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        viewer = tmp_path / "xdg-open"
        viewer.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/part && mv {tmp_path}/part $0.told\n')
        viewer.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        sheet = tmp_path / "sheet.jpg"
        assert run("preview", clip, "-o", sheet, "--open").code == 0
        told = tmp_path / "xdg-open.told"
        while not told.exists():
            time.sleep(0.02)
        assert told.read_text().strip() == str(sheet)

    def test_without_a_viewer_the_picture_is_written_all_the_same(
        self, clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        outcome = run("preview", clip, "-o", tmp_path / "sheet.png", "--open", "-q")
        assert outcome.code == 0
        assert "there is no xdg-open" in outcome.err
        assert (tmp_path / "sheet.png").exists()

    def test_a_terminal_shows_frames_with_numbers(self, clip: Path, tmp_path: Path) -> None:
        sheet = tmp_path / "sheet.png"
        outcome = run_on_terminal("preview", clip, "-k", "3", "-o", sheet, size=(40, 100))
        assert outcome.code == 0
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", outcome.err)
        rows = [line for line in text.splitlines() if "▀" in line]
        assert len(rows) > 10
        assert set("".join(rows)) >= set("012▀")

    def test_a_terminal_of_pictures_shows_the_sheet(self, clip: Path, tmp_path: Path) -> None:
        sheet = tmp_path / "sheet.png"
        outcome = run_on_terminal("preview", clip, "-o", sheet, TERM_PROGRAM="WezTerm", TMUX="")
        assert outcome.code == 0
        height, width = iio.imread(sheet).shape[:2]
        sent = re.search(r"\x1b_Ga=T,f=24,o=z,s=(\d+),v=(\d+),", outcome.err)
        assert sent is not None
        assert int(sent[1]) / int(sent[2]) == pytest.approx(width / height, rel=0.01)
        assert "▀" not in outcome.err


class TestMeasure:
    @pytest.mark.parametrize(
        "options",
        [
            "-k 5 --stability 0 --mapping exact",
            "-k 9 --color-space oklab --sample-pixels all --start 0.08",
        ],
    )
    def test_the_table_is_that_of_convert_and_of_its_label_map(
        self, clip: Path, tmp_path: Path, options: str
    ) -> None:
        """To the last digit, as whoever counts the pixels again wants it."""
        files = ("-o", tmp_path / "m.csv", "--stats-plot", tmp_path / "m.svg")
        outcome = run("measure", clip, *options.split(), *files)
        assert outcome.code == 0
        assert re.match(r"\S+/m\.csv: \d frames, ", outcome.err)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["m.csv", "m.svg"]
        labels = ("--view", "labels", "-o", tmp_path / "x.npz", "--stats", tmp_path / "c.csv")
        assert run("convert", clip, *options.split(), *labels).code == 0
        assert (tmp_path / "m.csv").read_bytes() == (tmp_path / "c.csv").read_bytes()
        maps = np.load(tmp_path / "x.npz")["labels"]
        with (tmp_path / "m.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == len(maps) > 2
        for row, of_frame in zip(rows, maps, strict=True):
            for number in range(int(options.split()[1])):
                where_y, where_x = np.nonzero(of_frame == number)
                assert row[f"share_{number}"] == str(round(len(where_x) / of_frame.size, 6))
                for name, where in (("x", where_x), ("y", where_y)):
                    mean = str(round(float(where.mean()), 2)) if len(where) else ""
                    assert row[f"{name}_{number}"] == mean

    def test_the_names_are_those_of_the_colours(self, tmp_path: Path) -> None:
        picture = np.zeros((48, 64, 3), np.uint8)
        picture[:, 32:] = (30, 60, 220)
        iio.imwrite(tmp_path / "a.png", picture)
        assert run("measure", tmp_path / "a.png", "-k", "3", "-o", tmp_path / "a.jsonl").code == 0
        clusters = json.loads((tmp_path / "a.jsonl").read_text())["clusters"]
        assert [cluster["name"] for cluster in clusters] == ["black", "blue", None]

    def test_one_line_says_how(self, clip: Path, tmp_path: Path) -> None:
        for command in (
            ("convert", clip, "-o", "none", "--stats", tmp_path / "s.csv"),
            ("measure", clip),
        ):
            outcome = run(*command)
            assert outcome.code == 2
            assert re.fullmatch(r"kseg-video: error: .* -o stats\.csv\n", outcome.err)
        assert run("measure", clip, "-o", tmp_path / "s.mp4").code == 2
        assert not list(tmp_path.iterdir())

    def test_a_failure_leaves_nothing_behind(self, clip: Path, tmp_path: Path) -> None:
        broken = tmp_path / "broken.mp4"
        broken.write_bytes(clip.read_bytes()[:-2000])
        files = ("-o", tmp_path / "m.csv", "--stats-plot", tmp_path / "m.png")
        outcome = run("measure", broken, *files)
        assert outcome.code == 1
        assert outcome.err.count("\n") == 1
        assert list(tmp_path.iterdir()) == [broken]
