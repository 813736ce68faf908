"""GIF and WebP as Pillow reads them."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    EncoderSettings,
    RenderSettings,
    SegmenterSettings,
    SinkError,
    TrimSettings,
    convert,
    open_source,
)
from kseg_video.core.frame import Frame
from kseg_video.writing.sinks import open_sink
from tests.helpers.flat_pictures import COLORS, INFO, quarters
from tests.helpers.media import left_in
from tests.helpers.pictures import photo_like

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def write(path: Path, frames: list[Frame], rate: str = "25") -> list[str]:
    info = dataclasses.replace(
        INFO,
        frame_rate=Fraction(rate),
        layout=frames[0].layout,
        has_alpha=frames[0].alpha is not None,
    )
    with open_sink(path, info) as sink:
        for frame in frames:
            sink.write(frame)
    return sink.notes


def read(path: Path) -> tuple[NDArray[np.uint8], list[float]]:
    """Frames in RGB and opacity as they are shown, and the milliseconds that each lasts."""
    pictures, durations = [], []
    with Image.open(path) as animation:
        count = animation.n_frames  # type: ignore[attr-defined]
        assert count == 1 or animation.info["loop"] == 0
        for number in range(count):
            animation.seek(number)
            pictures.append(np.array(animation.convert("RGBA")))
            durations.append(animation.info["duration"])
    return np.stack(pictures), durations


def frames_of(path: Path) -> list[Frame]:
    with open_source(path) as source:
        return list(source)


def drifting(count: int = 9) -> list[NDArray[np.uint8]]:
    """A square that moves over quarters, one of which slowly changes its colour."""
    pictures = []
    for number in range(count):
        picture = quarters()
        picture[:24, :32] = (0, 40 + number // 3, 255)
        picture[20:28, 5 * number : 5 * number + 8] = (9, 9, 9)
        pictures.append(picture)
    return pictures


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
class TestBoth:
    def test_every_frame_has_its_own_exact_colors(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"a{suffix}", [Frame(picture) for picture in drifting()])
        pictures, _ = read(tmp_path / f"a{suffix}")
        assert np.array_equal(pictures[..., 2::-1], drifting())
        assert (pictures[..., 3] == 255).all()

    def test_clear_pixels_come_and_go(self, tmp_path: Path, suffix: str) -> None:
        alphas = [np.where(picture == 9, 0, 255).astype(np.uint8)[..., 0] for picture in drifting()]
        frames = [Frame(p, alpha=a) for p, a in zip(drifting(), alphas, strict=True)]
        write(tmp_path / f"a{suffix}", frames)
        pictures, _ = read(tmp_path / f"a{suffix}")
        assert np.array_equal(pictures[..., 3], alphas)
        opaque = pictures[..., 3] > 0
        assert np.array_equal(pictures[opaque][:, 2::-1], np.stack(drifting())[opaque])

    def test_all_clear(self, tmp_path: Path, suffix: str) -> None:
        clear = np.zeros((48, 64), np.uint8)
        frames = [Frame(quarters(), alpha=alpha) for alpha in (clear, clear + 255, clear)]
        write(tmp_path / f"a{suffix}", frames)
        pictures, _ = read(tmp_path / f"a{suffix}")
        assert pictures[..., 3].min(axis=(1, 2)).tolist() == [0, 255, 0]
        assert pictures[..., 3].max(axis=(1, 2)).tolist() == [0, 255, 0]

    def test_gray_levels_are_kept(self, tmp_path: Path, suffix: str) -> None:
        ramp = np.arange(48 * 64).reshape(48, 64).astype(np.uint8)
        write(tmp_path / f"a{suffix}", [Frame(ramp, "gray8"), Frame(255 - ramp, "gray8")])
        pictures, _ = read(tmp_path / f"a{suffix}")
        for channel in range(3):
            assert np.array_equal(pictures[..., channel], [ramp, 255 - ramp])

    def test_another_size_is_refused(self, tmp_path: Path, suffix: str) -> None:
        with pytest.raises(SinkError, match=r"opened for pictures of 64x48 \(bgr24\)"):
            write(tmp_path / f"a{suffix}", [Frame(quarters()), Frame(quarters(50, 60))])
        assert left_in(tmp_path) == []


@pytest.mark.parametrize(
    ("rate", "durations"),
    [
        ("25", [40] * 9),
        ("30000/1001", [30, 40, 30, 30, 40, 30, 30, 40, 30]),
        ("12", [80, 90, 80, 80, 90, 80, 80, 90, 80]),
        ("50", [20] * 9),
        ("60", [30, 40, 30, 30, 40]),
        ("100", [20] * 5),
    ],
)
def test_timing_of_a_gif(tmp_path: Path, rate: str, durations: list[int]) -> None:
    notes = write(tmp_path / "a.gif", [Frame(picture) for picture in drifting()], rate)
    _, stored = read(tmp_path / "a.gif")
    assert sum(stored) == pytest.approx(9000 / Fraction(rate), abs=20)
    assert min(stored) >= 20  # less would be shown as 100
    assert sorted(stored) == sorted(durations)
    shown = [f"GIF shows {float(Fraction(rate)) / 2:g} of the {rate} frames a second"]
    assert notes == (shown if rate in {"60", "100"} else [])


def shown_at(path: Path, count: int, rate: int) -> NDArray[np.uint8]:
    """What a GIF shows in the middle of each frame of its source, in RGB and opacity."""
    pictures, durations = read(path)
    ends = np.cumsum(durations)
    middles = (np.arange(count) + 0.5) * 1000 / rate
    return pictures[np.searchsorted(ends, middles)]


def random_pictures(seed: int, colors: int) -> tuple[list[NDArray[np.uint8]], NDArray[np.uint8]]:
    """Twelve pictures of changing colours, parts and all of which stay, and opacities to them."""
    rng = np.random.default_rng(seed)
    pictures, alphas = [], []
    picture = rng.integers(0, 256, (colors, 3)).astype(np.uint8)[rng.integers(0, colors, (48, 64))]
    alpha = np.full((48, 64), 255, np.uint8)
    for number in range(12):
        if number % 3:
            picture, alpha = picture.copy(), alpha.copy()
            top, left = rng.integers(0, 48), rng.integers(0, 64)
            picture[top : top + 9, left : left + 9] = rng.integers(0, 256, 3)
            alpha[left // 2 : left // 2 + 5, top : top + 5] = rng.choice([0, 255])
        pictures.append(picture)
        alphas.append(alpha)
    return pictures, np.stack(alphas)


@pytest.mark.parametrize("colors", [1, 3, 7, 200])
def test_a_gif_shows_exactly_what_it_was_given(tmp_path: Path, colors: int) -> None:
    pictures, _ = random_pictures(colors, colors)
    write(tmp_path / "a.gif", [Frame(picture) for picture in pictures])
    shown = shown_at(tmp_path / "a.gif", 12, 25)
    assert (shown[..., 3] == 255).all()
    assert np.array_equal(shown[..., 2::-1], pictures)
    assert np.array_equal([frame.bgr for frame in frames_of(tmp_path / "a.gif")], pictures)


@pytest.mark.parametrize("colors", [1, 3, 7, 200])
def test_a_transparent_gif_shows_exactly_what_it_was_given(tmp_path: Path, colors: int) -> None:
    pictures, alphas = random_pictures(colors, colors)
    write(tmp_path / "a.gif", [Frame(p, alpha=a) for p, a in zip(pictures, alphas, strict=True)])
    shown = shown_at(tmp_path / "a.gif", 12, 25)
    assert np.array_equal(shown[..., 3], alphas)
    assert np.array_equal(shown[alphas > 0][:, 2::-1], np.stack(pictures)[alphas > 0])


@pytest.mark.parametrize("levels", [4, 100, 256])
@pytest.mark.parametrize("layout", ["bgr24", "gray8"])
def test_imageio_reads_frames_of_one_kind(
    tmp_path: Path, layout: Literal["bgr24", "gray8"], levels: int
) -> None:
    ramp = (np.arange(48 * 64) % levels).reshape(48, 64).astype(np.uint8)
    pictures = [ramp, ramp[:, ::-1] // 2, np.maximum(ramp, 1)]
    if layout == "bgr24":
        pictures = [np.dstack([picture // 2, picture // 5, picture // 3]) for picture in pictures]
    frames = [Frame(picture, layout) for picture in pictures]
    write(tmp_path / "a.gif", frames)
    stored = iio.imread(tmp_path / "a.gif", index=None)
    assert np.array_equal(stored[..., ::-1], [frame.bgr for frame in frames])


def test_pictures_that_stay_are_stored_once(tmp_path: Path) -> None:
    first, second = Frame(quarters()), Frame(quarters()[::-1].copy())
    write(tmp_path / "a.gif", [first] * 5 + [second] * 3 + [first])
    _, durations = read(tmp_path / "a.gif")
    assert durations == [200, 120, 40]


def test_a_picture_may_stay_for_an_hour(tmp_path: Path) -> None:
    write(tmp_path / "a.gif", [Frame(quarters())] * 2, rate="1/1800")
    pictures, durations = read(tmp_path / "a.gif")
    assert sum(durations) == 3_600_000
    assert np.array_equal(pictures[..., 2::-1], [quarters()] * len(pictures))


def test_what_stays_costs_nothing_though_the_palette_changes(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    ground = rng.integers(0, 256, (200, 3)).astype(np.uint8)[rng.integers(0, 200, (48, 64))]
    pictures = []
    for number in range(20):
        pictures.append(ground.copy())
        pictures[-1][8:12, 3 * number : 3 * number + 4] = (number, 250, number)
    write(tmp_path / "one.gif", [Frame(pictures[0])])
    write(tmp_path / "all.gif", [Frame(picture) for picture in pictures])
    assert np.array_equal(shown_at(tmp_path / "all.gif", 20, 25)[..., 2::-1], pictures)
    assert (tmp_path / "all.gif").stat().st_size < 2 * (tmp_path / "one.gif").stat().st_size


def test_timing_of_a_webp(tmp_path: Path) -> None:
    write(tmp_path / "a.webp", [Frame(picture) for picture in drifting()], "60")
    _, stored = read(tmp_path / "a.webp")
    assert sum(stored) == pytest.approx(150, abs=1)
    assert len(stored) == 9


def test_255_colors_are_exact_and_256_are_not(tmp_path: Path) -> None:
    grid = np.arange(48 * 64).reshape(48, 64)
    for count in (255, 256):
        picture = np.stack([grid % count, np.full_like(grid, 7), grid % count // 2], axis=-1)
        notes = write(tmp_path / f"{count}.gif", [Frame(picture.astype(np.uint8))])
        pictures, _ = read(tmp_path / f"{count}.gif")
        assert np.array_equal(pictures[0, ..., 2::-1], picture) == (count == 255)
        assert len(notes) == (count == 256)


def test_what_stands_still_stands_still_in_a_reduced_gif(tmp_path: Path) -> None:
    still = photo_like(1, size=(48, 64))
    frames = []
    for number in range(4):
        picture = still.copy()
        picture[8:16, 8 * number : 8 * number + 8] = COLORS[0]
        frames.append(Frame(picture))
    assert write(tmp_path / "a.gif", frames) == [
        "reduced to the 255 colours of a GIF; .webp keeps more"
    ]
    pictures, _ = read(tmp_path / "a.gif")
    assert (pictures[:, 20:] == pictures[0, 20:]).all()
    assert np.abs(pictures[0, ..., 2::-1].astype(int) - frames[0].pixels).mean() < 5


def test_reduced_pictures_are_clear_where_they_should_be(tmp_path: Path) -> None:
    picture = photo_like(2, size=(48, 64))
    picture[:8], picture[8:16] = 255, 0
    alpha = np.full((48, 64), 255, np.uint8)
    alpha[20:30, 10:50] = 0
    write(tmp_path / "a.gif", [Frame(picture, alpha=alpha), Frame(picture[::-1], alpha=alpha)])
    pictures, _ = read(tmp_path / "a.gif")
    assert np.array_equal(pictures[..., 3], [alpha, alpha])
    opaque = alpha > 0
    for shown, source in zip(pictures, (picture, picture[::-1]), strict=True):
        difference = np.abs(shown[opaque][:, 2::-1].astype(int) - source[opaque])
        assert difference.mean() < 5
        assert difference.max() < 60


@pytest.mark.parametrize("name", ["a.gif", "a.webp", "%d.png"])
def test_oblong_pixels_are_told_of(tmp_path: Path, name: str) -> None:
    info = dataclasses.replace(INFO, sample_aspect_ratio=Fraction(4, 3))
    with open_sink(tmp_path / name, info) as sink:
        sink.write(Frame(quarters()))
    (note,) = sink.notes
    assert note.startswith("pixels have an aspect ratio of 4/3, which .")


def test_half_transparency_is_said_to_become_hard(tmp_path: Path) -> None:
    alpha = np.linspace(0, 255, 64).astype(np.uint8)[np.newaxis].repeat(48, axis=0)
    notes = write(tmp_path / "a.gif", [Frame(quarters(), alpha=alpha)] * 2)
    assert notes == ["GIF knows no half transparency: soft edges become hard"]
    pictures, _ = read(tmp_path / "a.gif")
    assert np.array_equal(pictures[0, ..., 3] == 255, alpha >= 128)


@pytest.mark.thorough
@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_a_segmented_clip_has_the_palette_and_nothing_else(
    tmp_path: Path, lake_clip: Path, suffix: str
) -> None:
    report = convert(
        lake_clip,
        tmp_path / f"a{suffix}",
        segmenter=SegmenterSettings(n_clusters=4),
        trim=TrimSettings(max_frames=5),
    )
    pictures, durations = read(tmp_path / f"a{suffix}")
    assert len(pictures) == 5
    assert sum(durations) == pytest.approx(5000 / report.info.frame_rate, abs=20)
    for picture in pictures:
        assert len(np.unique(picture.reshape(-1, 4), axis=0)) == 4
    last = {"#{:02x}{:02x}{:02x}".format(*color) for color in pictures[-1].reshape(-1, 4)[:, :3]}
    assert last == set(report.palette.hex_colors)


def test_a_masked_webp_is_lossy_and_small(tmp_path: Path) -> None:
    picture = Frame(photo_like(3))
    info = dataclasses.replace(INFO, width=240, height=180)
    sizes = []
    for lossless in (False, True):
        path = tmp_path / f"{lossless}.webp"
        with open_sink(path, info, EncoderSettings(lossless=lossless)) as sink:
            sink.write(picture)
        sizes.append(path.stat().st_size)
        pictures, _ = read(path)
        difference = np.abs(pictures[0, ..., 2::-1].astype(int) - picture.pixels)
        assert (difference.max() == 0) == lossless
        assert difference.mean() < 5
    assert sizes[0] < sizes[1]


def test_an_image_becomes_an_image_webp(tmp_path: Path, lake_image: Path) -> None:
    convert(lake_image, tmp_path / "a.webp", rendering=RenderSettings(view="segmented"))
    with Image.open(tmp_path / "a.webp") as picture:
        assert not picture.is_animated  # type: ignore[attr-defined]
