"""What is built of the project, with and without a C compiler, and that it runs once installed."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import tarfile
import venv
from functools import partial
from pathlib import Path
from zipfile import ZipFile

import pytest

from kseg_video.ffmpeg.process import environment
from tests.helpers.media import inspect
from tests.helpers.packages import LIBRARY, PROJECT, build, compiler

needs_compiler = pytest.mark.skipif(compiler() is None, reason="no C compiler")


def names_in(archive: Path) -> set[str]:
    with ZipFile(archive) as opened:
        return set(opened.namelist())


@pytest.mark.parametrize(
    ("without", "why"),
    [
        ({"CC": "false"}, "false failed with exit code 1"),
        ({"CC": "no-such-compiler"}, "no-such-compiler cannot be run"),
        ({"CC": "sh -c 'echo no headers >&2; exit 4'"}, "no headers"),
        ({"PATH": ""}, "there is no C compiler (cc, gcc, clang)"),
    ],
)
def test_a_wheel_without_a_compiler_is_for_all_computers(
    tmp_path: Path, without: dict[str, str], why: str
) -> None:
    said = build(tmp_path, without, "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    (built,) = tmp_path.glob("*.whl")
    assert built.name.endswith("-py3-none-any.whl")
    assert LIBRARY not in names_in(built)
    assert names_in(built) >= {"kseg_video/__init__.pyi", "kseg_video/py.typed"}
    assert "Kernels: not compiled" in said
    assert why in said


@needs_compiler
def test_a_wheel_with_the_library_is_for_one_platform_and_any_python(tmp_path: Path) -> None:
    said = build(tmp_path, {}, "hatchling", "build", "-t", "wheel", "-d", str(tmp_path))
    (built,) = tmp_path.glob("*.whl")
    interpreter, abi, platform = built.stem.split("-")[2:]
    assert (interpreter, abi) == ("py3", "none")
    if sys.platform == "linux":
        assert platform == sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert LIBRARY in names_in(built)
    assert f"Kernels: compiled by {compiler()}" in said


def test_a_source_distribution_has_all_that_is_tracked_and_nothing_that_is_built(
    tmp_path: Path,
) -> None:
    build(tmp_path, {}, "hatchling", "build", "-t", "sdist", "-d", str(tmp_path))
    (built,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(built) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    sources = {
        path.relative_to(PROJECT).as_posix()
        for folder in ("kseg_video", "tests", "benchmarks", "samples")
        for path in (PROJECT / folder).rglob("*")
        if path.suffix in {".py", ".c", ".h", ".typed", ".mp4"}
    }
    assert sources <= names
    others = {"pyproject.toml", "hatch_build.py", "README.md", "CHANGELOG.md", "LICENSE"}
    assert others <= names
    built_things = {name for name in names if name.endswith((".shared", ".pyc", ".whl"))}
    assert not built_things


@needs_compiler
@pytest.mark.thorough
def test_a_wheel_runs_where_there_is_no_compiler(tmp_path: Path) -> None:
    """Built of the source distribution, and installed into an environment of its own."""
    options = ["--no-isolation", "--outdir", str(tmp_path)]
    build(tmp_path, {}, "build", *options)
    (built,) = tmp_path.glob("*.whl")
    python = new_environment(tmp_path / "environment")
    install = ["install", "--quiet", "--no-deps", "--no-index", str(built)]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
    run = partial(
        subprocess.run, cwd=tmp_path, env=environment() | {"PATH": ""}, check=True, text=True
    )
    where = [python, "-c", "from kseg_video.native import compiled; print(compiled.__file__)"]
    assert Path(run(where, stdout=subprocess.PIPE).stdout).is_relative_to(tmp_path / "environment")
    command, lake = Path(python).with_name("kseg-video"), PROJECT / "samples" / "lake.mp4"
    doctor = run([command, "doctor"], stdout=subprocess.PIPE)
    assert re.search("^ok +labelling +compiled$", doctor.stdout, re.MULTILINE)
    run([command, "convert", lake, "-o", "lake.mp4"])
    assert inspect(tmp_path / "lake.mp4").frames == inspect(lake).frames


def new_environment(folder: Path) -> str:
    """An environment with the libraries of this one, but not the project; its Python."""
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    paths = {name: str(folder) for name in ("base", "platbase")}
    (Path(sysconfig.get_path("purelib", vars=paths)) / "libraries.pth").write_text(
        sysconfig.get_path("purelib")
    )
    return str(python)
