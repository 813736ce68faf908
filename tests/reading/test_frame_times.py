"""The frame rate from the frames' own times: none is lost, and none invented without need."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageSequence

from kseg_video import RenderSettings, SegmenterSettings, convert, open_source
from kseg_video.reading.frame_times import FrameTimes
from tests.helpers.cards import VP9, X264
from tests.helpers.commands import run
from tests.helpers.faulty_ffmpeg import faulty_ffmpeg
from tests.helpers.media import ffmpeg, make_clip, read_planes
from tests.helpers.sync import flash_lag, make_flashes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

THOROUGH = pytest.mark.thorough
TWO = SegmenterSettings(n_clusters=2)
RATES = [
    *("24000/1001", "24", "25", "30000/1001", "30", "48", "50", "60000/1001", "60", "90", "100"),
    *("120", "144", "240", "480", "1000"),
]


class TestContainers:
    """Each rate in time bases: exact, 1 ms claimed and guessed, 90 kHz, one frame, 10 ms."""

    @THOROUGH
    @pytest.mark.parametrize("rate", RATES)
    @pytest.mark.parametrize(
        "name",
        ["a.mp4", "a.mkv", "guessed.mkv", "a.flv", "a.webm", "a.ts", "a.avi", "a.wmv", "a.gif"],
    )
    def test_no_frame_is_lost_or_invented(self, tmp_path: Path, name: str, rate: str) -> None:
        if name == "a.gif" and (Fraction(rate) > 60 or "/" in rate):
            pytest.skip("10 ms do not tell them from others")
        self.check(tmp_path, name, rate)

    @pytest.mark.parametrize(
        ("name", "rate"),
        [
            ("a.flv", "90"),
            ("guessed.mkv", "60000/1001"),
            pytest.param("guessed.mkv", "144", marks=THOROUGH),
            pytest.param("a.ts", "1000", marks=THOROUGH),
            pytest.param("a.mp4", "960", marks=THOROUGH),
            ("a.avi", "960"),
            ("a.gif", "30"),
        ],
    )
    def test_that_used_to_be_misread(self, tmp_path: Path, name: str, rate: str) -> None:
        self.check(tmp_path, name, rate)

    @staticmethod
    def check(folder: Path, name: str, rate: str) -> None:
        seconds = 90.5 / Fraction(rate)
        clip = folder / name
        if name == "guessed.mkv":  # its header says what ffmpeg guesses from the times alone
            made = make_clip(folder / "a.flv", rate=rate, seconds=float(seconds))
            ffmpeg("-i", made, "-c", "copy", folder / "a.nut")
            ffmpeg("-i", folder / "a.nut", "-c", "copy", clip)
        else:
            codec = {"a.ts": X264, "a.webm": VP9}.get(name, "").split()
            make_clip(clip, *codec, rate=rate, seconds=float(seconds))
        originals = read_planes(clip)
        with open_source(clip) as source:
            frames = list(source)
            assert source.info.frame_rate == Fraction(rate)
            assert not source.notes
            assert not source.warnings
        assert len(frames) == len(originals)
        if frames[0].layout == "i420":
            assert np.array_equal([frame.pixels for frame in frames], originals)


def make_variable(path: Path, frames: int, times: str, timescale: int) -> Path:
    """A clip of different pictures, at the given times in seconds."""
    times = f"geq=lum='5*N',settb=1/{timescale},setpts='({times})/TB'"
    options = ("-enc_time_base", f"1/{timescale}", "-video_track_timescale", str(timescale))
    picture = ("-f", "lavfi", "-i", f"color=black:size=64x48,trim=end_frame={frames}")
    ffmpeg(*picture, "-vf", times, "-fps_mode", "vfr", "-bf", "0", *options, path)
    return path


@pytest.mark.parametrize("timescale", [pytest.param(600, marks=THOROUGH), 90000])
@pytest.mark.parametrize(
    ("times", "rate", "repeated"),
    [
        # A phone's clock: about 30 fps, each frame up to 2 ms off.
        ("N/29.98+0.004*(random(1)-0.5)", "30000/1001", 0),
        # A frame that was not recorded, and a pause.
        ("(N+gte(N,20))/30", "30", 1),
        ("N/30+gte(N,20)*10", "30", 300),
        # Three frames a turn, then a fifth of a second without.
        ("N/30+floor(N/3)/5", "30", 78),
    ],
)
def test_a_variable_rate(
    tmp_path: Path, times: str, rate: str, repeated: int, timescale: int
) -> None:
    clip = make_variable(tmp_path / "a.mp4", 40, times, timescale)
    originals = read_planes(clip)
    ffmpeg("-i", clip, "-c", "copy", tmp_path / "a.mkv")
    for path in (clip, tmp_path / "a.mkv"):
        with open_source(path) as source:
            frames = [frame.pixels for frame in source]
            # A second does not tell 29.97 and 30 from each other, and a phone's rate is neither.
            assert source.info.frame_rate == pytest.approx(
                Fraction(rate), rel=0.0011 if repeated else 0.02
            )
            assert source.notes or not repeated
            assert all(f"repeated: {repeated}, left out: 0" in note for note in source.notes)
        assert len(frames) == len(originals) + repeated
        shown = [frames[0], *(b for a, b in pairwise(frames) if not np.array_equal(a, b))]
        assert np.array_equal(shown, originals)


@pytest.mark.parametrize("fault", ["kill -9 $$", pytest.param("exit 255", marks=THOROUGH)])
def test_no_other_rate_if_the_times_were_not_read(tmp_path: Path, fault: str) -> None:
    clip = make_variable(tmp_path / "a.mp4", 40, "(N+gte(N,20))/30", 90000)
    outcome = run(
        *("convert", clip, "-o", tmp_path / "out.mp4"), env=faulty_ffmpeg(tmp_path, "times", fault)
    )
    assert outcome.code == 1
    assert re.search(r"the decoder of .*a.mp4 was .*; try again$", outcome.err.strip())
    assert not (tmp_path / "out.mp4").exists()


@pytest.mark.parametrize("suffix", [pytest.param("mp4", marks=THOROUGH), "mkv"])
def test_sound_stays_in_step(tmp_path: Path, suffix: str) -> None:
    clip = make_flashes(tmp_path / "constant.mp4", rate="30")
    lacking = tmp_path / f"a.{suffix}"
    select = "select='not(mod(n,7)*mod(n,30)*mod(n,11))+eq(mod(n,30),1)'"
    ffmpeg("-i", clip, "-vf", select, "-fps_mode", "vfr", "-c:a", "copy", lacking)
    report = convert(lacking, tmp_path / "out.mp4", segmenter=TWO)
    assert "frames repeated" in report.notes[0]
    assert abs(flash_lag(tmp_path / "out.mp4") - flash_lag(clip)) <= 0.02


class TestLastFrame:
    @pytest.mark.parametrize("ticks", [1, 100, 804])  # of a time base with 512 a frame
    def test_of_any_duration(self, tmp_path: Path, ticks: int) -> None:
        clip = make_clip(tmp_path / "whole.mp4", "-bf", "0", "-video_track_timescale", "12800")
        times = f"setts=duration='if(eq(N,24),{ticks},DURATION)'"
        ffmpeg("-i", clip, "-c", "copy", "-bsf:v", times, tmp_path / "a.mp4")
        with open_source(tmp_path / "a.mp4") as source:
            frames = [frame.pixels for frame in source]
            assert not source.notes
            assert source.info.frame_rate == 25
        originals = read_planes(clip)
        assert np.array_equal(frames[:25], originals)
        assert all(np.array_equal(frame, originals[-1]) for frame in frames[25:])
        assert len(frames) <= 26

    @pytest.mark.parametrize("suffix", ["webm", "wmv", "ico", "gif", "webp", "ts"])
    def test_that_is_the_only_one(self, tmp_path: Path, suffix: str) -> None:
        clip = make_clip(tmp_path / f"a.{suffix}", seconds=0.04)
        with open_source(clip) as source:
            assert len(list(source)) == 1
            assert not source.notes

    def test_of_a_slide_show(self, tmp_path: Path) -> None:
        seconds = "if(eq(N,2),2,5)/TB"
        clip = make_variable(tmp_path / "whole.mp4", 3, "5*N", 1000)
        ffmpeg(
            "-i", clip, "-c", "copy", "-bsf:v", f"setts=duration='{seconds}'", tmp_path / "a.mp4"
        )
        with open_source(tmp_path / "a.mp4") as source:
            assert sum(1 for _ in source) / source.info.frame_rate == 12


class TestAnimations:
    @pytest.mark.parametrize(
        "suffix", ["gif", *(pytest.param(other, marks=THOROUGH) for other in ("webp", "png"))]
    )
    @pytest.mark.parametrize(
        ("delays", "frames"),
        [
            ((100, 100), 2),
            ((100, 50), 3),
            ((40, 500, 100, 300), 47),
            ((30, 30, 40, 30, 30, 40), 6),
            ((30, 40, 30, 50, 20, 30, 60, 100), 18),
            ((100,) * 9 + (41_000,), 419),
        ],
        ids=str,
    )
    def test_delays_stay(
        self, tmp_path: Path, suffix: str, delays: tuple[int, ...], frames: int
    ) -> None:
        source, output = tmp_path / f"a.{suffix}", tmp_path / "out.gif"
        colors = [(25 * number, 250 - 25 * number, 0) for number in range(len(delays))]
        first, *others = (Image.new("RGB", (32, 24), color) for color in colors)
        first.save(source, save_all=True, append_images=others, duration=delays, loop=0)
        report = convert(source, output, segmenter=TWO, rendering=RenderSettings("original"))
        assert report.frames == frames
        with Image.open(output) as animation:
            written = [frame.info["duration"] for frame in ImageSequence.Iterator(animation)]
        assert written == pytest.approx(delays, abs=10)
        assert sum(written) == sum(delays)


def rate_of(
    times: Sequence[float | Fraction],
    unit: Fraction,
    claimed: str = "1000",
    end: float | None = None,
) -> tuple[Fraction, bool]:
    ticks = [round(Fraction(time) / unit) for time in times]
    ended = None if end is None else round(Fraction(end) / unit)
    return FrameTimes(ticks, ended, unit).frame_rate(Fraction(claimed))


class TestRateOfTimes:
    @pytest.mark.parametrize(
        ("phase", "claimed"),
        [
            ("7/10", "90000"),
            pytest.param("0", "60", marks=THOROUGH),
            pytest.param("1/3", "24", marks=THOROUGH),
        ],
    )
    @pytest.mark.parametrize("unit", ["1/90000", "1/12800", "1/1000", "1/600", "1/100"])
    def test_a_constant_rate_that_is_rounded(self, unit: str, phase: str, claimed: str) -> None:
        for rate in map(Fraction, (*RATES, "12.5", "15/2", "23.5", "1/5")):
            if rate <= Fraction(3, 5) / Fraction(unit):
                begin = Fraction(phase) * Fraction(unit)
                times = [number / rate + begin for number in range(1200)]
                assert rate_of(times, Fraction(unit), claimed) == (rate, True)

    def test_a_millisecond_in_a_finer_unit(self) -> None:
        for rate in map(Fraction, RATES[:12]):
            times = [Fraction(round(1000 * number / rate), 1000) for number in range(1200)]
            assert rate_of(times, Fraction(1, 16000)) == (rate, True)

    def test_two_frames(self) -> None:
        assert rate_of([0, 0.033], Fraction(1, 1000), "30") == (Fraction(30), True)
        assert rate_of([0, 0.1], Fraction(1, 100), "100", end=0.2) == (Fraction(10), True)

    def test_film_in_fields_of_television(self) -> None:
        """Two fields, three fields."""
        fields = Fraction(1001, 60000)
        times = [fields * (5 * (number // 2) + 2 * (number % 2)) for number in range(480)]
        assert rate_of(times, Fraction(1, 90000), "30000/1001") == (Fraction(24000, 1001), True)

    def test_one_odd_gap_among_many_changes_no_rate(self) -> None:
        """As after the first frame of H.264 that is copied into AVI."""
        times = FrameTimes([0, *range(38, 38 + 24 * 24, 24)], None, Fraction(1, 600))
        assert times.frame_rate(Fraction(25)) == (Fraction(25), False)

    def test_frames_that_come_together_do_not_multiply_all_others(self) -> None:
        times = sorted([*(number / 30 for number in range(300)), 5.001])
        rate, _ = rate_of(times, Fraction(1, 90000))
        assert rate <= 60

    def test_nonsense(self) -> None:
        rate, is_constant = rate_of([0, 1e-5, 1, 2, 3], Fraction(1, 90000), "90000")
        assert rate <= 60
        assert not is_constant
