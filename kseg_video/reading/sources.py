"""`open_source`: opens video files, images and image sequences as sources of frames."""

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

# Longest wait for ffmpeg's report before decoding is begun early: more begin it for slower files,
# fewer hold up the other work for less time.
_AHEAD_SECONDS = 0.3


class FrameSource(Protocol):
    """Frames in order, read once. Use as a context manager: leaving it releases everything."""

    @property
    def info(self) -> VideoInfo:
        """Video parameters, known before the first frame."""
        ...

    @property
    def tracks(self) -> MediaTracks | None:
        """Sound, subtitles, chapters and tags that accompany the frames."""
        ...

    @property
    def notes(self) -> list[str]:
        """What the user should know about the reading; complete after the last frame."""
        ...

    @property
    def warnings(self) -> list[str]:
        """Faults that did not end the reading; complete after the last frame."""
        ...

    def look_ahead(self) -> LookAhead | None:
        """Start the look-ahead, once; None if the source has none. The source closes it."""
        ...

    def close(self) -> None:
        """Release everything at once, even during a read in another thread."""
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
        A video that ffmpeg decodes, animated PNG and WebP included; an image whose suffix is one
        of `kseg_video.reading.image_files.READ_SUFFIXES`; or images of one size, read at 25 frames
        per second: a folder, in order of the names, or a pattern such as ``frame_%04d.png``, in
        order of the numbers.
    trim : TrimSettings, optional
        The part to read; all of it by default.
    decoder : DecoderSettings, optional
        The part, the size and the rate of the pictures; the default deinterlaces interlaced video.

    Returns
    -------
    FrameSource

    Raises
    ------
    SettingsError
        If a parameter has the wrong type.
    SourceError
        If the source does not exist, is empty, cannot be read or holds no picture.
    """
    path = take("the source", path, PATH)
    trim = take_settings("trim", trim, TrimSettings)
    decoder = take_settings("decoder", decoder, DecoderSettings)
    return OpeningSource(path).open(trim, decoder)


class OpeningSource(ClosingContext):
    """A source that can begin to open and decode in the background, before `open` is called.

    Closing it stops decoders that were begun but never opened.

    Parameters
    ----------
    path : Path
        The input; see `open_source`.
    request : ReportRequest, optional
        A pending request for ffmpeg's report on the file.
    """

    def __init__(self, path: Path, request: ReportRequest | None = None) -> None:
        self.path = path
        self._request = request
        self._begun: tuple[TrimSettings, DecoderSettings, VideoFileSource | Exception] | None = None

    def begin(self, trim: TrimSettings, decoder: DecoderSettings, *, looks_ahead: bool) -> None:
        """Start decoding a part of a video in the background.

        Nothing is started without a request, for an input that is no video, or if the report takes
        longer than `_AHEAD_SECONDS`. `open` raises any error that occurs here.

        Parameters
        ----------
        trim : TrimSettings
        decoder : DecoderSettings
        looks_ahead : bool
            Whether to start the look-ahead, too.
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
        except MishapError:  # `open` raises it again from the report
            return
        except (KsegError, OSError) as error:
            self._close_begun()
            self._begun = trim, decoder, error

    def open(self, trim: TrimSettings, decoder: DecoderSettings) -> FrameSource:
        """Open the source, or take over what `begin` has started; the caller closes the result.

        Raises
        ------
        SourceError
            If the source does not exist, is empty, cannot be read or holds no picture.
        """
        if self._begun is not None and self._begun[:2] == (trim, decoder):
            (*_, begun), self._begun = self._begun, None
            if isinstance(begun, Exception):
                raise begun
            return begun
        path = self.path
        try:
            if path.is_dir() or is_sequence(path):
                return ImageSource(path, trim, decoder)
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
            return ImageSource(path, trim, decoder)
        request, self._request = self._request, None
        return VideoFileSource(path, trim, decoder, request)

    def close(self) -> None:
        """Stop what was begun but not opened."""
        if self._request is not None:
            self._request.close()
        self._close_begun()

    def _close_begun(self) -> None:
        if self._begun is not None and isinstance(source := self._begun[2], VideoFileSource):
            source.close()
