"""Frozen settings of clustering and painting, checked when they are made.

Needs neither NumPy nor OpenCV.
"""

from __future__ import annotations

import re
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
    "segmented", "masked", "boundaries", "side-by-side", "matte", "labels", "original"
]
Selector: TypeAlias = "int | str | tuple[int, int]"

MAX_CLUSTERS = MAX_LABELS
DEFAULT_CLUSTERS = 5
_MAX_FEATHER = 100
DEFAULT_SAMPLE_PIXELS = 10_000

_CLUSTER = whole(0, MAX_CLUSTERS - 1)


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
}


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """How colours are clustered and pixels are mapped to clusters.

    Parameters
    ----------
    n_clusters : int or "auto", optional
        Number of clusters, 1 to 32. None: as many as `palette` has colours, 5 without one. "auto":
        as many as the source's colours ask for, which `convert` and `find_palette` find out; a
        `Segmenter`, which knows no frames but those it is given, takes no "auto".
    color_space : {"rgb", "lab", "luv", "hsv", "ycrcb", "oklab"}
        Working space in which distances are measured, with centroids and inertia in its units:
        levels of 0 to 255 for rgb and ycrcb, CIE's for lab and luv (L* 0 to 100), Oklab times 100,
        and the cone (S V cos H, S V sin H, V) with V 0 to 255 for hsv (see `color_spaces`).
    mapping : {"fast", "exact"}, optional
        Label table over a 16-bit colour index, or the nearest centroid of every pixel. None leaves
        the choice to the input: exact for images, fast for video and plain arrays.
    stability : float
        How far labels and palette hold still against noise, 0 to 1; 0: every pixel of every frame
        strictly to the nearest of the best centroids. Exact mapping is strict with pixels anyway.
    sample_pixels : int or "all", optional
        Pixels of a frame that a fit looks at. None leaves the choice to the input: all of an image,
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
        An attempt ends when no centroid moves farther than this, in units of the working space; at
        most 1,000,000.
    palette : tuple of str
        Colours as ``#rrggbb``, one for each cluster, that are taken instead of a fit and kept.
    frozen : bool
        Whether the first frame's palette is kept for all others.

    Raises
    ------
    SettingsError
        If a value is out of range, or the palette has another number of colours than `n_clusters`.
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
        """The number of clusters, whether it was given or left open.

        Raises
        ------
        SettingsError
            If it is "auto", and so depends on the source.
        """
        if self.n_clusters == "auto":
            raise SettingsError(
                "the number of clusters is chosen by convert and find_palette alone; "
                "give a number instead of auto"
            )
        return self.n_clusters or len(self.palette) or DEFAULT_CLUSTERS

    @property
    def holds_palette(self) -> bool:
        """Whether the palette does not follow the picture."""
        return self.frozen or bool(self.palette)

    @property
    def looks_ahead(self) -> bool:
        """Whether frames to come, where they are known, have a say in the palette."""
        return self.stability > 0 and not self.holds_palette


_OF_RENDERING: FieldKinds = {
    "view": ("the view", one_of(*get_args(View))),
    "disabled": (
        "the disabled clusters",
        several(
            frozenset,
            lambda cluster: take("a disabled cluster", cluster, _CLUSTER),
            "give a set of their numbers",
        ),
    ),
    "background": ("the background", instance(str, Path)),
    "feather": ("the feather", whole(0, _MAX_FEATHER).or_else(None)),
    "despeckle": ("the area to despeckle", whole(0, LARGEST).or_else(None)),
}


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """What is painted from a segmentation.

    Parameters
    ----------
    view : str
        The picture that is made (see `kseg_video.rendering.renderer`).
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
        Islands and holes of fewer pixels go with what surrounds them, and have no outline. None:
        0 where the background is a flat colour, else, and for outlines, as suits the picture's
        size.

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
        take_fields(self, _OF_RENDERING)
        parse_background(self.background)


def _read_selector(value: object) -> Selector:
    if isinstance(value, str):
        parse_color(value)
        return value
    if isinstance(value, tuple):
        x, y = (take("a pixel's coordinate", each, whole(0)) for each in value)
        return x, y
    return take("a cluster", value, _CLUSTER)


_SELECTOR = ValueKind("give a number, a colour or a pixel (x, y)", _read_selector)
_SELECTORS = several(
    tuple,
    lambda value: take("what chooses a cluster", value, _SELECTOR),
    "give a tuple of numbers, colours or pixels",
)
_OF_SELECTION: FieldKinds = {
    "only": ("the only clusters left on", _SELECTORS),
    "disabled": ("the clusters switched off", _SELECTORS),
}


@dataclass(frozen=True, slots=True)
class ClusterSelection:
    """Which clusters are left on or switched off, by number, colour or pixel of a first frame.

    A cluster is chosen by its number; by a colour, as ``#rrggbb`` or by its CSS name, which means
    the cluster nearest to it; or by the pixel (x, y) that lies in it.

    Parameters
    ----------
    only : tuple
        The only clusters left on.
    disabled : tuple
        Clusters switched off, if `only` is empty.

    Raises
    ------
    SettingsError
        If both are given, a colour is unknown, or something else chooses no cluster.
    """

    only: tuple[Selector, ...] = ()
    disabled: tuple[Selector, ...] = ()

    def __post_init__(self) -> None:
        take_fields(self, _OF_SELECTION)
        if self.only and self.disabled:
            raise SettingsError(
                "clusters are either kept (--only, --pick) or switched off (--disable, "
                "--pick-off); give one kind"
            )

    @property
    def numbers(self) -> frozenset[int]:
        """Those chosen by number."""
        return frozenset(each for each in (*self.only, *self.disabled) if isinstance(each, int))


def check_numbers(numbers: frozenset[int], n_clusters: int) -> None:
    """Check that there are clusters of those numbers.

    Raises
    ------
    SettingsError
        If there is one that is not.
    """
    last = n_clusters - 1
    for number in sorted(numbers):
        if number > last:
            raise SettingsError(
                f"there is no cluster {number}: {n_clusters} clusters are numbered from 0 to {last}"
            )
