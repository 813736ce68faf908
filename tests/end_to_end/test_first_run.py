"""The test command where OpenCV lacks a system library, as on a fresh server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]


@pytest.mark.parametrize("options", [[], ["-n0", "tests/core"]])
def test_one_line_says_what_to_install(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "cv2.py").write_text(
        "raise ImportError('libGL.so.1: cannot open shared object file: No such file')"
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *options],
        check=False,
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    told = (done.stdout + done.stderr).strip().splitlines()
    assert done.returncode == 1
    assert "OpenCV lacks the system library libGL.so.1" in told[-1]
    assert "apt install libgl1 libglib2.0-0" in told[-1]
    assert len(told) == 1
