"""`open_sink`: opens the sink for an output's suffix."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, Self

from kseg_video.core.errors import SinkError
from kseg_video.core.media_info import MediaTracks, VideoInfo
from kseg_video.core.media_settings import EncoderSettings
from kseg_video.core.setting_checks import PATH, instance, take, take_settings
from kseg_video.reading.image_files import holds_profile, is_sequence, name_unless_srgb
from kseg_video.writing.containers import CONTAINERS
from kseg_video.writing.gif_sink import GifSink
from kseg_video.writing.image_sinks import ImageSequenceSink, ImageSink
from kseg_video.writing.label_archive_sink import LabelArchiveSink
from kseg_video.writing.output_paths import (
    ANIMATION_SUFFIX,
    ARCHIVE_SUFFIX,
    check_output,
    check_target,
)
from kseg_video.writing.video_sink import VideoFileSink
from kseg_video.writing.webp_sink import WebpSink

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from kseg_video.core.frame import Frame

# Greatest width or height that a format can hold, in pixels.
_LONGEST_SIDES = {".webp": 16_383, ".jpg": 65_500, ".jpeg": 65_500, ".gif": 65_535}


class FrameSink(Protocol):
    """Writes frames in order.

    Use as a context manager: it closes the sink, or aborts it if an error leaves the block.
    """

    @property
    def notes(self) -> list[str]:
        """What the user should know about how the output is written."""
        ...

    @property
    def bytes_written(self) -> int:
        """Bytes of the output so far."""
        ...

    def write(self, frame: Frame) -> None:
        """Write the next frame."""
        ...

    def close(self) -> None:
        """Finish the output and publish it under its name."""
        ...

    def abort(self) -> None:
        """Remove everything written so far."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None: ...


def open_sink(
    path: str | Path,
    info: VideoInfo,
    encoder: EncoderSettings | None = None,
    tracks: MediaTracks | None = None,
) -> FrameSink:
    """Open a video, an animation, an image or a sequence of images for writing.

    Parameters
    ----------
    path : str or Path
        Its suffix chooses the format: .mp4, .m4v, .mov, .mkv, .webm, .gif, .npz (label maps), or
        that of an image. A placeholder such as ``%05d`` numbers images, one per frame; the .webp of
        a video is animated.
    info : VideoInfo
        Size, frame rate, layout and colour encoding of the frames that will be written.
    encoder : EncoderSettings, optional
        Codec and quality, and whether an existing file may be replaced.
    tracks : MediaTracks, optional
        Sound, subtitles and chapters to mux with the frames, where the format supports them.

    Returns
    -------
    FrameSink

    Raises
    ------
    SettingsError
        If the suffix is unknown or contradicts the settings, or a parameter has the wrong type.
    SinkError
        If the file cannot be created, or its format cannot hold frames of that size.
    """
    path = take("the output", path, PATH)
    take("info", info, instance(VideoInfo))
    encoder = take_settings("encoder", encoder, EncoderSettings)
    if tracks is not None:
        take("tracks", tracks, instance(MediaTracks))
    check_output(path, encoder)
    check_target(path, encoder)
    _check_sides(path, info)
    lost = list(_what_is_lost(path, info))
    if path.suffix.lower() in CONTAINERS:
        if tracks and not encoder.audio:
            tracks = replace(tracks, audio=())
        sink: FrameSink = VideoFileSink(path, info, encoder, tracks)
    else:
        sink = _open_pictures(path, info, encoder)
    sink.notes.extend(lost)
    return sink


def _check_sides(path: Path, info: VideoInfo) -> None:
    """Check that the format can hold frames of this size."""
    longest = _LONGEST_SIDES.get(path.suffix.lower())
    if longest is not None and max(info.width, info.height) > longest:
        raise SinkError(
            f"{path} cannot hold a picture of {info.width}x{info.height}: {path.suffix} ends at "
            f"{longest} pixels a side; choose another format"
        )


def _what_is_lost(path: Path, info: VideoInfo) -> Iterator[str]:
    """Notes on the aspect ratio and colour profile that the format cannot store."""
    suffix = path.suffix.lower()
    if info.sample_aspect_ratio != 1 and suffix not in CONTAINERS:
        yield (
            f"pixels have an aspect ratio of {info.sample_aspect_ratio}, which {path.suffix} "
            "cannot tell: the picture will look stretched or squeezed"
        )
    profile = info.encoding.icc_profile
    if profile is None or info.layout == "gray8":
        return
    takes_it = holds_profile(suffix, profile) and not _is_animated(path, info)
    if not takes_it and (name := name_unless_srgb(profile)) is not None:
        yield (
            f"colours are those of {name}, which {path.suffix} cannot tell: they will look "
            "different; convert the input to sRGB first"
        )


def _is_animated(path: Path, info: VideoInfo) -> bool:
    """Whether the output is an animated WebP: that of a video, and not numbered."""
    return path.suffix.lower() == ".webp" and not info.is_image and not is_sequence(path)


def _open_pictures(path: Path, info: VideoInfo, encoder: EncoderSettings) -> FrameSink:
    """Open a sink that is no video file."""
    suffix, overwrite = path.suffix.lower(), encoder.overwrite
    if is_sequence(path):
        return ImageSequenceSink(path, info, overwrite=overwrite)
    if suffix == ANIMATION_SUFFIX:
        return GifSink(path, info, overwrite=overwrite)
    if _is_animated(path, info):
        return WebpSink(path, info, overwrite=overwrite, lossless=encoder.lossless)
    if suffix == ARCHIVE_SUFFIX:
        return LabelArchiveSink(path, info, overwrite=overwrite)
    return ImageSink(path, info, overwrite=overwrite)
