from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kseg_video.cli.arguments import command_parser
from kseg_video.live.key_bindings import HELP
from tests.conftest import SAMPLES
from tests.helpers.commands import run
from tests.helpers.media import inspect

README = Path(__file__).parents[2] / "README.md"


def code_blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)


SHOWN = "\n".join(code_blocks("sh"))


@pytest.mark.thorough
def test_the_python_example_runs(tmp_path: Path) -> None:
    (example,) = code_blocks("python")
    (tmp_path / "samples").symlink_to(SAMPLES)
    finished = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "(540, 960)" in finished.stdout
    stored = inspect(tmp_path / "lake-masked.mp4")
    assert (stored.frames, stored.audio) == (200, ("aac",))


@pytest.mark.parametrize("command", re.findall(r"^kseg-video .*", SHOWN, re.MULTILINE))
def test_the_commands_shown_are_valid(command: str) -> None:
    words = command.split("#", maxsplit=1)[0].split(">", maxsplit=1)[0].split()
    command_parser().parse_args(words[1:])


@pytest.mark.parametrize("command", re.findall(r"^kseg-video (.* --pick.*)", SHOWN, re.MULTILINE))
def test_the_pixels_shown_lie_in_different_clusters(command: str, tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(SAMPLES)
    outcome = run(*command.split(), "--max-frames", "1", cwd=tmp_path)
    found = re.findall(r"pixel \S+ is cluster (\d)", outcome.err)
    assert len(found) == len(set(found)) == 2


def test_every_option_is_documented() -> None:
    (commands,) = (
        action.choices
        for action in command_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    known = {
        option
        for command in commands.values()
        for action in command._actions
        for option in action.option_strings
    }
    table = re.findall(r"^\| (`-.*?) \|", README.read_text(encoding="utf-8"), re.MULTILINE)
    documented = set(re.findall(r"`(--?[a-z-]+)", "\n".join(table)))
    assert documented == known - {"-h", "--help"}


def test_the_keys_are_those_of_the_program() -> None:
    lines = [line for group in HELP.values() for line in group]
    table = [f"| `{line.does_by}` | {line.does} |" for line in lines]
    assert "\n".join(table) in README.read_text(encoding="utf-8")
    listed = [re.split("  +", line) for line in run("live", "--keys").out.splitlines()]
    assert [line[1:] for line in listed if not line[0]] == [
        [line.does_by, line.does] for line in lines
    ]
    assert [line[0] for line in listed if line[0]] == list(HELP)
