"""CIE L*a*b* by its formula, for figures that are read.

The working space ``lab`` is OpenCV's, which looks the curves up in tables: near enough for
distances, and wrong by up to 0.3.

References
----------
.. [1] IEC 61966-2-1 (sRGB: primaries, white and curve).
.. [2] CIE 15:2004, "Colorimetry", 8.2.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kseg_video.color import linear_light

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Linear BGR to XYZ, after sRGB's primaries; white is the sum of all three.
_BGR_TO_XYZ = np.array(
    [
        [0.1804807884, 0.3575843394, 0.4123907993],
        [0.0721923154, 0.7151686788, 0.2126390059],
        [0.9505321522, 0.1191947798, 0.0193308187],
    ]
)
_TO_SHARES_OF_WHITE = _BGR_TO_XYZ / _BGR_TO_XYZ.sum(axis=1, keepdims=True)
_SHARES_TO_LAB = np.array([[0, 116, 0], [500, -500, 0], [0, 200, -200]])
_LEAST_CUBED, _SLOPE = 216 / 24389, 24389 / 27 / 116


def cie_lab(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Colours in CIE L*a*b* under D65.

    Parameters
    ----------
    colors : ndarray of float32, shape (N, 3)
        BGR levels, 0 to 255.

    Returns
    -------
    ndarray of float32, shape (N, 3)
        L* from 0 to 100.
    """
    shares = linear_light(colors) @ _TO_SHARES_OF_WHITE.T
    curved = np.where(shares > _LEAST_CUBED, np.cbrt(shares), _SLOPE * shares + 16 / 116)
    lab: NDArray[np.float32] = (curved @ _SHARES_TO_LAB.T - (16, 0, 0)).astype(np.float32)
    return lab
