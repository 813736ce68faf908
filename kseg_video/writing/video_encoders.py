"""Encoders of video codecs: ffmpeg's own, and those of devices that answer here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from kseg_video.core.errors import SettingsError, SinkError
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.ffmpeg.stalls import MishapError, StalledError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kseg_video.core.media_settings import Codec, Device, EncoderSettings

# H.264's is the highest at which segmented clips, seen at twice their size, look like the painted
# pictures: at 24 fine patterns and the outlines of flat regions begin to smear. With the others, as
# many pixels are visibly off (python -m benchmarks.encoding CLIP).
DEFAULT_CRF: dict[Codec, int] = {"h264": 23, "h265": 26, "av1": 34, "vp9": 34}
HIGHEST_CRF: dict[Codec, int] = {"h264": 51, "h265": 51, "av1": 63, "vp9": 63}
# Slower ones of x264 make files a tenth to a fifth smaller, in three times the time. Faster ones of
# x265 are no smaller than x264, and nor is SVT-AV1 above preset 6 (of 0, slow, to 13).
DEFAULT_PRESET: dict[Codec, str] = {"h264": "veryfast", "h265": "slow"}
_AV1_PRESET = "6"
# Fast presets of x264 are coarse with chroma, in which patterns of flat colours get tinted specks.
# This much finer costs a twentieth of the size.
_CHROMA = ("-chromaoffset", "-4")
# The tools for drawn pictures of AV1 and VP9 make them a tenth to a third smaller.
_DRAWN = {"av1": ("-svtav1-params", "scm=1"), "vp9": ("-tune-content", "screen")}
# libvpx's deadline "good" takes three to seven times as long, for files a tenth smaller that look
# the same.
_VP9_SPEED = ("-deadline", "realtime", "-cpu-used", "5", "-row-mt", "1")

_ENCODERS_OF_DEVICES: dict[Device, dict[Codec, str]] = {
    "nvenc": {"h264": "h264_nvenc", "h265": "hevc_nvenc", "av1": "av1_nvenc"},
    "qsv": {"h264": "h264_qsv", "h265": "hevc_qsv", "av1": "av1_qsv"},
    "vaapi": {"h264": "h264_vaapi", "h265": "hevc_vaapi", "av1": "av1_vaapi"},
    "videotoolbox": {"h264": "h264_videotoolbox", "h265": "hevc_videotoolbox"},
}
_VAAPI_DEVICE = ("-init_hw_device", "vaapi=device", "-filter_hw_device", "device")
_SMALLEST_H265 = 32  # pixels of a side, below which x265 crashes with some sizes
_ANSWER_SECONDS = (
    20.0  # longest wait for a device: more waits for slow drivers, less for stuck ones
)
_COMPONENTS = re.compile(r"(?:\[[^\]]*\] )+")


@dataclass(frozen=True, slots=True)
class VideoEncoder:
    """An encoder, as options of ffmpeg.

    Parameters
    ----------
    options : tuple of str
        They choose the encoder and its quality.
    before : tuple of str
        They come before all inputs.
    filters : tuple of str
        They come after all other filters.
    note : str, optional
        What the user should know about the choice.
    """

    options: tuple[str, ...]
    before: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    note: str | None = None


def takes(codec: Codec, encoder: EncoderSettings) -> bool:
    """Whether a codec has the rate factor and preset that are given, if any."""
    rate_fits = encoder.crf is None or codec in HIGHEST_CRF
    return rate_fits and (encoder.preset is None or codec in DEFAULT_PRESET)


def check_quality(codec: Codec, encoder: EncoderSettings) -> None:
    """Check that a codec has the rate factor, the preset and the device that are given.

    Raises
    ------
    SettingsError
        If it lacks one.
    """
    highest = HIGHEST_CRF.get(codec)
    if encoder.crf is not None and highest is None:
        raise SettingsError(f"{codec} takes no rate factor; leave it out")
    if encoder.crf is not None and highest is not None and encoder.crf > highest:
        raise SettingsError(f"{codec} takes a rate factor of at most {highest}")
    if encoder.preset and codec not in DEFAULT_PRESET:
        named = " and ".join(DEFAULT_PRESET)
        raise SettingsError(f"presets belong to {named}, not {codec}; leave the preset out")
    if codec not in _ENCODERS_OF_DEVICES.get(encoder.device, {codec: ""}):
        raise SettingsError(f"{encoder.device} encodes no {codec}; change one of the two")


def choose_encoder(
    codec: Codec, settings: EncoderSettings, size: tuple[int, int], stored: str
) -> VideoEncoder:
    """Choose the encoder of a codec for pictures of a size and pixel format.

    Parameters
    ----------
    codec : {"h264", "h265", "av1", "vp9", "prores"}
    settings : EncoderSettings
    size : tuple of int
        Width and height.
    stored : str
        ffmpeg's name of the pixel format.

    Raises
    ------
    SinkError
        If a device was asked for that does not answer, or the pictures are too small.
    """
    if codec == "h265" and min(size) < _SMALLEST_H265:
        raise SinkError(
            f"H.265 takes no picture of {size[0]}x{size[1]}, below {_SMALLEST_H265} pixels a side; "
            "choose another codec"
        )
    if settings.device == "software":
        return software_encoder(codec, settings)
    if settings.device != "auto":
        encoder = _of_device(settings.device, codec, settings)
        if why := _why_silent(encoder, size, stored):
            raise SinkError(
                f"{settings.device} does not encode {codec} of {size[0]}x{size[1]} here ({why}); "
                "choose the encoder auto or software"
            )
        return encoder
    for device, encoders in _ENCODERS_OF_DEVICES.items():
        if codec in encoders:
            encoder = _of_device(device, codec, settings)
            if not _why_silent(encoder, size, stored):
                return encoder
    software = software_encoder(codec, settings)
    return VideoEncoder(software.options, note=f"no device encodes {codec} here; done in software")


def software_encoder(codec: Codec, settings: EncoderSettings) -> VideoEncoder:
    """Ffmpeg's own encoder of a codec."""
    if codec == "prores":
        return VideoEncoder(("-c:v", "prores_ks", "-profile:v", "4444", "-vendor", "apl0"))
    crf = ("-crf", str(_rate_factor(codec, settings)))
    preset = ("-preset", settings.preset or DEFAULT_PRESET.get(codec, _AV1_PRESET))
    if codec == "h264":
        return VideoEncoder(("-c:v", "libx264", *preset, *crf, *_CHROMA))
    if codec == "h265":
        return VideoEncoder(("-c:v", "libx265", *preset, *crf, "-x265-params", "log-level=error"))
    if codec == "av1":
        return VideoEncoder(("-c:v", "libsvtav1", *preset, *crf, *_DRAWN[codec]))
    return VideoEncoder(("-c:v", "libvpx-vp9", *crf, "-b:v", "0", *_VP9_SPEED, *_DRAWN["vp9"]))


def _of_device(device: Device, codec: Codec, settings: EncoderSettings) -> VideoEncoder:
    """The encoder of a device, at the quality that comes close to the rate factor."""
    name = ("-c:v", _ENCODERS_OF_DEVICES[device][codec])
    crf, note = _rate_factor(codec, settings), f"encoded by {device}"
    quality: tuple[str, ...] = ("-global_quality", str(min(max(crf, 1), 51)))
    if device == "nvenc":
        quality = ("-preset", "p5", "-rc", "vbr", "-cq", str(crf), "-b:v", "0")
    elif device == "videotoolbox":
        quality = ("-q:v", str(max(round(100 * (1 - crf / HIGHEST_CRF[codec])), 1)))
    elif device == "vaapi":
        step = 4 if codec == "av1" else 1  # of its quantizer, from 0 to 255
        quality = ("-rc_mode", "CQP", "-global_quality", str(max(crf, 1) * step))
        return VideoEncoder((*name, *quality), _VAAPI_DEVICE, ("format=nv12", "hwupload"), note)
    return VideoEncoder((*name, *quality), note=note)


def higher_crf(codec: Codec, settings: EncoderSettings) -> Iterator[int]:
    """The rate factor that makes a file about half as large, if the codec has it."""
    if codec in HIGHEST_CRF and (crf := _rate_factor(codec, settings) + 5) <= HIGHEST_CRF[codec]:
        yield crf


def _rate_factor(codec: Codec, settings: EncoderSettings) -> int:
    return DEFAULT_CRF[codec] if settings.crf is None else settings.crf


@cache
def _why_silent(encoder: VideoEncoder, size: tuple[int, int], stored: str) -> str | None:
    """Why an encoder does not encode a black picture; None if it does."""
    picture = f"color=black:size={size[0]}x{size[1]}:rate=25"
    filters = ",".join((f"format={stored}", *encoder.filters))
    arguments = [*encoder.before, "-f", "lavfi", "-i", picture, "-frames:v", "1", "-vf", filters]
    process = FfmpegProcess([*arguments, *encoder.options, "-f", "null", "-"], feeds=False)
    why = "its driver is missing or fails"
    try:
        if not process.wait(_ANSWER_SECONDS):
            return None
    except StalledError as error:
        why = str(error)
    except MishapError:  # as where a driver ends the process
        pass
    finally:
        process.stop()
    return next((_COMPONENTS.sub("", each).rstrip(".") for each in process.messages), why)
