from __future__ import annotations

import shutil
import struct
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    SegmenterSettings,
    SettingsError,
    SourceError,
    TrimSettings,
    convert,
    open_source,
)
from kseg_video.writing.output_paths import default_output
from tests.helpers.cards import X264
from tests.helpers.media import (
    ffmpeg,
    inspect,
    make_clip,
    make_flat_clip,
    read_exact_bgr,
    read_planes,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame


def frames_of(path: Path, trim: TrimSettings | None = None) -> list[Frame]:
    with open_source(path, trim) as source:
        return list(source)


def _video(folder: Path) -> Path:
    return make_clip(folder / "planar.mp4")


def _odd_video(folder: Path) -> Path:
    return make_clip(folder / "odd.mp4", "-pix_fmt", "yuv444p", size="63x47")


def _image(folder: Path) -> Path:
    path = folder / "still.png"
    Image.fromarray(np.arange(48 * 64 * 3, dtype=np.uint8).reshape(48, 64, 3)).save(path)
    return path


def _images(folder: Path) -> Path:
    images = folder / "images"
    images.mkdir()
    for number in (1, 2, 10):
        Image.new("RGB", (64, 48), (number, 0, 0)).save(images / f"frame{number}.png")
    return images


def _animated_webp(folder: Path) -> Path:
    return save_animation(folder / "animated.webp", moving(), lossless=True)


def _animated_png(folder: Path) -> Path:
    return save_animation(folder / "animated.png", moving())


def moving(count: int = 12) -> list[NDArray[np.uint8]]:
    """A square that moves over a plain ground, RGB with a clear corner."""
    pictures = []
    for number in range(count):
        picture = np.full((48, 64, 4), (200, 50, 50, 255), np.uint8)
        picture[10:20, 4 * number : 4 * number + 8, :3] = (0, 255, 0)
        picture[:8, :8] = 0
        pictures.append(picture)
    return pictures


def save_animation(path: Path, pictures: list[NDArray[np.uint8]], **options: Any) -> Path:
    first, *others = (Image.fromarray(picture) for picture in pictures)
    first.save(path, save_all=True, append_images=others, duration=40, **options)
    return path


class TestEverySource:
    """What all sources promise."""

    @pytest.fixture(params=[_video, _odd_video, _image, _images, _animated_webp, _animated_png])
    def path(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        make: Callable[[Path], Path] = request.param
        return make(tmp_path)

    def test_frames_are_as_announced(self, path: Path) -> None:
        with open_source(path) as source:
            info = source.info
            frames = list(source)
        unknown = path.stem == "animated"  # nothing in the file tells how long it lasts
        assert info.frame_count == (None if unknown else len(frames))
        for number, frame in enumerate(frames):
            assert (frame.index, frame.width, frame.height) == (number, info.width, info.height)
            assert frame.time == pytest.approx(number / info.frame_rate, abs=1e-3)
            assert frame.layout == info.layout
            assert frame.pixels.dtype == np.uint8
            assert frame.bgr.shape == (info.height, info.width, 3)

    def test_frames_stay_as_they_were_when_later_ones_are_read(self, path: Path) -> None:
        with open_source(path) as source:
            kept = [(frame, frame.pixels.copy()) for frame in source]
        assert all(np.array_equal(frame.pixels, copy) for frame, copy in kept)

    def test_leaving_early_releases_everything(self, path: Path) -> None:
        with open_source(path) as source:
            next(iter(source))
        source.close()

    def test_max_frames(self, path: Path) -> None:
        assert len(frames_of(path, TrimSettings(max_frames=1))) == 1

    def test_a_part_beyond_the_end_is_an_error(self, path: Path) -> None:
        with pytest.raises(SourceError, match="no frame in the chosen part"):
            frames_of(path, TrimSettings(start=100))


def test_planar_frames_are_the_decoder_s_own(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", "-pix_fmt", "yuv420p")
    mine = [frame.pixels for frame in frames_of(clip)]
    assert np.array_equal(mine, read_planes(clip))


@pytest.mark.parametrize("rate", ["30000/1001", "24000/1001", "60000/1001", "12", "120", "25"])
def test_rates_are_exact(tmp_path: Path, rate: str) -> None:
    with open_source(make_clip(tmp_path / "a.mp4", rate=rate, seconds=0.5)) as source:
        assert source.info.frame_rate == Fraction(rate)
        assert not source.notes


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("h265-10.mkv", "-pix_fmt yuv420p10le -c:v libx265 -x265-params log-level=0"),
        ("ffv1-422.mkv", "-pix_fmt yuv422p -c:v ffv1"),
        ("ffv1-rgb.mkv", "-pix_fmt bgr0 -c:v ffv1"),
        ("ffv1-gray.mkv", "-pix_fmt gray -c:v ffv1"),
        ("prores.mov", "-c:v prores_ks"),
        ("mpeg4.avi", "-c:v mpeg4"),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime"),
        ("animation.gif", ""),
        ("transport.ts", ""),
    ],
)
def test_what_ffmpeg_decodes_can_be_read(tmp_path: Path, name: str, options: str) -> None:
    frames = frames_of(make_clip(tmp_path / name, *options.split(), size="64x48"))
    assert len(frames) == 25
    truth = frames_of(make_clip(tmp_path / "truth.mkv", "-c:v", "ffv1", "-pix_fmt", "bgr0"))
    middle = (slice(4, -4), slice(4, -4), slice(None))
    difference = frames[10].bgr[middle].astype(int) - truth[10].bgr[middle]
    assert np.abs(difference).mean() < (60 if "gray" in name else 12)


COLORS = {"red": (0, 0, 255), "green": (0, 128, 0), "blue": (255, 0, 0), "0x4080c0": (192, 128, 64)}
TAGS = {
    "bt709": "bt709",
    "bt601": "smpte170m",
}


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv420p10le"])
@pytest.mark.parametrize("levels", ["tv", "pc"])
@pytest.mark.parametrize("matrix", TAGS)
def test_tagged_colors_are_right(
    tmp_path: Path, color: str, pixel_format: str, matrix: str, levels: str
) -> None:
    clip = make_flat_clip(
        tmp_path / "a.mkv",
        color,
        *("-vf", f"scale=out_color_matrix={matrix}:out_range={levels},format={pixel_format}"),
        *("-colorspace", TAGS[matrix], "-color_range", levels, "-c:v", "ffv1"),
    )
    (first, *_) = frames_of(clip)
    assert np.abs(first.bgr[20, 20].astype(int) - COLORS[color]).max() <= 4
    truth = read_exact_bgr(clip)[0, 20, 20].astype(int)
    assert np.abs(first.bgr[20, 20].astype(int) - truth).max() <= 1


@pytest.mark.parametrize(("size", "matrix"), [("640x480", "bt601"), ("1280x720", "bt709")])
def test_untagged_colors_go_by_size(tmp_path: Path, size: str, matrix: str) -> None:
    clip = make_flat_clip(
        tmp_path / "a.mp4",
        "red",
        *("-vf", f"scale=out_color_matrix={matrix},format=yuv420p,setparams=colorspace=unknown"),
        size=size,
    )
    (first, *_) = frames_of(clip)
    assert np.abs(first.bgr[20, 20].astype(int) - (0, 0, 255)).max() <= 2


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotation_is_honoured(tmp_path: Path, degrees: int) -> None:
    flat = make_clip(tmp_path / "flat.mp4", size="64x48")
    turned = tmp_path / "turned.mp4"
    ffmpeg("-display_rotation", str(degrees), "-i", flat, "-c", "copy", turned)
    upright, plain = frames_of(turned)[0], frames_of(flat)[0]
    assert np.array_equal(upright.planes[0], np.rot90(plain.planes[0], degrees // 90))


def test_sample_aspect_ratio_is_told(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", "-vf", "setsar=sar=128/117:max=999")
    with open_source(clip) as source:
        assert source.info.sample_aspect_ratio == Fraction(128, 117)


class TestVariableRate:
    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        """Frames at 0, 0.1, 0.6, 0.7 and 1.7 s, the last one lasting 0.1 s."""
        times = "0.1*eq(N,1)+0.6*eq(N,2)+0.7*eq(N,3)+1.7*eq(N,4)"
        clip = tmp_path / "variable.mp4"
        ffmpeg(
            *("-f", "lavfi", "-t", "0.5", "-i", "testsrc2=size=64x48:rate=10"),
            *(
                "-vf",
                f"setpts='round(({times})/TB)'",
                "-fps_mode",
                "vfr",
                "-enc_time_base",
                "1/1000",
            ),
            *("-bf", "0", clip),
        )
        return clip

    def test_it_becomes_constant_at_its_own_times(self, clip: Path) -> None:
        with open_source(clip) as source:
            rate = float(source.info.frame_rate)
            frames = list(source)
            assert "variable frame rate" in source.notes[0]
        originals = read_planes(clip)
        for seconds, original in zip((0, 0.1, 0.6, 0.7, 1.7), originals, strict=True):
            assert np.array_equal(frames[round(seconds * rate)].pixels, original)

    def test_it_is_told_of_containers_that_claim_a_constant_one(self, clip: Path) -> None:
        matroska = clip.with_suffix(".mkv")
        ffmpeg("-i", clip, "-c", "copy", matroska)
        with open_source(matroska) as source:
            count = sum(1 for _ in source)
            assert "variable frame rate" in source.notes[0]
            assert count / source.info.frame_rate == pytest.approx(1.8, abs=0.1)

    @pytest.mark.parametrize("trim", [TrimSettings(0.2, 0.7), TrimSettings(max_frames=3)])
    def test_a_part_of_a_constant_one_is_none(self, tmp_path: Path, trim: TrimSettings) -> None:
        for name, codec in (("a.mkv", "libx264"), ("a.ts", "mpeg2video")):
            with open_source(make_clip(tmp_path / name, "-c:v", codec), trim) as source:
                assert list(source)
                assert not source.notes

    def test_a_picture_that_stands_still_past_a_claimed_end_is_kept(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.flv", picture="color=c=red", seconds=2)
        data = clip.read_bytes()
        place = data.index(b"duration\0") + len(b"duration\0")
        clip.write_bytes(data[:place] + struct.pack(">d", 0.4) + data[place + 8 :])
        with open_source(clip) as source:
            assert source.info.frame_count == 10
            assert sum(1 for _ in source) == 50
            assert not source.notes

    def test_a_picture_that_stands_still_in_a_short_file_is_kept(self, tmp_path: Path) -> None:
        """NUT names no rate of two frames, and as duration the time of the last one."""
        clip = make_clip(tmp_path / "a.nut", picture="color=c=red", seconds=0.08)
        assert len(frames_of(clip)) == 2

    def test_the_duration_is_held_to_a_frame(self, real_media: Path) -> None:
        clip = real_media / "screen_vfr_720p.mp4"
        with open_source(clip) as source:
            count = sum(1 for _ in source)
            assert abs(count / source.info.frame_rate - 17.87) <= 1 / source.info.frame_rate


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv422p"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_size_that_changes_is_brought_to_the_first(
    tmp_path: Path, pixel_format: str, turned: bool
) -> None:
    """As in recordings of television."""
    options = ("-c:v", "mpeg2video", "-pix_fmt", pixel_format)
    parts = [
        make_clip(
            tmp_path / f"{color}.ts", *options, *offset, picture=f"color=c={color}", size=size
        )
        for color, size, offset in (
            ("red", "64x48", ()),
            ("blue", "96x72", ("-output_ts_offset", "1")),
        )
    ]
    clip = tmp_path / "both.ts"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    width, height = 64, 48
    if turned:  # not a matter of the frames' count: what turns them cannot do without a new start
        width, height = height, width
        ffmpeg("-display_rotation", "90", "-i", clip, "-c", "copy", tmp_path / "turned.mp4")
        clip = tmp_path / "turned.mp4"
    frames = frames_of(clip)
    assert {(frame.width, frame.height) for frame in frames} == {(width, height)}
    reds = [frame.bgr[..., 2].mean() > 128 for frame in frames]
    assert all(np.ptp(frame.bgr, axis=(0, 1)).max() <= 8 for frame in frames)
    if not turned:
        assert len(frames) in {49, 50}  # half a packet is lost where they were joined
        assert reds == [True] * sum(reds) + [False] * (len(reds) - sum(reds))
        assert 24 <= sum(reds) <= 26


@pytest.fixture(scope="module")
def ntsc_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("trim") / "ntsc.mp4"
    return make_clip(path, "-g", "20", rate="30000/1001", seconds=3)


class TestTrim:
    @pytest.mark.parametrize(
        ("trim", "first", "count"),
        [
            (TrimSettings(), 0, 90),
            (TrimSettings(start=1.0), 30, 60),
            (TrimSettings(start=1.001), 30, 60),
            (TrimSettings(start=1.002), 31, 59),
            (TrimSettings(end=1.0), 0, 30),
            (TrimSettings(end=0.001), 0, 1),
            (TrimSettings(start=0.5, end=0.6), 15, 3),
            (TrimSettings(start=0.5, end=2, max_frames=2), 15, 2),
            (TrimSettings(start=2.9, end=50), 87, 3),
            (TrimSettings(max_frames=1000), 0, 90),
        ],
        ids=str,
    )
    def test_exactly_the_frames_of_that_part(
        self, ntsc_clip: Path, trim: TrimSettings, first: int, count: int
    ) -> None:
        frames = frames_of(ntsc_clip, trim)
        wanted = read_planes(ntsc_clip)[first : first + count]
        assert np.array_equal([frame.pixels for frame in frames], wanted)
        assert frames[0].time == pytest.approx(first * 1001 / 30000)

    def test_the_expected_count_is_right(self, ntsc_clip: Path) -> None:
        with open_source(ntsc_clip, TrimSettings(start=1, end=2)) as source:
            assert source.info.frame_count == len(list(source)) == 30

    def test_an_end_before_the_start_is_refused(self) -> None:
        with pytest.raises(SettingsError, match="after the start"):
            TrimSettings(start=2, end=1)


@pytest.mark.parametrize("offsets", [("500", "0"), ("0", "500")])
def test_joined_streams_whose_clock_jumps(tmp_path: Path, offsets: tuple[str, str]) -> None:
    parts = [
        make_clip(tmp_path / f"{offset}.ts", *X264.split(), "-output_ts_offset", offset, seconds=2)
        for offset in offsets
    ]
    clip = tmp_path / "joined.ts"
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    with open_source(clip) as source:
        shown = [frame.pixels for frame in source]
        assert not source.notes
    assert np.array_equal(shown, [frame for part in parts for frame in read_planes(part)])


class TestDamaged:
    @pytest.mark.parametrize(
        ("name", "options"),
        [("a.mp4", ("-movflags", "+faststart")), ("a.webm", ("-c:v", "libvpx-vp9")), ("a.mkv", ())],
    )
    def test_a_truncated_file_gives_what_decodes_and_one_warning(
        self, tmp_path: Path, name: str, options: tuple[str, ...]
    ) -> None:
        whole = make_clip(tmp_path / f"whole-{name}", *options, seconds=4, size="160x120")
        cut = tmp_path / name
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        with open_source(cut) as source:
            count = sum(1 for _ in source)
            assert 30 < count < 90
            assert len(source.warnings) == 1
            assert "ended early" in source.warnings[0]

    def test_frames_that_a_cut_file_lacks_make_no_variable_rate(
        self, tmp_path: Path, lake_clip: Path
    ) -> None:
        ffmpeg("-i", lake_clip, "-c", "copy", tmp_path / "whole.mkv")
        whole = (tmp_path / "whole.mkv").read_bytes()
        (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) * 2 // 3])
        with open_source(tmp_path / "cut.mkv") as source:
            assert 100 < sum(1 for _ in source) < 200
            assert len(source.warnings) == 1
            assert not source.notes

    def test_a_whole_file_gives_no_warning(self, tmp_path: Path) -> None:
        with open_source(make_clip(tmp_path / "a.mp4")) as source:
            assert len(list(source)) == 25
            assert not source.warnings


class TestImages:
    PICTURE = cv2.resize(
        np.random.default_rng(1).integers(0, 256, (6, 8, 3)).astype(np.uint8), (64, 48)
    )

    @pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".tiff", ".webp", ".PNG"])
    def test_lossless_formats(self, tmp_path: Path, suffix: str) -> None:
        path = tmp_path / f"still{suffix}"
        Image.fromarray(self.PICTURE).save(path, lossless=True)
        with open_source(path) as source:
            assert source.info.is_image
            (frame,) = source
        assert np.array_equal(frame.bgr, self.PICTURE[..., ::-1])

    def test_jpeg(self, tmp_path: Path) -> None:
        Image.fromarray(self.PICTURE).save(tmp_path / "still.jpg", quality=100, subsampling=0)
        (frame,) = frames_of(tmp_path / "still.jpg")
        assert np.abs(frame.bgr.astype(int) - self.PICTURE[..., ::-1]).max() <= 4

    @pytest.mark.parametrize("suffix", ["png", "tif"])
    @pytest.mark.parametrize("channels", [1, 3, 4])
    def test_16_bit_is_read_as_8(self, tmp_path: Path, suffix: str, channels: int) -> None:
        deep = np.dstack([self.PICTURE, self.PICTURE[..., :1]])[..., :channels].astype(np.uint16)
        path = tmp_path / f"deep.{suffix}"
        assert cv2.imwrite(str(path), np.squeeze(deep * 257))
        (frame,) = frames_of(path)
        shown = deep[..., :3] if channels > 1 else deep.repeat(3, axis=2)
        assert np.abs(frame.bgr.astype(int) - shown).max() <= 1
        assert (frame.alpha is not None) == (channels == 4)

    @pytest.mark.parametrize("suffix", ["png", "webp", "tif"])
    def test_alpha_is_kept(self, tmp_path: Path, suffix: str) -> None:
        alpha = self.PICTURE[..., 0]
        picture = Image.fromarray(np.dstack([self.PICTURE, alpha]))
        picture.save(tmp_path / f"a.{suffix}", lossless=True, exact=True)
        (frame,) = frames_of(tmp_path / f"a.{suffix}")
        assert frame.alpha is not None
        assert np.array_equal(frame.alpha, alpha)
        assert np.array_equal(frame.bgr, self.PICTURE[..., ::-1])

    def test_a_transparent_palette_colour_is_alpha(self, tmp_path: Path) -> None:
        picture = Image.new("P", (8, 8), 1)
        picture.putpalette([0, 0, 0, 200, 100, 50])
        picture.paste(0, (0, 0, 4, 8))
        picture.save(tmp_path / "p.png", transparency=0)
        (frame,) = frames_of(tmp_path / "p.png")
        assert frame.alpha is not None
        assert frame.alpha[0].tolist() == [0] * 4 + [255] * 4
        assert frame.bgr[0, 7].tolist() == [50, 100, 200]

    @pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
    def test_exif_orientation_is_honoured(self, tmp_path: Path, suffix: str) -> None:
        exif = Image.Exif()
        exif[0x112] = 6  # to be turned a quarter to the right
        picture = Image.new("RGB", (64, 32), (255, 0, 0))
        picture.paste((0, 0, 255), (0, 0, 32, 32))
        picture.save(tmp_path / f"a.{suffix}", exif=exif)
        (frame,) = frames_of(tmp_path / f"a.{suffix}")
        assert (frame.width, frame.height) == (32, 64)
        assert frame.bgr[10, 16, 0] > 200
        assert frame.bgr[50, 16, 0] < 50

    @pytest.mark.parametrize("mode", ["L", "1", "LA", "CMYK"])
    def test_other_modes(self, tmp_path: Path, mode: str) -> None:
        suffix = "jpg" if mode == "CMYK" else "png"
        Image.new("RGB", (9, 7), (255, 255, 255)).convert(mode).save(tmp_path / f"a.{suffix}")
        (frame,) = frames_of(tmp_path / f"a.{suffix}")
        assert frame.bgr.shape == (7, 9, 3)
        assert frame.bgr.min() >= 254

    def test_a_folder_is_taken_in_natural_order(self, tmp_path: Path) -> None:
        reds = [frame.bgr[0, 0, 2] for frame in frames_of(_images(tmp_path))]
        assert reds == [1, 2, 10]

    def test_images_of_a_folder_must_have_one_size(self, tmp_path: Path) -> None:
        folder = _images(tmp_path)
        Image.new("RGB", (5, 5)).save(folder / "frame3.png")
        with pytest.raises(SourceError, match=r"frame3.png is 5x5 .* bring them to one size"):
            frames_of(folder)


class TestAnimations:
    @pytest.mark.parametrize("make", [_animated_webp, _animated_png])
    def test_all_pictures_come_with_their_opacity(
        self, tmp_path: Path, make: Callable[[Path], Path]
    ) -> None:
        frames = frames_of(make(tmp_path))
        assert len(frames) == 12
        for frame, picture in zip(frames, moving(), strict=True):
            assert frame.alpha is not None
            assert np.array_equal(frame.alpha, picture[..., 3])
            visible = frame.alpha > 0
            assert np.array_equal(frame.bgr[visible], picture[visible][:, 2::-1])

    @pytest.mark.parametrize("name", ["a.webp", "a.png"])
    def test_one_that_pauses_lasts_as_long(self, tmp_path: Path, name: str) -> None:
        pictures = moving()
        pictures[6] = pictures[5]  # is stored as one that lasts twice as long
        save_animation(tmp_path / name, pictures)
        assert len(frames_of(tmp_path / name)) == 12
        with pytest.raises(SourceError, match="no frame in the chosen part; it ends before"):
            frames_of(tmp_path / name, TrimSettings(start=100))

    @pytest.mark.parametrize("make", [_animated_webp, _animated_png])
    def test_a_part(self, tmp_path: Path, make: Callable[[Path], Path]) -> None:
        path = make(tmp_path)
        for trim, numbers in (
            (TrimSettings(0.12), range(3, 12)),
            (TrimSettings(0.2, 0.4), range(5, 10)),
            (TrimSettings(0.44, max_frames=9), [11]),
        ):
            with open_source(path, trim) as source:
                frames = list(source)
                assert not source.notes
            assert [frame.time for frame in frames] == pytest.approx([n / 25 for n in numbers])
            for frame, number in zip(frames, numbers, strict=True):
                assert np.array_equal(frame.bgr[10:20], moving()[number][10:20, :, 2::-1])

    @pytest.mark.parametrize("clear", [None, 0])
    def test_a_gif_of_one_picture_is_an_image(self, tmp_path: Path, clear: int | None) -> None:
        shown = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64) % 3
        picture = Image.fromarray(shown, "P")
        picture.putpalette([9, 8, 7, 200, 100, 50, 0, 0, 255])
        options: dict[str, Any] = {} if clear is None else {"transparency": clear}
        picture.save(tmp_path / "a.gif", **options)
        with open_source(tmp_path / "a.gif") as source:
            (frame,) = source
            assert source.info.is_image
            assert not source.notes
        assert np.array_equal(
            frame.bgr[shown == 1], np.full(((shown == 1).sum(), 3), (50, 100, 200))
        )
        assert np.array_equal(frame.opacity == 0, shown == clear)
        report = convert(tmp_path / "a.gif", tmp_path / "a.png", segmenter=SegmenterSettings(3))
        assert report.frames == 1

    def test_without_a_name_for_it_the_output_is_animated_too(self, tmp_path: Path) -> None:
        path = _animated_png(tmp_path)
        convert(path, default_output(path))
        with Image.open(tmp_path / "animated.segmented.webp") as output:
            assert output.n_frames == 12  # type: ignore[attr-defined]


class TestSequences:
    @staticmethod
    def make(folder: Path, *names: str) -> None:
        for number, name in enumerate(names):
            Image.new("RGB", (64, 48), (10 * number, 0, 0)).save(folder / name)

    def test_numbered_images_in_the_order_of_their_numbers(self, tmp_path: Path) -> None:
        self.make(tmp_path, "f_0007.png", "f_0008.png", "f_0009.png", "f_0010.png")
        self.make(tmp_path, "f_11.png", "f_0012.jpg", "g_0011.png", "f_00013.png")
        with open_source(tmp_path / "f_%04d.png") as source:
            frames = list(source)
            assert source.info.frame_rate == 25
            assert not source.info.is_image
            assert not source.warnings
        assert [frame.bgr[0, 0, 2] for frame in frames] == [0, 10, 20, 30]
        assert [frame.time for frame in frames] == [0, 0.04, 0.08, 0.12]

    def test_without_padding(self, tmp_path: Path) -> None:
        self.make(tmp_path, "8.png", "9.png", "10.png", "011.png")
        assert [frame.bgr[0, 0, 2] for frame in frames_of(tmp_path / "%d.png")] == [0, 10, 20]

    def test_a_gap_is_warned_of(self, tmp_path: Path) -> None:
        self.make(tmp_path, "a1.png", "a2.png", "a5.png")
        with open_source(tmp_path / "a%d.png") as source:
            assert len(list(source)) == 3
            assert "2 of the numbers from 1 to 5 have no file" in source.warnings[0]

    def test_a_file_of_that_very_name_comes_first(self, tmp_path: Path) -> None:
        self.make(tmp_path, "a%d.png", "a1.png", "a2.png")
        with open_source(tmp_path / "a%d.png") as source:
            assert source.info.is_image

    def test_a_part(self, tmp_path: Path) -> None:
        self.make(tmp_path, *(f"{number:03}.png" for number in range(10)))
        frames = frames_of(tmp_path / "%03d.png", TrimSettings(0.1, 0.2))
        assert [frame.bgr[0, 0, 2] for frame in frames] == [30, 40]

    def test_none_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SourceError, match=r"no file has a name like .*f_%04d.png; check"):
            frames_of(tmp_path / "f_%04d.png")
        with pytest.raises(SourceError, match=r"does not exist"):
            frames_of(tmp_path / "100%.png")


class TestBadInput:
    def check(self, path: Path, message: str) -> None:
        with pytest.raises(SourceError, match=message):
            frames_of(path)

    def test_missing(self, tmp_path: Path) -> None:
        self.check(tmp_path / "nothing.mp4", "nothing.mp4 does not exist; check the name")

    @pytest.mark.parametrize("name", ["a.mp4", "a.png"])
    def test_empty(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).touch()
        self.check(tmp_path / name, "is empty; give a video")

    @pytest.mark.parametrize("name", ["a.mp4", "a", "a.mkv"])
    def test_text(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("not a video\n" * 100)
        self.check(tmp_path / name, "is not a video that ffmpeg can decode")

    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tif"])
    def test_text_named_as_an_image(self, tmp_path: Path, name: str) -> None:
        (tmp_path / name).write_text("not an image\n" * 100)
        self.check(tmp_path / name, "is not an image that can be read")

    def test_sound_alone(self, tmp_path: Path) -> None:
        ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "a.mp3")
        self.check(tmp_path / "a.mp3", "holds no video")

    def test_sound_with_a_cover(self, tmp_path: Path) -> None:
        Image.new("RGB", (16, 16)).save(tmp_path / "cover.png")
        ffmpeg(
            *("-f", "lavfi", "-i", "sine=duration=1", "-i", tmp_path / "cover.png"),
            *("-map", "0", "-map", "1", "-disposition:v:0", "attached_pic", tmp_path / "a.mp3"),
        )
        self.check(tmp_path / "a.mp3", "holds no video")

    def test_a_folder_without_images(self, tmp_path: Path) -> None:
        (tmp_path / "a.txt").touch()
        self.check(tmp_path, r"holds no images \(known .*; name videos themselves, as .*\*.mp4")

    def test_a_device(self) -> None:
        from pathlib import Path

        self.check(Path("/dev/null"), "is not a file")

    @pytest.mark.parametrize(
        "name", ["-i", "file:a b.mp4", "%03d 'q\" $HOME.mp4", "ünï·日本.mp4", "a\nb.mp4"]
    )
    def test_strange_names_are_names(self, tmp_path: Path, name: str) -> None:
        path = tmp_path / name
        shutil.copy(make_clip(tmp_path / "plain.mp4", seconds=0.2), path)
        assert len(frames_of(path)) == 5
        assert inspect(tmp_path / "plain.mp4").frames == 5
