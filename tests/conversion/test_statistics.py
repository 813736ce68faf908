"""Statistics as the csv and json modules, Pillow and an XML parser read them."""

from __future__ import annotations

import csv
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    KsegError,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    SinkError,
    StatisticsSettings,
    convert,
    measure,
    open_source,
)
from kseg_video.conversion.frame_statistics import FrameStatistics
from kseg_video.conversion.statistics_plot import SharesPlot
from kseg_video.core.frame import Frame
from kseg_video.reading.image_files import write_image
from tests.helpers.commands import run
from tests.helpers.media import ffmpeg, left_in
from tests.helpers.oracles import exact_lab
from tests.helpers.pictures import QUADRANTS, quadrant_labels, quadrants

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import PaletteEvent

HALF_A_LEVEL = 0.51


def two_scenes(folder: Path) -> Path:
    """Five frames of a red square that moves right on blue, then five of greens, at 12.5 fps."""
    (folder / "images").mkdir()
    for number in range(10):
        picture = np.zeros((48, 64, 3), np.uint8)
        if number < 5:
            picture[:] = (255, 0, 0)
            picture[8:20, 4 + 2 * number : 20 + 2 * number] = (0, 0, 255)
        else:
            picture[:] = (0, 200, 0)
            picture[:12] = (90, 255, 90)
        write_image(folder / f"images/{number}.png", ".png", picture, None)
    ffmpeg("-framerate", "25/2", "-i", folder / "images/%d.png", "-c:v", "ffv1", folder / "a.mkv")
    return folder / "a.mkv"


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the statistics of the two scenes, in all forms."""
    folder = tmp_path_factory.mktemp("statistics")
    clip = two_scenes(folder)
    for table, plot in (("a.csv", "a.png"), ("a.jsonl", "a.svg")):
        convert(
            clip,
            folder / f"{table}.mkv",
            segmenter=SegmenterSettings(n_clusters=2, stability=0),
            statistics=StatisticsSettings(folder / table, folder / plot),
        )
    return folder


class TestTables:
    def test_a_row_for_each_frame_with_its_time(self, kept: Path) -> None:
        rows = read_csv(kept / "a.csv")
        assert [row["frame"] for row in rows] == [str(number) for number in range(10)]
        assert [float(row["time_s"]) for row in rows] == pytest.approx(np.arange(10) / 12.5)

    def test_columns(self, kept: Path) -> None:
        names = ["name", "share", "red", "green", "blue", "lab_l", "lab_a", "lab_b", "x", "y"]
        assert list(read_csv(kept / "a.csv")[0]) == [
            *("frame", "time_s", "event", "inertia"),
            *(f"{name}_{number}" for number in (0, 1) for name in names),
        ]

    def test_events(self, kept: Path) -> None:
        assert [row["event"] for row in read_csv(kept / "a.csv")] == [
            *("cold", "", "", "", ""),
            *("cut", "", "", "", ""),
        ]

    def test_figures_are_those_of_the_pictures(self, kept: Path) -> None:
        rows = read_csv(kept / "a.csv")
        for number, row in enumerate(rows[:5]):
            assert float(row["share_1"]) == pytest.approx(16 * 12 / (64 * 48), abs=1e-6)
            assert float(row["share_0"]) == pytest.approx(1 - 16 * 12 / (64 * 48), abs=1e-6)
            # The middle of 16 pixels from 4 on is 11.5.
            assert float(row["x_1"]) == pytest.approx(11.5 + 2 * number, abs=0.01)
            assert float(row["y_1"]) == pytest.approx(13.5, abs=0.01)
            red = [float(row[f"{name}_1"]) for name in ("red", "green", "blue")]
            assert red == pytest.approx([255, 0, 0], abs=HALF_A_LEVEL)
            lab = [float(row[f"lab_{name}_1"]) for name in "lab"]
            assert lab == pytest.approx([53.237, 80.090, 67.203], abs=1e-3)  # sRGB red under D65
            assert float(row["inertia"]) == pytest.approx(0, abs=0.01)
        last = rows[-1]
        by_share = sorted((float(last[f"share_{n}"]), float(last[f"y_{n}"])) for n in (0, 1))
        assert by_share == [pytest.approx((0.25, 5.5)), pytest.approx((0.75, 29.5))]

    def test_json_lines_hold_the_same(self, kept: Path) -> None:
        rows = read_csv(kept / "a.csv")
        lines = (kept / "a.jsonl").read_text("utf-8").splitlines()
        assert len(lines) == len(rows)
        for line, row in zip(lines, rows, strict=True):
            data = json.loads(line)
            assert data["event"] == (row["event"] or None)
            for name in ("frame", "time_s", "inertia"):
                assert data[name] == float(row[name])
            for cluster in data["clusters"]:
                number = cluster.pop("cluster")
                assert cluster.pop("name") == row[f"name_{number}"]
                for name, value in cluster.items():
                    assert value == float(row[f"{name}_{number}"])

    def test_fields_of_absent_clusters_are_empty(self, tmp_path: Path) -> None:
        Image.fromarray(quadrants(noise=0)[..., ::-1]).save(tmp_path / "a.png")
        convert(
            tmp_path / "a.png",
            tmp_path / "b.png",
            segmenter=SegmenterSettings(n_clusters=5),
            statistics=StatisticsSettings(tmp_path / "a.csv"),
        )
        (row,) = read_csv(tmp_path / "a.csv")
        assert (row["share_4"], row["red_4"], row["lab_l_4"], row["x_4"]) == ("0.0", "", "", "")
        assert row["share_3"] != "0.0"

    def test_an_absent_cluster_keeps_its_color_and_has_no_place(self) -> None:
        segmenter = Segmenter(SegmenterSettings(n_clusters=4))
        full = quadrants(60, 60, noise=0)
        without = full.copy()
        without[30:, 30:] = full[:30, :30]
        for picture in (full, full, without):
            segmentation = segmenter.segment(picture)
        statistics = measure(without, segmentation)
        (away,) = np.flatnonzero(statistics.shares == 0)
        assert np.abs(statistics.rgb[away] - QUADRANTS[3, ::-1]).max() < 3
        assert np.isnan(statistics.positions[away]).all()

    @pytest.mark.parametrize("space", ["lab", "hsv", "oklab", "ycrcb", "luv"])
    def test_colors_are_rgb_and_lab_whatever_the_working_space(self, space: str) -> None:
        picture = quadrants(40, 40)
        settings = SegmenterSettings(n_clusters=4, color_space=space)  # type: ignore[arg-type]
        segmentation = Segmenter(settings).segment(picture)
        statistics = measure(Frame(picture), segmentation)
        assert np.abs(statistics.rgb[:, ::-1] - segmentation.palette.colors).max() <= HALF_A_LEVEL
        assert np.abs(statistics.lab - segmentation.palette.lab).max() < 1

    def test_centroids_in_json_are_means_of_cie_lab(self, tmp_path: Path) -> None:
        picture = quadrants(40, 40)
        write_image(tmp_path / "a.png", ".png", picture, None)
        options = ("-k", "4", "--color-space", "lab", "--json", "--stats", tmp_path / "a.csv")
        done = run("convert", tmp_path / "a.png", "-o", tmp_path / "b.png", *options)
        rows = json.loads(done.out)["palette"]
        lab = np.array([[exact_lab(*color) for color in row] for row in picture])
        truth = quadrant_labels(40, 40)
        means = sorted(lab[truth == number].mean(axis=0).tolist() for number in range(4))
        centroids = sorted(row["centroid"] for row in rows)
        assert np.array(centroids) == pytest.approx(np.array(means), abs=0.002)
        (table,) = read_csv(tmp_path / "a.csv")
        for number, row in enumerate(rows):
            found = [float(table[f"lab_{name}_{number}"]) for name in "lab"]
            assert found == pytest.approx(row["centroid"], abs=0.01)

    def test_shares_and_places_are_those_of_the_labels(self, lake_clip: Path) -> None:
        with open_source(lake_clip) as source:
            frame = next(iter(source))
        segmentation = Segmenter(SegmenterSettings(n_clusters=6)).segment(frame)
        statistics = measure(frame, segmentation)
        for number in range(6):
            rows, columns = np.nonzero(segmentation.labels == number)
            assert statistics.shares[number] == len(rows) / segmentation.labels.size
            assert statistics.positions[number] == pytest.approx([columns.mean(), rows.mean()])


def statistics_of(
    number: int,
    shares: tuple[float, ...],
    event: PaletteEvent = "warm",
    colors: tuple[tuple[int, int, int], ...] = ((255, 0, 0), (0, 0, 255)),
) -> FrameStatistics:
    count = len(shares)
    rgb = np.array(colors, np.float32)
    return FrameStatistics(
        number,
        number / 25,
        event,
        0.0,
        np.array(shares),
        rgb,
        rgb,
        np.zeros((count, 2)),
        ("",) * count,
    )


def draw(path: Path, statistics: list[FrameStatistics]) -> NDArray[np.uint8]:
    with SharesPlot(path, 25, overwrite=True) as plot:
        for each in statistics:
            plot.add(each)
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def area_of(pixels: NDArray[np.uint8], color: tuple[int, int, int]) -> NDArray[np.bool_]:
    """Where a colour is in the plot, without the legend."""
    where = np.asarray((pixels == color).all(axis=-1))
    return where[:, : int(0.85 * where.shape[1])]


class TestPlot:
    def test_areas_have_the_clusters_colors_and_shares(self, tmp_path: Path) -> None:
        statistics = [statistics_of(n, (0.25, 0.75), "warm" if n else "cold") for n in range(50)]
        pixels = draw(tmp_path / "a.png", statistics)
        red, blue = area_of(pixels, (255, 0, 0)), area_of(pixels, (0, 0, 255))
        assert red.sum() / (red.sum() + blue.sum()) == pytest.approx(0.25, abs=0.01)
        assert np.nonzero(red)[0].min() > np.nonzero(blue)[0].max()

    def test_cuts_are_marked(self, tmp_path: Path) -> None:
        statistics = [statistics_of(n, (0.0, 1.0), "cut" if n == 20 else "warm") for n in range(50)]
        pixels = draw(tmp_path / "a.png", statistics)
        blue = area_of(pixels, (0, 0, 255))
        left, right = np.nonzero(blue.any(axis=0))[0][[0, -1]]
        columns = left + np.flatnonzero(~blue[:, left : right + 1].any(axis=0))
        assert len(columns)
        assert columns.mean() == pytest.approx(left + 0.4 * (right - left), abs=3)

    def test_the_legend_has_colors_that_are_drawn(self, tmp_path: Path) -> None:
        other = ((0, 200, 0), (200, 0, 200))
        statistics = [statistics_of(n, (0.2, 0.8)) for n in range(20)]
        statistics += [
            statistics_of(20 + n, (0.9, 0.1), "warm" if n else "cut", other) for n in range(9)
        ]
        pixels = draw(tmp_path / "a.png", statistics)
        legend = pixels[:, int(0.85 * pixels.shape[1]) :].reshape(-1, 3)
        for color, expected in (((0, 200, 0), True), ((0, 0, 255), True), ((255, 0, 0), False)):
            assert ((legend == color).all(axis=1).sum() > 100) == expected

    def test_a_long_video_takes_no_more_room(self, tmp_path: Path) -> None:
        plot = SharesPlot(tmp_path / "a.svg", 25, overwrite=False)
        for number in range(30_000):
            plot.add(statistics_of(number, (number / 30_000, 1 - number / 30_000)))
        assert len(plot._spans) <= 2000
        assert sum(span.frames for span in plot._spans) == 30_000
        plot.close()
        assert (tmp_path / "a.svg").stat().st_size < 500_000

    def test_what_the_command_draws(self, kept: Path) -> None:
        with Image.open(kept / "a.png") as picture:
            pixels = np.asarray(picture.convert("RGB"))
        blue, red = area_of(pixels, (0, 0, 255)), area_of(pixels, (255, 0, 0))
        assert red.sum() / (red.sum() + blue.sum()) == pytest.approx(0.0625, abs=0.01)
        assert area_of(pixels, (0, 200, 0)).sum() > area_of(pixels, (90, 255, 90)).sum() > 1000

    def test_svg_is_svg(self, kept: Path) -> None:
        root = ET.parse(kept / "a.svg").getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        text = (kept / "a.svg").read_text("utf-8")
        assert "#ff0000" in text
        assert "#00c800" in text

    def test_an_image_is_one_column(self, tmp_path: Path, lake_image: Path) -> None:
        plot = tmp_path / "a.png"
        report = convert(lake_image, tmp_path / "b.png", statistics=StatisticsSettings(plot=plot))
        with Image.open(plot) as picture:
            pixels = np.asarray(picture.convert("RGB"))
        colors = [tuple(color) for color in report.palette.colors[:, ::-1].tolist()]
        sizes = np.array([area_of(pixels, color).sum() for color in colors])
        assert sizes / sizes.sum() == pytest.approx(report.palette.shares, abs=0.01)


class TestRuns:
    def test_nothing_is_measured_unless_it_is_asked_for(
        self, tmp_path: Path, lake_image: Path
    ) -> None:
        def stages(name: str, statistics: StatisticsSettings | None) -> set[str]:
            report = convert(lake_image, tmp_path / name, statistics=statistics)
            return set(report.stage_milliseconds)

        assert "measure" not in stages("a.png", None)
        assert "measure" not in stages("b.png", StatisticsSettings())  # as the command has it
        assert "measure" in stages("c.png", StatisticsSettings(tmp_path / "c.csv"))

    def test_a_failed_run_leaves_no_statistics(self, tmp_path: Path, lake_clip: Path) -> None:
        with pytest.raises(SinkError, match="holds one picture"):
            convert(
                lake_clip,
                tmp_path / "a.png",
                statistics=StatisticsSettings(tmp_path / "a.csv", tmp_path / "b.png"),
            )
        assert left_in(tmp_path) == []

    def test_the_command(self, tmp_path: Path, lake_image: Path) -> None:
        done = run(
            *("convert", lake_image, "-o", "a.png", "--stats", "a.jsonl", "--stats-plot", "b.svg"),
            cwd=tmp_path,
        )
        assert (done.code, left_in(tmp_path)) == (0, ["a.jsonl", "a.png", "b.svg"])

    @pytest.mark.parametrize(
        ("options", "code", "message"),
        [
            (("a.png", "--stats", "a.txt"), 2, "a.txt cannot take statistics; choose .csv or"),
            (("a.png", "--stats-plot", "a.gif"), 2, "choose .png or .svg"),
            (("a.png", "-o", "b.png", "--stats-plot", "b.png"), 2, "b.png is given twice"),
            (("a.png", "c.png", "--stats", "a.csv"), 2, "a.csv is one file for several inputs"),
            (("a.png", "--stats", "there.csv"), 1, "there.csv exists; choose another output or"),
            (("a.png", "--stats", "no/a.csv"), 1, "folder no does not exist; make it first"),
            (("a.png", "--stats-plot", "a.png", "-y"), 1, "a.png is the input itself"),
        ],
    )
    def test_what_cannot_be(
        self, tmp_path: Path, options: tuple[str, ...], code: int, message: str
    ) -> None:
        for name in ("a.png", "c.png"):
            Image.fromarray(quadrants()).save(tmp_path / name)
        (tmp_path / "there.csv").write_text("precious")
        done = run("convert", *options, cwd=tmp_path)
        assert (done.code, len(done.err.splitlines())) == (code, 1)
        assert message in done.err
        assert left_in(tmp_path) == ["a.png", "c.png", "there.csv"]
        assert (tmp_path / "there.csv").read_text() == "precious"

    def test_existing_statistics_are_replaced_with_leave(
        self, tmp_path: Path, lake_image: Path
    ) -> None:
        (tmp_path / "a.csv").write_text("old")
        done = run(
            *("convert", lake_image, "-o", tmp_path / "a.png", "-y", "-q"),
            *("--stats", tmp_path / "a.csv"),
        )
        assert (done.code, len(read_csv(tmp_path / "a.csv"))) == (0, 1)

    def test_a_missing_matplotlib_is_said_at_once(
        self, tmp_path: Path, lake_image: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        with pytest.raises(KsegError, match="pip install matplotlib"):
            convert(
                lake_image,
                tmp_path / "a.png",
                statistics=StatisticsSettings(plot=tmp_path / "b.png"),
            )
        assert left_in(tmp_path) == []

    def test_names_may_be_plain_text(self, tmp_path: Path, lake_image: Path) -> None:
        statistics = StatisticsSettings(f"{tmp_path}/a.csv", f"{tmp_path}/a.svg")
        convert(lake_image, tmp_path / "a.png", statistics=statistics)
        assert left_in(tmp_path) == ["a.csv", "a.png", "a.svg"]

    def test_bad_settings(self) -> None:
        with pytest.raises(SettingsError, match=r"a\.xlsx cannot take statistics"):
            StatisticsSettings(Path("a.xlsx"))
