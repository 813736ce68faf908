"""Frozen settings of clustering and painting, checked when they are made.

Needs neither NumPy nor OpenCV.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from kseg_video.background import parse_background, parse_color
from kseg_video.errors import SettingsError
from kseg_video.setting_checks import check_choice, check_whole, make_plain

if TYPE_CHECKING:
    from pathlib import Path

ColorSpace: TypeAlias = Literal["rgb", "lab", "luv", "hsv", "ycrcb", "oklab"]
Mapping: TypeAlias = Literal["fast", "exact"]
Init: TypeAlias = Literal["k-means++", "random"]
View: TypeAlias = Literal[
    "segmented", "masked", "boundaries", "side-by-side", "matte", "labels", "original"
]
Selector: TypeAlias = "int | str | tuple[int, int]"

MAX_CLUSTERS = 32
DEFAULT_CLUSTERS = 5
_MAX_FEATHER = 100
DEFAULT_SAMPLE_PIXELS = 10_000


@dataclass(frozen=True, slots=True)
class SegmenterSettings:
    """How colours are clustered and pixels are mapped to clusters.

    Parameters
    ----------
    n_clusters : int
        Number of clusters, 1 to 32; where it is left at 5, a palette's number of colours.
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

    n_clusters: int = DEFAULT_CLUSTERS
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
        make_plain(self)
        check_whole("the number of clusters", self.n_clusters, 1, MAX_CLUSTERS)
        check_choice("the colour space", self.color_space, get_args(ColorSpace))
        check_choice("the mapping", self.mapping, (*get_args(Mapping), None))
        if not 0 <= self.stability <= 1:
            raise SettingsError(f"the stability cannot be {self.stability!r}; give 0 to 1")
        if self.sample_pixels not in ("all", None):
            check_whole("the number of sampled pixels", self.sample_pixels, 1)
        check_whole("the seed", self.seed, 0, 2**31 - 1)
        check_choice("the initialisation", self.init, get_args(Init))
        check_whole("the number of attempts", self.attempts, 1)
        check_whole("the number of iterations", self.max_iterations, 1)
        if not (math.isfinite(self.epsilon) and self.epsilon > 0):
            raise SettingsError(f"epsilon cannot be {self.epsilon!r}; give a number above 0")
        for color in self.palette:
            if not re.fullmatch("#[0-9a-f]{6}", color):
                raise SettingsError(f"{color!r} is no colour; give a palette such as #2b6cb0")
        if self.palette and self.n_clusters == DEFAULT_CLUSTERS:
            object.__setattr__(self, "n_clusters", len(self.palette))
        if self.palette and len(self.palette) != self.n_clusters:
            raise SettingsError(
                f"a palette of {len(self.palette)} colours makes as many clusters, not "
                f"{self.n_clusters}; change one of the two"
            )

    @property
    def holds_palette(self) -> bool:
        """Whether the palette does not follow the picture."""
        return self.frozen or bool(self.palette)

    @property
    def looks_ahead(self) -> bool:
        """Whether frames to come, where they are known, have a say in the palette."""
        return self.stability > 0 and not self.holds_palette


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
        make_plain(self)
        check_choice("the view", self.view, get_args(View))
        parse_background(self.background)
        for number in self.disabled:
            check_whole("a disabled cluster", number, 0, MAX_CLUSTERS - 1)
        if self.feather is not None:
            check_whole("the feather", self.feather, 0, _MAX_FEATHER)
        if self.despeckle is not None:
            check_whole("the area to despeckle", self.despeckle, 0)


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
        make_plain(self)
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
                    check_whole("a pixel's coordinate", coordinate, 0)
            else:
                check_whole("a cluster", selector, 0, MAX_CLUSTERS - 1)

    @property
    def numbers(self) -> frozenset[int]:
        """Those chosen by number."""
        return frozenset(each for each in (*self.only, *self.off) if isinstance(each, int))


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
