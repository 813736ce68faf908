"""Conversions preserve the input: containers, codecs, pixel formats, colours and shapes.

Every case converts a small clip and reads the output back with PyAV. The truth for colours is
ffmpeg's own zscale conversion of the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import convert
from tests.helpers.cards import (
    AOM,
    COLORS,
    FFV1,
    FOUR,
    FRAMES,
    FULL_CHROMA,
    GRAYS,
    SVT,
    TONE_MAPPING,
    VP8,
    VP9,
    X264,
    X265,
    assumed,
    card,
    cases,
    check_conversion,
    stored_as,
    turn,
)
from tests.helpers.media import alpha_of, encode, ffmpeg, inspect, read_exact_bgr

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.thorough
QUICK = pytest.mark.quick


@dataclass(frozen=True)
class Format:
    """A container, a codec and a pixel format."""

    name: str
    options: str
    pixel_format: str = "yuv420p"
    quick: bool = False

    @property
    def colors(self) -> NDArray[np.uint8]:
        return GRAYS if "gray" in self.pixel_format else COLORS

    def make(self, folder: Path) -> Path:
        pictures = [card(colors=self.colors)] * FRAMES
        options = [] if self.name.endswith(".gif") else ["-pix_fmt", self.pixel_format]
        if "yuv" in self.pixel_format:
            levels = "pc" if "yuvj" in self.pixel_format else "tv"
            options = [*stored_as(self.pixel_format, "smpte170m", levels)]
        path = folder / self.name.replace(" ", "-")
        return encode(path, pictures, *options, *self.options.split())


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
    Format("h264 gray.mp4", X264, "gray"),
    Format("h264 rgb.mp4", "-c:v libx264rgb -crf 4", "rgb24"),
    Format("hevc.mp4", X265),
    Format("hevc.mkv", X265),
    Format("hevc.ts", X265),
    Format("hevc 10.mp4", X265, "yuv420p10le", quick=True),
    Format("hevc 12.mkv", X265, "yuv420p12le"),
    Format("hevc 422 10.mov", X265, "yuv422p10le"),
    Format("hevc 444.mkv", X265, "yuv444p"),
    Format("hevc gray.mkv", X265, "gray"),
    Format("hevc rgb.mkv", X265, "gbrp"),
    Format("vp8.webm", VP8),
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
    Format("av1 gray.mkv", AOM, "gray"),
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
    Format("ffv1 gray.mkv", FFV1, "gray", quick=True),
    Format("ffv1 gray 16.mkv", FFV1, "gray16le"),
    Format("ffv1 rgb.mkv", FFV1, "bgr0", quick=True),
    Format("ffv1 rgb 10.mkv", FFV1, "gbrp10le"),
    Format("ffv1 rgb 16.mkv", FFV1, "gbrp16le"),
    Format("ffv1 rgb alpha.mkv", FFV1, "bgra"),
    Format("ffv1 420 alpha.mkv", FFV1, "yuva420p"),
]


@pytest.mark.parametrize(
    "case",
    [pytest.param(case, id=case.name, marks=[QUICK] * case.quick) for case in FORMATS],
)
def test_every_format(case: Format, tmp_path: Path) -> None:
    clip = case.make(tmp_path)
    truth = read_exact_bgr(clip, assumed(clip))[-1]
    # The truth itself is the encoded picture, as far as the codec preserves it.
    assert np.abs(truth.astype(int) - card(colors=case.colors))[8:-8:16, 8:-8:16].mean() < 40
    report = check_conversion(clip, tmp_path / "out.mp4", truth)
    assert not report.warnings
    assert not report.notes
    stored = inspect(tmp_path / "out.mp4")
    assert (stored.codec, stored.pixel_format.replace("j", "")) == ("h264", "yuv420p")
    assert stored.rate == 25


class TestImageSequences:
    """Sequences of every kind of image, given as a folder and by a name pattern."""

    @pytest.mark.parametrize("suffix", cases(["png", "jpg", "webp", "tif", "bmp"], quick=["png"]))
    @pytest.mark.parametrize("name", ["frame_%04d", ""])
    def test_as_a_video(self, tmp_path: Path, name: str, suffix: str) -> None:
        folder = tmp_path / "images"
        folder.mkdir()
        for number in range(FRAMES):
            Image.fromarray(card()[..., ::-1]).save(folder / f"frame_{number:04}.{suffix}")
        with Image.open(folder / f"frame_0000.{suffix}") as image:
            truth = np.asarray(image.convert("RGB"))[..., ::-1]
        source = folder / f"{name}.{suffix}" if name else folder
        report = check_conversion(source, tmp_path / "out.mp4", truth)
        assert not report.notes
        assert inspect(tmp_path / "out.mp4").rate == 25


class TestAlpha:
    """Opacity grows from left to right, and is kept if the output takes it."""

    @pytest.mark.parametrize("suffix", ["webm", "mov", "mkv"])
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            pytest.param("vp8.webm", f"{VP8} -pix_fmt yuva420p", marks=QUICK),
            ("a.webm", f"{VP9} -pix_fmt yuva420p"),
            ("a.mp4", f"{X265} -pix_fmt yuva420p"),
            ("a.mov", "-c:v prores_ks -pix_fmt yuva444p10le"),
            ("rle.mov", "-c:v qtrle -pix_fmt argb"),
            ("a.mkv", f"{FFV1} -pix_fmt yuva420p"),
        ],
    )
    def test_it_is_kept(self, tmp_path: Path, name: str, options: str, suffix: str) -> None:
        ramp = "format=rgba,geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='X*255/W'"
        clip = encode(tmp_path / name, [card(240, 160)] * FRAMES, "-vf", ramp, *options.split())
        report = convert(clip, tmp_path / f"out.{suffix}", segmenter=FOUR)
        assert not report.notes
        opacity = alpha_of(tmp_path / f"out.{suffix}")
        assert opacity.shape == (FRAMES, 160, 240)
        assert np.abs(opacity.astype(int) - np.arange(240) * 255 / 240)[:, 8:-8, 8:-8].max() <= 6


# ffmpeg's numbers of colour space, primaries and transfer.
TAGS = {"bt709": (1, 1, 1), "smpte170m": (6, 6, 6), "bt470bg": (5, 5, 5), "bt2020nc": (9, 9, 14)}


class TestColors:
    @pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p10le"])
    @pytest.mark.parametrize("levels", ["tv", "pc"])
    @pytest.mark.parametrize("matrix", cases(TAGS, quick=["bt709"]))
    def test_tagged(self, tmp_path: Path, matrix: str, levels: str, pixel_format: str) -> None:
        options = stored_as(pixel_format, matrix, levels)
        clip = encode(tmp_path / "a.mp4", [card()] * FRAMES, *options, *X264.split())
        report = check_conversion(clip, tmp_path / "out.mp4", read_exact_bgr(clip)[-1])
        assert not report.notes
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.color_space, stored.primaries, stored.transfer) == TAGS[matrix]
        assert stored.color_range == {"tv": 1, "pc": 2}[levels]

    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
    def test_tags_in_every_container(self, tmp_path: Path, suffix: str) -> None:
        options = stored_as("yuv420p", "smpte170m", "pc")
        clip = encode(tmp_path / "a.mkv", [card()] * FRAMES, *options, *X264.split())
        convert(clip, tmp_path / f"out.{suffix}", segmenter=FOUR)
        stored = inspect(tmp_path / f"out.{suffix}")
        assert (stored.color_space, stored.primaries, stored.transfer) == (6, 6, 6)
        assert stored.color_range == 2

    @pytest.mark.parametrize(
        ("size", "matrix"),
        [
            ("320x240", "smpte170m"),
            ("720x480", "smpte170m"),
            ("720x576", "bt470bg"),
            ("1024x576", "bt470bg"),
            ("1280x544", "bt709"),
            ("960x720", "bt709"),
            ("480x640", "bt709"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("turned", [False, True])
    def test_untagged_goes_by_size(
        self, tmp_path: Path, size: str, matrix: str, turned: bool
    ) -> None:
        width, height = map(int, size.split("x"))
        conversion = f"scale=out_color_matrix={matrix},format=yuv420p,setparams=colorspace=unknown"
        options = ("-vf", conversion + ":color_trc=unknown:color_primaries=unknown")
        clip = encode(tmp_path / "a.mp4", [card(width, height)] * FRAMES, *options, *X264.split())
        truth = read_exact_bgr(clip, f"setparams=colorspace={matrix}:range=tv")[-1]
        if turned:
            clip = turn(clip, "-display_rotation", "90")
            truth = np.rot90(truth)
        check_conversion(clip, tmp_path / "out.mp4", truth)
        stored = inspect(tmp_path / "out.mp4")
        assert {stored.color_space, stored.primaries} == {TAGS[matrix][0]}

    def test_gray_of_limited_range(self, tmp_path: Path) -> None:
        options = ["-vf", "scale=out_range=tv,format=gray,setparams=range=tv", "-c:v", "ffv1"]
        clip = encode(tmp_path / "a.mkv", [card(colors=GRAYS)] * FRAMES, *options)
        check_conversion(clip, tmp_path / "out.mp4", card(colors=GRAYS))


PQ, HLG = "smpte2084", "arib-std-b67"
MASTERING = (
    ":max-cll=1000,400:master-display="
    "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
)


class TestHdr:
    """The truth is the usual ffmpeg recipe with zscale and tonemap."""

    @staticmethod
    def make(path: Path, transfer: str, pixel_format: str, *options: str) -> Path:
        # Levels of ordinary SDR colours in PQ, where SDR white is near 0.58.
        picture = (card() * 0.62).astype(np.uint8)
        stored = [
            part.replace("bt2020-10", transfer) for part in stored_as(pixel_format, "bt2020nc")
        ]
        return encode(path, [picture] * FRAMES, *stored, *options)

    @pytest.mark.parametrize(
        ("name", "pixel_format", "options"),
        [
            pytest.param("a.mp4", "yuv420p10le", X265, marks=QUICK),
            ("mastered.mp4", "yuv420p10le", X265 + MASTERING),
            ("a.mkv", "yuv422p10le", X265),
            ("444.mkv", "yuv444p12le", X265),
            ("a.ts", "yuv420p10le", X265),
            ("a.webm", "yuv420p10le", VP9),
            ("av1.mp4", "yuv420p10le", SVT),
            ("8.mp4", "yuv420p", X264),
            ("a.mov", "yuv422p10le", "-c:v prores_ks"),
        ],
    )
    @pytest.mark.parametrize("transfer", [PQ, HLG])
    def test_tone_mapped(
        self, tmp_path: Path, transfer: str, name: str, pixel_format: str, options: str
    ) -> None:
        clip = self.make(tmp_path / name, transfer, pixel_format, *options.split())
        truth = read_exact_bgr(clip, conversion=TONE_MAPPING)[-1]
        assert len(np.unique(truth[80:320:160, 120:480:240].reshape(-1, 3), axis=0)) == 4
        report = check_conversion(clip, tmp_path / "out.mp4", truth)
        kind = {PQ: "PQ", HLG: "HLG"}[transfer]
        assert report.notes == (f"HDR ({kind}) tone-mapped to SDR",)
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.color_space, stored.primaries, stored.transfer) == (1, 1, 1)
        assert (stored.color_range, stored.pixel_format) == (1, "yuv420p")

    def test_of_odd_size(self, tmp_path: Path) -> None:
        clip = self.make(tmp_path / "a.mkv", PQ, "yuv420p10le", "-c:v", "ffv1", "-s", "479x319")
        truth = read_exact_bgr(clip, FULL_CHROMA, TONE_MAPPING)[-1]
        check_conversion(clip, tmp_path / "out.webm", truth)

    def test_without_other_tags(self, tmp_path: Path) -> None:
        tagged = self.make(tmp_path / "a.mp4", PQ, "yuv420p10le", *X265.split())
        bare = tmp_path / "bare.mp4"
        tags = "hevc_metadata=colour_primaries=2:matrix_coefficients=2"
        ffmpeg("-i", tagged, "-c", "copy", "-bsf:v", tags, "-movflags", "-write_colr", bare)
        assert (inspect(bare).color_space, inspect(bare).primaries) == (2, 2)
        truth = read_exact_bgr(tagged, conversion=TONE_MAPPING)[-1]
        check_conversion(bare, tmp_path / "out.mp4", truth)
