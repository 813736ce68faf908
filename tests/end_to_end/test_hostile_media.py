"""Damaged or false media, and file names with a special meaning to ffmpeg or a shell."""

from __future__ import annotations

import json
import os
import re
import threading
from typing import TYPE_CHECKING

import pytest

from kseg_video import SourceError, convert
from kseg_video.live.capture import is_stream
from tests.helpers.commands import run, start
from tests.helpers.media import left_in, make_clip, read_yuv
from tests.helpers.mutations import make_originals, mutated
from tests.helpers.servers import asked_server

if TYPE_CHECKING:
    from pathlib import Path

FILES, BATCHES = 600, 24
MOST_MEBIBYTES = 1152  # one mutated file decodes as an image of 17 million pixels
MOST_SECONDS = 60  # for a batch of 25


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return make_originals(tmp_path_factory.mktemp("originals"))


@pytest.mark.thorough
@pytest.mark.parametrize("batch", [pytest.param(0, marks=pytest.mark.quick), *range(1, BATCHES)])
def test_mutated_files(originals: list[Path], tmp_path: Path, batch: int) -> None:
    """No file makes it crash, hang or fill memory; it leaves a whole output, or only one line."""
    (tmp_path / "in").mkdir()
    (tmp_path / "out").mkdir()
    files = list(mutated(originals, tmp_path / "in", FILES))[batch::BATCHES]
    with (tmp_path / "json").open("w") as out, (tmp_path / "errors").open("w") as errors:
        options = ("-k", "2", "--json", "-q", "-o", tmp_path / "out")
        process = start("convert", *options, *files, stdout=out, stderr=errors)
        killer = threading.Timer(MOST_SECONDS, process.kill)
        killer.start()
        _, status, usage = os.wait4(process.pid, 0)
        killer.cancel()
        killer.join()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode in {0, 1}
    assert usage.ru_maxrss / 1024 < MOST_MEBIBYTES  # the largest process, ffmpegs included
    said = (tmp_path / "errors").read_text().splitlines()
    assert all(re.fullmatch("kseg-video: (error|warning): .*", line) for line in said), said
    assert not [line for line in said if "unexpected" in line]
    summaries = json.loads((tmp_path / "json").read_text())
    assert [summary["input"] for summary in summaries] == [str(path) for path in files]
    written = {summary["output"]: summary for summary in summaries if "error" not in summary}
    assert {str(path) for path in (tmp_path / "out").iterdir()} == set(written)
    for output, summary in written.items():
        if output.endswith((".mp4", ".mkv", ".mov", ".webm")):
            # The sound may remain as damaged as in the input.
            assert len(read_yuv(tmp_path / "out" / output)) == summary["frames"]


def test_the_same_seed_makes_the_same_files(originals: list[Path], tmp_path: Path) -> None:
    made = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        made.append([path.read_bytes() for path in mutated(originals, tmp_path / name, 160)])
    assert made[0] == made[1]
    sources = [path.read_bytes() for path in originals] * 10
    assert sum(a != b for a, b in zip(made[0], sources, strict=True)) > 120


def test_frames_of_minutes(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.gif", seconds=0.4)
    minutes = b"\x21\xf9\x04\\1\xff\xff"  # the others stay short, so that these are many frames
    delays = re.sub(rb"(?s)\x21\xf9\x04(.)..", minutes, clip.read_bytes(), count=9)
    clip.write_bytes(delays)
    with pytest.raises(SourceError, match=r"claims to last 5\d{3} s, with \d{4} bytes in it"):
        convert(clip, tmp_path / "out.mp4")
    assert left_in(tmp_path) == [clip.name]


class TestNames:
    """File names have no special meaning."""

    @pytest.mark.parametrize(
        "name", ["-i", "concat:clip.mp4|clip.mp4", "file:clip.mp4", "data:,x", "pipe:0"]
    )
    def test_convert_takes_files_alone(self, tmp_path: Path, name: str) -> None:
        make_clip(tmp_path / "clip.mp4", seconds=0.2)
        outcome = run("convert", "-o", "out.mp4", "--", name, cwd=tmp_path)
        assert outcome.code == 1
        assert re.fullmatch("kseg-video: error: .* does not exist; check the name\n", outcome.err)
        assert left_in(tmp_path) == ["clip.mp4"]

    def test_convert_visits_no_address(self, tmp_path: Path) -> None:
        with asked_server() as (address, visits):
            outcome = run("convert", "-o", "out.mp4", address, cwd=tmp_path)
        assert (outcome.code, visits) == (2, [])
        assert re.fullmatch("kseg-video: error: .* is an address; download it .*\n", outcome.err)
        assert left_in(tmp_path) == []

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("http://host/a", True),
            ("HTTPS://host/a", True),
            ("rtsp://host/a", True),
            ("udp://127.0.0.1:5000", True),
            ("concat://a|b", False),
            ("file:///etc/passwd", False),
            ("subfile://x", False),
            ("cache://x", False),
            ("unix://socket", False),
            ("-i://x", False),
        ],
    )
    def test_live_opens_addresses_of_the_network(self, source: str, expected: bool) -> None:
        assert is_stream(source) == expected
