"""Colour: how stored YUV becomes BGR, and the working spaces in which clusters are found.

Colours are BGR levels from 0 to 255 in OpenCV's channel order, as float32 where fractions matter.
The working spaces, all float32 with Euclidean distance:

=======  ==========================================================================================
rgb      the levels themselves, in the order B, G, R
lab      CIE L*a*b*, D65: L* 0 to 100, by the formula (see `kseg_video.core.cie_lab`)
luv      CIE L*u*v*, D65: L* 0 to 100
hsv      the HSV cone: (S V cos H, S V sin H, V), 0 to 255. Hue is an angle here, so that 359 and
         1 degrees are neighbours, and black is one colour whatever its hue
ycrcb    Y, Cr, Cb of BT.601, full range, 0 to 255
oklab    Oklab [3]_ times 100: L 0 to 100
=======  ==========================================================================================

References
----------
.. [1] ITU-R BT.601-7, BT.709-6 and BT.2020-2 (luma coefficients and quantisation).
.. [2] OpenCV, "Color conversions" (L*u*v*, YCrCb, HSV).
.. [3] B. Ottosson, "A perceptual color space for image processing", 2020 (Oklab).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import cv2
import numpy as np

from kseg_video.core.cie_lab import bgr_of_cie_lab, cie_lab
from kseg_video.core.errors import SettingsError
from kseg_video.core.srgb import levels_of_light, linear_light

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from kseg_video.core.settings import ColorSpace

    _Conversion: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]

Matrix: TypeAlias = Literal["bt601", "bt709", "bt2020"]

# Words of ffmpeg for primaries and transfer functions (its setparams filter).
PRIMARIES = frozenset(
    {"bt709", "bt470m", "bt470bg", "smpte170m", "smpte240m", "film", "bt2020"}
    | {"smpte428", "smpte431", "smpte432", "jedec-p22", "ebu3213"}
)
TRANSFERS = frozenset(
    {"bt709", "bt470m", "bt470bg", "smpte170m", "smpte240m", "linear", "log100", "log316"}
    | {"iec61966-2-4", "bt1361e", "iec61966-2-1", "bt2020-10", "bt2020-12", "smpte2084"}
    | {"smpte428", "arib-std-b67"}
)
_LUMA_WEIGHTS: dict[Matrix, tuple[float, float]] = {  # of red and blue
    "bt601": (0.299, 0.114),
    "bt709": (0.2126, 0.0722),
    "bt2020": (0.2627, 0.0593),
}
_HD_WIDTH = 1280
_SD_HEIGHT = 576
_BGR_TO_YCRCB_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


@dataclass(frozen=True, slots=True)
class ColorEncoding:
    """How the numbers of a YUV picture stand for colours.

    Parameters
    ----------
    matrix : {"bt601", "bt709", "bt2020"}
        Luma coefficients.
    full_range : bool
        Whether levels run from 0 to 255, not from 16 to 235 (240 for chroma).
    primaries, transfer : str, optional
        The stream's own tags in ffmpeg's words, one of `PRIMARIES` and of `TRANSFERS`; None is
        untagged.
    icc_profile : bytes, optional
        What a still says of its R, G and B (ISO 15076-1); None is taken for sRGB.

    Raises
    ------
    SettingsError
        If a word is none of those.
    """

    matrix: Matrix = "bt709"
    full_range: bool = False
    primaries: str | None = None
    transfer: str | None = None
    icc_profile: bytes | None = None

    def __post_init__(self) -> None:
        for name, word, words in (
            ("matrix", self.matrix, _LUMA_WEIGHTS),
            ("primaries", self.primaries, PRIMARIES | {None}),
            ("transfer", self.transfer, TRANSFERS | {None}),
        ):
            if word not in words:
                known = ", ".join(sorted(filter(None, words)))
                raise SettingsError(f"{name} is {word!r}; it takes {known}")

    @property
    def levels(self) -> str:
        """The range in ffmpeg's words: "pc" or "tv"."""
        return "pc" if self.full_range else "tv"

    @classmethod
    def guess(cls, width: int, height: int) -> ColorEncoding:
        """Encoding of an untagged picture, as players assume by its size.

        BT.709 where it is larger than SD, else BT.601, with Europe's primaries if it has as many
        lines as television there.
        """
        if width >= _HD_WIDTH or height > _SD_HEIGHT:
            return cls("bt709")
        return cls("bt601", primaries="bt470bg" if height == _SD_HEIGHT else None)


@lru_cache
def yuv_to_bgr_matrix(encoding: ColorEncoding) -> NDArray[np.float32]:
    """Affine map from Y, U, V levels to B, G, R levels.

    Returns
    -------
    ndarray of float32, shape (3, 4)
        Coefficients for `cv2.transform`; the last column is the offset.
    """
    red, blue = _LUMA_WEIGHTS[encoding.matrix]
    green = 1 - red - blue
    black, luma, chroma = (0, 1.0, 1.0) if encoding.full_range else (16, 255 / 219, 255 / 224)
    linear = np.array(
        [
            [luma, 2 * (1 - blue) * chroma, 0],
            [
                luma,
                -2 * blue * (1 - blue) / green * chroma,
                -2 * red * (1 - red) / green * chroma,
            ],
            [luma, 0, 2 * (1 - red) * chroma],
        ]
    )
    offset = -linear @ np.array([black, 128, 128])
    return np.column_stack([linear, offset]).astype(np.float32)


def bgr_to_yuv(colors: NDArray[np.uint8], encoding: ColorEncoding) -> NDArray[np.uint8]:
    """Nearest YUV levels of BGR colours.

    Parameters
    ----------
    colors : ndarray of uint8, shape (K, 3)
    encoding : ColorEncoding

    Returns
    -------
    ndarray of uint8, shape (K, 3)
        Y, U, V.
    """
    affine = yuv_to_bgr_matrix(encoding).astype(np.float64)
    inverse = np.linalg.inv(affine[:, :3])
    levels = (colors.astype(np.float64) - affine[:, 3]) @ inverse.T
    return to_levels(levels)


def to_working(colors: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """Colours in the working space.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        BGR levels, 0 to 255.
    space : str
        Name of the working space.

    Returns
    -------
    ndarray of float32, shape (N, 3)
    """
    return _SPACES[space][0](colors)


def from_working(values: NDArray[np.float32], space: ColorSpace) -> NDArray[np.uint8]:
    """8-bit BGR colours of points of the working space, out-of-gamut ones clipped.

    Parameters
    ----------
    values : ndarray of float32, shape (K, 3)
    space : str
        Name of the working space.

    Returns
    -------
    ndarray of uint8, shape (K, 3)
        BGR.
    """
    return to_levels(_SPACES[space][1](values))


def working_to_bgr(values: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """BGR levels of points of the working space, with their fractions, out-of-gamut ones clipped.

    Shape (K, 3) to (K, 3).
    """
    return np.clip(_SPACES[space][1](values), 0, 255)


def in_order_of_name(values: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """Points of a working space as its name says them: R, G, B of rgb; (K, 3) to (K, 3)."""
    return values[:, ::-1] if space == "rgb" else values


def bgr_of_hex(colors: Sequence[str]) -> NDArray[np.float32]:
    """BGR levels of colours such as ``#2b6cb0``; K of them to shape (K, 3)."""
    return np.array([list(bytes.fromhex(color[1:])[::-1]) for color in colors], np.float32)


def color_scale(space: ColorSpace) -> float:
    """Units of a working space that amount to one 8-bit level of gray."""
    return 100 / 255 if space in {"lab", "luv", "oklab"} else 1.0


def luma(colors: NDArray[np.generic]) -> NDArray[np.float32]:
    """Rec. 601 luma of BGR colours, 0 to 255; shape (K, 3) to (K,)."""
    return colors.astype(np.float32, copy=False) @ _BGR_TO_YCRCB_LUMA


def squared_distances(
    channels: NDArray[np.float32], color: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Of the colours of three channels, (3, N), to one; (N,)."""
    # Direct differences: the expansion |x|^2 - 2xc + |c|^2 loses the digits that near ties need.
    squared = np.zeros(channels.shape[1], np.float32)
    for channel, level in zip(channels, color, strict=True):
        difference = channel - level
        difference *= difference
        squared += difference
    return squared


def to_levels(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values rounded and clipped to 8-bit levels, of the same shape."""
    # cv2.kmeans answers 127.99999 for a flat 128: round, never truncate.
    levels: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels


def _convert(colors: NDArray[np.float32], code: int) -> NDArray[np.float32]:
    """`cv2.cvtColor` of a list of float32 colours of unit range, shape (N, 3)."""
    if len(colors) == 0:
        return np.empty((0, 3), np.float32)
    picture = np.ascontiguousarray(colors, np.float32).reshape(-1, 1, 3)
    return cast("NDArray[np.float32]", cv2.cvtColor(picture, code).reshape(-1, 3))


def _opencv_space(forward: int, inverse: int, scale: float) -> tuple[_Conversion, _Conversion]:
    """Forward and inverse conversion by OpenCV; `scale` multiplies its float values."""

    def to_space(colors: NDArray[np.float32]) -> NDArray[np.float32]:
        values = _convert(colors / np.float32(255), forward)
        np.multiply(values, scale, out=values)
        return values

    def from_space(values: NDArray[np.float32]) -> NDArray[np.float32]:
        colors = _convert(values / np.float32(scale), inverse)
        np.multiply(colors, 255, out=colors)
        return colors

    return to_space, from_space


def _same(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    return colors


def _to_hsv_cone(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    hsv = _convert(colors, cv2.COLOR_BGR2HSV)  # degrees, 0 to 1, 0 to 255
    hue = np.deg2rad(hsv[:, 0])
    radius = hsv[:, 1] * hsv[:, 2]
    return np.column_stack([radius * np.cos(hue), radius * np.sin(hue), hsv[:, 2]])


def _from_hsv_cone(values: NDArray[np.float32]) -> NDArray[np.float32]:
    value = np.clip(values[:, 2], 0, 255)
    radius = np.minimum(np.hypot(values[:, 0], values[:, 1]), value)
    saturation = np.divide(radius, value, out=np.zeros_like(value), where=value > 0)
    hue = np.rad2deg(np.arctan2(values[:, 1], values[:, 0])) % 360
    return _convert(np.column_stack([hue, saturation, value]), cv2.COLOR_HSV2BGR)


# Linear BGR to cone responses, and their cube roots to Oklab: the two matrices of [3], columns
# turned to OpenCV's channel order.
_BGR_TO_LMS = np.array(
    [
        [0.0514459929, 0.5363325363, 0.4122214708],
        [0.1073969566, 0.6806995451, 0.2119034982],
        [0.6299787005, 0.2817188376, 0.0883024619],
    ]
)
_LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_OKLAB_SCALE = 100.0


def _to_oklab(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    lab = np.cbrt(linear_light(colors) @ _BGR_TO_LMS.T) @ _LMS_TO_OKLAB.T
    scaled: NDArray[np.float32] = (lab * _OKLAB_SCALE).astype(np.float32)
    return scaled


def _from_oklab(values: NDArray[np.float32]) -> NDArray[np.float32]:
    roots = (values / _OKLAB_SCALE) @ np.linalg.inv(_LMS_TO_OKLAB).T
    return levels_of_light(roots**3 @ np.linalg.inv(_BGR_TO_LMS).T)


_SPACES: dict[ColorSpace, tuple[_Conversion, _Conversion]] = {
    "rgb": (_same, _same),
    "lab": (cie_lab, bgr_of_cie_lab),
    "luv": _opencv_space(cv2.COLOR_BGR2Luv, cv2.COLOR_Luv2BGR, 1),
    "hsv": (_to_hsv_cone, _from_hsv_cone),
    "ycrcb": _opencv_space(cv2.COLOR_BGR2YCrCb, cv2.COLOR_YCrCb2BGR, 255),
    "oklab": (_to_oklab, _from_oklab),
}
