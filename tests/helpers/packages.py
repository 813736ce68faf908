"""Wheels and source distributions of the project, and C compilers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]
LIBRARY = "kseg_video/native/compiled.shared"
COMPILERS = ("cc", "gcc", "clang")


def compiler() -> str | None:
    return next(filter(None, map(shutil.which, COMPILERS)), None)


def wheel(folder: Path, variables: dict[str, str]) -> Path:
    """Build a wheel of a copy of the project."""
    build(folder, variables, "hatchling", "build", "-t", "wheel", "-d", str(folder))
    (built,) = folder.glob("*.whl")
    return built


def build(folder: Path, variables: dict[str, str], *command: str) -> str:
    """Run a build tool on a copy of the project, with other variables; return its output."""
    project = folder / "project"
    leave_out = shutil.ignore_patterns(".*cache", "__pycache__", ".git", ".venv", ".hypothesis")
    shutil.copytree(PROJECT, project, ignore=leave_out)
    without = {name: value for name, value in os.environ.items() if name != "CC"}
    outcome = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=without | variables,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return outcome.stdout
