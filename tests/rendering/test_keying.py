"""Keyed clips from file to file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    ClusterSelection,
    EncoderSettings,
    RenderSettings,
    SegmenterSettings,
    SettingsError,
    SourceError,
    TrimSettings,
    convert,
)
from tests.conftest import running_ffmpegs
from tests.helpers.commands import run
from tests.helpers.media import ffmpeg, inspect, make_clip, read_exact_bgr, read_planes
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from pathlib import Path

# Dark to light: red (upper left) is 0, blue (lower left) 1, green (upper right) 2, white 3.
K4 = SegmenterSettings(n_clusters=4)
ALL_BUT_GREEN = ClusterSelection(only=("green",))


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "quadrants.png"
    Image.fromarray(quadrants(48, 64)[..., ::-1]).save(path)
    return path


@pytest.fixture
def clip(tmp_path: Path, image: Path) -> Path:
    """A second of the quadrants."""
    path = tmp_path / "quadrants.mp4"
    ffmpeg(
        "-loop", "1", "-i", image, "-t", "1", "-r", "25", "-pix_fmt", "yuv420p", "-crf", "5", path
    )
    return path


CORNERS = ((10, 10), (10, 50), (40, 10), (40, 50))
NAVY, SKY = (0x60, 0x20, 0x10), (0xE6, 0xC8, 0xAA)


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """A black picture, a shot with navy and one with a light blue; four frames each."""
    folder = tmp_path / "shots"
    folder.mkdir()
    colors = (
        [(0, 0, 0)] * 4,
        [NAVY, (40, 40, 200), (128, 128, 128), (250, 250, 250)],
        [(40, 160, 60), SKY, (20, 20, 30), (90, 170, 240)],
    )
    for number in range(12):
        picture = np.array(colors[number // 4], np.uint8).reshape(2, 2, 3)
        large = picture.repeat(24, axis=0).repeat(32, axis=1)
        Image.fromarray(large[..., ::-1]).save(folder / f"{number:02}.png")
    return folder


class TestChoosing:
    def test_the_summary_says_what_was_chosen(self, image: Path, tmp_path: Path) -> None:
        report = convert(image, tmp_path / "o.png", segmenter=K4, selection=ALL_BUT_GREEN)
        assert report.disabled == {0, 1, 3}
        assert report.notes[0] == f"green is cluster 2 ({report.palette.hex_colors[2]})"

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("options", "disabled"),
        [
            ("--pick-off 0,0 --pick-off 63,47", {0, 3}),
            ("--pick 5,40", {0, 2, 3}),
            ("--disable red,#ffffff", {0, 3}),
            ("--disable 1 --pick-off 0,0", {0, 1}),
            ("--only green --pick 0,0", {1, 3}),
            ("--only 0-2", {3}),
            ("--disable 0,2-3", {0, 2, 3}),
            ("--only=2,red:2", {1}),
        ],
    )
    def test_by_place_number_and_color(
        self, image: Path, tmp_path: Path, options: str, disabled: set[int]
    ) -> None:
        command = ("convert", image, "-o", tmp_path / "o.png", "-k", "4", "--json")
        outcome = run(*command, *options.split())
        assert outcome.code == 0
        summary = json.loads(outcome.out)
        assert {row["cluster"] for row in summary["palette"] if row["disabled"]} == disabled
        with Image.open(tmp_path / "o.png") as picture:
            dark = ~np.asarray(picture).any(axis=2)
        assert dark.mean() == pytest.approx(len(disabled) / 4, abs=0.01)
        for note in summary["notes"]:
            color = r"\d \(#[0-9a-f]{6}(, of another hue)?\)"
            assert re.fullmatch(rf"\S+( \S+)? is clusters? {color}(, {color})?", note)
            assert note in outcome.err

    def test_it_holds_for_all_frames(self, clip: Path, tmp_path: Path) -> None:
        selection = ClusterSelection(disabled=((50, 10),))
        encoder, view = EncoderSettings(lossless=True), RenderSettings("masked")
        convert(
            clip,
            tmp_path / "o.mkv",
            segmenter=K4,
            rendering=view,
            encoder=encoder,
            selection=selection,
        )
        pictures = read_planes(tmp_path / "o.mkv")
        assert len(pictures) > 1
        for planes in pictures:
            assert (planes[2:22, 36:62] == 16).all()
            assert (planes[2:22, 2:30] > 16).all()

    def test_a_name_is_followed_through_later_shots(self, shots: Path, tmp_path: Path) -> None:
        report = convert(
            shots,
            tmp_path / "o.mkv",
            segmenter=K4,
            rendering=RenderSettings("masked"),
            encoder=EncoderSettings(lossless=True),
            selection=ClusterSelection(only=("blue",)),
        )
        pictures = read_exact_bgr(tmp_path / "o.mkv")
        seen = [[tuple(picture[row, column]) for row, column in CORNERS] for picture in pictures]
        black = (0, 0, 0)
        assert seen[0] == [black] * 4
        assert seen[7] == [NAVY, black, black, black]
        assert seen[11] == [black, SKY, black, black]
        assert (
            report.notes[0] == "no cluster is blue in the first frame: there is 0 black (#000000)"
        )
        assert [note for note in report.notes if "blue from" in note] == [
            "cluster 1 (#102060) is blue from 0.20 s on",
            "cluster 3 (#aac8e6) is blue from 0.32 s on",
        ]
        assert (report.selection, report.warnings) == ({"blue": [1, 3]}, ())

    def test_a_name_that_never_comes(self, shots: Path, tmp_path: Path) -> None:
        selection = ClusterSelection(disabled=("purple",))
        report = convert(shots, tmp_path / "o.mkv", segmenter=K4, selection=selection)
        assert report.disabled == frozenset()
        assert report.warnings == (
            "no cluster was purple in any frame; kseg-video palette lists the colours",
        )

    def test_a_name_that_nothing_has_lists_what_there_is(
        self, image: Path, clip: Path, tmp_path: Path
    ) -> None:
        before = sorted(tmp_path.iterdir())
        for source in (image, clip):
            outcome = run(
                "convert", source, "-k", "4", "--only", "purple", "-o", tmp_path / "o.mkv"
            )
            assert outcome.code == 1
            color = "#[0-9a-f]{6}"
            assert re.fullmatch(
                "kseg-video: error: no cluster is purple in the first frame: there is "
                rf"0 red \({color}\), 1 blue \({color}\), 2 green \({color}\), "
                rf"3 white \({color}\); choose one of these, or purple:1 for the nearest\n",
                outcome.err,
            )
        assert sorted(tmp_path.iterdir()) == before

    def test_side_by_side_has_room_for_what_is_chosen(self, clip: Path, tmp_path: Path) -> None:
        view = RenderSettings("side-by-side")
        convert(clip, tmp_path / "o.mp4", segmenter=K4, rendering=view, selection=ALL_BUT_GREEN)
        assert inspect(tmp_path / "o.mp4").width == 3 * 64

    def test_a_pixel_outside_leaves_nothing_behind(self, clip: Path, tmp_path: Path) -> None:
        before = sorted(tmp_path.iterdir())
        with pytest.raises(SourceError, match="pixel 64,0 lies outside the picture"):
            convert(clip, tmp_path / "o.mp4", selection=ClusterSelection(disabled=((64, 0),)))
        assert sorted(tmp_path.iterdir()) == before
        assert not running_ffmpegs()

    def test_a_number_that_there_is_not(self, clip: Path, tmp_path: Path) -> None:
        with pytest.raises(
            SettingsError, match="no cluster 4: 4 clusters are numbered from 0 to 3"
        ):
            convert(clip, tmp_path / "o.mp4", segmenter=K4, selection=ClusterSelection(only=(4,)))


class TestBackgrounds:
    def test_a_video_is_looped_in_sync_and_starts_with_the_output(
        self, clip: Path, tmp_path: Path
    ) -> None:
        behind = tmp_path / "count.mkv"
        pattern = "color=black:size=32x24:rate=25,format=gray,geq=lum='20*N'"
        ffmpeg("-f", "lavfi", "-i", pattern, "-frames:v", "6", "-c:v", "ffv1", behind)
        convert(
            clip,
            tmp_path / "o.mkv",
            segmenter=K4,
            rendering=RenderSettings("masked", background=behind, feather=0),
            encoder=EncoderSettings(lossless=True),
            trim=TrimSettings(start=0.2),
            selection=ALL_BUT_GREEN,
        )
        frames = read_planes(tmp_path / "o.mkv", "gray")
        assert len(frames) == 20
        shown = [round(float(frame[30:44, 4:28].mean()) / 20) for frame in frames]
        assert shown == [number % 6 for number in range(20)]

    def test_an_image_behind_an_image(self, image: Path, tmp_path: Path) -> None:
        Image.new("RGB", (500, 100), (250, 100, 5)).save(tmp_path / "behind.png")
        view = RenderSettings("masked", background=tmp_path / "behind.png")
        convert(image, tmp_path / "o.png", segmenter=K4, rendering=view, selection=ALL_BUT_GREEN)
        with Image.open(tmp_path / "o.png") as picture:
            pixels = np.asarray(picture)
        assert (pixels[30:, :28] == (250, 100, 5)).all()
        assert np.array_equal(pixels[4:20, 36:60], np.asarray(Image.open(image))[4:20, 36:60])

    def test_two_colors_of_an_encoded_clip(self, clip: Path, tmp_path: Path) -> None:
        view = RenderSettings("masked", background="rebeccapurple")
        convert(clip, tmp_path / "o.mp4", segmenter=K4, rendering=view, selection=ALL_BUT_GREEN)
        pixels = read_exact_bgr(tmp_path / "o.mp4")[:, 30:44, 4:28].astype(int)
        assert np.abs(pixels - (0x99, 0x33, 0x66)).max() <= 4

    def test_one_that_breaks_off_goes_round_as_far_as_it_goes(
        self, clip: Path, tmp_path: Path
    ) -> None:
        whole = make_clip(tmp_path / "w.mp4", "-movflags", "+faststart", "-g", "5", seconds=1)
        broken = tmp_path / "broken.mp4"
        broken.write_bytes(whole.read_bytes()[: whole.stat().st_size * 7 // 10])
        view = RenderSettings("masked", background=broken)
        convert(clip, tmp_path / "o.mp4", segmenter=K4, rendering=view, selection=ALL_BUT_GREEN)
        assert inspect(tmp_path / "o.mp4").frames == 25

    @pytest.mark.parametrize("extra", [(), ("--stats-plot", "behind.png")])
    def test_it_is_not_written_over(
        self, image: Path, tmp_path: Path, extra: tuple[str, ...]
    ) -> None:
        behind = tmp_path / "behind.png"
        Image.new("RGB", (50, 10), (250, 100, 5)).save(behind)
        content = behind.read_bytes()
        output = "o.png" if extra else behind.name
        options = ("-y", "--view", "masked", "--disable", "0", "--background", "./behind.png")
        outcome = run("convert", image, "-o", output, *options, *extra, cwd=tmp_path)
        assert outcome.code == 1
        assert "behind.png is the background itself; choose another output" in outcome.err
        assert behind.read_bytes() == content

    @pytest.mark.parametrize("view", ["boundaries", "original", "matte"])
    @pytest.mark.parametrize("selection", [ClusterSelection(), ALL_BUT_GREEN])
    def test_views_without_one_say_so(
        self, image: Path, tmp_path: Path, view: str, selection: ClusterSelection
    ) -> None:
        settings = RenderSettings(view, background="blur")  # type: ignore[arg-type]
        report = convert(image, tmp_path / "o.png", rendering=settings, selection=selection)
        note = f"{view} has no background, so blur is seen nowhere"
        assert [each for each in report.notes if "background" in each] == [note]


@pytest.mark.parametrize(
    ("settings", "selection", "note"),
    [
        (
            RenderSettings(feather=3, despeckle=9),
            ClusterSelection(),
            "no cluster is switched off, so there is nothing for feather and despeckle to do",
        ),
        (RenderSettings(feather=0, despeckle=0), ClusterSelection(), None),
        (RenderSettings(feather=3, despeckle=9), ALL_BUT_GREEN, None),
        (RenderSettings("matte", despeckle=9), ALL_BUT_GREEN, None),
        (
            RenderSettings("boundaries", feather=3, despeckle=9),
            ClusterSelection(),
            "boundaries switches nothing off, so there is nothing for feather to do",
        ),
        (
            RenderSettings("masked", feather=3),
            ClusterSelection(),
            "no cluster is switched off, so masked shows the whole source",
        ),
        (
            RenderSettings("masked"),
            ClusterSelection(disabled=tuple(range(5))),
            "all clusters are switched off, so nothing of the source is seen",
        ),
        (RenderSettings("matte"), ClusterSelection(disabled=tuple(range(5))), None),
        (
            RenderSettings("boundaries"),
            ALL_BUT_GREEN,
            "boundaries shows all clusters, so that switching some off hides nothing",
        ),
        (RenderSettings("labels"), ClusterSelection(), None),
    ],
)
def test_edges_that_are_not_there_are_told(
    image: Path,
    tmp_path: Path,
    settings: RenderSettings,
    selection: ClusterSelection,
    note: str | None,
) -> None:
    report = convert(image, tmp_path / "o.png", rendering=settings, selection=selection)
    assert [each for each in report.notes if ", so " in each] == ([] if note is None else [note])


class TestTransparent:
    @pytest.mark.parametrize("view", ["masked", "segmented"])
    def test_an_image(self, image: Path, tmp_path: Path, view: str) -> None:
        settings = RenderSettings(view, background="transparent")  # type: ignore[arg-type]
        convert(
            image, tmp_path / "o.png", segmenter=K4, rendering=settings, selection=ALL_BUT_GREEN
        )
        with Image.open(tmp_path / "o.png") as picture:
            assert picture.mode == "RGBA"
            alpha = np.asarray(picture)[..., 3]
        assert (alpha[:22, 34:] == 255).all()
        assert (alpha[26:] == 0).all()
        assert (alpha[:, :30] == 0).all()


class TestMatteView:
    def test_lossless_it_is_gray(self, clip: Path, tmp_path: Path) -> None:
        settings = RenderSettings("matte", feather=0)
        encoder = EncoderSettings(lossless=True)
        convert(
            clip,
            tmp_path / "o.mkv",
            segmenter=K4,
            rendering=settings,
            encoder=encoder,
            selection=ALL_BUT_GREEN,
        )
        assert inspect(tmp_path / "o.mkv").pixel_format == "gray"
        (matte, *_) = read_planes(tmp_path / "o.mkv")
        assert set(np.unique(matte)) == {0, 255}
        assert matte.mean() / 255 == pytest.approx(0.25, abs=0.01)

    def test_encoded_it_is_black_and_white(self, clip: Path, tmp_path: Path) -> None:
        convert(
            clip,
            tmp_path / "o.mp4",
            segmenter=K4,
            rendering=RenderSettings("matte"),
            selection=ALL_BUT_GREEN,
        )
        pixels = read_exact_bgr(tmp_path / "o.mp4").astype(int)
        assert pixels[:, 4:20, 36:60].min() >= 250
        assert pixels[:, 30:44].max() <= 5
        assert np.ptp(pixels, axis=3).max() <= 3

    def test_an_image_is_gray(self, image: Path, tmp_path: Path) -> None:
        settings = RenderSettings("matte", feather=0)
        convert(
            image, tmp_path / "o.png", segmenter=K4, rendering=settings, selection=ALL_BUT_GREEN
        )
        with Image.open(tmp_path / "o.png") as picture:
            assert picture.mode == "L"
            assert picture.getextrema() == (0, 255)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ("--background gren", 2, "'gren' is no colour; did you mean green?"),
        ("--background blur:x", 2, "give pixels from 1 to 1000, as in blur:20"),
        ("--background blur:2.5", 2, "give pixels from 1 to 1000, as in blur:20"),
        ("--background ./images", 1, "the background images is a folder; give an image or a video"),
        ("--background /dev/zero", 1, "the background /dev/zero is not a file; give an image or a"),
        ("--background no.jpg", 1, "the background no.jpg does not exist; check the name"),
        ("--background http://a.example/b.jpg", 2, "is an address; download it first"),
        ("--background text.mp4 --disable 1", 1, "text.mp4 is not a video that ffmpeg can decode"),
        ("--only navi", 2, "did you mean navy?"),
        ("--disable 1,,2", 2, "'' is no colour"),
        ("--pick 64,0", 1, "pixel 64,0 lies outside the picture; choose from 0,0 to 63,47"),
        ("--pick 3", 2, "'3' is no pixel such as 320,240"),
        ("--pick 1,1 --pick-off 2,2", 2, "give one kind"),
        ("--feather -1", 2, "the feather cannot be -1; give a whole number from 0 to 100"),
        ("--despeckle 1.5", 2, "'1.5' is no whole number"),
    ],
)
def test_bad_input(clip: Path, tmp_path: Path, options: str, code: int, message: str) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "images").mkdir()
    before = sorted(tmp_path.iterdir())
    outcome = run("convert", clip, "-o", "o.mp4", *options.split(), cwd=tmp_path)
    assert (outcome.code, outcome.out) == (code, "")
    assert re.fullmatch(rf"kseg-video: error: .*{re.escape(message)}.*\n", outcome.err), outcome.err
    assert sorted(tmp_path.iterdir()) == before
