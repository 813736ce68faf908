"""Names of colours, as people call them: thirteen basic ones, by hue, chroma and lightness.

Hue, chroma and lightness are those of Oklab as a cylinder (OkLCh), times 100. Every colour has
exactly one name, so that the clusters of a name are a choice that can be told and understood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import to_working

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Chroma below which a colour counts as gray, and the lightness below which that limit rises by 1
# for every 20: chroma shows less in the dark. More calls more dull colours gray.
LEAST_CHROMA = 2.0
_DARK, _DARKNESS_OF_CHROMA = 60.0, 20.0
_BLACK_BELOW, _WHITE_FROM = 30.0, 85.0  # lightness of grays
_OFF_WHITE_FROM, _OFF_WHITE_CHROMA = 90.0, 4.0  # ivory, snow and their like are white, too
_ANY = (0, 1000)
# Name, and the hue in degrees, the lightness and the chroma from and below which it holds; the
# first row that holds counts. Brown is a dark or dull orange, pink a light or bluish red.
_RULES = (
    ("red", (0, 13), (0, 50), _ANY),
    ("pink", (0, 13), _ANY, _ANY),
    ("pink", (13, 38), (78, 101), _ANY),
    ("brown", (13, 38), _ANY, (0, 6)),
    ("red", (13, 38), _ANY, _ANY),
    ("orange", (38, 83), (70, 101), (11, 100)),
    ("brown", (38, 83), _ANY, _ANY),
    ("brown", (83, 100), (0, 70), _ANY),
    ("green", (100, 115), (0, 70), _ANY),
    ("brown", (83, 115), (70, 90), (0, 5)),
    ("yellow", (83, 115), _ANY, _ANY),
    ("green", (115, 170), _ANY, _ANY),
    ("cyan", (170, 215), _ANY, _ANY),
    ("blue", (215, 280), _ANY, _ANY),
    ("magenta", (320, 340), (60, 101), (16, 100)),
    ("purple", (280, 340), _ANY, _ANY),
    ("purple", (340, 361), (0, 50), _ANY),
    ("pink", (340, 361), _ANY, _ANY),
)
_COLORLESS = {"black", "gray", "white"}


def color_names(colors: NDArray[np.uint8]) -> list[str]:
    """Name each colour.

    Parameters
    ----------
    colors : ndarray of uint8, shape (K, 3)
        BGR.

    Returns
    -------
    list of str
        Of `kseg_video.core.cluster_selectors.BASIC_COLORS`.
    """
    oklab = to_working(colors.astype(np.float32), "oklab")
    return [_name(*values) for values in oklab.tolist()]


def has_no_hue(name: str) -> bool:
    """Whether a name is that of a gray, black and white included."""
    return name in _COLORLESS


def _name(lightness: float, a: float, b: float) -> str:
    chroma = float(np.hypot(a, b))
    if chroma < LEAST_CHROMA + max(_DARK - lightness, 0) / _DARKNESS_OF_CHROMA:
        if lightness < _BLACK_BELOW:
            return "black"
        return "white" if lightness >= _WHITE_FROM else "gray"
    if lightness >= _OFF_WHITE_FROM and chroma < _OFF_WHITE_CHROMA:
        return "white"
    hue = float(np.degrees(np.arctan2(b, a))) % 360
    return next(
        name
        for name, *ranges in _RULES
        if all(
            low <= value < high
            for value, (low, high) in zip((hue, lightness, chroma), ranges, strict=True)
        )
    )
