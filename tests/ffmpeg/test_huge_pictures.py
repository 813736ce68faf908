"""Pictures above 100 million pixels, or endless ones, are refused before memory is allocated."""

from __future__ import annotations

import os
import re
import stat
import struct
import threading
import zlib
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import SegmenterSettings, SourceError, convert, open_source
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.live.capture import open_capture
from tests.conftest import running_ffmpegs
from tests.helpers.commands import run_measured, start
from tests.helpers.media import ffmpeg, left_in, make_clip
from tests.helpers.servers import sender

if TYPE_CHECKING:
    import socket
    from pathlib import Path

# Pillow itself warns from half that size on.
pytestmark = pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
REFUSED = "claims pictures of more than 100 million pixels; scale it down first"
MOST_MEBIBYTES = 512
MULTIPART = b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=b\r\n\r\n"
PART = b"--b\r\nContent-Type: image/jpeg\r\n"

TIFFS = [("<", False), (">", False), ("<", True)]  # Pillow reads no big-endian BigTIFF


def with_size(data: bytes, width: int, height: int) -> bytes:
    """Patch the size in the header of a 64x48 picture: PNG, APNG, JPEG, WebP or GIF."""
    pairs = [
        (struct.pack(">HH", 48, 64), struct.pack(">HH", height, width)),  # JPEG
        (struct.pack("<HH", 64, 48), struct.pack("<HH", width, height)),  # GIF
        (b"\x3f\0\0\x2f\0\0", _in_three(width - 1) + _in_three(height - 1)),  # WebP's canvas
    ]
    for old, new in pairs:
        data = data.replace(old, new)
    header = data.find(b"IHDR")
    if header > 0:
        chunk = b"IHDR" + struct.pack(">II", width, height) + data[header + 12 : header + 17]
        data = data[:header] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[header + 21 :]
    return data


def _in_three(number: int) -> bytes:
    return number.to_bytes(3, "little")


@pytest.fixture(scope="module")
def huge_image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A valid image just above the limit."""
    path = tmp_path_factory.mktemp("huge") / "huge.png"
    Image.new("1", (10_001, 10_000)).save(path)
    return path


@pytest.fixture(scope="module")
def huge_jpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("huge") / "huge.jpg"
    Image.new("L", (10_001, 10_000)).save(path)
    return path


@pytest.mark.thorough
@pytest.mark.parametrize(
    "arguments",
    [
        ("convert", "{}", "-o", "{}/out.png"),
        ("palette", "{}"),
        ("convert", "{}/clip.mp4", "-o", "{}/out.mp4", "--disable", "0", "--background", "{}"),
        ("live", "{}/clip.mp4", "--preview", "none", "--background", "{}"),
    ],
)
def test_an_image_by_every_command(
    huge_image: Path, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    make_clip(tmp_path / "clip.mp4", seconds=0.2)
    words = [
        word.replace("{}", str(huge_image if word == "{}" else tmp_path)) for word in arguments
    ]
    outcome, mebibytes = run_measured(*words)
    assert outcome.code == 1
    assert re.fullmatch(f"kseg-video: error: .*huge.png {REFUSED}.*\n", outcome.err)
    assert mebibytes < MOST_MEBIBYTES
    assert left_in(tmp_path) == ["clip.mp4"]


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".bmp", ".webp"])
@pytest.mark.parametrize("size", [(10_001, 10_000), (13_300, 13_300)])
def test_an_image_of_every_format(tmp_path: Path, suffix: str, size: tuple[int, int]) -> None:
    path = tmp_path / f"a{suffix}"
    if suffix in {".tif", ".bmp"}:
        Image.new("1", size).save(path)
    else:
        picture = Image.new("RGBA" if suffix == ".webp" else "RGB", (64, 48), 0)
        picture.save(path, exif=b"Exif\0\0")  # makes the WebP file state its canvas size
        path.write_bytes(with_size(path.read_bytes(), *size))
    with pytest.raises(SourceError, match=REFUSED):
        open_source(path)


@pytest.mark.parametrize(("order", "big"), TIFFS)
@pytest.mark.parametrize("sides", [[10_001], [10_001, 16], [16, 10_001]])
def test_a_small_still_with_a_huge_tile(
    tmp_path: Path, order: str, big: bool, sides: list[int]
) -> None:
    """Decoders allocate whole tiles, and differ on which of two equal tags counts."""
    path = tmp_path / "a.tif"
    path.write_bytes(tiff(order, 16, sides, big=big))
    with pytest.raises(SourceError, match=REFUSED):
        convert(path, tmp_path / "out.png")
    assert left_in(tmp_path) == ["a.tif"]


@pytest.mark.parametrize(("order", "big"), TIFFS)
def test_a_still_with_tiles(tmp_path: Path, order: str, big: bool) -> None:
    (tmp_path / "a.tif").write_bytes(tiff(order, 16, [32], big=big))
    convert(tmp_path / "a.tif", tmp_path / "out.png", segmenter=SegmenterSettings(n_clusters=1))
    assert np.asarray(Image.open(tmp_path / "out.png")).max() == 0


def tiff(order: str, side: int, tile_sides: list[int], *, big: bool) -> bytes:
    """A black gray TIFF in one tile, classic or BigTIFF."""
    data = zlib.compress(bytes(min(tile_sides) ** 2))
    tags = [(256, side), (257, side), (258, 8), (259, 8), (262, 1), (277, 1)]
    tags += [(tag, tile) for tag in (322, 323) for tile in tile_sides]
    tags += [(325, len(data))]
    number, entry, header = ("Q", "HHQQ", 16) if big else ("H", "HHII", 8)
    end = struct.calcsize("=Q" if big else "=I")
    count = len(tags) + 1
    start = header + struct.calcsize(f"={number}") + count * struct.calcsize(f"={entry}") + end
    tags.append((324, start))
    directory = struct.pack(order + number, count)
    for tag, value in sorted(tags, key=lambda each: each[0]):
        packed = struct.pack(order + "I", value)
        directory += struct.pack(order + entry[:-1], tag, 4, 1) + packed.ljust(end, b"\0")
    head = struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 16) if big else (42, 8)))
    return (b"II" if order == "<" else b"MM") + head + directory + bytes(end) + data


def test_an_image_of_65535_pixels_square(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (64, 48)).save(path)
    path.write_bytes(with_size(path.read_bytes(), 65535, 65535))
    with pytest.raises(SourceError, match=REFUSED):
        convert(path, tmp_path / "out.png")
    assert left_in(tmp_path) == [path.name]


def test_an_image_in_the_middle_of_a_sequence(huge_image: Path, tmp_path: Path) -> None:
    for number in range(2):
        Image.new("RGB", (64, 48)).save(tmp_path / f"{number}.png")
    (tmp_path / "2.png").symlink_to(huge_image)
    with pytest.raises(SourceError, match=f"2.png {REFUSED}"):
        convert(tmp_path / "%d.png", tmp_path / "out.mp4")
    assert left_in(tmp_path) == ["0.png", "1.png", "2.png"]


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["a.avi", "a.gif", "a.png", "a.webp"])
def test_a_video_of_every_way_to_hold_pictures(tmp_path: Path, name: str) -> None:
    formats = {"a.avi": ("-c:v", "mjpeg"), "a.png": ("-f", "apng"), "a.webp": ("-f", "webp")}
    clip = make_clip(tmp_path / name, *formats.get(name, ()), seconds=0.2)
    clip.write_bytes(with_size(clip.read_bytes(), 65535, 65535))
    outcome, mebibytes = run_measured("convert", clip, "-o", tmp_path / "out.mp4")
    assert outcome.code == 1
    assert re.fullmatch(f"kseg-video: error: .*{name} {REFUSED}.*\n", outcome.err)
    assert mebibytes < MOST_MEBIBYTES
    assert left_in(tmp_path) == [clip.name]


def test_a_file_played_live(huge_jpeg: Path, tmp_path: Path) -> None:
    clip = tmp_path / "a.avi"
    ffmpeg("-i", huge_jpeg, "-c", "copy", clip)
    outcome, mebibytes = run_measured("live", clip, "--preview", "none")
    assert outcome.code == 1
    assert re.fullmatch(f"kseg-video: error: .*a.avi {REFUSED}.*\n", outcome.err)
    assert mebibytes < MOST_MEBIBYTES


def test_postscript_is_no_image_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow would run Ghostscript to render it."""
    ghostscript = tmp_path / "gs"
    ghostscript.write_text(f"#!/bin/sh\ntouch {tmp_path}/drawn\n")
    ghostscript.chmod(stat.S_IRWXU)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    (tmp_path / "a.png").write_text(
        "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 48\n%%EndComments\nshowpage\n%%EOF\n"
    )
    with pytest.raises(SourceError, match="is not an image that can be read"):
        convert(tmp_path / "a.png", tmp_path / "out.png")
    assert left_in(tmp_path) == ["a.png", "gs"]


def test_a_picture_in_a_stream(huge_jpeg: Path) -> None:
    part = PART + b"\r\n" + huge_jpeg.read_bytes() + b"\r\n"

    def send(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(MULTIPART)
        for _ in range(5):
            client.sendall(part)

    with sender(send) as port:
        capture = open_capture(f"http://127.0.0.1:{port}/", CaptureSettings())
        with pytest.raises(SourceError, match=REFUSED):
            capture.read()
        capture.close()


@pytest.mark.thorough
@pytest.mark.parametrize("length", [b"", b"Content-Length: 2000000000\r\n"])
def test_a_part_of_a_stream_without_end(length: bytes) -> None:
    others, all_is_sent = running_ffmpegs(), threading.Event()

    def send(client: socket.socket) -> None:
        client.sendall(MULTIPART + PART + length + b"\r\n\xff\xd8")
        for _ in range(500):
            client.sendall(bytes(1 << 20))
        all_is_sent.set()
        client.recv(1 << 20)
        client.recv(1)  # until the client disconnects

    with sender(send) as port:
        process = start("live", f"http://127.0.0.1:{port}/", "--preview", "none")
        assert all_is_sent.wait(60)
        (decoder,) = running_ffmpegs() - others
        with open(f"/proc/{decoder}/status") as file:  # noqa: PTH123
            peak = re.search(r"VmHWM:\s+(\d+) kB", file.read())
        process.terminate()
        process.communicate(timeout=30)
    assert peak is not None
    assert int(peak[1]) / 1024 < 400


def test_pixels_of_an_absurd_shape(tmp_path: Path) -> None:
    """The frame keeps its stored size: square pixels would make it a thousand times as large."""
    clip = make_clip(
        tmp_path / "a.mkv", "-vf", "setsar=sar=3000:max=3000", size="640x480", seconds=0.2
    )
    capture = open_capture(str(clip), CaptureSettings())
    frame = capture.read()
    capture.close()
    assert frame is not None
    assert (frame.width, frame.height) == (640, 480)


@pytest.mark.thorough
def test_a_file_of_many_tracks_of_large_pictures(tmp_path: Path) -> None:
    """ffmpeg decodes a frame of each to open the file, and holds them all."""
    one, many = tmp_path / "one.avif", tmp_path / "many.mkv"
    Image.new("RGB", (9900, 9900)).save(one, speed=10)
    ffmpeg("-i", one, *("-map", "0:v") * 24, "-c", "copy", many)
    outcome, mebibytes = run_measured("convert", many, "-o", tmp_path / "out.mp4")
    assert outcome.code == 1
    assert re.fullmatch(
        r"kseg-video: error: .*many\.mkv has 24 video tracks, which take too much memory; "
        r"leave out .*\n",
        outcome.err,
    )
    assert mebibytes < 3072
    assert left_in(tmp_path) == ["many.mkv", "one.avif"]


@pytest.mark.thorough
def test_a_large_picture_beside_a_small_one(tmp_path: Path) -> None:
    Image.new("RGB", (9900, 9900)).save(tmp_path / "large.avif", speed=10)
    make_clip(tmp_path / "small.mp4", seconds=0.2)
    inputs = ("-i", tmp_path / "small.mp4", "-i", tmp_path / "large.avif")
    ffmpeg(*inputs, "-map", "0:v", "-map", "1:v", "-c", "copy", tmp_path / "both.mkv")
    with open_source(tmp_path / "both.mkv") as source:
        assert len(list(source)) == 5
