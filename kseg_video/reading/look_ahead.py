"""What a video file is going to show: a second, cheap decoder that runs ahead of the main one.

Its pictures are few and small, and frames that no other frame refers to are left out. It is read by
whoever asks, up to a time that depends on the frame that is being segmented alone, so that a result
never depends on how fast either decoder is.
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

SECONDS = 5.0  # for which the future is known
FIRST_SECONDS = 3.5  # for which it is known at first, so that a video begins soon

_RATE = Fraction(8)  # pictures a second
_PICTURE_PIXELS = 160 * 90
_SAMPLE_PIXELS = 2000
# Of the processor's time for H.264, the deblocking filter takes a sixth, for a level in 255; frames
# that no other refers to take a third, and so does setting a phone's pictures upright.
_CHEAPLY = (
    *("-threads", "1", "-noautorotate"),
    *("-skip_loop_filter", "all", "-skip_frame", "noref"),
)


class LookAhead(ClosingContext):
    """Samples of the frames to come of a video file.

    Parameters
    ----------
    path : Path
    part : WantedPart
        That of the file's main decoder; nothing beyond it is seen.
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
        self._size = _small_size(video.width, video.height)
        self._count = 0
        self._has_ended = False
        self._cuts = CutDetector()
        self._process = FfmpegProcess(
            [
                *_CHEAPLY,
                *decoding.input_arguments(path, part),
                *decoding.small_arguments(part, self._rate, *self._size),
            ],
            feeds=False,
        )

    def until(self, time: float) -> list[LookAheadSample]:
        """Frames up to 5 seconds after a time that have not been given before.

        Parameters
        ----------
        time : float
            Seconds, as of `kseg_video.core.frame.Frame`.

        Raises
        ------
        SourceError
            If the decoder is killed or stalls. What else is wrong with the file, the main decoder
            tells.
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
        """End the decoder, whatever it is doing."""
        self._process.stop()

    @property
    def _time(self) -> float:
        """Seconds of the next picture."""
        return self._first_time + float(self._count / self._rate)


def _small_size(width: int, height: int) -> tuple[int, int]:
    """Size of a picture of about the same shape with few pixels, or its own if it has few."""
    factor = min(math.sqrt(_PICTURE_PIXELS / (width * height)), 1.0)
    return max(round(width * factor), 1), max(round(height * factor), 1)
