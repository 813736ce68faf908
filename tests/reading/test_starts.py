"""Wherever a part starts, its first frame is the one on screen at that time."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import SegmenterSettings, TrimSettings, convert, open_source
from kseg_video.ffmpeg.process import environment, executable
from tests.helpers.cards import VP9, X264, cases
from tests.helpers.media import ffmpeg, make_clip
from tests.helpers.sync import flash_lag, make_flashes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame

pytestmark = pytest.mark.thorough
QUICK = pytest.mark.quick
COUNT = 50
# The luma tells a frame's number; noise makes frames of a usual size, which refer to each other.
NUMBERED = "geq=lum='20+4*N':cb=128:cr=128,noise=c0s=12:c0f=t,format=yuv420p"
OPEN_GOP = "keyint=12:min-keyint=12:scenecut=0:open-gop=1:bframes=4:b-adapt=0"
OPEN_H264 = f"-c:v libx264 -crf 4 -x264-params {OPEN_GOP}"
OPEN_HEVC = f"-c:v libx265 -crf 4 -x265-params {OPEN_GOP}:log-level=0"
RADL = OPEN_HEVC.replace("open-gop=1", "open-gop=0:radl=3")
H264 = f"{X264} -g 12 -bf 3 -b_strategy 0"
MPEG2 = "-c:v mpeg2video -q:v 2 -g 12 -bf 2"
MJPEG = "-c:v mjpeg -q:v 2"
VP8 = "-c:v libvpx -crf 4 -b:v 5M -g 12 -deadline realtime"


@dataclass(frozen=True)
class Form:
    """A container, and the options that encode and mux a clip."""

    name: str
    options: str = ""
    rate: str = "25"
    is_sought: bool = True  # whether ``ffmpeg -ss`` finds every frame

    def make(self, folder: Path) -> Path:
        """A clip of `COUNT` numbered frames."""
        options = ("-vf", NUMBERED, "-frames:v", str(COUNT), *self.options.split())
        path = folder / self.name
        return make_clip(path, *options, rate=self.rate, seconds=3, picture="color=black")


FORMS = [
    Form("mjpeg.avi", MJPEG),
    Form("ffv1.avi", "-c:v ffv1"),
    Form("raw.avi", "-c:v rawvideo"),
    Form("h264.avi", H264),
    Form("mpeg4.avi", "-c:v mpeg4 -q:v 2 -g 12 -bf 2", is_sought=False),
    Form("ntsc.avi", MJPEG, "30000/1001"),
    Form("a.mxf", MPEG2),
    Form("theora.ogv", "-c:v libtheora -q:v 10", is_sought=False),
    Form("vp8.ogv", VP8),
    Form("a.y4m"),
    Form("vp8.ivf", VP8),
    Form("rate.mp4", f"{H264} -video_track_timescale 25"),
    Form("90k.mp4", f"{H264} -video_track_timescale 90000"),
    Form("ntsc.mp4", H264, "30000/1001"),
    Form("fragments.mp4", f"{H264} -movflags frag_keyframe+empty_moov", is_sought=False),
    Form("a.mov", H264),
    Form("mjpeg.mov", f"{MJPEG} -video_track_timescale 25"),
    Form("a.mkv", H264),
    Form("ntsc.mkv", H264, "30000/1001"),
    Form("film.mkv", H264, "24000/1001"),
    Form("a.webm", f"{VP9} -g 12"),
    Form("a.flv", H264, is_sought=False),
    Form("film.flv", H264, "24000/1001", is_sought=False),
    Form("a.ts", H264, is_sought=False),
    Form("mpeg2.ts", MPEG2),
    Form("a.m2ts", H264, is_sought=False),
    Form("a.mpg", MPEG2),
    Form("a.wmv", "-c:v wmv2 -q:v 2 -g 12"),
    Form("a.asf", H264),
    Form("a.nut", H264),
    Form("a.gif", is_sought=False),
    Form("a.h264", H264, is_sought=False),
    Form("a.hevc", OPEN_HEVC, is_sought=False),
    Form("a.mjpeg", MJPEG, is_sought=False),
    Form("a.m2v", MPEG2, is_sought=False),
    *(Form(f"open-h264.{end}", OPEN_H264, is_sought=False) for end in ("mp4", "mov", "flv")),
    *(Form(f"open-h264.{end}", OPEN_H264, is_sought=False) for end in ("mkv", "avi", "ts", "nut")),
    *(Form(f"open-hevc.{end}", OPEN_HEVC, is_sought=False) for end in ("mp4", "mkv", "ts", "flv")),
    *(Form(f"radl.{end}", RADL, is_sought=False) for end in ("mp4", "mkv", "ts")),
]
QUICK_STARTS = {
    "mjpeg.avi": [1, 37],
    "h264.avi": [13],
    "ntsc.mkv": [COUNT - 1],
    "a.hevc": [30],
    "open-h264.mkv": [26],
    "open-hevc.mp4": [11, 22],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("starts")


def level(frame: Frame) -> float:
    luma = frame.planes[0] if frame.layout == "i420" else frame.bgr
    return float(luma.mean())


def read(clip: Path, trim: TrimSettings | None = None) -> tuple[list[Frame], list[str]]:
    """The frames of a clip, and what is said about it."""
    with open_source(clip, trim) as source:
        return list(source), [*source.notes, *source.warnings]


def first_frames(clip: Path, start: float, whole: list[Frame]) -> tuple[list[int | None], str]:
    """Numbers of the first two frames of a part, and what is said about it."""
    frames, said = read(clip, TrimSettings(start, max_frames=2))
    assert frames[0].time == pytest.approx(start, abs=1e-5)
    return [number_of(frame.pixels, whole) for frame in frames], "".join(said)


def number_of(pixels: NDArray[np.uint8], whole: list[Frame]) -> int | None:
    same = (number for number, each in enumerate(whole) if np.array_equal(each.pixels, pixels))
    return next(same, None)


def sought_by_ffmpeg(clip: Path, start: float, whole: list[Frame]) -> int | None:
    """Number of the frame at which ffmpeg itself starts."""
    command = [executable(), "-v", "error", "-ss", f"{start:.6f}", "-i", str(clip)]
    command += ["-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, env=environment()).stdout
    return number_of(np.frombuffer(raw, np.uint8).reshape(whole[0].pixels.shape), whole)


@pytest.mark.parametrize(
    ("form", "numbers"),
    [
        *(pytest.param(form, range(1, COUNT), id=form.name) for form in FORMS),
        *(
            pytest.param(form, QUICK_STARTS[form.name], id=f"quick {form.name}", marks=QUICK)
            for form in FORMS
            if form.name in QUICK_STARTS
        ),
    ],
)
def test_it_starts_with_the_frame_of_that_time(
    folder: Path, form: Form, numbers: Sequence[int]
) -> None:
    clip = form.make(folder)
    whole, said = read(clip)
    assert len(whole) == COUNT
    assert min(np.diff([level(frame) for frame in whole])) > 2
    assert not said
    with ThreadPoolExecutor(2) as pool:
        got = pool.map(lambda number: first_frames(clip, whole[number].time, whole), numbers)
    assert dict(zip(numbers, got, strict=True)) == {
        number: ([*range(number, COUNT)][:2], "") for number in numbers
    }
    if form.is_sought:
        theirs = [sought_by_ffmpeg(clip, whole[number].time, whole) for number in numbers[::9]]
        assert theirs == [*numbers[::9]]


class TestHeldPictures:
    """A screen recording: some pictures stand for seconds."""

    TIMES = (0, 0.1, 1.6, 1.7, 4.7, 4.8)

    def make(self, path: Path, options: str) -> Path:
        times = "+".join(f"{time}*eq(N,{number})" for number, time in enumerate(self.TIMES))
        filters = f"geq=lum='20+40*N':cb=128:cr=128,setpts='round(({times})/TB)',format=yuv420p"
        variable = ("-fps_mode", "vfr", "-enc_time_base", "1/1000", "-frames:v", "6")
        return make_clip(
            path,
            *("-vf", filters, *variable, *options.split()),
            rate="10",
            seconds=9,
            picture="color=black",
        )

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            pytest.param("a.mp4", f"{X264} -bf 0", marks=QUICK),
            ("b.mp4", f"{X264} -bf 2 -b_strategy 0 -g 3"),
            ("a.mkv", f"{X264} -bf 2 -b_strategy 0 -g 2"),
            ("a.webm", VP9),
            ("a.flv", f"{X264} -bf 0 -g 2"),
        ],
    )
    def test_the_picture_on_screen_comes_first(
        self, tmp_path: Path, name: str, options: str
    ) -> None:
        clip = self.make(tmp_path / name, options)
        frames, _ = read(clip)
        pictures = sorted({round(level(frame)) for frame in frames})
        for start in (0.1, 0.5, 1.5, 1.6, 2.9, 4.6, 4.7):
            (first,), _ = read(clip, TrimSettings(start, max_frames=1))
            assert first.time == pytest.approx(start, abs=0.06)
            on_screen = sum(time <= first.time + 1e-6 for time in self.TIMES) - 1
            assert abs(level(first) - pictures[on_screen]) < 2, start


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("a.h264", H264, marks=QUICK),
        ("a.hevc", OPEN_HEVC),
        ("a.m2v", MPEG2),
        ("a.vc2", "-c:v vc2 -f dirac"),
    ],
)
def test_the_rate_of_a_raw_stream_is_its_own(tmp_path: Path, name: str, options: str) -> None:
    frames, said = read(make_clip(tmp_path / name, *options.split(), rate="30"))
    assert len(frames) == 30
    assert frames[-1].time == pytest.approx(29 / 30)
    assert not said


class TestStreamsWithoutIndex:
    """A seek ends between key frames: nothing of what is decoded first is told or shown."""

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            pytest.param("a.ts", OPEN_H264, marks=QUICK),
            ("hevc.ts", OPEN_HEVC),
            ("closed.ts", f"{H264} -x264-params keyint=300"),
            ("a.mpg", MPEG2),
            ("sparse.ts", "-c:v mpeg4 -q:v 2 -g 600"),
            ("sparse.mpg", "-c:v mpeg4 -q:v 2 -g 600"),
        ],
    )
    def test_a_start_far_into_it(self, tmp_path: Path, name: str, options: str) -> None:
        noise = ("-vf", "noise=c0s=40:c0f=t")
        clip = make_clip(tmp_path / name, *noise, *options.split(), seconds=25)
        whole, _ = read(clip)
        for start in (21.6, 24.52):
            (first,), said = read(clip, TrimSettings(start, max_frames=1))
            assert np.array_equal(first.pixels, whole[round(start * 25)].pixels)
            assert not said


class TestWhatIsSaid:
    def test_damage_within_the_part_is_told(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.mkv", *OPEN_H264.split(), seconds=4)
        data = bytearray(clip.read_bytes())
        middle = len(data) * 6 // 10
        data[middle : middle + 3000] = bytes(3000)
        clip.write_bytes(data)
        _, said = read(clip, TrimSettings(0.88))
        assert "is damaged" in said[-1]

    def test_a_file_that_ends_early_is_told(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.mp4", *OPEN_H264.split(), "-movflags", "+faststart")
        clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 9 // 10])
        _, (said, *_) = read(clip, TrimSettings(0.6))
        assert "ended early" in said


class TestFirstFrames:
    def test_times_of_decoding_lose_none(self, tmp_path: Path) -> None:
        """AVI has no others, so that the first picture seems to begin after 0."""
        options = ("-bf", "2", "-b_strategy", "0")
        clip = make_clip(tmp_path / "a.avi", "-c:v", "libx264", *options, rate="30", seconds=3)
        frames, said = read(clip)
        assert len(frames) == 90
        assert not said

    @pytest.mark.parametrize("name", cases(["a.ts", "a.flv", "a.mkv"], quick=["a.ts", "a.mkv"]))
    def test_pictures_before_the_first_key_frame_are_kept(self, tmp_path: Path, name: str) -> None:
        """They can be decoded without those before the cut (RADL), and have times before 0."""
        whole = make_clip(tmp_path / "whole.mp4", *RADL.split(), seconds=2)
        ffmpeg("-ss", "1", "-i", whole, "-c", "copy", tmp_path / name)
        frames, said = read(tmp_path / name)
        pixels = [frame.pixels for frame in read(whole)[0]]
        assert len(frames) == 29
        assert not said
        assert np.array_equal([frame.pixels for frame in frames], pixels[-len(frames) :])
        part, _ = read(tmp_path / name, TrimSettings(0.4))
        assert np.array_equal([frame.pixels for frame in part], pixels[-len(part) :])


class TestSound:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            pytest.param("a.avi", f"{MJPEG} -c:a pcm_s16le", marks=QUICK),
            ("h264.avi", f"{H264} -c:a libmp3lame"),
            ("a.mxf", f"{MPEG2} -c:a pcm_s16le"),
            ("a.ogv", "-c:v libtheora -q:v 10 -c:a libvorbis"),
            ("rate.mp4", f"{H264} -video_track_timescale 25 -c:a aac"),
            ("open.mp4", f"{OPEN_HEVC} -c:a aac"),
            ("open.mkv", f"{OPEN_H264} -c:a flac"),
            ("open.ts", f"{OPEN_H264} -c:a mp2"),
            ("a.mpg", f"{MPEG2} -c:a mp2"),
            ("a.flv", f"{H264} -c:a aac"),
            ("a.wmv", "-c:v wmv2 -q:v 2 -c:a wmav2"),
            ("a.nut", f"{H264} -c:a pcm_s16le"),
        ],
    )
    def test_it_stays_in_step(self, tmp_path: Path, name: str, options: str) -> None:
        clip = make_flashes(tmp_path / name, *options.split(), rate="25")
        lags = []
        for number in (0, 1, 38, 61) if name != "a.avi" else (0, 38):
            output = tmp_path / f"{number}.mkv"
            convert(clip, output, trim=TrimSettings(number / 25), segmenter=SegmenterSettings(2))
            lags.append(flash_lag(output))
        assert np.ptp(lags) <= 0.02
