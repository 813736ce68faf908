"""Video files, encoded by ffmpeg."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.containers import CONTAINERS, DEFAULT_CRF, DEFAULT_PRESET, codec_arguments
from kseg_video.errors import SinkError
from kseg_video.ffmpeg import FfmpegProcess, file_argument
from kseg_video.stalls import StalledError
from kseg_video.track_muxing import tracks_input, tracks_output
from kseg_video.whole_files import AbortingContext, PartialFile
from kseg_video.written_video import read_back

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.frame import Frame, PixelLayout, Tracks, VideoInfo
    from kseg_video.settings import Codec, EncoderSettings

_PIXEL_FORMATS: dict[PixelLayout, str] = {"bgr24": "bgr24", "i420": "yuv420p", "gray8": "gray"}
_PRIMARIES = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020"}
_TRANSFERS = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020-10"}
_COLOR_SPACES = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020nc"}


class VideoFileSink(AbortingContext):
    """A video file, encoded by ffmpeg in a process of its own.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Of the pictures.
    encoder : EncoderSettings
    tracks : Tracks, optional

    Raises
    ------
    SinkError
        If the file cannot be made.
    """

    def __init__(
        self, path: Path, info: VideoInfo, encoder: EncoderSettings, tracks: Tracks | None
    ) -> None:
        self._path = path
        self._info = info
        self._shape = _picture_shape(info)
        self._container = CONTAINERS[path.suffix.lower()]
        self.notes: list[str] = []
        self._count = 0
        self._part = PartialFile(path, overwrite=encoder.overwrite)
        arguments = [
            *self._picture_input(tracks),
            *(tracks_input(tracks) if tracks else ()),
            *self._picture_output(encoder),
            *self._tracks_output(tracks),
            *self._container.options,
            *("-f", self._container.muxer, "-y", file_argument(self._part.path)),
        ]
        try:
            self._process = FfmpegProcess(arguments, feeds=True)
        except BaseException:  # a signal, too, finds nobody else who would
            self._part.discard()
            raise

    def write(self, frame: Frame) -> None:
        """Take the next picture, which must have the size and layout announced.

        Raises
        ------
        SinkError
            If it has not, or the encoder has ended.
        """
        if frame.pixels.shape != self._shape:
            raise SinkError(
                f"a picture of shape {frame.pixels.shape} cannot follow ones of {self._shape}"
            )
        try:
            self._process.write(frame.pixels.reshape(-1).data)
        except OSError:
            raise self._failure(self._end_of_encoder()) from None
        except StalledError as error:
            raise self._stalled(error) from error
        self._count += 1

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises
        ------
        SinkError
            If the encoder failed or got no picture.
        """
        if not self._count:
            raise SinkError(f"{self._path} got no picture")
        if status := self._end_of_encoder():
            raise self._failure(status)
        self._check()
        self._part.publish()

    def abort(self) -> None:
        """End the encoder and remove what it has written."""
        self._process.stop()
        self._part.discard()

    def _end_of_encoder(self) -> int:
        """Its exit status, once it has finished the file."""
        try:
            return self._process.wait()
        except StalledError as error:
            raise self._stalled(error) from error

    def _check(self) -> None:
        """Make sure that all pictures are in the file, for as long as they last."""
        written = read_back(self._part.path)
        seconds = self._count / self._info.frame_rate
        if written.frames != self._count:
            lacks = f"{written.frames} of {self._count} frames are in it"
        elif abs(written.seconds - seconds) > 1 / self._info.frame_rate:
            lacks = f"it lasts {written.seconds:.3f} s instead of {float(seconds):.3f} s"
        else:
            return
        raise SinkError(f"{self._path} was written but is not whole ({lacks}); check the disk")

    def _failure(self, status: int) -> SinkError:
        reasons = self._process.messages
        if any("No space left" in line for line in reasons):
            return SinkError(f"{self._path} cannot be written: the disk is full; make room")
        if status < 0:
            return SinkError(
                f"{self._path} cannot be written: the encoder was killed (signal {-status}); "
                "try again"
            )
        return SinkError(
            f"{self._path} cannot be written ({reasons[0] if reasons else f'status {status}'}); "
            "check the disk, or choose another format"
        )

    def _stalled(self, error: StalledError) -> SinkError:
        return SinkError(
            f"{self._path} cannot be written: the encoder has stalled ({error}); check the disk"
        )

    def _picture_input(self, tracks: Tracks | None) -> list[str]:
        info = self._info
        arguments = ["-f", "rawvideo", "-pixel_format", _PIXEL_FORMATS[info.layout]]
        arguments += ["-video_size", f"{info.width}x{info.height}"]
        arguments += ["-framerate", str(info.frame_rate)]
        if tracks and tracks.delay:
            arguments += ["-itsoffset", f"{tracks.delay:.6f}"]
        return [*arguments, "-i", "pipe:0"]

    def _tracks_output(self, tracks: Tracks | None) -> list[str]:
        if tracks is None:
            return []
        arguments, notes = tracks_output(tracks, self._container)
        self.notes += notes
        return arguments

    def _picture_output(self, encoder: EncoderSettings) -> list[str]:
        info = self._info
        if encoder.lossless:
            stored = {"bgr24": "bgr0", "i420": "yuv420p", "gray8": "gray"}[info.layout]
            codec = ["ffv1", "-level", "3", "-g", "1", "-slices", "4", "-slicecrc", "1"]
        else:
            name = encoder.codec or self._container.codecs[0]
            stored = self._stored_format(name)
            crf = DEFAULT_CRF[name] if encoder.crf is None else encoder.crf
            codec = codec_arguments(name, crf, encoder.preset or DEFAULT_PRESET)
        filters = self._filters(to_yuv=stored.startswith("yuv"))
        return ["-map", "0:v", "-vf", filters, "-pix_fmt", stored, "-c:v", *codec]

    def _stored_format(self, codec: Codec) -> str:
        odd = self._info.width % 2 or self._info.height % 2
        if odd and codec == "h264":
            self.notes.append(
                f"{self._info.width}x{self._info.height} is odd, so H.264 stores yuv444p, which "
                "many players refuse; .webm takes odd sizes"
            )
            return "yuv444p"
        return "yuv420p"

    def _filters(self, *, to_yuv: bool) -> str:
        info, encoding = self._info, self._info.encoding
        filters = []
        levels = "pc" if encoding.full_range else "tv"
        if to_yuv:
            if info.layout != "i420":
                filters.append(
                    f"scale=out_color_matrix={encoding.matrix}:out_range={levels}"
                    ":flags=area+accurate_rnd+full_chroma_int+full_chroma_inp"
                )
            filters.append(
                f"setparams=colorspace={_COLOR_SPACES[encoding.matrix]}:range={levels}"
                f":color_primaries={encoding.primaries or _PRIMARIES[encoding.matrix]}"
                f":color_trc={encoding.transfer or _TRANSFERS[encoding.matrix]}"
            )
        ratio = info.sample_aspect_ratio
        filters.append(f"setsar=sar={ratio}:max={max(ratio.as_integer_ratio())}")
        return ",".join(filters)


def _picture_shape(info: VideoInfo) -> tuple[int, ...]:
    if info.layout == "i420":
        return (info.height * 3 // 2, info.width)
    return (info.height, info.width, 3) if info.layout == "bgr24" else (info.height, info.width)
