from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, get_args

import numpy as np
import pytest

from kseg_video import (
    Frame,
    RenderSettings,
    Segmentation,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    SourceError,
    measure,
    render,
)
from kseg_video.core.settings import View
from kseg_video.core.yuv import bgr_to_yuv
from kseg_video.rendering.renderer import view_width
from tests.helpers.pictures import as_i420, photo_like

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


PICTURE = photo_like(5, size=(24, 32))
PLANAR = as_i420(PICTURE)


def segmented(picture: Frame) -> Segmentation:
    return Segmenter(SegmenterSettings(n_clusters=4)).segment(picture)


def test_a_cluster_that_there_is_not_cannot_be_switched_off() -> None:
    settings = RenderSettings("masked", disabled=frozenset({4}))
    with pytest.raises(SettingsError, match="4 clusters are numbered from 0 to 3"):
        render(Frame(PICTURE), segmented(Frame(PICTURE)), settings)


BGR_RESULT, PLANAR_RESULT = segmented(Frame(PICTURE)), segmented(PLANAR)


def borders(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a label is not that of the pixel to the left or above."""
    across = np.zeros(labels.shape, bool)
    across[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    across[1:] |= labels[1:] != labels[:-1]
    return across


@pytest.mark.parametrize("use", [render, measure])
@pytest.mark.parametrize("picture", [PICTURE[1:], PICTURE[:, 1:], Frame(PICTURE[1:])])
def test_a_picture_of_another_size(use: Callable[..., object], picture: object) -> None:
    with pytest.raises(SourceError, match=r"of 32x24, not of (32x23|31x24); give the picture"):
        use(picture, BGR_RESULT)


class TestBgr:
    def test_segmented(self) -> None:
        painted = render(PICTURE, BGR_RESULT)
        assert np.array_equal(painted, BGR_RESULT.palette.colors[BGR_RESULT.labels])

    @pytest.mark.parametrize("view", ["segmented", "masked"])
    def test_disabled_clusters_are_black(self, view: str) -> None:
        painted = render(PICTURE, BGR_RESULT, RenderSettings(view, frozenset({0, 2})))  # type: ignore[arg-type]
        off = np.isin(BGR_RESULT.labels, [0, 2])
        assert not painted[off].any()
        kept = PICTURE if view == "masked" else BGR_RESULT.palette.colors[BGR_RESULT.labels]
        assert np.array_equal(painted[~off], kept[~off])

    @pytest.mark.parametrize("view", ["segmented", "masked"])
    @pytest.mark.parametrize(("background", "level"), [("white", 255), ("#808080", 128)])
    def test_disabled_clusters_show_the_background(
        self, view: str, background: str, level: int
    ) -> None:
        settings = RenderSettings(view, frozenset({1}), background)  # type: ignore[arg-type]
        off = BGR_RESULT.labels == 1
        assert (render(PICTURE, BGR_RESULT, settings)[off] == level).all()
        luma, *chroma = render(PLANAR, PLANAR_RESULT, settings).planes
        expected = bgr_to_yuv(np.full((1, 3), level, np.uint8), PLANAR.encoding)[0]
        off = PLANAR_RESULT.labels == 1
        assert (luma[off] == expected[0]).all()
        whole = off.reshape(12, 2, 16, 2).all(axis=(1, 3))
        assert whole.any()
        for plane, wanted in zip(chroma, expected[1:], strict=True):
            assert (plane[whole] == wanted).all()

    @pytest.mark.parametrize("view", ["masked", "original"])
    def test_with_everything_on_it_is_the_source(self, view: str) -> None:
        assert np.array_equal(render(PICTURE, BGR_RESULT, RenderSettings(view)), PICTURE)  # type: ignore[arg-type]

    def test_labels(self) -> None:
        painted = render(PICTURE, BGR_RESULT, RenderSettings("labels"))
        assert np.array_equal(painted, BGR_RESULT.labels)

    def test_boundaries_are_drawn_where_labels_change_and_nowhere_else(self) -> None:
        painted = render(PICTURE, BGR_RESULT, RenderSettings("boundaries"))
        changed = (painted != PICTURE).any(axis=2)
        assert np.array_equal(changed, borders(BGR_RESULT.labels))
        assert (painted[changed] == 255).all()

    @pytest.mark.parametrize(("height", "columns"), [(400, 1), (600, 2), (1200, 3)])
    def test_boundaries_are_drawn_thicker_in_larger_pictures(
        self, height: int, columns: int
    ) -> None:
        picture = np.full((height, 40, 3), 60, np.uint8)
        picture[:, 20:] = 180
        segmentation = Segmenter(SegmenterSettings(n_clusters=2)).segment(picture)
        painted = render(picture, segmentation, RenderSettings("boundaries"))
        assert (painted == 255).all(axis=2).sum(axis=1).tolist() == [columns] * height

    def test_side_by_side(self) -> None:
        off = frozenset({1})
        painted = render(PICTURE, BGR_RESULT, RenderSettings("side-by-side", off))
        panels = np.split(painted, 3, axis=1)
        assert np.array_equal(panels[0], PICTURE)
        assert np.array_equal(panels[1], render(PICTURE, BGR_RESULT))
        assert np.array_equal(panels[2], render(PICTURE, BGR_RESULT, RenderSettings("masked", off)))
        assert painted.shape[1] == view_width(32, RenderSettings("side-by-side", off))

    def test_split_shows_the_source_on_the_left(self) -> None:
        for off, after in ((frozenset[int](), "segmented"), (frozenset({1}), "masked")):
            painted = render(PICTURE, BGR_RESULT, RenderSettings("split", off, split=0.25))
            whole = render(PICTURE, BGR_RESULT, RenderSettings(after, off))  # type: ignore[arg-type]
            assert np.array_equal(painted[:, :8], PICTURE[:, :8])
            assert np.array_equal(painted[:, 8:], whole[:, 8:])

    def test_the_source_is_left_as_it_was(self) -> None:
        before = PICTURE.copy()
        for view in get_args(View):
            render(PICTURE, BGR_RESULT, RenderSettings(view, frozenset({0})))
        assert np.array_equal(PICTURE, before)

    @pytest.mark.parametrize("view", ["segmented", "masked", "original", "labels", "matte"])
    def test_what_is_drawn_on_an_array_does_not_reach_the_source(self, view: View) -> None:
        picture = PICTURE.copy()
        segmentation = replace(BGR_RESULT, labels=BGR_RESULT.labels.copy())
        render(picture, segmentation, RenderSettings(view))[:] = 77
        assert np.array_equal(picture, PICTURE)
        assert np.array_equal(segmentation.labels, BGR_RESULT.labels)

    def test_alpha_passes_through(self) -> None:
        alpha = np.arange(24 * 32, dtype=np.uint32).astype(np.uint8).reshape(24, 32)
        frame = Frame(PICTURE, alpha=alpha)
        for view, panels in (("segmented", 1), ("masked", 1), ("side-by-side", 3)):
            painted = render(frame, BGR_RESULT, RenderSettings(view, frozenset({0})))  # type: ignore[arg-type]
            assert painted.alpha is not None
            assert np.array_equal(painted.alpha, np.tile(alpha, (1, panels)))


class TestPlanar:
    def test_segmented_planes_are_the_palette_s(self) -> None:
        painted = render(PLANAR, PLANAR_RESULT)
        levels = bgr_to_yuv(PLANAR_RESULT.palette.colors, PLANAR.encoding)
        luma, blue, red = painted.planes
        assert np.array_equal(luma, levels[:, 0][PLANAR_RESULT.labels])
        corners = PLANAR_RESULT.labels[::2, ::2]
        assert np.array_equal(blue, levels[:, 1][corners])
        assert np.array_equal(red, levels[:, 2][corners])

    def test_masked_keeps_the_source_s_levels(self) -> None:
        painted = render(PLANAR, PLANAR_RESULT, RenderSettings("masked", frozenset({1, 3})))
        kept = ~np.isin(PLANAR_RESULT.labels, [1, 3])
        assert np.array_equal(painted.planes[0][kept], PLANAR.planes[0][kept])
        assert (painted.planes[0][~kept] == 16).all()
        blocks = kept.reshape(12, 2, 16, 2).any(axis=(1, 3))
        for after, before in zip(painted.planes[1:], PLANAR.planes[1:], strict=True):
            assert np.array_equal(after[blocks], before[blocks])
            assert (after[~blocks] == 128).all()

    def test_boundaries_are_white(self) -> None:
        painted = render(PLANAR, PLANAR_RESULT, RenderSettings("boundaries"))
        across = borders(PLANAR_RESULT.labels)
        blocks = across.reshape(12, 2, 16, 2).any(axis=(1, 3))
        for plane, (after, before) in enumerate(zip(painted.planes, PLANAR.planes, strict=True)):
            where, level = (blocks, 128) if plane else (across, 235)
            assert (after[where] == level).all()
            assert np.array_equal(after[~where], before[~where])

    def test_as_bgr_it_has_the_exact_palette(self) -> None:
        painted = render(PLANAR, PLANAR_RESULT, layout="bgr24")
        assert np.array_equal(painted.bgr, PLANAR_RESULT.palette.colors[PLANAR_RESULT.labels])

    def test_side_by_side(self) -> None:
        painted = render(PLANAR, PLANAR_RESULT, RenderSettings("side-by-side"))
        assert (painted.width, painted.height, painted.layout) == (64, 24, "i420")
        assert np.array_equal(painted.planes[0][:, :32], PLANAR.planes[0])
        assert np.array_equal(painted.planes[1][:, 16:], render(PLANAR, PLANAR_RESULT).planes[1])

    def test_split(self) -> None:
        painted = render(PLANAR, PLANAR_RESULT, RenderSettings("split", split=0.28))
        after = render(PLANAR, PLANAR_RESULT)
        assert (painted.width, painted.height, painted.layout) == (32, 24, "i420")
        for plane, before, behind, column in zip(
            painted.planes, PLANAR.planes, after.planes, (10, 5, 5), strict=True
        ):
            assert np.array_equal(plane[:, :column], before[:, :column])
            assert np.array_equal(plane[:, column:], behind[:, column:])

    def test_time_and_number_stay(self) -> None:
        frame = Frame(PLANAR.pixels, "i420", PLANAR.encoding, 7, 0.28)
        painted = render(frame, PLANAR_RESULT)
        assert (painted.index, painted.time) == (7, 0.28)
