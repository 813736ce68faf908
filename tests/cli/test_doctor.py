from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from kseg_video.native import kernels
from tests.helpers.commands import Outcome, run
from tests.helpers.windows import needs_screen

needs_compiled = pytest.mark.skipif(not kernels.ARE_COMPILED, reason="not compiled")
# Run at the start of Python: the compiled part cannot be loaded.
UNCOMPILED = """
import ctypes

class Library(ctypes.CDLL):
    def __init__(self, name, *options, **more):
        if str(name).endswith("compiled.shared"):
            raise OSError("not there")
        super().__init__(name, *options, **more)

ctypes.CDLL = Library
"""
HEADLESS = {name: value for name, value in os.environ.items() if "DISPLAY" not in name}


def findings(out: str) -> dict[str, tuple[str, str]]:
    """State and text of each check, by name."""
    lines = [line.split(maxsplit=2) for line in out.splitlines()]
    return {name: (state, text) for state, name, text in lines}


@pytest.fixture(scope="module")
def headless() -> Outcome:
    """Outcome where everything but a display is present."""
    return run("doctor", env=HEADLESS)


def test_where_everything_is_there(headless: Outcome) -> None:
    found = findings(headless.out)
    assert (headless.code, headless.err) == (0, "")
    assert re.match(r"kseg-video [\d.]+, Python 3\.\d+\.\d+ on .*; numpy \d", found["versions"][1])
    assert found["OpenCV"][1].endswith("opencv-python")
    assert found["self-test"][1].startswith("25 frames converted")
    needed = set(found) - {"labelling", "display", "cameras"}
    assert {found[name][0] for name in needed} == {"ok"}


def test_whether_labelling_is_compiled(headless: Outcome) -> None:
    found = ("ok", "compiled") if kernels.ARE_COMPILED else ("none", "not compiled, so .* gcc")
    state, text = findings(headless.out)["labelling"]
    assert state == found[0]
    assert re.match(found[1], text)


@needs_compiled
def test_without_the_compiled_part_the_first_conversion_says_so(
    tmp_path: Path, lake_clip: Path, lake_image: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text(UNCOMPILED)
    without = {**HEADLESS, "PYTHONPATH": str(tmp_path)}
    assert findings(run("doctor", env=without).out)["labelling"][0] == "none"
    said = "labels took twice the time, without compiled code; see kseg-video doctor"
    short = "--max-frames", "2", "-o", tmp_path / "out.mkv"
    assert said in run("convert", lake_clip, *short, env=without).err
    assert said not in run("convert", lake_clip, *short, "-y", env=HEADLESS).err
    image = run("convert", lake_image, "-o", tmp_path / "out.png", env=without)
    assert (image.code, said in image.err) == (0, False)


def test_no_display(headless: Outcome) -> None:
    why = "there is no display to show the picture on; live shows its picture in the terminal"
    assert findings(headless.out)["display"] == ("none", why)


@pytest.mark.skipif(any(Path("/dev").glob("video*")), reason="there is a camera")
def test_no_camera(headless: Outcome) -> None:
    advice = "there is no camera; plug one in"
    assert findings(headless.out)["cameras"] == ("none", advice)


def test_a_display_that_cannot_be_opened() -> None:
    outcome = run("doctor", env={**HEADLESS, "DISPLAY": ":9999"})
    why = "the display cannot be opened; live shows its picture in the terminal"
    assert (outcome.code, findings(outcome.out)["display"]) == (0, ("none", why))


@needs_screen
def test_a_display_is_found(screen: str) -> None:
    outcome = run("doctor", env={**HEADLESS, "DISPLAY": screen})
    assert findings(outcome.out)["display"] == ("ok", "windows can be opened")


class TestMissing:
    """Each missing dependency is reported with its remedy, beside all other checks."""

    def check(self, environment: dict[str, str], *expected: tuple[str, str]) -> None:
        outcome = run("doctor", env={**HEADLESS, **environment})
        found = findings(outcome.out)
        assert (outcome.code, outcome.err, len(found)) == (1, "", 9)
        for name, text in expected:
            assert found[name][0] == "MISSING"
            assert re.search(text, found[name][1]), found[name][1]
        assert found["versions"][0] == "ok"

    def test_ffmpeg(self, tmp_path: Path) -> None:
        self.check(
            {"IMAGEIO_FFMPEG_EXE": str(tmp_path / "nothing")},
            ("ffmpeg", "check|pip install"),
            ("self-test", "."),
        )

    def test_encoders(self, tmp_path: Path) -> None:
        (tmp_path / "ffmpeg").write_text("#!/bin/sh\necho ' V....D ffv1  x'; echo ffmpeg version 1")
        (tmp_path / "ffmpeg").chmod(0o755)
        self.check(
            {"IMAGEIO_FFMPEG_EXE": str(tmp_path / "ffmpeg")},
            ("encoders", "has no libx264, libvpx-vp9, prores_ks.*: unset IMAGEIO_FFMPEG_EXE"),
        )

    @pytest.mark.parametrize(
        ("error", "text"),
        [
            ("libGL.so.1: cannot open shared object file", "apt install libgl1 libglib2.0-0"),
            ("No module named 'cv2'", "pip install opencv-python"),
        ],
    )
    def test_opencv(self, tmp_path: Path, error: str, text: str) -> None:
        (tmp_path / "cv2.py").write_text(f"raise ImportError({error!r})")
        later = "cannot be checked until what is missing above is installed"
        self.check({"PYTHONPATH": str(tmp_path)}, ("OpenCV", text), ("self-test", later))
        outcome = run("doctor", env={**HEADLESS, "PYTHONPATH": str(tmp_path)})
        assert "report it" not in outcome.out
        state, _ = findings(outcome.out)["labelling"]
        assert state == ("ok" if kernels.ARE_COMPILED else "none")

    def test_one_opencv_over_another(self, tmp_path: Path) -> None:
        other = tmp_path / "opencv_python_headless-5.0.0.dist-info"
        other.mkdir()
        (other / "METADATA").write_text("Name: opencv-python-headless\nVersion: 5.0.0\n")
        both = "opencv-python and opencv-python-headless are installed over each other"
        cure = "pip uninstall -y opencv-python opencv-python-headless && pip install opencv-python"
        self.check({"PYTHONPATH": str(tmp_path)}, ("OpenCV", f"{both}.*{cure}"))

    def test_no_pygame(self, tmp_path: Path) -> None:
        (tmp_path / "pygame.py").write_text("raise ImportError('libSDL2.so is broken')")
        text = r"pygame-ce cannot be imported \(libSDL2.so is broken\); reinstall it: pip uninstall"
        self.check({"PYTHONPATH": str(tmp_path)}, ("windows", text))

    def test_the_other_pygame(self, tmp_path: Path) -> None:
        other = tmp_path / "pygame-2.6.1.dist-info"
        other.mkdir()
        (other / "METADATA").write_text("Name: pygame\nVersion: 2.6.1\n")
        cure = "pip uninstall -y pygame pygame-ce && pip install pygame-ce"
        text = f"pygame takes the place of pygame-ce; put it right with: {cure}"
        self.check({"PYTHONPATH": str(tmp_path)}, ("windows", text))
