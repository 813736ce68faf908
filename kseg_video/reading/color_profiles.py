"""What stills say of their R, G and B: ICC profiles (ISO 15076-1)."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

_HOLDING_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff"})
_LARGEST = 1 << 20  # bytes; readers of PNG take no more
_SAME_LEVELS = 3


def rgb_profile(metadata: dict[str, Any]) -> bytes | None:
    """The profile of an image, if it is one of R, G and B, which are what is read."""
    profile = metadata.get("icc_profile")
    return profile if isinstance(profile, bytes) and profile[16:20] == b"RGB " else None


def holds_profile(suffix: str, icc_profile: bytes) -> bool:
    """Whether pictures of this suffix can have such a profile."""
    return suffix in _HOLDING_SUFFIXES and len(icc_profile) <= _LARGEST


def are_alike(one: bytes | None, other: bytes | None) -> bool:
    """Whether two profiles are the same, or both of sRGB, as a picture without one is."""
    return one == other or all(
        profile is None or name_unless_srgb(profile) is None for profile in (one, other)
    )


def name_unless_srgb(icc_profile: bytes) -> str | None:
    """What a profile calls itself, unless its colours are those of sRGB."""
    from PIL import Image, ImageCms  # noqa: PLC0415 - only few pictures need it

    levels = np.arange(0, 256, 51).astype(np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(1, -1, 3)
    try:
        opened = ImageCms.getOpenProfile(io.BytesIO(icc_profile))
        name = ImageCms.getProfileDescription(opened)
        converted = ImageCms.profileToProfile(
            Image.fromarray(cube), opened, ImageCms.createProfile("sRGB"), outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError):
        return "a damaged profile"
    change = np.asarray(converted).astype(np.int16) - cube
    if np.abs(change).max() <= _SAME_LEVELS:
        return None
    return "".join(filter(str.isprintable, name)).strip() or "a profile without a name"
