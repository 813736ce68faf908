"""Conversions preserve the input: sizes, rotations, and the values of kept pixels."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import EncoderSettings, RenderSettings, convert, open_source
from tests.helpers.cards import (
    AOM,
    COLORS,
    FFV1,
    FOUR,
    FRAMES,
    FULL_CHROMA,
    GRAYS,
    SVT,
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
from tests.helpers.media import (
    alpha_of,
    encode,
    ffmpeg,
    inspect,
    read_exact_bgr,
    read_planes,
    read_yuv,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.thorough
QUICK = pytest.mark.quick

TURNS: dict[str, tuple[tuple[str, ...], Callable[[NDArray[np.uint8]], NDArray[np.uint8]]]] = {
    "upright": ((), lambda picture: picture),
    "90": (("-display_rotation", "90"), lambda picture: np.rot90(picture, 1)),
    "180": (("-display_rotation", "180"), lambda picture: np.rot90(picture, 2)),
    "270": (("-display_rotation", "270"), lambda picture: np.rot90(picture, 3)),
    "mirrored": (("-display_hflip",), lambda picture: picture[:, ::-1]),
    "upside down": (("-display_vflip",), lambda picture: picture[::-1]),
    "90, mirrored": (
        ("-display_rotation", "90", "-display_hflip"),
        lambda picture: np.rot90(picture, 1)[:, ::-1],
    ),
    "270, mirrored": (
        ("-display_rotation", "270", "-display_hflip"),
        lambda picture: np.rot90(picture, 3)[:, ::-1],
    ),
}
TURNED = [name for name in TURNS if name != "upright"]
ODD_SIZES = [(95, 64), (96, 63), (95, 63)]
EVEN_CLIPS = [
    ("a.mp4", "yuv420p", X264),
    ("full.mp4", "yuvj420p", X264),
    ("hevc.mkv", "yuv420p", X265),
    ("a.webm", "yuv420p", VP9),
    ("av1.mp4", "yuv420p", SVT),
    ("a.avi", "yuv420p", "-c:v mpeg4 -q:v 1"),
    ("a.ts", "yuv420p", "-c:v mpeg2video -q:v 1"),
    ("a.mjpeg", "yuvj420p", "-c:v mjpeg -q:v 1"),
    ("ffv1.mkv", "yuv420p", FFV1),
]


def is_turnable(name: str) -> bool:
    """Whether a file of this kind can hold a display matrix."""
    return name.endswith((".mp4", ".mkv"))


class TestShape:
    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
    @pytest.mark.parametrize("name", cases(TURNS, quick=["90", "270, mirrored"]))
    def test_turned_and_mirrored(self, tmp_path: Path, name: str, suffix: str) -> None:
        options, turned = TURNS[name]
        flat = encode(
            tmp_path / f"a.{suffix}", [card()] * FRAMES, *stored_as("yuv420p"), *X264.split()
        )
        truth = turned(read_exact_bgr(flat)[-1])
        check_conversion(turn(flat, *options), tmp_path / "out.mp4", truth)

    @pytest.mark.parametrize("ratio", ["1/1", "4/3", "8/9", "64/45", "16/11", "1/2", "999/1000"])
    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
    def test_sample_aspect_ratio(self, tmp_path: Path, ratio: str, suffix: str) -> None:
        sar = f"setsar=sar={ratio}:max=1000"
        clip = encode(tmp_path / "a.mp4", [card(96, 64)] * FRAMES, "-vf", sar, *X264.split())
        assert inspect(clip).sample_aspect_ratio == Fraction(ratio)
        convert(clip, tmp_path / f"out.{suffix}", segmenter=FOUR)
        stored = inspect(tmp_path / f"out.{suffix}")
        assert (stored.width, stored.height) == (96, 64)
        # Matroska and WebM store the shown width in whole pixels.
        tolerance = 0.5 / 96 if suffix in {"mkv", "webm"} else 0
        assert abs(stored.sample_aspect_ratio - Fraction(ratio)) <= tolerance

    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
    @pytest.mark.parametrize(
        ("name", "pixel_format", "options"),
        [
            pytest.param("a.webm", "yuv420p", VP9, marks=QUICK),
            ("444.mp4", "yuv444p", X264),
            ("ffv1.mkv", "yuv420p", FFV1),
            ("10.mkv", "yuv420p10le", FFV1),
            ("422.mkv", "yuv422p", FFV1),
            ("rgb.mkv", "bgr0", FFV1),
            ("gray.mkv", "gray", FFV1),
        ],
    )
    @pytest.mark.parametrize("size", [(479, 320), (480, 319), (479, 319)])
    def test_odd_sizes(
        self,
        tmp_path: Path,
        size: tuple[int, int],
        name: str,
        pixel_format: str,
        options: str,
        suffix: str,
    ) -> None:
        colors = GRAYS if pixel_format == "gray" else COLORS
        stored = stored_as(pixel_format) if "yuv" in pixel_format else ("-pix_fmt", pixel_format)
        pictures = [card(*size, colors=colors)] * FRAMES
        clip = encode(tmp_path / name, pictures, *stored, *options.split())
        before = FULL_CHROMA if "yuv" in pixel_format else assumed(clip)
        truth = read_exact_bgr(clip, before)[-1]
        report = check_conversion(clip, tmp_path / f"out.{suffix}", truth)
        assert any("odd" in note for note in report.notes) == (suffix != "webm")

    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "lossless.mkv"])
    @pytest.mark.parametrize(
        "size", cases([(1, 1), (2, 1), (1, 2), (2, 2), (3, 5), (16, 1)], quick=[(1, 1)])
    )
    @pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p10le", "bgr0"])
    def test_tiny_sizes(
        self, tmp_path: Path, size: tuple[int, int], suffix: str, pixel_format: str
    ) -> None:
        width, height = size
        picture = np.full((height, width, 3), (192, 96, 48), np.uint8)
        options = stored_as(pixel_format) if "yuv" in pixel_format else ("-pix_fmt", pixel_format)
        codec = ("-c:v", "ffv1", "-slices", "1")
        clip = encode(tmp_path / "a.mkv", [picture] * FRAMES, *options, *codec)
        encoder = EncoderSettings(lossless="lossless" in suffix)
        report = convert(clip, tmp_path / f"out.{suffix}", encoder=encoder)
        assert np.abs(report.palette.colors[report.palette.real] - (192.0, 96, 48)).max() <= 2
        stored = inspect(tmp_path / f"out.{suffix}")
        assert (stored.width, stored.height, stored.frames) == (width, height, FRAMES)

    def test_8k(self, tmp_path: Path) -> None:
        clip = encode(
            tmp_path / "a.mp4",
            [card(7680, 4320)] * FRAMES,
            *stored_as("yuv420p", "bt709"),
            *("-c:v", "libx264", "-preset", "ultrafast"),
        )
        truth = read_exact_bgr(clip)[-1]
        check_conversion(clip, tmp_path / "out.mp4", truth)


class TestKeptPixels:
    """A masked, lossless 4:2:0 conversion keeps the source's pixels bit for bit."""

    @QUICK
    @pytest.mark.parametrize(("name", "pixel_format", "options"), EVEN_CLIPS)
    def test_bit_for_bit(self, tmp_path: Path, name: str, pixel_format: str, options: str) -> None:
        clip = self.make(tmp_path / name, (96, 64), pixel_format, options)
        self.check(clip, read_yuv(clip))

    @pytest.mark.parametrize(
        ("name", "pixel_format", "options"), [clip for clip in EVEN_CLIPS if is_turnable(clip[0])]
    )
    @pytest.mark.parametrize("turned", TURNED)
    def test_turned(
        self, tmp_path: Path, turned: str, name: str, pixel_format: str, options: str
    ) -> None:
        self.check_turned(self.make(tmp_path / name, (96, 64), pixel_format, options), turned)

    @pytest.mark.parametrize(
        ("name", "pixel_format", "options"),
        [
            ("a.webm", "yuv420p", VP9),
            ("vp8.webm", "yuv420p", "-c:v libvpx -crf 4 -b:v 2M"),
            ("av1.mp4", "yuv420p", SVT),
            ("aom.mkv", "yuv420p", AOM),
            ("a.avi", "yuv420p", "-c:v mpeg4 -q:v 1"),
            ("a.ts", "yuv420p", "-c:v mpeg2video -q:v 1"),
            ("a.mjpeg", "yuvj420p", "-c:v mjpeg -q:v 1"),
            ("raw.y4m", "yuv420p", ""),
            pytest.param("ffv1.mkv", "yuv420p", FFV1, marks=QUICK),
            ("full.mkv", "yuvj420p", FFV1),
        ],
    )
    @pytest.mark.parametrize("size", ODD_SIZES)
    def test_of_odd_size(
        self, tmp_path: Path, size: tuple[int, int], name: str, pixel_format: str, options: str
    ) -> None:
        clip = self.make(tmp_path / name, size, pixel_format, options)
        self.check(clip, read_yuv(clip))

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("vp8.webm", f"{VP8} -pix_fmt yuva420p"),
            ("a.webm", f"{VP9} -pix_fmt yuva420p"),
            ("a.mkv", f"{FFV1} -pix_fmt yuva420p"),
        ],
    )
    @pytest.mark.parametrize("size", [(96, 64), *ODD_SIZES])
    def test_with_transparency(
        self, tmp_path: Path, size: tuple[int, int], name: str, options: str
    ) -> None:
        opaque = self.make(tmp_path / "opaque.mkv", size, "yuv420p", FFV1)
        clip = tmp_path / name
        ramp = "format=yuva420p,geq=lum='lum(X,Y)':cb='cb(X,Y)':cr='cr(X,Y)':a='X*255/W'"
        ffmpeg("-i", opaque, "-vf", ramp, *options.split(), clip)
        with open_source(clip) as source:
            frames = list(source)
        opacity = alpha_of(clip)
        assert np.array_equal([frame.opacity for frame in frames], opacity)
        assert opacity[:, :, -1].min() > 200
        assert opacity[:, :, 0].max() < 50
        self.check(clip, [planes[:3] for planes in read_yuv(clip)])
        assert np.array_equal(alpha_of(tmp_path / "masked.mkv"), opacity)

    @pytest.mark.parametrize(("name", "options"), [("av1.mp4", SVT), ("ffv1.mkv", FFV1)])
    @pytest.mark.parametrize("turned", TURNED)
    @pytest.mark.parametrize("size", ODD_SIZES)
    def test_of_odd_size_turned(
        self, tmp_path: Path, size: tuple[int, int], turned: str, name: str, options: str
    ) -> None:
        self.check_turned(self.make(tmp_path / name, size, "yuv420p", options), turned)

    @staticmethod
    def make(path: Path, size: tuple[int, int], pixel_format: str, options: str) -> Path:
        rng = np.random.default_rng(0)
        noise = rng.integers(-12, 13, (FRAMES, *reversed(size), 3))
        pictures = [np.clip(card(*size) + each, 0, 255).astype(np.uint8) for each in noise]
        levels = "pc" if "yuvj" in pixel_format else "tv"
        stored = stored_as(pixel_format, "smpte170m", levels)
        return encode(path, pictures, *stored, *options.split())

    @classmethod
    def check_turned(cls, clip: Path, turned: str) -> None:
        turning, turn_picture = TURNS[turned]
        originals = [[turn_picture(plane) for plane in planes] for planes in read_yuv(clip)]
        cls.check(turn(clip, *turning), originals)

    @staticmethod
    def check(clip: Path, originals: list[list[NDArray[np.uint8]]]) -> None:
        lossless, folder = EncoderSettings(lossless=True), clip.parent
        off = [0, 2]
        for name, view in (
            ("masked.mkv", RenderSettings("masked", frozenset(off))),
            ("labels.mkv", RenderSettings("labels")),
        ):
            convert(clip, folder / name, segmenter=FOUR, rendering=view, encoder=lossless)
        masked, labels = read_yuv(folder / "masked.mkv"), read_planes(folder / "labels.mkv")
        assert len(masked) == len(labels) == len(originals)
        for original, output, numbers in zip(originals, masked, labels, strict=True):
            kept = ~np.isin(numbers, off)
            assert kept.any()
            assert not kept.all()
            height, width = kept.shape
            padded = np.pad(kept, ((0, height % 2), (0, width % 2)))
            blocks = padded.reshape((height + 1) // 2, 2, (width + 1) // 2, 2).any(axis=(1, 3))
            for mask, before, after in zip(
                (kept, blocks, blocks), original, output[:3], strict=True
            ):
                assert np.array_equal(after[mask], before[mask])
