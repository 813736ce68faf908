"""Conversions preserve the input: time, sound, subtitles and chapters."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    DecoderSettings,
    EncoderSettings,
    RenderSettings,
    SegmenterSettings,
    TrimSettings,
    convert,
    open_source,
)
from kseg_video.ffmpeg.process import environment, executable
from tests.helpers.cards import VP9, X264, cases
from tests.helpers.media import encode, ffmpeg, inspect, make_clip, read_planes
from tests.helpers.sync import flash_lag, make_flashes

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.conversion.report import ConversionReport

pytestmark = pytest.mark.thorough
QUICK = pytest.mark.quick

TWO = SegmenterSettings(n_clusters=2)
MILLISECOND = 0.001


def convert_plainly(clip: Path, output: Path, **settings: Any) -> ConversionReport:
    return convert(clip, output, segmenter=TWO, **settings)


class TestRates:
    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "ts", "avi", "flv"])
    @pytest.mark.parametrize(
        "rate",
        cases(
            ["24000/1001", "30000/1001", "60000/1001", "12", "15", "24", "25", "50", "60", "120"],
            quick=["60000/1001"],
        ),
    )
    def test_a_constant_rate_stays(self, tmp_path: Path, rate: str, suffix: str) -> None:
        options = VP9.split() if suffix == "webm" else [*X264.split(), "-bf", "0"]
        clip = make_clip(tmp_path / f"a.{suffix}", *options, rate=rate, seconds=2)
        count = inspect(clip).frames
        report = convert_plainly(clip, tmp_path / "out.mp4")
        assert not report.notes
        assert report.info.frame_rate == Fraction(rate)
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.frames, stored.rate) == (count, Fraction(rate))
        assert stored.seconds == pytest.approx(count / Fraction(rate), abs=MILLISECOND)

    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
    def test_frames_that_are_reordered(self, tmp_path: Path, suffix: str) -> None:
        options = ["-bf", "3", "-g", "30", "-b_strategy", "0"]
        clip = make_clip(tmp_path / f"a.{suffix}", "-c:v", "libx264", *options, seconds=2)
        kept = EncoderSettings(lossless=True)
        rendering = RenderSettings("original")
        convert_plainly(clip, tmp_path / "out.mkv", rendering=rendering, encoder=kept)
        assert np.array_equal(read_planes(tmp_path / "out.mkv"), read_planes(clip))


class TestParts:
    @pytest.mark.parametrize("name", cases(["a.mp4", "a.mkv", "a.ts", "a.mpg"], quick=["a.ts"]))
    @pytest.mark.parametrize("keyframes", ["12", "250"])
    def test_a_part_is_exactly_that(self, tmp_path: Path, name: str, keyframes: str) -> None:
        options = "-c:v mpeg2video -q:v 2" if name == "a.mpg" else X264
        clip = make_clip(tmp_path / name, *options.split(), "-g", keyframes, seconds=3, sound=True)
        with open_source(clip) as source:
            whole = [frame.pixels for frame in source]
        with open_source(clip, TrimSettings(1.5, 2)) as source:
            part = list(source)
        first = round(part[0].time * 25)
        assert 37 <= first <= 38
        assert np.array_equal([frame.pixels for frame in part], whole[first : first + len(part)])
        assert 12 <= len(part) <= 13


class TestVariableRate:
    TIMES = (0, 0.1, 0.6, 0.7, 1.7, 1.8, 2.8)

    @pytest.fixture(params=["mp4", "mkv", "webm", "mov", "flv", "avi", "ts"])
    def clip(self, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
        times = "+".join(f"{time}*eq(N,{number})" for number, time in enumerate(self.TIMES))
        clip = tmp_path / f"variable.{request.param}"
        options = VP9.split() if request.param == "webm" else [*X264.split(), "-bf", "0"]
        ffmpeg(
            *("-f", "lavfi", "-t", "0.7", "-i", "testsrc2=size=64x48:rate=10"),
            *("-vf", f"setpts='round(({times})/TB)'", "-fps_mode", "vfr"),
            *("-enc_time_base", "1/1000", *options),
            clip,
        )
        return clip

    def test_every_frame_at_its_own_time(self, clip: Path, tmp_path: Path) -> None:
        rendering, encoder = RenderSettings("original"), EncoderSettings(lossless=True)
        output = tmp_path / "out.mkv"
        report = convert_plainly(clip, output, rendering=rendering, encoder=encoder)
        said = "variable frame rate made constant at 10 fps; frames repeated: 22, left out: 0"
        assert report.notes == (said,)
        shown, rate = read_planes(output), report.info.frame_rate
        for time, original in zip(self.TIMES, read_planes(clip), strict=True):
            assert np.array_equal(shown[round(time * rate)], original)
        last = max(self.TIMES) + 0.1
        assert len(shown) / rate == pytest.approx(last, abs=1.5 / float(rate))

    def test_a_gif_with_pauses(self, tmp_path: Path) -> None:
        lasting = [40, 500, 100, 300]
        pictures = [Image.new("RGB", (64, 48), (60 * n, 250 - 60 * n, 0)) for n in range(4)]
        pictures[0].save(
            tmp_path / "a.gif", save_all=True, append_images=pictures[1:], duration=lasting
        )
        convert_plainly(tmp_path / "a.gif", tmp_path / "out.mp4")
        stored = inspect(tmp_path / "out.mp4")
        assert stored.seconds == pytest.approx(sum(lasting) / 1000, abs=1 / float(stored.rate))


class TestStartTime:
    @pytest.mark.parametrize(
        ("name", "options"),
        [
            pytest.param("a.ts", ("-output_ts_offset", "30"), marks=QUICK),
            ("a.ts", ()),
            ("a.mkv", ("-output_ts_offset", "10")),
            ("a.mp4", ("-output_ts_offset", "10")),
            ("a.mpg", ("-c:v", "mpeg2video", "-c:a", "mp2")),
        ],
    )
    def test_other_than_0(self, tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
        clip = make_flashes(tmp_path / name, *options)
        convert_plainly(clip, tmp_path / "out.mp4")
        source, stored = inspect(clip), inspect(tmp_path / "out.mp4")
        assert (stored.frames, stored.rate) == (source.frames, Fraction(30000, 1001))
        assert stored.first_time < 0.1
        assert abs(flash_lag(tmp_path / "out.mp4") - flash_lag(clip)) <= 0.02

    @pytest.mark.parametrize("start", ["1.3", "2.5"])
    def test_a_clip_cut_without_encoding(self, tmp_path: Path, start: str) -> None:
        whole = make_flashes(tmp_path / "whole.mp4", "-g", "45")
        clip = tmp_path / "cut.mp4"
        ffmpeg("-ss", start, "-i", whole, "-c", "copy", clip)
        convert_plainly(clip, tmp_path / "out.mp4")
        assert abs(flash_lag(tmp_path / "out.mp4") - flash_lag(clip)) <= 0.02


INTERLACED_TS = "-c:v mpeg2video -q:v 2 -flags +ildct+ilme"
INTERLACED = "-flags +ildct+ilme"


class TestInterlaced:
    """A bar that moves between fields combs at its edges unless it is deinterlaced."""

    @staticmethod
    def make(path: Path, options: str, first: str = "t") -> Path:
        mode = {"t": "interleave_top", "b": "interleave_bottom"}[first]
        pictures = np.zeros((20, 96, 192, 3), np.uint8)
        for number, picture in enumerate(pictures):
            picture[:, 8 * number : 8 * number + 40] = 255
        fields = f"tinterlace={mode},setfield={first}ff"
        return encode(path, list(pictures), "-vf", fields, *options.split(), rate="50")

    @staticmethod
    def teeth(path: Path) -> float:
        """Mean difference of a line from the two around it, where those two agree."""
        luma = np.stack([frame[:96] for frame in read_planes(path, "yuv420p")]).astype(int)
        above, line, below = luma[:, 8:-10], luma[:, 9:-9], luma[:, 10:-8]
        return float((np.abs(line - above) * (np.abs(above - below) < 8)).mean())

    @pytest.mark.parametrize(
        ("name", "options"),
        [
            pytest.param("a.ts", INTERLACED_TS, marks=QUICK),
            ("a.mpg", INTERLACED_TS),
            ("a.mp4", f"{X264} {INTERLACED}"),
            ("a.mkv", f"{X264} {INTERLACED}"),
            ("h264.ts", f"{X264} {INTERLACED}"),
            ("10.mkv", f"{X264} -pix_fmt yuv420p10le {INTERLACED}"),
            ("422.mov", f"-c:v prores_ks -pix_fmt yuv422p10le {INTERLACED}"),
            ("a.avi", f"-c:v mpeg4 -q:v 2 {INTERLACED}"),
        ],
    )
    @pytest.mark.parametrize("first", ["t", "b"])
    def test_it_is_deinterlaced(self, tmp_path: Path, name: str, options: str, first: str) -> None:
        clip = self.make(tmp_path / name, options, first)
        report = convert_plainly(clip, tmp_path / "out.mp4")
        assert "interlaced pictures deinterlaced" in report.notes
        leave = DecoderSettings(deinterlace=False)
        left = convert_plainly(clip, tmp_path / "left.mp4", decoder=leave)
        assert not left.notes
        for output in ("out.mp4", "left.mp4"):
            stored = inspect(tmp_path / output)
            assert (stored.frames, stored.rate) == (inspect(clip).frames, Fraction(25))
        assert self.teeth(tmp_path / "left.mp4") > 5
        assert self.teeth(tmp_path / "out.mp4") < 0.5

    def test_as_they_are_bit_for_bit(self, tmp_path: Path) -> None:
        clip = self.make(tmp_path / "a.ts", INTERLACED_TS)
        settings = {
            "rendering": RenderSettings("original"),
            "encoder": EncoderSettings(lossless=True),
            "decoder": DecoderSettings(deinterlace=False),
        }
        convert_plainly(clip, tmp_path / "out.mkv", **settings)
        assert np.array_equal(read_planes(tmp_path / "out.mkv"), read_planes(clip))

    def test_progressive_frames_stay_as_they_are(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "a.ts", "-c:v", "mpeg2video")
        settings = {
            "rendering": RenderSettings("original"),
            "encoder": EncoderSettings(lossless=True),
        }
        report = convert_plainly(clip, tmp_path / "out.mkv", **settings)
        assert not report.notes
        assert np.array_equal(read_planes(tmp_path / "out.mkv"), read_planes(clip))


@dataclass(frozen=True)
class Sound:
    """A format of a file with sound."""

    name: str
    options: str


SOUNDS = [
    Sound("aac.mp4", f"{X264} -c:a aac"),
    Sound("mp3.mp4", f"{X264} -c:a libmp3lame"),
    Sound("alac.mov", f"{X264} -c:a alac"),
    Sound("pcm.mov", f"{X264} -c:a pcm_s16le"),
    Sound("pcm24.mov", f"{X264} -c:a pcm_s24be"),
    Sound("opus.mkv", f"{X264} -c:a libopus"),
    Sound("flac.mkv", f"{X264} -c:a flac"),
    Sound("dts.mkv", f"{X264} -strict -2 -c:a dca -ac 2"),
    Sound("vorbis.webm", f"{VP9} -c:a libvorbis"),
    Sound("aac.ts", f"{X264} -c:a aac"),
    Sound("mp2.ts", f"{X264} -c:a mp2"),
    Sound("ac3.ts", f"{X264} -c:a ac3"),
    Sound("eac3.ts", f"{X264} -c:a eac3"),
    Sound("mp3.avi", "-c:v mpeg4 -c:a libmp3lame"),
    Sound("pcm.avi", "-c:v mpeg4 -c:a pcm_s16le"),
    Sound("mp2.mpg", "-c:v mpeg2video -c:a mp2"),
    Sound("aac.flv", f"{X264} -c:a aac"),
    Sound("wma.wmv", "-c:v wmv2 -c:a wmav2"),
    Sound("adpcm.avi", "-c:v mpeg4 -c:a adpcm_ms"),
    Sound("telephone.mp4", f"{X264} -c:a aac -ar 8000 -ac 1"),
    Sound("studio.mkv", f"{X264} -c:a flac -ar 96000"),
]

QUICK_SOUNDS = {"aac.ts", "pcm.avi"}


class TestSound:
    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
    @pytest.mark.parametrize(
        "sound",
        [
            pytest.param(sound, id=sound.name, marks=[QUICK] * (sound.name in QUICK_SOUNDS))
            for sound in SOUNDS
        ],
    )
    def test_it_is_in_sync_at_the_end(self, tmp_path: Path, sound: Sound, suffix: str) -> None:
        clip = make_flashes(tmp_path / sound.name, *sound.options.split(), rate="25")
        report = convert_plainly(clip, tmp_path / f"out.{suffix}")
        assert not report.warnings
        source, stored = inspect(clip), inspect(tmp_path / f"out.{suffix}")
        assert stored.seconds == pytest.approx(source.seconds, abs=0.04 + MILLISECOND)
        assert stored.audio_seconds == pytest.approx(6, abs=0.1)
        assert abs(flash_lag(tmp_path / f"out.{suffix}") - flash_lag(clip)) <= 0.02

    @pytest.mark.parametrize("rate", ["24000/1001", "60000/1001", "12", "120"])
    @pytest.mark.parametrize("start", [0.0, 1.7])
    def test_it_is_in_sync_at_every_rate(self, tmp_path: Path, rate: str, start: float) -> None:
        clip = make_flashes(tmp_path / "a.mp4", rate=rate, seconds=12)
        trim = TrimSettings(start)
        convert_plainly(clip, tmp_path / "out.mp4", trim=trim)
        assert abs(flash_lag(tmp_path / "out.mp4") - flash_lag(clip)) <= 0.02

    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
    def test_all_tracks_are_kept(self, tmp_path: Path, suffix: str) -> None:
        flash = make_flashes(tmp_path / "flash.mkv", *X264.split(), "-c:a", "flac")
        clip = tmp_path / "a.mkv"
        ffmpeg(
            *(
                "-i",
                flash,
                "-map",
                "0:v",
                "-map",
                "0:a",
                "-map",
                "0:a",
                "-map",
                "0:a",
                "-c:v",
                "copy",
            ),
            *("-c:a:0", "aac", "-c:a:1", "libopus", "-ac:a:1", "1", "-c:a:2", "ac3"),
            *("-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng"),
            *("-metadata:s:a:2", "language=fra", "-metadata:s:a:2", "title=Commentary", clip),
        )
        convert_plainly(clip, tmp_path / f"out.{suffix}")
        with av.open(str(tmp_path / f"out.{suffix}")) as container:
            tracks = container.streams.audio
            assert [track.metadata.get("language") for track in tracks] == ["ger", "eng", "fra"]
            assert [track.codec_context.channels for track in tracks] == [1, 1, 1]
        for track in range(3):
            assert (
                abs(
                    flash_lag(tmp_path / f"out.{suffix}", track=track)
                    - flash_lag(clip, track=track)
                )
                <= 0.02
            )

    @pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm"])
    @pytest.mark.parametrize("seconds", [0.5, 1.5, 4.0])
    def test_it_may_be_shorter_or_longer_than_the_picture(
        self, tmp_path: Path, seconds: float, suffix: str
    ) -> None:
        clip = tmp_path / "a.mp4"
        ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=2"),
            *("-f", "lavfi", "-i", f"sine=sample_rate=48000:duration={seconds}", clip),
        )
        convert_plainly(clip, tmp_path / f"out.{suffix}")
        stored = inspect(tmp_path / f"out.{suffix}")
        assert stored.frames == 50
        assert stored.audio_seconds == pytest.approx(seconds, abs=0.05)

    @pytest.mark.parametrize("rate", ["25", "12"])
    @pytest.mark.parametrize("delay", ["-0.4", "-0.03", "0.3", "1.25"])
    @pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
    def test_it_may_start_at_another_time(
        self, tmp_path: Path, name: str, delay: str, rate: str
    ) -> None:
        flash = make_flashes(tmp_path / "flash.mp4", rate=rate)
        clip = tmp_path / name
        ffmpeg(
            *("-i", flash, "-itsoffset", delay, "-i", flash),
            *("-map", "0:v", "-map", "1:a", "-c", "copy", clip),
        )
        for suffix in ("mp4", "webm", "mkv"):
            convert_plainly(clip, tmp_path / f"out.{suffix}")
            assert abs(flash_lag(tmp_path / f"out.{suffix}") - flash_lag(clip)) <= 0.02
        for start in (0.1, 2.2):
            part = tmp_path / f"{start}.mp4"
            convert_plainly(clip, part, trim=TrimSettings(start, 5.3))
            late = flash_lag(part) - flash_lag(clip)
            assert abs(late - round(late)) <= 0.02  # flashes are a second apart

    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
    def test_none(self, tmp_path: Path, suffix: str) -> None:
        clip = make_clip(tmp_path / "a.mp4")
        convert_plainly(clip, tmp_path / f"out.{suffix}")
        assert inspect(tmp_path / f"out.{suffix}").audio == ()

    @pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm"])
    @pytest.mark.parametrize(
        ("codec", "layout", "channels"),
        [
            ("aac", "5.1", 6),
            pytest.param("ac3", "5.1(side)", 6, marks=QUICK),
            ("flac", "7.1", 8),
            ("flac", "quad", 4),
            ("flac", "5.0", 5),
        ],
    )
    def test_surround(
        self, tmp_path: Path, codec: str, layout: str, channels: int, suffix: str
    ) -> None:
        """Each channel has its own tone, and keeps it."""
        tones = [300 + 200 * number for number in range(channels)]
        low = 3 if "5.1" in layout or "7.1" in layout else None
        if low is not None:
            tones[low] = 60  # only low frequencies pass in the LFE channel
        expressions = "|".join(f"0.3*sin(2*PI*{tone}*t)" for tone in tones)
        clip = tmp_path / "a.mkv"
        ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25:duration=1"),
            *("-f", "lavfi", "-i", f"aevalsrc='{expressions}':c={layout}:s=48000:d=1"),
            *("-c:a", codec, clip),
        )
        convert_plainly(clip, tmp_path / f"out.{suffix}")
        heard = self.tones(tmp_path / f"out.{suffix}")
        if suffix == "webm" and layout == "5.0":  # stored as 5.1 with a silent LFE channel
            del heard[3]
        assert len(heard) == channels
        assert np.abs(np.array(heard) - tones).max() <= 10

    @staticmethod
    def tones(path: Path) -> list[float]:
        """Frequency of the strongest tone of each channel."""
        command = [executable(), "-v", "error", "-i", str(path), "-f", "f32le", "-"]
        raw = subprocess.run(command, check=True, capture_output=True, env=environment()).stdout
        with av.open(str(path)) as container:
            context = container.streams.audio[0].codec_context
            channels, rate = context.channels, context.sample_rate
        samples = np.frombuffer(raw, "<f4").reshape(-1, channels).T[:, 4000:44000]
        strength = np.abs(np.fft.rfft(samples * np.hanning(samples.shape[1])))
        return [float(peak) * rate / samples.shape[1] for peak in strength.argmax(axis=1)]
