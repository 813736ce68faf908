"""Where pictures go: video files and stills, each whole under its name or not at all."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from kseg_video.errors import SettingsError, SinkError
from kseg_video.ffmpeg import FfmpegProcess, file_argument
from kseg_video.settings import EncoderSettings
from kseg_video.stills import (
    LOSSY_STILL_SUFFIXES,
    OPAQUE_STILL_SUFFIXES,
    STILL_SUFFIXES,
    write_still,
)

if TYPE_CHECKING:
    from types import TracebackType

    from kseg_video.frame import AudioTrack, Frame, PixelLayout, VideoInfo
    from kseg_video.settings import Codec


@dataclass(frozen=True, slots=True)
class _Container:
    """What a file format takes.

    Parameters
    ----------
    muxer : str
        ffmpeg's name of it.
    codecs : tuple of str
        Video codecs, the usual one first.
    copied_audio : frozenset of str
        Sound codecs that go in as they are; empty is all.
    audio_encoder : tuple of str
        ffmpeg's encoder for all other sound, with its options.
    options : tuple of str
        Of the muxer.
    """

    muxer: str
    codecs: tuple[Codec, ...]
    copied_audio: frozenset[str]
    audio_encoder: tuple[str, ...]
    options: tuple[str, ...] = ()


_AAC = ("aac", "-b:a", "192k")
_OPUS = ("libopus", "-b:a", "128k")
_MP4_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"})
_MOV_AUDIO = frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s24le", "pcm_s16be"})
_FASTSTART = ("-movflags", "+faststart")
_CONTAINERS = {
    ".mp4": _Container("mp4", ("h264", "vp9"), _MP4_AUDIO, _AAC, _FASTSTART),
    ".m4v": _Container("mp4", ("h264",), _MP4_AUDIO, _AAC, _FASTSTART),
    ".mov": _Container("mov", ("h264",), _MOV_AUDIO, _AAC, _FASTSTART),
    ".mkv": _Container("matroska", ("h264", "vp9"), frozenset(), _AAC),
    ".webm": _Container("webm", ("vp9",), frozenset({"opus", "vorbis"}), _OPUS),
}
_DEFAULT_CRF: dict[Codec, int] = {"h264": 18, "vp9": 24}
_HIGHEST_CRF: dict[Codec, int] = {"h264": 51, "vp9": 63}
_DEFAULT_PRESET = "veryfast"
_LOSSLESS_SUFFIX = ".mkv"
_PIXEL_FORMATS: dict[PixelLayout, str] = {"bgr24": "bgr24", "i420": "yuv420p", "gray8": "gray"}
_PRIMARIES = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020"}
_TRANSFERS = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020-10"}
_COLOR_SPACES = {"bt601": "smpte170m", "bt709": "bt709", "bt2020": "bt2020nc"}


class FrameSink(Protocol):
    """Takes pictures in order. Use as a context manager: an error inside it aborts."""

    @property
    def notes(self) -> list[str]:
        """What the user should know of how the output is written."""
        ...

    def write(self, frame: Frame) -> None:
        """Take the next picture."""
        ...

    def close(self) -> None:
        """Finish the output under its name."""
        ...

    def abort(self) -> None:
        """Leave nothing behind."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def check_output(path: Path, encoder: EncoderSettings) -> None:
    """Check what the output's name alone tells.

    Raises
    ------
    SettingsError
        If the suffix is unknown or does not go with the settings.
    """
    suffix = path.suffix.lower()
    if suffix in STILL_SUFFIXES:
        return
    container = _CONTAINERS.get(suffix)
    if container is None:
        known = ", ".join(sorted([*_CONTAINERS, *STILL_SUFFIXES]))
        raise SettingsError(f"{path.name} has no known suffix; choose one of {known}")
    if encoder.lossless:
        if suffix != _LOSSLESS_SUFFIX:
            raise SettingsError(f"lossless output needs {_LOSSLESS_SUFFIX}, not {suffix}")
        return
    codec = encoder.codec or container.codecs[0]
    if codec not in container.codecs:
        raise SettingsError(
            f"{suffix} takes {' or '.join(container.codecs)}, not {codec}; change one of the two"
        )
    if encoder.crf is not None and encoder.crf > _HIGHEST_CRF[codec]:
        raise SettingsError(f"{codec} takes a rate factor of at most {_HIGHEST_CRF[codec]}")
    if encoder.preset and codec != "h264":
        raise SettingsError(f"presets belong to h264, not {codec}; leave the preset out")


def check_target(path: Path, encoder: EncoderSettings) -> None:
    """Check that a file may be made where the output shall be.

    Raises
    ------
    SinkError
        If it exists without leave to overwrite, is no plain file, or its folder is not writable.
    """
    if path.exists():
        if not path.is_file():
            raise SinkError(f"{path} is not a plain file; choose another output")
        if not encoder.overwrite:
            raise SinkError(f"{path} exists; choose another output or pass --overwrite")
    folder = path.parent
    if not folder.is_dir():
        raise SinkError(f"the folder {folder} does not exist; make it first")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise SinkError(f"the folder {folder} is not writable; choose another output")


def default_output(source: Path, folder: Path | None = None, *, lossless: bool = False) -> Path:
    """Where the picture of a source goes if the user does not say.

    Parameters
    ----------
    source : Path
    folder : Path, optional
        Folder of the output; the source's own by default.
    lossless : bool
        Whether a video is written lossless.

    Returns
    -------
    Path
        The source's name with ``.segmented`` before its suffix, which is changed where it cannot
        be written or would not hold exact colours.
    """
    suffix = source.suffix.lower()
    if source.is_dir():
        stem, suffix = source.name or source.resolve().name, ""
    else:
        stem = source.stem
    if suffix in STILL_SUFFIXES:
        suffix = ".png" if suffix in LOSSY_STILL_SUFFIXES else suffix
    elif lossless:
        suffix = _LOSSLESS_SUFFIX
    elif suffix not in _CONTAINERS:
        suffix = ".mp4"
    return (source.parent if folder is None else folder) / f"{stem}.segmented{suffix}"


def open_sink(
    path: str | Path,
    info: VideoInfo,
    encoder: EncoderSettings | None = None,
    audio: AudioTrack | None = None,
) -> FrameSink:
    """Open a video file or a still for writing.

    Parameters
    ----------
    path : str or Path
        Its suffix chooses the format: .mp4, .m4v, .mov, .mkv, .webm, or a still's.
    info : VideoInfo
        Of the pictures that will be written: size, rate, layout and colour encoding.
    encoder : EncoderSettings, optional
    audio : AudioTrack, optional
        Sound to go with them; stills take none.

    Returns
    -------
    FrameSink

    Raises
    ------
    SettingsError
        If the suffix is unknown or does not go with the settings.
    SinkError
        If the file cannot be made.
    """
    path, encoder = Path(path), encoder or EncoderSettings()
    check_output(path, encoder)
    check_target(path, encoder)
    if path.suffix.lower() in STILL_SUFFIXES:
        return _StillSink(path, encoder.overwrite)
    return VideoFileSink(path, info, encoder, audio if encoder.audio else None)


class _PartialFile:
    """A file that grows beside its target under another name and replaces it when it is whole."""

    def __init__(self, target: Path, *, overwrite: bool) -> None:
        self._target = Path(os.path.realpath(target))
        self._overwrite = overwrite
        # Not after the target's name, which may be as long as a name can be.
        self.path = self._target.parent / f".kseg-{secrets.token_hex(6)}{target.suffix.lower()}"
        try:
            with self.path.open("xb"):
                pass
        except OSError as error:
            raise SinkError(f"{target} cannot be written ({error.strerror})") from error

    def publish(self) -> None:
        try:
            if self._overwrite:
                self.path.replace(self._target)
            elif self._target.exists():
                raise SinkError(f"{self._target} appeared meanwhile; choose another output")
            else:
                self.path.rename(self._target)
        except OSError as error:
            raise SinkError(f"{self._target} cannot be written ({error.strerror})") from error

    def discard(self) -> None:
        self.path.unlink(missing_ok=True)


class _AbortingContext:
    """Context manager of a sink: closed when all went well, else aborted."""

    def close(self) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException:
            self.abort()
            raise


class VideoFileSink(_AbortingContext):
    """A video file, encoded by ffmpeg in a process of its own.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Of the pictures.
    encoder : EncoderSettings
    audio : AudioTrack, optional

    Raises
    ------
    SinkError
        If the file cannot be made.
    """

    def __init__(
        self, path: Path, info: VideoInfo, encoder: EncoderSettings, audio: AudioTrack | None
    ) -> None:
        self._path = path
        self._info = info
        self._shape = _picture_shape(info)
        self._container = _CONTAINERS[path.suffix.lower()]
        self.notes: list[str] = []
        self._count = 0
        self._part = _PartialFile(path, overwrite=encoder.overwrite)
        arguments = [
            *self._picture_input(audio),
            *_audio_input(audio),
            *self._picture_output(encoder),
            *self._audio_output(audio),
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
        pending = frame.pixels.reshape(-1).data
        try:
            while pending:
                pending = pending[self._process.pipe.write(pending) :]
        except OSError:
            self._process.wait()
            raise self._failure() from None
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
        if self._process.wait() or not self._part.path.stat().st_size:
            raise self._failure()
        self._part.publish()

    def abort(self) -> None:
        """End the encoder and remove what it has written."""
        self._process.stop()
        self._part.discard()

    def _failure(self) -> SinkError:
        reasons = self._process.messages
        full = next((line for line in reasons if "No space left" in line), None)
        if full:
            return SinkError(f"{self._path} cannot be written: the disk is full; make room")
        reason = reasons[0] if reasons else "the encoder was killed"
        return SinkError(f"{self._path} cannot be written ({reason})")

    def _picture_input(self, audio: AudioTrack | None) -> list[str]:
        info = self._info
        arguments = ["-f", "rawvideo", "-pixel_format", _PIXEL_FORMATS[info.layout]]
        arguments += ["-video_size", f"{info.width}x{info.height}"]
        arguments += ["-framerate", str(info.frame_rate)]
        if audio and audio.delay:
            arguments += ["-itsoffset", f"{audio.delay:.6f}"]
        return [*arguments, "-i", "pipe:0"]

    def _picture_output(self, encoder: EncoderSettings) -> list[str]:
        info = self._info
        if encoder.lossless:
            stored = {"bgr24": "bgr0", "i420": "yuv420p", "gray8": "gray"}[info.layout]
            codec = ["ffv1", "-level", "3", "-g", "1", "-slices", "4", "-slicecrc", "1"]
        else:
            name = encoder.codec or self._container.codecs[0]
            stored = self._stored_format(name)
            crf = _DEFAULT_CRF[name] if encoder.crf is None else encoder.crf
            codec = _codec_arguments(name, crf, encoder.preset or _DEFAULT_PRESET)
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
                    ":flags=accurate_rnd+full_chroma_int+full_chroma_inp"
                )
            filters.append(
                f"setparams=colorspace={_COLOR_SPACES[encoding.matrix]}:range={levels}"
                f":color_primaries={encoding.primaries or _PRIMARIES[encoding.matrix]}"
                f":color_trc={encoding.transfer or _TRANSFERS[encoding.matrix]}"
            )
        ratio = info.sample_aspect_ratio
        filters.append(f"setsar=sar={ratio}:max={max(ratio.as_integer_ratio())}")
        return ",".join(filters)

    def _audio_output(self, audio: AudioTrack | None) -> list[str]:
        if audio is None:
            return []
        arguments = ["-map", "1:a", "-map_metadata", "1", "-map_chapters", "1"]
        for number, codec in enumerate(audio.codecs):
            copied = self._container.copied_audio
            encoder = ("copy",) if not copied or codec in copied else self._container.audio_encoder
            name, *options = encoder
            arguments += [f"-c:a:{number}", name]
            arguments += [f"{o}:{number}" if o.startswith("-") else o for o in options]
        return arguments


class _StillSink(_AbortingContext):
    """A single picture in a file."""

    def __init__(self, path: Path, overwrite: bool) -> None:
        self._path = path
        self._part = _PartialFile(path, overwrite=overwrite)
        self._written = False
        self.notes: list[str] = []

    def write(self, frame: Frame) -> None:
        """Take the one picture.

        Raises
        ------
        SinkError
            If it is the second, or cannot be written.
        """
        suffix = self._path.suffix.lower()
        if self._written:
            raise SinkError(
                f"{self._path} holds one picture and there are more; "
                "choose a video format or limit the frames to 1"
            )
        if frame.alpha is not None and suffix in OPAQUE_STILL_SUFFIXES:
            self.notes.append(f"{suffix} holds no transparency, which is left out")
        pixels = frame.pixels if frame.layout == "gray8" else frame.bgr
        write_still(self._part.path, suffix, pixels, frame.alpha)
        self._written = True

    def close(self) -> None:
        """Give the file its name.

        Raises
        ------
        SinkError
            If no picture was written.
        """
        if not self._written:
            raise SinkError(f"{self._path} got no picture")
        self._part.publish()

    def abort(self) -> None:
        """Remove what has been written."""
        self._part.discard()


def _picture_shape(info: VideoInfo) -> tuple[int, ...]:
    if info.layout == "i420":
        return (info.height * 3 // 2, info.width)
    return (info.height, info.width, 3) if info.layout == "bgr24" else (info.height, info.width)


def _audio_input(audio: AudioTrack | None) -> list[str]:
    if audio is None:
        return []
    arguments = ["-fflags", "+discardcorrupt"]  # half a packet at the end of a truncated file
    if audio.start:
        arguments += ["-ss", f"{audio.start:.6f}"]
    if audio.duration is not None:
        arguments += ["-t", f"{audio.duration:.6f}"]
    return [*arguments, "-vn", "-i", file_argument(audio.path)]


def _codec_arguments(codec: Codec, crf: int, preset: str) -> list[str]:
    if codec == "h264":
        return ["libx264", "-preset", preset, "-crf", str(crf)]
    speed = ["-deadline", "good", "-cpu-used", "5", "-row-mt", "1"]
    return ["libvpx-vp9", "-crf", str(crf), "-b:v", "0", *speed]
