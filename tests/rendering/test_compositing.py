from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from kseg_video import (
    Frame,
    Renderer,
    RenderSettings,
    Segmentation,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    render,
)
from kseg_video.rendering.compositing import covering, over_checkerboard
from kseg_video.rendering.renderer import is_transparent
from tests.helpers.pictures import as_i420, photo_like

PICTURE = photo_like(5, size=(48, 64))
OFF = frozenset({1, 2})
FRAMES = {"bgr24": Frame(PICTURE), "i420": as_i420(PICTURE)}
SEGMENTED: dict[str, Segmentation] = {
    layout: Segmenter(SegmenterSettings(n_clusters=4)).segment(frame)
    for layout, frame in FRAMES.items()
}
LAYOUTS = pytest.mark.parametrize("layout", ["bgr24", "i420"])


def keyed(layout: str, background: str, view: str = "masked", **settings: int) -> Frame:
    """The picture keyed; hard unless said otherwise."""
    edge = {"feather": 0, "despeckle": 0, **settings}
    chosen = RenderSettings(view, OFF, background, **edge)  # type: ignore[arg-type]
    return render(FRAMES[layout], SEGMENTED[layout], chosen)


def on(layout: str) -> np.ndarray:
    return ~np.isin(SEGMENTED[layout].labels, list(OFF))


def whole_blocks(mask: np.ndarray) -> np.ndarray:
    rows, columns = mask.shape
    return np.asarray(mask.reshape(rows // 2, 2, columns // 2, 2).all(axis=(1, 3)))


class TestKept:
    @pytest.mark.parametrize("background", ["blur", "pixelate", "gray", "transparent"])
    def test_pixels_that_are_on_are_the_source_s_bit_for_bit(self, background: str) -> None:
        painted = keyed("bgr24", background)
        assert np.array_equal(painted.pixels[on("bgr24")], PICTURE[on("bgr24")])
        planar, source = keyed("i420", background), FRAMES["i420"]
        kept = on("i420")
        assert np.array_equal(planar.planes[0][kept], source.planes[0][kept])
        for after, before in zip(planar.planes[1:], source.planes[1:], strict=True):
            assert np.array_equal(after[whole_blocks(kept)], before[whole_blocks(kept)])

    def test_segmented_pixels_that_are_on_have_their_cluster_s_color(self) -> None:
        painted = keyed("bgr24", "blur", "segmented")
        segmentation, kept = SEGMENTED["bgr24"], on("bgr24")
        colors = segmentation.palette.colors[segmentation.labels]
        assert np.array_equal(painted.pixels[kept], colors[kept])

    def test_a_soft_edge_mixes_both(self) -> None:
        matte = render(
            FRAMES["bgr24"],
            SEGMENTED["bgr24"],
            RenderSettings("matte", OFF, feather=3, despeckle=0),
        ).pixels[..., np.newaxis]
        painted = keyed("bgr24", "#ff8000", feather=3)
        mixed = PICTURE * (matte / 255) + np.array([0, 128, 255]) * (1 - matte / 255)
        assert ((matte > 0) & (matte < 255)).any()
        assert np.abs(painted.pixels - mixed).max() <= 1

    @LAYOUTS
    def test_soft_edges_of_segmented_regions_have_a_kept_color(self, layout: str) -> None:
        settings = RenderSettings("segmented", OFF, "transparent", feather=3, despeckle=0)
        painted = render(FRAMES[layout], SEGMENTED[layout], settings, "bgr24")
        assert painted.alpha is not None
        kept = SEGMENTED[layout].palette.colors[[0, 3]].tolist()
        seen = np.unique(painted.pixels[painted.alpha > 0].reshape(-1, 3), axis=0).tolist()
        assert sorted(seen) == sorted(kept)


class TestBackgrounds:
    def test_gray_is_the_source_without_color(self) -> None:
        off = ~on("bgr24")
        luma = cv2.cvtColor(PICTURE, cv2.COLOR_BGR2GRAY)
        assert (keyed("bgr24", "gray").pixels[off] == luma[off][:, np.newaxis]).all()
        planar, off = keyed("i420", "gray"), ~on("i420")
        assert np.array_equal(planar.planes[0], FRAMES["i420"].planes[0])
        for plane in planar.planes[1:]:
            assert whole_blocks(off).any()
            assert (plane[whole_blocks(off)] == 128).all()

    @LAYOUTS
    def test_blur_is_smooth_and_of_the_right_brightness(self, layout: str) -> None:
        source, painted, off = FRAMES[layout].luma, keyed(layout, "blur:6").luma, ~on(layout)
        roughness = [
            np.abs(np.diff(each.astype(int), axis=1))[off[:, 1:] & off[:, :-1]].mean()
            for each in (source, painted)
        ]
        assert roughness[1] < 0.25 * roughness[0]
        assert abs(painted[off].mean() - source[off].mean()) < 4

    @LAYOUTS
    def test_what_is_kept_does_not_glow_into_the_blur(self, layout: str) -> None:
        picture = np.full((120, 160, 3), 30, np.uint8)
        picture[30:90, 50:110] = (20, 20, 240)
        frame = as_i420(picture) if layout == "i420" else Frame(picture)
        segmentation = Segmenter(SegmenterSettings(n_clusters=2)).segment(frame)
        painted = render(frame, segmentation, RenderSettings("masked", frozenset({0}), "blur:20"))
        red = painted.bgr[..., 2].astype(int)
        assert red[35:85, 55:105].min() > 200
        around = np.ones(red.shape, bool)
        around[26:94, 46:114] = False
        assert red[around].max() < 45

    @LAYOUTS
    @pytest.mark.parametrize("radius", [1, 2, 5, 500])
    def test_any_radius(self, layout: str, radius: int) -> None:
        painted = keyed(layout, f"blur:{radius}")
        assert painted.pixels.shape == FRAMES[layout].pixels.shape
        if radius == 500:
            assert np.ptp(painted.luma[~on(layout)].astype(int)) <= 2

    @LAYOUTS
    @pytest.mark.parametrize("size", [8, 7, 64, 999])
    def test_blocks_are_means_of_what_they_cover(self, layout: str, size: int) -> None:
        source, painted, off = (
            FRAMES[layout].luma,
            keyed(layout, f"pixelate:{size}").luma,
            ~on(layout),
        )
        if size == 8:
            means = source.reshape(6, 8, 8, 8).mean(axis=(1, 3)).repeat(8, axis=0).repeat(8, axis=1)
            assert np.abs(painted - means)[off].max() < 1
        blocks = (-(-48 // size)) * (-(-64 // size))
        assert len(np.unique(painted[off])) <= blocks

    @LAYOUTS
    def test_a_picture_that_is_given(self, layout: str) -> None:
        behind = Frame(photo_like(9, size=(48, 64)))
        if layout == "i420":
            behind = as_i420(behind.pixels)
        for background in ("picture", Path("beach.jpg")):
            settings = RenderSettings("masked", OFF, background, feather=0, despeckle=0)
            painted = render(FRAMES[layout], SEGMENTED[layout], settings, background=behind)
            off = ~on(layout)
            assert np.array_equal(painted.luma[off], behind.luma[off])

    @pytest.mark.parametrize(
        ("behind", "message"),
        [
            (None, "there is no picture for the background"),
            (Frame(photo_like(9, size=(48, 62))), "62x48 .* and the frame 64x48"),
        ],
    )
    def test_a_picture_that_does_not_fit(self, behind: Frame | None, message: str) -> None:
        settings = RenderSettings("masked", OFF, "picture")
        with pytest.raises(SettingsError, match=message):
            render(FRAMES["bgr24"], SEGMENTED["bgr24"], settings, background=behind)

    def test_with_everything_on_there_is_no_background(self) -> None:
        painted = render(PICTURE, SEGMENTED["bgr24"], RenderSettings("masked", background="blur"))
        assert np.array_equal(painted, PICTURE)


class TestTransparent:
    @LAYOUTS
    @pytest.mark.parametrize("view", ["masked", "segmented"])
    def test_alpha_is_the_matte(self, layout: str, view: str) -> None:
        painted = keyed(layout, "transparent", view)
        assert painted.alpha is not None
        assert np.array_equal(painted.alpha > 0, on(layout))
        assert painted.layout == layout

    def test_what_is_hidden_and_far_from_the_edge_is_black(self) -> None:
        for size in ((200, 300), (201, 299)):
            picture = np.full((*size, 3), 60, np.uint8)
            picture[90:110, 140:160] = (20, 20, 240)
            settings = RenderSettings("masked", frozenset({0}), "transparent")
            frames = [Frame(picture)] if size[0] % 2 else [Frame(picture), as_i420(picture)]
            for frame in frames:
                segmentation = Segmenter(SegmenterSettings(n_clusters=2)).segment(frame)
                painted = render(frame, segmentation, settings)
                assert painted.alpha is not None
                black = painted.bgr.max(axis=2) < 4
                assert black[:60].all()
                assert black[:, :110].all()
                assert not black[80:120, 130:170].any()
                if frame.layout == "bgr24":  # planes mix colours across the edge
                    assert np.array_equal(painted.alpha > 0, picture[..., 2] > 200)

    def test_the_source_s_own_alpha_counts_too(self) -> None:
        alpha = np.full((48, 64), 128, np.uint8)
        frame = Frame(PICTURE, alpha=alpha)
        settings = RenderSettings("masked", OFF, "transparent", feather=0, despeckle=0)
        painted = render(frame, SEGMENTED["bgr24"], settings)
        assert painted.alpha is not None
        assert np.array_equal(painted.alpha, np.where(on("bgr24"), 128, 0))

    def test_with_everything_on_it_is_opaque(self) -> None:
        settings = RenderSettings("masked", background="transparent")
        painted = render(FRAMES["i420"], SEGMENTED["i420"], settings)
        assert painted.alpha is not None
        assert (painted.alpha == 255).all()
        assert np.array_equal(painted.pixels, FRAMES["i420"].pixels)

    def test_an_array_comes_with_its_opacity(self) -> None:
        settings = RenderSettings("masked", OFF, "transparent", feather=0, despeckle=0)
        painted = render(PICTURE, SEGMENTED["bgr24"], settings)
        assert painted.shape == (48, 64, 4)
        assert np.array_equal(painted[..., 3] > 0, on("bgr24"))

    @LAYOUTS
    def test_side_by_side_the_others_are_opaque(self, layout: str) -> None:
        painted = keyed(layout, "transparent", "side-by-side")
        assert painted.alpha is not None
        assert painted.alpha.shape == (48, 192)
        assert (painted.alpha[:, :128] == 255).all()
        assert np.array_equal(painted.alpha[:, 128:] > 0, on(layout))

    @pytest.mark.parametrize(
        ("view", "background", "expected"),
        [
            ("masked", "transparent", True),
            ("segmented", "transparent", True),
            ("side-by-side", "transparent", True),
            ("masked", "black", False),
            ("original", "transparent", False),
            ("boundaries", "transparent", False),
            ("matte", "transparent", False),
        ],
    )
    def test_it_is_known_beforehand(self, view: str, background: str, expected: bool) -> None:
        settings = RenderSettings(view, OFF, background)  # type: ignore[arg-type]
        assert is_transparent(settings) is expected
        painted = render(FRAMES["i420"], SEGMENTED["i420"], settings)
        assert (painted.alpha is not None) is expected

    def test_the_checkerboard_alternates_in_both_directions(self) -> None:
        clear = Frame(np.zeros((40, 60, 3), np.uint8), alpha=np.zeros((40, 60), np.uint8))
        squares = over_checkerboard(clear).pixels[2::4, 2::4, 0]
        assert (squares[:, 1:] != squares[:, :-1]).all()
        assert (squares[1:] != squares[:-1]).all()

    def test_a_checkerboard_shows_through(self) -> None:
        shown = over_checkerboard(
            render(
                FRAMES["bgr24"],
                SEGMENTED["bgr24"],
                RenderSettings("masked", OFF, "transparent", feather=0, despeckle=0),
            )
        )
        assert shown.alpha is None
        assert np.array_equal(shown.pixels[on("bgr24")], PICTURE[on("bgr24")])
        assert set(np.unique(shown.pixels[~on("bgr24")])) == {204, 255}


class TestMatteView:
    @LAYOUTS
    def test_it_is_gray_unless_bgr_is_asked_for(self, layout: str) -> None:
        settings = RenderSettings("matte", OFF)
        plain = render(FRAMES[layout], SEGMENTED[layout], settings)
        assert plain.layout == "gray8"
        as_bgr = render(FRAMES[layout], SEGMENTED[layout], settings, "bgr24")
        assert np.array_equal(as_bgr.pixels, np.dstack([plain.pixels] * 3))

    def test_it_is_the_alpha_of_the_masked_view(self) -> None:
        matte = render(FRAMES["i420"], SEGMENTED["i420"], RenderSettings("matte", OFF))
        masked = RenderSettings("masked", OFF, "transparent")
        painted = render(FRAMES["i420"], SEGMENTED["i420"], masked)
        assert painted.alpha is not None
        assert np.array_equal(matte.pixels, painted.alpha)


@pytest.mark.parametrize(
    ("shape", "taken"),
    [
        ((100, 100), np.s_[25:75, :]),  # too high: top and bottom go
        ((50, 300), np.s_[:, 100:200]),  # too wide: the sides go
        ((50, 100), np.s_[:, :]),
    ],
)
def test_covering_keeps_the_middle_and_the_shape(
    shape: tuple[int, int], taken: tuple[slice, slice]
) -> None:
    picture = photo_like(2, size=shape)
    expected = cv2.resize(picture[taken], (40, 20), interpolation=cv2.INTER_AREA)
    assert np.array_equal(covering(picture, 40, 20), expected)


def test_covering_allows_for_pixels_that_are_not_square() -> None:
    picture = photo_like(2, size=(100, 100))
    expected = cv2.resize(picture, (20, 40), interpolation=cv2.INTER_AREA)
    assert np.array_equal(covering(picture, 20, 40, pixel_aspect=2), expected)


def test_frames_of_other_sizes_may_follow() -> None:
    renderer, settings = Renderer(), RenderSettings("masked", OFF, "blur")
    for size in ((48, 64), (33, 47), (2, 2), (1, 1)):
        frame = Frame(photo_like(1, size=size))
        segmentation = Segmenter(SegmenterSettings(n_clusters=4)).segment(frame)
        assert renderer.render(frame, segmentation, settings).pixels.shape == (*size, 3)
