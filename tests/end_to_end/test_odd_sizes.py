"""Planar pictures of odd width or height, whose last column or row has its own chroma."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    EncoderSettings,
    Frame,
    RenderSettings,
    Segmentation,
    Segmenter,
    SegmenterSettings,
    VideoInfo,
    convert,
    open_sink,
    open_source,
    render,
)
from kseg_video.ffmpeg.process import environment, executable
from kseg_video.segmentation.pixel_sampling import PixelSample
from tests.helpers.media import encode, inspect, read_exact_bgr, read_yuv
from tests.helpers.pictures import as_i420, photo_like

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import PixelLayout

SIZES = pytest.mark.parametrize("size", [(33, 24), (32, 25), (33, 25), (1, 1), (1, 6), (7, 1)])
FOUR = SegmenterSettings(n_clusters=4)


def pair(size: tuple[int, int]) -> tuple[Frame, Frame]:
    """A planar frame of odd size, and the even one that repeats its last column and row."""
    width, height = size
    picture = photo_like(5, size=(height, width))
    even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), "edge")
    return as_i420(picture), as_i420(even)


def segmented(odd: Frame, even: Frame) -> tuple[Segmentation, Segmentation]:
    """The same segmentation of both."""
    result = Segmenter(FOUR).segment(odd)
    padding = ((0, even.height - odd.height), (0, even.width - odd.width))
    return result, replace(result, labels=np.pad(result.labels, padding, "edge"))


@SIZES
def test_its_colors_are_those_of_the_even_one(size: tuple[int, int]) -> None:
    odd, even = pair(size)
    assert (odd.width, odd.height) == size
    assert odd.bgr.shape == (size[1], size[0], 3)
    assert np.array_equal(odd.bgr, even.bgr[: size[1], : size[0]])


@SIZES
def test_a_sample_has_the_components_of_the_frame(size: tuple[int, int]) -> None:
    odd, _ = pair(size)
    first, others = odd.components()
    sample = PixelSample.of_frame(odd, None)
    assert np.array_equal(sample.components[:, 0], first.ravel())
    assert np.abs(sample.components[:, 1:].astype(int) - others.reshape(-1, 2)).max() <= 1


@SIZES
@pytest.mark.parametrize(
    "settings",
    [
        RenderSettings("original"),
        RenderSettings("segmented"),
        RenderSettings("segmented", frozenset({1}), "white"),
        RenderSettings("masked", frozenset({0, 2})),
        RenderSettings("masked", frozenset({0, 2}), "green", feather=2, despeckle=0),
        RenderSettings("masked", frozenset({0, 2}), "gray", feather=0, despeckle=0),
        RenderSettings("masked", frozenset({0, 2}), "transparent", feather=0, despeckle=0),
        RenderSettings("boundaries"),
    ],
    ids=lambda settings: f"{settings.view} {settings.background} {settings.feather}",
)
def test_it_is_painted_as_the_even_one(size: tuple[int, int], settings: RenderSettings) -> None:
    odd, even = pair(size)
    of_odd, of_even = segmented(odd, even)
    painted, wanted = render(odd, of_odd, settings), render(even, of_even, settings)
    assert (painted.width, painted.height, painted.layout) == (*size, "i420")
    luma, *chroma = wanted.planes
    planes = (luma[: size[1], : size[0]], *chroma)
    for number, (plane, other) in enumerate(zip(painted.planes, planes, strict=True)):
        difference = cv2.absdiff(plane, other)
        # The box mean that softens an edge stops at the border of the picture.
        inner = difference[:-4, :-4] if settings.feather else difference
        assert not inner.any(), f"plane {number}"


@SIZES
@pytest.mark.parametrize("background", ["blur", "pixelate:4"])
def test_backgrounds_made_of_it_look_like_it(size: tuple[int, int], background: str) -> None:
    flat = as_i420(np.full((size[1], size[0], 3), (60, 120, 200), np.uint8))
    segmentation = Segmenter(FOUR).segment(flat)
    off = frozenset(set(range(4)) - {int(segmentation.labels[0, 0])})
    for disabled in (off, frozenset(range(4))):
        painted = render(flat, segmentation, RenderSettings("masked", disabled, background))
        for after, before in zip(painted.planes, flat.planes, strict=True):
            assert np.abs(after.astype(int) - before).max() <= 1


@SIZES
def test_side_by_side_each_keeps_its_colors(size: tuple[int, int]) -> None:
    odd, _ = pair(size)
    segmentation = Segmenter(FOUR).segment(odd)
    painted = render(odd, segmentation, RenderSettings("side-by-side"))
    width, height = size
    assert (painted.width, painted.height) == (2 * width, height)
    if width % 2:
        assert np.array_equal(painted.bgr[:, :width], odd.bgr)
        colors = segmentation.palette.colors[segmentation.labels]
        assert np.array_equal(painted.bgr[:, width:], colors)
    else:
        for plane, source in zip(painted.planes, odd.planes, strict=True):
            assert np.array_equal(plane[:, : source.shape[1]], source)


class TestConversions:
    """Conversions of a clip with a flat left and a flat right half."""

    SIZE = (63, 47)

    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        width, height = self.SIZE
        picture = np.full((height, width, 3), (40, 60, 180), np.uint8)
        picture[:, width // 2 :] = (192, 96, 48)
        tags = "scale=out_color_matrix=bt709:flags=accurate_rnd,setparams=colorspace=bt709:range=tv"
        codec = ("-pix_fmt", "yuv420p", "-c:v", "ffv1", "-slices", "1")
        return encode(tmp_path / "clip.mkv", [picture] * 3, "-vf", tags, *codec)

    def test_frames_are_the_decoder_s_own(self, clip: Path) -> None:
        with open_source(clip) as source:
            frames = list(source)
        for frame, stored in zip(frames, read_yuv(clip), strict=True):
            assert (frame.width, frame.height) == self.SIZE
            for ours, theirs in zip(frame.planes, stored, strict=True):
                assert np.array_equal(ours, theirs)

    @pytest.mark.parametrize("view", ["segmented", "masked", "original", "boundaries"])
    @pytest.mark.parametrize(
        ("name", "encoder"),
        [
            ("out.mp4", EncoderSettings()),
            ("out.webm", EncoderSettings()),
            ("out.mov", EncoderSettings(codec="prores")),
            ("out.mkv", EncoderSettings(lossless=True)),
            ("out.png", EncoderSettings()),
            ("out.gif", EncoderSettings()),
        ],
    )
    def test_every_view(
        self, clip: Path, tmp_path: Path, view: str, name: str, encoder: EncoderSettings
    ) -> None:
        two = SegmenterSettings(n_clusters=2)
        numbered = tmp_path / ("out-%d.png" if name == "out.png" else name)
        rendering = RenderSettings(view)  # type: ignore[arg-type]
        convert(clip, numbered, segmenter=two, rendering=rendering, encoder=encoder)
        output = tmp_path / ("out-2.png" if name == "out.png" else name)
        if output.suffix in {".png", ".gif"}:
            with Image.open(output) as image:
                picture = np.asarray(image.convert("RGB"))[..., ::-1]
        else:
            picture = read_exact_bgr(output, "scale=flags=accurate_rnd,format=yuv444p16le|gbrp")[-1]
        width, height = self.SIZE
        assert picture.shape == (height, width, 3)
        for column, color in ((2, (40, 60, 180)), (width - 1, (192, 96, 48))):
            assert np.abs(picture[:, column].astype(int) - color).max() <= 6

    @pytest.mark.parametrize(
        ("name", "encoder"),
        [
            ("out.webm", EncoderSettings()),
            ("out.mov", EncoderSettings()),
            ("out.mkv", EncoderSettings(lossless=True)),
        ],
    )
    def test_on_nothing(
        self, clip: Path, tmp_path: Path, name: str, encoder: EncoderSettings
    ) -> None:
        two = SegmenterSettings(n_clusters=2)
        keyed = RenderSettings("masked", frozenset({0}), "transparent")
        convert(clip, tmp_path / name, segmenter=two, rendering=keyed, encoder=encoder)
        stored = inspect(tmp_path / name)
        assert (stored.width, stored.height, stored.frames) == (*self.SIZE, 3)

    @pytest.mark.parametrize("name", ["behind.png", "behind.mkv"])
    def test_before_another_picture(self, clip: Path, tmp_path: Path, name: str) -> None:
        behind = np.full((30, 40, 3), (20, 200, 40), np.uint8)
        if name == "behind.png":
            Image.fromarray(np.ascontiguousarray(behind[..., ::-1])).save(tmp_path / name)
        else:
            encode(tmp_path / name, [behind] * 2, "-c:v", "ffv1", "-slices", "1")
        view = RenderSettings("masked", frozenset({1}), tmp_path / name, feather=0, despeckle=0)
        output, two = tmp_path / "out.mkv", SegmenterSettings(n_clusters=2)
        convert(clip, output, segmenter=two, rendering=view, encoder=EncoderSettings(lossless=True))
        source, (*_, painted) = read_yuv(clip)[0], read_yuv(output)
        assert [plane.shape for plane in painted] == [plane.shape for plane in source]
        for before, after in zip(source, painted, strict=True):
            assert np.array_equal(after[:, -8:], before[:, -8:])
        picture = read_exact_bgr(output, "scale=flags=accurate_rnd,format=yuv444p16le")[-1]
        assert np.abs(picture[:, :24].astype(int) - (20, 200, 40)).max() <= 3


# FFV1 cuts pictures into slices; not every number of slices suits every size and subsampling.
LOSSLESS_SIZES = [
    *("1x1", "1x2", "2x1", "4x7", "4x19", "15x15", "16x16", "17x31", "19x33", "31x32", "33x32"),
    *("1x400", "2x400", "3x400", "8x400", "19x401", "400x1", "400x3", "400x8", "401x31"),
    *("351x287", "352x288", "353x288", "353x289", "641x361", "32x2001", "2001x33", "1x5000"),
    *(pytest.param(size, marks=pytest.mark.thorough) for size in ("1919x1079", "7681x4321")),
]


@pytest.mark.parametrize("size", LOSSLESS_SIZES)
@pytest.mark.parametrize(
    ("layout", "alpha", "pixel_format"),
    [
        ("i420", False, "yuv420p"),
        ("i420", True, "yuva420p"),
        ("bgr24", False, "bgr24"),
        ("bgr24", True, "bgra"),
        ("gray8", False, "gray"),
    ],
)
def test_lossless_comes_back_exactly(
    tmp_path: Path, size: str, layout: PixelLayout, alpha: bool, pixel_format: str
) -> None:
    width, height = map(int, size.split("x"))
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 4)).astype(np.uint8)
    opacity = noise[..., 3].copy() if alpha else None
    if layout == "i420":
        frame = replace(as_i420(noise[..., :3]), alpha=opacity)
        stored = b"".join(plane.tobytes() for plane in frame.planes)
        stored += b"" if opacity is None else opacity.tobytes()
    else:
        pixels = noise[..., 0] if layout == "gray8" else noise[..., :3]
        frame = Frame(np.ascontiguousarray(pixels), layout, alpha=opacity)
        stored = (frame.bgra if alpha else frame.pixels).tobytes()
    info = VideoInfo(width, height, Fraction(25), layout, frame.encoding, has_alpha=alpha)
    with open_sink(tmp_path / "out.mkv", info, EncoderSettings(lossless=True)) as sink:
        sink.write(frame)
        sink.write(frame)
    command = [executable(), "-v", "error", "-i", str(tmp_path / "out.mkv")]
    command += ["-pix_fmt", pixel_format, "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, env=environment())
    assert (raw.stdout == 2 * stored, raw.stderr) == (True, b"")
