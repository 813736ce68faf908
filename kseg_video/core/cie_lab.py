"""CIE L*a*b* from and to BGR by its formula, and sRGB's transfer function.

OpenCV computes L*a*b* from tables with an error of up to 0.5, so that one colour in 50 does not
survive the round trip.

References
----------
.. [1] IEC 61966-2-1 (sRGB: transfer function, primaries and white point).
.. [2] CIE 15:2004, "Colorimetry", 8.2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Linear BGR to XYZ for sRGB's primaries; each row's sum is the white point.
_BGR_TO_XYZ = np.array(
    [
        [0.1804807884, 0.3575843394, 0.4123907993],
        [0.0721923154, 0.7151686788, 0.2126390059],
        [0.9505321522, 0.1191947798, 0.0193308187],
    ]
)
_TO_SHARES_OF_WHITE = _BGR_TO_XYZ / _BGR_TO_XYZ.sum(axis=1, keepdims=True)
_SHARES_TO_LAB = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])
_LAB_TO_SHARES = np.linalg.inv(_SHARES_TO_LAB)
_TO_LIGHT = np.linalg.inv(_TO_SHARES_OF_WHITE)
_OFFSET = np.array([16, 0, 0])
_LEAST_CUBED, _SLOPE = 216 / 24389, 24389 / 27 / 116


def linear_light(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Linear light, 0 to 1, of sRGB-encoded BGR levels; (N, 3) to (N, 3)."""
    if len(colors) == 0:
        return np.empty((0, 3), np.float32)
    encoded = colors * np.float32(1 / 255)
    curved = (encoded + np.float32(0.055)) * np.float32(1 / 1.055)
    light = cast("NDArray[np.float32]", cv2.pow(curved, 2.4))  # several times as fast as NumPy's
    np.multiply(encoded, np.float32(1 / 12.92), out=light, where=encoded <= 0.04045)
    return light


def levels_of_light(light: NDArray[np.floating]) -> NDArray[np.float32]:
    """sRGB-encoded BGR levels of linear light, clipped to 0 to 1; of the same shape."""
    linear = np.clip(light, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    levels: NDArray[np.float32] = (encoded * 255).astype(np.float32)
    return levels


def cie_lab(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert colours to CIE L*a*b* under D65.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        BGR levels, 0 to 255.

    Returns
    -------
    ndarray of float32, shape (N, 3)
        L* from 0 to 100.
    """
    if len(colors) == 0:
        return np.empty((0, 3), np.float32)
    shares = cv2.transform(linear_light(colors).reshape(-1, 1, 3), _TO_SHARES_OF_WHITE)
    curved = cv2.pow(shares, 1 / 3)
    straight = shares * np.float32(_SLOPE) + np.float32(16 / 116)
    np.copyto(curved, straight, where=shares <= _LEAST_CUBED)
    lab = cv2.transform(curved, np.column_stack([_SHARES_TO_LAB, -_OFFSET]))
    return cast("NDArray[np.float32]", lab.reshape(-1, 3))


def bgr_of_cie_lab(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert CIE L*a*b* under D65 to BGR levels, out-of-gamut colours clipped; (N, 3)."""
    curved = (lab.astype(np.float64) + _OFFSET) @ _LAB_TO_SHARES.T
    is_cubed = curved > np.cbrt(_LEAST_CUBED)
    shares = np.where(is_cubed, curved**3, (curved - 16 / 116) / _SLOPE)
    return levels_of_light(shares @ _TO_LIGHT.T)
