"""Frames and their segmentations."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, cast

import cv2
import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.palette import Palette, shares_of
from kseg_video.core.pixel_checks import check_opacity, check_pixels
from kseg_video.core.yuv import ColorEncoding, yuv_to_bgr_matrix
from kseg_video.native.pictures import components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.image_metadata import ImageMetadata
    from kseg_video.core.settings import ColorSpace
    from kseg_video.native.pictures import Components, Picture

PixelLayout: TypeAlias = Literal["bgr24", "i420", "gray8"]
PaletteEvent: TypeAlias = Literal["cold", "warm", "cut", "reseed"]
Plane: TypeAlias = "NDArray[np.uint8]"

_MOST_COLUMNS_OF_HTML = 640  # of a picture in a notebook; more: sharper and heavier
ALL_ROWS = slice(0, None)

_IDENTITY = np.eye(3, 4, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class Frame:
    """One picture of a video.

    Parameters
    ----------
    pixels : ndarray of uint8
        bgr24: (H, W, 3). i420: the planes Y, U, V one after another, in the shape given by
        `i420_shape`. gray8: (H, W), for outputs only.
    layout : {"bgr24", "i420", "gray8"}
        Layout of `pixels`.
    encoding : ColorEncoding
        Matrix and range of i420 pixels.
    index : int
        Frame number, from 0.
    time : float
        Time stamp in the source, in seconds.
    alpha : ndarray of uint8, shape (H, W), optional
        Opacity, 0 to 255; None is opaque throughout.
    odd_width : bool
        Whether the picture's width is odd: the last column of i420 luma is then padding, which
        makes its rows as long as a row of U and one of V together.
    metadata : ImageMetadata, optional
        Resolution and EXIF data, if it is that of an image.

    Raises
    ------
    SourceError
        If the array does not fit the layout, or the alpha differs from the picture in size.
    SettingsError
        If the layout is unknown.
    """

    pixels: NDArray[np.uint8]
    layout: PixelLayout = "bgr24"
    encoding: ColorEncoding = field(default_factory=ColorEncoding)
    index: int = 0
    time: float = 0.0
    alpha: NDArray[np.uint8] | None = None
    odd_width: bool = False
    metadata: ImageMetadata | None = None

    def __post_init__(self) -> None:
        check_pixels(self.pixels, self.layout)
        if self.alpha is not None:
            check_opacity(self.alpha, (self.height, self.width))

    @property
    def width(self) -> int:
        """Picture width in pixels."""
        return int(self.pixels.shape[1]) - (self.layout == "i420" and self.odd_width)

    @property
    def height(self) -> int:
        """Picture height in pixels."""
        rows = int(self.pixels.shape[0])
        return rows * 2 // 3 if self.layout == "i420" else rows

    @property
    def picture(self) -> Picture:
        """The pixels as the kernels take them: the planes of i420, the array of bgr24."""
        return self.planes if self.layout == "i420" else self.pixels

    @property
    def planes(self) -> tuple[Plane, Plane, Plane]:
        """Y (H, W), U and V (H / 2, W / 2, rounded up) of an i420 frame, as views of its pixels."""
        height, width = self.height, self.width
        chroma = self.pixels[height:].reshape(2, halved(height), halved(width))
        return self.pixels[:height, :width], chroma[0], chroma[1]

    def components(self, rows: slice = ALL_ROWS) -> Components:
        """B, G, R or Y, U, V as full-size planes; see `kseg_video.native.pictures.components`."""
        return components(self.picture, rows)

    @property
    def components_to_bgr(self) -> NDArray[np.float32]:
        """Affine map from components to BGR levels, (3, 4), for `cv2.transform`."""
        return yuv_to_bgr_matrix(self.encoding) if self.layout == "i420" else _IDENTITY

    @cached_property
    def luma(self) -> Plane:
        """Luma of every pixel, (H, W): the stored plane of i420, Rec. 601 luma of BGR."""
        if self.layout == "i420":
            return self.planes[0]
        return cast("Plane", cv2.cvtColor(self.pixels, cv2.COLOR_BGR2GRAY))

    @cached_property
    def bgr(self) -> NDArray[np.uint8]:
        """The picture as BGR, (H, W, 3); converted once, on first use."""
        if self.layout == "bgr24":
            return self.pixels
        if self.layout == "gray8":
            return cast("NDArray[np.uint8]", cv2.cvtColor(self.pixels, cv2.COLOR_GRAY2BGR))
        picture = cv2.transform(cv2.merge(list(self.components())), self.components_to_bgr)
        return cast("NDArray[np.uint8]", picture)

    @property
    def opacity(self) -> Plane:
        """Alpha of every pixel, (H, W); 255 throughout if the frame has none."""
        if self.alpha is not None:
            return self.alpha
        return np.full((self.height, self.width), 255, np.uint8)

    @property
    def is_transparent(self) -> bool:
        """Whether any pixel is less than opaque."""
        return self.alpha is not None and int(self.alpha.min()) < 255

    @property
    def bgra(self) -> NDArray[np.uint8]:
        """The picture as BGR and alpha, (H, W, 4)."""
        picture = cast("NDArray[np.uint8]", cv2.cvtColor(self.bgr, cv2.COLOR_BGR2BGRA))
        if self.alpha is not None:
            cv2.insertChannel(self.alpha, picture, 3)
        return picture


def halved(size: int) -> int:
    """Chroma rows or columns for so many of luma, rounded up."""
    return (size + 1) // 2


def i420_shape(width: int, height: int) -> tuple[int, int]:
    """Shape of the pixels of an i420 frame, padded to an even width; see `Frame`."""
    return height + halved(height), 2 * halved(width)


def padded_to_even(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Repeat the last row or column of a picture, (H, W) or (H, W, 3), to make its size even."""
    bottom, right = (size % 2 for size in picture.shape[:2])
    if not (bottom or right):
        return picture
    padded = cv2.copyMakeBorder(picture, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return cast("NDArray[np.uint8]", padded)


def as_frame(picture: Frame | NDArray[np.uint8]) -> Frame:
    """Return a frame, or a BGR array of shape (H, W, 3), as a frame with contiguous pixels.

    Raises
    ------
    SourceError
        If it is neither, the array is not uint8 of shape (H, W, 3) with at least one pixel, or the
        frame is gray8.
    """
    if not isinstance(picture, Frame | np.ndarray):
        raise SourceError(
            "a picture: expected a Frame, or uint8 (height, width, 3) in BGR order, got a "
            f"{type(picture).__name__}"
        )
    frame = picture if isinstance(picture, Frame) else Frame(picture)
    if frame.layout == "gray8":
        raise SourceError("gray8 frames are for outputs alone; give one that is bgr24 or i420")
    if frame.pixels.flags.c_contiguous:
        return frame
    return replace(frame, pixels=np.ascontiguousarray(frame.pixels))


class ColorCells(Protocol):
    """A partition of colour space into cells, by which labels are looked up."""

    @property
    def cell_bgr(self) -> NDArray[np.float32]:
        """Representative colour of each cell, BGR from 0 to 255; shape (C, 3)."""
        ...

    def of_frame(self, frame: Frame, rows: slice = ALL_ROWS) -> NDArray[np.uint16]:
        """Cell number of every pixel in some rows of a frame; uint16 of shape (H, W)."""
        ...


@dataclass(frozen=True, eq=False)
class Segmentation:
    """The segmentation of a frame into colour clusters. Its arrays are read-only.

    Parameters
    ----------
    labels : ndarray of uint8, shape (H, W)
        Cluster number of every pixel. The segmenter compares the next frame with it, so copy it
        before changing it.
    centroids : ndarray of float32, shape (K, 3)
        Cluster centres in the working colour space; see `Palette`.
    colors : ndarray of uint8, shape (K, 3)
        The clusters as BGR colours.
    real : ndarray of bool, shape (K,)
        Whether the cluster has been found; see `Palette`.
    inertia : float
        Mean squared distance of a pixel to its centroid, in units of the working space squared: of
        all pixels with exact mapping, of the sampled ones with fast mapping.
    event : {"cold", "warm", "cut", "reseed"}
        How the palette was found: "cold", a first fit; "warm", continued from the frame before;
        "cut", a new fit for a new scene; "reseed", a cluster or all of them fitted anew because the
        old ones no longer suited the picture.
    color_space : str
        The working space.
    cells : ColorCells, optional
        The cells by which the labels were looked up; None for exact mapping.
    """

    labels: NDArray[np.uint8]
    centroids: NDArray[np.float32]
    colors: NDArray[np.uint8]
    real: NDArray[np.bool_]
    inertia: float
    event: PaletteEvent
    color_space: ColorSpace = "rgb"
    cells: ColorCells | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("labels", "centroids", "colors", "real"):
            view = getattr(self, name).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __repr__(self) -> str:
        height, width = self.labels.shape
        return (
            f"<Segmentation {width}x{height}, {self.event}, inertia {self.inertia:.4g}, "
            f"{self.palette.in_words}>"
        )

    def _repr_html_(self) -> str:
        """The segmented picture and its palette, for notebooks."""
        shown = self.colors[self.labels]
        if shown.shape[1] > _MOST_COLUMNS_OF_HTML:
            height = max(round(shown.shape[0] * _MOST_COLUMNS_OF_HTML / shown.shape[1]), 1)
            size = _MOST_COLUMNS_OF_HTML, height
            shown = cast("Plane", cv2.resize(shown, size, interpolation=cv2.INTER_AREA))
        data = base64.b64encode(cv2.imencode(".png", shown)[1].tobytes()).decode()
        return f'<img src="data:image/png;base64,{data}">{self.palette._repr_html_()}'

    @property
    def begins_scene(self) -> bool:
        """Whether the frame begins a scene, so that its regions do not continue earlier ones."""
        return self.event in {"cold", "cut"}

    def check_size(self, frame: Frame) -> None:
        """Check that a frame has the size of the segmented one.

        Raises
        ------
        SourceError
            If it is no `Frame`, or its size differs.
        """
        if not isinstance(frame, Frame):
            raise SourceError(
                f"a Frame is painted, not a {type(frame).__name__}; give Frame(array)"
            )
        height, width = self.labels.shape
        if (frame.width, frame.height) != (width, height):
            raise SourceError(
                f"the segmentation is one of {width}x{height}, not of "
                f"{frame.width}x{frame.height}; give the picture that was segmented"
            )

    @cached_property
    def palette(self) -> Palette:
        """The clusters with their shares, which are counted on first use."""
        shares = shares_of(self.labels, len(self.centroids))
        return Palette(self.centroids, self.colors, shares, self.real)
