"""Resolution and EXIF data of an image go with it; orientation is applied and reset."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from kseg_video import RenderSettings, convert, open_source
from kseg_video.core.image_metadata import kept_exif
from tests.helpers.commands import run
from tests.helpers.media import ffmpeg
from tests.helpers.pictures import photo_like
from tests.helpers.stills import png, png_chunk

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video import ConversionReport

IFD, BASE = ExifTags.IFD, ExifTags.Base
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
SUFFIXES = [".jpg", ".png", ".webp", ".tif"]
MADE = {
    BASE.ImageDescription: "Hof bei Köln".encode().decode("latin-1"),
    BASE.Make: "Maker",
    BASE.Model: "Model 1",
    BASE.DateTime: "2024:05:06 07:08:09",
    BASE.Artist: "A. Author",
    BASE.Copyright: "all of it",
}
TAKEN = {
    36867: "2024:05:06 07:08:09",
    33434: 0.02,
    33437: 2.8,
    34855: 400,
    37380: -1.5,
    37510: b"UNICODE\0a comment",
}
PLACE = {1: "N", 2: (51.0, 30.0, 26.0), 3: "E", 4: (7.0, 0.0, 1.5)}
LEFT_OUT = {37500: b"offsets and a preview", 40962: 240, 40963: 180}


def exif_of(orientation: int | None = None, order: str = "<") -> bytes:
    exif = Image.Exif()
    exif.endian = order
    for tag, value in MADE.items():
        exif[tag] = value.encode("latin-1")
    exif[IFD.Exif] = TAKEN | LEFT_OUT | {IFD.Interop: {1: "R98"}}
    exif[IFD.GPSInfo] = PLACE
    exif[BASE.StripOffsets] = 4711  # of no use elsewhere
    if orientation is not None:
        exif[BASE.Orientation] = orientation
    return exif.tobytes()


def save(path: Path, exif: bytes = b"", **options: Any) -> Path:
    picture = Image.fromarray(photo_like(0, size=(36, 48))[..., ::-1])
    if exif:
        options["exif"] = exif
    if path.suffix == ".webp":
        options["lossless"] = True
    picture.save(path, **options)
    return path


def exif_in(path: Path) -> tuple[dict[int, Any], ...]:
    """Own tags, those of the shot, and those of its place."""
    with Image.open(path) as picture:
        exif = picture.getexif()
        own: dict[int, Any] = {tag: exif[tag] for tag in {*MADE, BASE.Orientation} & exif.keys()}
        taken = exif.get_ifd(IFD.Exif)
        if IFD.Interop in taken:
            assert exif.get_ifd(IFD.Interop) == {1: "R98"}
        return own, dict(taken), exif.get_ifd(IFD.GPSInfo)


def masked(source: Path, output: Path) -> ConversionReport:
    return convert(source, output, rendering=RenderSettings("masked"))


@pytest.mark.parametrize("output", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_goes_with_an_image(tmp_path: Path, source: str, output: str, order: str) -> None:
    path = save(tmp_path / f"in{source}", exif_of(order=order))
    report = masked(path, tmp_path / f"out{output}")
    own, taken, place = exif_in(tmp_path / f"out{output}")
    by_pillow = source == ".tif"  # which it could not write in full
    assert own == (MADE | {BASE.ImageDescription: "Hof bei K??ln"} if by_pillow else MADE)
    assert (IFD.Interop not in taken) == by_pillow
    taken.pop(IFD.Interop, None)
    assert taken == pytest.approx(TAKEN)
    assert place == PLACE
    assert not [note for note in report.notes if "EXIF" in note]


def test_a_tiff_with_exif_is_one_for_all_readers(tmp_path: Path) -> None:
    path = save(tmp_path / "in.png", exif_of(), dpi=(300, 300), icc_profile=SRGB)
    output = tmp_path / "out.tif"
    masked(path, output)
    by_libtiff = cv2.imread(str(output))
    assert by_libtiff is not None
    ffmpeg("-i", output, "-pix_fmt", "bgr24", "-f", "rawvideo", tmp_path / "raw")
    by_ffmpeg = np.fromfile(tmp_path / "raw", np.uint8).reshape(by_libtiff.shape)
    with Image.open(output) as picture:
        assert picture.info["icc_profile"] == SRGB
        by_pillow = np.asarray(picture)[..., ::-1]
    for found in (by_libtiff, by_ffmpeg, by_pillow):
        np.testing.assert_array_equal(found, photo_like(0, size=(36, 48)))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_applied_and_reset(tmp_path: Path, suffix: str, orientation: int) -> None:
    path = save(tmp_path / f"in{suffix}", exif_of(orientation), dpi=(300, 150))
    output = tmp_path / "out.png"
    masked(path, output)
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_270,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_90,
    }
    stored = Image.open(save(tmp_path / f"plain{suffix}")).convert("RGB")
    upright = stored.transpose(turn[orientation]) if orientation > 1 else stored
    with Image.open(output) as picture:
        np.testing.assert_array_equal(np.asarray(picture), np.asarray(upright))
        assert picture.getexif()[BASE.Orientation] == 1
        if suffix != ".webp":
            expected = (150, 300) if orientation > 4 else (300, 150)
            assert picture.info["dpi"] == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("output", [*SUFFIXES, ".bmp"])
@pytest.mark.parametrize("source", [".jpg", ".png", ".tif", ".bmp"])
def test_resolution_goes_with_an_image(tmp_path: Path, source: str, output: str) -> None:
    path = save(tmp_path / f"in{source}", dpi=(300, 200))
    masked(path, tmp_path / f"out{output}")
    with Image.open(tmp_path / f"out{output}") as picture:
        found = picture.info.get("dpi")
        if output == ".webp":
            exif = picture.getexif()
            found = exif[BASE.XResolution], exif[BASE.YResolution]
            assert exif[BASE.ResolutionUnit] == 2
    assert found == pytest.approx((300, 200), abs=0.02)


def test_resolution_of_a_webp_s_exif(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[BASE.XResolution], exif[BASE.YResolution], exif[BASE.ResolutionUnit] = 100, 50, 3
    masked(save(tmp_path / "in.webp", exif.tobytes()), tmp_path / "out.jpg")
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.info["dpi"] == (254, 127)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_none_is_made_up(tmp_path: Path, suffix: str) -> None:
    masked(save(tmp_path / f"in{suffix}"), tmp_path / f"out{suffix}")
    with Image.open(tmp_path / f"out{suffix}") as picture:
        assert "exif" not in picture.info
        assert suffix == ".tif" or "dpi" not in picture.info
        assert BASE.XResolution not in picture.getexif()


def test_it_goes_with_every_image_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    save(tmp_path / "in" / "a.jpg", exif_of(6), dpi=(300, 300))
    save(tmp_path / "in" / "b.jpg", exif_of(8))
    save(tmp_path / "in" / "c.jpg").write_bytes((tmp_path / "in" / "a.jpg").read_bytes())
    convert(tmp_path / "in", tmp_path / "out" / "%d.jpg")
    for number, resolution in enumerate([300, 72, 300]):
        path = tmp_path / "out" / f"{number}.jpg"
        assert exif_in(path)[0] == MADE | {BASE.Orientation: 1}
        with Image.open(path) as picture:
            assert picture.info["dpi"] == (resolution, resolution)  # 72 is EXIF's default


@pytest.mark.parametrize("name", ["out.bmp", "out/%d.bmp"])
def test_where_it_cannot_go_that_is_told(tmp_path: Path, name: str) -> None:
    report = masked(save(tmp_path / "in.jpg", exif_of()), tmp_path / name)
    assert ".bmp cannot hold the EXIF data, which is left out" in report.notes


def test_too_much_for_a_jpeg_is_left_out_and_told(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[BASE.ImageDescription] = "x" * 70_000
    path = save(tmp_path / "in.png", exif.tobytes())
    report = masked(path, tmp_path / "out.jpg")
    assert ".jpg cannot hold the EXIF data, which is left out" in report.notes
    masked(path, tmp_path / "out.tif")
    assert exif_in(tmp_path / "out.tif")[0] == {BASE.ImageDescription: "x" * 70_000}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_preview_of_the_source_stays(tmp_path: Path, suffix: str) -> None:
    """A preview would show what is hidden in the picture."""
    preview = b"the preview" * 9
    exif = exif_of().removeprefix(b"Exif\0\0")
    data = bytearray(exif + struct.pack("<HHHIIHHIII", 2, 513, 4, 1, 0, 514, 4, 1, 99, 0) + preview)
    (start,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, start)
    struct.pack_into("<I", data, start + 2 + 12 * count, len(exif))
    struct.pack_into("<I", data, len(exif) + 10, len(data) - len(preview))
    path = save(tmp_path / "in.jpg", b"Exif\0\0" + data)
    masked(path, tmp_path / f"out{suffix}")
    assert b"preview" in path.read_bytes()
    assert b"preview" not in (tmp_path / f"out{suffix}").read_bytes()
    assert exif_in(tmp_path / f"out{suffix}")[0] == MADE


def test_by_the_command(tmp_path: Path) -> None:
    path = save(tmp_path / "in.jpg", exif_of(6), dpi=(72, 72))
    assert run("convert", path, "-o", tmp_path / "out.jpg", "-q").code == 0
    assert exif_in(tmp_path / "out.jpg")[0] == MADE | {BASE.Orientation: 1}


@pytest.mark.parametrize("per_meter", [(0, 0), (11_811, 0), (39, 39), (1 << 31, 1 << 31)])
def test_a_resolution_that_is_none(tmp_path: Path, per_meter: tuple[int, int]) -> None:
    levels = photo_like(0, size=(9, 11)).astype(int)
    whole = png(levels, 8, 2, others=png_chunk(b"pHYs", struct.pack(">IIB", *per_meter, 1)))
    (tmp_path / "in.png").write_bytes(whole)
    with open_source(tmp_path / "in.png") as source:
        (frame,) = source
    assert frame.metadata is None


class TestHostileExif:
    @pytest.mark.parametrize("order", ["<", ">"])
    def test_values_that_overlap_take_no_memory(self, order: str) -> None:
        entry = struct.pack(f"{order}HHII", 270, 1, 1 << 19, 8)
        head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}IH", 8, 65_535)
        with pytest.raises(ValueError, match="too much"):
            kept_exif(head + entry * 65_535)

    def test_values_that_are_the_same_take_no_time(self) -> None:
        values = [struct.pack("<HHII", tag, 7, 60, 8) for tag in range(65_535)]
        taken = struct.pack("<H", 65_535) + b"".join(values) + bytes(4)
        first = struct.pack("<4sIHHHIII", b"II*\0", 8, 1, 0x8769, 4, 1, 26, 0)
        with pytest.raises(ValueError, match="too much"):
            kept_exif(first + taken)

    def test_directories_that_hold_themselves_take_no_time(self) -> None:
        entries = struct.pack("<HHII", 0x8769, 4, 1, 8) * 300
        with pytest.raises(ValueError, match="too much"):
            kept_exif(struct.pack("<4sIH", b"II*\0", 8, 300) + entries + bytes(4))

    @pytest.mark.parametrize("seed", range(40))
    def test_any_bytes(self, seed: int) -> None:
        random = np.random.default_rng(seed)
        data = bytearray(exif_of(6, ">" if seed % 2 else "<").removeprefix(b"Exif\0\0"))
        for _ in range(1 + seed % 4):
            data[random.integers(len(data))] = random.integers(256)
        try:
            kept = kept_exif(bytes(data[: random.integers(1, len(data) + 1)]))
        except ValueError:
            return
        assert kept is None or kept_exif(kept) == kept
