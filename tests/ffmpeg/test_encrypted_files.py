"""Encrypted files are refused in one line, whatever ffmpeg makes of their contents."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from kseg_video import SourceError, convert, open_source
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.live.capture import open_capture
from tests.helpers.commands import run
from tests.helpers.media import left_in, make_clip

if TYPE_CHECKING:
    from pathlib import Path

ENCRYPTED = (
    *("-encryption_scheme", "cenc-aes-ctr"),
    *("-encryption_key", "1" * 32, "-encryption_kid", "2" * 32),
)
# ffmpeg decodes this to noise, with exit status 0.
NOISE = ("-c:v", "huffyuv", *ENCRYPTED)
# Elements of a track by ffmpeg, in whose place others may stand: its UID, lacing and language.
UNNEEDED = re.compile(rb"\x73\xc5\x88.{8}\x9c\x81\x00\x22\xb5\x9c\x83und", re.DOTALL)
# Matroska's ContentEncodings: encryption, and compression by headers left out (of no bytes).
ENCRYPTION = bytes.fromhex("6d80 8e 6240 8b 5033 8101 5035 84 47e2 8101 ec820000")
COMPRESSION = bytes.fromhex("6d80 8a 6240 87 5034 84 4254 8103 ec86000000000000")
REFUSED = "is encrypted; give a copy without copy protection"


@pytest.mark.parametrize(
    "command",
    [
        ("convert", "{}/noise.mov", "-o", "{}/out.mp4"),
        ("palette", "{}/noise.mov"),
        ("convert", "{}/a.mp4", "-o", "{}/o.mp4", "--disable", "0", "--background", "{}/noise.mov"),
        ("live", "{}/noise.mov", "--preview", "none", "-q"),
    ],
)
def test_by_every_command(tmp_path: Path, command: tuple[str, ...]) -> None:
    make_clip(tmp_path / "noise.mov", *NOISE, seconds=0.2)
    make_clip(tmp_path / "a.mp4", seconds=0.2)
    outcome = run(*(word.replace("{}", str(tmp_path)) for word in command))
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"kseg-video: error: {tmp_path}/noise.mov {REFUSED}\n"
    assert left_in(tmp_path) == ["a.mp4", "noise.mov"]


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("h264.mp4", ("-c:a", "aac")),
        ("fragments.mp4", ("-movflags", "frag_keyframe+empty_moov")),
        ("end.mov", ()),
        ("hevc.mp4", ("-c:v", "libx265", "-x265-params", "log-level=0")),
        ("vp9.mp4", ("-c:v", "libvpx-vp9", "-deadline", "realtime")),
    ],
)
def test_common_encryption(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    clip = make_clip(tmp_path / name, *options, *ENCRYPTED, sound=True, seconds=0.2)
    assert_refused(clip)


def test_fairplay(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.m4v", "-f", "mp4", *ENCRYPTED, seconds=0.2)
    clip.write_bytes(clip.read_bytes().replace(b"encv", b"drmi"))
    assert_refused(clip)


@pytest.mark.parametrize("name", ["a.webm", "a.mkv"])
def test_matroska(tmp_path: Path, name: str) -> None:
    clip = make_clip(tmp_path / name, seconds=0.2)
    clip.write_bytes(UNNEEDED.sub(ENCRYPTION, clip.read_bytes()))
    assert_refused(clip)


def assert_refused(clip: Path) -> None:
    with pytest.raises(SourceError, match=REFUSED):
        open_source(clip)
    with pytest.raises(SourceError, match=REFUSED):
        open_capture(str(clip), CaptureSettings())


def test_a_compressed_track_is_read(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", seconds=0.2)
    clip.write_bytes(UNNEEDED.sub(COMPRESSION, clip.read_bytes()))
    assert COMPRESSION in clip.read_bytes()
    assert convert(clip, tmp_path / "out.mkv").frames == 5


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv"])
def test_tags_tell_nothing_of_it(tmp_path: Path, name: str) -> None:
    tags = ("-metadata", "title=encv sinf cenc \x50\x35", "-metadata:s:v", "enc_key_id=AAAA")
    clip = make_clip(tmp_path / name, *tags, "-movflags", "use_metadata_tags", seconds=0.2)
    assert convert(clip, tmp_path / "out.mkv").frames == 5
