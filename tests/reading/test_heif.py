"""HEIF and AVIF photographs, as phones and cameras store them: in tiles, turned and cropped."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from kseg_video import SourceError, convert, open_source
from kseg_video.writing.output_paths import default_output
from tests.helpers.commands import run, run_measured
from tests.helpers.heif import box, cropped, mirrored, turned, write_grid
from tests.helpers.media import ffmpeg, left_in

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame

SIDE = 64
COLUMNS = 3
COLORS = (
    (200, 40, 40),
    (40, 200, 40),
    (40, 40, 200),
    (220, 220, 60),
    (60, 220, 220),
    (200, 60, 220),
)
TILES = [np.full((SIDE, SIDE, 3), color, np.uint8) for color in COLORS]
OPACITY = [np.full((SIDE, SIDE), level, np.uint8) for level in (255, 0, 128, 255, 64, 255)]
SIZE = (170, 111)  # odd, and less than the tiles
SUFFIXES = [".avif", ".heic"]


def put_together(tiles: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    rows = [np.hstack(tiles[start : start + COLUMNS]) for start in range(0, len(tiles), COLUMNS)]
    return np.vstack(rows)[: SIZE[1], : SIZE[0]]


def only_frame(path: Path) -> Frame:
    with open_source(path) as source:
        (frame,) = source
        assert source.info.is_image
        assert (source.info.width, source.info.height) == (frame.width, frame.height)
        assert source.info.has_alpha == (frame.alpha is not None)
    return frame


def check(frame: Frame, rgb: NDArray[np.uint8]) -> None:
    assert frame.bgr.shape == rgb.shape
    assert np.abs(frame.bgr[..., ::-1].astype(int) - rgb).max() <= 3


@pytest.mark.parametrize("suffix", SUFFIXES)
class TestGrids:
    def test_the_whole_picture_is_read(self, tmp_path: Path, suffix: str) -> None:
        frame = only_frame(write_grid(tmp_path / f"a{suffix}", TILES, COLUMNS, SIZE))
        check(frame, put_together(TILES))
        assert frame.alpha is None

    def test_opacity(self, tmp_path: Path, suffix: str) -> None:
        path = write_grid(tmp_path / f"a{suffix}", TILES, COLUMNS, SIZE, opacity=OPACITY)
        frame = only_frame(path)
        check(frame, put_together(TILES))
        assert frame.alpha is not None
        assert np.abs(frame.alpha.astype(int) - put_together(OPACITY)).max() <= 1

    @pytest.mark.parametrize("axis", [None, 0, 1])
    @pytest.mark.parametrize("quarters", range(4))
    def test_turned_and_mirrored(
        self, tmp_path: Path, suffix: str, quarters: int, axis: int | None
    ) -> None:
        properties = [turned(quarters), *([] if axis is None else [mirrored(axis)])]
        path = tmp_path / f"a{suffix}"
        write_grid(path, TILES, COLUMNS, SIZE, properties=properties)
        truth = np.rot90(put_together(TILES), quarters)
        check(only_frame(path), truth if axis is None else np.flip(truth, axis))

    def test_missing_tiles_are_refused(self, tmp_path: Path, suffix: str) -> None:
        path = write_grid(tmp_path / f"a{suffix}", TILES, COLUMNS, SIZE, referred=5)
        with pytest.raises(SourceError, match=r"is not an image that can be read"):
            open_source(path)

    @pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
    @pytest.mark.parametrize("side", [10_001, 65_000, 4_000_000_000])
    def test_a_huge_canvas_is_refused(self, tmp_path: Path, suffix: str, side: int) -> None:
        path = write_grid(tmp_path / f"a{suffix}", TILES, COLUMNS, (side, side))
        with pytest.raises(SourceError, match=r"more than 100 million pixels|is not an image"):
            open_source(path)

    def test_parts_longer_than_the_file_are_refused(self, tmp_path: Path, suffix: str) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (6, SIDE, SIDE, 3), np.uint8)
        path = write_grid(tmp_path / f"a{suffix}", [*noise], COLUMNS, SIZE, copies=32)
        with pytest.raises(SourceError, match="is not an image that can be read"):
            open_source(path)

    @pytest.mark.parametrize("way", ["shared data", "one item"])
    def test_a_tile_that_is_decoded_many_times_is_refused(
        self, tmp_path: Path, suffix: str, way: str
    ) -> None:
        noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        others = [noise if way == "shared data" else TILES[0]] * 48
        path = write_grid(tmp_path / f"a{suffix}", [noise, *others], 7, (448, 448))
        if way == "one item":
            tiles, first = struct.pack(">49H", *range(2, 51)), struct.pack(">49H", *[2] * 49)
            before, after = path.read_bytes().split(tiles)
            path.write_bytes(before + first + after)
        with pytest.raises(SourceError, match="is not an image that can be read"):
            open_source(path)

    def test_references_to_too_many_items_are_refused(self, tmp_path: Path, suffix: str) -> None:
        others = range(1000, 21_000)
        many = box(b"cdsc", struct.pack(">HH20000H", 1, len(others), *others))
        path = write_grid(tmp_path / f"a{suffix}", TILES, COLUMNS, SIZE, more_references=many)
        with pytest.raises(SourceError, match="is not an image that can be read"):
            open_source(path)

    def test_one_line_says_what_is_wrong(self, tmp_path: Path, suffix: str) -> None:
        path = write_grid(tmp_path / f"a{suffix}", TILES, COLUMNS, (10_001, 10_001))
        outcome, mebibytes = run_measured("convert", path)
        assert outcome.code == 1
        assert "pictures of more than 100 million pixels" in outcome.err
        assert outcome.err.count("\n") == 1
        assert left_in(tmp_path) == [path.name]
        assert mebibytes < 400

    def test_a_command_makes_an_image_of_it(self, tmp_path: Path, suffix: str) -> None:
        path = write_grid(tmp_path / f"a{suffix}", TILES, COLUMNS, SIZE, opacity=OPACITY)
        done = run("convert", path, "-k", "6")
        assert done.code == 0, done.err
        with Image.open(tmp_path / "a.segmented.png") as image:
            assert (image.mode, image.size) == ("RGBA", SIZE)


def test_a_cropped_picture(tmp_path: Path) -> None:
    crop = cropped(101, 51, 7, -4)
    path = write_grid(tmp_path / "a.heic", TILES, COLUMNS, SIZE, properties=[crop])
    left, top = (SIZE[0] - 101 + 7) // 2, (SIZE[1] - 51 - 4) // 2
    check(only_frame(path), put_together(TILES)[top : top + 51, left : left + 101])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_profile_is_kept(tmp_path: Path, suffix: str) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray(TILES[0])
    picture.info["icc_profile"] = profile
    (picture if suffix == ".avif" else pillow_heif.from_pillow(picture)).save(
        tmp_path / f"a{suffix}"
    )
    convert(tmp_path / f"a{suffix}", tmp_path / "out.png")
    with Image.open(tmp_path / "out.png") as image:
        assert image.info["icc_profile"] == profile


def test_more_than_8_bit(tmp_path: Path) -> None:
    ramp = np.linspace(0, 65535, 64).astype(np.uint16)[np.newaxis].repeat(64, axis=0)
    rgb = np.dstack([ramp, ramp[:, ::-1], ramp])
    stored = pillow_heif.from_bytes("RGB;16", (64, 64), rgb.tobytes())
    stored.save(tmp_path / "a.heic", quality=100, chroma=444)
    check(only_frame(tmp_path / "a.heic"), (rgb >> 8).astype(np.uint8))


@pytest.mark.parametrize("encoder", ["libaom-av1", "libsvtav1"])
def test_a_still_avif_of_ffmpeg(tmp_path: Path, encoder: str) -> None:
    picture = "color=c=0x20A0E0:s=65x47:d=1:r=1"
    ffmpeg("-f", "lavfi", "-i", picture, "-frames:v", "1", "-c:v", encoder, tmp_path / "a.avif")
    assert np.abs(only_frame(tmp_path / "a.avif").bgr.astype(int) - (0xE0, 0xA0, 0x20)).max() <= 4


def test_folders_and_sequences(tmp_path: Path) -> None:
    for number in range(3):
        write_grid(tmp_path / f"{number}.heic", TILES[number:] + TILES[:number], COLUMNS, SIZE)
    for path in (tmp_path, tmp_path / "%d.heic"):
        with open_source(path) as source:
            frames = list(source)
        corners = [frame.bgr[0, 0, ::-1].astype(int) for frame in frames]
        assert np.abs(np.subtract(corners, COLORS[:3])).max() <= 3


@pytest.mark.parametrize("name", ["a.heic", "a.heif", "a.HIF", "a.avif"])
def test_the_output_is_an_image(tmp_path: Path, name: str) -> None:
    assert default_output(tmp_path / name) == tmp_path / "a.segmented.png"


def test_an_animated_avif_stays_an_animation(tmp_path: Path) -> None:
    first, *others = (Image.fromarray(tile) for tile in TILES)
    first.save(tmp_path / "a.avif", save_all=True, append_images=others, duration=40)
    assert default_output(tmp_path / "a.avif") == tmp_path / "a.segmented.webp"
    with open_source(tmp_path / "a.avif") as source:
        colors = [frame.bgr[0, 0, ::-1] for frame in source]
        assert source.info.frame_rate == 25
        assert not source.notes
    assert np.allclose(colors, COLORS, atol=8)


@pytest.mark.parametrize("place", ["properties", "grid"])
def test_opacity_of_too_many_pixels_is_refused(tmp_path: Path, place: str) -> None:
    path = write_grid(tmp_path / "a.heic", TILES, COLUMNS, SIZE, opacity=OPACITY)
    sides = struct.pack(">II", *SIZE)
    *before, last = path.read_bytes().split(sides)
    claims = [sides] * 4  # of both grids: two properties, and two canvases
    claims[1 if place == "properties" else 3] = struct.pack(">II", 20_000, 20_000)
    parts = [part for pair in zip(before, claims, strict=True) for part in pair]
    path.write_bytes(b"".join([*parts, last]))
    pillow_heif.register_heif_opener()  # as imageio does when it writes an image
    with pytest.raises(SourceError, match="pictures of more than 100 million pixels"):
        open_source(path)
