"""From HDR (PQ, HLG) to SDR: the tone mapping of ffmpeg's users."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.yuv import ColorEncoding
from kseg_video.ffmpeg.ffmpeg_arguments import video_filter

if TYPE_CHECKING:
    from kseg_video.ffmpeg.probe import ProbedVideo

_HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
SDR = ColorEncoding("bt709", full_range=False, primaries="bt709", transfer="bt709")

# The recipe of ffmpeg's users: reference white of 100 cd/m², Hable's curve, no desaturation.
_TONE_MAPPING = (
    "zscale=transfer=linear:npl=100",
    "format=gbrpf32le",
    "zscale=primaries=bt709",
    "tonemap=tonemap=hable:desat=0",
    "zscale=transfer=bt709:matrix=gbr:range=full",
    "format=gbrp",
)
# Beside a kernel that is bilinear, because sharper ones swing over at edges, into colours that are
# not there, or that takes the nearest pixel.
ACCURACY = "accurate_rnd+full_chroma_int+full_chroma_inp"
_WITH_ALL_CHROMA = "format=yuv444p16le|gbrp16le"


def hdr_transfer(video: ProbedVideo) -> str | None:
    """Name of the transfer function, if it is one of high dynamic range."""
    return _HDR_TRANSFERS.get(video.encoding.transfer or "")


def to_sdr(video: ProbedVideo, size: tuple[int, int] | None = None) -> list[str]:
    """Filters that make SDR, in RGB, of a video's HDR.

    Parameters
    ----------
    video : ProbedVideo
    size : tuple of int, optional
        Width and height, if only so many of its pixels are wanted; each is one of its own.
    """
    filters = [_tagged(video), *_TONE_MAPPING]
    if size is not None:
        # All chroma is kept, so that luma and chroma are those of one place.
        scaling = video_filter("scale", *size, flags=f"neighbor+{ACCURACY}")
        return [scaling, _WITH_ALL_CHROMA, *filters]
    if video.width % 2 or video.height % 2:  # zscale cuts no chroma in two
        return [video_filter("scale", flags=f"bilinear+{ACCURACY}"), _WITH_ALL_CHROMA, *filters]
    return filters


def _tagged(video: ProbedVideo) -> str:
    """All tags set, as players assume them where there are none."""
    encoding = video.encoding
    tags = {
        "colorspace": "gbr" if video.rgb else "bt2020nc",
        "color_primaries": encoding.primaries or "bt2020",
        "color_trc": encoding.transfer,
        "range": "pc" if video.rgb else encoding.levels,
    }
    return video_filter("setparams", **tags)
