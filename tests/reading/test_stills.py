"""Stills of all pixel formats have the colours and the opacity that they are meant to have."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from kseg_video import SourceError, open_source
from tests.helpers.pictures import photo_like
from tests.helpers.stills import png, tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from tests.helpers.stills import Levels

_RANDOM = np.random.default_rng(0)
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}


def read(path: Path) -> Frame:
    with open_source(path) as source:
        (frame,) = source
    return frame


def rgb(frame: Frame) -> NDArray[np.int64]:
    return frame.bgr[..., ::-1].astype(np.int64)


def random_levels(depth: int, channels: int, low: int = 0) -> Levels:
    return _RANDOM.integers(low, 2**depth, (9, 11, channels))


def in_8_bit(levels: Levels, depth: int) -> Levels:
    return levels >> 8 if depth == 16 else levels * 255 // (2**depth - 1)


class TestPng:
    @pytest.fixture(params=[False, True], ids=["", "interlaced"])
    def interlaced(self, request: pytest.FixtureRequest) -> bool:
        return bool(request.param)

    @pytest.mark.parametrize(
        ("color_type", "depth"), [(kind, depth) for kind in _DEPTHS for depth in _DEPTHS[kind]]
    )
    def test_every_kind(
        self, tmp_path: Path, color_type: int, depth: int, interlaced: bool
    ) -> None:
        levels = random_levels(depth, _CHANNELS[color_type])
        palette = _RANDOM.bytes(3 * min(2**depth, 256)) if color_type == 3 else b""
        path = tmp_path / "a.png"
        path.write_bytes(png(levels, depth, color_type, palette=palette, interlaced=interlaced))
        frame = read(path)
        expected = in_8_bit(levels, depth)
        if color_type in {4, 6}:
            np.testing.assert_array_equal(frame.opacity, expected[..., -1])
            expected = expected[..., :-1]
        else:
            assert frame.alpha is None
        if color_type == 3:
            expected = np.frombuffer(palette, np.uint8).reshape(-1, 3)[levels[..., 0]]
        np.testing.assert_array_equal(rgb(frame), np.broadcast_to(expected, (9, 11, 3)))

    @pytest.mark.parametrize(
        ("color_type", "depth"), [(kind, depth) for kind in (0, 2) for depth in _DEPTHS[kind]]
    )
    def test_one_transparent_color(
        self, tmp_path: Path, color_type: int, depth: int, interlaced: bool
    ) -> None:
        levels = random_levels(depth, _CHANNELS[color_type])
        levels[2:5, 3:6] = clear = levels[0, 0]
        levels[6, 6] = clear ^ 1  # the nearest colour
        path = tmp_path / "a.png"
        tag = clear.astype(">u2").tobytes()
        path.write_bytes(png(levels, depth, color_type, transparency=tag, interlaced=interlaced))
        frame = read(path)
        np.testing.assert_array_equal(
            rgb(frame), np.broadcast_to(in_8_bit(levels, depth), (9, 11, 3))
        )
        np.testing.assert_array_equal(frame.opacity, (levels != clear).any(axis=-1) * 255)

    @pytest.mark.parametrize("depth", _DEPTHS[3])
    @pytest.mark.parametrize("given", [1, 2, 16])
    def test_a_transparent_palette(self, tmp_path: Path, depth: int, given: int) -> None:
        """Those of its colours for which no opacity is given are opaque."""
        levels = random_levels(depth, 1)
        palette = _RANDOM.bytes(3 * 2**depth)
        opacities = _RANDOM.bytes(min(given, 2**depth))
        path = tmp_path / "a.png"
        path.write_bytes(png(levels, depth, 3, palette=palette, transparency=opacities))
        frame = read(path)
        table = np.frombuffer(opacities.ljust(256, b"\xff"), np.uint8)
        np.testing.assert_array_equal(frame.opacity, table[levels[..., 0]])
        expected = np.frombuffer(palette, np.uint8).reshape(-1, 3)[levels[..., 0]]
        np.testing.assert_array_equal(rgb(frame), expected)


@pytest.mark.parametrize("deflated", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
class TestTiff:
    @pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
    @pytest.mark.parametrize("white_is_0", [False, True])
    def test_gray(
        self, tmp_path: Path, order: str, deflated: bool, depth: int, white_is_0: bool
    ) -> None:
        levels = random_levels(depth, 1)
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, levels, depth, 1 - white_is_0, deflated=deflated))
        if (order, depth, white_is_0) == (">", 16, True):
            with pytest.raises(SourceError, match="save it as PNG"):
                read(path)
            return
        expected = in_8_bit(levels, depth)
        expected = 255 - expected if white_is_0 else expected
        np.testing.assert_array_equal(rgb(read(path)), expected.repeat(3, axis=2))

    @pytest.mark.parametrize("depth", [8, 16])
    @pytest.mark.parametrize("extra", [None, 0, 2])
    def test_rgb(
        self, tmp_path: Path, order: str, deflated: bool, depth: int, extra: int | None
    ) -> None:
        levels = random_levels(depth, 3 if extra is None else 4)
        others = {} if extra is None else {338: ("H", (extra,))}
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, levels, depth, 2, deflated=deflated, others=others))
        frame = read(path)
        expected = in_8_bit(levels, depth)
        np.testing.assert_array_equal(rgb(frame), expected[..., :3])
        assert (frame.alpha is None) == (extra != 2)
        if extra == 2:
            np.testing.assert_array_equal(frame.opacity, expected[..., 3])

    @pytest.mark.parametrize("channels", [1, 3])
    def test_premultiplied(self, tmp_path: Path, order: str, deflated: bool, channels: int) -> None:
        straight, alpha = random_levels(8, channels), random_levels(8, 1, low=1)
        levels = np.dstack([straight * alpha // 255, alpha])
        path, photometric = tmp_path / "a.tif", 1 if channels == 1 else 2
        others = {338: ("H", (1,))}
        path.write_bytes(tiff(order, levels, 8, photometric, deflated=deflated, others=others))
        frame = read(path)
        np.testing.assert_array_equal(frame.opacity, alpha[..., 0])
        assert (np.abs(rgb(frame) - straight) <= 255 / alpha + 1).all()

    @pytest.mark.parametrize("scale", [1, 257])
    @pytest.mark.parametrize("has_alpha", [False, True])
    def test_palette(
        self, tmp_path: Path, order: str, deflated: bool, scale: int, has_alpha: bool
    ) -> None:
        """Some writers fill the colour map, of 16 bits, with levels of 8."""
        palette = _RANDOM.integers(0, 256, (256, 3))
        others = {320: ("H", tuple((palette.T.ravel() * scale).tolist()))}
        others |= {338: ("H", (2,))} if has_alpha else {}
        levels = random_levels(8, 1 + has_alpha)
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, levels, 8, 3, deflated=deflated, others=others))
        frame = read(path)
        np.testing.assert_array_equal(rgb(frame), palette[levels[..., 0]])
        opacity = levels[..., 1] if has_alpha else np.full((9, 11), 255)
        np.testing.assert_array_equal(frame.opacity, opacity)

    def test_lab(self, tmp_path: Path, order: str, deflated: bool) -> None:
        photo = photo_like(0, size=(9, 11)) // 2 + 60  # all within sRGB
        lab = lab_of(photo[..., ::-1])
        levels = np.rint(lab * (2.55, 1, 1)).astype(int) & 255
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, levels, 8, 8, deflated=deflated))
        assert np.abs(rgb(read(path)) - photo[..., ::-1]).max() <= 3

    @pytest.mark.parametrize("depth", [8, 16])
    def test_cmyk(self, tmp_path: Path, order: str, deflated: bool, depth: int) -> None:
        levels = random_levels(depth, 4)
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, levels, depth, 5, deflated=deflated))
        inks = 255 - in_8_bit(levels, depth)
        assert np.abs(rgb(read(path)) - inks[..., :3] * inks[..., 3:] / 255).max() <= 1

    def test_ycbcr(self, tmp_path: Path, order: str, deflated: bool) -> None:
        photo = photo_like(0, size=(9, 11)) // 2 + 60
        levels = cv2.cvtColor(photo, cv2.COLOR_BGR2YCrCb)[..., [0, 2, 1]].astype(int)
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, levels, 8, 6, deflated=deflated, others={530: ("H", (1, 1))}))
        assert np.abs(rgb(read(path)) - photo[..., ::-1]).max() <= 2

    @pytest.mark.parametrize(
        ("sort", "tag", "message"),
        [
            ((8, 1, 1), (339, 2), "holds signed levels; save it with 8 or 16 bit"),
            ((16, 1, 1), (339, 2), "holds int32 levels; save it with 8 or 16 bit"),
            ((32, 1, 1), (339, 3), "holds float32 levels; save it with 8 or 16 bit"),
            ((16, 1, 2), (338, 2), "save it as PNG with 8 or 16 bit"),
            ((16, 8, 3), (339, 1), "save it as PNG with 8 or 16 bit"),
            ((8, 9, 3), (339, 1), "save it as PNG with 8 or 16 bit"),
        ],
    )
    def test_a_clear_no(
        self,
        tmp_path: Path,
        order: str,
        deflated: bool,
        sort: tuple[int, int, int],
        tag: tuple[int, int],
        message: str,
    ) -> None:
        depth, photometric, channels = sort
        levels, others = random_levels(depth, channels), {tag[0]: ("H", (tag[1],))}
        path = tmp_path / "a.tif"
        path.write_bytes(tiff(order, levels, depth, photometric, deflated=deflated, others=others))
        with pytest.raises(SourceError, match=message):
            read(path)


def test_a_tiff_of_raw_subsampled_ycbcr_is_refused(tmp_path: Path) -> None:
    """Pillow takes its samples for those of another order."""
    (tmp_path / "a.tif").write_bytes(tiff("<", random_levels(8, 3), 8, 6))
    with pytest.raises(SourceError, match="holds subsampled YCbCr without compression"):
        read(tmp_path / "a.tif")


def test_a_tiff_of_compressed_subsampled_ycbcr(tmp_path: Path) -> None:
    photo = photo_like(0, size=(64, 48))
    Image.fromarray(photo[..., ::-1]).save(tmp_path / "a.tif", compression="jpeg", quality=95)
    truth = cv2.imread(str(tmp_path / "a.tif"))
    assert truth is not None
    assert np.abs(read(tmp_path / "a.tif").bgr.astype(int) - truth).max() <= 1
    assert np.abs(truth.astype(int) - photo).mean() < 8


def test_a_tiff_of_12_bit(tmp_path: Path) -> None:
    levels = _RANDOM.integers(0, 4096, (9, 10, 1))
    (tmp_path / "a.tif").write_bytes(tiff("<", levels, 12, 1))
    np.testing.assert_array_equal(rgb(read(tmp_path / "a.tif")), (levels >> 4).repeat(3, axis=2))


_BY_FFMPEG = {".ppm", ".tga"}
# Formats as Pillow writes them, and the modes in which it can.
_WRITTEN: dict[str, str] = {
    ".png": "1 L LA P RGB RGBA I;16",
    ".tif": "1 L LA P PA RGB RGBA RGBX CMYK YCbCr I;16 I;16B I;16L",
    ".jpg": "1 L RGB RGBX CMYK YCbCr",
    ".webp": "L LA P RGB RGBA RGBX RGBa CMYK YCbCr I;16",
    ".bmp": "1 L P RGB RGBA",
    ".gif": "1 L LA P RGB RGBA",
    ".ppm": "1 L I I;16 RGB RGBA",
    # ffmpeg does not know those of 1 bit, and takes gray with opacity for 15 bits of colour.
    ".tga": "L P RGB RGBA",
}


@pytest.mark.parametrize(
    ("suffix", "mode"),
    [
        pytest.param(suffix, mode, marks=[pytest.mark.thorough] * (suffix in _BY_FFMPEG))
        for suffix, modes in _WRITTEN.items()
        for mode in modes.split()
    ],
)
def test_every_mode_of_pillow_s(tmp_path: Path, suffix: str, mode: str) -> None:
    path = tmp_path / f"a{suffix}"
    options: dict[str, Any] = {"lossless": True, "exact": True} if suffix == ".webp" else {}
    picture_in(mode).save(path, **options)
    frame = read(path)
    with Image.open(path) as stored:
        if stored.mode.startswith("I"):
            gray = np.asarray(stored) >> 8
            expected = np.dstack([gray] * 3 + [np.full_like(gray, 255)])
        else:
            expected = np.asarray(stored.convert("RGBA")).astype(int)
    level = int(suffix in _BY_FFMPEG and mode.startswith("I"))  # ffmpeg rounds
    assert np.abs(rgb(frame) - expected[..., :3]).max() <= level
    np.testing.assert_array_equal(frame.opacity, expected[..., 3])


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_by_its_profile(tmp_path: Path, suffix: str) -> None:
    levels = np.zeros((64, 64, 4), np.uint8)
    levels[:32, :, 0] = 255  # the one ink of this printer that shows
    levels[:, 32:, 1:3] = 255
    path = tmp_path / f"a{suffix}"
    Image.fromarray(levels, "CMYK").save(path, icc_profile=profile_of_cyan())
    frame = read(path)
    assert rgb(frame)[4:28, 4:-4].max() <= 2
    assert rgb(frame)[36:60, 4:-4].min() >= 253
    assert frame.encoding.icc_profile is None


def profile_of_cyan() -> bytes:
    """An ICC profile of CMYK by which cyan is black, and the other inks are none."""
    corners = np.full((2, 2, 2, 2, 3), (255, 128, 128), np.uint8)  # Lab
    corners[1, ..., 0] = 0
    steps = bytes(range(256))
    matrix = np.eye(3, dtype=">i4") << 16
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + matrix.tobytes()
    table += 4 * steps + corners.tobytes() + 3 * steps
    tags = struct.pack(">I4sII", 1, b"A2B0", 144, len(table))
    head = struct.pack(
        ">I4xI4s4s4s12x4s28x3I",
        144 + len(table),
        0x2400000,
        *(b"prtr", b"CMYK"),
        *(b"Lab ", b"acsp"),
        0xF6D6,
        0x10000,
        0xD32D,
    )
    return head.ljust(128, b"\0") + tags + table


def picture_in(mode: str) -> Image.Image:
    """A picture with random levels and opacities, in one of Pillow's modes."""
    if mode.startswith("I"):
        levels = random_levels(16, 1)[..., 0]
        if mode == "I":
            return Image.fromarray(levels.astype(np.int32))
        order = ">" if mode == "I;16B" else "<"
        return Image.frombytes(mode, (11, 9), levels.astype(f"{order}u2").tobytes())
    picture = Image.fromarray(random_levels(8, 4).astype(np.uint8), "RGBA")
    if mode == "PA":
        return picture.convert("RGB").quantize(16).convert("PA")
    if mode in {"P", "YCbCr", "CMYK"}:
        picture = picture.convert("RGB")
    return picture.convert(mode)


def lab_of(picture: NDArray[np.uint8]) -> NDArray[np.float64]:
    """CIE Lab with the white of D50 of an sRGB picture, by the standards' formulas."""
    levels = picture / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    to_d50 = np.array(  # the columns of the sRGB profile
        [
            [0.4360747, 0.3850649, 0.1430804],
            [0.2225045, 0.7168786, 0.0606169],
            [0.0139322, 0.0971045, 0.7141733],
        ]
    )
    relative = linear @ to_d50.T / (0.9642, 1, 0.8249)
    roots = np.where(relative > 216 / 24389, np.cbrt(relative), relative * 841 / 108 + 4 / 29)
    x, y, z = np.moveaxis(roots, -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
