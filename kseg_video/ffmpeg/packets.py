"""Packets of a video stream, read without decoding."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from kseg_video.ffmpeg.ffmpeg_arguments import WITHOUT_TAGS, file_input
from kseg_video.ffmpeg.process import FfmpegProcess

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BLOCK_BYTES = 1 << 16
_TIME_BASE = b"#tb 0: "
_NO_TIME = -(1 << 63)


class Packet(NamedTuple):
    """A packet of a video stream.

    Attributes
    ----------
    decoded : int
        Time stamp of its decoding, in units.
    shown : int or None
        Time stamp of its frame, in units; None if the container gives none.
    lasting : int
        Duration of its frame, in units; 0 if unknown.
    unit : Fraction
        Seconds.
    """

    decoded: int
    shown: int | None
    lasting: int
    unit: Fraction

    @property
    def begin(self) -> int:
        """Time stamp of its frame, or else of its decoding."""
        return self.decoded if self.shown is None else self.shown

    @property
    def end(self) -> int:
        """Time at which its frame ends."""
        return self.begin + self.lasting


def read_packets(
    path: Path, most: int | None = None, stream: int | None = None
) -> Iterator[Packet]:
    """Yield the packets of a video stream, in order of decoding.

    Packets that cannot be read are missing.

    Parameters
    ----------
    path : Path
    most : int, optional
        Greatest number of packets to read.
    stream : int, optional
        Index of the stream in the file; by default the first video stream.

    Raises
    ------
    StalledError
        If ffmpeg has stalled.
    MishapError
        If ffmpeg was killed or ran out of resources.
    """
    # One line per packet: stream, dts, pts, duration, size, checksum.
    chosen = "0:V:0" if stream is None else f"0:{stream}"
    arguments = ["-nostdin", *file_input(path), "-map", chosen, "-c", "copy", *WITHOUT_TAGS]
    arguments += [] if most is None else ["-frames:v", str(most)]
    process = FfmpegProcess([*arguments, "-f", "framecrc", "-"], feeds=False)
    unit = Fraction(1)
    try:
        for line in _lines(process):
            if line.startswith(_TIME_BASE):
                unit = Fraction(line.removeprefix(_TIME_BASE).decode())
            elif not line.startswith(b"#"):
                decoded, shown, lasting = (int(field) for field in line.split(b",")[1:4])
                yield Packet(decoded, None if shown == _NO_TIME else shown, lasting, unit)
        process.wait()
    finally:
        process.stop()


def _lines(process: FfmpegProcess) -> Iterator[bytes]:
    rest = b""
    while block := process.read(_BLOCK_BYTES):
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
