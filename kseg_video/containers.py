"""What the containers of video take, and how their codecs are set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kseg_video.settings import Codec


@dataclass(frozen=True, slots=True)
class Container:
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
CONTAINERS = {
    ".mp4": Container("mp4", ("h264", "vp9"), _MP4_AUDIO, _AAC, _FASTSTART),
    ".m4v": Container("mp4", ("h264",), _MP4_AUDIO, _AAC, _FASTSTART),
    ".mov": Container("mov", ("h264",), _MOV_AUDIO, _AAC, _FASTSTART),
    ".mkv": Container("matroska", ("h264", "vp9"), frozenset(), _AAC),
    ".webm": Container("webm", ("vp9",), frozenset({"opus", "vorbis"}), _OPUS),
}
DEFAULT_CRF: dict[Codec, int] = {"h264": 18, "vp9": 24}
HIGHEST_CRF: dict[Codec, int] = {"h264": 51, "vp9": 63}
DEFAULT_PRESET = "veryfast"
LOSSLESS_SUFFIX = ".mkv"


def codec_arguments(codec: Codec, crf: int, preset: str) -> list[str]:
    """Ffmpeg's options for a codec; `preset` is x264's and passed over by others."""
    if codec == "h264":
        return ["libx264", "-preset", preset, "-crf", str(crf)]
    speed = ["-deadline", "good", "-cpu-used", "5", "-row-mt", "1"]
    return ["libvpx-vp9", "-crf", str(crf), "-b:v", "0", *speed]
