"""Animated WebP, which loops forever and has no sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.writing.color_quantizer import ExactQuantizer
from kseg_video.writing.sink_base import FfmpegSink, check_frame, raw_video

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import Frame
    from kseg_video.core.media_info import VideoInfo

# A higher compression level takes three times as long and makes files of few colours no smaller.
_WEBP_LOSSLESS = ("-lossless", "1", "-compression_level", "2")
_WEBP_LOSSY = ("-quality", "90")


class WebpSink(FfmpegSink):
    """An animated WebP, lossless if its first frame has at most 255 colours.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Size, frame rate and layout of the frames.
    overwrite : bool
        Whether an existing file may be replaced.
    lossless : bool
        Whether it is lossless even if the first frame has more colours.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool, lossless: bool) -> None:
        super().__init__(path, overwrite=overwrite)
        self._info = info
        self._exact = ExactQuantizer()
        self._lossless = lossless

    def write(self, frame: Frame) -> None:
        """Write the next frame.

        Raises
        ------
        SinkError
            If the frame differs in size or layout from `info`, or the encoder has ended.
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
        return frame.layout == "gray8" or self._exact.quantize(frame.bgr) is not None
