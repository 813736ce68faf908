"""Animated GIF and WebP, which repeat for ever and have no sound."""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.writing.atomic_file import AbortingContext, PartialFile
from kseg_video.writing.color_quantizer import ColorIndexer, ColorReducer
from kseg_video.writing.ffmpeg_sink import FfmpegSink, raw_video
from kseg_video.writing.gif_format import LONGEST_DELAY, GifPatch, gif_end, gif_header
from kseg_video.writing.sink_base import check_frame
from kseg_video.writing.written_video_check import check_whole

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, VideoInfo

# Browsers show pictures of less than 1/50 s for 1/10 s each.
_MOST_GIF_FRAMES_A_SECOND = 50
_OPAQUE_FROM = 128
_GRAYS = np.arange(256, dtype=np.uint8)[:, np.newaxis].repeat(3, axis=1)
# More effort makes files of few colours no smaller, and takes three times as long.
_WEBP_LOSSLESS = ("-lossless", "1", "-compression_level", "2")
_WEBP_LOSSY = ("-quality", "90")


class GifSink(AbortingContext):
    """An animated GIF, each frame in its own exact colours if they are at most 255.

    Pictures of more colours are reduced to a palette that is kept as long as it serves, without
    dither: what stands still in the source stands still in the GIF. Only pixels that change are
    stored; of a GIF with transparency, in which they would have to be cleared away one by one, all.

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
        self.notes: list[str] = []
        self._path = path
        self._info = info
        self._indexer, self._reducer = ColorIndexer(), ColorReducer()
        self._offered = self._taken = self._stored = 0
        rate = info.frame_rate
        self._every = math.ceil(rate / _MOST_GIF_FRAMES_A_SECOND)
        self._frame_rate = rate / self._every
        if self._every > 1:
            shown = float(self._frame_rate)
            self._note(f"GIF shows {shown:g} of the {float(rate):g} frames a second")
        # What is shown, as numbers of colour and opacity; its patch waits until it is known for how
        # long. At first, all is clear.
        self._shown: NDArray[np.uint32] = np.zeros((info.height, info.width), np.uint32)
        self._patch: GifPatch | None = None
        self._since = 0
        self._part = PartialFile(path, overwrite=overwrite)
        try:
            self._file = self._part.path.open("wb")
            self._file.write(gif_header(info.width, info.height))
        except BaseException as error:
            self._part.discard()
            if isinstance(error, OSError):
                raise cannot_write(path, error) from error
            raise

    def write(self, frame: Frame) -> None:
        """Take the next picture.

        Raises
        ------
        SinkError
            If it has not the size and layout announced, or cannot be written.
        """
        check_frame(self._path, frame, self._info)
        self._offered += 1
        if (self._offered - 1) % self._every:
            return
        if frame.layout == "gray8":
            self._show(frame.pixels, _GRAYS)
        elif frame.alpha is None or not self._info.has_alpha:
            self._show(*self._indexed(frame.bgr))
        else:
            self._show_transparent(frame.bgr, frame.alpha)
        self._taken += 1

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises
        ------
        SinkError
            If it got no picture or cannot be written.
        """
        if self._patch is None:
            raise SinkError(f"{self._path} got no picture")
        self._store(self._patch)
        try:
            self._file.write(gif_end())
            self._file.close()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        seconds, frame = Fraction(self._now(), 100), 1 / self._frame_rate
        check_whole(self._part.path, self._path, self._stored, seconds, frame)
        self._part.publish()

    def abort(self) -> None:
        """Remove what has been written."""
        self._part.discard()
        with contextlib.suppress(OSError):  # what it still holds finds no room
            self._file.close()

    def _now(self) -> int:
        """Hundredths of a second at which the next picture starts."""
        return round(100 * self._taken / self._frame_rate)

    def _show(
        self,
        indices: NDArray[np.uint8],
        colors: NDArray[np.uint8],
        clear: NDArray[np.bool_] | None = None,
    ) -> None:
        """Go over to another picture, if it is another."""
        codes = cv2.cvtColor(colors[np.newaxis], cv2.COLOR_BGR2BGRA).view(np.uint32).ravel()
        table = np.zeros(256, np.uint32)
        table[: len(codes)] = codes
        shown = table[indices]
        if clear is not None:
            shown[clear] = 0
        changed = shown != (0 if self._info.has_alpha else self._shown)
        if self._patch is not None:
            if np.array_equal(shown, self._shown):
                return
            self._store(self._patch)
        self._shown = shown
        self._patch = GifPatch.of_pixels(indices, colors, changed)

    def _show_transparent(self, bgr: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
        clear = alpha < _OPAQUE_FROM
        if ((alpha > 0) & (alpha < 255)).any():
            self._note("GIF knows no half transparency: soft edges become hard")
        pixels = bgr.copy()
        # Hidden colours need no place in the palette.
        pixels[clear] = pixels[~clear][:1] if not clear.all() else 0
        self._show(*self._indexed(pixels), clear)

    def _store(self, patch: GifPatch) -> None:
        """Write the patch of the picture that was shown until now."""
        end = self._now()
        try:
            while self._since < end:
                delay = min(end - self._since, LONGEST_DELAY)
                self._file.write(patch.encoded(delay, clears_away=self._info.has_alpha))
                self._since += delay
                self._stored += 1
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def _indexed(self, bgr: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        exact = self._indexer.index(bgr)
        if exact is not None:
            return exact
        self._note("reduced to the 255 colours of a GIF; .webp keeps more")
        return self._reducer.reduce(bgr)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


class WebpSink(FfmpegSink):
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
        super().__init__(path, overwrite=overwrite)
        self._info = info
        self._indexer = ColorIndexer()
        self._lossless = lossless

    def write(self, frame: Frame) -> None:
        """Take the next picture.

        Raises
        ------
        SinkError
            If it has not the size and layout announced, or the encoder has ended.
        """
        check_frame(self._path, frame, self._info)
        if self._process is None:
            exact = self._lossless or self._has_few_colors(frame)
            quality = _WEBP_LOSSLESS if exact else _WEBP_LOSSY
            encoder = ("-c:v", "libwebp_anim", "-pix_fmt", "bgra", *quality)
            info = self._info
            pictures = raw_video("bgra", info.width, info.height, info.frame_rate)
            self._start([*pictures, "-i", "pipe:0", *encoder, "-loop", "0"], "webp")
        self._feed(frame.bgra)

    def _has_few_colors(self, frame: Frame) -> bool:
        return frame.layout == "gray8" or self._indexer.index(frame.bgr) is not None
