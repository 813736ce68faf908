"""A test card of flat colours: stored in many formats, converted, and compared with the truth."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from kseg_video import SegmenterSettings, convert
from tests.helpers.media import ffmpeg, inspect, read_exact_bgr

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.conversion.report import ConversionReport

FRAMES = 4
COLORS = np.array([(40, 60, 180), (87, 139, 46), (192, 96, 48), (160, 208, 216)], np.uint8)
GRAYS = np.array([(30,) * 3, (90,) * 3, (150,) * 3, (220,) * 3], np.uint8)
FOUR = SegmenterSettings(n_clusters=4)
# zscale does not support 4:2:0 of odd size.
FULL_CHROMA = "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp,format=yuv444p16le"
# From HDR to SDR: the usual ffmpeg recipe with zscale and tonemap.
TONE_MAPPING = (
    "zscale=t=linear:npl=100,format=gbrpf32le,zscale=p=bt709,tonemap=hable:desat=0,"
    "zscale=t=bt709:m=gbr:r=full"
)

X264 = "-c:v libx264 -crf 4"
X265 = "-c:v libx265 -crf 4 -x265-params log-level=0"
VP8 = "-c:v libvpx -crf 4 -b:v 2M -auto-alt-ref 0"
VP9 = "-c:v libvpx-vp9 -crf 4 -b:v 0 -deadline realtime -cpu-used 8"
SVT = "-c:v libsvtav1 -crf 4 -preset 12 -svtav1-params lossless=0"
AOM = "-c:v libaom-av1 -crf 4 -cpu-used 8 -usage realtime"
FFV1 = "-c:v ffv1"


def cases(values: Iterable[Any], quick: Iterable[Any]) -> list[Any]:
    """Parameters of a test; those that every run includes are marked."""
    always = list(quick)
    return [pytest.param(value, marks=[pytest.mark.quick] * (value in always)) for value in values]


def combinations(*axes: Iterable[Any], quick: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Parameters of a test in all combinations; those that every run includes are marked."""
    always = list(quick)
    return [
        pytest.param(*values, marks=[pytest.mark.quick] * (values in always))
        for values in product(*axes)
    ]


def card(
    width: int = 480, height: int = 320, colors: NDArray[np.uint8] = COLORS
) -> NDArray[np.uint8]:
    """Four flat quarters that reveal every rotation and mirroring; (H, W, 3) in BGR order."""
    labels = np.zeros((height, width), int)
    labels[height // 4 * 2 :] += 2
    labels[:, width // 4 * 2 :] += 1
    return colors[labels]


def stored_as(pixel_format: str, matrix: str = "smpte170m", levels: str = "tv") -> tuple[str, ...]:
    """Options that store RGB pictures as YUV, converted and tagged with the same matrix."""
    primaries, transfer = {"bt2020nc": ("bt2020", "bt2020-10")}.get(matrix, (matrix, matrix))
    tags = f"colorspace={matrix}:color_primaries={primaries}:range={levels}"
    conversion = f"scale=out_color_matrix={matrix}:out_range={levels}:flags=accurate_rnd"
    filters = f"{conversion},format={pixel_format},setparams={tags}:color_trc={transfer}"
    return ("-vf", filters, "-color_range", levels)


def assumed(clip: Path) -> str:
    """A filter that sets the tags that the program assumes for an untagged clip of SD size."""
    stored = inspect(clip)
    if "gray" in stored.pixel_format:
        return "format=gray,setparams=colorspace=bt709:range=pc"
    yuv = stored.pixel_format.startswith(("yuv", "uyvy"))
    parts = []
    if yuv and stored.color_space == 2:
        parts.append("colorspace=smpte170m")
    if yuv and stored.color_range == 0:
        parts.append("range=tv")
    return f"setparams={':'.join(parts)}" if parts else "null"


def turn(clip: Path, *options: str) -> Path:
    """The clip with a display matrix."""
    turned = clip.with_stem("turned")
    ffmpeg(*options, "-i", clip, "-c", "copy", turned)
    return turned


def check_conversion(clip: Path, output: Path, truth: NDArray[np.uint8]) -> ConversionReport:
    """Convert, and compare size, number of frames, palette and picture with the truth (H, W, 3)."""
    report = convert(clip, output, segmenter=FOUR)
    height, width = truth.shape[:2]
    stored = inspect(output)
    assert (stored.width, stored.height) == (width, height)
    assert stored.frames == report.frames == FRAMES
    check_picture(report, output, truth)
    return report


def check_picture(report: ConversionReport, output: Path, truth: NDArray[np.uint8]) -> None:
    """Check palette and picture in flat regions, away from borders, which 4:2:0 and encoders blur.

    Around some borders VP9 leaves ripples of a few levels, within a block of 32 pixels.
    """
    palette = report.palette.colors.astype(int)
    distances = ((truth[..., np.newaxis, :].astype(int) - palette) ** 2).sum(axis=-1)
    labels = distances.argmin(axis=-1).astype(np.uint8)
    near = np.ones((19, 19))
    inner = cv2.erode(labels, near) == cv2.dilate(labels, near)
    assert inner.mean() > 0.8
    before = "null" if labels.shape[0] % 2 == labels.shape[1] % 2 == 0 else FULL_CHROMA
    shown = read_exact_bgr(output, before)[-1].astype(int)
    for number, color in enumerate(palette):
        region = inner & (labels == number)
        true_color, shown_color = (np.median(each[region], axis=0) for each in (truth, shown))
        assert np.abs(color - true_color).max() <= 1, f"{number} is {color}, not {true_color}"
        assert np.abs(shown_color - color).max() <= 2, f"{number} is {shown_color}, not {color}"
    wrong = np.abs(shown - palette[labels]).max(axis=-1) * inner
    assert wrong.max() <= 6, f"wrong by {wrong.max()} at {np.argwhere(wrong > 6)[0]}"
