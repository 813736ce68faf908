"""Small files whose coded pictures are far larger than the shown ones get a limit of memory."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.helpers.commands import run_measured
from tests.helpers.media import ffmpeg, left_in, make_clip

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits memory")
MOST_MEBIBYTES = 2200
TAKES_TOO_MUCH = "takes more memory than pictures of this size should; encode the file anew"
START, SYNC = b"\0\0\0\1", b"\x49\x83\x42"
CODED = 16192


class Bits:
    """The bits of a header, read one value after another."""

    def __init__(self, data: bytes) -> None:
        self.text = "".join(f"{byte:08b}" for byte in data)
        self.at = 0

    def golomb(self) -> int:
        zeros = self.text.index("1", self.at) - self.at
        begin, self.at = self.at + zeros, self.at + 2 * zeros + 1
        return int(self.text[begin : self.at], 2) - 1


def golomb(number: int) -> str:
    text = f"{number + 1:b}"
    return "0" * (len(text) - 1) + text


def cropped_h264(path: Path) -> Path:
    """Pictures of 160x128, coded as a corner of huge ones."""
    stream = path.with_suffix(".h264")
    coding = ("-c:v", "libx264", "-profile:v", "baseline", "-x264-params", "keyint=1:slices=1")
    make_clip(stream, *coding, size="160x128", seconds=0.4)
    units = stream.read_bytes().split(START)
    for number, unit in enumerate(units):
        if unit[:1] == b"\x67":
            bits = Bits(unit[4:])  # after the profile and the level
            for _ in range(3):
                bits.golomb()
            order = bits.text[: bits.at]  # identifier, bits of frame numbers, order of pictures
            sides = golomb(CODED // 16 - 1)
            cut = [golomb((CODED - side) // 2) for side in (160, 128)]
            crop = "1" + golomb(0) + cut[0] + golomb(0) + cut[1]
            text = f"{order}{golomb(1)}0{sides}{sides}11{crop}01"
            text += "0" * (-len(text) % 8)
            data = bytes(int(text[at : at + 8], 2) for at in range(0, len(text), 8))
            units[number] = unit[:3] + b"\x34" + data
    stream.write_bytes(START.join(units))
    ffmpeg("-r", "25", "-i", stream, "-c", "copy", path)
    stream.unlink()
    return path


def grown_vp9(path: Path) -> Path:
    """Transparent pictures of 160x120, of which a later one claims 16384x16384."""
    coding = ("-vf", "format=yuva420p", "-c:v", "libvpx-vp9", "-g", "1", "-cpu-used", "8")
    make_clip(path, *coding, size="160x120", seconds=0.4)
    data = bytearray(path.read_bytes())
    at = [found.start() - 1 for found in re.finditer(SYNC, bytes(data))][6]
    header = int.from_bytes(data[at : at + 9], "big")
    data[at : at + 9] = (header | 0x3FFF3FFF << 4).to_bytes(9, "big")  # less one, in 16 bits each
    path.write_bytes(data)
    return path


THOROUGH = pytest.mark.thorough
CONVERT = ("convert", "{}", "-y", "-o", "{}/out.mkv")
BEHIND = ("convert", "{}/clip.mp4", "-y", "-o", "{}/out.mkv", "--disable", "0", "--background")


@pytest.mark.parametrize(
    ("make", "command"),
    [
        (grown_vp9, CONVERT),
        pytest.param(cropped_h264, CONVERT, marks=THOROUGH),
        pytest.param(cropped_h264, ("palette", "{}"), marks=THOROUGH),
        pytest.param(cropped_h264, (*BEHIND, "{}"), marks=THOROUGH),
    ],
)
def test_by_every_command(
    tmp_path: Path, make: Callable[[Path], Path], command: tuple[str, ...]
) -> None:
    make_clip(tmp_path / "clip.mp4", seconds=0.4)
    (tmp_path / "out.mkv").write_text("precious")
    bomb = make(tmp_path / ("bomb.webm" if make is grown_vp9 else "bomb.mp4"))
    words = [w.replace("{}/", f"{tmp_path}/").replace("{}", str(bomb)) for w in command]
    outcome, mebibytes = run_measured(*words)
    assert outcome.code == 1
    assert re.fullmatch(rf"kseg-video: error: .*bomb.*{TAKES_TOO_MUCH}.*\n", outcome.err)
    assert mebibytes < MOST_MEBIBYTES
    assert left_in(tmp_path) == [bomb.name, "clip.mp4", "out.mkv"]
    assert (tmp_path / "out.mkv").read_text() == "precious"
