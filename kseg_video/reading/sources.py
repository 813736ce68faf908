"""Where frames come from: video files, images and sequences of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

from kseg_video.core.errors import KsegError, SourceError, cannot_read
from kseg_video.core.media_settings import DecoderSettings, TrimSettings
from kseg_video.core.setting_checks import PATH, take, take_settings
from kseg_video.ffmpeg.cleanup import ClosingContext
from kseg_video.ffmpeg.stalls import MishapError
from kseg_video.reading.image_files import is_image, is_sequence
from kseg_video.reading.image_source import ImageSource
from kseg_video.reading.video_source import VideoFileSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from kseg_video.core.frame import Frame
    from kseg_video.core.media_info import MediaTracks, VideoInfo
    from kseg_video.ffmpeg.probe_run import ReportRequest
    from kseg_video.reading.look_ahead import LookAhead

_AHEAD_SECONDS = 0.3  # that ffmpeg's report is waited for while there is other work to do


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
    return OpeningSource(path).open(trim, decoder)


class OpeningSource(ClosingContext):
    """A source whose opening may be under way while there is other work to do.

    Closing it ends what has been begun and nobody has opened.

    Parameters
    ----------
    path : Path
        See `open_source`.
    request : ReportRequest, optional
        For ffmpeg's report on the file, if it has been made already.
    """

    def __init__(self, path: Path, request: ReportRequest | None = None) -> None:
        self.path = path
        self._request = request
        self._begun: tuple[TrimSettings, DecoderSettings, VideoFileSource | Exception] | None = None

    def begin(self, trim: TrimSettings, decoder: DecoderSettings, *, looks_ahead: bool) -> None:
        """Have the decoder of a part of a video at work.

        Nothing is begun without a request, for what is no video, or if the report takes its time.
        What goes wrong is told to whoever opens that part.

        Parameters
        ----------
        trim : TrimSettings
        decoder : DecoderSettings
        looks_ahead : bool
            Whether `VideoFileSource.look_ahead` will be asked for.
        """
        request = self._request
        try:
            if request is None or is_image(self.path) or not request.is_answered(_AHEAD_SECONDS):
                return
            source = self.open(trim, decoder)
            if isinstance(source, VideoFileSource):
                self._begun = trim, decoder, source
                source.begin()
                if looks_ahead:
                    source.begin_look_ahead()
        except MishapError:  # the report says so itself to whoever opens the source
            return
        except (KsegError, OSError) as error:
            self._close_begun()
            self._begun = trim, decoder, error

    def open(self, trim: TrimSettings, decoder: DecoderSettings) -> FrameSource:
        """Open it, or take over what has been begun of that part; closing it is up to the caller.

        Raises
        ------
        SourceError
            If it does not exist, is empty, cannot be read or holds no picture.
        """
        if self._begun is not None and self._begun[:2] == (trim, decoder):
            (*_, begun), self._begun = self._begun, None
            if isinstance(begun, Exception):
                raise begun
            return begun
        path = self.path
        try:
            if path.is_dir() or is_sequence(path):
                return ImageSource(path, trim)
            if not path.exists():
                raise SourceError(f"{path} does not exist; check the name")
            if not path.is_file():
                raise SourceError(
                    f"{path} is not a file; give a video, an image or a folder of images"
                )
            if not path.stat().st_size:
                raise SourceError(f"{path} is empty; give a video, an image or a folder of images")
            with path.open("rb"):
                pass
        except OSError as error:
            why = f"cannot be read ({error.strerror}); check its rights"
            raise cannot_read(path, error, why) from error
        if is_image(path):
            return ImageSource(path, trim)
        request, self._request = self._request, None
        return VideoFileSource(path, trim, decoder, request)

    def close(self) -> None:
        """End what is under way."""
        if self._request is not None:
            self._request.close()
        self._close_begun()

    def _close_begun(self) -> None:
        if self._begun is not None and isinstance(source := self._begun[2], VideoFileSource):
            source.close()
