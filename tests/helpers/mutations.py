"""Small real media files with damaged or false contents, reproducible by seed."""

from __future__ import annotations

import random
import re
import struct
from itertools import cycle
from typing import TYPE_CHECKING

from tests.helpers.media import ffmpeg, make_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WIDTH, HEIGHT, SECONDS = 64, 48, 0.4
SIZES = ("<H", ">H", "<I", ">I")  # how formats store a width
MADE_OF: dict[str, tuple[str, ...]] = {
    "h264.mp4": ("-c:a", "aac", "-movflags", "+faststart"),
    "mpeg4.mov": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    "fragments.mp4": ("-movflags", "frag_keyframe+empty_moov", "-g", "3", "-an"),
    "h264.mkv": ("-c:a", "flac"),
    "ffv1.mkv": ("-c:v", "ffv1", "-an"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-c:a", "libopus", "-deadline", "realtime"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
    "mjpeg.avi": ("-c:v", "mjpeg", "-an"),
    "mpeg2.ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
    "hevc.mp4": ("-c:v", "libx265", "-x265-params", "log-level=0", "-an"),
    "animation.gif": ("-an",),
    "still.png": ("-frames:v", "1", "-an"),
    "still.jpg": ("-frames:v", "1", "-an"),
    "still.tif": ("-frames:v", "1", "-an"),
    "still.bmp": ("-frames:v", "1", "-an"),
}


def make_originals(folder: Path) -> list[Path]:
    """One small file of each kind."""
    paths = []
    for name, options in MADE_OF.items():
        size = f"{WIDTH}x{HEIGHT}"
        sound = "-an" not in options
        paths.append(make_clip(folder / name, *options, size=size, seconds=SECONDS, sound=sound))
    still = folder / "still.webp"
    ffmpeg("-i", folder / "still.png", still)
    return [*paths, still]


def mutated(originals: list[Path], folder: Path, count: int, seed: int = 0) -> Iterator[Path]:
    """Damaged copies in a folder, named by number, mutation and original."""
    chance = random.Random(seed)
    for number, original in zip(range(count), cycle(originals), strict=False):
        mutation = MUTATIONS[number // len(originals) % len(MUTATIONS)]
        data = bytearray(original.read_bytes())
        mutation(data, chance)
        path = folder / f"{number:03}-{mutation.__name__}-{original.name}"
        path.write_bytes(data)
        yield path


def some_bytes(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, max(len(data) // 100, 2))):
        data[chance.randrange(len(data))] = chance.randrange(256)


def header_bytes(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 8)):
        data[chance.randrange(min(len(data), 700))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))


def cut_off(data: bytearray, chance: random.Random) -> None:
    del data[chance.randint(1, len(data) - 1) :]


def cut_out(data: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(data))
    del data[start : start + chance.randint(1, len(data) // 4)]


def swapped_parts(data: bytearray, chance: random.Random) -> None:
    """Swap boxes of an MP4, or blocks of any other file."""
    borders = _boxes(data) if data[4:8] == b"ftyp" else []
    if len(borders) < 4:
        borders = sorted(chance.sample(range(len(data)), 4))
    first, second = sorted(chance.sample(range(len(borders) - 1), 2))
    parts = [data[a:b] for a, b in zip([0, *borders], [*borders, len(data)], strict=True)]
    parts[first + 1], parts[second + 1] = parts[second + 1], parts[first + 1]
    data[:] = b"".join(parts)


def sizes_of_65535(data: bytearray, chance: random.Random) -> None:
    """Set width, height or both to 65535, wherever they seem to be stored."""
    axes = chance.choice(((WIDTH,), (HEIGHT,), (WIDTH, HEIGHT)))
    for axis in axes:
        for form in SIZES:
            _replace(data, re.escape(struct.pack(form, axis)), struct.pack(form, 65535))
        # tkhd stores 16.16 fixed point, Matroska numbers of as few bytes as possible
        _replace(data, re.escape(struct.pack(">HH", axis, 0)), struct.pack(">HH", 65535, 0))
        for element in (b"\xb0", b"\xba"):
            _replace(data, element + b"\x81" + re.escape(bytes([axis])), element + b"\x81\xff")


def strange_rates(data: bytearray, chance: random.Random) -> None:
    """Set time bases and frame durations to 0 or 1e9."""
    rate = struct.pack(">I", chance.choice((0, 1, 10**9)))
    for box, offset in ((b"mdhd", 16), (b"mvhd", 16), (b"stts", 16)):
        for found in re.finditer(box, bytes(data)):
            data[found.start() + offset : found.start() + offset + 4] = rate
    for found in re.finditer(b"avih|strh", bytes(data)):
        offset = found.start() + (8 if found[0] == b"avih" else 28)
        data[offset : offset + 4] = rate[::-1]
    _replace(data, rb"\x23\xe3\x83\x84....", b"\x23\xe3\x83\x84" + rate)  # DefaultDuration
    _replace(data, rb"\x2a\xd7\xb1\x83...", b"\x2a\xd7\xb1\x83" + rate[1:])  # TimestampScale
    _replace(data, rb"\x21\xf9\x04...", b"\x21\xf9\x04\x00" + rate[:2])  # a GIF's delays


def ten_hours(data: bytearray, chance: random.Random) -> None:
    """Set impossible durations of the file or of its frames."""
    for box, offset in ((b"mdhd", 20), (b"mvhd", 20), (b"tkhd", 24)):
        for found in re.finditer(box, bytes(data)):
            where = found.start() + offset
            data[where : where + 4] = struct.pack(">I", 36_000_000)
    if chance.random() < 0.5:
        for found in re.finditer(b"stts", bytes(data)):
            data[found.start() + 16 : found.start() + 20] = struct.pack(">I", 36_000_000)
    _replace(data, rb"\x44\x89\x88.{8}", b"\x44\x89\x88" + struct.pack(">d", 36e6))
    for found in re.finditer(b"avih", bytes(data)):
        data[found.start() + 24 : found.start() + 28] = struct.pack("<I", 36000 * 25)
    for found in re.finditer(rb"\xa3[\x40-\xff].?\x81(..)", bytes(data), re.DOTALL):
        if chance.random() < 0.2:  # times of a Matroska cluster's blocks
            data[found.start(1) : found.end(1)] = b"\x7f\xff"


MUTATIONS: tuple[Callable[[bytearray, random.Random], None], ...] = (
    some_bytes,
    sizes_of_65535,
    strange_rates,
    ten_hours,
    header_bytes,
    cut_off,
    cut_out,
    swapped_parts,
)


def _replace(data: bytearray, pattern: bytes, replacement: bytes) -> None:
    data[:] = re.sub(pattern, lambda _: replacement, bytes(data), flags=re.DOTALL)


def _boxes(data: bytearray) -> list[int]:
    """Offsets at which an MP4's boxes begin."""
    starts, at = [], 0
    while at + 8 <= len(data):
        starts.append(at)
        at += max(int.from_bytes(data[at : at + 4], "big"), 8)
    return starts[1:]
