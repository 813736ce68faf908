"""What goes in comes out right: containers, codecs, pixel formats, colours and shapes.

Every case converts a small clip and reads the output back with PyAV. The truth for colours is
ffmpeg's own zscale conversion of the input.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from kseg_video import SegmenterSettings, convert
from tests.media import encode, inspect, read_exact_bgr

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.pipeline import Report

pytestmark = pytest.mark.thorough
QUICK = pytest.mark.quick

FRAMES = 4
COLORS = np.array([(40, 60, 180), (87, 139, 46), (192, 96, 48), (160, 208, 216)], np.uint8)
GRAYS = np.array([(30,) * 3, (90,) * 3, (150,) * 3, (220,) * 3], np.uint8)
FOUR = SegmenterSettings(n_clusters=4)
TAG_NUMBERS = {"bt709": 1, "bt470bg": 5, "smpte170m": 6, "bt2020nc": 9, "bt2020": 9}
TAG_NUMBERS |= {"bt2020-10": 14, "tv": 1, "pc": 2}
# zscale knows no 4:2:0 of odd size.
FULL_CHROMA = "scale=flags=accurate_rnd+full_chroma_int+full_chroma_inp,format=yuv444p"


def card(
    width: int = 480, height: int = 320, colors: NDArray[np.uint8] = COLORS
) -> NDArray[np.uint8]:
    """Four flat quarters, in which every turn and mirroring shows; (H, W, 3) in BGR order."""
    labels = np.zeros((height, width), int)
    labels[height // 4 * 2 :] += 2
    labels[:, width // 4 * 2 :] += 1
    return colors[labels]


def stored_as(pixel_format: str, matrix: str = "smpte170m", levels: str = "tv") -> tuple[str, ...]:
    """Options that store RGB pictures as YUV, converted and tagged alike."""
    primaries, transfer = {"bt2020nc": ("bt2020", "bt2020-10")}.get(matrix, (matrix, matrix))
    tags = f"colorspace={matrix}:color_primaries={primaries}:range={levels}"
    transfer = transfer.replace("bt470bg", "gamma28")
    conversion = f"scale=out_color_matrix={matrix}:out_range={levels}:flags=accurate_rnd"
    return ("-vf", f"{conversion},format={pixel_format},setparams={tags}:color_trc={transfer}")


def check_conversion(clip: Path, output: Path, truth: NDArray[np.uint8]) -> Report:
    """Convert, and hold size, number of frames, palette and picture against the truth (H, W, 3)."""
    report = convert(clip, output, segmenter=FOUR)
    height, width = truth.shape[:2]
    stored = inspect(output)
    assert (stored.width, stored.height) == (width, height)
    assert stored.frames == report.frames == FRAMES
    check_picture(report, output, truth)
    return report


def check_picture(report: Report, output: Path, truth: NDArray[np.uint8]) -> None:
    """Palette and picture of flat regions, away from borders, where 4:2:0 mixes chroma."""
    palette = report.palette.colors.astype(int)
    distances = ((truth[..., np.newaxis, :].astype(int) - palette) ** 2).sum(axis=-1)
    labels = distances.argmin(axis=-1).astype(np.uint8)
    near = np.ones((9, 9))
    inner = cv2.erode(labels, near) == cv2.dilate(labels, near)
    assert inner.mean() > 0.8
    for number, color in enumerate(palette):
        true_color = np.median(truth[inner & (labels == number)], axis=0)
        assert np.abs(color - true_color).max() <= 1, f"{number} is {color}, not {true_color}"
    before = "null" if labels.shape[0] % 2 == labels.shape[1] % 2 == 0 else FULL_CHROMA
    shown = read_exact_bgr(output, before)[-1].astype(int)
    assert np.abs(shown - palette[labels])[inner].max() <= 4


@dataclass(frozen=True)
class Format:
    """A container, a codec and a pixel format."""

    name: str
    options: str
    pixel_format: str = "yuv420p"
    quick: bool = False
    colors: NDArray[np.uint8] = field(default_factory=lambda: COLORS)

    def make(self, folder: Path) -> Path:
        pictures = [card(colors=self.colors)] * FRAMES
        options = [] if self.name.endswith(".gif") else ["-pix_fmt", self.pixel_format]
        if "yuv" in self.pixel_format:
            levels = "pc" if "yuvj" in self.pixel_format else "tv"
            options = [*stored_as(self.pixel_format, "smpte170m", levels)]
        return encode(
            folder / self.name.replace(" ", "-"), pictures, *options, *self.options.split()
        )


X264 = "-c:v libx264 -crf 4"
X265 = "-c:v libx265 -crf 4 -x265-params log-level=0"
VP9 = "-c:v libvpx-vp9 -crf 4 -b:v 0 -deadline realtime -cpu-used 8"
SVT = "-c:v libsvtav1 -crf 4 -preset 12 -svtav1-params lossless=0"
AOM = "-c:v libaom-av1 -crf 4 -cpu-used 8 -usage realtime"
FFV1 = "-c:v ffv1"

FORMATS = [
    Format("h264.mp4", X264, quick=True),
    Format("h264.mov", X264),
    Format("h264.m4v", X264),
    Format("h264.mkv", X264),
    Format("h264.ts", X264, quick=True),
    Format("h264.avi", X264 + " -bf 0"),
    Format("h264.flv", X264),
    Format("h264.h264", X264),
    Format("h264 full.mp4", X264, "yuvj420p", quick=True),
    Format("h264 422.mp4", X264, "yuv422p"),
    Format("h264 444.mp4", X264, "yuv444p"),
    Format("h264 10.mp4", X264, "yuv420p10le"),
    Format("h264 422 10.mov", X264, "yuv422p10le", quick=True),
    Format("h264 444 10.mkv", X264, "yuv444p10le"),
    Format("h264 gray.mp4", X264, "gray", colors=GRAYS),
    Format("h264 rgb.mp4", "-c:v libx264rgb -crf 4", "rgb24"),
    Format("hevc.mp4", X265),
    Format("hevc.mkv", X265),
    Format("hevc.ts", X265),
    Format("hevc 10.mp4", X265, "yuv420p10le", quick=True),
    Format("hevc 12.mkv", X265, "yuv420p12le"),
    Format("hevc 422 10.mov", X265, "yuv422p10le"),
    Format("hevc 444.mkv", X265, "yuv444p"),
    Format("hevc gray.mkv", X265, "gray", colors=GRAYS),
    Format("hevc rgb.mkv", X265, "gbrp"),
    Format("vp8.webm", "-c:v libvpx -crf 4 -b:v 2M"),
    Format("vp9.webm", VP9, quick=True),
    Format("vp9.mp4", VP9),
    Format("vp9 10.webm", VP9, "yuv420p10le"),
    Format("vp9 422.webm", VP9, "yuv422p"),
    Format("vp9 444.webm", VP9, "yuv444p"),
    Format("vp9 alpha.webm", VP9, "yuva420p"),
    Format("av1.mp4", SVT, quick=True),
    Format("av1.webm", AOM),
    Format("av1 10.mkv", SVT, "yuv420p10le"),
    Format("av1 444.mkv", AOM, "yuv444p"),
    Format("av1 gray.mkv", AOM, "gray", colors=GRAYS),
    Format("mpeg4.avi", "-c:v mpeg4 -q:v 1", quick=True),
    Format("mpeg4.mp4", "-c:v mpeg4 -q:v 1"),
    Format("mpeg2.ts", "-c:v mpeg2video -q:v 1"),
    Format("mpeg2.mpg", "-c:v mpeg2video -q:v 1"),
    Format("wmv2.wmv", "-c:v wmv2 -q:v 1"),
    Format("theora.ogv", "-c:v libtheora -q:v 10 -g 1"),
    Format("prores 422.mov", "-c:v prores_ks", "yuv422p10le", quick=True),
    Format("prores 444.mov", "-c:v prores_ks", "yuv444p10le"),
    Format("prores alpha.mov", "-c:v prores_ks", "yuva444p10le", quick=True),
    Format("qtrle alpha.mov", "-c:v qtrle", "argb"),
    Format("png alpha.mov", "-c:v png", "rgba"),
    Format("mjpeg.mjpeg", "-c:v mjpeg -q:v 1", "yuvj420p", quick=True),
    Format("mjpeg 422.avi", "-c:v mjpeg -q:v 1", "yuvj422p"),
    Format("mjpeg 444.mov", "-c:v mjpeg -q:v 1", "yuvj444p"),
    Format(
        "animation.gif",
        "-vf split[a][b];[a]palettegen[p];[b][p]paletteuse=dither=none",
        "bgra",
        quick=True,
    ),
    Format("raw.avi", "-c:v rawvideo", "bgr24"),
    Format("raw uyvy.avi", "-c:v rawvideo", "uyvy422"),
    Format("raw v210.mov", "-c:v v210", "yuv422p10le"),
    Format("raw.y4m", "", "yuv420p"),
    Format("huffyuv.avi", "-c:v huffyuv", "yuv422p"),
    Format("ffv1.mkv", FFV1, quick=True),
    Format("ffv1.avi", FFV1),
    Format("ffv1 full.mkv", FFV1, "yuvj420p"),
    Format("ffv1 410.mkv", FFV1, "yuv410p"),
    Format("ffv1 411.mkv", FFV1, "yuv411p"),
    Format("ffv1 422.mkv", FFV1, "yuv422p"),
    Format("ffv1 444.mkv", FFV1, "yuv444p", quick=True),
    Format("ffv1 420 10.mkv", FFV1, "yuv420p10le"),
    Format("ffv1 422 10.mkv", FFV1, "yuv422p10le"),
    Format("ffv1 444 16.mkv", FFV1, "yuv444p16le"),
    Format("ffv1 gray.mkv", FFV1, "gray", quick=True, colors=GRAYS),
    Format("ffv1 gray 16.mkv", FFV1, "gray16le", colors=GRAYS),
    Format("ffv1 rgb.mkv", FFV1, "bgr0", quick=True),
    Format("ffv1 rgb 10.mkv", FFV1, "gbrp10le"),
    Format("ffv1 rgb 16.mkv", FFV1, "gbrp16le"),
    Format("ffv1 rgb alpha.mkv", FFV1, "bgra"),
    Format("ffv1 420 alpha.mkv", FFV1, "yuva420p"),
]


def assumed(clip: Path) -> str:
    """What an untagged clip of SD size is taken for, as a filter."""
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


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[QUICK] * case.quick) for case in FORMATS],
)
def test_every_format(case: Format, tmp_path: Path) -> None:
    clip = case.make(tmp_path)
    truth = read_exact_bgr(clip, assumed(clip))[-1]
    # The truth itself is the picture that was put in, as far as the codec kept it.
    assert np.abs(truth.astype(int) - card(colors=case.colors))[8:-8:16, 8:-8:16].mean() < 40
    report = check_conversion(clip, tmp_path / "out.mp4", truth)
    assert not report.warnings
    assert not report.notes
    stored = inspect(tmp_path / "out.mp4")
    assert (stored.codec, stored.pixel_format.replace("j", "")) == ("h264", "yuv420p")
    assert stored.rate == 25
