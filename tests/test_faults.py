"""What may happen to a conversion: one clear line, the right exit code, nothing left behind."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.commands import Outcome, run
from tests.faulty_ffmpeg import faulty_ffmpeg
from tests.media import make_clip

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound."""
    return make_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", sound=True, seconds=2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where outputs go, and nothing else is."""
    path = tmp_path / "outputs"
    path.mkdir()
    return path


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def assert_failed(outcome: Outcome, message: str) -> None:
    assert re.fullmatch(rf"kseg-video: error: .*{message}.*\n", outcome.err), outcome.err
    assert (outcome.code, outcome.out) == (1, "")


class TestWholeOrAbsent:
    """An encoder that ended well may still have lost something."""

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            ('ffmpeg "$@"; truncate -s -9000 "$last"', "was written but is not whole"),
            ('ffmpeg "$@"; : > "$last"', "is not whole .0 of 50 frames"),
            ('ffmpeg "$@" && rm "$last"', "is not whole .0 of 50 frames"),
            ('ffmpeg "${@:1:$#-1}" -frames:v 49 "${!#}"', "is not whole .49 of 50 frames"),
            ('ffmpeg "${@/25/24}"', r"is not whole .it lasts 2\.083 s instead of 2\.000 s"),
        ],
    )
    def test_what_is_not_whole_is_absent(
        self, clip: Path, folder: Path, tmp_path: Path, fault: str, message: str
    ) -> None:
        environment = faulty_ffmpeg(tmp_path, "encode", fault)
        (folder / "out.mp4").write_text("precious")
        outcome = run("convert", clip, "-o", folder / "out.mp4", "-y", env=environment)
        assert_failed(outcome, message)
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"
