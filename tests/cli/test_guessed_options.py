"""Options of other programs: they do what they say, or an answer says what does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kseg_video.cli.arguments import command_parser
from kseg_video.cli.guessed_options import _ANSWER_TO, _SAME, _TARGETS, answer_to
from tests.helpers.commands import run
from tests.helpers.media import inspect, left_in, make_clip

if TYPE_CHECKING:
    from pathlib import Path

OPTIONS = {name: parser.options for name, parser in command_parser().commands.items()}


def test_guesses_work(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", sound=True)
    words = "--colors 3 --keep=0,1 --hide 2 -ss 0.2 -t 0.4 -r 5 --resize 50% -an -c:v h264 -crf 30"
    outcome = run("convert", clip, "-o", tmp_path / "b.mp4", *words.split())
    assert (outcome.code, left_in(tmp_path)) == (2, ["a.mp4"])  # --only and --disable
    words = words.replace("--hide 2 ", "")
    (tmp_path / "b.mp4").touch()
    outcome = run("convert", clip, "--out", tmp_path / "b.mp4", "--force", *words.split())
    assert outcome.code == 0, outcome.err
    stored = inspect(tmp_path / "b.mp4")
    assert (stored.width, stored.height, stored.frames, stored.audio) == (32, 24, 2, ())


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        ("convert a.mp4 --quality 80", "--quality: choose with --crf (lower is better, default"),
        ("convert --quality=80 a.mp4", "--quality: choose with --crf (lower is better, default"),
        ("convert -i a.mp4 b.mp4", "-i: inputs are named without an option"),
        ("convert a.mp4 --audio", "--audio: sound is kept as it is where the container takes it"),
        (
            "convert a.mp4 --silent",
            "--silent: choose --quiet for no status, --no-audio for no sound",
        ),
        ("convert a.mp4 --transparent", "--transparent: choose with --background transparent"),
        ("convert a.mp4 --workers 4", "--workers: choose with --jobs how many inputs"),
        ("convert a.mp4 -vf scale=3:4", "-vf: filters are --crop, --size and --fps"),
        ("convert a.mp4 -n", "-n: existing files are kept unless -y is given"),
        ("palette a.mp4 --quality 3", "--quality; see"),
    ],
)
def test_answers(tmp_path: Path, words: str, answer: str) -> None:
    (tmp_path / "a.mp4").touch()
    command = words.split(maxsplit=1)[0]
    outcome = run(*words.split(), cwd=tmp_path)
    assert outcome.code == 2
    assert outcome.err.startswith(f"kseg-video: error: there is no {answer}")
    assert outcome.err.endswith(f"; see kseg-video {command} --help\n")
    assert left_in(tmp_path) == ["a.mp4"]


def test_words_after_the_options_are_files(tmp_path: Path) -> None:
    outcome = run("convert", "--", "--quality", cwd=tmp_path)
    assert "--quality does not exist; check the name" in outcome.err


def test_the_tables_name_what_there_is() -> None:
    assert _SAME.keys() <= set(OPTIONS["convert"])
    assert not _TARGETS.keys() & _ANSWER_TO.keys()
    for guess in (*_TARGETS, *_ANSWER_TO):
        assert guess not in OPTIONS["convert"]
    for guess in _ANSWER_TO:
        assert answer_to([guess], OPTIONS["convert"]) is not None


@pytest.mark.parametrize("name", ["hevc", "libx265", "H265"])
def test_a_codec_may_be_named_like_its_encoder(name: str) -> None:
    options = command_parser().parse_args(["convert", "a.mp4", "--codec", name])
    assert options.codec == "h265"
