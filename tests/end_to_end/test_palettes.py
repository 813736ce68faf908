"""Palettes: found, written, read, and kept."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pytest
from PIL import Image, ImagePalette

from kseg_video import (
    Palette,
    RenderSettings,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    SinkError,
    SourceError,
    TrimSettings,
    convert,
    find_palette,
    load_palette,
    save_palette,
)
from kseg_video.core.color_spaces import to_working
from kseg_video.core.settings import ColorSpace
from kseg_video.live.key_bindings import PointedKeyPress, press
from kseg_video.live.live_state import LiveState
from kseg_video.segmentation.auto_cluster_count import AutoClusterCount, choose_cluster_count
from kseg_video.segmentation.nearest_centroid import inertia_of
from tests.helpers.commands import run
from tests.helpers.media import ffmpeg, left_in, make_clip
from tests.helpers.oracles import exact_lab
from tests.helpers.pictures import QUADRANTS, quadrants
from tests.helpers.terminals import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

COLORS = np.array([(30, 20, 10), (200, 100, 50), (255, 254, 253)], np.uint8)  # BGR
HEX = ("#0a141e", "#3264c8", "#fdfeff")
AUTO = SegmenterSettings(n_clusters="auto")
PALETTE = Palette(
    centroids=COLORS.astype(np.float32),
    colors=COLORS,
    shares=np.array([0.5, 0.125, 0.375]),
    real=np.ones(3, bool),
)


def write_image(path: Path, bgr: NDArray[np.uint8]) -> Path:
    Image.fromarray(np.ascontiguousarray(bgr[..., ::-1])).save(path)
    return path


def count_of(picture: NDArray[Any], sigma: float, space: ColorSpace = "rgb") -> AutoClusterCount:
    """The automatic number of clusters of a picture with added Gaussian noise."""
    noise = np.random.default_rng(0).normal(0, sigma, picture.shape)
    levels = np.clip(np.rint(picture + noise), 0, 255).astype(np.float32)
    settings = SegmenterSettings(color_space=space)
    return choose_cluster_count(to_working(levels.reshape(-1, 3), space), settings)


class TestFiles:
    @pytest.mark.parametrize("suffix", [".json", ".gpl", ".hex"])
    def test_colors_come_back_in_their_order(self, tmp_path: Path, suffix: str) -> None:
        save_palette(tmp_path / f"a{suffix}", PALETTE)
        assert load_palette(tmp_path / f"a{suffix}") == HEX
        assert left_in(tmp_path) == [f"a{suffix}"]

    def test_json_holds_all_figures(self, tmp_path: Path) -> None:
        save_palette(tmp_path / "a.json", PALETTE)
        rows = json.loads((tmp_path / "a.json").read_text())["palette"]
        assert rows[1]["lab"] == pytest.approx(exact_lab(*COLORS[1]), abs=0.006)
        del rows[1]["lab"]
        assert rows[1] == {"cluster": 1, "hex": HEX[1], "rgb": [50, 100, 200], "share": 0.125}

    def test_json_tells_the_space_that_it_was_fitted_in(self, tmp_path: Path) -> None:
        save_palette(tmp_path / "a.json", PALETTE, color_space="oklab")
        assert json.loads((tmp_path / "a.json").read_text())["color_space"] == "oklab"
        assert load_palette(tmp_path / "a.json") == HEX

    def test_pillow_reads_the_gimp_palette(self, tmp_path: Path) -> None:
        save_palette(tmp_path / "a.gpl", PALETTE)
        levels, _ = ImagePalette.load(str(tmp_path / "a.gpl"))
        assert levels[:9] == COLORS[:, ::-1].tobytes()

    def test_hex_is_a_plain_list(self, tmp_path: Path) -> None:
        save_palette(tmp_path / "a.hex", PALETTE)
        assert (tmp_path / "a.hex").read_text() == "0a141e\n3264c8\nfdfeff\n"

    def test_the_picture_shows_shares_and_swatches(self, tmp_path: Path) -> None:
        save_palette(tmp_path / "a.png", PALETTE)
        with Image.open(tmp_path / "a.png") as picture:
            pixels = np.asarray(picture)
        strip = pixels[60, 32:-32, ::-1]
        for color, share in zip(COLORS, PALETTE.shares, strict=True):
            assert (strip == color).all(axis=-1).mean() == pytest.approx(share, abs=0.002)
            assert (pixels[..., ::-1] == color).all(axis=-1).sum() > 10_000

    def test_names_may_be_plain_text(self, tmp_path: Path) -> None:
        save_palette(f"{tmp_path}/a.hex", PALETTE)
        assert load_palette(f"{tmp_path}/a.hex") == HEX

    def test_an_existing_file_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "a.hex").write_text("precious")
        with pytest.raises(SinkError, match="exists; choose another output"):
            save_palette(tmp_path / "a.hex", PALETTE)
        assert (tmp_path / "a.hex").read_text() == "precious"
        save_palette(tmp_path / "a.hex", PALETTE, overwrite=True)
        assert load_palette(tmp_path / "a.hex") == HEX
        assert left_in(tmp_path) == ["a.hex"]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.json", '["#0A141E", "3264c8", "#fdfeff"]'),
            ("a.json", '[{"hex": "#0a141e"}, {"hex": "#3264c8"}, {"hex": "#fdfeff"}]'),
            ("a.hex", "\ufeff#0a141e\r\n3264C8\r\n\r\nfdfeff"),
            (
                "a.gpl",
                "GIMP Palette\r\nName: x\r\n# note\r\n10 20 30\tInk\n 50 100 200\n253 254 255",
            ),
        ],
    )
    def test_what_others_write_is_read(self, tmp_path: Path, name: str, text: str) -> None:
        (tmp_path / name).write_text(text, "utf-8", newline="")
        assert load_palette(tmp_path / name) == HEX

    def test_what_convert_prints_is_read(self, tmp_path: Path) -> None:
        write_image(tmp_path / "a.png", quadrants(noise=0))
        done = run("convert", tmp_path / "a.png", "-o", tmp_path / "b.png", "-k", "6", "--json")
        (tmp_path / "a.json").write_text(done.out)
        assert set(load_palette(tmp_path / "a.json")) == {
            f"#{red:02x}{green:02x}{blue:02x}" for blue, green, red in QUADRANTS.tolist()
        }

    @pytest.mark.parametrize(
        ("name", "text", "message"),
        [
            ("a.hex", "", "holds 0 colours; a palette has 1 to 32 of them"),
            ("a.hex", "abcdef\n" * 40, "holds 40 colours"),
            ("a.hex", "abcdef\n" * 33, "holds 33 colours"),
            ("a.json", json.dumps(["#abcdef"] * 33), "holds 33 colours"),
            ("a.gpl", "GIMP Palette\n" + "1 2 3\n" * 33, "holds 33 colours"),
            ("a.json", "[]", "holds 0 colours"),
            ("a.json", '{"palette": []}', "holds 0 colours"),
            ("a.json", "{}", "it holds no list of colours"),
            ("a.json", "3", "it holds no list of colours"),
            ("a.json", '{"palette": 3}', "it holds no list of colours"),
            ("a.json", '[{"palette": []}]', r"it holds 1 palette in a list; leave one alone in it"),
            (
                "a.json",
                '[{"palette": ["#102030"]}, {"input": "a", "error": "b"}, {"palette": []}]',
                r"it holds 2 palettes in a list; leave one alone in it",
            ),
            ("a.json", "[3]", "3 is no colour such as #2b6cb0"),
            ("a.json", '[{"rgb": [1, 2, 3]}]', "None is no colour such as #2b6cb0"),
            ("a.json", "not JSON", "is no palette that can be read"),
            ("a.hex", "abcde\n", "'abcde' is no colour such as"),
            ("a.hex", "\xff\xfe", "is no colour such as"),
            ("a.gpl", "", "first line is not"),
            ("a.gpl", "10 20 30\n", "first line is not"),
            ("a.gpl", "GIMP Palette\n10 20 300\n", "'10 20 300' is no colour"),
            ("a.gpl", "GIMP Palette\nten\n", "'ten' is no colour"),
        ],
    )
    def test_bad_files(self, tmp_path: Path, name: str, text: str, message: str) -> None:
        (tmp_path / name).write_text(text, "utf-8")
        with pytest.raises(SourceError, match=message):
            load_palette(tmp_path / name)

    def test_a_binary_file(self, tmp_path: Path) -> None:
        (tmp_path / "a.json").write_bytes(b"\x80\x81")
        with pytest.raises(
            SourceError, match=r"is no palette that can be read .*; make one with: kseg-video"
        ):
            load_palette(tmp_path / "a.json")

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"cannot be read .*; check the name"):
            load_palette(tmp_path / "a.json")

    def test_unknown_suffixes(self, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match=r"a\.png cannot be read .* one of \.json, \.gpl"):
            load_palette(tmp_path / "a.png")
        with pytest.raises(SettingsError, match=r"a\.txt is no palette; choose one of \.json"):
            save_palette(tmp_path / "a.txt", PALETTE)


class TestNumberOfClusters:
    @pytest.mark.parametrize("noise", [0, 6, 20])
    @pytest.mark.parametrize("space", ["rgb", "lab", "oklab"])
    def test_four_colors_are_four(self, noise: int, space: str) -> None:
        bgr = quadrants(90, 90, noise).reshape(-1, 3).astype(np.float32)
        colors = to_working(bgr, space)  # type: ignore[arg-type]
        settings = SegmenterSettings(color_space=space)  # type: ignore[arg-type]
        assert choose_cluster_count(colors, settings).count == 4

    @pytest.mark.parametrize("count", [2, 3, 7, 12])
    def test_separate_colors_are_counted(self, count: int) -> None:
        grid = np.array([(b, g, r) for b in (0, 120, 240) for g in (0, 120, 240) for r in (0, 240)])
        grid = np.concatenate([grid, [(60, 60, 120), (180, 60, 120)]])
        colors = grid[np.arange(4000) % count].astype(np.float32)
        assert choose_cluster_count(colors, SegmenterSettings()).count == count

    def test_one_color_is_one(self) -> None:
        chosen = choose_cluster_count(np.full((50, 3), 7, np.float32), SegmenterSettings())
        assert (chosen.count, chosen.next_gain) == (1, 0)
        assert chosen.reason.startswith("1 cluster explains 100.0% of the colours' variance, one")

    @pytest.mark.parametrize("space", get_args(ColorSpace))
    @pytest.mark.parametrize("sigma", [1, 2, 4, 8])
    @pytest.mark.parametrize("color", [(128, 128, 128), (200, 60, 40), (9, 9, 30), (30, 220, 240)])
    def test_one_color_with_noise_is_one(
        self, space: ColorSpace, sigma: float, color: tuple[int, int, int]
    ) -> None:
        chosen = count_of(np.full((120, 160, 3), color), sigma, space)
        assert (chosen.count, chosen.leaves_noise) == (1, True)
        assert chosen.reason.endswith("0.0% of the colours' variance, and the rest is noise")

    @pytest.mark.parametrize("sigma", [1, 4, 8])
    @pytest.mark.parametrize("space", ["rgb", "lab"])
    def test_noise_of_luma_alone_is_noise(self, sigma: float, space: ColorSpace) -> None:
        rng = np.random.default_rng(0)
        noise = np.repeat(rng.normal(0, sigma, (120, 160, 1)), 3, axis=2)
        assert count_of(128 + noise, 0, space).count == 1

    @pytest.mark.parametrize("sigma", [0, 1, 2, 4, 8])
    @pytest.mark.parametrize("apart", [25, 60, 120])
    @pytest.mark.parametrize("place", ["halves", "stripes", "at random"])
    def test_two_colors_with_noise_are_two(self, sigma: float, apart: int, place: str) -> None:
        mask = np.zeros((120, 160), bool)
        if place == "halves":
            mask[:, 80:] = True
        elif place == "stripes":
            mask[:, ::2] = True
        else:
            mask = np.random.default_rng(1).random(mask.shape) < 0.5
            apart = max(apart, 40)  # nearer ones count as one color with noise
        picture = np.where(mask[..., np.newaxis], 90 + apart, 90).repeat(3, axis=2)
        assert count_of(picture, sigma).count == 2

    @pytest.mark.parametrize("sigma", [0, 2, 4])
    @pytest.mark.parametrize("high", [50, 130, 255])
    def test_a_gradient_is_several(self, sigma: float, high: int) -> None:
        levels = np.linspace(0, high, 160)[np.newaxis, :, np.newaxis]
        assert count_of(np.broadcast_to(levels, (120, 160, 3)), sigma).count >= 3

    def test_a_small_thing_before_a_noisy_wall_is_seen(self) -> None:
        picture = np.full((120, 160, 3), 90)
        picture[50:60, 70:80] = 200
        assert count_of(picture, 5).count == 2

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            ("a.mp4", ("-crf", "18")),
            ("a.mp4", ("-crf", "28")),
            ("a.webm", ()),
            ("a.jpg", ("-frames:v", "1", "-q:v", "5")),
        ],
    )
    def test_noise_that_was_compressed(
        self, tmp_path: Path, name: str, options: tuple[str, ...]
    ) -> None:
        noise = ("-vf", "noise=alls=8:allf=t")
        wall = "color=c=0x5080a0"
        clip = make_clip(tmp_path / name, *noise, *options, size="320x180", picture=wall)
        report = convert(clip, tmp_path / f"b{clip.suffix}", segmenter=AUTO)
        assert (len(report.palette), report.palette.shares.tolist()) == (1, [1])
        assert report.notes[0] == (
            "1 cluster explains 0.0% of the colours' variance, and the rest is noise"
        )

    def test_the_reason_says_what_is_so(self, lake_image: Path) -> None:
        found = find_palette(lake_image, AUTO)
        assert found.auto_count is not None
        count = found.auto_count.count
        assert count == len(found.palette) == found.settings.n_clusters
        with Image.open(lake_image) as picture:
            colors = np.asarray(picture)[..., ::-1].reshape(-1, 3).astype(np.float32)
        counts = (1, count - 1, count, count + 1)
        fits = [find_palette(lake_image, SegmenterSettings(n_clusters=each)) for each in counts]
        inertias = [inertia_of(colors, fit.palette.centroids) for fit in fits]
        explained = 1 - np.array(inertias) / inertias[0]
        assert found.auto_count.explained == pytest.approx(explained[2], abs=0.002)
        assert explained[2] - explained[1] > 0.015 > explained[3] - explained[2]
        assert found.auto_count.reason == (
            f"{count} clusters explain {found.auto_count.explained:.1%} of the colours' variance, "
            f"one more would add only {found.auto_count.next_gain:.2%}"
        )

    def test_convert_says_why(self, tmp_path: Path) -> None:
        write_image(tmp_path / "a.png", quadrants())
        report = convert(tmp_path / "a.png", tmp_path / "b.png", segmenter=AUTO)
        assert len(report.palette) == 4
        assert report.notes[0].startswith("4 clusters explain 99")

    def test_by_command(self, tmp_path: Path) -> None:
        write_image(tmp_path / "a.png", quadrants())
        done = run("convert", tmp_path / "a.png", "-o", tmp_path / "b.png", "-k", "auto", "--json")
        summary = json.loads(done.out)
        assert (done.code, summary["clusters"]) == (0, 4)
        assert "4 clusters explain 99" in done.err
        assert "4 clusters explain 99" in summary["notes"][0]


class TestFinding:
    def test_a_video_counts_from_end_to_end(self, tmp_path: Path) -> None:
        for color in ("red", "lime", "blue"):
            make_clip(tmp_path / f"{color}.mkv", "-c:v", "ffv1", picture=f"color=c={color}")
        (tmp_path / "list").write_text("".join(f"file {c}.mkv\n" for c in ("red", "lime", "blue")))
        clip = tmp_path / "a.mkv"
        ffmpeg("-f", "concat", "-i", tmp_path / "list", "-c", "copy", clip)
        palette = find_palette(clip, SegmenterSettings(n_clusters=3)).palette
        assert palette.shares.tolist() == pytest.approx([1 / 3] * 3, abs=0.01)
        assert [np.argmax(color) for color in palette.colors] == [0, 2, 1]
        part = find_palette(clip, SegmenterSettings(n_clusters=3), trim=TrimSettings(0.2, 0.8))
        assert len(part.palette) == 1

    def test_several_inputs_share_one(self, tmp_path: Path) -> None:
        paths = [
            write_image(tmp_path / f"{level}.png", np.full((8, 8, 3), level, np.uint8))
            for level in (10, 90, 250)
        ]
        palette = find_palette(paths, SegmenterSettings(n_clusters=3)).palette
        assert palette.hex_colors == ["#0a0a0a", "#5a5a5a", "#fafafa"]

    def test_the_command_prints_and_writes(self, tmp_path: Path) -> None:
        image = write_image(tmp_path / "a.png", quadrants(noise=0))
        outputs = [tmp_path / f"p{suffix}" for suffix in (".json", ".gpl", ".hex", ".png")]
        options = [part for path in outputs for part in ("-o", path)]
        done = run("palette", image, "-k", "4", *options)
        assert (done.code, done.err) == (0, "")
        assert all(path.stat().st_size for path in outputs)
        lines = done.out.splitlines()
        assert lines[0].split() == ["hex", "RGB", "Lab", "share"]
        for number, (line, color) in enumerate(
            zip(lines[1:], load_palette(outputs[0]), strict=True)
        ):
            red, green, blue = bytes.fromhex(color[1:])
            words = line.split()
            assert words[:5] == [str(number), color, f"{red},", f"{green},", f"{blue}"]
            assert float(words[-1].rstrip("%")) == pytest.approx(25, abs=2)

    def test_swatches_are_colored_on_a_terminal(self, tmp_path: Path) -> None:
        image = write_image(tmp_path / "a.png", quadrants(noise=0))
        with Terminal("palette", image, "-k", "auto") as terminal:
            assert terminal.end() == 0
            assert "4 clusters explain" in terminal.text
            for blue, green, red in QUADRANTS.tolist():
                assert f"\x1b[48;2;{red};{green};{blue}m   " in terminal.text

    def test_json_goes_to_standard_output(self, tmp_path: Path) -> None:
        image = write_image(tmp_path / "a.png", quadrants(noise=0))
        data = json.loads(run("palette", image, "-k", "auto", "--json").out)
        assert (data["clusters"], len(data["palette"])) == (4, 4)
        assert data["reason"].startswith("4 clusters explain 100.0%")

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("options", "code", "message"),
        [
            (("a.png", "-o", "p.txt"), 2, "p.txt is no palette; choose one of .json, .gpl, .hex"),
            (("a.png", "-o", "p.hex", "-o", "p.hex"), 2, "p.hex is given twice"),
            (("a.png", "-k", "some"), 2, "'some' is neither a number nor auto"),
            (("a.png", "-k", "40"), 2, "give a whole number from 1 to 32"),
            (("a.png", "-o", "there.hex"), 1, "there.hex exists; choose another output or pass"),
            (("a.png", "-o", "no/p.hex"), 1, "folder no does not exist; make it first"),
            (("a.png", "-o", "a.png", "-y"), 1, "a.png is the input itself"),
            (("b.png",), 1, "b.png does not exist"),
        ],
    )
    def test_what_cannot_be(
        self, tmp_path: Path, options: tuple[str, ...], code: int, message: str
    ) -> None:
        write_image(tmp_path / "a.png", quadrants())
        (tmp_path / "there.hex").write_text("precious")
        done = run("palette", *options, cwd=tmp_path)
        assert (done.code, done.out) == (code, "")
        assert message in done.err
        assert len(done.err.splitlines()) == 1
        assert left_in(tmp_path) == ["a.png", "there.hex"]


class TestKeeping:
    def test_given_colors_are_the_clusters_of_every_frame(self) -> None:
        segmenter = Segmenter(SegmenterSettings(n_clusters=3, palette=HEX, stability=0))
        for seed in range(3):
            picture = quadrants(40, 40, noise=10 * seed, seed=seed)
            segmentation = segmenter.segment(picture)
            assert segmentation.palette.hex_colors == list(HEX)
            distances = ((picture[:, :, None].astype(int) - COLORS) ** 2).sum(axis=-1)
            # By table, a pixel on the border of two clusters may go either way.
            chosen = np.take_along_axis(distances, segmentation.labels[..., None], 2)[..., 0]
            assert chosen.mean() <= 1.01 * distances.min(axis=-1).mean()

    @pytest.mark.parametrize("space", ["lab", "oklab", "hsv", "ycrcb", "luv"])
    def test_they_are_exact_in_every_space(self, space: str) -> None:
        settings = SegmenterSettings(n_clusters=3, palette=HEX, color_space=space)  # type: ignore[arg-type]
        assert Segmenter(settings).segment(quadrants()).palette.hex_colors == list(HEX)

    def test_a_series_has_the_same_clusters(self, tmp_path: Path, lake_clip: Path) -> None:
        save_palette(tmp_path / "a.hex", PALETTE)
        for start in ("0", "5"):
            output = tmp_path / f"{start}.mkv"
            done = run(
                *("convert", lake_clip, "--palette", tmp_path / "a.hex", "-o", output, "--json"),
                *("--lossless", "--start", start, "--max-frames", "2", "-q"),
            )
            rows = json.loads(done.out)["palette"]
            assert [row["hex"] for row in rows] == list(HEX)

    @pytest.mark.thorough
    def test_distances_are_measured_where_they_were_fitted(self, tmp_path: Path) -> None:
        write_image(tmp_path / "in.png", quadrants())

        def space_of(*options: str) -> str:
            done = run(
                "convert", "in.png", "-o", "out.png", "-yq", "--json", *options, cwd=tmp_path
            )
            assert done.code == 0
            return str(json.loads(done.out)["color_space"])

        palette = ("palette", "in.png", "-k", "3", "--color-space", "lab", "-q")
        assert run(*palette, "-o", "a.json", "-o", "a.hex", cwd=tmp_path).code == 0
        assert space_of("--palette", "a.json") == "lab"
        assert space_of("--palette", "a.json", "--color-space", "luv") == "luv"
        assert space_of("--palette", "a.hex") == "rgb"
        (tmp_path / "b.json").write_text('{"color_space": "cmyk", "palette": ["#102030"]}')
        assert space_of("--palette", "b.json") == "rgb"

    def test_frozen_is_the_first_frame_s(self) -> None:
        pictures = [quadrants(40, 40, seed=seed) for seed in range(4)]
        pictures += [np.asarray(255 - picture, np.uint8) for picture in pictures]
        frozen = Segmenter(SegmenterSettings(n_clusters=4, frozen=True))
        first = frozen.segment(pictures[0]).palette.hex_colors
        events = []
        for picture in pictures[1:]:
            segmentation = frozen.segment(picture)
            events.append(segmentation.event)
            assert segmentation.palette.hex_colors == first
        assert events == ["warm"] * 3 + ["cut"] + ["warm"] * 3

    def test_live_starts_frozen_and_can_release_it(self) -> None:
        settings = SegmenterSettings(n_clusters=3, palette=HEX)
        assert settings.holds_palette
        state = LiveState(settings, RenderSettings(), frozen=settings.holds_palette)
        more, _ = press(state, PointedKeyPress("]"))
        assert (more.segmenter.cluster_count, more.segmenter.palette) == (4, ())
        released, _ = press(state, PointedKeyPress("p"))
        assert not released.frozen

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"n_clusters": 2, "palette": HEX}, "palette of 3 colours makes as many clusters"),
            (
                {"n_clusters": 1, "palette": ("red",)},
                "cannot be 'red'; write it as #2b6cb0",
            ),
        ],
    )
    def test_bad_settings(self, settings: dict[str, object], message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            SegmenterSettings(**settings)  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("options", "code", "message"),
        [
            (("-k", "3", "--palette", "a.hex"), 2, "not allowed with"),
            (("-k", "5", "--palette", "a.hex"), 2, "not allowed with"),
            (("--palette", "a.png"), 2, "cannot be read as a palette"),
            (("--palette", "."), 2, ". cannot be read as a palette; choose one of .json"),
            (("--palette", "none.hex"), 1, "cannot be read (No such file"),
            (("--palette", "40.hex"), 1, "holds 40 colours; a palette has 1 to 32"),
            (("--palette", "0.hex"), 1, "holds 0 colours"),
        ],
    )
    def test_bad_use(
        self, tmp_path: Path, options: tuple[str, ...], code: int, message: str
    ) -> None:
        save_palette(tmp_path / "a.hex", PALETTE)
        (tmp_path / "40.hex").write_text("abcdef\n" * 40)
        (tmp_path / "0.hex").touch()
        write_image(tmp_path / "in.png", quadrants())
        done = run("convert", "in.png", "-o", "out.png", *options, cwd=tmp_path)
        assert (done.code, len(done.err.splitlines())) == (code, 1)
        assert message in done.err
        assert not (tmp_path / "out.png").exists()
