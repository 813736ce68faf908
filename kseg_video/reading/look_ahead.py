"""The look-ahead in a video file: a second, cheap decoder that runs ahead of the main one.

It delivers few, small pictures and skips frames that no other frame refers to. The frame loop reads
it up to a time that depends only on the frame being segmented, so that the result never depends on
the speed of either decoder.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

from kseg_video.core.frame import Frame
from kseg_video.ffmpeg.cleanup import ClosingContext
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.reading.raw_pictures import failures_told, read_picture
from kseg_video.segmentation.cut_detector import CutDetector
from kseg_video.segmentation.pixel_memory import LookAheadSample
from kseg_video.segmentation.pixel_sampling import PixelSample

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.reading.decode_filters import Decoding
    from kseg_video.reading.trimming import WantedPart

# Seconds of look-ahead: more suits the palette to more of the shot, less needs less memory.
SECONDS = 5.0
# Seconds of look-ahead for the first frame: fewer show it sooner, more fit its palette better.
FIRST_SECONDS = 3.5

# Pictures per second, pixels of a picture, and pixels sampled from it: more represent the shot
# better, fewer decode and fit faster.
_RATE = Fraction(8)
_PICTURE_PIXELS = 160 * 90
_SAMPLE_PIXELS = 2000
# In H.264 decoding, the deblocking filter takes a sixth of the CPU time and changes about one level
# in 255; unreferenced frames take a third, and so does rotating a phone's video upright.
_CHEAPLY = ("-threads", "1", "-skip_loop_filter", "all", "-skip_frame", "noref")


class LookAhead(ClosingContext):
    """Samples of the upcoming frames of a video file.

    Parameters
    ----------
    path : Path
    part : WantedPart
        The part that the main decoder reads; the look-ahead ends with it.
    decoding : Decoding

    Raises
    ------
    KsegError
        If there is no ffmpeg, or the program is ending.
    """

    def __init__(self, path: Path, part: WantedPart, decoding: Decoding) -> None:
        video = decoding.video
        self._path = path
        self._first_time = part.first_time
        self._rate = min(_RATE, video.frame_rate)
        self._size = _small_size(decoding.geometry.width, decoding.geometry.height)
        self._count = 0
        self._has_ended = False
        self._cuts = CutDetector()
        self._process = FfmpegProcess(
            [
                *_CHEAPLY,
                *(("-noautorotate",) if decoding.geometry.is_plain else ()),
                *decoding.input_arguments(path, part),
                *decoding.small_arguments(part, self._rate, *self._size),
            ],
            feeds=False,
            pixels=video.pixels,
        )

    def until(self, time: float) -> list[LookAheadSample]:
        """Return the samples, up to `SECONDS` after a time, that were not returned before.

        Parameters
        ----------
        time : float
            Time stamp of the frame to segment, in seconds.

        Raises
        ------
        SourceError
            If the decoder is killed or stalls. The main decoder reports any other fault of the
            file.
        """
        new: list[LookAheadSample] = []
        seconds = min(FIRST_SECONDS + time - self._first_time, SECONDS)
        with failures_told(self._path):
            while not self._has_ended and self._time <= time + seconds:
                picture = read_picture(self._process, "bgr24", *self._size)
                if picture is None:
                    self._has_ended = True
                    self._process.wait()
                    break
                bgr = PixelSample.of_frame(Frame(picture), _SAMPLE_PIXELS).bgr
                new.append(LookAheadSample(self._time, bgr, self._cuts.is_cut(bgr)))
                self._count += 1
        return new

    def close(self) -> None:
        """Stop the decoder, even during a read in another thread."""
        self._process.stop()

    @property
    def _time(self) -> float:
        """Time stamp of the next picture, in seconds."""
        return self._first_time + float(self._count / self._rate)


def _small_size(width: int, height: int) -> tuple[int, int]:
    """Size of about the same shape with at most about `_PICTURE_PIXELS` pixels."""
    factor = min(math.sqrt(_PICTURE_PIXELS / (width * height)), 1.0)
    return max(round(width * factor), 1), max(round(height * factor), 1)
