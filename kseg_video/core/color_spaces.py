"""The working colour spaces in which clusters are found.

Colours are BGR levels from 0 to 255 in OpenCV's channel order, as float32 where fractions matter.
The working spaces, all float32 with Euclidean distance:

=======  ==========================================================================================
rgb      the levels themselves, in the order B, G, R
lab      CIE L*a*b*, D65: L* 0 to 100, by the formula (see `kseg_video.core.cie_lab`)
luv      CIE L*u*v*, D65: L* 0 to 100
hsv      the HSV cone: (S V cos H, S V sin H, V), 0 to 255. Hue is an angle here, so that 359 and
         1 degrees are neighbours, and black is one colour whatever its hue
ycrcb    Y, Cr, Cb of BT.601, full range, 0 to 255
oklab    Oklab [2]_ times 100: L 0 to 100
=======  ==========================================================================================

References
----------
.. [1] OpenCV, "Color conversions" (L*u*v*, YCrCb, HSV).
.. [2] B. Ottosson, "A perceptual color space for image processing", 2020 (Oklab).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias, cast

import cv2
import numpy as np

from kseg_video.core.cie_lab import bgr_of_cie_lab, cie_lab, levels_of_light, linear_light

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from kseg_video.core.settings import ColorSpace

    _Conversion: TypeAlias = Callable[[NDArray[np.float32]], NDArray[np.float32]]

_BGR_TO_YCRCB_LUMA = np.array([0.114, 0.587, 0.299], np.float32)


def to_working(colors: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """Convert colours to a working space.

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
    """Convert points of a working space to 8-bit BGR colours, clipping those out of gamut.

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
    """Convert points of a working space to unrounded BGR levels, clipping those out of gamut.

    Shape (K, 3) to (K, 3).
    """
    return np.clip(_SPACES[space][1](values), 0, 255)


def in_order_of_name(values: NDArray[np.float32], space: ColorSpace) -> NDArray[np.float32]:
    """Points with their channels in the order of the space's name, as R, G, B; (K, 3) to (K, 3)."""
    return values[:, ::-1] if space == "rgb" else values


def bgr_of_hex(colors: Sequence[str]) -> NDArray[np.float32]:
    """BGR levels of K colours such as ``#2b6cb0``; shape (K, 3)."""
    return np.array([list(bytes.fromhex(color[1:])[::-1]) for color in colors], np.float32)


def color_scale(space: ColorSpace) -> float:
    """Distance in a working space that corresponds to one 8-bit gray level."""
    return 100 / 255 if space in {"lab", "luv", "oklab"} else 1.0


def luma(colors: NDArray[np.generic]) -> NDArray[np.float32]:
    """Rec. 601 luma of BGR colours, 0 to 255; (K, 3) to (K,)."""
    return colors.astype(np.float32, copy=False) @ _BGR_TO_YCRCB_LUMA


def to_levels(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Round and clip values to 8-bit levels of the same shape."""
    # cv2.kmeans returns 127.99999 for a flat 128, so values are rounded, never truncated.
    levels: NDArray[np.uint8] = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels


def _convert(colors: NDArray[np.float32], code: int) -> NDArray[np.float32]:
    """Apply `cv2.cvtColor` to float32 colours of shape (N, 3)."""
    if len(colors) == 0:
        return np.empty((0, 3), np.float32)
    picture = np.ascontiguousarray(colors, np.float32).reshape(-1, 1, 3)
    return cast("NDArray[np.float32]", cv2.cvtColor(picture, code).reshape(-1, 3))


def _opencv_space(forward: int, inverse: int, scale: float) -> tuple[_Conversion, _Conversion]:
    """Forward and inverse conversion by OpenCV, whose float values are multiplied by `scale`."""

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


# The two matrices of [2], linear BGR to cone responses and their cube roots to Oklab, with the
# columns in OpenCV's channel order.
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
