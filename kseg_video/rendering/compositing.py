"""Compositing of the clusters that are on over a background.

All work is done on the frame's own planes: a planar frame is never converted.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.core.color_spaces import to_levels
from kseg_video.core.errors import SettingsError
from kseg_video.core.frame import Frame, padded_to_even
from kseg_video.core.yuv import bgr_to_yuv
from kseg_video.native.planes import bands_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.core.background_spec import BackgroundSpec, RgbColor
    from kseg_video.core.frame import Plane

_HEIGHTS_OF_A_BLUR, _HEIGHTS_OF_A_BLOCK = 45, 30  # default blur radius and block: height / this
_SHRUNKEN_RADIUS = 2  # least blur radius in the shrunken picture: less is faster, but blocky
_NOTHING = 1e-3  # weight of kept blocks in a blur; 0 would divide by 0 where it covers them alone
_RIM = 16  # pixels
_LIGHT, _DARK = 255, 204  # levels of the checkerboard
_HEIGHTS_OF_A_SQUARE = 45


def composite(
    front: Frame, source: Frame, matte: Plane, background: BackgroundSpec, picture: Frame | None
) -> Frame:
    """Composite the foreground over its background, or give it the matte as its alpha plane.

    Where the matte is 255 or 0, the result is the foreground or the background, bit for bit.

    Parameters
    ----------
    front : Frame
        The foreground; bgr24 or i420.
    source : Frame
        The source frame, from which blurred, gray and pixelated backgrounds are made, in the same
        layout.
    matte : ndarray of uint8, shape (H, W)
        Opacity of the foreground, 0 to 255.
    background : BackgroundSpec
    picture : Frame, optional
        The background picture, of the frame's size.

    Raises
    ------
    SettingsError
        If the background is a picture and none of the right size and layout is given.
    """
    if background.kind != "transparent":
        return _blend(front, _backdrop(source, background, matte, picture), matte)
    alpha = matte
    if source.alpha is not None:
        alpha = cast("Plane", cv2.multiply(matte, source.alpha, scale=1 / 255))
    return replace(_without_hidden(front, matte), alpha=alpha)


def over_checkerboard(frame: Frame) -> Frame:
    """A bgr24 frame made opaque for display, over a checkerboard where it is transparent."""
    if frame.alpha is None:
        return frame
    squares = Frame(_checkerboard(frame.width, frame.height))
    return replace(_blend(frame, squares, frame.alpha), alpha=None)


def mirrored(frame: Frame) -> Frame:
    """A bgr24 frame mirrored left to right."""
    alpha = None if frame.alpha is None else cast("Plane", cv2.flip(frame.alpha, 1))
    return replace(frame, pixels=cast("NDArray[np.uint8]", cv2.flip(frame.pixels, 1)), alpha=alpha)


def nearest_kept(centroids: NDArray[np.float32], disabled: AbstractSet[int]) -> NDArray[np.intp]:
    """For each cluster, its own number or, if it is off, that of the nearest one that is on."""
    numbers = np.arange(len(centroids))
    off = np.isin(numbers, list(disabled))
    if off.any() and not off.all():
        from_on = centroids[off, np.newaxis] - centroids[~off]
        numbers[off] = numbers[~off][np.argmin(np.linalg.norm(from_on, axis=2), axis=1)]
    return numbers


def covering(
    picture: NDArray[np.uint8], width: int, height: int, pixel_aspect: float = 1.0
) -> NDArray[np.uint8]:
    """Scale a picture to cover a size and crop it to its middle, like ``cover`` in CSS.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w, 3)
        A picture with square pixels.
    width, height : int
        Size of the result in pixels.
    pixel_aspect : float
        Width of a pixel of the result over its height.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
    """
    rows, columns = picture.shape[:2]
    shape = width * pixel_aspect / height
    taken_rows = min(max(round(columns / shape), 1), rows)
    taken_columns = min(max(round(rows * shape), 1), columns)
    top, left = (rows - taken_rows) // 2, (columns - taken_columns) // 2
    middle = picture[top : top + taken_rows, left : left + taken_columns]
    shrinks = taken_columns >= width and taken_rows >= height
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cast("NDArray[np.uint8]", cv2.resize(middle, (width, height), interpolation=how))


@lru_cache(maxsize=2)
def _checkerboard(width: int, height: int) -> NDArray[np.uint8]:
    side = max(height // _HEIGHTS_OF_A_SQUARE, 4)
    rows, columns = np.ogrid[:height, :width]
    is_dark = (rows // side + columns // side) % 2
    levels = np.where(is_dark, _DARK, _LIGHT).astype(np.uint8)
    return cast("NDArray[np.uint8]", cv2.merge([levels] * 3))


def _backdrop(
    source: Frame, background: BackgroundSpec, matte: Plane, picture: Frame | None
) -> Frame:
    if background.kind == "color":
        return _flat(source, background.color)
    if background.kind == "gray":
        return _gray(source)
    if background.kind == "blur":
        radius = background.pixels or max(source.height // _HEIGHTS_OF_A_BLUR, 1)
        return _blurred(source, radius, matte)
    if background.kind == "pixelate":
        return _pixelated(source, background.pixels or max(source.height // _HEIGHTS_OF_A_BLOCK, 2))
    if picture is None:
        raise SettingsError("there is no picture for the background; give one with each frame")
    if picture.layout != source.layout and source.layout == "bgr24":
        picture = Frame(picture.bgr)
    if picture.pixels.shape != source.pixels.shape or picture.width != source.width:
        raise SettingsError(
            f"the background's picture is {picture.width}x{picture.height} ({picture.layout}) and "
            f"the frame {source.width}x{source.height} ({source.layout}); bring it to that first"
        )
    return picture


def _blend(front: Frame, back: Frame, matte: Plane) -> Frame:
    """Blend the front over a back of the same size and layout, with the matte as opacity."""
    blended = _blank(front)
    opacities = _opacities(front, matte)
    for planes in zip(_planes(front), _planes(back), _planes(blended), opacities, strict=True):
        for band in bands_of(*planes[0].shape[:2]):
            kept, shown, target, opacity = (plane[band.rows] for plane in planes)
            # 16-bit products and a single rounding take a fraction of cv2.multiply with a scale.
            mixed = np.multiply(kept, opacity, dtype=np.uint16)
            mixed += np.multiply(shown, ~opacity, dtype=np.uint16)
            cv2.convertScaleAbs(mixed, dst=target, alpha=1 / 255)
    return blended


def _without_hidden(frame: Frame, matte: Plane) -> Frame:
    """The frame with hidden pixels in black, so that they are neither stored nor leaked.

    A rim of source pixels stays around the visible ones: a codec or a scaler, which mixes
    neighbours, would bleed black into the edges.
    """
    matte = padded_to_even(matte)
    pairs = cast("Plane", cv2.max(matte[::2], matte[1::2])).view(np.uint16)
    near = cv2.dilate((pairs > 0).view(np.uint8), np.ones((_RIM + 1, _RIM + 1), np.uint8))
    doubled = cast("Plane", cv2.resize(near, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST))
    masks = [doubled[: frame.height, : frame.width], near, near]
    black = np.zeros((1, 3), np.uint8)
    levels = black if frame.layout == "bgr24" else bgr_to_yuv(black, frame.encoding)[0]
    kept = _blank(frame)
    for plane, target, mask, level in zip(
        _planes(frame), _planes(kept), masks, levels, strict=False
    ):
        for band in bands_of(*plane.shape[:2]):
            target[band.rows] = level
            cv2.copyTo(plane[band.rows], mask[band.rows], target[band.rows])
    return kept


def _opacities(frame: Frame, matte: Plane) -> Sequence[NDArray[np.uint8]]:
    """The matte in the shape of each of a frame's planes."""
    if frame.layout == "bgr24":
        return [cast("NDArray[np.uint8]", cv2.merge([matte] * 3))]
    even = padded_to_even(matte)
    halves = cast("Plane", cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return [matte, halves, halves]


def _flat(frame: Frame, color: RgbColor) -> Frame:
    bgr, flat = np.array([color[::-1]], np.uint8), _blank(frame)
    levels = bgr if frame.layout == "bgr24" else bgr_to_yuv(bgr, frame.encoding)[0]
    for plane, level in zip(_planes(flat), levels, strict=True):
        plane[:] = level
    return flat


def _gray(frame: Frame) -> Frame:
    if frame.layout == "bgr24":
        return replace(frame, pixels=cast("NDArray[np.uint8]", cv2.merge([frame.luma] * 3)))
    pixels = frame.pixels.copy()
    pixels[frame.height :] = 128
    return replace(frame, pixels=pixels)


def _blurred(frame: Frame, radius: int, matte: Plane) -> Frame:
    """The frame blurred, without its kept pixels, which would glow into their surroundings."""
    # Averages over whole blocks, and over four rows of each, are many times as fast. The remainder
    # that they leave out at the right and at the bottom is narrower than the blur.
    factor = max(min(radius // _SHRUNKEN_RADIUS, frame.width, frame.height) // 4 * 4, 1)
    columns, rows = frame.width // factor, frame.height // factor
    width, height, step = columns * factor, rows * factor, max(factor // 4, 1)
    whole = matte[:height:step, :width]
    parts = [
        plane[: height * len(plane) // frame.height : step, : width * plane.shape[1] // frame.width]
        for plane in _planes(frame)
    ]
    small = _shrunken(parts, columns, rows).astype(np.float32)
    kept = cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA)
    weights = np.where(kept == 0, 1, _NOTHING).astype(np.float32)
    sigma = radius / factor
    sums = cv2.GaussianBlur(small * weights[..., np.newaxis], (0, 0), sigma)
    means = sums / cv2.GaussianBlur(weights, (0, 0), sigma)[..., np.newaxis]
    return _enlarged(frame, to_levels(cast("NDArray[np.float32]", means)), cv2.INTER_LINEAR)


def _pixelated(frame: Frame, size: int) -> Frame:
    columns, rows = -(-frame.width // size), -(-frame.height // size)
    return _enlarged(frame, _shrunken(_planes(frame), columns, rows), cv2.INTER_NEAREST)


def _shrunken(planes: Sequence[NDArray[np.uint8]], columns: int, rows: int) -> NDArray[np.uint8]:
    """Block averages of planes; uint8 of shape (rows, columns, 3)."""
    small = [cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA) for plane in planes]
    return cast("NDArray[np.uint8]", small[0] if len(small) == 1 else cv2.merge(small))


def _enlarged(frame: Frame, small: NDArray[np.uint8], how: int) -> Frame:
    """Block averages scaled to the size and layout of a frame."""
    enlarged = _blank(frame)
    parts = [small] if frame.layout == "bgr24" else cv2.split(small)
    for part, plane in zip(parts, _planes(enlarged), strict=True):
        cv2.resize(part, plane.shape[1::-1], dst=plane, interpolation=how)
    return enlarged


def _blank(frame: Frame) -> Frame:
    """A frame of the same size and layout with uninitialised pixels."""
    return replace(frame, pixels=np.empty_like(frame.pixels))


def _planes(frame: Frame) -> Sequence[NDArray[np.uint8]]:
    """The planes of a frame; for bgr24, its pixels as the only one."""
    return [frame.pixels] if frame.layout == "bgr24" else frame.planes
