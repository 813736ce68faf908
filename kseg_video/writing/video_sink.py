"""Video files encoded by ffmpeg."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kseg_video.core.errors import SinkError
from kseg_video.ffmpeg.ffmpeg_arguments import video_filter
from kseg_video.writing.containers import CONTAINERS
from kseg_video.writing.sink_base import FfmpegSink, check_frame, raw_video
from kseg_video.writing.track_muxing import picture_delay, tracks_input, tracks_output
from kseg_video.writing.video_encoders import VideoEncoder, choose_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import Frame, PixelLayout
    from kseg_video.core.media_info import MediaTracks, VideoInfo
    from kseg_video.core.media_settings import Codec, EncoderSettings
    from kseg_video.core.yuv import ColorEncoding

_PIXEL_FORMATS: dict[PixelLayout, str] = {"bgr24": "bgr24", "i420": "yuv420p", "gray8": "gray"}
_LOSSLESS_FORMATS: dict[PixelLayout, str] = {**_PIXEL_FORMATS, "bgr24": "bgr0"}
_ALPHA_FORMATS: dict[PixelLayout, str] = {"bgr24": "bgra", "i420": "yuva420p"}
# Shortest side, in pixels, for which ffmpeg can slice FFV1 at any size and chroma subsampling.
_LEAST_SLICED = 20
# Codecs whose 4:2:0 has even sizes, as messages name them.
_OF_EVEN_SIZES: dict[Codec, str] = {"h264": "H.264", "h265": "H.265"}
_OF_APPLE = {"mp4", "mov"}  # where its players take H.265 under the tag hvc1 alone
_PRIMARIES = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020"}
_TRANSFERS = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020-10"}
_COLOR_SPACES = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020nc"}


class VideoFileSink(FfmpegSink):
    """A video file encoded by an ffmpeg process.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Size, frame rate, layout and colour encoding of the frames.
    encoder : EncoderSettings
    tracks : MediaTracks, optional

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(
        self, path: Path, info: VideoInfo, encoder: EncoderSettings, tracks: MediaTracks | None
    ) -> None:
        super().__init__(path, overwrite=encoder.overwrite)
        self._info = info
        self._tracks = tracks
        self._container = CONTAINERS[path.suffix.lower()]
        self._codec = self._container.codec(encoder, alpha=info.has_alpha)
        keeps_alpha = encoder.lossless or self._codec in self._container.alpha_codecs
        self._has_alpha = info.has_alpha and keeps_alpha
        self._may_lose_alpha = info.has_alpha and not keeps_alpha
        stored = self._lossless_format() if encoder.lossless else self._stored_format()
        try:
            chosen = self._lossless() if encoder.lossless else self._lossy(encoder, stored)
        except BaseException:
            self._part.discard()
            raise
        arguments = [
            *chosen.before,
            *self._picture_input(),
            *(tracks_input(tracks, info.frame_rate) if tracks else ()),
            *self._picture_output(chosen, stored),
            *self._tracks_output(),
            *self._container.options,
        ]
        self._start(arguments, self._container.muxer)

    def write(self, frame: Frame) -> None:
        """Write the next frame.

        Raises
        ------
        SinkError
            If the frame differs in size or layout from `info`, or the encoder has ended.
        """
        check_frame(self._path, frame, self._info)
        if self._may_lose_alpha and frame.is_transparent:
            self._may_lose_alpha = False
            self.notes.append(f"{self._codec} in {self._path.suffix} keeps no transparency")
        if frame.layout == "i420":
            self._feed(*frame.planes, *([frame.opacity] if self._has_alpha else ()))
        else:
            self._feed(frame.bgra if self._has_alpha else frame.pixels)

    def _finish(self) -> None:
        self._check_whole(self._info.frame_rate)

    def _failure(self, status: int) -> SinkError:
        if self._tracks is not None and not self._tracks.path.exists():
            return SinkError(f"{self._tracks.path} is gone; put it back and try again")
        return super()._failure(status)

    def _picture_input(self) -> list[str]:
        info = self._info
        formats = _ALPHA_FORMATS if self._has_alpha else _PIXEL_FORMATS
        arguments = raw_video(formats[info.layout], info.width, info.height, info.frame_rate)
        if self._tracks and self._tracks.delay:
            delay = float(picture_delay(self._tracks, info.frame_rate))
            arguments += ["-itsoffset", f"{delay:.6f}"]
        return [*arguments, "-i", "pipe:0"]

    def _tracks_output(self) -> list[str]:
        if self._tracks is None:
            return []
        arguments, notes = tracks_output(self._tracks, self._container, self._info.frame_rate)
        self.notes += notes
        return arguments

    def _picture_output(self, chosen: VideoEncoder, stored: str) -> list[str]:
        filters = [*self._filters(to_yuv=stored.startswith("yuv")), *chosen.filters]
        format_ = [] if chosen.filters else ["-pix_fmt", stored]
        return ["-map", "0:v", "-vf", ",".join(filters), *format_, *chosen.options]

    def _lossless_format(self) -> str:
        return (_ALPHA_FORMATS if self._has_alpha else _LOSSLESS_FORMATS)[self._info.layout]

    def _lossless(self) -> VideoEncoder:
        info = self._info
        is_sliced = min(info.width, info.height) >= _LEAST_SLICED
        version = ("-level", "3", "-slicecrc", "1") if is_sliced else ("-level", "1")
        options = ("-c:v", "ffv1", "-g", "1", *version)
        if info.layout == "i420" and info.encoding.full_range:
            options += ("-color_range", "pc")  # otherwise ffmpeg converts to limited range
        return VideoEncoder(options)

    def _lossy(self, encoder: EncoderSettings, stored: str) -> VideoEncoder:
        size = self._info.width, self._info.height
        chosen = choose_encoder(self._codec, encoder, size, stored)
        if chosen.note is not None:
            self.notes.append(chosen.note)
        if self._codec == "h265" and self._container.muxer in _OF_APPLE:
            return replace(chosen, options=(*chosen.options, "-tag:v", "hvc1"))
        return chosen

    def _stored_format(self) -> str:
        if self._codec == "prores":
            return "yuva444p10le" if self._has_alpha else "yuv444p10le"
        if self._has_alpha:
            return "yuva420p"
        odd = self._info.width % 2 or self._info.height % 2
        if odd and self._codec in _OF_EVEN_SIZES:
            self.notes.append(
                f"{self._info.width}x{self._info.height} is odd, so "
                f"{_OF_EVEN_SIZES[self._codec]} stores yuv444p, which many players refuse; .webm "
                "takes odd sizes"
            )
            return "yuv444p"
        return "yuv420p"

    def _filters(self, *, to_yuv: bool) -> list[str]:
        info, encoding = self._info, self._info.encoding
        filters = []
        if to_yuv:
            if info.layout != "i420":
                filters.append(
                    video_filter(
                        "scale",
                        out_color_matrix=encoding.matrix,
                        out_range=encoding.levels,
                        flags="area+accurate_rnd+full_chroma_int+full_chroma_inp",
                    )
                )
            filters.append(
                video_filter(
                    "setparams",
                    colorspace=_color_space(encoding),
                    range=encoding.levels,
                    color_primaries=encoding.primaries or _PRIMARIES[encoding.matrix],
                    color_trc=encoding.transfer or _TRANSFERS[encoding.matrix],
                )
            )
        ratio = info.sample_aspect_ratio
        filters.append(video_filter("setsar", sar=ratio, max=max(ratio.as_integer_ratio())))
        return filters


def _color_space(encoding: ColorEncoding) -> str:
    """Tag of the matrix; BT.601 has one for PAL and one for NTSC."""
    if (encoding.matrix, encoding.primaries) == ("bt601", "bt470bg"):
        return "bt470bg"
    return _COLOR_SPACES[encoding.matrix]
