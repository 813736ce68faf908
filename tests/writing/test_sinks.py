from __future__ import annotations

import dataclasses
import os
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    EncoderSettings,
    FrameSink,
    KsegError,
    RenderSettings,
    SettingsError,
    SinkError,
    VideoInfo,
    convert,
    open_sink,
    open_source,
)
from kseg_video.core.frame import Frame
from kseg_video.core.yuv import ColorEncoding, bgr_to_yuv
from kseg_video.ffmpeg.cleanup import Leftovers
from kseg_video.writing import temporary_files
from kseg_video.writing.containers import CONTAINERS
from kseg_video.writing.output_paths import default_output
from tests.helpers.flat_pictures import INFO, quarters
from tests.helpers.media import inspect, left_in, make_clip, read_exact_bgr, read_planes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import PixelLayout

OVERWRITING = EncoderSettings(overwrite=True)
BT709, BT470BG, SMPTE170M, LIMITED, FULL = 1, 5, 6, 1, 2


def write(
    path: Path, info: VideoInfo, pictures: list[NDArray[np.uint8]], **encoder: object
) -> None:
    settings = EncoderSettings(**encoder)  # type: ignore[arg-type]
    with open_sink(path, info, settings) as sink:
        for index, pixels in enumerate(pictures):
            sink.write(Frame(pixels, info.layout, info.encoding, index))


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.webp", "a.png", "%d.png", "a.npz"])
def test_what_is_no_frame(tmp_path: Path, name: str) -> None:
    picture: Any = quarters()
    with (
        pytest.raises(SinkError, match=r"takes a Frame, not a ndarray; .* Frame\(array"),
        open_sink(tmp_path / name, INFO) as sink,
    ):
        sink.write(picture)
    assert left_in(tmp_path) == []


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Leftovers:
    """What is undone when the program ends, of this test alone."""
    own = Leftovers()
    monkeypatch.setattr(temporary_files, "leftovers", own)
    return own


def close_while_all_is_undone(sink: FrameSink, ending: Leftovers) -> None:
    """A signal comes; then the sink's thread is quicker than what removes its file."""

    def close() -> None:
        with pytest.raises(SinkError, match="ending"):
            sink.close()

    sink.write(Frame(quarters()))
    ending.add(close)
    ending.undo_all()
    sink.abort()


@pytest.mark.parametrize(
    "suffix",
    [".mp4", ".mov", ".m4v", ".mkv", ".webm", ".gif", ".webp", ".png", ".jpg", ".tif"],
)
class TestEverySink:
    """What all sinks promise."""

    def test_the_output_appears_whole_when_it_is_closed(self, tmp_path: Path, suffix: str) -> None:
        target = tmp_path / f"out{suffix}"
        with open_sink(target, INFO) as sink:
            sink.write(Frame(quarters()))
            assert not target.exists()
        assert left_in(tmp_path) == [target.name]
        if suffix in {".gif", ".webp", ".png", ".jpg", ".tif"}:
            with Image.open(target) as stored:
                picture = np.asarray(stored.convert("RGB"))[..., ::-1]
        else:
            (picture,) = read_exact_bgr(target)
        assert np.abs(picture[::47, ::63].astype(int) - quarters()[::47, ::63]).max() <= 6

    def test_an_error_leaves_nothing(self, tmp_path: Path, suffix: str) -> None:
        def fail() -> None:
            with open_sink(tmp_path / f"out{suffix}", INFO) as sink:
                sink.write(Frame(quarters()))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert not left_in(tmp_path)

    def test_abort_twice_is_harmless(self, tmp_path: Path, suffix: str) -> None:
        sink = open_sink(tmp_path / f"out{suffix}", INFO)
        sink.abort()
        sink.abort()
        assert not left_in(tmp_path)

    def test_nothing_written_is_an_error(self, tmp_path: Path, suffix: str) -> None:
        with pytest.raises(SinkError), open_sink(tmp_path / f"out{suffix}", INFO):
            pass
        assert not left_in(tmp_path)

    def test_an_existing_file_is_left_alone(self, tmp_path: Path, suffix: str) -> None:
        target = tmp_path / f"out{suffix}"
        target.write_text("precious")
        with pytest.raises(SinkError, match=r"exists; choose another output or pass --overwrite"):
            open_sink(target, INFO)
        assert target.read_text() == "precious"

    def test_an_existing_file_is_replaced_with_leave_and_only_at_the_end(
        self, tmp_path: Path, suffix: str
    ) -> None:
        target = tmp_path / f"out{suffix}"
        target.write_text("old")
        with open_sink(target, INFO, EncoderSettings(overwrite=True)) as sink:
            sink.write(Frame(quarters()))
            assert target.read_text() == "old"
        assert target.stat().st_size > 50
        assert left_in(tmp_path) == [target.name]

    def test_a_file_that_appears_meanwhile_survives(self, tmp_path: Path, suffix: str) -> None:
        target = tmp_path / f"out{suffix}"
        sink = open_sink(target, INFO)
        sink.write(Frame(quarters()))
        target.write_text("precious")
        with pytest.raises(SinkError, match="appeared"):
            sink.close()
        sink.abort()
        assert target.read_text() == "precious"
        assert left_in(tmp_path) == [target.name]

    def test_a_program_that_is_ending_replaces_nothing(
        self, tmp_path: Path, suffix: str, ending: Leftovers
    ) -> None:
        target = tmp_path / f"out{suffix}"
        target.write_text("precious")
        sink = open_sink(target, INFO, EncoderSettings(overwrite=True))
        close_while_all_is_undone(sink, ending)
        assert target.read_text() == "precious"
        assert left_in(tmp_path) == [target.name]

    def test_a_missing_folder_is_an_error(self, tmp_path: Path, suffix: str) -> None:
        with pytest.raises(SinkError, match=r"folder .* does not exist; make it first"):
            open_sink(tmp_path / "missing" / f"out{suffix}", INFO)
        assert not left_in(tmp_path)

    def test_a_folder_in_its_place_is_an_error(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / f"out{suffix}").mkdir()
        with pytest.raises(SinkError, match="is not a plain file"):
            open_sink(tmp_path / f"out{suffix}", INFO, EncoderSettings(overwrite=True))
        assert left_in(tmp_path) == [f"out{suffix}"]

    def test_a_name_as_long_as_names_can_be(self, tmp_path: Path, suffix: str) -> None:
        target = tmp_path / ("x" * (250 - len(suffix)) + suffix)
        write(target, INFO, [quarters()])
        assert left_in(tmp_path) == [target.name]

    def test_the_file_has_ordinary_rights(self, tmp_path: Path, suffix: str) -> None:
        (tmp_path / "plain").touch()
        write(tmp_path / f"out{suffix}", INFO, [quarters()])
        plain, out = ((tmp_path / name).stat().st_mode for name in ("plain", f"out{suffix}"))
        assert oct(out) == oct(plain)


class TestVideo:
    @pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm"])
    @pytest.mark.parametrize("rate", ["30000/1001", "24", "12", "120"])
    def test_size_rate_and_count(self, tmp_path: Path, suffix: str, rate: str) -> None:
        info = dataclasses.replace(INFO, frame_rate=Fraction(rate))
        write(tmp_path / f"out{suffix}", info, [quarters()] * 7)
        stored = inspect(tmp_path / f"out{suffix}")
        assert (stored.width, stored.height, stored.frames) == (64, 48, 7)
        # Matroska and WebM keep times in whole milliseconds.
        tolerance = 0 if suffix in {".mp4", ".mov"} else 0.02
        assert abs(stored.rate - info.frame_rate) <= tolerance * info.frame_rate

    @pytest.mark.parametrize("name", ["a.mkv", "a.webm"])
    def test_a_rate_above_the_container_s_ticks(self, tmp_path: Path, name: str) -> None:
        info = dataclasses.replace(INFO, frame_rate=Fraction(2000))
        write(tmp_path / name, info, [quarters()] * 90)
        assert inspect(tmp_path / name).frames == 90

    @pytest.mark.parametrize(
        ("suffix", "codec"),
        [(".mp4", "h264"), (".mov", "h264"), (".mkv", "h264"), (".webm", "vp9")],
    )
    def test_the_usual_codec(self, tmp_path: Path, suffix: str, codec: str) -> None:
        write(tmp_path / f"out{suffix}", INFO, [quarters()])
        stored = inspect(tmp_path / f"out{suffix}")
        assert (stored.codec, stored.pixel_format) == (codec, "yuv420p")

    def test_vp9_in_mp4(self, tmp_path: Path) -> None:
        write(tmp_path / "out.mp4", INFO, [quarters()], codec="vp9")
        assert "vp9" in inspect(tmp_path / "out.mp4").codec

    def test_an_mp4_starts_with_its_index(self, tmp_path: Path) -> None:
        write(tmp_path / "out.mp4", INFO, [quarters()] * 3)
        data = (tmp_path / "out.mp4").read_bytes()
        assert 0 < data.index(b"moov") < data.index(b"mdat")

    @pytest.mark.parametrize("layout", ["bgr24", "i420"])
    @pytest.mark.parametrize("full_range", [False, True])
    @pytest.mark.parametrize(("matrix", "tag"), [("bt709", BT709), ("bt601", SMPTE170M)])
    def test_tags_and_colors_are_right(
        self, tmp_path: Path, layout: PixelLayout, full_range: bool, matrix: str, tag: int
    ) -> None:
        encoding = ColorEncoding(matrix, full_range)  # type: ignore[arg-type]
        info = dataclasses.replace(INFO, layout=layout, encoding=encoding)
        pixels = quarters()
        if layout == "i420":
            levels = bgr_to_yuv(quarters().reshape(-1, 3), encoding).reshape(48, 64, 3)
            planes = levels[..., 0], levels[::2, ::2, 1], levels[::2, ::2, 2]
            pixels = np.concatenate([plane.ravel() for plane in planes]).reshape(72, 64)
        write(tmp_path / "out.mp4", info, [pixels], crf=1)
        stored = inspect(tmp_path / "out.mp4")
        assert stored.color_space == stored.primaries == stored.transfer == tag
        assert stored.color_range == (FULL if full_range else LIMITED)
        (picture,) = read_exact_bgr(tmp_path / "out.mp4")
        corners = (slice(None, None, 47), slice(None, None, 63))
        assert np.abs(picture[corners].astype(int) - quarters()[corners]).max() <= 4

    def test_the_source_s_own_tags_stay(self, tmp_path: Path) -> None:
        encoding = ColorEncoding("bt601", False, "bt470bg", "bt709")
        write(tmp_path / "out.mp4", dataclasses.replace(INFO, encoding=encoding), [quarters()])
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.primaries, stored.transfer) == (BT470BG, BT709)

    @pytest.mark.parametrize("ratio", [Fraction(128, 117), Fraction(4, 3), Fraction(1)])
    @pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
    def test_sample_aspect_ratio(self, tmp_path: Path, ratio: Fraction, suffix: str) -> None:
        info = dataclasses.replace(INFO, sample_aspect_ratio=ratio)
        write(tmp_path / f"out{suffix}", info, [quarters()])
        assert inspect(tmp_path / f"out{suffix}").sample_aspect_ratio == ratio

    @pytest.mark.parametrize(
        ("suffix", "stored_as"), [(".mp4", "yuv444p"), (".webm", "yuv420p"), (".mkv", "yuv444p")]
    )
    @pytest.mark.parametrize("size", [(63, 48), (64, 47), (63, 47), (1, 1), (3, 2)])
    def test_odd_sizes_are_kept(
        self, tmp_path: Path, suffix: str, stored_as: str, size: tuple[int, int]
    ) -> None:
        width, height = size
        info = dataclasses.replace(INFO, width=width, height=height)
        pixels = np.full((height, width, 3), (30, 60, 200), np.uint8)
        with open_sink(tmp_path / f"out{suffix}", info) as sink:
            sink.write(Frame(pixels))
            noted = any("odd" in note and "many players refuse" in note for note in sink.notes)
        stored = inspect(tmp_path / f"out{suffix}")
        assert (stored.width, stored.height, stored.pixel_format) == (width, height, stored_as)
        assert noted == (stored_as == "yuv444p")
        (picture,) = read_planes(tmp_path / f"out{suffix}", "bgr24")
        assert np.abs(picture[0, 0].astype(int) - pixels[0, 0]).max() <= 6

    def test_lossless_bgr_comes_back_exactly(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        pictures = list(rng.integers(0, 256, (3, 47, 63, 3)).astype(np.uint8))
        info = dataclasses.replace(INFO, width=63, height=47)
        write(tmp_path / "out.mkv", info, pictures, lossless=True)
        assert inspect(tmp_path / "out.mkv").codec == "ffv1"
        assert np.array_equal(read_planes(tmp_path / "out.mkv", "bgr24"), pictures)

    @pytest.mark.parametrize(("layout", "shape"), [("i420", (72, 64)), ("gray8", (48, 64))])
    def test_lossless_planes_come_back_exactly(
        self, tmp_path: Path, layout: PixelLayout, shape: tuple[int, int]
    ) -> None:
        pictures = list(np.random.default_rng(0).integers(0, 256, (3, *shape)).astype(np.uint8))
        write(
            tmp_path / "out.mkv", dataclasses.replace(INFO, layout=layout), pictures, lossless=True
        )
        assert np.array_equal(read_planes(tmp_path / "out.mkv"), pictures)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.gif", "a.webp", "a.png", "%d.jpg", "a.npz"])
@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (Frame(quarters(50, 60)), r"60x50 \(bgr24\)"),
        (Frame(quarters(64, 48)), r"48x64 \(bgr24\)"),
        (Frame(np.zeros((72, 64), np.uint8), "i420"), r"64x48 \(i420\)"),
        (Frame(np.zeros((72, 64), np.uint8), "i420", odd_width=True), r"63x48 \(i420\)"),
        (Frame(np.zeros((48, 63), np.uint8), "gray8"), r"63x48 \(gray8\)"),
    ],
)
def test_pictures_of_another_kind_are_refused(
    tmp_path: Path, name: str, frame: Frame, kind: str
) -> None:
    layout: PixelLayout = "gray8" if name == "a.npz" else "bgr24"
    message = rf"^\S+ was opened for pictures of 64x48 \({layout}\) and is given one of {kind};"
    sink = open_sink(tmp_path / name, dataclasses.replace(INFO, layout=layout))
    if name not in {"a.png", "%d.jpg"}:
        sink.write(Frame(np.zeros((48, 64, 3)[: 3 if layout == "bgr24" else 2], np.uint8), layout))
    with pytest.raises(SinkError, match=message), sink:
        sink.write(frame)
    assert not left_in(tmp_path)


@pytest.mark.parametrize(
    ("name", "longest", "is_image"),
    [
        ("a.webp", 16_383, True),
        ("a.webp", 16_383, False),
        ("%d.webp", 16_383, False),
        ("a.jpg", 65_500, True),
        ("a.gif", 65_535, False),
    ],
)
def test_pictures_too_large_for_a_format(
    tmp_path: Path, name: str, longest: int, is_image: bool
) -> None:
    info = dataclasses.replace(INFO, width=longest, height=2, is_image=is_image)
    write(tmp_path / name, info, [np.zeros((2, longest, 3), np.uint8)])
    assert len(left_in(tmp_path)) == 1
    message = rf"{longest + 1}x2: \.\w+ ends at {longest} pixels a side; choose another format"
    with pytest.raises(SinkError, match=message):
        open_sink(tmp_path / name, dataclasses.replace(info, width=longest + 1), OVERWRITING)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a.webp", "a.png", "%d.png"])
def test_frames_of_a_source_are_taken_as_they_are(tmp_path: Path, name: str) -> None:
    frame = Frame(np.full((72, 64), 128, np.uint8), "i420")
    with open_sink(tmp_path / name, dataclasses.replace(INFO, layout="i420")) as sink:
        sink.write(frame)
    assert len(left_in(tmp_path)) == 1


class TestSound:
    @pytest.mark.parametrize(
        ("name", "options", "suffix", "stored_as"),
        [
            ("a.mp4", ("-c:a", "aac"), ".mp4", "aac"),
            ("a.mp4", ("-c:a", "aac"), ".mkv", "aac"),
            ("a.mp4", ("-c:a", "aac"), ".webm", "opus"),
            ("a.webm", ("-c:v", "libvpx-vp9", "-c:a", "libopus"), ".mp4", "opus"),
            ("a.mkv", ("-c:a", "libvorbis"), ".mp4", "aac"),
            ("a.mkv", ("-c:a", "libvorbis"), ".webm", "vorbis"),
            ("a.avi", ("-c:a", "pcm_s16le"), ".mp4", "aac"),
            ("a.avi", ("-c:a", "pcm_s16le"), ".mov", "pcm_s16le"),
            ("a.mkv", ("-c:a", "flac"), ".mkv", "flac"),
        ],
    )
    def test_it_is_copied_or_encoded_as_the_container_wants(
        self, tmp_path: Path, name: str, options: tuple[str, ...], suffix: str, stored_as: str
    ) -> None:
        clip = make_clip(tmp_path / name, *options, sound=True, seconds=2)
        target = tmp_path / f"out{suffix}"
        with (
            open_source(clip) as source,
            open_sink(target, source.info, None, source.tracks) as sink,
        ):
            for frame in source:
                sink.write(frame)
        stored = inspect(target)
        assert [codec.removeprefix("lib") for codec in stored.audio] == [stored_as]
        assert stored.frames == 50
        assert stored.audio_seconds == pytest.approx(2, abs=0.06)

    def test_it_can_be_left_out(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.mp4", sound=True)
        target, encoder = tmp_path / "out.mp4", EncoderSettings(audio=False)
        with (
            open_source(clip) as source,
            open_sink(target, source.info, encoder, source.tracks) as sink,
        ):
            for frame in source:
                sink.write(frame)
        assert inspect(target).audio == ()


@pytest.mark.parametrize("name", ["out.mp4", "out.png", "out.gif", "out.npz", "out-%d.png"])
class TestAProgramThatIsEnding:
    def test_begins_no_output(self, tmp_path: Path, ending: Leftovers, name: str) -> None:
        ending.undo_all()
        with pytest.raises(KsegError, match="ending"):
            open_sink(tmp_path / name, INFO)
        assert left_in(tmp_path) == []

    def test_leaves_none_that_it_just_began(
        self, tmp_path: Path, ending: Leftovers, monkeypatch: pytest.MonkeyPatch, name: str
    ) -> None:
        """A signal comes between the last look for one and the first file."""
        function = "mkdir" if "%" in name else "open"
        make = getattr(os, function)

        def make_late(*arguments: Any, **options: Any) -> object:
            ending.undo_all()
            return make(*arguments, **options)

        monkeypatch.setattr(os, function, make_late)
        with pytest.raises(KsegError, match="ending"):
            open_sink(tmp_path / name, INFO)
        assert left_in(tmp_path) == []


def test_a_program_that_is_ending_replaces_no_sequence(tmp_path: Path, ending: Leftovers) -> None:
    (tmp_path / "out-00.png").write_text("precious")
    sink = open_sink(tmp_path / "out-%02d.png", INFO, EncoderSettings(overwrite=True))
    close_while_all_is_undone(sink, ending)
    assert (tmp_path / "out-00.png").read_text() == "precious"
    assert left_in(tmp_path) == ["out-00.png"]


class TestImages:
    @pytest.mark.parametrize("suffix", [".png", ".webp", ".tif", ".tiff", ".bmp", ".PNG"])
    def test_colors_come_back_exactly(self, tmp_path: Path, suffix: str) -> None:
        write(tmp_path / f"out{suffix}", INFO, [quarters()])
        picture = np.asarray(Image.open(tmp_path / f"out{suffix}").convert("RGB"))
        assert np.array_equal(picture[..., ::-1], quarters())

    @pytest.mark.parametrize("suffix", [".png", ".webp", ".tif"])
    def test_alpha_comes_back_exactly(self, tmp_path: Path, suffix: str) -> None:
        alpha = np.random.default_rng(0).integers(1, 256, (48, 64)).astype(np.uint8)
        with open_sink(tmp_path / f"out{suffix}", INFO) as sink:
            sink.write(Frame(quarters(), alpha=alpha))
        assert np.array_equal(np.asarray(Image.open(tmp_path / f"out{suffix}"))[..., 3], alpha)

    @pytest.mark.parametrize("suffix", [".jpg", ".bmp"])
    def test_alpha_that_cannot_be_kept_is_said(self, tmp_path: Path, suffix: str) -> None:
        with open_sink(tmp_path / f"out{suffix}", INFO) as sink:
            sink.write(Frame(quarters(), alpha=np.zeros((48, 64), np.uint8)))
            assert sink.notes == [f"{suffix} holds no transparency, which is left out"]
        with Image.open(tmp_path / f"out{suffix}") as picture:
            assert picture.mode == "RGB"

    def test_a_second_picture_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(SinkError, match="holds one picture and there are more"):
            write(tmp_path / "out.png", INFO, [quarters()] * 2)
        assert not left_in(tmp_path)


class TestSettings:
    @pytest.mark.parametrize("name", ["out", "out.xyz", "out.mp3", ".mp4x"])
    def test_unknown_suffixes(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(SettingsError, match=r"no known suffix; choose one of .*\.mp4.*\.webm"):
            open_sink(tmp_path / name, INFO)

    @pytest.mark.parametrize(
        ("name", "encoder", "message"),
        [
            ("a.mp4", EncoderSettings(lossless=True), "lossless output needs .mkv"),
            ("a.webm", EncoderSettings(codec="h264"), ".webm takes vp9 or av1, not h264"),
            ("a.mp4", EncoderSettings(crf=60), "at most 51"),
            ("a.webm", EncoderSettings(preset="fast"), "presets belong to h264"),
        ],
    )
    def test_contradictions(
        self, tmp_path: Path, name: str, encoder: EncoderSettings, message: str
    ) -> None:
        with pytest.raises(SettingsError, match=message):
            open_sink(tmp_path / name, INFO, encoder)
        assert not left_in(tmp_path)

    @pytest.mark.parametrize(
        ("source", "lossless", "output"),
        [
            ("clips/a.mp4", False, "clips/a.segmented.mp4"),
            ("a.webm", False, "a.segmented.webm"),
            ("a.avi", False, "a.segmented.mp4"),
            ("a.gif", False, "a.segmented.gif"),
            ("a.mp4", True, "a.segmented.mkv"),
            ("a.jpg", False, "a.segmented.png"),
            ("a.png", False, "a.segmented.png"),
            ("a.tif", False, "a.segmented.tif"),
            ("a.b.MOV", False, "a.b.segmented.mov"),
            ("shots/frame_%04d.png", False, "shots/frame.segmented.mp4"),
        ],
    )
    def test_default_names(self, source: str, lossless: bool, output: str) -> None:
        assert default_output(Path(source), lossless=lossless) == Path(output)

    def test_default_name_of_a_folder(self, tmp_path: Path) -> None:
        (tmp_path / "shots.d").mkdir()
        assert default_output(tmp_path / "shots.d") == tmp_path / "shots.d.segmented.mp4"


@pytest.mark.thorough
@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp", ".npz"])
def test_the_same_run_gives_the_same_file(tmp_path: Path, suffix: str) -> None:
    clip = make_clip(tmp_path / "a.mkv", "-metadata", "title=Lake", seconds=0.4, sound=True)
    files = []
    for number in range(2):
        path = tmp_path / f"{number}{suffix}"
        convert(clip, path, rendering=RenderSettings("labels" if suffix == ".npz" else "segmented"))
        files.append(path.read_bytes())
    assert files[0] == files[1]
    if suffix in CONTAINERS:
        with av.open(str(path)) as container:
            assert "Lake" in container.metadata.values()
