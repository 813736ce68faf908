"""Animated GIF and WebP, which repeat for ever and have no sound."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from kseg_video.clustering import cold_fit
from kseg_video.color import to_levels
from kseg_video.errors import SinkError
from kseg_video.ffmpeg_sink import FfmpegSink, raw_video
from kseg_video.frame import check_frame
from kseg_video.gif import clear_after_each_frame
from kseg_video.indexed_color import ColorIndexer
from kseg_video.settings import SegmenterSettings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.frame import Frame, VideoInfo

# Browsers show pictures of less than 1/50 s for 1/10 s each.
_MOST_GIF_FRAMES_A_SECOND = 50
_TRANSPARENT = 255  # index in a GIF's palette
_OPAQUE_FROM = 128
_GRAYS = np.arange(256, dtype=np.uint8)[:, np.newaxis].repeat(3, axis=1)
# More effort makes files of few colours no smaller, and takes three times as long.
_WEBP_LOSSLESS = ("-lossless", "1", "-compression_level", "2")
_WEBP_LOSSY = ("-quality", "90")
# A reduced palette serves until it is that much worse than when it was made, in colour levels.
_WORSE = 1.3
_COMPARED_PIXELS = 10_000
_REDUCTION = SegmenterSettings(max_iterations=10)


class _AnimationSink(FfmpegSink):
    """What the two have in common."""

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        super().__init__(path, overwrite=overwrite)
        self._size = (info.height, info.width)
        self._frame_rate = info.frame_rate
        self._indexer = ColorIndexer()

    def _input(self, pixel_format: str) -> list[str]:
        height, width = self._size
        return [*raw_video(pixel_format, width, height, self._frame_rate), "-i", "pipe:0"]

    def _check(self, frame: Frame) -> None:
        check_frame(frame)
        if frame.pixels.shape[:2] != self._size or frame.layout == "i420":
            raise SinkError(
                f"a {frame.layout} picture of shape {frame.pixels.shape} cannot follow; give "
                f"bgr24 or gray8 of {self._size[1]}x{self._size[0]}"
            )


class GifSink(_AnimationSink):
    """An animated GIF, each frame in its own exact colours if they are at most 255.

    Pictures of more colours are reduced to a palette that is kept as long as it serves, without
    dither: what stands still in the source stands still in the GIF.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Of the pictures.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be made.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        super().__init__(path, info, overwrite=overwrite)
        self._reducer = _Reducer()
        self._has_alpha = info.has_alpha
        self._offered = 0
        rate = info.frame_rate
        self._every = math.ceil(rate / _MOST_GIF_FRAMES_A_SECOND)
        if self._every > 1:
            self._frame_rate = rate / self._every
            shown = float(self._frame_rate)
            self._note(f"GIF shows {shown:g} of the {float(rate):g} frames a second")
        # Only what covers the whole picture can be cleared away.
        changes = "-offsetting-transdiff" if self._has_alpha else "+offsetting+transdiff"
        encoder = ("-c:v", "gif", "-gifflags", changes, "-loop", "0")
        self._start([*self._input("pal8"), *encoder], "gif")

    def write(self, frame: Frame) -> None:
        """Take the next picture.

        Raises
        ------
        SinkError
            If it has not the size announced, or the encoder has ended.
        """
        self._check(frame)
        self._offered += 1
        if (self._offered - 1) % self._every:
            return
        if frame.layout == "gray8":
            self._feed(frame.pixels, _palette_bytes(_GRAYS))
        elif frame.alpha is None or not self._has_alpha:
            indices, colors = self._indexed(frame.pixels)
            self._feed(indices, _palette_bytes(colors))
        else:
            self._write_transparent(frame.pixels, frame.alpha)

    def _finish(self) -> None:
        if self._has_alpha:  # no frame is to show through the clear parts of the next one
            clear_after_each_frame(self._part.path)
        self._check_whole(self._frame_rate)

    def _write_transparent(self, bgr: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
        clear = alpha < _OPAQUE_FROM
        if ((alpha > 0) & (alpha < 255)).any():
            self._note("GIF knows no half transparency: soft edges become hard")
        pixels = bgr.copy()
        # Hidden colours need no place in the palette.
        pixels[clear] = pixels[~clear][:1] if not clear.all() else 0
        indices, colors = self._indexed(pixels)
        indices[clear] = _TRANSPARENT
        self._feed(indices, _palette_bytes(colors, transparent=True))

    def _indexed(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        exact = self._indexer.index(bgr)
        if exact is not None:
            return exact
        self._note("reduced to the 255 colours of a GIF; .webp keeps more")
        return self._reducer.reduce(bgr)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


class WebpSink(_AnimationSink):
    """An animated WebP, lossless if its first picture has few colours.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Of the pictures.
    overwrite : bool
        Whether an existing file may be replaced.
    lossless : bool
        Whether pictures of many colours are kept exactly, too.

    Raises
    ------
    SinkError
        If the file cannot be made.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool, lossless: bool) -> None:
        super().__init__(path, info, overwrite=overwrite)
        self._lossless = lossless

    def write(self, frame: Frame) -> None:
        """Take the next picture.

        Raises
        ------
        SinkError
            If it has not the size announced, or the encoder has ended.
        """
        self._check(frame)
        if self._process is None:
            exact = self._lossless or self._has_few_colors(frame)
            quality = _WEBP_LOSSLESS if exact else _WEBP_LOSSY
            encoder = ("-c:v", "libwebp_anim", "-pix_fmt", "bgra", *quality)
            self._start([*self._input("bgra"), *encoder, "-loop", "0"], "webp")
        self._feed(frame.bgra)

    def _has_few_colors(self, frame: Frame) -> bool:
        return frame.layout == "gray8" or self._indexer.index(frame.pixels) is not None


class _Reducer:
    """Brings pictures to 255 colours, the same from picture to picture where they serve."""

    def __init__(self) -> None:
        self._colors: NDArray[np.uint8] = np.zeros((0, 3), np.uint8)
        self._allowed = 0.0

    def reduce(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Indices, (H, W), and colours, (N, 3) in BGR order."""
        if len(self._colors):
            indices = _nearest(bgr, self._colors)
            if _difference(bgr, indices, self._colors) <= self._allowed:
                return indices, self._colors
        self._colors = _many_colors(bgr)
        indices = _nearest(bgr, self._colors)
        self._allowed = _WORSE * _difference(bgr, indices, self._colors)
        return indices, self._colors


def _many_colors(bgr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """As many colours as there may be, by k-means: rare ones fare better than by median cut."""
    sample = bgr.reshape(-1, 3)[:: max(bgr.size // 3 // _COMPARED_PIXELS, 1)]
    centroids = cold_fit(sample.astype(np.float32), _REDUCTION, 0, _TRANSPARENT, attempts=1)
    return to_levels(centroids)


def _nearest(bgr: NDArray[np.uint8], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Index of a colour near each pixel's, by Pillow's table, which is near enough and fast."""
    palette = Image.new("P", (1, 1))
    # Entries that are not given would be grays: repeats of the last one stand in their place.
    filled = np.pad(colors, ((0, 256 - len(colors)), (0, 0)), "edge")
    palette.putpalette(filled[:, ::-1].tobytes())
    picture = Image.fromarray(np.ascontiguousarray(bgr[..., ::-1]))
    indices = np.asarray(picture.quantize(palette=palette, dither=Image.Dither.NONE), np.uint8)
    return np.minimum(indices, np.uint8(len(colors) - 1))


def _difference(
    bgr: NDArray[np.uint8], indices: NDArray[np.uint8], colors: NDArray[np.uint8]
) -> float:
    """Mean difference in colour levels, over some pixels."""
    step = max(indices.size // _COMPARED_PIXELS, 1)
    levels = bgr.reshape(-1, 3)[::step].astype(int)
    return float(np.abs(levels - colors[indices.ravel()[::step]]).mean())


def _palette_bytes(colors: NDArray[np.uint8], *, transparent: bool = False) -> NDArray[np.uint8]:
    """256 colours with their opacity, as ffmpeg's pal8 holds them."""
    table = np.zeros((256, 4), np.uint8)
    table[:, 3] = 255
    table[: len(colors), :3] = colors
    if transparent:
        table[_TRANSPARENT] = 0
    return table
