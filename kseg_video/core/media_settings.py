"""Frozen settings for reading, capturing and writing media, checked when constructed.

Imports neither NumPy nor OpenCV.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from kseg_video.core.errors import SettingsError
from kseg_video.core.setting_checks import (
    FLAG,
    LARGEST,
    PATH,
    FieldKinds,
    ValueKind,
    one_of,
    ratio,
    real,
    several,
    take,
    take_fields,
    whole,
)

if TYPE_CHECKING:
    from fractions import Fraction

Codec: TypeAlias = Literal["h264", "h265", "av1", "vp9", "prores"]
Device: TypeAlias = Literal["software", "auto", "nvenc", "qsv", "vaapi", "videotoolbox"]
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
    """The part of the input to use.

    Parameters
    ----------
    start, end : float
        Time stamps in the input, in seconds; an `end` of None is the input's end.
    max_frames : int, optional
        Greatest number of frames; a few are enough to try settings out.
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


def _read_crop(value: object) -> tuple[int, int, int, int]:
    width, height, column, row = _PIXELS.read(value)
    if not (width and height):
        raise ValueError
    return width, height, column, row


_PIXELS = several(
    tuple, lambda number: take("a number of pixels", number, whole(0, 65_535)), "give four numbers"
)
_CROP = ValueKind("give width, height, and the column and row where it begins", _read_crop)
_SIDE = whole(1, 65_535).or_else(None)
_OF_DECODER: FieldKinds = {
    "deinterlace": ("deinterlace", FLAG),
    "crop": ("the crop", _CROP.or_else(None)),
    "width": ("the width", _SIDE),
    "height": ("the height", _SIDE),
    "shorter_side": ("the shorter side", _SIDE),
    "scale": ("the scale", ratio("give a number above 0, at most 100", 100).or_else(None)),
    "frame_rate": (
        "the frame rate",
        ratio("give frames a second, above 0 and up to 1000", 1000).or_else(None),
    ),
}


@dataclass(frozen=True, slots=True)
class DecoderSettings:
    """How the pictures of an input are read.

    They are first cropped, then scaled. Scaling keeps the shape and makes pixels square: give the
    width, the height or both, in which the picture is then fitted; or the shorter side; or a scale.

    Parameters
    ----------
    deinterlace : bool
        Whether interlaced frames are deinterlaced, each into one progressive frame. Turn it off for
        progressive video that is tagged as interlaced.
    crop : tuple of int, optional
        The part of the upright picture to keep: its width and height, and the column and row where
        it begins, in pixels.
    width, height : int, optional
        Width and height in pixels to scale to. The side that follows from the other is even in a
        video, as most codecs want it.
    shorter_side : int, optional
        The shorter of the two, such as 720 for 1280x720 and, upright, 720x1280.
    scale : Fraction or float, optional
        Factor to scale by, such as 0.5.
    frame_rate : Fraction or float, optional
        Frames per second: frames are left out or repeated, and durations kept. The images of a
        folder or sequence, which have no times of their own, are all shown at this rate.
    """

    deinterlace: bool = True
    crop: tuple[int, int, int, int] | None = None
    width: int | None = None
    height: int | None = None
    shorter_side: int | None = None
    scale: Fraction | float | None = None
    frame_rate: Fraction | float | None = None

    def __post_init__(self) -> None:
        take_fields(self, _OF_DECODER)
        sides = self.width or self.height
        if sum(map(bool, (sides, self.shorter_side, self.scale))) > 1:
            raise SettingsError(
                "the size is given twice; choose one of width and height, shorter side, and scale"
            )


_OF_STATISTICS: FieldKinds = {
    "table": ("the statistics' table", PATH.or_else(None)),
    "plot": ("the statistics' plot", PATH.or_else(None)),
}


@dataclass(frozen=True, slots=True)
class StatisticsSettings:
    """Files for the statistics of a conversion.

    Parameters
    ----------
    table : str or Path, optional
        File for the figures of every frame: ``.csv`` for spreadsheets, ``.jsonl`` for programs.
    plot : str or Path, optional
        File for a plot of the shares over time, ``.png`` or ``.svg``; needs matplotlib.
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
        """The files to write."""
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
    """How a camera, a stream or a playing file is captured.

    Parameters
    ----------
    size : tuple of int, optional
        Width and height in pixels to request from a camera, which may choose another mode.
    frame_rate : float, optional
        Frames per second to request from a camera, which may choose another mode.
    reconnect : bool
        Whether a lost camera or stream is opened again.
    loop : bool
        Whether a file starts again at its end.
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
    "device": ("the device", one_of(*get_args(Device))),
    "lossless": ("lossless", FLAG),
    "audio": ("audio", FLAG),
    "overwrite": ("overwrite", FLAG),
}


@dataclass(frozen=True, slots=True)
class EncoderSettings:
    """How the output is encoded.

    Parameters
    ----------
    codec : {"h264", "h265", "av1", "vp9", "prores"}, optional
        Video codec; None is the container's default. H.265 and AV1 make smaller files and take
        longer. ProRes is 4444, which keeps alpha.
    crf : int, optional
        Constant rate factor, 0 (best, largest) to 63 (51 for H.264 and H.265). None is the highest
        at which no difference is seen (see `kseg_video.writing.video_encoders`).
    preset : str, optional
        Preset of x264 and x265: slower ones make smaller files. None is "veryfast" for H.264 and
        "slow" for H.265, which is no smaller with faster ones.
    device : {"software", "auto", "nvenc", "qsv", "vaapi", "videotoolbox"}
        What encodes: ffmpeg's own code, or a device of that kind, which is faster and makes larger
        files that differ from machine to machine. "auto" is a device if one answers.
    lossless : bool
        Whether to encode as FFV1, which keeps exact colours in large files; only in ``.mkv``.
    audio : bool
        Whether the input's sound is kept.
    overwrite : bool
        Whether an existing output may be replaced.
    """

    codec: Codec | None = None
    crf: int | None = None
    preset: Preset | None = None
    device: Device = "software"
    lossless: bool = False
    audio: bool = True
    overwrite: bool = False

    def __post_init__(self) -> None:
        take_fields(self, _OF_ENCODER)
        if self.lossless and (self.codec or self.preset or self.crf is not None):
            raise SettingsError(
                "lossless output is FFV1 and takes no codec, preset or rate factor; leave them out"
            )
        if self.device not in {"software", "auto"} and (self.lossless or self.preset):
            raise SettingsError(
                f"{self.device} encodes neither losslessly nor with presets; leave one of them out"
            )
