"""Conversion of HDR (PQ, HLG) to SDR, and of linear light to sRGB, by ffmpeg's filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.yuv import ColorEncoding
from kseg_video.ffmpeg.ffmpeg_arguments import video_filter

if TYPE_CHECKING:
    from kseg_video.ffmpeg.probe import ProbedVideo

_HDR_TRANSFERS = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
SDR = ColorEncoding("bt709", full_range=False, primaries="bt709", transfer="bt709")

# The usual ffmpeg filter chain: reference white of 100 cd/m², Hable's curve, no desaturation.
_TONE_MAPPING = (
    "zscale=transfer=linear:npl=100",
    "format=gbrpf32le",
    "zscale=primaries=bt709",
    "tonemap=tonemap=hable:desat=0",
    "zscale=transfer=bt709:matrix=gbr:range=full",
    "format=gbrp",
)
# Scaler flags to use with a bilinear or nearest-neighbour kernel; sharper kernels ring at edges and
# produce colours that the picture does not have.
ACCURACY = "accurate_rnd+full_chroma_int+full_chroma_inp"
_WITH_ALL_CHROMA = "format=yuv444p16le|gbrp16le"


def hdr_transfer(video: ProbedVideo) -> str | None:
    """Name of the HDR transfer function, "PQ" or "HLG"; None for SDR."""
    return _HDR_TRANSFERS.get(video.encoding.transfer or "")


def to_sdr(video: ProbedVideo, size: tuple[int, int] | None = None) -> list[str]:
    """Filters that tone-map HDR video to SDR in RGB.

    Parameters
    ----------
    video : ProbedVideo
    size : tuple of int, optional
        Width and height to scale to, by nearest neighbour; None keeps the video's size.
    """
    filters = [_tagged(video), *_TONE_MAPPING]
    if size is not None:
        # Without chroma subsampling, so that luma and chroma come from the same pixel.
        scaling = video_filter("scale", *size, flags=f"neighbor+{ACCURACY}")
        return [scaling, _WITH_ALL_CHROMA, *filters]
    if video.width % 2 or video.height % 2:  # zscale refuses subsampled chroma of odd sizes
        return [video_filter("scale", flags=f"bilinear+{ACCURACY}"), _WITH_ALL_CHROMA, *filters]
    return filters


def to_srgb(video: ProbedVideo) -> list[str]:
    """Filters that convert linear light to sRGB; light beyond white is clipped.

    Parameters
    ----------
    video : ProbedVideo
        RGB or gray.
    """
    conversion = video_filter("zscale", transferin="linear", transfer="iec61966-2-1", matrix="gbr")
    if not video.alpha:
        return [conversion, "format=gbrp"]
    # OpenEXR, the only format of linear light with alpha, stores colours multiplied by it. zscale
    # would convert the products, unless it believes that these colours are such products, too.
    divided = ("unpremultiply=inplace=1", "setparams=alpha_mode=premultiplied")
    return [*divided, conversion, "format=gbrap", "setparams=alpha_mode=straight"]


def _tagged(video: ProbedVideo) -> str:
    """Filter that sets all colour tags, with those that players assume for missing ones."""
    encoding = video.encoding
    tags = {
        "colorspace": "gbr" if video.rgb else "bt2020nc",
        "color_primaries": encoding.primaries or "bt2020",
        "color_trc": encoding.transfer,
        "range": "pc" if video.rgb else encoding.levels,
    }
    return video_filter("setparams", **tags)
