"""Video containers: the codecs, sound and subtitles that each supports."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kseg_video.writing.video_encoders import takes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kseg_video.core.media_settings import Codec, EncoderSettings


@dataclass(frozen=True, slots=True)
class AudioSupport:
    """How a container takes sound.

    Parameters
    ----------
    copied : frozenset of str
        Codecs that are copied without re-encoding.
    encoder : str
        ffmpeg's encoder for all other codecs.
    kilobits_per_channel : int
        The encoder's bit rate per channel, in kbit/s.
    layouts : str
        Channel layouts that the encoder takes, joined by ``|``.
    lowest_rates : mapping of str to int
        Sample rates, by codec, below which the container refuses it.
    """

    copied: frozenset[str]
    encoder: str
    kilobits_per_channel: int
    layouts: str
    lowest_rates: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SubtitleSupport:
    """How a container takes subtitles.

    Parameters
    ----------
    copied : frozenset of str
        Codecs that are copied without conversion.
    encoder : str
        ffmpeg's encoder for other text codecs; bitmap codecs are dropped.
    fonts : bool
        Whether files such as fonts can be attached.
    """

    copied: frozenset[str]
    encoder: str
    fonts: bool = False


@dataclass(frozen=True, slots=True)
class Container:
    """A video file format.

    Parameters
    ----------
    muxer : str
        ffmpeg's muxer.
    codecs : tuple of str
        Video codecs, the default first.
    alpha_codecs : tuple of str
        Those that keep alpha in this container, the default first.
    audio : AudioSupport
    subtitles : SubtitleSupport
    options : tuple of str
        Options of the muxer.
    """

    muxer: str
    codecs: tuple[Codec, ...]
    alpha_codecs: tuple[Codec, ...]
    audio: AudioSupport
    subtitles: SubtitleSupport
    options: tuple[str, ...] = ()

    def codec(self, encoder: EncoderSettings, *, alpha: bool) -> Codec:
        """The codec for these settings; for alpha, one that keeps it, if the container has any."""
        if encoder.codec is not None:
            return encoder.codec
        fitting = [codec for codec in self.alpha_codecs if takes(codec, encoder)] if alpha else []
        return (*fitting, *self.codecs)[0]


_AAC_LAYOUTS = (
    "mono|stereo|2.1|3.0|3.0(back)|4.0|quad|quad(side)|3.1|5.0|5.0(side)|4.1|5.1|5.1(side)|6.0|"
    "6.0(front)|hexagonal|6.1|6.1(back)|6.1(front)|7.0|7.0(front)|7.1|7.1(wide)|7.1(wide-side)|"
    "5.1.2(back)|octagonal"
)
# Those whose order ffmpeg's encoder keeps: it reorders the channels of 5.0 and 6.1 wrongly.
_OPUS_LAYOUTS = "mono|stereo|3.0|quad|5.1|7.1"
_MP4_AUDIO = AudioSupport(
    frozenset({"aac", "mp2", "mp3", "ac3", "eac3", "dts", "alac", "flac", "opus"}),
    *("aac", 96, _AAC_LAYOUTS),
    lowest_rates={"mp3": 16_000, "ac3": 32_000},
)
_PCM = frozenset(
    f"pcm_{form}{order}" for form in ("s16", "s24", "s32", "f32", "f64") for order in ("le", "be")
)
_MOV_AUDIO = AudioSupport(
    frozenset({"aac", "mp3", "ac3", "eac3", "alac"}) | _PCM,
    *("aac", 96, _AAC_LAYOUTS),
    lowest_rates={"ac3": 32_000},
)
_MATROSKA_AUDIO = AudioSupport(
    (_MP4_AUDIO.copied | _PCM | {"pcm_u8", "vorbis", "truehd", "mlp", "wavpack", "tta"})
    - {"pcm_f32be", "pcm_f64be"},
    *("aac", 96, _AAC_LAYOUTS),
)
_WEBM_AUDIO = AudioSupport(frozenset({"opus", "vorbis"}), "libopus", 64, _OPUS_LAYOUTS)
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
# Without this, Matroska's identifiers of the file and its tracks are random.
_WITHOUT_CHANCE = ("-fflags", "+bitexact")
_FASTSTART = ("-movflags", "+faststart")
CONTAINERS = {
    ".mp4": Container(
        *("mp4", ("h264", "h265", "av1", "vp9"), (), _MP4_AUDIO, _MP4_SUBTITLES), _FASTSTART
    ),
    ".m4v": Container("mp4", ("h264", "h265"), (), _MP4_AUDIO, _MP4_SUBTITLES, _FASTSTART),
    ".mov": Container(
        *("mov", ("h264", "h265", "prores"), ("prores",), _MOV_AUDIO, _MOV_SUBTITLES), _FASTSTART
    ),
    ".mkv": Container(
        *("matroska", ("h264", "h265", "av1", "vp9"), ("vp9",)),
        *(_MATROSKA_AUDIO, _MATROSKA_SUBTITLES, _WITHOUT_CHANCE),
    ),
    ".webm": Container(
        *("webm", ("vp9", "av1"), ("vp9",), _WEBM_AUDIO, _WEBM_SUBTITLES), _WITHOUT_CHANCE
    ),
}
LOSSLESS_SUFFIX = ".mkv"
