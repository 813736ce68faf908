"""What the containers of video take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kseg_video.core.media_settings import Codec, EncoderSettings


@dataclass(frozen=True, slots=True)
class AudioSupport:
    """What becomes of sound.

    Parameters
    ----------
    copied : frozenset of str
        Codecs that go in as they are.
    encoder : str
        ffmpeg's encoder for all others.
    kilobits_per_channel : int
        Its bit rate, in 1000 bits a second.
    """

    copied: frozenset[str]
    encoder: str
    kilobits_per_channel: int


@dataclass(frozen=True, slots=True)
class SubtitleSupport:
    """What becomes of subtitles.

    Parameters
    ----------
    copied : frozenset of str
        Codecs that go in as they are.
    encoder : str
        ffmpeg's encoder for others that are text.
    fonts : bool
        Whether files such as fonts can be attached.
    """

    copied: frozenset[str]
    encoder: str
    fonts: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """What a file format takes.

    Parameters
    ----------
    muxer : str
        ffmpeg's name of it.
    codecs : tuple of str
        Video codecs, the usual one first.
    alpha_codecs : tuple of str
        Those of them that keep opacity in it, the usual one first.
    audio : AudioSupport
    subtitles : SubtitleSupport
    options : tuple of str
        Of the muxer.
    """

    muxer: str
    codecs: tuple[Codec, ...]
    alpha_codecs: tuple[Codec, ...]
    audio: AudioSupport
    subtitles: SubtitleSupport
    options: tuple[str, ...] = ()

    def codec(self, encoder: EncoderSettings, *, alpha: bool) -> Codec:
        """The codec for these settings, one that keeps opacity where that is needed and can be."""
        if encoder.codec is not None:
            return encoder.codec
        fitting = [codec for codec in self.alpha_codecs if _takes(codec, encoder)] if alpha else []
        return (*fitting, *self.codecs)[0]


_MP4_AUDIO = AudioSupport(
    frozenset({"aac", "mp2", "mp3", "ac3", "eac3", "dts", "alac", "flac", "opus"}), "aac", 96
)
_PCM = frozenset(
    f"pcm_{form}{order}" for form in ("s16", "s24", "s32", "f32", "f64") for order in ("le", "be")
)
_MOV_AUDIO = AudioSupport(frozenset({"aac", "mp3", "ac3", "eac3", "alac"}) | _PCM, "aac", 96)
_MATROSKA_AUDIO = AudioSupport(
    _MP4_AUDIO.copied | _PCM | {"pcm_u8", "vorbis", "truehd", "mlp", "wavpack", "tta"}, "aac", 96
)
_WEBM_AUDIO = AudioSupport(frozenset({"opus", "vorbis"}), "libopus", 64)
_MP4_SUBTITLES = SubtitleSupport(frozenset({"mov_text", "dvd_subtitle"}), "mov_text")
_MOV_SUBTITLES = SubtitleSupport(frozenset({"mov_text"}), "mov_text")
_MATROSKA_SUBTITLES = SubtitleSupport(
    frozenset(
        {"subrip", "ass", "ssa", "webvtt", "dvd_subtitle", "dvb_subtitle", "hdmv_pgs_subtitle"}
    ),
    "subrip",
    fonts=True,
)
_WEBM_SUBTITLES = SubtitleSupport(frozenset({"webvtt"}), "webvtt")
# Else Matroska's names for the file and its tracks are drawn by lot.
_WITHOUT_CHANCE = ("-fflags", "+bitexact")
_FASTSTART = ("-movflags", "+faststart")
CONTAINERS = {
    ".mp4": Container("mp4", ("h264", "vp9"), (), _MP4_AUDIO, _MP4_SUBTITLES, _FASTSTART),
    ".m4v": Container("mp4", ("h264",), (), _MP4_AUDIO, _MP4_SUBTITLES, _FASTSTART),
    ".mov": Container(
        "mov", ("h264", "prores"), ("prores",), _MOV_AUDIO, _MOV_SUBTITLES, _FASTSTART
    ),
    ".mkv": Container(
        *("matroska", ("h264", "vp9"), ("vp9",), _MATROSKA_AUDIO, _MATROSKA_SUBTITLES),
        _WITHOUT_CHANCE,
    ),
    ".webm": Container("webm", ("vp9",), ("vp9",), _WEBM_AUDIO, _WEBM_SUBTITLES, _WITHOUT_CHANCE),
}
DEFAULT_CRF: dict[Codec, int] = {"h264": 18, "vp9": 24}
HIGHEST_CRF: dict[Codec, int] = {"h264": 51, "vp9": 63}
DEFAULT_PRESET = "veryfast"
LOSSLESS_SUFFIX = ".mkv"


def _takes(codec: Codec, encoder: EncoderSettings) -> bool:
    """Whether rate factor and preset, if they are given, are this codec's."""
    rate_fits = encoder.crf is None or codec in HIGHEST_CRF
    return rate_fits and (encoder.preset is None or codec == "h264")
