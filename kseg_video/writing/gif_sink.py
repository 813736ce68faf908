"""Animated GIF, which loops forever and has no sound.

References
----------
.. [1] CompuServe, "Graphics Interchange Format, Version 89a" (1990), sections 17 to 26.
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.color_quantizer import ExactQuantizer, ReducingQuantizer
from kseg_video.writing.sink_base import FileSink, check_frame
from kseg_video.writing.written_video_check import check_whole

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.core.media_info import VideoInfo

# Browsers show pictures of less than 1/50 s for 1/10 s each.
_MOST_GIF_FRAMES_A_SECOND = 50
_OPAQUE_FROM = 128
_GRAYS = np.arange(256, dtype=np.uint8)[:, np.newaxis].repeat(3, axis=1)

LONGEST_DELAY = 0xFFFF  # hundredths of a second
_REPEATED_FOR_EVER = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00"
_GRAPHIC_CONTROL = b"\x21\xf9\x04"
_IMAGE, _END = b"\x2c", b"\x3b"
_LEAVE, _CLEAR_AWAY = 1 << 2, 2 << 2
_HAS_COLORS, _HAS_CLEAR = 0x80, 1
_LEAST_BITS = 2


class GifSink(FileSink):
    """An animated GIF, each frame in its own exact colours if it has at most 255.

    Frames of more colours are reduced without dither to a palette that is kept while it fits, so
    that still pixels of the source stay still in the GIF. Only changed pixels are stored, except in
    a GIF with transparency, where GIF cannot clear single pixels and whole frames are stored.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Size, frame rate, layout and alpha of the frames.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        self.notes: list[str] = []
        self._path = path
        self._info = info
        self._exact, self._reducing = ExactQuantizer(), ReducingQuantizer()
        self._offered = self._taken = self._stored = 0
        rate = info.frame_rate
        self._every = math.ceil(rate / _MOST_GIF_FRAMES_A_SECOND)
        self._frame_rate = rate / self._every
        if self._every > 1:
            shown = float(self._frame_rate)
            self._note(f"GIF shows {shown:g} of the {float(rate):g} frames a second")
        # The shown frame as BGRA codes, transparent at first. Its patch is stored once a different
        # frame follows, because only then its delay is known.
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
        """Write the next frame.

        Raises
        ------
        SinkError
            If the frame differs in size or layout from `info`, or cannot be written.
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
        """Finish the file and publish it.

        Raises
        ------
        SinkError
            If no frame was written, or the file cannot be.
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
        """Remove the partial file."""
        self._part.discard()
        with contextlib.suppress(OSError):  # flushing its buffer may fail on a full disk
            self._file.close()

    def _now(self) -> int:
        """Start of the next frame, in hundredths of a second."""
        return round(100 * self._taken / self._frame_rate)

    def _show(
        self,
        indices: NDArray[np.uint8],
        colors: NDArray[np.uint8],
        clear: NDArray[np.bool_] | None = None,
    ) -> None:
        """Make a frame the shown one, unless it equals the one before."""
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
        self._patch = GifPatch.of_pixels(indices, colors, changed, has_alpha=self._info.has_alpha)

    def _show_transparent(self, bgr: NDArray[np.uint8], alpha: NDArray[np.uint8]) -> None:
        clear = alpha < _OPAQUE_FROM
        if ((alpha > 0) & (alpha < 255)).any():
            self._note("GIF knows no half transparency: soft edges become hard")
        pixels = bgr.copy()
        # Hidden colours need no place in the palette.
        pixels[clear] = pixels[~clear][:1] if not clear.all() else 0
        self._show(*self._indexed(pixels), clear)

    def _store(self, patch: GifPatch) -> None:
        """Write the patch of the frame that was shown until now."""
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
        exact = self._exact.quantize(bgr)
        if exact is not None:
            return exact
        self._note("reduced to the 255 colours of a GIF; .webp keeps more")
        return self._reducing.quantize(bgr)

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)


def gif_header(width: int, height: int) -> bytes:
    """The bytes before the first patch."""
    return b"GIF89a" + _words(width, height) + b"\x00\x00\x00" + _REPEATED_FOR_EVER


def gif_end() -> bytes:
    """The bytes after the last patch."""
    return _END


@dataclass(frozen=True, slots=True, eq=False)
class GifPatch:
    """The changed rectangle of a GIF frame, with a colour table of its own.

    Parameters
    ----------
    left, top : int
        Position in the frame.
    indices : ndarray of uint8, shape (H, W)
    colors : ndarray of uint8, shape (N, 3)
        BGR, 1 to 256 colours.
    clear : int, optional
        Index of the transparent pixels, which keep the frame before.
    """

    left: int
    top: int
    indices: NDArray[np.uint8]
    colors: NDArray[np.uint8]
    clear: int | None

    @classmethod
    def of_pixels(
        cls,
        indices: NDArray[np.uint8],
        colors: NDArray[np.uint8],
        wanted: NDArray[np.bool_],
        *,
        has_alpha: bool,
    ) -> GifPatch:
        """The smallest patch that holds all wanted pixels of a frame, and only their colours.

        Parameters
        ----------
        indices : ndarray of uint8, shape (H, W)
        colors : ndarray of uint8, shape (N, 3)
            BGR.
        wanted : ndarray of bool, shape (H, W)
            All others become transparent, or stay if the wanted ones use all 256 colours.
        has_alpha : bool
            Whether to announce transparency even if all pixels are wanted. Pillow reads a GIF as
            RGBA from the second frame on if its first announces it, and otherwise as RGB.
        """
        rows, columns = (_extent(np.any(wanted, axis=axis)) for axis in (1, 0))
        indices, wanted = indices[rows, columns], wanted[rows, columns]
        # The last first, since Pillow reads grays in ascending order without their palette, as L.
        used = np.flatnonzero(np.bincount(indices[wanted], minlength=256))[::-1]
        places = np.zeros(256, np.uint8)
        places[used] = np.arange(len(used))
        indices, colors = places[indices], colors[used]
        clear = len(used) if len(used) < 256 and (has_alpha or not wanted.all()) else None
        if clear is not None:
            indices = np.where(wanted, indices, np.uint8(clear))
            colors = np.concatenate([colors, np.zeros((1, 3), np.uint8)])
        return cls(columns.start, rows.start, indices, colors, clear)

    def encoded(self, delay: int, *, clears_away: bool) -> bytes:
        """The patch as bytes of a GIF file.

        Parameters
        ----------
        delay : int
            Hundredths of a second until the next patch, at most `LONGEST_DELAY`.
        clears_away : bool
            Whether the patch is cleared to transparent after the delay.
        """
        bits = max((len(self.colors) - 1).bit_length(), _LEAST_BITS)
        flags = _CLEAR_AWAY if clears_away else _LEAVE
        flags |= 0 if self.clear is None else _HAS_CLEAR
        height, width = self.indices.shape
        table = np.zeros((1 << bits, 3), np.uint8)
        table[: len(self.colors)] = self.colors[:, ::-1]
        picture = Image.fromarray(np.ascontiguousarray(self.indices))
        return b"".join(
            (
                *(_GRAPHIC_CONTROL, bytes([flags]), _words(delay), bytes([self.clear or 0, 0])),
                *(_IMAGE, _words(self.left, self.top, width, height)),
                *(bytes([_HAS_COLORS | bits - 1]), table.tobytes()),
                *(bytes([bits]), picture.tobytes("gif", "L", bits, 0), b"\x00"),
            )
        )


def _extent(wanted: NDArray[np.bool_]) -> slice:
    """Range from the first to the last wanted one; if none is, the first, as no patch is empty."""
    places = np.flatnonzero(wanted)
    return slice(places[0], places[-1] + 1) if len(places) else slice(0, 1)


def _words(*numbers: int) -> bytes:
    return np.array(numbers, "<u2").tobytes()
