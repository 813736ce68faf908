"""Files and streams that refer to other files: none of those is opened."""

from __future__ import annotations

import gzip
import re
import struct
from typing import TYPE_CHECKING

import pytest

from kseg_video import SourceError, convert
from tests.helpers.commands import run
from tests.helpers.media import ffmpeg, left_in, make_clip
from tests.helpers.servers import asked_server, sender

if TYPE_CHECKING:
    import socket
    from pathlib import Path

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile {}\n"
DASH = (
    '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>{}</BaseURL><SegmentList>'
    '<SegmentURL media="{}"/></SegmentList></Representation></AdaptationSet></Period></MPD>'
)
SDP = "v=0\nm=video 5004 RTP/AVP 96\nc=IN IP4 127.0.0.1\na=control:{}\n"
IS_A_PLAYLIST = "is a playlist, not a video; give the files that it names"

playlists = pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.m3u8", HLS),
        ("list.mp4", HLS),
        ("list.mpd", DASH),
        ("list.mp4", CONCAT),
        ("list.txt", CONCAT),
        ("list.sdp", SDP),
        ("list.pls", "[playlist]\nFile1={}\n"),
    ],
)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "secret.ts", "-c:v", "libx264", "-g", "5", seconds=0.4)


@pytest.mark.thorough
@playlists
def test_a_file_cannot_have_addresses_opened(tmp_path: Path, name: str, text: str) -> None:
    with asked_server() as (address, visits):
        (tmp_path / name).write_text(text.replace("{}", address))
        with pytest.raises(SourceError, match=IS_A_PLAYLIST):
            convert(tmp_path / name, tmp_path / "out.mp4")
    assert not visits
    assert left_in(tmp_path) == [name]


@playlists
@pytest.mark.parametrize("names", ["{}", "file://{}"])
def test_a_file_cannot_have_files_opened(
    tmp_path: Path, secret: Path, name: str, text: str, names: str
) -> None:
    named = names.format(secret) if "file:" in names else secret.name
    (tmp_path / name).write_text(text.replace("{}", named))
    with pytest.raises(SourceError, match=IS_A_PLAYLIST):
        convert(tmp_path / name, tmp_path / "out.mp4")
    assert left_in(tmp_path) == [name, secret.name]


@pytest.mark.parametrize(
    "arguments",
    [
        ("palette", "list.m3u8"),
        ("live", "list.m3u8", "--preview", "none", "--record", "out.mp4"),
        ("convert", "secret.ts", "-o", "out.mp4", "--disable", "0", "--background", "list.m3u8"),
        ("live", "secret.ts", "--preview", "none", "--background", "list.m3u8"),
    ],
)
def test_no_command_follows_a_playlist(
    tmp_path: Path, secret: Path, arguments: tuple[str, ...]
) -> None:
    (tmp_path / "list.m3u8").write_text(HLS.format(secret.name))
    outcome = run(*arguments, cwd=tmp_path)
    assert outcome.code == 1
    assert re.fullmatch(f"kseg-video: error: .*list.m3u8 {IS_A_PLAYLIST}.*\n", outcome.err)
    assert left_in(tmp_path) == ["list.m3u8", secret.name]


@pytest.mark.parametrize("name", ["d%d.tga", "d?.tga", "d*.tga"])
def test_a_picture_is_not_taken_for_others_by_its_name(tmp_path: Path, name: str) -> None:
    picture = ("-f", "lavfi", "-i", "color=s=16x16", "-frames:v", "1", "-update", "1")
    for other in ("a.tga", "d0.tga", "d1.tga"):
        ffmpeg(*picture, tmp_path / other)
    (tmp_path / "a.tga").rename(tmp_path / name)
    with pytest.raises(SourceError, match="takes for that of many files; rename it"):
        convert(tmp_path / name, tmp_path / "out.png")
    convert(tmp_path / "d0.tga", tmp_path / "out.png")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("list.ans", "some words"),
        ("list.srt", "1\n00:00:00,000 --> 00:00:01,000\nsome words\n"),
        ("list.svg", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
        ("list.avs", "Version()"),
        ("list.xml", "<!---->" * 500),
    ],
)
def test_text_is_no_video(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(SourceError, match=r"is no(t a)? video|holds no video"):
        convert(tmp_path / name, tmp_path / "out.mp4")
    assert left_in(tmp_path) == [name]


def test_a_recording_in_several_files_is_not_read(tmp_path: Path) -> None:
    """Magic Lantern Video continues in files of the same stem beside it."""
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48", "-frames:v", "1", tmp_path / "a.jpg")
    picture = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").unlink()

    def header(frames: int) -> bytes:
        counts = struct.pack("<QHHIHHIIII", 7, 0, 2, 0, 3, 0, frames, 0, 25, 1)
        return struct.pack("<4sI8s", b"MLVI", 52, b"v2.0") + counts

    shape = struct.pack("<4sIQHH160x", b"RAWI", 180, 1, 64, 48)
    frame = struct.pack("<4sIQI12x", b"VIDF", 32 + len(picture), 1000, 0) + picture
    (tmp_path / "a.mp4").write_bytes(header(1) + shape)
    (tmp_path / "a.m00").write_bytes(header(1) + frame)
    with pytest.raises(SourceError, match="is no video or image, but text or a list of others"):
        convert(tmp_path / "a.mp4", tmp_path / "out.mp4")
    assert left_in(tmp_path) == ["a.m00", "a.mp4"]


def test_a_stream_cannot_have_files_opened(tmp_path: Path, secret: Path) -> None:
    def send(client: socket.socket) -> None:
        client.sendall(HLS.format(f"file://{secret}").encode())

    with sender(send) as port:
        address = f"tcp://127.0.0.1:{port}/list.m3u8"
        options = ("--preview", "none", "--record", tmp_path / "out.mp4")
        outcome = run("live", address, *options)
    assert outcome.code == 1
    assert re.fullmatch("kseg-video: error: .* cannot be opened .*\n", outcome.err)
    assert left_in(tmp_path) == [secret.name]


PREFIXED = '<s:svg xmlns:s="http://www.w3.org/2000/svg" width="160" height="90"></s:svg>'


@pytest.mark.parametrize("name", ["a.svg", "a.SVG", "a.mp4"])
@pytest.mark.parametrize(
    "drawing",
    [
        PREFIXED.replace("s:", "").replace(":s", "").encode(),
        PREFIXED.encode(),
        gzip.compress(PREFIXED.encode(), mtime=0),
    ],
    ids=["plain", "with a prefix", "compressed"],
)
def test_a_drawing_is_not_read(tmp_path: Path, name: str, drawing: bytes) -> None:
    """It may hold pictures of any size, however its text begins."""
    (tmp_path / name).write_bytes(drawing)
    with pytest.raises(SourceError):
        convert(tmp_path / name, tmp_path / "out.mkv")
    assert left_in(tmp_path) == [name]


def test_a_picture_that_is_known_by_its_name_alone(tmp_path: Path) -> None:
    ffmpeg(*("-f", "lavfi", "-i", "color=red:s=64x48", "-frames:v", "1", tmp_path / "a.tga"))
    convert(tmp_path / "a.tga", tmp_path / "out.mkv")
    assert left_in(tmp_path) == ["a.tga", "out.mkv"]
