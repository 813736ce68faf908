from __future__ import annotations

import os
import re
import signal
import threading
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image

import kseg_video
from kseg_video import (
    EncoderSettings,
    RenderSettings,
    SegmenterSettings,
    SettingsError,
    SinkError,
    SourceError,
    TrimSettings,
    convert,
)
from tests.conftest import running_ffmpegs
from tests.helpers.commands import run_measured
from tests.helpers.media import (
    encode,
    ffmpeg,
    inspect,
    left_in,
    make_clip,
    read_exact_bgr,
    read_planes,
)
from tests.helpers.oracles import opencv_kmeans
from tests.helpers.sync import flash_lag, make_flashes
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.conversion.report import ConversionReport
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_info import VideoInfo

LOSSLESS = EncoderSettings(lossless=True)


def distinct(picture: NDArray[np.uint8]) -> set[tuple[int, ...]]:
    return set(map(tuple, np.unique(picture.reshape(-1, 3), axis=0).tolist()))


def read_bgr(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))[..., ::-1]


class TestVideo:
    def test_the_main_job(self, lake_clip: Path, tmp_path: Path) -> None:
        report = convert(lake_clip, tmp_path / "out.mp4", trim=TrimSettings(max_frames=40))
        source, output = inspect(lake_clip), inspect(tmp_path / "out.mp4")
        assert (output.width, output.height, output.rate) == (960, 540, source.rate)
        assert output.frames == report.frames == 40
        assert output.audio == ("aac",)
        assert output.audio_seconds == pytest.approx(1.6, abs=0.06)
        assert output.color_space == source.color_space
        (first, *_) = read_exact_bgr(tmp_path / "out.mp4")
        nearest_color = np.abs(
            first.reshape(-1, 1, 3).astype(int) - report.palette.colors.astype(int)
        ).max(axis=2)
        # Away from the regions' borders, where 4:2:0 mixes chroma, the picture is the palette.
        assert np.mean(nearest_color.min(axis=1) <= 12) > 0.85

    def test_all_frames_and_all_the_sound(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.mp4", sound=True, rate="30000/1001", seconds=3)
        convert(clip, tmp_path / "out.mp4")
        source, output = inspect(clip), inspect(tmp_path / "out.mp4")
        assert (output.frames, output.rate) == (source.frames, Fraction(30000, 1001))
        assert output.audio_seconds == pytest.approx(source.audio_seconds, abs=0.03)
        assert output.seconds == pytest.approx(source.seconds, abs=1e-3)

    def test_lossless_output_holds_the_exact_palette(self, lake_clip: Path, tmp_path: Path) -> None:
        trim = TrimSettings(max_frames=1)
        report = convert(lake_clip, tmp_path / "out.mkv", encoder=LOSSLESS, trim=trim)
        (picture,) = read_planes(tmp_path / "out.mkv", "bgr24")
        assert distinct(picture) == set(map(tuple, report.palette.colors.tolist()))

    def test_lossless_masked_output_keeps_the_source_s_own_levels(
        self, lake_clip: Path, tmp_path: Path
    ) -> None:
        trim = TrimSettings(max_frames=3)
        for name, view in (
            ("masked.mkv", RenderSettings("masked", frozenset({0, 3}))),
            ("labels.mkv", RenderSettings("labels")),
        ):
            convert(lake_clip, tmp_path / name, rendering=view, encoder=LOSSLESS, trim=trim)
        originals = read_planes(lake_clip)
        masked = read_planes(tmp_path / "masked.mkv")
        labels = read_planes(tmp_path / "labels.mkv")
        for source, output, numbers in zip(originals[:3], masked, labels, strict=True):
            kept = ~np.isin(numbers, [0, 3])
            assert np.array_equal(output[:540][kept], source[:540][kept])
            assert (output[:540][~kept] == 16).all()
            blocks = kept.reshape(270, 2, 480, 2).any(axis=(1, 3))
            for plane in (0, 1):
                before, after = (p[540:].reshape(2, 270, 480)[plane] for p in (source, output))
                assert np.array_equal(after[blocks], before[blocks])
                assert (after[~blocks] == 128).all()

    @pytest.mark.parametrize("view", ["segmented", "masked", "boundaries", "original"])
    @pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
    def test_every_view_can_be_written(self, tmp_path: Path, view: str, pixel_format: str) -> None:
        clip = make_clip(tmp_path / "a.mp4", "-pix_fmt", pixel_format, seconds=0.2)
        rendering = RenderSettings(view, frozenset({1}))  # type: ignore[arg-type]
        convert(clip, tmp_path / "out.mp4", rendering=rendering)
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.width, stored.height, stored.frames) == (64, 48, 5)

    @pytest.mark.parametrize(("disabled", "panels"), [(frozenset(), 2), (frozenset({0}), 3)])
    def test_side_by_side_is_as_wide_as_its_panels(
        self, tmp_path: Path, disabled: frozenset[int], panels: int
    ) -> None:
        clip = make_clip(tmp_path / "a.mp4", seconds=0.2)
        convert(clip, tmp_path / "out.mp4", rendering=RenderSettings("side-by-side", disabled))
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.width, stored.height) == (64 * panels, 48)

    @pytest.mark.parametrize("suffix", [".mp4", ".webm"])
    @pytest.mark.parametrize("size", ["63x47", "64x47", "1x1"])
    def test_odd_sizes_are_kept(self, tmp_path: Path, suffix: str, size: str) -> None:
        options = ("-c:v", "ffv1", "-pix_fmt", "bgr0")
        clip = make_clip(tmp_path / "a.mkv", *options, size=size, picture="color=c=red")
        report = convert(clip, tmp_path / f"out{suffix}", trim=TrimSettings(max_frames=3))
        stored = inspect(tmp_path / f"out{suffix}")
        assert f"{stored.width}x{stored.height}" == size
        assert bool(report.notes) == (suffix == ".mp4")

    def test_rotated_and_stretched_clips_keep_their_shape(self, tmp_path: Path) -> None:
        flat = make_clip(tmp_path / "flat.mp4", "-vf", "setsar=sar=4/3:max=9", seconds=0.2)
        ffmpeg("-display_rotation", "90", "-i", flat, "-c", "copy", tmp_path / "turned.mp4")
        convert(tmp_path / "turned.mp4", tmp_path / "out.mp4")
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.width, stored.height) == (48, 64)
        assert stored.sample_aspect_ratio == Fraction(3, 4)

    def test_a_truncated_clip_is_converted_with_a_warning(self, tmp_path: Path) -> None:
        whole = make_clip(tmp_path / "w.mp4", "-movflags", "+faststart", sound=True, seconds=4)
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        report = convert(cut, tmp_path / "out.mp4")
        assert 20 < report.frames < 95
        assert inspect(tmp_path / "out.mp4").frames == report.frames
        assert ["ended early" in warning for warning in report.warnings] == [True]

    def test_a_folder_of_images_is_a_video(self, tmp_path: Path) -> None:
        (tmp_path / "shots").mkdir()
        for number in range(4):
            Image.new("RGB", (32, 16), (number * 60, 0, 0)).save(
                tmp_path / "shots" / f"{number}.png"
            )
        convert(tmp_path / "shots", tmp_path / "out.mp4")
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.frames, stored.rate) == (4, Fraction(25))


class TestSync:
    """A white flash and a click at the same instants."""

    @pytest.fixture(scope="class")
    @staticmethod
    def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
        return make_flashes(tmp_path_factory.mktemp("sync") / "flash.mp4")

    @pytest.mark.thorough
    @pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mkv"])
    @pytest.mark.parametrize("start", [0.0, 0.7, 2.345])
    def test_sound_and_picture_stay_together(
        self, clip: Path, tmp_path: Path, suffix: str, start: float
    ) -> None:
        settings = SegmenterSettings(n_clusters=2)
        convert(clip, tmp_path / f"o{suffix}", segmenter=settings, trim=TrimSettings(start, 5.5))
        assert abs(flash_lag(tmp_path / f"o{suffix}") - flash_lag(clip)) <= 0.02

    def test_a_picture_that_starts_late_stays_late(self, clip: Path, tmp_path: Path) -> None:
        late = tmp_path / "late.mkv"
        ffmpeg(
            *("-i", clip, "-itsoffset", "0.5", "-i", clip),
            *("-map", "0:a", "-map", "1:v", "-c", "copy", late),
        )
        convert(late, tmp_path / "out.mp4", segmenter=SegmenterSettings(n_clusters=2))
        assert abs(flash_lag(tmp_path / "out.mp4") - flash_lag(late)) <= 0.02


class TestImages:
    def test_the_exercise(self, lake_image: Path, tmp_path: Path) -> None:
        settings = SegmenterSettings(
            n_clusters=3,
            init="random",
            attempts=10,
            max_iterations=100,
            epsilon=0.2,
            sample_pixels="all",
        )
        report = convert(lake_image, tmp_path / "out.png", segmenter=settings)
        pixels = read_bgr(lake_image).reshape(-1, 3).astype(np.float32)
        compactness, centers = opencv_kmeans(pixels, 3, 10, cv2.KMEANS_RANDOM_CENTERS)
        ordered = centers[np.argsort(centers @ (0.114, 0.587, 0.299))]
        assert np.abs(report.palette.colors - np.rint(ordered)).max() <= 1
        assert report.compactness == pytest.approx(compactness, rel=1e-3)

    def test_images_use_all_pixels_and_exact_mapping(
        self, lake_image: Path, tmp_path: Path
    ) -> None:
        report = convert(lake_image, tmp_path / "out.png")
        assert (report.settings.mapping, report.settings.sample_pixels) == ("exact", "all")
        assert distinct(read_bgr(tmp_path / "out.png")) == set(
            map(tuple, report.palette.colors.tolist())
        )

    def test_alpha_passes_through(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(0)
        picture = rng.integers(0, 256, (20, 30, 4)).astype(np.uint8)
        Image.fromarray(picture).save(tmp_path / "a.png")
        convert(tmp_path / "a.png", tmp_path / "out.png")
        output = np.asarray(Image.open(tmp_path / "out.png"))
        assert np.array_equal(output[..., 3], picture[..., 3])

    def test_a_single_pixel(self, tmp_path: Path) -> None:
        Image.new("RGB", (1, 1), (10, 20, 30)).save(tmp_path / "a.png")
        report = convert(tmp_path / "a.png", tmp_path / "out.png")
        assert report.palette.n_real == 1
        assert Image.open(tmp_path / "out.png").getpixel((0, 0)) == (10, 20, 30)

    def test_label_map(self, lake_image: Path, tmp_path: Path) -> None:
        report = convert(lake_image, tmp_path / "out.png", rendering=RenderSettings("labels"))
        labels = np.asarray(Image.open(tmp_path / "out.png"))
        shares = np.bincount(labels.ravel(), minlength=5) / labels.size
        assert labels.shape == (540, 960)
        assert shares == pytest.approx(report.palette.shares)

    def test_shares_of_fine_stripes(self, tmp_path: Path) -> None:
        picture = np.zeros((1024, 64, 3), np.uint8)
        picture[::2] = (200, 180, 160)
        for number in range(4):
            Image.fromarray(picture).save(tmp_path / f"f-{number}.png")
        segmenter = SegmenterSettings(n_clusters=2)
        report = convert(tmp_path / "f-%d.png", tmp_path / "out.mkv", segmenter=segmenter)
        assert report.palette.shares.tolist() == [0.5, 0.5]

    def test_an_image_becomes_a_video_of_one_frame(self, lake_image: Path, tmp_path: Path) -> None:
        convert(lake_image, tmp_path / "out.mp4")
        assert inspect(tmp_path / "out.mp4").frames == 1

    def test_one_frame_of_a_video_becomes_an_image(self, lake_clip: Path, tmp_path: Path) -> None:
        convert(lake_clip, tmp_path / "out.png", trim=TrimSettings(start=2, max_frames=1))
        with Image.open(tmp_path / "out.png") as picture:
            assert picture.size == (960, 540)


class TestSameInputSameOutput:
    @pytest.mark.thorough
    @pytest.mark.parametrize("color_space", ["rgb", "lab"])
    def test_bit_for_bit_whatever_the_number_of_threads(
        self, lake_clip: Path, tmp_path: Path, color_space: str
    ) -> None:
        settings = SegmenterSettings(n_clusters=12, color_space=color_space)  # type: ignore[arg-type]
        trim = TrimSettings(max_frames=12)
        before = cv2.getNumThreads()
        try:
            for threads in (1, 2):
                cv2.setNumThreads(threads)
                convert(
                    lake_clip,
                    tmp_path / f"{threads}.mkv",
                    segmenter=settings,
                    encoder=LOSSLESS,
                    trim=trim,
                )
        finally:
            cv2.setNumThreads(before)
        one, two = (read_planes(tmp_path / f"{threads}.mkv", "bgr24") for threads in (1, 2))
        assert np.array_equal(one, two)


class Recorder:
    """An observer that remembers, and fails at a frame if told to."""

    def __init__(self, fail_at: int = -1) -> None:
        self.calls: list[str] = []
        self.threads: set[threading.Thread] = set()
        self.fail_at = fail_at

    def on_start(self, source: Path, output: Path, info: VideoInfo, *_: object) -> None:
        self.calls.append(f"start {source.name} {output.name} {info.frame_count}")

    def on_frame(self, frame: Frame, segmentation: Segmentation) -> None:
        self.threads.add(threading.current_thread())
        self.calls.append(f"frame {frame.index} {segmentation.event}")
        if frame.index == self.fail_at:
            raise ZeroDivisionError

    def on_finish(self, report: ConversionReport) -> None:
        self.calls.append(f"finish {report.frames}")


class TestObserver:
    def test_it_is_told_everything_in_order(self, tmp_path: Path) -> None:
        clip, observer = make_clip(tmp_path / "a.mp4", seconds=0.12), Recorder()
        convert(clip, tmp_path / "out.mp4", observer=observer)
        assert observer.calls == [
            "start a.mp4 out.mp4 3",
            "frame 0 cold",
            "frame 1 warm",
            "frame 2 warm",
            "finish 3",
        ]
        assert observer.threads == {threading.current_thread()}

    @pytest.mark.parametrize("fail_at", [0, 5, 49])
    def test_its_failure_ends_the_run_and_leaves_nothing(
        self, tmp_path: Path, fail_at: int
    ) -> None:
        clip = make_clip(tmp_path / "a.mp4", sound=True, seconds=2)
        with pytest.raises(ZeroDivisionError):
            convert(clip, tmp_path / "out.mp4", observer=Recorder(fail_at))
        assert left_in(tmp_path) == ["a.mp4"]


class TestFailures:
    def test_an_output_that_is_the_input(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.mp4")
        before = clip.read_bytes()
        (tmp_path / "link.mp4").symlink_to(clip)
        for output in (clip, tmp_path / "link.mp4"):
            with pytest.raises(SinkError, match="is the input itself"):
                convert(clip, output, encoder=EncoderSettings(overwrite=True))
        assert clip.read_bytes() == before

    def test_a_missing_input_leaves_an_existing_output_alone(self, tmp_path: Path) -> None:
        (tmp_path / "out.mp4").write_text("precious")
        with pytest.raises(SourceError, match="does not exist"):
            convert(
                tmp_path / "no.mp4", tmp_path / "out.mp4", encoder=EncoderSettings(overwrite=True)
            )
        assert (tmp_path / "out.mp4").read_text() == "precious"

    def test_more_frames_than_an_image_holds(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.mp4")
        with pytest.raises(SinkError, match="holds one picture and there are more"):
            convert(clip, tmp_path / "out.png")
        assert left_in(tmp_path) == ["a.mp4"]

    @pytest.mark.parametrize("name", ["out.mp4", "out.jpg", "out.mkv"])
    def test_label_maps_need_a_lossless_output(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(SettingsError, match="survive only in lossless outputs"):
            convert(tmp_path / "a.mp4", tmp_path / name, rendering=RenderSettings("labels"))

    def test_a_cluster_that_there_is_not(self, tmp_path: Path) -> None:
        rendering = RenderSettings(disabled=frozenset({9}))
        with pytest.raises(SettingsError, match="there is no cluster 9: 5 clusters are numbered"):
            convert(tmp_path / "a.mp4", tmp_path / "out.mp4", rendering=rendering)

    @pytest.mark.thorough
    def test_a_decoder_that_is_killed(self, tmp_path: Path) -> None:
        self._kill_one(tmp_path, "rawvideo -$", SourceError, "decoder .* was killed")

    @pytest.mark.thorough
    def test_an_encoder_that_is_killed(self, tmp_path: Path) -> None:
        self._kill_one(tmp_path, r"pipe:0", SinkError, "cannot be written")

    def _kill_one(
        self, folder: Path, pattern: str, expected: type[Exception], message: str
    ) -> None:
        clip = make_clip(folder / "a.mp4", size="320x240", seconds=20)

        class Killer(Recorder):
            def on_frame(self, frame: Frame, _segmentation: Segmentation) -> None:
                if frame.index != 20:
                    return
                wait_until(self.kill)

            def kill(self) -> bool:
                for number in running_ffmpegs():
                    arguments = Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ")
                    if re.search(pattern, arguments.decode().strip()):
                        os.kill(number, signal.SIGKILL)
                        return True
                return False

        with pytest.raises(expected, match=message):
            convert(clip, folder / "out.mp4", observer=Killer())
        assert left_in(folder) == ["a.mp4"]


def test_the_public_api_on_arrays_and_files(lake_clip: Path, tmp_path: Path) -> None:
    segmenter = kseg_video.Segmenter(SegmenterSettings(n_clusters=4))
    with kseg_video.open_source(lake_clip, TrimSettings(max_frames=3)) as source:
        info = source.info
        with kseg_video.open_sink(tmp_path / "out.mp4", info, tracks=source.tracks) as sink:
            for frame in source:
                sink.write(kseg_video.render(frame, segmenter.segment(frame)))
    assert inspect(tmp_path / "out.mp4").frames == 3


@pytest.mark.thorough
def test_memory_does_not_grow_with_the_length(tmp_path: Path) -> None:
    """The longer clip's frames alone would take another 150 MiB."""
    peaks = []
    for seconds in (4, 24):
        clip = make_clip(tmp_path / f"{seconds}.mp4", size="640x360", seconds=seconds)
        outcome, mebibytes = run_measured("convert", clip, "--quiet", "--preset", "ultrafast")
        assert outcome.code == 0
        peaks.append(mebibytes)
    assert peaks[1] - peaks[0] < 30


def test_the_summary_has_the_palette_of_the_whole_output(tmp_path: Path) -> None:
    """Not of the last frame: dark and light for a second each, in two shots."""
    first, second = np.zeros((2, 48, 64, 3), np.uint8)
    first[:24], first[24:] = 40, 120
    second[:, :32], second[:, 32:] = 60, 200
    shots = [first] * 25 + [second] * 25
    clip = encode(tmp_path / "clip.mkv", shots, "-c:v", "ffv1")
    report = convert(clip, tmp_path / "out.mkv", segmenter=SegmenterSettings(n_clusters=2))
    assert np.abs(report.palette.colors[:, 0].astype(int) - [50, 160]).max() <= 1
    assert report.palette.shares == pytest.approx([0.5, 0.5], abs=0.01)
