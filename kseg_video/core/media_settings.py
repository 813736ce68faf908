"""Frozen settings of what is read, captured and written, checked when they are made.

Needs neither NumPy nor OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from kseg_video.core.errors import SettingsError
from kseg_video.core.setting_checks import (
    FLAG,
    LARGEST,
    PATH,
    FieldKinds,
    ValueKind,
    one_of,
    real,
    several,
    take,
    take_fields,
    whole,
)

Codec: TypeAlias = Literal["h264", "vp9", "prores"]
Preset: TypeAlias = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]

_OF_PART: FieldKinds = {
    "start": (
        "the start",
        real(f"give seconds, 0 to {LARGEST}", lambda value: 0 <= value <= LARGEST),
    ),
    "end": (
        "the end",
        real(
            f"give seconds after the start, at most {LARGEST}", lambda value: 0 < value <= LARGEST
        ).or_else(None),
    ),
    "max_frames": ("the number of frames", whole(1, LARGEST).or_else(None)),
}


@dataclass(frozen=True, slots=True)
class TrimSettings:
    """Which part of the input is taken.

    Parameters
    ----------
    start, end : float
        Seconds of the input's own time; `end` None is the input's end.
    max_frames : int, optional
        Frames written at the most.
    """

    start: float = 0.0
    end: float | None = None
    max_frames: int | None = None

    def __post_init__(self) -> None:
        take_fields(self, _OF_PART)
        if self.end is not None and self.end <= self.start:
            raise SettingsError(
                f"the end ({self.end:g} s) must lie after the start ({self.start:g} s)"
            )


@dataclass(frozen=True, slots=True)
class DecoderSettings:
    """How a video file is read.

    Parameters
    ----------
    deinterlace : bool
        Whether interlaced frames are made progressive ones, each of its two fields.
    """

    deinterlace: bool = True

    def __post_init__(self) -> None:
        take_fields(self, {"deinterlace": ("deinterlace", FLAG)})


_OF_STATISTICS: FieldKinds = {
    "table": ("the statistics' table", PATH.or_else(None)),
    "plot": ("the statistics' plot", PATH.or_else(None)),
}


@dataclass(frozen=True, slots=True)
class StatisticsSettings:
    """Which statistics are kept of a run.

    Parameters
    ----------
    table : str or Path, optional
        Figures of every frame, to a ``.csv`` or ``.jsonl`` file.
    plot : str or Path, optional
        Shares over time, drawn to a ``.png`` or ``.svg`` file.
    """

    table: str | Path | None = None
    plot: str | Path | None = None

    def __post_init__(self) -> None:
        take_fields(self, _OF_STATISTICS)
        for name, suffixes in ((self.table, (".csv", ".jsonl")), (self.plot, (".png", ".svg"))):
            if name is not None and Path(name).suffix.lower() not in suffixes:
                raise SettingsError(
                    f"{Path(name).name} cannot take statistics; choose {' or '.join(suffixes)}"
                )

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are written."""
        return tuple(Path(name) for name in (self.table, self.plot) if name is not None)


def _read_size(value: object) -> tuple[int, int]:
    width, height = _SIDES.read(value)
    return width, height


_SIDES = several(
    tuple, lambda side: take("the width or height", side, whole(1, 65_535)), "give two numbers"
)
_OF_CAPTURE: FieldKinds = {
    "size": ("the size", ValueKind("give width and height", _read_size).or_else(None)),
    "frame_rate": (
        "the frame rate",
        real("give frames a second, up to 1000", lambda value: 0 < value <= 1000).or_else(None),
    ),
    "reconnect": ("reconnect", FLAG),
    "loop": ("loop", FLAG),
}


@dataclass(frozen=True, slots=True)
class CaptureSettings:
    """What is asked of a camera, a stream or a file that is played.

    Parameters
    ----------
    size : tuple of int, optional
        Width and height in pixels that a camera is asked for.
    frame_rate : float, optional
        Frames a second that a camera is asked for.
    reconnect : bool
        Whether a camera or stream that is lost is opened again.
    loop : bool
        Whether a file starts anew at its end.
    """

    size: tuple[int, int] | None = None
    frame_rate: float | None = None
    reconnect: bool = True
    loop: bool = False

    def __post_init__(self) -> None:
        take_fields(self, _OF_CAPTURE)


_OF_ENCODER: FieldKinds = {
    "codec": ("the codec", one_of(*get_args(Codec), None)),
    "crf": ("the constant rate factor", whole(0, 63).or_else(None)),
    "preset": ("the preset", one_of(*get_args(Preset), None)),
    "lossless": ("lossless", FLAG),
    "audio": ("audio", FLAG),
    "overwrite": ("overwrite", FLAG),
}


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How the output is encoded.

    Parameters
    ----------
    codec : {"h264", "vp9", "prores"}, optional
        Video codec; None is the container's usual one. ProRes is 4444, which keeps transparency.
    crf : int, optional
        Constant rate factor, 0 (best) to 63 (51 for H.264); None is the codec's default.
    preset : str, optional
        x264's trade of time for size; None is the default.
    lossless : bool
        FFV1, from which the exact colours come back; for ``.mkv`` alone.
    audio : bool
        Whether the input's sound is kept.
    overwrite : bool
        Whether an existing output may be replaced.
    """

    codec: Codec | None = None
    crf: int | None = None
    preset: Preset | None = None
    lossless: bool = False
    audio: bool = True
    overwrite: bool = False

    def __post_init__(self) -> None:
        take_fields(self, _OF_ENCODER)
        if self.lossless and (self.codec or self.preset or self.crf is not None):
            raise SettingsError(
                "lossless output is FFV1 and takes no codec, preset or rate factor; leave them out"
            )
