"""Parts, sizes and frame rates of inputs: the right pixels, shapes, frames and times."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from kseg_video import (
    DecoderSettings,
    SegmenterSettings,
    SourceError,
    TrimSettings,
    convert,
    find_palette,
    open_source,
)
from kseg_video.reading.trimming import PictureGeometry
from tests.conftest import SAMPLES
from tests.helpers.cards import FFV1, card, stored_as
from tests.helpers.commands import run
from tests.helpers.media import TONE, encode, ffmpeg, inspect, left_in, make_clip
from tests.helpers.pictures import photo_like
from tests.reading.test_look_ahead import look_ahead_of, numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video import Frame

X264 = ("-c:v", "libx264", "-crf", "4", "-bf", "0")
CROP = (24, 20, 8, 6)


def read(path: Path, decoder: DecoderSettings, trim: TrimSettings | None = None) -> list[Frame]:
    with open_source(path, trim, decoder) as source:
        frames = list(source)
        assert {(frame.width, frame.height) for frame in frames} == {
            (source.info.width, source.info.height)
        }
    return frames


def part_of(picture: NDArray[np.uint8], crop: Sequence[int]) -> NDArray[np.uint8]:
    width, height, column, row = crop
    return picture[row : row + height, column : column + width]


class TestSizes:
    @pytest.mark.parametrize(
        ("settings", "size", "ratio", "scaled"),
        [
            ({"width": 640}, (1280, 720), 1, (640, 360)),
            ({"width": 321}, (1280, 720), 1, (321, 180)),
            ({"height": 480}, (1280, 720), 1, (854, 480)),
            ({"width": 640, "height": 640}, (1280, 720), 1, (640, 360)),
            ({"width": 640, "height": 640}, (720, 1280), 1, (360, 640)),
            ({"width": 5, "height": 101}, (100, 2000), 1, (5, 100)),
            ({"shorter_side": 480}, (1280, 720), 1, (854, 480)),
            ({"shorter_side": 480}, (720, 1280), 1, (480, 854)),
            ({"scale": 0.5}, (1280, 718), 1, (640, 360)),
            ({"scale": 0.001}, (1280, 720), 1, (2, 2)),
            ({"height": 576}, (720, 576), Fraction(64, 45), (1024, 576)),
            ({"scale": 1}, (720, 576), Fraction(16, 15), (768, 576)),
            ({"crop": (300, 300, 0, 0), "width": 150}, (1280, 720), 1, (150, 150)),
            ({"crop": (301, 299, 979, 421)}, (1280, 720), 1, (301, 299)),
        ],
    )
    def test_the_shape_is_kept(
        self,
        tmp_path: Path,
        settings: dict[str, object],
        size: tuple[int, int],
        ratio: Fraction | int,
        scaled: tuple[int, int],
    ) -> None:
        decoder = DecoderSettings(**settings)  # type: ignore[arg-type]
        found = PictureGeometry.of_pictures(tmp_path, decoder, size, Fraction(ratio), even=True)
        assert (found.width, found.height) == scaled
        assert found.pixel_ratio == 1

    def test_pixels_that_are_not_square_become_so_or_stay(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.mp4", "-vf", "setsar=16/15", size="90x72", seconds=0.2)
        convert(clip, tmp_path / "b.mp4", decoder=DecoderSettings(height=36))
        convert(clip, tmp_path / "c.mp4", decoder=DecoderSettings(crop=(40, 36, 0, 0)))
        scaled, cut = inspect(tmp_path / "b.mp4"), inspect(tmp_path / "c.mp4")
        assert (scaled.width, scaled.height) == (48, 36)
        assert scaled.sample_aspect_ratio == 1
        assert (cut.width, cut.height, cut.sample_aspect_ratio) == (40, 36, Fraction(16, 15))

    @pytest.mark.parametrize("storage", ["yuv420p", "yuvj420p", "yuv444p10le", "bgr0"])
    def test_a_smaller_picture_has_the_means_of_the_whole(
        self, tmp_path: Path, storage: str
    ) -> None:
        picture = cv2.GaussianBlur(photo_like(1, size=(96, 128)), (0, 0), 2)
        options = () if storage == "bgr0" else stored_as(storage, "bt709")
        clip = encode(
            tmp_path / "a.mkv", [np.asarray(picture, np.uint8)] * 2, *FFV1.split(), *options
        )
        (whole, _), (small, _) = (
            read(clip, DecoderSettings()),
            read(clip, DecoderSettings(width=40)),
        )
        wanted = cv2.resize(whole.bgr, (40, 30), interpolation=cv2.INTER_AREA).astype(int)
        assert np.abs(small.bgr - wanted).mean() < 1.5
        assert small.layout == whole.layout

    def test_enlarging_keeps_the_picture(self, tmp_path: Path) -> None:
        picture = np.asarray(cv2.GaussianBlur(photo_like(2, size=(48, 64)), (0, 0), 2), np.uint8)
        clip = encode(tmp_path / "a.mkv", [picture], *FFV1.split(), "-pix_fmt", "bgr0")
        (large,) = read(clip, DecoderSettings(scale=3))
        back = cv2.resize(large.bgr, (64, 48), interpolation=cv2.INTER_AREA).astype(int)
        assert np.abs(back - picture).mean() < 1

    def test_hidden_colours_do_not_mix_into_others(self, tmp_path: Path) -> None:
        picture = np.zeros((40, 40, 4), np.uint8)
        picture[:, :19], picture[:, 19:] = (0, 200, 0, 255), (0, 0, 255, 0)
        cv2.imwrite(str(tmp_path / "a.png"), picture)
        clip = tmp_path / "a.mkv"
        ffmpeg("-i", tmp_path / "a.png", "-c:v", "ffv1", "-pix_fmt", "bgra", clip)
        for source in (tmp_path / "a.png", clip):
            (frame,) = read(source, DecoderSettings(width=20))
            assert frame.alpha is not None
            assert set(frame.alpha[0].tolist()) == {0, 128, 255}
            assert (frame.bgr[frame.alpha > 0] == (0, 200, 0)).all()
            assert (frame.bgr[frame.alpha == 0] == (0, 0, 255)).all()

    @pytest.mark.parametrize(
        ("decoder", "said"),
        [
            (
                DecoderSettings(crop=(40, 30, 25, 0)),
                r"the crop 40x30\+25\+0 reaches out of .* which is 64x48",
            ),
            (DecoderSettings(width=40_000), "would be 40000x30000; choose a smaller size"),
        ],
    )
    def test_impossible_ones_are_told(
        self, tmp_path: Path, decoder: DecoderSettings, said: str
    ) -> None:
        cv2.imwrite(str(tmp_path / "a.png"), np.zeros((48, 64, 3), np.uint8))
        for source in (tmp_path / "a.png", make_clip(tmp_path / "a.mp4", seconds=0.2)):
            with pytest.raises(SourceError, match=said):
                convert(source, tmp_path / "b.png", decoder=decoder)
        assert left_in(tmp_path) == ["a.mp4", "a.png"]


class TestCrops:
    @pytest.mark.parametrize("crop", [CROP, (25, 19, 8, 6)])
    def test_stored_samples_are_kept(self, tmp_path: Path, crop: tuple[int, int, int, int]) -> None:
        clip = make_clip(tmp_path / "a.mp4", *X264, seconds=0.2)
        whole, cut = read(clip, DecoderSettings()), read(clip, DecoderSettings(crop=crop))
        assert cut[0].layout == "i420"
        half = tuple(-(-number // 2) for number in crop)
        for one, other in zip(whole, cut, strict=True):
            for plane, of_part, part in zip(
                one.planes, other.planes, (crop, half, half), strict=True
            ):
                wanted = part_of(plane, part)
                assert (wanted == of_part[: wanted.shape[0], : wanted.shape[1]]).all()

    def test_odd_places_are_exact(self, tmp_path: Path) -> None:
        crop = (33, 21, 7, 5)
        clip = make_clip(tmp_path / "a.mp4", *X264, seconds=0.2)
        whole, cut = read(clip, DecoderSettings()), read(clip, DecoderSettings(crop=crop))
        for one, other in zip(whole, cut, strict=True):
            apart = np.abs(part_of(one.bgr, crop).astype(int) - other.bgr)
            assert np.median(apart) <= 1

    @pytest.mark.parametrize(
        ("options", "turn"),
        [
            (("-display_rotation", "90"), np.rot90),
            (("-display_rotation", "180", "-display_hflip"), lambda picture: picture[::-1]),
        ],
    )
    def test_of_the_upright_picture(
        self,
        tmp_path: Path,
        options: tuple[str, ...],
        turn: Callable[[NDArray[np.uint8]], NDArray[np.uint8]],
    ) -> None:
        flat = encode(tmp_path / "flat.mp4", [card(64, 48)] * 2, *X264, *stored_as("yuv420p"))
        turned = tmp_path / "turned.mp4"
        ffmpeg(*options, "-i", flat, "-c", "copy", turned)
        wanted = part_of(turn(card(64, 48)), CROP)
        frame = read(turned, DecoderSettings(crop=CROP))[0]
        assert np.median(np.abs(frame.bgr.astype(int) - wanted)) <= 2
        with open_source(turned, decoder=DecoderSettings(crop=CROP)) as source:
            (ahead, *_) = look_ahead_of(source).until(9)
        assert np.abs(ahead.bgr.mean(0) - wanted.mean((0, 1))).max() < 4

    def test_of_images_in_a_row(self, tmp_path: Path) -> None:
        pictures = [photo_like(seed, size=(48, 64)) for seed in range(3)]
        for number, picture in enumerate(pictures):
            cv2.imwrite(str(tmp_path / f"f{number}.png"), picture)
        decoder = DecoderSettings(crop=CROP, frame_rate=5)
        frames = read(tmp_path / "f%d.png", decoder)
        assert [frame.time for frame in frames] == [0, 0.2, 0.4]
        for frame, picture in zip(frames, pictures, strict=True):
            assert (frame.bgr == part_of(picture, CROP)).all()


def shown(frames: list[Frame]) -> list[int]:
    """Numbers of the pictures of `numbered`."""
    return [round((float(frame.bgr.mean()) - 20) / 2) for frame in frames]


class TestFrameRates:
    @pytest.mark.parametrize("rate", [10, 12.5, Fraction(30000, 1001), 50])
    @pytest.mark.parametrize("trim", [TrimSettings(), TrimSettings(1.0, 2.1)])
    def test_each_frame_is_the_one_shown_at_its_time(
        self, tmp_path: Path, rate: Fraction | float, trim: TrimSettings
    ) -> None:
        clip = encode(tmp_path / "a.mkv", numbered(60), *FFV1.split(), "-pix_fmt", "bgr0")
        frames = read(clip, DecoderSettings(frame_rate=rate), trim)
        times = [trim.start + number / float(rate) for number in range(len(frames))]
        assert [frame.time for frame in frames] == pytest.approx(times)
        assert shown(frames) == [int(time * 25 + 1e-6) for time in times]
        end = trim.end or 60 / 25
        assert times[-1] < end <= times[-1] + 1 / float(rate) + 1e-6

    def test_of_a_variable_rate(self, tmp_path: Path) -> None:
        times = "0.1*eq(N,1)+0.6*eq(N,2)+0.7*eq(N,3)+1.7*eq(N,4)"
        even = encode(tmp_path / "even.mkv", numbered(5), *FFV1.split(), rate="10")
        timing = ("-vf", f"setpts='round(({times})/TB)'", "-fps_mode", "vfr")
        clip = tmp_path / "a.mp4"
        ffmpeg("-i", even, *timing, "-enc_time_base", "1/1000", *X264, clip)
        with open_source(clip, decoder=DecoderSettings(frame_rate=5)) as source:
            assert shown(list(source)) == [0, 1, 1, 2, 3, 3, 3, 3, 3]
            assert source.notes == ["variable frame rate made constant at 5 fps"]

    def test_sound_and_durations_are_kept(self, tmp_path: Path) -> None:
        inputs = (*TONE, "-shortest")
        clip = encode(tmp_path / "a.mp4", numbered(50), *X264, inputs=inputs)
        table = tmp_path / "a.csv"
        outcome = run(
            *("convert", clip, "-o", tmp_path / "b.mp4", "--fps", "10", "--stats", table),
            *("--width", "32"),
        )
        assert outcome.code == 0, outcome.err
        stored = inspect(tmp_path / "b.mp4")
        assert (stored.frames, stored.seconds) == (20, 2.0)
        assert (stored.width, stored.height) == (32, 24)
        assert stored.audio_seconds == pytest.approx(2.0, abs=0.05)
        rows = [line.split(",")[1] for line in table.read_text().splitlines()[1:]]
        assert [float(time) for time in rows] == pytest.approx(np.arange(20) / 10)

    def test_frames_to_take_are_counted_at_the_new_rate(self, tmp_path: Path) -> None:
        clip = encode(tmp_path / "a.mp4", numbered(50), *X264, inputs=(*TONE, "-shortest"))
        decoder = DecoderSettings(frame_rate=10)
        convert(clip, tmp_path / "b.mp4", trim=TrimSettings(max_frames=5), decoder=decoder)
        stored = inspect(tmp_path / "b.mp4")
        assert (stored.frames, stored.seconds) == (5, 0.5)
        assert stored.audio_seconds == pytest.approx(0.5, abs=0.05)

    def test_a_timecode_of_another_rate_is_left_out(self, tmp_path: Path) -> None:
        clip = encode(tmp_path / "a.mov", numbered(5), *X264, "-timecode", "01:00:00:20")
        report = convert(clip, tmp_path / "b.mov", decoder=DecoderSettings(frame_rate=10))
        assert any("timecode" in note for note in report.notes)


@pytest.mark.parametrize(
    "decoder",
    [
        DecoderSettings(crop=(300, 200, 431, 101), width=150),
        DecoderSettings(scale=0.1, frame_rate=5),
        DecoderSettings(crop=(300, 300, 0, 240)),
    ],
)
def test_palette_and_convert_agree(tmp_path: Path, decoder: DecoderSettings) -> None:
    lake, settings = SAMPLES / "lake.mp4", SegmenterSettings(n_clusters=4)
    trim = TrimSettings(1.0, max_frames=2)
    found = find_palette(lake, settings, trim=trim, decoder=decoder)
    report = convert(lake, tmp_path / "a.mkv", segmenter=settings, trim=trim, decoder=decoder)
    assert found.first_palette is not None
    assert found.first_palette.hex_colors == report.first_palette.hex_colors


@pytest.mark.parametrize(
    "words",
    [
        ("--size", "half"),
        ("--size", "64x"),
        ("--size", "0%"),
        ("--size", "64x48", "--width", "3"),
        ("--width", "0"),
        ("--fps", "0"),
        ("--fps", "1/0"),
        ("--fps", "many"),
        ("--crop", "10x10"),
        ("--crop", "0x10+1+1"),
        ("--end", "2", "--duration", "2"),
    ],
)
def test_wrong_values_are_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    outcome = run("convert", "a.mp4", *words, cwd=tmp_path)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1


def test_labels_of_a_part_at_another_size(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "a.mp4", seconds=1)
    outcome = run(
        *("convert", clip, "-o", tmp_path / "a.npz", "--view", "labels", "--size", "50%"),
        *("--crop", "40x40+8+8", "--fps", "5", "--start", "0.4", "--duration", "0.4"),
    )
    assert outcome.code == 0, outcome.err
    archive = np.load(tmp_path / "a.npz")
    assert archive["labels"].shape == (2, 20, 20)
    assert archive["times"] == pytest.approx([0.4, 0.6])
