"""Frozen settings for clustering and painting, checked when constructed.

Imports neither NumPy nor OpenCV.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from kseg_video.core.background_spec import parse_background, parse_color
from kseg_video.core.errors import SettingsError
from kseg_video.core.setting_checks import (
    FLAG,
    LARGEST,
    FieldKinds,
    ValueKind,
    instance,
    one_of,
    real,
    several,
    take,
    take_fields,
    whole,
)
from kseg_video.native.constants import MAX_LABELS

ColorSpace: TypeAlias = Literal["rgb", "lab", "luv", "hsv", "ycrcb", "oklab"]
Mapping: TypeAlias = Literal["fast", "exact"]
Init: TypeAlias = Literal["k-means++", "random"]
View: TypeAlias = Literal[
    "segmented", "masked", "boundaries", "side-by-side", "split", "matte", "labels", "original"
]
PaintName: TypeAlias = Literal["vivid", "two-tone", "poster", "handheld", "sepia", "viridis"]
Paint: TypeAlias = "PaintName | tuple[str, ...]"

MAX_CLUSTERS = MAX_LABELS
DEFAULT_CLUSTERS = 5
_MAX_FEATHER = 100
_MOST_THREADS = 256
DEFAULT_SAMPLE_PIXELS = 10_000

CLUSTER_NUMBER = whole(0, MAX_CLUSTERS - 1)


def usable_cores() -> int:
    """The number of the processor's cores that this process may use."""
    if sys.platform == "linux":
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _read_color(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch("#[0-9a-f]{6}", value):
        raise ValueError
    return value


_PALETTE_COLOR = ValueKind("write it as #2b6cb0", _read_color)

_OF_SEGMENTER: FieldKinds = {
    "n_clusters": ("the number of clusters", whole(1, MAX_CLUSTERS).or_else("auto", None)),
    "color_space": ("the colour space", one_of(*get_args(ColorSpace))),
    "mapping": ("the mapping", one_of(*get_args(Mapping), None)),
    "stability": ("the stability", real("give 0 to 1", lambda value: 0 <= value <= 1)),
    "sample_pixels": ("the number of sampled pixels", whole(1).or_else("all", None)),
    "seed": ("the seed", whole(0, LARGEST)),
    "init": ("the initialisation", one_of(*get_args(Init))),
    "attempts": ("the number of attempts", whole(1, LARGEST)),
    "max_iterations": ("the number of iterations", whole(1, LARGEST)),
    "epsilon": (
        "epsilon",
        real("give a number above 0, at most 1000000", lambda value: 0 < value <= 1e6),
    ),
    "palette": (
        "the palette",
        several(
            tuple,
            lambda color: take("a colour of the palette", color, _PALETTE_COLOR),
            "give a tuple of colours such as #2b6cb0",
        ),
    ),
    "frozen": ("frozen", FLAG),
    "threads": ("the number of threads", whole(1, _MOST_THREADS).or_else(None)),
}


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """How colours are clustered and pixels are mapped to clusters.

    Parameters
    ----------
    n_clusters : int or "auto", optional
        Number of clusters, 1 to 32: more tell more colours apart, fewer make larger regions. None
        is the number of colours in `palette`, or 5 without one. With "auto", `convert` and
        `find_palette` choose 1 to 12 from the whole source; a `Segmenter`, which sees one frame at
        a time, takes no "auto".
    color_space : {"rgb", "lab", "luv", "hsv", "ycrcb", "oklab"}
        Working space in which distances are measured: rgb compares the stored levels, lab, luv and
        oklab approximate perceived differences. Centroids and inertia are in its units: levels of 0
        to 255 for rgb and ycrcb, CIE units for lab and luv (L* 0 to 100), Oklab times 100, and the
        cone (S V cos H, S V sin H, V) with V 0 to 255 for hsv (see `color_spaces`).
    mapping : {"fast", "exact"}, optional
        "fast" looks labels up in a table over a 16-bit colour index, whose inertia stays within 1%
        of the exact one for 8 clusters and 2.5% for 16; "exact" takes the nearest centroid of every
        pixel, which is slower. None is "exact" for images, "fast" for video and plain arrays.
    stability : float
        How firmly labels and palette resist noise, 0 to 1: more flickers less, less follows each
        frame more closely. At 0 the palette is fitted to each frame alone, and every pixel gets the
        nearest centroid, as it always does with exact mapping.
    sample_pixels : int or "all", optional
        Pixels of a frame that a fit uses: more are more exact, fewer faster. None is "all" for an
        image, 10,000 for a video frame or a plain array.
    seed : int
        Seed of the random generator, 0 to 2**31 - 1; change it for another fit.
    init : {"k-means++", "random"}
        How a cold fit chooses its first centroids; k-means++ spreads them over the colours.
    attempts : int
        Number of cold fits from different first centroids, of which the best is kept: more find a
        better fit and take proportionally longer.
    max_iterations : int
        Greatest number of iterations of an attempt.
    epsilon : float
        An attempt ends when no centroid moves farther than this, in units of the working space:
        less is more exact, more is faster. Above 0, at most 1,000,000.
    palette : tuple of str
        Fixed colours as ``#rrggbb``, one per cluster, used in place of a fitted palette; for the
        same clusters in several videos, pass those of `load_palette`.
    frozen : bool
        Whether the first frame's palette is kept for all later frames.
    threads : int, optional
        Threads that label a frame with fast mapping, 1 to 256: more are faster for large pictures
        as long as cores are idle. The result is the same for any number. None is 1, and in
        `convert` what decoder and encoder leave over: a quarter of the processor's cores.

    Raises
    ------
    SettingsError
        If a value is out of range, or the palette's number of colours differs from `n_clusters`.
    """

    n_clusters: int | Literal["auto"] | None = None
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
    threads: int | None = None

    def __post_init__(self) -> None:
        take_fields(self, _OF_SEGMENTER)
        if len(self.palette) > MAX_CLUSTERS:
            raise SettingsError(
                f"a palette of {len(self.palette)} colours is too large; give {MAX_CLUSTERS} at "
                "the most"
            )
        if self.palette and self.n_clusters == "auto":
            raise SettingsError(
                "a given palette has its number of clusters; leave one of the two out"
            )
        if self.palette and self.n_clusters not in {None, len(self.palette)}:
            raise SettingsError(
                f"a palette of {len(self.palette)} colours makes as many clusters, not "
                f"{self.n_clusters}; change one of the two"
            )

    @property
    def cluster_count(self) -> int:
        """The number of clusters, with the default filled in.

        Raises
        ------
        SettingsError
            If `n_clusters` is "auto", which depends on the source.
        """
        if self.n_clusters == "auto":
            raise SettingsError(
                "the number of clusters is chosen by convert and find_palette alone; "
                "give a number instead of auto"
            )
        return self.n_clusters or len(self.palette) or DEFAULT_CLUSTERS

    @property
    def holds_palette(self) -> bool:
        """Whether the palette stays fixed: frozen or given."""
        return self.frozen or bool(self.palette)

    @property
    def looks_ahead(self) -> bool:
        """Whether the palette is also fitted to upcoming frames, where a source can look ahead."""
        return self.stability > 0 and not self.holds_palette


def _read_paint(value: object) -> object:
    if isinstance(value, str | None):
        return one_of(*get_args(PaintName), None).read(value)
    colors = several(tuple, _read_named_color, "").read(value)
    if not 2 <= len(colors) <= MAX_CLUSTERS:
        raise ValueError
    return colors


def _read_named_color(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return "#{:02x}{:02x}{:02x}".format(*parse_color(value))


_PAINT = ValueKind(
    f"choose one of {', '.join(get_args(PaintName))}, or give 2 to {MAX_CLUSTERS} colours",
    _read_paint,
)
_OF_RENDERING: FieldKinds = {
    "view": ("the view", one_of(*get_args(View))),
    "disabled": (
        "the disabled clusters",
        several(
            frozenset,
            lambda cluster: take("a disabled cluster", cluster, CLUSTER_NUMBER),
            "give a set of their numbers",
        ),
    ),
    "background": ("the background", instance(str, Path)),
    "feather": ("the feather", whole(0, _MAX_FEATHER).or_else(None)),
    "despeckle": ("the area to despeckle", whole(0, LARGEST).or_else(None)),
    "split": ("the split", real("give 0 to 1", lambda value: 0 <= value <= 1)),
    "paint": ("the paint", _PAINT),
    "simplify": ("the area to simplify", whole(0, LARGEST)),
}


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How a segmentation is painted.

    Parameters
    ----------
    view : str
        The kind of picture (see `kseg_video.rendering.renderer`): "segmented" paints each cluster
        in its colour, "masked" keeps the source's pixels where clusters are on.
    disabled : frozenset of int
        Clusters that are switched off, and replaced by the background.
    background : str or Path
        What replaces them: a colour as ``#rrggbb`` or by its CSS name; the source itself as
        ``gray``, ``blur[:radius]`` or ``pixelate[:size]``, both in pixels; ``transparent``; or
        ``picture``, one that is passed with each frame. `convert` also takes the path of an image
        or video, and passes its pictures.
    feather : int, optional
        Pixels on either side of a switched-off region's border within which alpha follows the
        colours: more softens edges such as hair, 0 is a hard edge. None is 0 for a flat background
        or the view "segmented", else it scales with the picture's size.
    despeckle : int, optional
        Area in pixels below which islands and holes join their surroundings and have no outline:
        more removes more specks, and small objects with them. None is 0 for a flat background;
        else, and for outlines, it scales with the picture's size.
    split : float
        Share of the width, 0 to 1, that shows the source in the view "split".
    paint : str or tuple of str, optional
        Other colours for the clusters of the view "segmented", which keep them: 2 to 32 colours, as
        ``#rrggbb`` or CSS names, for the clusters from dark to light; "two-tone", "poster",
        "handheld", "sepia" or "viridis", likewise; or "vivid", each cluster's own hue and lightness
        at the chroma of its most colourful tenth. More clusters than colours get mixtures of these.
    simplify : int
        Area in pixels below which regions join the neighbour with the longest common border, in the
        views "segmented" and "boundaries" and in panels of them: more makes broader areas.

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
    split: float = 0.5
    paint: Paint | None = None
    simplify: int = 0

    def __post_init__(self) -> None:
        take_fields(self, _OF_RENDERING)
        parse_background(self.background)
