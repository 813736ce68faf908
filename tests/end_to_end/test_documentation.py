"""README and the pages in docs: their commands run, and name what the program has."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import kseg_video
from kseg_video.cli.arguments import command_parser
from kseg_video.live.key_bindings import HELP
from kseg_video.reading.image_files import write_image
from tests.conftest import SAMPLES
from tests.helpers.commands import COMMAND, run
from tests.helpers.media import make_clip
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from kseg_video.core.frame import Plane

PROJECT = Path(__file__).parents[2]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
# What a command needs that no test has: a camera, a window, an installation, a kernel, a cluster.
ELSEWHERE = re.compile(
    r"kseg-video (live|cameras|doctor)|--open|--show|(pip|apt) install|modprobe|sbatch|dask"
    "|--cluster"
)


def code_blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)


def commands(page: Path) -> list[str]:
    """The command lines of a page, those of its tables' recipes included."""
    text = page.read_text(encoding="utf-8")
    lines = "".join(code_blocks(page, "sh")).replace("\\\n", " ").splitlines()
    recipes = re.findall(r"`(kseg-video [^`]+)`", text) if page.name == "README.md" else []
    return [line.split("   #")[0].strip() for line in (*lines, *recipes) if line]


SHOWN = list(dict.fromkeys(line for page in PAGES for line in commands(page)))
OURS = [line for line in SHOWN if line.startswith("kseg-video ") and "--help" not in line]
OF_README = set(commands(PAGES[0]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the pages name, and the program."""
    folder = tmp_path_factory.mktemp("shown")
    shutil.copytree(SAMPLES, folder / "samples")
    for name in ("clip", "day1", "day2"):
        make_clip(folder / f"{name}.mp4", size="160x120", seconds=2)
    picture: Plane = quadrants(120, 160, noise=20)
    for name in ("photo", "beach"):
        write_image(folder / f"{name}.jpg", ".jpg", picture, None)
    program = folder / "bin" / "kseg-video"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {" ".join(COMMAND)} "$@"\n')
    player = folder / "bin" / "ffplay"
    player.write_text("#!/bin/sh\nexec cat >/dev/null\n")
    for script in (program, player):
        script.chmod(0o755)
    return folder


@pytest.mark.parametrize("command", OURS)
def test_the_commands_shown_are_valid(command: str) -> None:
    words = re.split(r" [#>|] ", command)[0].replace('"', "").split()
    command_parser().parse_args(words[1:])


@pytest.mark.thorough
@pytest.mark.parametrize(
    "command",
    [
        pytest.param(line, marks=[pytest.mark.quick] * (line in OF_README))
        for line in SHOWN
        if not ELSEWHERE.search(line)
    ],
)
def test_the_commands_shown_run(folder: Path, command: str) -> None:
    command = command.replace(" -o ", " -yo ")
    if command.startswith("kseg-video convert"):
        command = command.replace("kseg-video convert", "kseg-video convert --max-frames 5")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command],
        cwd=folder,
        env={"PATH": f"{folder}/bin:/usr/bin:/bin", "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.thorough
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_examples_run(folder: Path, page: Path) -> None:
    for example in code_blocks(page, "python"):
        if ELSEWHERE.search(example):
            continue
        without_window = re.sub(r"cv2\.(imshow|waitKey)\(.*?\)", "None", example)
        command = [sys.executable, "-c", without_window]
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            env={"PYTHONPATH": str(PROJECT)},
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [line for line in OURS if " --pick" in line])
def test_the_pixels_shown_lie_in_different_clusters(command: str, tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(SAMPLES)
    outcome = run(*command.split()[1:], "--max-frames", "1", cwd=tmp_path)
    found = re.findall(r"pixel \S+ is cluster (\d)", outcome.err)
    assert len(found) == len(set(found)) == 2


def test_every_option_is_documented() -> None:
    parser = command_parser()
    known = {
        option
        for command in (parser, *parser.commands.values())
        for action in command._actions
        if action.help != argparse.SUPPRESS
        for option in action.option_strings
    }
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    table = re.findall(r"^\| (`-.*?) \|", text, re.MULTILINE)
    documented = set(re.findall(r"`(--?[a-z-]+)", "\n".join(table)))
    assert documented == known - {"-h", "--help", "--version"}


def test_every_public_name_is_in_the_reference() -> None:
    text = (PROJECT / "docs" / "reference.md").read_text(encoding="utf-8")
    documented = re.findall(r"^::: kseg_video\.(\w+)$", text, re.MULTILINE)
    assert sorted(documented) == sorted(set(dir(kseg_video)) - {"__version__"})


def test_the_keys_are_those_of_the_program() -> None:
    lines = [line for group in HELP.values() for line in group]
    table = [f"| `{line.does_by}` | {line.does} |" for line in lines]
    assert "\n".join(table) in (PROJECT / "docs" / "live.md").read_text(encoding="utf-8")
    listed = [re.split("  +", line) for line in run("live", "--keys").out.splitlines()]
    assert [line[1:] for line in listed if not line[0]] == [
        [line.does_by, line.does] for line in lines
    ]
    assert [line[0] for line in listed if line[0]] == list(HELP)


def test_the_readme_is_short() -> None:
    assert len((PROJECT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_every_picture_shown_is_there() -> None:
    for page in PAGES:
        for shown in re.findall(r"!\[[^]]*\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / shown).is_file(), shown
