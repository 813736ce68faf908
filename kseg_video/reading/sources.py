"""Where frames come from: video files, images and sequences of images."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol, Self

from kseg_video.core.errors import KsegError, SourceError, cannot_read
from kseg_video.core.media_settings import DecoderSettings, TrimSettings
from kseg_video.core.setting_checks import PATH, take, take_settings
from kseg_video.ffmpeg.probe_report import has_reported
from kseg_video.ffmpeg.stalls import MishapError
from kseg_video.reading.image_files import is_image, is_sequence
from kseg_video.reading.image_source import ImageSource
from kseg_video.reading.video_source import VideoFileSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kseg_video.core.frame import Frame
    from kseg_video.core.media_info import MediaTracks, VideoInfo
    from kseg_video.reading.look_ahead import LookAhead

_AHEAD_SECONDS = 0.3  # that ffmpeg's report is waited for, with other things to be done

# Videos that have been opened before who wants them asks, or what came of trying.
_opened: dict[tuple[Path, TrimSettings, DecoderSettings], VideoFileSource | Exception] = {}


class FrameSource(Protocol):
    """Frames in order, read once. Use as a context manager: leaving it releases everything."""

    @property
    def info(self) -> VideoInfo:
        """What is known before the first frame."""
        ...

    @property
    def tracks(self) -> MediaTracks | None:
        """What goes with the frames: sound, subtitles, chapters and tags."""
        ...

    @property
    def notes(self) -> list[str]:
        """What the user should know of how it is read; complete after the last frame."""
        ...

    @property
    def warnings(self) -> list[str]:
        """What went wrong without ending the reading; complete after the last frame."""
        ...

    def look_ahead(self) -> LookAhead | None:
        """What is seen of frames to come, once, if anything; it is closed with the source."""
        ...

    def close(self) -> None:
        """Release everything, at once even if a read is under way in another thread."""
        ...

    def __iter__(self) -> Iterator[Frame]: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_source(
    path: str | Path,
    trim: TrimSettings | None = None,
    decoder: DecoderSettings | None = None,
) -> FrameSource:
    """Open a video file, an image, or a sequence of images.

    Parameters
    ----------
    path : str or Path
        Anything that ffmpeg decodes, animated PNG and WebP included; JPEG, PNG, WebP, TIFF or BMP;
        or such images of one size, taken at 25 frames a second: a folder of them, by name, or a
        pattern such as ``frame_%04d.png``, by number.
    trim : TrimSettings, optional
        The part that is wanted.
    decoder : DecoderSettings, optional

    Returns
    -------
    FrameSource

    Raises
    ------
    SettingsError
        If a parameter is something else.
    SourceError
        If it does not exist, is empty, cannot be read or holds no picture.
    """
    path = take("the source", path, PATH)
    trim = take_settings("trim", trim, TrimSettings)
    decoder = take_settings("decoder", decoder, DecoderSettings)
    opened = _opened.pop((path, trim, decoder), None)
    if isinstance(opened, VideoFileSource):
        return opened
    if opened is not None:
        raise opened
    try:
        if path.is_dir() or is_sequence(path):
            return ImageSource(path, trim)
        if not path.exists():
            raise SourceError(f"{path} does not exist; check the name")
        if not path.is_file():
            raise SourceError(f"{path} is not a file; give a video, an image or a folder of images")
        if not path.stat().st_size:
            raise SourceError(f"{path} is empty; give a video, an image or a folder of images")
        with path.open("rb"):
            pass
    except OSError as error:
        why = f"cannot be read ({error.strerror}); check its rights"
        raise cannot_read(path, error, why) from error
    if is_image(path):
        return ImageSource(path, trim)
    return VideoFileSource(path, trim, decoder)


@contextmanager
def opened_ahead(
    path: Path, trim: TrimSettings, decoder: DecoderSettings, *, looks_ahead: bool = False
) -> Iterator[None]:
    """Have a video's decoder at work while the block goes on.

    Who opens the same in there is given the source, or told why it cannot be opened.

    Parameters
    ----------
    path : Path
        A file whose report has been asked for ahead. If it is no video, or one that takes its time,
        nothing is opened.
    trim : TrimSettings
    decoder : DecoderSettings
    looks_ahead : bool
        Whether `VideoFileSource.look_ahead` will be asked for.
    """
    asked = path, trim, decoder
    try:
        if has_reported(path, _AHEAD_SECONDS) and not is_image(path):
            source = open_source(*asked)
            if isinstance(source, VideoFileSource):
                _opened[asked] = source
                source.begin()
                if looks_ahead:
                    source.begin_look_ahead()
    except MishapError:  # who needs the report, as for an image nobody does, is told
        _close_opened(asked)
    except (KsegError, OSError) as error:
        _close_opened(asked)
        _opened[asked] = error
    try:
        yield
    finally:
        _close_opened(asked)


def _close_opened(asked: tuple[Path, TrimSettings, DecoderSettings]) -> None:
    if isinstance(opened := _opened.pop(asked, None), VideoFileSource):
        opened.close()
