"""Limits on input files and streams: the largest picture, and an allow-list of ffmpeg's demuxers.

An allowed format is self-contained: it holds all of its pictures and sound. Excluded are formats
that refer to other files or addresses (playlists, manifests, numbered images) or continue in other
files (MLV), scripts, and text that ffmpeg would render as pictures. ffmpeg ignores the names of
demuxers that its version lacks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.ffmpeg.printed_lines import says

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Largest picture: above any camera's resolution, below what damaged headers claim. Higher allows
# larger stills but lets a hostile file take more memory.
MAX_PIXELS = 100_000_000

_VIDEO = """
    4xm anm apng apv argo_brp asf asf_o av1 avi avs avs2 avs3 bethsoftvid bfi bink bmv c93 cavsvideo
    cdg cdxl cine dfa dhav dirac dnxhd dsicin dv dxa ea evc film_cpk filmstrip flic flv frm gdv gif
    gxf h261 h263 h264 hevc hnm hxvs idcin iff ifv ingenient ipmovie ipu iv8 ivf ivr jpegxl_anim jv
    kux lmlm4 luodat lvf lxf m4v matroska mgsts mjpeg mjpeg_2000 mm mods moflex mov mpeg mpegts
    mpegvideo mpjpeg mtv mv mvi mxf mxg nc nsv nut nuv obu ogg paf pdv pmp psxstr pva r3d rl2 rm roq
    rpl sdr2 ser sga siff simbiosis_imx smjpeg smk smush swf thp tiertexseq tmv txd ty usm vc1
    vividas vivo vmd vvc wc3movie webp_anim wsvqa wtv xmv yop yuv4mpegpipe
"""
_PICTURES = """
    alias_pix bmp_pipe brender_pix cri_pipe dds_pipe dpx_pipe exr_pipe fits gem_pipe gif_pipe
    hdr_pipe ico j2k_pipe jpeg_pipe jpegls_pipe jpegxl_pipe jpegxs_pipe msp pam_pipe pbm_pipe
    pcx_pipe pfm_pipe pgm_pipe pgmyuv_pipe pgx_pipe phm_pipe photocd_pipe pictor_pipe png_pipe
    ppm_pipe psd_pipe qdraw_pipe qoi_pipe sgi_pipe sunrast_pipe tiff_pipe vbn_pipe webp_pipe
    xbm_pipe xpm_pipe xwd_pipe
"""
# Allowed so that the error can say "holds no video" rather than that the format is refused.
_AUDIO = "aac ac3 aiff amr ape au caf dts eac3 flac mp3 truehd tta w64 wav wv"
_SUBTITLES_IN_AVI = "ass srt"
_OF_FILES = (*_VIDEO.split(), *_PICTURES.split(), *_AUDIO.split(), *_SUBTITLES_IN_AVI.split())
_OF_STREAMS = (*_OF_FILES, *["dash", "hls", "live_flv", "rtp", "rtsp", "sdp", "webvtt"])
# This demuxer chooses a decoder by the file's suffix. It is allowed only for formats without a
# signature: of any other file it would believe the suffix, and an SVG that the probe does not
# recognize could embed pictures of unlimited size.
_BY_NAME = "image2"
_NAMED_SUFFIXES = frozenset({".ptx", ".tga", ".wbmp", ".xface"})
_NAME_OF_MANY = re.compile(r"[%*?{]")

_TOO_LARGE = r"Picture size \d+x\d+ (exceeds specified max pixel|is invalid)"
_REFUSED = "Format not on whitelist"
_HEAD_BYTES = 4096
_PLAYLIST = re.compile(
    rb"(\xef\xbb\xbf)?\s*(#EXTM3U|ffconcat version|\[playlist\]|v=0\s|<ASX|"
    rb"(<.*?)?<(MPD|SmoothStreamingMedia|smil|playlist|AssetMap)\b)",
    re.IGNORECASE | re.DOTALL,
)


def too_large(source: Path | str) -> SourceError:
    """Return the error for a file or stream whose pictures exceed `MAX_PIXELS`."""
    return SourceError(
        f"{source} claims pictures of more than {MAX_PIXELS // 10**6} million pixels; "
        "scale it down first, if it is not damaged"
    )


def claims_too_much(messages: Iterable[str]) -> bool:
    """Whether ffmpeg rejected its input because its pictures are too large."""
    return says(messages, _TOO_LARGE)


def formats_of_file(path: Path) -> str:
    """Demuxers allowed for a local file, as a value for ffmpeg's ``-format_whitelist``."""
    by_name = path.suffix.lower() in _NAMED_SUFFIXES and not _NAME_OF_MANY.search(str(path))
    return ",".join((*_OF_FILES, _BY_NAME) if by_name else _OF_FILES)


def formats_of_streams() -> str:
    """Demuxers allowed for a stream: playlists too, since a server may refer to its own streams."""
    return ",".join(_OF_STREAMS)


def why_refused(path: Path, messages: Iterable[str]) -> str | None:
    """Explain why a file's format is refused and what to do; None if the format is allowed.

    Parameters
    ----------
    path : Path
    messages : iterable of str
        ffmpeg's error messages on this file.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    if _PLAYLIST.match(head):
        return "is a playlist, not a video; give the files that it names"
    if not says(messages, _REFUSED):
        return None
    if _NAME_OF_MANY.search(str(path)):
        return "has a name that ffmpeg takes for that of many files; rename it, without % * ? and {"
    return "is no video or image, but text or a list of others; give a video or an image"
