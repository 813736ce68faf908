"""Images and videos as backgrounds: one background picture per frame of another video."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame, padded_to_even
from kseg_video.core.media_settings import DecoderSettings
from kseg_video.core.yuv import bgr_to_yuv
from kseg_video.ffmpeg.cleanup import ClosingContext
from kseg_video.ffmpeg.ffmpeg_arguments import file_input, video_filter
from kseg_video.ffmpeg.looping import LoopingDecoder
from kseg_video.ffmpeg.probe import probe
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError
from kseg_video.reading.decode_filters import Decoding
from kseg_video.reading.image_decoding import read_image
from kseg_video.reading.image_files import READ_SUFFIXES
from kseg_video.reading.raw_pictures import read_picture
from kseg_video.reading.trimming import PictureGeometry
from kseg_video.rendering.compositing import covering

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.yuv import ColorEncoding
    from kseg_video.ffmpeg.probe import ProbedVideo

_ACCURATELY = "bicubic+accurate_rnd+full_chroma_int"


class BackgroundSource(ClosingContext):
    """Gives the background of each frame in order. Use as a context manager."""

    @abstractmethod
    def next(self) -> Frame:
        """Return the background of the next frame.

        Raises
        ------
        SourceError
            If the background cannot be read any further.
        """

    def close(self) -> None:
        """Release everything."""


def open_background(path: Path, info: VideoInfo) -> BackgroundSource:
    """Open an image, or a looped video, as the background of another video.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Size, frame rate, layout and colour encoding of the foreground's frames. The background is
        scaled and centre-cropped to cover them.

    Returns
    -------
    BackgroundSource

    Raises
    ------
    SourceError
        If the background cannot be read.
    """
    check_background(path)
    if path.suffix.lower() in READ_SUFFIXES:
        return _BackgroundImage(path, info)
    return _BackgroundVideo(path, info)


def check_background(path: Path) -> None:
    """Check that a background is an existing file.

    Raises
    ------
    SourceError
        If it is not.
    """
    if path.is_dir():
        raise SourceError(f"the background {path} is a folder; give an image or a video")
    if not path.exists():
        raise SourceError(f"the background {path} does not exist; check the name")
    if not path.is_file():
        raise SourceError(f"the background {path} is not a file; give an image or a video")


def read_background_image(path: Path) -> NDArray[np.uint8]:
    """Read an image and composite it over black.

    Returns
    -------
    ndarray of uint8, shape (H, W, 3)
        BGR.

    Raises
    ------
    SourceError
        If the image cannot be read.
    """
    image = read_image(path)
    if image.alpha is None:
        return image.bgr
    opacity = cv2.merge([image.alpha] * 3)
    return cast("NDArray[np.uint8]", cv2.multiply(image.bgr, opacity, scale=1 / 255))


class _BackgroundImage(BackgroundSource):
    """An image, the same for every frame."""

    def __init__(self, path: Path, info: VideoInfo) -> None:
        pixels = read_background_image(path)
        covered = covering(pixels, info.width, info.height, float(info.sample_aspect_ratio))
        self._frame = Frame(covered)
        if info.layout == "i420":
            self._frame = _frame(_to_planes(covered, info.encoding), info)

    def next(self) -> Frame:
        return self._frame


class _BackgroundVideo(BackgroundSource):
    """A looped video, resampled to the foreground's frame rate."""

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self._path, self._info = path, info
        video = probe(path)
        arguments = ["-nostdin", *file_input(path), "-map", f"0:{video.stream}"]
        arguments += ["-vf", self._filters(video), "-fps_mode", "passthrough"]
        arguments += ["-pix_fmt", "yuv420p" if info.layout == "i420" else "bgr24"]
        arguments += ["-f", "rawvideo", "-"]
        pixels = max(video.pixels, info.width * info.height)
        self._decoder = LoopingDecoder(lambda: FfmpegProcess(arguments, feeds=False, pixels=pixels))

    def next(self) -> Frame:
        cannot = f"the background {self._path} cannot be read on"
        try:
            while (pixels := self._picture()) is None:
                if not self._decoder.again():
                    said = "; ".join(self._decoder.process.messages[:1]) or "it holds no frame"
                    raise SourceError(f"{cannot} ({said}); check that it plays")
        except StalledError as error:
            raise SourceError(f"{cannot} ({error}); check the disk that it lies on") from error
        except MishapError as error:
            raise SourceError(f"{cannot}: its decoder {error.fate}") from error
        self._decoder.count()
        return _frame(pixels, self._info)

    def close(self) -> None:
        """Stop the decoder."""
        self._decoder.close()

    def _picture(self) -> NDArray[np.uint8] | None:
        info = self._info
        return read_picture(self._decoder.process, info.layout, info.width, info.height)

    def _filters(self, video: ProbedVideo) -> str:
        info, settings = self._info, DecoderSettings()
        geometry = PictureGeometry.of_pictures(self._path, settings, (video.width, video.height))
        decoding = Decoding(video, settings, geometry)
        shape = info.width * info.sample_aspect_ratio / info.height
        source, target = decoding.encoding, info.encoding
        scale = video_filter(
            "scale",
            info.width,
            info.height,
            flags=_ACCURATELY,
            in_color_matrix=None if decoding.prepared_as_rgb else source.matrix,
            in_range=None if decoding.prepared_as_rgb else source.levels,
            out_color_matrix=target.matrix if info.layout == "i420" else None,
            out_range=target.levels if info.layout == "i420" else None,
        )
        ratio = f"{float(shape):.6f}"
        crop = video_filter("crop", f"min(iw,ih*{ratio}/sar)", f"min(ih,iw*sar/{ratio})")
        rate = info.frame_rate
        in_time = (
            "setpts=PTS-STARTPTS",
            video_filter("settb", 1 / rate),
            video_filter("setpts", "if(N,max(PTS,1),PTS)"),  # one frame, however short it is
            video_filter("fps", rate),
        )
        return ",".join([*decoding.preparation, *in_time, crop, scale])


def _to_planes(bgr: NDArray[np.uint8], encoding: ColorEncoding) -> NDArray[np.uint8]:
    """Convert BGR to the pixels of an i420 frame, averaging chroma over each 2x2 block."""
    height, even = len(bgr), padded_to_even(bgr)
    luma, *chroma = cv2.split(bgr_to_yuv(even.reshape(-1, 3), encoding).reshape(even.shape))
    size = even.shape[1] // 2, len(even) // 2
    halves = [cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in chroma]
    planes = np.concatenate([plane.ravel() for plane in (luma[:height], *halves)])
    return planes.reshape(-1, even.shape[1]).astype(np.uint8)


def _frame(pixels: NDArray[np.uint8], info: VideoInfo) -> Frame:
    return Frame(pixels, info.layout, info.encoding, odd_width=info.width % 2 == 1)
