from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import SourceError, VideoInfo
from kseg_video.core.yuv import ColorEncoding
from kseg_video.ffmpeg import process as ffmpeg_module
from kseg_video.live.pipeline import open_live_background
from kseg_video.reading.background_source import open_background
from tests.helpers.cards import TONE_MAPPING, X265, card, stored_as
from tests.helpers.faulty_ffmpeg import faulty_ffmpeg
from tests.helpers.media import TONE, encode, ffmpeg, make_clip, read_exact_bgr
from tests.helpers.pictures import photo_like

if TYPE_CHECKING:
    from pathlib import Path

INFO = VideoInfo(64, 48, Fraction(25))


def planar(matrix: str = "bt709", **values: object) -> VideoInfo:
    encoding = ColorEncoding(matrix)  # type: ignore[arg-type]
    return VideoInfo(64, 48, Fraction(25), "i420", encoding, **values)  # type: ignore[arg-type]


def counting_clip(path: Path, frames: int, rate: str, *options: str | Path) -> Path:
    """Frame number n is gray of level 10 n."""
    pattern = f"color=black:size=32x24:rate={rate},format=gray,geq=lum='10*N'"
    ffmpeg("-f", "lavfi", "-i", pattern, *options, "-frames:v", str(frames), path)
    return path


def numbers(path: Path, info: VideoInfo, count: int) -> list[int]:
    """Which of a counting clip's frames are given, one after another."""
    with open_background(path, info) as background:
        frames = [background.next().bgr for _ in range(count)]
    assert all(np.ptp(frame) <= 3 for frame in frames)
    return [round(float(frame.mean()) / 10) for frame in frames]


class TestImage:
    def test_it_covers_and_stays(self, tmp_path: Path) -> None:
        Image.new("RGB", (300, 100), (10, 20, 200)).save(tmp_path / "wide.png")
        with open_background(tmp_path / "wide.png", INFO) as background:
            first, second = background.next(), background.next()
        assert first.pixels.shape == (48, 64, 3)
        assert (first.pixels == (200, 20, 10)).all()
        assert second is first

    @pytest.mark.parametrize("matrix", ["bt601", "bt709"])
    def test_as_planes_it_has_its_colors(self, tmp_path: Path, matrix: str) -> None:
        picture = photo_like(1, size=(48, 64))
        picture = picture.reshape(24, 2, 32, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
        picture = picture.repeat(2, axis=0).repeat(2, axis=1)
        Image.fromarray(picture[..., ::-1]).save(tmp_path / "a.png")
        with open_background(tmp_path / "a.png", planar(matrix)) as background:
            frame = background.next()
        assert frame.layout == "i420"
        # Doubled bilinearly, chroma of neighbouring blocks mixes; luma does not.
        assert np.abs(frame.bgr.astype(int) - picture).mean() < 3

    def test_what_is_transparent_of_it_is_black(self, tmp_path: Path) -> None:
        picture = Image.new("RGBA", (64, 48), (255, 0, 0, 0))
        picture.paste((10, 200, 20, 255), (0, 0, 32, 24))
        picture.paste((200, 100, 50, 128), (32, 0, 64, 24))
        picture.save(tmp_path / "logo.png")
        with open_background(tmp_path / "logo.png", INFO) as background:
            pixels = background.next().pixels.astype(int)
        with open_live_background(tmp_path / "logo.png") as live:
            assert np.array_equal(live.picture(64, 48).pixels, pixels)
        assert (pixels[:24, :32] == (20, 200, 10)).all()
        assert np.abs(pixels[:24, 32:] - (25, 50, 100)).max() <= 1
        assert not pixels[24:].any()

    def test_it_is_upright(self, tmp_path: Path) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6
        picture = Image.new("RGB", (48, 64), (0, 0, 0))
        picture.paste((255, 255, 255), (0, 0, 48, 32))
        picture.save(tmp_path / "turned.jpg", exif=exif)
        with open_background(tmp_path / "turned.jpg", INFO) as background:
            pixels = background.next().pixels
        assert pixels[:, 40:].min() > 250
        assert pixels[:, :24].max() < 5


class TestVideo:
    @pytest.mark.parametrize("layout", ["bgr24", "i420"])
    def test_it_starts_again_at_its_end(self, tmp_path: Path, layout: str) -> None:
        clip = counting_clip(tmp_path / "a.mkv", 7, "25", "-c:v", "ffv1")
        info = planar() if layout == "i420" else INFO
        assert numbers(clip, info, 23) == [n % 7 for n in range(23)]

    @pytest.mark.parametrize(("name", "frames"), [("a.ts", 10), ("a.ts", 60), ("a.mpg", 10)])
    def test_streams_with_frames_out_of_order_start_again(
        self, tmp_path: Path, name: str, frames: int
    ) -> None:
        codec = ("libx264", "-crf", "4") if name == "a.ts" else ("mpeg2video", "-q:v", "1")
        clip = counting_clip(tmp_path / name, frames, "25", "-bf", "2", "-c:v", *codec)
        shown = numbers(clip, INFO, 3 * frames)
        assert shown[:10] == list(range(10))
        assert shown == 3 * shown[:frames]

    @pytest.mark.parametrize(("rate", "step"), [("50", 2.0), ("12.5", 0.5)])
    def test_it_keeps_its_own_time(self, tmp_path: Path, rate: str, step: float) -> None:
        clip = counting_clip(tmp_path / "a.mkv", 10, rate, "-c:v", "ffv1")
        assert numbers(clip, INFO, 40) == [int(n * step) % 10 for n in range(40)]

    def test_a_short_one_is_seen_nevertheless(self, tmp_path: Path) -> None:
        clip = counting_clip(tmp_path / "a.mkv", 1, "100", "-c:v", "ffv1")
        assert numbers(clip, INFO, 3) == [0, 0, 0]

    def test_loops_do_not_drift(self, tmp_path: Path) -> None:
        clip = counting_clip(tmp_path / "a.mp4", 10, "25", "-g", "5", "-bf", "2", "-crf", "4")
        shown = numbers(clip, INFO, 400)
        assert shown[390:] == shown[:10] == list(range(10))

    def test_sound_that_is_longer_does_not_hold_it(self, tmp_path: Path) -> None:
        pictures = counting_clip(tmp_path / "a.mkv", 10, "25", "-c:v", "ffv1")
        clip = tmp_path / "sound.mkv"
        ffmpeg("-i", pictures, *TONE, "-t", "0.9", "-c:v", "copy", clip)
        assert numbers(clip, INFO, 25)[10:20] == list(range(10))

    def test_it_is_cropped_to_cover(self, tmp_path: Path) -> None:
        bars = "color=red:size=120x48,drawbox=x=28:w=64:h=48:color=lime:t=fill"
        ffmpeg(
            "-f",
            "lavfi",
            "-i",
            bars,
            "-frames:v",
            "2",
            "-c:v",
            "ffv1",
            "-pix_fmt",
            "bgr0",
            tmp_path / "a.mkv",
        )
        with open_background(tmp_path / "a.mkv", INFO) as background:
            pixels = background.next().pixels
        assert (np.abs(pixels[:, 2:-2].astype(int) - (0, 255, 0)) <= 2).all()

    def test_both_kinds_of_pixels_that_are_not_square(self, tmp_path: Path) -> None:
        bars = "color=red:size=64x48,drawbox=y=12:w=64:h=24:color=lime:t=fill"
        ffmpeg(
            "-f",
            "lavfi",
            "-i",
            f"{bars},setsar=2",
            "-frames:v",
            "1",
            "-c:v",
            "ffv1",
            "-pix_fmt",
            "bgr0",
            tmp_path / "a.mkv",
        )  # shown as 128x48
        wide = VideoInfo(64, 24, Fraction(25), sample_aspect_ratio=Fraction(2))  # as 128x24
        with open_background(tmp_path / "a.mkv", wide) as background:
            pixels = background.next().pixels
        assert (np.abs(pixels[1:-1].astype(int) - (0, 255, 0)) <= 2).all()

    def test_its_colors_are_brought_to_the_matrix_of_what_it_goes_behind(
        self, tmp_path: Path
    ) -> None:
        clip = make_clip(tmp_path / "a.mp4", "-crf", "1", picture="color=c=0x2060C0", seconds=0.2)
        for matrix in ("bt601", "bt709"):
            with open_background(clip, planar(matrix)) as background:
                frame = background.next()
            assert np.abs(frame.bgr.astype(int) - (0xC0, 0x60, 0x20)).max() <= 4

    @pytest.mark.parametrize("layout", ["bgr24", "i420"])
    @pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
    def test_hdr_becomes_sdr(self, tmp_path: Path, layout: str, transfer: str) -> None:
        stored = [p.replace("bt2020-10", transfer) for p in stored_as("yuv420p10le", "bt2020nc")]
        picture = (card(64, 48) * 0.62).astype(np.uint8)
        clip = encode(tmp_path / "a.mp4", [picture] * 3, *stored, *X265.split())
        with open_background(clip, planar() if layout == "i420" else INFO) as background:
            shown = background.next().bgr[::47, ::63].astype(int)
        truth = read_exact_bgr(clip, conversion=TONE_MAPPING)[0, ::47, ::63]
        assert np.abs(shown - truth).max() <= 5

    def test_interlaced_pictures_have_no_teeth(self, tmp_path: Path) -> None:
        fields = np.zeros((12, 48, 64, 3), np.uint8)
        for number, field in enumerate(fields):
            field[:, 4 * number : 4 * number + 16] = 255
        clip = encode(
            tmp_path / "a.ts",
            list(fields),
            *("-vf", "tinterlace=interleave_top,setfield=tff"),
            *("-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme"),
            rate="50",
        )
        with open_background(clip, INFO) as background:
            background.next()
            luma = background.next().luma.astype(int)
        assert np.abs(luma[4:-4:2] - luma[5:-4:2]).mean() < 1

    def test_an_animated_gif(self, tmp_path: Path) -> None:
        clip = counting_clip(tmp_path / "a.gif", 5, "10")
        shown = numbers(clip, VideoInfo(64, 48, Fraction(10)), 15)
        assert shown == [n % 5 for n in range(15)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jpg", None, "the background .*none.jpg does not exist; check the name"),
        ("text.mp4", b"no video", "is not a video that ffmpeg can decode"),
        ("text.png", b"no image", "is not an image that can be read"),
        ("sound.mp4", b"", "holds no video|is not a video"),
    ],
)
def test_what_cannot_be_read(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if name == "sound.mp4":
        ffmpeg(*TONE, "-t", "0.2", tmp_path / name)
    elif content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=message):
        open_background(tmp_path / name, INFO)


@pytest.mark.thorough
def test_a_decoder_that_stalls_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = counting_clip(tmp_path / "clip.mkv", 20, "25")
    environment = faulty_ffmpeg(tmp_path, "decode", "sleep 60")
    ffmpeg_module.executable.cache_clear()
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", environment["IMAGEIO_FFMPEG_EXE"])
    try:
        with (
            open_background(clip, INFO) as background,
            pytest.raises(
                SourceError, match=r"cannot be read on .*; check the disk that it lies on"
            ),
        ):
            background.next()
    finally:
        ffmpeg_module.executable.cache_clear()
