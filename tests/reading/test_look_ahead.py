"""What is seen of frames to come: at the right times, in the right colours, and by all means."""

from __future__ import annotations

import os
import re
import signal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import SegmenterSettings, SourceError, TrimSettings, convert, open_source
from kseg_video.reading.look_ahead import FIRST_SECONDS, SECONDS
from kseg_video.reading.video_source import VideoFileSource
from kseg_video.segmentation.pixel_sampling import PixelSample
from tests.conftest import descendants, running_ffmpegs
from tests.helpers.cards import FFV1, card, stored_as
from tests.helpers.commands import finish, start
from tests.helpers.media import encode, ffmpeg, left_in, make_clip
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.reading.look_ahead import LookAhead
    from kseg_video.segmentation.pixel_memory import LookAheadSample

X264 = "-c:v libx264 -crf 4"
MPEG4 = "-c:v mpeg4 -q:v 1 -bf 2"
WHOLE = float("inf")


def look_ahead_of(source: object) -> LookAhead:
    assert isinstance(source, VideoFileSource)
    look_ahead = source.look_ahead()
    assert look_ahead is not None
    return look_ahead


def both(path: Path, trim: TrimSettings | None = None) -> tuple[list[LookAheadSample], list[Frame]]:
    """The samples ahead of a clip, and its frames."""
    with open_source(path, trim) as source:
        return look_ahead_of(source).until(WHOLE), list(source)


def numbered(count: int) -> list[NDArray[np.uint8]]:
    """Pictures whose gray level says which they are."""
    return [np.full((48, 64, 3), 20 + 2 * number, np.uint8) for number in range(count)]


def frames_behind(samples: list[LookAheadSample], frames: list[Frame]) -> list[int]:
    """By how many frames the samples ahead are older than what is shown at their time."""
    times = np.array([frame.time for frame in frames])
    levels = np.array([PixelSample.of_frame(frame, 100).bgr.mean() for frame in frames])
    behind = []
    for each in samples:
        shown = np.flatnonzero(times <= each.time + 1e-6)[-1]
        off = np.abs(levels - each.bgr.mean())
        alike = np.flatnonzero(off < off.min() + 0.5)
        behind.append(int(min(shown - alike, key=abs)))
    return behind


def pattern(number: int) -> NDArray[np.uint8]:
    """A picture with a structure and colours of its own."""
    random = np.random.default_rng(number)
    blocks = random.integers(0, 256, (6, 8, 3), np.uint8) // 2 + random.integers(
        0, 128, 3, np.uint8
    )
    return np.kron(blocks, np.ones((12, 12, 1), np.uint8))


class TestTimes:
    @pytest.mark.parametrize("trim", [None, TrimSettings(0.51), TrimSettings(1.0, 2.1)])
    @pytest.mark.parametrize("rate", ["25", "30000/1001", "5"])
    @pytest.mark.parametrize(("name", "codec"), [("a.mkv", FFV1), ("a.mp4", X264 + " -bf 0")])
    def test_it_is_the_frame_shown_at_that_time(
        self, tmp_path: Path, name: str, codec: str, rate: str, trim: TrimSettings | None
    ) -> None:
        samples, frames = both(
            encode(tmp_path / name, numbered(70), *codec.split(), rate=rate), trim
        )
        assert set(frames_behind(samples, frames)) == {0}
        assert samples[0].time == frames[0].time
        apart = max(1 / 8, frames[1].time - frames[0].time)
        assert np.diff([each.time for each in samples]) == pytest.approx(apart)
        assert samples[-1].time == pytest.approx(frames[-1].time, abs=apart)

    @pytest.mark.parametrize(("name", "codec"), [("a.mp4", X264), ("a.avi", MPEG4)])
    def test_frames_that_are_left_out_are_few(self, tmp_path: Path, name: str, codec: str) -> None:
        """The first of a part may be one, and is then seen early."""
        clip = encode(tmp_path / name, numbered(90), *codec.split())
        for trim in (None, TrimSettings(0.51)):
            lags = frames_behind(*both(clip, trim))
            assert lags[0] in {-1, 0}
            assert set(lags[1:]) <= {0, 1, 2}

    def test_of_a_variable_rate(self, tmp_path: Path) -> None:
        times = "0.1*eq(N,1)+0.6*eq(N,2)+0.7*eq(N,3)+1.7*eq(N,4)"
        clip = tmp_path / "a.mp4"
        pictures = encode(tmp_path / "even.mkv", numbered(5), *FFV1.split(), rate="10")
        timing = ("-vf", f"setpts='round(({times})/TB)'", "-fps_mode", "vfr")
        ffmpeg("-i", pictures, *timing, "-enc_time_base", "1/1000", "-bf", "0", "-crf", "4", clip)
        assert set(frames_behind(*both(clip))) == {0}

    @pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
    def test_of_pictures_that_start_late(self, tmp_path: Path, name: str) -> None:
        clip = encode(tmp_path / "pictures.mkv", numbered(50), *X264.split(), "-bf", "0")
        tone = ("-f", "lavfi", "-t", "2", "-i", "sine")
        late = tmp_path / name
        ffmpeg("-itsoffset", "0.7", "-i", clip, *tone, "-c:v", "copy", late)
        for trim in (None, TrimSettings(1.3)):
            samples, frames = both(late, trim)
            assert samples[0].time == frames[0].time >= 0.7
            assert set(frames_behind(samples, frames)) == {0}

    def test_so_far_and_no_farther(self, tmp_path: Path) -> None:
        """At first less far, so that the first frame need not wait for long."""
        clip = make_clip(tmp_path / "a.mp4", seconds=9)
        with open_source(clip) as source:
            look_ahead = look_ahead_of(source)
            times = [
                [each.time for each in look_ahead.until(time)] for time in (0.0, 0.01, 3.0, 9.0)
            ]
            assert look_ahead.until(9.0) == []
        assert times[0] == pytest.approx(np.arange(0, FIRST_SECONDS + 0.01, 1 / 8))
        assert times[1] == []
        last = 3 + SECONDS + 0.01
        assert times[2] == pytest.approx(np.arange(FIRST_SECONDS + 1 / 8, last, 1 / 8))
        assert times[3][-1] == pytest.approx(9 - 1 / 8)


class TestColors:
    def check(self, clip: Path) -> None:
        """All are colours of the frames, and about as many as there of each."""
        samples, frames = both(clip)
        shown = frames[0].bgr
        height, width = shown.shape[:2]
        colors = shown[height // 4 :: height // 2, width // 4 :: width // 2].reshape(-1, 3)
        near = np.abs(shown.reshape(-1, 1, 3) - colors.astype(int)).max(axis=-1).argmin(axis=1)
        expected = np.bincount(near) / len(near)
        for each in samples:
            off = np.abs(each.bgr[:, np.newaxis] - colors.astype(int)).max(axis=-1)
            assert (off.min(axis=1) <= 3).mean() >= 0.97  # but where chroma is shared at borders
            shares = np.bincount(off.argmin(axis=1)) / len(off)
            assert shares == pytest.approx(expected, abs=0.02)

    @pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p", "yuv420p10le"])
    @pytest.mark.parametrize("levels", ["tv", "pc"])
    @pytest.mark.parametrize("matrix", ["bt709", "smpte170m"])
    def test_of_yuv(self, tmp_path: Path, pixel_format: str, levels: str, matrix: str) -> None:
        options = [*stored_as(pixel_format, matrix, levels), *FFV1.split()]
        self.check(encode(tmp_path / "a.mkv", [card()] * 2, *options))

    @pytest.mark.parametrize("pixel_format", ["bgr0", "gbrp16le", "gray", "yuva420p"])
    def test_of_what_is_not_opaque_yuv(self, tmp_path: Path, pixel_format: str) -> None:
        grays = np.array([(n,) * 3 for n in (30, 90, 150, 220)], np.uint8)
        picture = card(colors=grays) if pixel_format == "gray" else card()
        options = (*FFV1.split(), "-pix_fmt", pixel_format)
        self.check(encode(tmp_path / "a.mkv", [picture] * 2, *options))

    @pytest.mark.parametrize(
        ("width", "height"), [(481, 321), (1920, 1080), (62, 46), (35, 21), (1200, 16), (24, 1000)]
    )
    def test_of_any_size(self, tmp_path: Path, width: int, height: int) -> None:
        picture = card(width, height)
        self.check(encode(tmp_path / "a.mkv", [picture] * 2, *FFV1.split(), "-pix_fmt", "yuv444p"))

    @pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
    @pytest.mark.parametrize("size", [(480, 320), (481, 321)])
    def test_of_hdr(self, tmp_path: Path, size: tuple[int, int], transfer: str) -> None:
        stored = [
            part.replace("bt2020-10", transfer) for part in stored_as("yuv420p10le", "bt2020nc")
        ]
        pictures = [(card(*size) * 0.62).astype(np.uint8)] * 2
        clip = encode(tmp_path / "a.mkv", pictures, *stored, *FFV1.split())
        self.check(clip)

    def test_of_interlaced_and_turned(self, tmp_path: Path) -> None:
        clip = tmp_path / "a.mp4"
        tags = ("-flags", "+ildct+ilme", "-field_order", "tt")
        encode(clip, [card()] * 4, *X264.split(), *tags, "-x264-params", "interlaced=1")
        turned = tmp_path / "turned.mp4"
        ffmpeg("-display_rotation", "90", "-i", clip, "-c", "copy", turned)
        for path in (clip, turned):
            self.check(path)


class TestCuts:
    @pytest.mark.parametrize("codec", ["-c:v libx264", MPEG4, "-c:v libvpx-vp9 -cpu-used 8", FFV1])
    @pytest.mark.parametrize("frame", [30, 31, 32, 33])
    def test_one_is_marked_at_its_place(self, tmp_path: Path, codec: str, frame: int) -> None:
        pictures = [pattern(1)] * frame + [pattern(2)] * (70 - frame)
        samples, _ = both(encode(tmp_path / "a.mkv", pictures, *codec.split()))
        (found,) = (each.time for each in samples if each.begins_shot)
        assert 0 <= found - frame / 25 < 0.25

    def test_the_palette_does_not_mix_shots(self, tmp_path: Path) -> None:
        """Nor where a frame that was left out is the first of a shot."""
        first, second = (
            np.array([(20, 20, 200), (220, 220, 220)]),
            np.array([(200, 90, 20), (0, 60, 0)]),
        )
        checks = (np.indices((72, 96)) // 12).sum(axis=0) % 2
        stripes = np.indices((72, 96))[1] // 10 % 2
        shots = [
            np.asarray(colors[place], np.uint8)
            for colors, place in ((first, checks), (second, stripes))
        ]
        pictures = [shots[0]] * 31 + [shots[1]] * 40
        clip = encode(tmp_path / "a.avi", pictures, *MPEG4.split(), "-sc_threshold", "1000000000")
        seen: list[NDArray[np.uint8]] = []

        class Observer:
            def on_start(self, *_: object) -> None: ...
            def on_finish(self, *_: object) -> None: ...
            def on_frame(self, _: Frame, segmentation: object) -> None:
                seen.append(segmentation.colors)  # type: ignore[attr-defined]

        convert(
            clip,
            tmp_path / "out.mkv",
            segmenter=SegmenterSettings(n_clusters=2),
            observer=Observer(),
        )
        for colors, frames in ((first, seen[:30]), (second, seen[33:])):
            for palette in frames:
                off = np.abs(palette[:, np.newaxis].astype(int) - colors).max(axis=-1)
                assert off.min(axis=1).max() <= 12


class TestConversion:
    @pytest.mark.thorough
    def test_two_are_the_same_to_the_byte(self, tmp_path: Path, lake_clip: Path) -> None:
        outputs = [tmp_path / name for name in ("a.mkv", "b.mkv")]
        for output in outputs:
            process = start("convert", lake_clip, "-o", output, "--lossless", "-k", "4")
            assert finish(process).code == 0
        first, second = (output.read_bytes() for output in outputs)
        assert first == second

    @pytest.mark.parametrize(
        ("settings", "looks"),
        [
            (SegmenterSettings(), True),
            (SegmenterSettings(frozen=True), False),
            (SegmenterSettings(palette=("#000000", "#ffffff")), False),
            (SegmenterSettings(stability=0), False),
        ],
    )
    def test_only_a_palette_that_follows_the_picture_needs_it(
        self, settings: SegmenterSettings, looks: bool
    ) -> None:
        assert settings.looks_ahead == looks

    def test_an_animation_goes_without(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.apng", "-f", "apng", seconds=0.3)
        with open_source(clip) as source:
            assert isinstance(source, VideoFileSource)
            assert source.look_ahead() is None

    def test_one_that_nobody_reads_ends_with_its_source(self, lake_clip: Path) -> None:
        before = running_ffmpegs()
        with open_source(lake_clip) as source:
            look_ahead_of(source)
            wait_until(lambda: running_ffmpegs() > before)
        assert running_ffmpegs() == before


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three minutes: more than any test waits for."""
    folder = tmp_path_factory.mktemp("ahead")
    clip, path = make_clip(folder / "clip.mp4", seconds=2), folder / "long.mp4"
    ffmpeg("-stream_loop", "90", "-i", clip, "-c", "copy", path)
    return path


def look_ahead_at_work() -> int | None:
    """Process number of a look-ahead's decoder, if there is one."""
    found = (n for n, command in descendants().items() if re.search(r"-skip_frame", command))
    return next(found, None)


class TestFaults:
    def test_one_that_is_killed_fails_the_run(self, long_clip: Path, tmp_path: Path) -> None:
        process = start("convert", long_clip, "-o", tmp_path / "out.mp4")
        wait_until(lambda: any(path.stat().st_size for path in tmp_path.iterdir()))
        number = look_ahead_at_work()
        assert number is not None
        os.kill(number, signal.SIGKILL)
        outcome = finish(process)
        assert (outcome.code, outcome.out) == (1, "")
        assert re.fullmatch(r".*the decoder of .* was killed .signal 9.; try again\n", outcome.err)
        assert left_in(tmp_path) == []

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_leaves_none(self, long_clip: Path, tmp_path: Path, number: int) -> None:
        process = start("convert", long_clip, "-o", tmp_path / "out.mp4")
        wait_until(look_ahead_at_work)
        wait_until(lambda: any(path.stat().st_size for path in tmp_path.iterdir()))
        process.send_signal(number)
        assert finish(process).code == 128 + number
        assert left_in(tmp_path) == []
        wait_until(lambda: look_ahead_at_work() is None)

    def test_what_is_wrong_with_the_file_is_told_once(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.ts", seconds=8)
        data = clip.read_bytes()
        clip.write_bytes(data[: len(data) // 2])
        with open_source(clip) as source:
            assert look_ahead_of(source).until(WHOLE)
            assert list(source)
        report = convert(clip, tmp_path / "out.mkv")
        assert len(report.warnings) <= 1

    def test_one_that_is_killed_is_told_to_who_reads_it(self, long_clip: Path) -> None:
        with open_source(long_clip) as source:
            look_ahead = look_ahead_of(source)
            wait_until(look_ahead_at_work)
            number = look_ahead_at_work()
            assert number is not None
            os.kill(number, signal.SIGKILL)
            with pytest.raises(SourceError, match="was killed"):
                look_ahead.until(WHOLE)
