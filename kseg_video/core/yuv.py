"""Conversion of stored YUV to BGR and back.

References
----------
.. [1] ITU-R BT.601-7, BT.709-6 and BT.2020-2 (luma coefficients and quantisation).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from kseg_video.core.color_spaces import to_levels
from kseg_video.core.errors import SettingsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

Matrix: TypeAlias = Literal["bt601", "bt709", "bt2020"]

# ffmpeg's names of primaries and transfer functions (its setparams filter).
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


@dataclass(frozen=True, slots=True)
class ColorEncoding:
    """The colour encoding of a YUV picture: matrix, range, primaries and transfer function.

    Parameters
    ----------
    matrix : {"bt601", "bt709", "bt2020"}
        Luma coefficients.
    full_range : bool
        Whether levels run from 0 to 255 instead of 16 to 235 (240 for chroma).
    primaries, transfer : str, optional
        The stream's tags as ffmpeg names them, one of `PRIMARIES` and one of `TRANSFERS`; None is
        untagged.
    icc_profile : bytes, optional
        ICC profile (ISO 15076-1) of an image; None is taken as sRGB.

    Raises
    ------
    SettingsError
        If a name is unknown.
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
        """The range as ffmpeg names it: "pc" (full) or "tv" (limited)."""
        return "pc" if self.full_range else "tv"

    @classmethod
    def guess(cls, width: int, height: int) -> ColorEncoding:
        """The encoding that players assume for an untagged picture of this size.

        BT.709 if it is larger than SD, else BT.601, with PAL's primaries if it has PAL's 576 lines.
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
