"""The output's size: told in the status, the summary and the report, with ways to a smaller one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from kseg_video import DecoderSettings, EncoderSettings, RenderSettings, SegmenterSettings, convert
from kseg_video.core.shown_text import bytes_in_words
from tests.helpers.commands import run
from tests.helpers.media import make_clip

if TYPE_CHECKING:
    from pathlib import Path

SMALL = ("-c:v", "libx264", "-crf", "40", "-g", "250")
TWO = SegmenterSettings(n_clusters=2)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "a.mp4", *SMALL, size="128x96", picture="mandelbrot")


@pytest.fixture
def _of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of the size of tests are worth a hint, too."""
    monkeypatch.setattr("kseg_video.conversion.report._WORTH_A_HINT", 0)


def test_small_files_are_not_worth_a_hint(clip: Path, tmp_path: Path) -> None:
    report = convert(clip, tmp_path / "b.mp4", encoder=EncoderSettings(crf=4), segmenter=TWO)
    assert report.bytes_written > clip.stat().st_size
    assert not [note for note in report.notes if "smaller" in note]


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (870_400, "870 kB"),
        (999_600, "1.0 MB"),
        (14_800_000, "15 MB"),
        (5 * 10**12, "5000 GB"),
    ],
)
def test_sizes_in_words(count: int, words: str) -> None:
    assert bytes_in_words(count) == words


@pytest.mark.usefixtures("_of_any_size")
@pytest.mark.parametrize(
    ("name", "encoder", "ways"),
    [
        ("b.mp4", EncoderSettings(crf=4), "--crf 9, --size 50% or --codec av1"),
        ("b.mov", EncoderSettings(crf=4), "--crf 9, --size 50% or --codec h265"),
        ("b.webm", EncoderSettings(codec="av1", crf=4), "--crf 9 or --size 50%"),
        ("b.mp4", EncoderSettings(crf=50), None),
        ("b.gif", EncoderSettings(), "--size 50% or --fps 10"),
        ("b.mkv", EncoderSettings(lossless=True), None),
        ("b-%d.png", EncoderSettings(), None),
    ],
)
def test_a_larger_output_says_how_to_make_it_smaller(
    clip: Path, tmp_path: Path, name: str, encoder: EncoderSettings, ways: str | None
) -> None:
    report = convert(clip, tmp_path / name, encoder=encoder, segmenter=TWO)
    before = bytes_in_words(clip.stat().st_size)
    said = [note for note in report.notes if "smaller" in note]
    wanted = f"larger than the input, which has {before}; smaller with {ways}"
    assert said == ([wanted] if ways else [])
    written = [path for path in tmp_path.iterdir() if path.name.startswith("b")]
    assert report.bytes_written == sum(path.stat().st_size for path in written)


@pytest.mark.usefixtures("_of_any_size")
def test_of_large_pictures_a_usual_size_is_named(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", *SMALL, size="1280x960", seconds=0.08)
    view = RenderSettings("original")
    encoder = EncoderSettings(crf=1)
    report = convert(clip, tmp_path / "b.mp4", encoder=encoder, rendering=view, segmenter=TWO)
    assert "--crf 6, --size 720p or --codec av1" in report.notes[-1]
    decoder = DecoderSettings(shorter_side=720)
    report = convert(
        *(clip, tmp_path / "c.mp4"),
        encoder=encoder,
        rendering=view,
        segmenter=TWO,
        decoder=decoder,
    )
    assert "--size 50%" in report.notes[-1]


def test_labels_and_json(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "b.npz"
    outcome = run("convert", clip, "-o", output, "--view", "labels", "--json")
    assert json.loads(outcome.out)["bytes"] == output.stat().st_size
