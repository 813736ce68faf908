"""Clusters painted in other colours."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

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
    SettingsError,
    convert,
    render,
)
from kseg_video.core.color_spaces import bgr_of_hex, luma, to_working
from kseg_video.rendering.renderer import Renderer
from tests.helpers.commands import run
from tests.helpers.media import read_exact_bgr
from tests.helpers.pictures import as_i420, photo_like, quadrants

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

NAVY, BLUE, GREEN, WHITE = "#0a1128", "#1282a2", "#12a282", "#fefcfb"


def stripes(*levels: int) -> NDArray[np.uint8]:
    """Vertical stripes of gray, 8 pixels wide."""
    row = np.repeat(np.array(levels, np.uint8), 8)
    return np.repeat(np.tile(row, (8, 1))[..., np.newaxis], 3, axis=2)


def painted_stripes(count: int, paint: object) -> list[str]:
    """Colours of so many stripes from dark to light."""
    picture = stripes(*np.linspace(10, 240, count).astype(int).tolist())
    segmentation = Segmenter(SegmenterSettings(n_clusters=count)).segment(picture)
    result = render(picture, segmentation, RenderSettings(paint=paint))  # type: ignore[arg-type]
    return ["#{2:02x}{1:02x}{0:02x}".format(*pixel) for pixel in result[0, ::8].tolist()]


class TestColors:
    def test_as_many_as_clusters(self) -> None:
        assert painted_stripes(3, (NAVY, BLUE, WHITE)) == [NAVY, BLUE, WHITE]
        assert painted_stripes(3, ("White", "#000", BLUE)) == ["#ffffff", "#000000", BLUE]

    def test_fewer_clusters_take_colors_from_all_over_the_paint(self) -> None:
        assert painted_stripes(2, (NAVY, BLUE, WHITE)) == [NAVY, WHITE]
        assert painted_stripes(1, (NAVY, WHITE)) == [NAVY]

    def test_more_clusters_get_mixtures_of_neighbours(self) -> None:
        colors = painted_stripes(5, (NAVY, BLUE, WHITE))
        assert colors[::2] == [NAVY, BLUE, WHITE]
        oklab = to_working(bgr_of_hex(colors), "oklab")
        assert np.allclose(oklab[1], (oklab[0] + oklab[2]) / 2, atol=0.5)

    def test_some_paints_are_never_mixed(self) -> None:
        two = painted_stripes(2, "two-tone")
        assert painted_stripes(5, "two-tone") == [two[0]] * 3 + [two[1]] * 2
        assert len(set(painted_stripes(8, "poster"))) == 4
        assert len(set(painted_stripes(8, "handheld"))) == 4

    @pytest.mark.parametrize("paint", ["two-tone", "handheld", "sepia", "viridis"])
    def test_named_paints_rise_from_dark_to_light(self, paint: str) -> None:
        brightness = luma(bgr_of_hex(painted_stripes(9, paint)))
        assert (np.diff(brightness) >= 0).all()
        assert np.ptp(brightness) > 100

    @pytest.mark.parametrize("paint", ["sepia", "viridis"])
    def test_gradients_are_as_fine_as_the_clusters(self, paint: str) -> None:
        assert len(set(painted_stripes(9, paint))) == 9

    @pytest.mark.parametrize(
        "paint", ["neon", "", ("#000",), ("#000",) * 33, ("#000", "nocolour"), 3, ("#000", 3)]
    )
    def test_what_is_no_paint(self, paint: object) -> None:
        with pytest.raises(SettingsError):
            RenderSettings(paint=paint)  # type: ignore[arg-type]


def test_vivid_has_the_hue_and_lightness_of_the_cluster_and_more_chroma() -> None:
    picture = photo_like(3, high=200)
    picture[..., 2] += 40
    segmentation = Segmenter(SegmenterSettings(n_clusters=3)).segment(picture)
    result = render(picture, segmentation, RenderSettings(paint="vivid"))
    for number, own in enumerate(segmentation.colors):
        (painted,) = np.unique(result[segmentation.labels == number], axis=0)
        before, after = to_working(np.array([own, painted], np.float32), "oklab")
        pixels = to_working(picture[segmentation.labels == number].astype(np.float32), "oklab")
        chromas = np.linalg.norm(pixels[:, 1:], axis=1)
        assert abs(after[0] - before[0]) < 1.5
        assert np.linalg.norm(before[1:]) + 0.5 < np.linalg.norm(after[1:]) < chromas.max()
        cosine = before[1:] @ after[1:] / np.linalg.norm(before[1:]) / np.linalg.norm(after[1:])
        assert cosine > 0.97


@pytest.mark.parametrize("paint", ["vivid", (NAVY, BLUE, GREEN, WHITE)])
@pytest.mark.parametrize("as_planes", [False, True])
def test_bgr_and_planes_show_the_same(paint: object, as_planes: bool) -> None:
    frame = Frame(quadrants(40, 60))
    frame = as_i420(frame.pixels) if as_planes else frame
    segmentation = Segmenter(SegmenterSettings(n_clusters=4)).segment(frame)
    settings = RenderSettings(paint=paint)  # type: ignore[arg-type]
    exact = render(frame, segmentation, settings, "bgr24").pixels
    inside = (4, 4, -4, -4), (4, -4, 4, -4)  # chroma is halved, and mixed at the borders
    shown = render(frame, segmentation, settings).bgr[inside].astype(int)
    assert np.abs(shown - exact[inside]).max() <= 3
    if paint != "vivid":
        seen = {tuple(color) for color in exact.reshape(-1, 3).tolist()}
        assert seen == {tuple(color) for color in bgr_of_hex((NAVY, BLUE, GREEN, WHITE)).tolist()}


class TestThroughAVideo:
    PAINT = RenderSettings(paint=(NAVY, BLUE, WHITE))

    @staticmethod
    def shot(*levels: int, event: str = "warm", n_clusters: int = 3) -> Segmentation:
        """A frame of gray stripes, whose clusters have these numbers."""
        colors = np.repeat(np.array(levels, np.uint8)[:, np.newaxis], 3, axis=1)
        return Segmentation(
            np.repeat(np.arange(len(levels), dtype=np.uint8), 8)[np.newaxis].repeat(8, axis=0),
            colors.astype(np.float32),
            colors,
            np.ones(n_clusters, bool),
            0.0,
            event,  # type: ignore[arg-type]
        )

    def colors(self, *shots: Segmentation) -> list[list[tuple[int, ...]]]:
        renderer = Renderer()
        return [
            [
                tuple(pixel)
                for pixel in renderer.render(Frame(shot.colors[shot.labels]), shot, self.PAINT)
                .pixels[0, ::8]
                .tolist()
            ]
            for shot in shots
        ]

    def test_a_cluster_keeps_its_paint_though_others_become_darker(self) -> None:
        first, later, reseeded = self.colors(
            self.shot(40, 60, 200, event="cold"),
            self.shot(70, 50, 210),
            self.shot(60, 50, 210, event="reseed"),
        )
        assert first == later == reseeded

    def test_a_new_colour_under_a_number_is_ordered_anew(self) -> None:
        first, later = self.colors(
            self.shot(40, 60, 200, event="cold"), self.shot(240, 60, 200, event="cut")
        )
        assert later == [first[2], first[0], first[1]]

    def test_another_number_of_clusters_is_ordered_anew(self) -> None:
        first, later = self.colors(
            self.shot(40, 60, 200, event="cold"), self.shot(200, 60, n_clusters=2)
        )
        assert later == [first[2], first[0]]

    def test_a_paint_may_be_changed_at_any_frame(self) -> None:
        renderer, shot = Renderer(), self.shot(40, 60, 200, event="cold")
        frame, warm = Frame(shot.colors[shot.labels]), replace(shot, event="warm")
        given = RenderSettings(), RenderSettings(paint="sepia"), self.PAINT, RenderSettings()
        pictures = [
            renderer.render(frame, warm if number else shot, settings).pixels
            for number, settings in enumerate(given)
        ]
        assert np.array_equal(pictures[0], pictures[3])
        for before, after in pairwise(pictures[:3]):
            assert not np.array_equal(before, after)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "stripes.png"
    Image.fromarray(stripes(20, 90, 160, 230)).save(path)
    return path


class TestCommand:
    def test_colors_reach_the_file_and_are_told(self, image: Path, tmp_path: Path) -> None:
        paint = f"{NAVY},{BLUE} , {WHITE}"
        outcome = run(
            *("convert", image, "-k", "4", "--paint", paint, "-o", tmp_path / "o.png", "--json")
        )
        assert outcome.code == 0
        summary = json.loads(outcome.out)
        told = [row["paint"] for row in summary["palette"]]
        with Image.open(tmp_path / "o.png") as picture:
            seen = ["#{:02x}{:02x}{:02x}".format(*color) for color in np.asarray(picture)[4, 4::8]]
        assert told == seen
        assert (told[0], told[3]) == (NAVY, WHITE)
        assert "4 clusters take the paint's 3 colours and mixtures between them" in summary["notes"]
        assert f"0 #141414 25.0% as {NAVY}, " in outcome.err

    def test_a_file_is_laid_from_dark_to_light(self, image: Path, tmp_path: Path) -> None:
        (tmp_path / "my.hex").write_text("fefcfb\n0a1128\nd33a2f\n1282a2\n")
        outcome = run(
            *("convert", image, "-k", "4", "--paint", tmp_path / "my.hex"),
            *("-o", tmp_path / "o.gif", "--json"),
        )
        told = [row["paint"] for row in json.loads(outcome.out)["palette"]]
        assert told == [NAVY, BLUE, "#d33a2f", WHITE]
        with Image.open(tmp_path / "o.gif") as picture:
            shown = picture.convert("RGB").getpixel((12, 4))
        assert shown == (0x12, 0x82, 0xA2)

    @pytest.mark.parametrize(
        ("paint", "code", "message"),
        [
            ("neon", 2, "there is no paint 'neon'; choose vivid, two-tone,"),
            ("#000", 2, "there is no paint '#000'"),
            ("red,gren", 2, "'gren' is no colour; did you mean green"),
            ("no.gpl", 1, "no.gpl"),
            ("no.txt", 2, "no.txt cannot be read as a palette"),
        ],
    )
    def test_what_is_no_paint(
        self, image: Path, tmp_path: Path, paint: str, code: int, message: str
    ) -> None:
        outcome = run("convert", image, "--paint", paint, "-o", "o.png", cwd=tmp_path)
        assert (outcome.code, outcome.err.count("\n")) == (code, 1)
        assert message in outcome.err
        assert not (tmp_path / "o.png").exists()

    def test_the_palette_file_is_not_written_over(self, image: Path, tmp_path: Path) -> None:
        (tmp_path / "p.json").write_text('["#000000", "#ffffff"]')
        options = ("--paint", "p.json", "--stats", "p.json", "-y", "-o", "o.png")
        outcome = run("convert", image, *options, cwd=tmp_path)
        assert outcome.code != 0
        assert (tmp_path / "p.json").read_text() == '["#000000", "#ffffff"]'

    def test_a_view_without_clusters_in_colour_says_so(self, image: Path, tmp_path: Path) -> None:
        view = RenderSettings("boundaries", paint="vivid")
        report = convert(image, tmp_path / "o.png", rendering=view)
        assert (
            "boundaries shows no cluster in a colour, so that there is nothing to paint"
            in report.notes
        )
        assert report.paint == ()


def test_it_holds_through_a_clip_with_a_fade(tmp_path: Path) -> None:
    """Numbers are found one after another as a picture fades in; the order is that of the end."""
    folder = tmp_path / "frames"
    folder.mkdir()
    picture = stripes(40, 110, 170, 230)
    for number in range(16):
        faded = (picture * (min(number, 8) / 8)).astype(np.uint8)
        Image.fromarray(faded).save(folder / f"{number:02}.png")
    paint = RenderSettings(paint=(NAVY, BLUE, "#9dd3df", WHITE))
    report = convert(
        folder,
        tmp_path / "o.mkv",
        segmenter=SegmenterSettings(n_clusters=4),
        rendering=paint,
        encoder=EncoderSettings(lossless=True),
    )
    shown = read_exact_bgr(tmp_path / "o.mkv")[-1][4, 4::8]
    assert shown.tolist() == bgr_of_hex((NAVY, BLUE, "#9dd3df", WHITE)).tolist()
    assert sorted(report.paint) == sorted((NAVY, BLUE, "#9dd3df", WHITE))
