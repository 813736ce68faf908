"""Stills with damage, with too much around their picture, or with several pictures."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from kseg_video import SourceError, open_source
from tests.helpers.commands import run
from tests.helpers.pictures import photo_like
from tests.helpers.stills import PNG_SIGNATURE, png_chunk, tiff

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# The command silences them.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")

PHOTO = photo_like(0)
WHOLE_PNG_HEADER = len(PNG_SIGNATURE) + 25
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
MANY = b"a" * ((1 << 20) + 1)
PACKED = zlib.compress(MANY)


def save(path: Path, mode: str = "RGB", **options: Any) -> Path:
    Image.fromarray(PHOTO[..., ::-1]).convert(mode).save(path, **options)
    return path


def read(path: Path) -> tuple[NDArray[np.uint8], list[str], list[str], bytes | None]:
    with open_source(path) as source:
        (frame,) = source
    return frame.bgr, source.notes, source.warnings, frame.encoding.icc_profile


def with_chunk(path: Path, chunk: bytes, *, is_last: bool = False) -> Path:
    """Put a chunk before the pixels of a PNG, or after them."""
    whole = path.read_bytes()
    place = len(whole) - 12 if is_last else WHOLE_PNG_HEADER
    path.write_bytes(whole[:place] + chunk + whole[place:])
    return path


class TestAroundThePicture:
    @pytest.mark.parametrize("suffix", [".png", ".webp", ".jpg"])
    @pytest.mark.parametrize(
        "exif",
        [
            b"nonsense",
            b"II*\0\xff\xff\xff\xff",
            b"MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 60,
            b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\xff\xff\0\0\0\0\0\0",
        ],
    )
    def test_bad_exif(self, tmp_path: Path, suffix: str, exif: bytes) -> None:
        options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
        path = save(tmp_path / f"a{suffix}", **options)
        expected = read(path)
        save(path, **options, exif=b"Exif\0\0" + exif)
        found = read(path)
        np.testing.assert_array_equal(found[0], expected[0])
        assert found[1:] == expected[1:] == ([], [], None)

    @pytest.mark.parametrize("is_last", [False, True])
    @pytest.mark.parametrize(
        "chunk",
        [
            png_chunk(b"zTXt", b"Comment\0\0" + PACKED),
            png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0" + PACKED),
            png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(MANY[:-1])) * 65,
            png_chunk(b"tEXt", b"Comment\0wrong", sum_is_right=False),
            png_chunk(b"zTXt", b"Comment\0\x07unknown"),
            png_chunk(b"tEXt", b"transparency\0a word"),
            png_chunk(b"gAMA", b"\0"),
        ],
        ids=["zTXt", "iTXt", "many", "sum", "method", "trap", "gamma"],
    )
    def test_texts_of_a_png(self, tmp_path: Path, chunk: bytes, is_last: bool) -> None:
        path = save(tmp_path / "a.png", icc_profile=SRGB)
        found = read(with_chunk(path, chunk, is_last=is_last))
        np.testing.assert_array_equal(found[0], PHOTO)
        assert found[1:] == ([], [], SRGB)

    @pytest.mark.parametrize(
        "data", [b"large\0\0" + PACKED, b"unknown\0\x01" + PACKED, b"none", b""]
    )
    def test_profiles_of_a_png(self, tmp_path: Path, data: bytes) -> None:
        path = with_chunk(save(tmp_path / "a.png"), png_chunk(b"iCCP", data))
        found = read(path)
        np.testing.assert_array_equal(found[0], PHOTO)
        assert found[1:] == ([], [], None)


class TestTruncated:
    @pytest.mark.parametrize(
        ("name", "mode", "options"),
        [
            ("a.jpg", "RGB", {}),
            ("a.jpg", "L", {}),
            ("a.jpg", "CMYK", {}),
            ("a.jpg", "RGB", {"progressive": True}),
            ("a.png", "RGB", {}),
            ("a.png", "P", {}),
            ("a.gif", "P", {"interlace": 0}),
            ("a.tif", "RGB", {}),
        ],
    )
    @pytest.mark.parametrize("share", [0.4, 0.9])
    def test_what_decodes_is_used(
        self, tmp_path: Path, name: str, mode: str, options: dict[str, Any], share: float
    ) -> None:
        path = save(tmp_path / name, mode, **options)
        expected = read(path)[0]
        whole = path.read_bytes()
        path.write_bytes(whole[: int(len(whole) * share)])
        picture, notes, warnings, _ = read(path)
        assert warnings == [f"{path} is damaged; what could be decoded was used"]
        assert not notes
        part = int(len(picture) * (share - 0.2))
        if "progressive" in options:  # all of it, but coarsely
            assert np.abs(picture.astype(int) - expected).mean() < 20
        else:
            np.testing.assert_array_equal(picture[:part], expected[:part])

    def test_the_end_of_a_bmp_is_its_top(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.bmp")
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        picture, _, warnings, _ = read(path)
        assert warnings
        np.testing.assert_array_equal(picture[100:], PHOTO[100:])

    @pytest.mark.parametrize("lost", [1, 2, 12])
    @pytest.mark.parametrize("progressive", [False, True])
    def test_a_jpeg_without_its_last_bytes(
        self, tmp_path: Path, lost: int, progressive: bool
    ) -> None:
        path = save(tmp_path / "a.jpg", progressive=progressive)
        expected = read(path)[0]
        path.write_bytes(path.read_bytes()[:-lost])
        picture, _, warnings, _ = read(path)
        assert len(warnings) == 1
        assert np.abs(picture[:-16].astype(int) - expected[:-16]).max() <= 8

    @pytest.mark.parametrize("lost", [1, 4, 12, 16])
    def test_a_png_without_its_last_bytes_is_whole(self, tmp_path: Path, lost: int) -> None:
        path = save(tmp_path / "a.png")
        path.write_bytes(path.read_bytes()[:-lost])
        picture, _, warnings, _ = read(path)
        np.testing.assert_array_equal(picture, PHOTO)
        assert not warnings

    @pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".bmp", ".webp", ".tif"])
    @pytest.mark.parametrize("kept", [2, 8, 30, 60])
    def test_nothing_of_the_picture_is_refused(
        self, tmp_path: Path, suffix: str, kept: int
    ) -> None:
        path = save(tmp_path / f"a{suffix}")
        path.write_bytes(path.read_bytes()[:kept])
        with pytest.raises(SourceError, match=r"is not an image that can be read|is not a video"):
            read(path)

    def test_the_command_writes_it_and_warns(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.jpg", exif=b"Exif\0\0nonsense")
        path.write_bytes(path.read_bytes()[:-2])
        outcome = run("convert", path, "-o", tmp_path / "out.png", "--quiet")
        assert outcome.code == 0
        (line,) = outcome.err.splitlines()
        assert line.endswith(f"{path} is damaged; what could be decoded was used")

    def test_a_refusal_is_one_line(self, tmp_path: Path) -> None:
        levels = np.zeros((9, 11, 1), int)
        path = tmp_path / "a.tif"  # of which Pillow complains on its own
        path.write_bytes(tiff("<", levels, 8, 2, others={277: ("H", (2048,))}))
        outcome = run("convert", path, "-o", tmp_path / "out.png", "--quiet")
        assert outcome.code == 1
        assert len(outcome.err.splitlines()) == 1

    def test_a_wrong_check_sum_of_pixels_that_decode(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.png")
        whole = bytearray(path.read_bytes())
        whole[-13] ^= 1
        path.write_bytes(whole)
        np.testing.assert_array_equal(read(path)[0], PHOTO)

    def test_those_of_a_folder_are_told_at_once(self, tmp_path: Path) -> None:
        for number in range(4):
            path = save(tmp_path / f"{number}.png")
            if number:
                path.write_bytes(path.read_bytes()[:-50])
        with open_source(tmp_path) as source:
            assert len(list(source)) == 4
        first = tmp_path / "1.png"
        assert source.warnings == [
            f"{first} and 2 others are damaged; what could be decoded was used"
        ]


class TestSeveralPictures:
    OTHER = Image.fromarray(255 - PHOTO)

    def test_pages_of_a_tiff(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.tif", save_all=True, append_images=[self.OTHER] * 2)
        picture, notes, _, _ = read(path)
        np.testing.assert_array_equal(picture, PHOTO)
        (note,) = notes
        assert note.startswith(f"{path} holds several pictures, of which the first was used; save")

    @pytest.mark.parametrize("pages", [0, 1])
    def test_previews_are_no_pages(self, tmp_path: Path, pages: int) -> None:
        preview = self.OTHER.resize((24, 18))
        preview.encoderinfo = {"tiffinfo": {254: 1}}
        others = [preview, *[self.OTHER] * pages]
        path = save(tmp_path / "a.tif", save_all=True, append_images=others)
        picture, notes, warnings, _ = read(path)
        np.testing.assert_array_equal(picture, PHOTO)
        assert len(notes) == pages
        assert not warnings

    def test_directories_of_a_tiff_that_overlap_take_no_time(self, tmp_path: Path) -> None:
        """Each has as many entries as the first, and begins within it."""
        count = 10_000
        needed = ((254, 1), (256, 9), (257, 9), (258, 8), (259, 1), (262, 1), (273, 0), (279, 81))
        path = tmp_path / "a.tif"
        data = tiff("<", PHOTO[..., ::-1].astype(int), 8, 2)
        (start,) = struct.unpack_from("<I", data, 4)
        (own,) = struct.unpack_from("<H", data, start)
        entries = [data[start + 2 + 12 * number :][:12] for number in range(own)]
        # The unused half of each is the number of entries of the directory that begins with it.
        others = [struct.pack("<HHIHH", tag, 3, 1, value, count) for tag, value in needed]
        entries += others * (2 * count // len(others))
        table = bytearray(struct.pack("<H", count) + b"".join(entries))
        for number in range(count):
            following = len(data) + 12 * max(number + 1, own + 1) if number < count - 1 else 0
            struct.pack_into("<I", table, 2 + 12 * (count + number), following)
        head = data[:4] + struct.pack("<I", len(data)) + data[8:]
        path.write_bytes(head + table)
        picture, notes, _, _ = read(path)
        np.testing.assert_array_equal(picture, PHOTO)
        assert len(notes) == 1

    @pytest.mark.parametrize("suffix", [".webp", ".png"])
    def test_animations_in_a_folder(self, tmp_path: Path, suffix: str) -> None:
        options: dict[str, Any] = {"lossless": True} if suffix == ".webp" else {}
        save(tmp_path / f"a{suffix}", save_all=True, append_images=[self.OTHER], **options)
        with open_source(tmp_path) as source:
            (frame,) = source
        np.testing.assert_array_equal(frame.bgr, PHOTO)
        assert "holds several pictures, of which the first" in source.notes[0]

    def test_the_first_of_a_phone_s_jpeg_is_the_photograph(self, tmp_path: Path) -> None:
        path = save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[self.OTHER])
        with Image.open(path) as opened:
            assert opened.format == "MPO"
        picture, notes, warnings, _ = read(path)
        assert np.abs(picture.astype(int) - PHOTO).mean() < 8
        assert not notes
        assert not warnings
