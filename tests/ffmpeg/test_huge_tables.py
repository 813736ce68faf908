"""Small files that claim millions of frames are refused before ffmpeg lists them all."""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING

import pytest

from tests.helpers.commands import run_measured
from tests.helpers.media import left_in, make_clip

if TYPE_CHECKING:
    from pathlib import Path

MOST_MEBIBYTES = 3072
FRAMES = 150_000_000


def claiming(path: Path, *boxes: bytes) -> Path:
    """A clip whose every track claims millions of samples of one byte, all in one chunk."""
    clip = make_clip(path, "-c:a", "aac", sound=True, seconds=0.4)
    data = bytearray(clip.read_bytes())
    for found in re.finditer(b"|".join(boxes), bytes(data)):
        at = found.end() + 4
        if found[0] == b"stsz":
            data[at : at + 8] = struct.pack(">II", 1, FRAMES)
        else:  # the samples of the first chunk, or with the first duration
            at += 8 if found[0] == b"stsc" else 4
            data[at : at + 4] = struct.pack(">I", FRAMES)
    clip.write_bytes(data)
    return clip


@pytest.mark.parametrize(
    "command",
    [
        ("convert", "{}", "-o", "{}.mkv"),
        ("palette", "{}"),
        ("convert", "{}/clip.mp4", "-o", "{}.mkv", "--disable", "0", "--background", "{}"),
        ("live", "{}", "--preview", "none"),
    ],
)
def test_by_every_command(tmp_path: Path, command: tuple[str, ...]) -> None:
    make_clip(tmp_path / "clip.mp4", seconds=0.2)
    bomb = claiming(tmp_path / "bomb.mp4", b"stsz", b"stsc")
    words = [w.replace("{}/", f"{tmp_path}/").replace("{}", str(bomb)) for w in command]
    outcome, mebibytes = run_measured(*words)
    assert outcome.code == 1
    *_, line = outcome.err.splitlines()  # live tells its state before
    assert re.fullmatch(r"kseg-video: error: .*bomb\.mp4 is not a video.*", line)
    assert mebibytes < MOST_MEBIBYTES
    assert left_in(tmp_path) == [bomb.name, "clip.mp4"]
