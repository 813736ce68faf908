"""Frozen settings of each part, validated when they are made. Needs neither NumPy nor OpenCV."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from kseg_video.background import parse_background, parse_color
from kseg_video.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

ColorSpace: TypeAlias = Literal["rgb", "lab", "luv", "hsv", "ycrcb", "oklab"]
Mapping: TypeAlias = Literal["fast", "exact"]
Init: TypeAlias = Literal["k-means++", "random"]
View: TypeAlias = Literal[
    "segmented", "masked", "boundaries", "side-by-side", "matte", "labels", "original"
]
Selector: TypeAlias = "int | str | tuple[int, int]"
Codec: TypeAlias = Literal["h264", "vp9", "prores"]
Preset: TypeAlias = Literal[
    "ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"
]

MAX_CLUSTERS = 32
MAX_FEATHER = 100
DEFAULT_SAMPLE_PIXELS = 10_000


def _check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    if value not in choices:
        known = ", ".join(str(choice) for choice in choices)
        raise SettingsError(f"{name} cannot be {value!r}; choose one of {known}")


def _check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):  # type: ignore[operator]
        raise SettingsError(f"{name} cannot be {value!r}; give a whole number {bounds}")


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """How colours are clustered and pixels are mapped to clusters.

    Parameters
    ----------
    n_clusters : int
        Number of clusters, 1 to 32.
    color_space : {"rgb", "lab", "luv", "hsv", "ycrcb", "oklab"}
        Working space in which distances are measured (see `kseg_video.color`).
    mapping : {"fast", "exact"}, optional
        Label table over a 16-bit colour index, or the nearest centroid of every pixel. None leaves
        the choice to the input: exact for stills, fast for video and plain arrays.
    stability : float
        How far labels and palette hold still against noise, 0 to 1; 0: every pixel of every frame
        strictly to the nearest of the best centroids. Exact mapping is strict with pixels anyway.
    sample_pixels : int or "all", optional
        Pixels of a frame that a fit looks at. None leaves the choice to the input: all of a still,
        10,000 of a video frame or a plain array.
    seed : int
        Seed of the random generator, 0 to 2**31 - 1.
    init : {"k-means++", "random"}
        How a cold fit chooses its first centroids.
    attempts : int
        Cold fits from different first centroids, of which the best is kept.
    max_iterations : int
        Iterations of one attempt at the most.
    epsilon : float
        An attempt ends when no centroid moves farther than this, in units of the working space.
    palette : tuple of str
        Colours as ``#rrggbb``, one for each cluster, that are taken instead of a fit and kept.
    frozen : bool
        Whether the first frame's palette is kept for all others.

    Raises
    ------
    SettingsError
        If a value is out of range.
    """

    n_clusters: int = 5
    color_space: ColorSpace = "rgb"
    mapping: Mapping | None = None
    stability: float = 0.5
    sample_pixels: int | Literal["all"] | None = None
    seed: int = 0
    init: Init = "k-means++"
    attempts: int = 10
    max_iterations: int = 100
    epsilon: float = 0.2
    palette: tuple[str, ...] = ()
    frozen: bool = False

    def __post_init__(self) -> None:
        _check_whole("the number of clusters", self.n_clusters, 1, MAX_CLUSTERS)
        _check_choice("the colour space", self.color_space, get_args(ColorSpace))
        _check_choice("the mapping", self.mapping, (*get_args(Mapping), None))
        if not 0 <= self.stability <= 1:
            raise SettingsError(f"the stability cannot be {self.stability!r}; give 0 to 1")
        if self.sample_pixels not in ("all", None):
            _check_whole("the number of sampled pixels", self.sample_pixels, 1)
        _check_whole("the seed", self.seed, 0, 2**31 - 1)
        _check_choice("the initialisation", self.init, get_args(Init))
        _check_whole("the number of attempts", self.attempts, 1)
        _check_whole("the number of iterations", self.max_iterations, 1)
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise SettingsError(f"epsilon cannot be {self.epsilon!r}; give a number above 0")
        for color in self.palette:
            if not re.fullmatch("#[0-9a-f]{6}", color):
                raise SettingsError(f"{color!r} is no colour; give a palette such as #2b6cb0")
        if self.palette and len(self.palette) != self.n_clusters:
            raise SettingsError(
                f"a palette of {len(self.palette)} colours makes as many clusters, not "
                f"{self.n_clusters}; change one of the two"
            )

    @property
    def holds_palette(self) -> bool:
        """Whether the palette does not follow the picture."""
        return self.frozen or bool(self.palette)


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """What is painted from a segmentation.

    Parameters
    ----------
    view : str
        The picture that is made (see `kseg_video.rendering`).
    disabled : frozenset of int
        Clusters that are switched off: shown as background.
    background : str or Path
        What is shown there: a colour as ``#rrggbb`` or by its CSS name; ``gray``, ``blur[:radius]``
        or ``pixelate[:size]``, the source itself without colour, out of focus or in blocks (both
        in pixels); ``transparent``; or ``picture``, one that is given with each frame. A path
        means that, too: the file's picture, which `convert` gives.
    feather : int, optional
        Pixels on either side of a switched-off region's border within which opacity follows
        colour; 0 is a hard edge. None: hard where the background is a flat colour or the view
        segmented, else as suits the picture's size.
    despeckle : int, optional
        Islands and holes of fewer pixels than this are not taken out of what surrounds them. None:
        0 where the background is a flat colour, else as suits the picture's size.

    Raises
    ------
    SettingsError
        If a value is out of range or unknown.
    """

    view: View = "segmented"
    disabled: frozenset[int] = frozenset()
    background: str | Path = "black"
    feather: int | None = None
    despeckle: int | None = None

    def __post_init__(self) -> None:
        _check_choice("the view", self.view, get_args(View))
        parse_background(self.background)
        for number in self.disabled:
            _check_whole("a disabled cluster", number, 0, MAX_CLUSTERS - 1)
        if self.feather is not None:
            _check_whole("the feather", self.feather, 0, MAX_FEATHER)
        if self.despeckle is not None:
            _check_whole("the area to despeckle", self.despeckle, 0)


@dataclass(frozen=True, slots=True)
class ClusterChoice:
    """Which clusters to switch off, as it is settled on a first frame.

    A cluster is chosen by its number; by a colour, as ``#rrggbb`` or by its CSS name, which means
    the cluster nearest to it; or by the pixel (x, y) that lies in it.

    Parameters
    ----------
    only : tuple
        The only clusters left on.
    off : tuple
        Clusters switched off, if `only` is empty.

    Raises
    ------
    SettingsError
        If both are given, or a colour is unknown.
    """

    only: tuple[Selector, ...] = ()
    off: tuple[Selector, ...] = ()

    def __post_init__(self) -> None:
        if self.only and self.off:
            raise SettingsError(
                "clusters are either kept (--only, --pick) or switched off (--disable, "
                "--pick-off); give one kind"
            )
        for selector in (*self.only, *self.off):
            if isinstance(selector, str):
                parse_color(selector)
            elif isinstance(selector, tuple):
                for coordinate in selector:
                    _check_whole("a pixel's coordinate", coordinate, 0)
            else:
                _check_whole("a cluster", selector, 0, MAX_CLUSTERS - 1)

    @property
    def numbers(self) -> frozenset[int]:
        """Those chosen by number."""
        return frozenset(each for each in (*self.only, *self.off) if isinstance(each, int))


def check_numbers(numbers: frozenset[int], settings: SegmenterSettings) -> None:
    """Check that there are clusters of those numbers.

    Raises
    ------
    SettingsError
        If there is one that is not.
    """
    last = settings.n_clusters - 1
    for number in sorted(numbers):
        if number > last:
            raise SettingsError(
                f"there is no cluster {number}: {settings.n_clusters} clusters are numbered "
                f"from 0 to {last}"
            )


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
        if not (math.isfinite(self.start) and self.start >= 0):
            raise SettingsError(f"the start cannot be {self.start!r}; give seconds, 0 or more")
        if self.end is not None and not (math.isfinite(self.end) and self.end > self.start):
            raise SettingsError(
                f"the end ({self.end:g} s) must lie after the start ({self.start:g} s)"
            )
        if self.max_frames is not None:
            _check_whole("the number of frames", self.max_frames, 1)


@dataclass(frozen=True, slots=True)
class DecoderSettings:
    """How a video file is read.

    Parameters
    ----------
    deinterlace : bool
        Whether interlaced frames are made progressive ones, each of its two fields.
    """

    deinterlace: bool = True


@dataclass(frozen=True, slots=True)
class StatisticsSettings:
    """Which statistics are kept of a run.

    Parameters
    ----------
    table : Path, optional
        Figures of every frame, to a ``.csv`` or ``.jsonl`` file.
    plot : Path, optional
        Shares over time, drawn to a ``.png`` or ``.svg`` file.
    """

    table: Path | None = None
    plot: Path | None = None

    def __post_init__(self) -> None:
        for path, suffixes in ((self.table, (".csv", ".jsonl")), (self.plot, (".png", ".svg"))):
            if path is not None and path.suffix.lower() not in suffixes:
                raise SettingsError(
                    f"{path.name} cannot take statistics; choose {' or '.join(suffixes)}"
                )

    @property
    def paths(self) -> tuple[Path, ...]:
        """The files that are written."""
        return tuple(path for path in (self.table, self.plot) if path is not None)


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
        for length in self.size or ():
            _check_whole("the width or height", length, 1, 65_535)
        if self.frame_rate is not None and not 0 < self.frame_rate <= 1000:
            raise SettingsError(
                f"the frame rate cannot be {self.frame_rate!r}; give frames a second, up to 1000"
            )


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
        _check_choice("the codec", self.codec, (*get_args(Codec), None))
        _check_choice("the preset", self.preset, (*get_args(Preset), None))
        if self.crf is not None:
            _check_whole("the constant rate factor", self.crf, 0, 63)
        if self.lossless and (self.codec or self.preset or self.crf is not None):
            raise SettingsError(
                "lossless output is FFV1 and takes no codec, preset or rate factor; leave them out"
            )
