from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from kseg_video.core.cie_lab import cie_lab
from kseg_video.core.color_spaces import from_working, luma, to_working
from kseg_video.core.settings import ColorSpace
from kseg_video.core.yuv import ColorEncoding, bgr_to_yuv, yuv_to_bgr_matrix
from tests.helpers.oracles import exact_lab

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.yuv import Matrix

SPACES = get_args(ColorSpace)


def converted(yuv: tuple[float, float, float], encoding: ColorEncoding) -> NDArray[np.float64]:
    affine = yuv_to_bgr_matrix(encoding).astype(np.float64)
    return np.asarray(affine @ np.array([*yuv, 1.0]))


class TestYuv:
    @pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
    @pytest.mark.parametrize(("full_range", "black", "white"), [(False, 16, 235), (True, 0, 255)])
    def test_black_and_white(
        self, matrix: Matrix, full_range: bool, black: int, white: int
    ) -> None:
        encoding = ColorEncoding(matrix, full_range)
        assert converted((black, 128, 128), encoding) == pytest.approx([0, 0, 0], abs=1e-3)
        assert converted((white, 128, 128), encoding) == pytest.approx([255] * 3, abs=1e-3)

    @pytest.mark.parametrize(
        ("matrix", "bgr", "yuv"),
        [  # 8-bit levels of the 100% colour bars in the standards
            ("bt601", (0, 0, 255), (81, 90, 240)),
            ("bt601", (0, 255, 0), (145, 54, 34)),
            ("bt601", (255, 0, 0), (41, 240, 110)),
            ("bt709", (0, 0, 255), (63, 102, 240)),
            ("bt709", (0, 255, 0), (173, 42, 26)),
            ("bt709", (255, 0, 0), (32, 240, 118)),
        ],
    )
    def test_primaries(
        self, matrix: Matrix, bgr: tuple[int, int, int], yuv: tuple[int, int, int]
    ) -> None:
        encoding = ColorEncoding(matrix)
        assert bgr_to_yuv(np.array([bgr], np.uint8), encoding)[0].tolist() == list(yuv)
        assert np.abs(converted(yuv, encoding) - bgr).max() < 2

    @pytest.mark.parametrize("matrix", ["bt601", "bt709", "bt2020"])
    def test_there_and_back(self, matrix: Matrix) -> None:
        colors = np.random.default_rng(0).integers(0, 256, (500, 3)).astype(np.uint8)
        encoding = ColorEncoding(matrix, full_range=True)
        yuv = bgr_to_yuv(colors, encoding).astype(float)
        affine = yuv_to_bgr_matrix(encoding)
        assert np.abs(yuv @ affine[:, :3].T + affine[:, 3] - colors).max() < 2.5

    @pytest.mark.parametrize(
        ("size", "matrix"),
        [
            ((640, 480), "bt601"),
            ((720, 576), "bt601"),
            ((1280, 720), "bt709"),
            ((720, 1280), "bt709"),
        ],
    )
    def test_the_guess_goes_by_size(self, size: tuple[int, int], matrix: Matrix) -> None:
        assert ColorEncoding.guess(*size).matrix == matrix


class TestWorkingSpaces:
    @pytest.mark.parametrize("space", SPACES)
    def test_there_and_back(self, space: ColorSpace) -> None:
        colors = np.random.default_rng(0).integers(0, 256, (2000, 3)).astype(np.uint8)
        back = from_working(to_working(colors.astype(np.float32), space), space)
        assert np.abs(back.astype(int) - colors).max() <= 1

    @pytest.mark.parametrize("space", SPACES)
    @pytest.mark.parametrize("level", [0, 1, 128, 255])
    def test_grays_are_finite_and_come_back(self, space: ColorSpace, level: int) -> None:
        gray = np.full((3, 3), level, np.float32)
        values = to_working(gray, space)
        assert np.isfinite(values).all()
        assert np.abs(from_working(values, space).astype(int) - level).max() <= 1

    def test_hue_is_a_circle(self) -> None:
        nearly_red = np.array([[4, 0, 255], [0, 4, 255], [255, 0, 0]], np.float32)
        one, other, blue = to_working(nearly_red, "hsv")
        assert np.linalg.norm(one - other) < 10
        assert np.linalg.norm(one - blue) > 300

    def test_black_is_one_colour_whatever_its_hue(self) -> None:
        dark = to_working(np.array([[2, 0, 0], [0, 2, 0], [0, 0, 2]], np.float32), "hsv")
        assert np.linalg.norm(dark[:, np.newaxis] - dark, axis=2).max() < 5

    def test_oklab_reference_values(self) -> None:
        primaries = np.array([[255, 255, 255], [0, 0, 255], [0, 255, 0], [255, 0, 0]], np.float32)
        expected = [
            [100, 0, 0],
            [62.796, 22.486, 12.585],
            [86.644, -23.389, 17.950],
            [45.201, -3.246, -31.153],
        ]
        assert to_working(primaries, "oklab") == pytest.approx(np.array(expected), abs=0.02)

    def test_cie_lab_is_right_to_three_decimals(self) -> None:
        levels = np.array([[255, 255, 255], [0, 0, 0], [0, 0, 255], [255, 0, 0]])
        expected = [
            [100, 0, 0],
            [0, 0, 0],
            [53.2371, 80.0901, 67.2033],
            [32.3009, 79.1953, -107.8555],
        ]
        assert cie_lab(levels.astype(np.float32)) == pytest.approx(np.array(expected), abs=6e-4)

    def test_cie_lab_of_every_kind_of_color(self) -> None:
        levels = np.random.default_rng(0).integers(0, 256, (500, 3))
        levels[:50] //= 32  # where the curves are straight
        lab = to_working(levels.astype(np.float32), "lab")
        assert lab == pytest.approx(np.array([exact_lab(*color) for color in levels]), abs=6e-4)

    def test_lab_reference_values(self) -> None:
        primaries = np.array([[255, 255, 255], [0, 0, 255], [255, 0, 0]], np.float32)
        expected = [[100, 0, 0], [53.24, 80.09, 67.20], [32.30, 79.19, -107.86]]
        assert to_working(primaries, "lab") == pytest.approx(np.array(expected), abs=0.006)

    @pytest.mark.parametrize("space", SPACES)
    def test_colors_come_back_as_they_were(self, space: ColorSpace) -> None:
        levels = np.random.default_rng(0).integers(0, 256, (20_000, 3)).astype(np.uint8)
        if space != "luv":  # of which OpenCV clips the darkest blues
            levels[:2000] //= 16
        there = to_working(levels.astype(np.float32), space)
        assert np.array_equal(from_working(there, space), levels)

    def test_out_of_gamut_colours_are_clipped(self) -> None:
        assert from_working(np.array([[300, -20, 128]], np.float32), "rgb").tolist() == [
            [255, 0, 128]
        ]

    def test_luma_is_that_of_rec_601(self) -> None:
        assert luma(np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]], np.uint8)) == pytest.approx(
            [29.07, 149.685, 76.245], abs=0.01
        )
