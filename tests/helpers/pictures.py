"""Synthetic pictures with known properties."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.core.frame import Frame, i420_shape
from kseg_video.core.yuv import ColorEncoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import PixelLayout

    Picture = NDArray[np.uint8]

QUADRANTS = np.array([(20, 20, 180), (40, 170, 60), (200, 60, 40), (220, 220, 220)], np.uint8)


def quadrants(height: int = 20, width: int = 21, noise: int = 6, seed: int = 0) -> Picture:
    """Four coloured quarters with seeded noise."""
    truth = quadrant_labels(height, width)
    rng = np.random.default_rng(seed)
    levels = QUADRANTS[truth].astype(int) + rng.integers(-noise, noise + 1, (height, width, 3))
    return np.clip(levels, 0, 255).astype(np.uint8)


def quadrant_labels(height: int = 20, width: int = 21) -> NDArray[np.intp]:
    labels = np.zeros((height, width), np.intp)
    labels[height // 2 :] += 2
    labels[:, width // 2 :] += 1
    return labels


def photo_like(
    seed: int, low: int = 0, high: int = 255, size: tuple[int, int] = (180, 240)
) -> Picture:
    """Smooth shapes, texture and grain between two levels; channels rise and fall together."""
    rng = np.random.default_rng(seed)
    height, width = size
    brightness = np.zeros((height, width))
    for octave in range(1, 6):
        coarse = rng.normal(size=(2**octave, 2**octave)) / octave
        brightness += cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    tint = np.stack(
        [
            cv2.resize(rng.normal(size=(3, 4)), (width, height), interpolation=cv2.INTER_CUBIC)
            for _ in range(3)
        ],
        axis=-1,
    )
    picture = brightness[..., np.newaxis] + 0.5 * tint + rng.normal(0, 0.06, (height, width, 3))
    picture -= picture.min()
    return np.asarray(np.rint(low + picture / picture.max() * (high - low)), np.uint8)


def as_i420(picture: Picture, matrix: str = "bt709") -> Frame:
    """Convert a picture to a planar frame by the standards' formulas, limited range."""
    red_weight, blue_weight = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}[matrix]
    blue, green, red = np.moveaxis(picture.astype(float) / 255, -1, 0)
    luma = red_weight * red + (1 - red_weight - blue_weight) * green + blue_weight * blue
    height, odd_width = len(picture), picture.shape[1] % 2
    planes = [np.pad(16 + 219 * luma, ((0, 0), (0, odd_width)), "edge")]
    for color, weight in ((blue, blue_weight), (red, red_weight)):
        chroma = 128 + 224 * (color - luma) / (2 * (1 - weight))
        chroma = np.pad(chroma, ((0, height % 2), (0, odd_width)), "edge")
        rows, columns = chroma.shape
        planes.append(chroma.reshape(rows // 2, 2, columns // 2, 2).mean(axis=(1, 3)))
    pixels = np.concatenate([np.rint(plane).ravel() for plane in planes]).astype(np.uint8)
    encoding = ColorEncoding("bt601" if matrix == "bt601" else "bt709")
    width = picture.shape[1] + odd_width
    return Frame(pixels.reshape(-1, width), "i420", encoding, odd_width=odd_width == 1)


def noisy_frame(
    layout: PixelLayout, width: int, height: int, random: np.random.Generator, spread: int = 120
) -> Frame:
    """Noise over a gradient."""
    odd = width % 2 == 1
    shape = i420_shape(width, height) if layout == "i420" else (height, width, 3)
    slope = np.linspace(0, 250 - spread, int(np.prod(shape))).reshape(shape)
    pixels = (slope + random.integers(0, spread, shape)).astype(np.uint8)
    return Frame(pixels, layout, odd_width=odd and layout == "i420")


def noisier(frame: Frame, random: np.random.Generator) -> Frame:
    """The frame that follows: with a little noise, and much in every fourth row."""
    noise = random.integers(-3, 4, frame.pixels.shape)
    noise[::4] *= 20
    pixels = np.clip(frame.pixels.astype(int) + noise, 0, 255).astype(np.uint8)
    return Frame(pixels, frame.layout, odd_width=frame.odd_width)
