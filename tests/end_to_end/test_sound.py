"""Sound of every codec, rate and channel layout reaches every container, or is named."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest

from kseg_video import TrimSettings
from kseg_video.ffmpeg.process import environment, executable
from tests.end_to_end.test_faithful_time import convert_plainly
from tests.helpers.cards import cases, combinations
from tests.helpers.commands import run
from tests.helpers.faulty_ffmpeg import faulty_ffmpeg
from tests.helpers.media import ffmpeg, left_in, make_clip

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

pytestmark = pytest.mark.thorough
QUICK = pytest.mark.quick

OUTPUTS = ("mp4", "mov", "mkv", "webm")
RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
HIGH_RATES = (64000, 88200, 96000, 176400, 192000, 384000)
LONGEST_PACKET = 0.15  # seconds: of low rates, and with the silence that encoders add
QUICK_CASES = {
    ("libmp3lame", "avi", 8000, 2, "mp4"),
    ("pcm_s24be", "mov", 48000, 12, "mp4"),
    ("tta", "mkv", 44100, 1, "mov"),
}


def matrix() -> list[Any]:
    """Each codec that ffmpeg encodes, in a container that holds it, with its rates and channels."""
    sources = []
    for codec, suffix, rates, channels in (
        ("libmp3lame", "avi", RATES, (1, 2)),
        ("aac", "mkv", (*RATES, 64000, 96000), (1, 2, 3, 4, 5, 6, 8)),
        ("libopus", "mkv", (48000,), (1, 2, 6, 8)),
        ("libopus -mapping_family 255", "mkv", (48000,), (9, 10, 11, 12, 16)),
        ("libvorbis", "mkv", RATES, (1, 2, 3, 6, 7, 8, 10, 12)),
        ("flac", "mkv", (*RATES, *HIGH_RATES), (1, 2, 3, 4, 5, 6, 7, 8)),
        ("alac", "mov", (*RATES, *HIGH_RATES), (1, 2, 3, 4, 5, 6, 8)),
        ("ac3", "mkv", (32000, 44100, 48000), (1, 2, 3, 4, 5, 6)),
        ("eac3", "mkv", (32000, 44100, 48000), (1, 2, 6)),
        ("dca -strict -2", "mkv", (16000, 44100, 48000), (1, 2, 6)),
        ("truehd -strict -2", "mkv", (44100, 48000, 96000, 192000), (2, 6)),
        ("mlp -strict -2", "mkv", (44100, 48000), (2, 6)),
        ("mp2", "ts", (16000, 22050, 24000, 32000, 44100, 48000), (1, 2)),
        ("wavpack", "mkv", (*RATES, *HIGH_RATES), (1, 2, 6, 8, 10, 12, 16)),
        ("tta", "mkv", (8000, 44100, 96000), (1, 2, 6)),
        ("wmav1", "asf", (22050, 44100), (1, 2)),
        ("wmav2", "asf", (22050, 44100), (1, 2)),
        ("adpcm_ms", "avi", (8000, 44100), (1, 2)),
        ("adpcm_ima_wav", "avi", (8000, 44100), (1, 2)),
        ("adpcm_ima_qt", "mov", (8000, 44100), (1, 2)),
        ("adpcm_swf", "flv", (11025, 44100), (1, 2)),
        ("nellymoser", "flv", (8000, 22050, 44100), (1,)),
        ("libopencore_amrnb", "mov", (8000,), (1,)),
        ("g726", "mkv", (8000,), (1,)),
        ("s302m -strict -2", "ts", (48000,), (2, 4, 6, 8)),
        ("pcm_alaw", "mov", (8000, 48000), (1, 2)),
        ("pcm_mulaw", "avi", (8000, 48000), (1, 2)),
        ("pcm_u8", "avi", (8000, 11025), (1, 2)),
        ("pcm_s8", "mov", (8000, 48000), (1, 2)),
        ("pcm_s16le", "mkv", (*RATES, *HIGH_RATES), tuple(range(1, 18))),
        ("pcm_s24be", "mov", (*RATES, *HIGH_RATES), tuple(range(1, 17))),
        *(
            (f"pcm_{form}{order}", "mov", (48000, 96000), (1, 2, 6))
            for form in ("s16", "s24", "s32", "f32", "f64")
            for order in ("le", "be")
        ),
    ):
        pairs = {(rate, min(2, max(channels))) for rate in rates if max(channels) > 1}
        pairs |= {(rate, 1) for rate in rates if min(channels) == 1}
        pairs |= {(48000 if 48000 in rates else rates[-1], count) for count in channels}
        sources += [(codec, suffix, *pair) for pair in sorted(pairs) if pair[1] in channels]
    return [
        pytest.param(
            *case, marks=[QUICK] if case in QUICK_CASES else [], id="-".join(map(str, case))
        )
        for case in ((*source, output) for source in sources for output in OUTPUTS)
    ]


@dataclass(frozen=True)
class Sound:
    """What PyAV finds of a file's first sound track."""

    codec: str
    rate: int
    channels: int
    seconds: float
    peaks: tuple[float, ...]

    @classmethod
    def of(cls, path: Path, track: int = 0) -> Sound:
        with av.open(str(path)) as container:
            context = container.streams.audio[track].codec_context
            codec, rate, channels = context.codec.canonical_name, context.rate, context.channels
        levels = samples_of(path, track)
        peaks = tuple(np.abs(levels).max(axis=0).tolist())
        return cls(codec, rate, channels, len(levels) / rate, peaks)


def samples_of(path: Path, track: int = 0) -> NDArray[np.float32]:
    """Decoded samples of a sound track, (N, channels)."""
    with av.open(str(path)) as container:
        channels = container.streams.audio[track].codec_context.channels
    command = [executable(), "-v", "error", "-i", str(path), "-map", f"0:a:{track}"]
    raw = subprocess.run(
        [*command, "-f", "f32le", "-"], check=True, capture_output=True, env=environment()
    ).stdout
    return np.frombuffer(raw, np.float32).reshape(-1, channels)


def tones(channels: int, heard: range | None = None) -> str:
    """A tone in each channel, or only in some."""
    return "|".join(
        f"0.25*sin({1500 + 150 * number}*t)" if number in (heard or range(channels)) else "0"
        for number in range(channels)
    )


def make_sounding(
    path: Path, codec: str, rate: int, sound: str, *options: str, seconds: float = 1.0
) -> Path:
    """A clip with this sound, an expression for each channel."""
    video = {"asf": "msmpeg4v3", "flv": "flv", "ts": "mpeg2video"}.get(path.suffix[1:], "mpeg4")
    inputs = ("-f", "lavfi", "-i", f"aevalsrc='{sound}':s={rate}:d={seconds}")
    picture = ("-f", "lavfi", "-i", f"testsrc2=s=64x48:r=25:d={seconds}")
    ffmpeg(*picture, *inputs, *options, "-c:v", video, "-c:a", *codec.split(), path)
    return path


@pytest.mark.parametrize(("codec", "suffix", "rate", "channels", "output"), matrix())
def test_every_container_takes_it(
    tmp_path: Path, codec: str, suffix: str, rate: int, channels: int, output: str
) -> None:
    clip = make_sounding(tmp_path / f"a.{suffix}", codec, rate, tones(channels))
    source = Sound.of(clip)
    assert source.rate == rate
    report = convert_plainly(clip, tmp_path / f"out.{output}")
    found = Sound.of(tmp_path / f"out.{output}")
    assert found.seconds == pytest.approx(source.seconds, abs=LONGEST_PACKET)
    assert max(found.peaks) > 0.1
    codecs = {found.codec, source.codec}
    is_new = len(codecs) > 1 and codecs != {"mp2", "mp3"}  # which MP4 does not tell apart
    assert any("sound encoded anew" in note for note in report.notes) == is_new
    if not is_new:
        assert (found.rate, found.channels) == (source.rate, source.channels)


@pytest.mark.parametrize("heard", cases([range(2), range(6, 8), range(8, 10)], [range(8, 10)]))
def test_no_channel_is_lost_on_the_way_to_another_layout(tmp_path: Path, heard: range) -> None:
    """The front, the front above and the back above, as 5.1.4 and without places."""
    for name, codec in (("a.mov", "pcm_s16le"), ("a.mkv", "libopus -mapping_family 255")):
        clip = make_sounding(tmp_path / name, codec, 48000, tones(10, heard), seconds=0.5)
        report = convert_plainly(clip, tmp_path / f"{name}.mov")
        report = convert_plainly(clip, tmp_path / f"{name}.mp4")
        for suffix in ("mov", "mp4"):
            assert max(Sound.of(tmp_path / f"{name}.{suffix}").peaks) > 0.1
        assert "brought to the nearest channel layout" in str(report.notes) or codec != "pcm_s16le"


def as_ambisonic(clip: Path) -> None:
    """Mark the channels of Opus as ambisonic, which ffmpeg's encoder does not."""
    data = bytearray(clip.read_bytes())
    data[data.index(b"OpusHead") + 18] = 2  # the mapping family
    clip.write_bytes(data)


@pytest.mark.parametrize(
    ("heard", "expected", "beside"),
    [
        (0, (0.5, 0.5, 1), 0),
        pytest.param(1, (0.5, 0.5, -1), 2, marks=QUICK),
        (3, (0.0, 0.0, 0), 0),
    ],
)
def test_ambisonic_sound_becomes_stereo(
    tmp_path: Path, heard: int, expected: tuple[float, float, int], beside: int
) -> None:
    """What comes from all around, from the sides and from ahead, with and without stereo beside."""
    clip = make_sounding(
        tmp_path / "a.mkv",
        "libopus -mapping_family 255",
        48000,
        tones(4 + beside, range(heard, heard + 1)),
    )
    as_ambisonic(clip)
    for suffix in ("mkv", "mp4", "webm"):
        assert not convert_plainly(clip, tmp_path / f"out.{suffix}").notes
        assert Sound.of(tmp_path / f"out.{suffix}").channels == 4 + beside
    report = convert_plainly(clip, tmp_path / "out.mov")
    assert "brought to the nearest channel layout" in str(report.notes)
    left, right = samples_of(tmp_path / "out.mov").T
    loud = 0.25 * np.array(expected[:2])
    assert np.abs([left, right]).max(axis=1) == pytest.approx(loud, abs=0.04)
    assert np.sign(np.round((left * right).mean(), 3)) == expected[2]


def test_sound_that_is_beside_an_ambisonic_field(tmp_path: Path) -> None:
    sound = tones(6, range(4, 5))
    clip = make_sounding(tmp_path / "a.mkv", "libopus -mapping_family 255", 48000, sound)
    as_ambisonic(clip)
    convert_plainly(clip, tmp_path / "out.mov")
    assert Sound.of(tmp_path / "out.mov").peaks == pytest.approx((0.25, 0), abs=0.1)


def make_two_tracks(path: Path, *options: str) -> Path:
    """German and English sound; the first is the default."""
    tracks = [part for n in (440, 880) for part in ("-f", "lavfi", "-i", f"sine={n}:r=48000:d=1")]
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=25:d=1", *tracks),
        *("-map", "0", "-map", "1", "-map", "2", "-c:v", "mpeg4", "-c:a", "aac"),
        *("-metadata:s:a:0", "language=ger", "-metadata:s:a:1", "language=eng", *options),
        path,
    )
    return path


def broken(path: Path, kind: str, tracks: tuple[int, ...]) -> Path:
    """A clip some of whose two sound tracks ffmpeg cannot decode."""
    if kind in {"apac", "xyzw"}:
        path = make_two_tracks(path.with_suffix(".mp4"))
        data = path.read_bytes()
        places = [found.start() for found in re.finditer(b"mp4a\0\0", data)]
        for place in (places[track] for track in tracks):
            rest = data[place + 4 :].replace(b"esds", b"dapa", 1)
            data = data[:place] + kind.encode() + rest
        path.write_bytes(data)
        return path
    data = make_two_tracks(path, *("-c:a", "libvorbis", "-ac", "2")).read_bytes()
    # The codec's name, or the name of the element that holds its header, becomes an unknown one.
    old, new = (b"A_VORBIS", b"A_VORBIX") if kind == "A_VORBIX" else (b"\x63\xa2", b"\x53\x5f")
    places = [found.start() for found in re.finditer(re.escape(old), data)]
    for track in tracks:
        data = data[: places[-2 + track]] + new + data[places[-2 + track] + len(new) :]
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("kind", "lost", "suffix"),
    combinations(
        ["apac", "xyzw", "A_VORBIX", "no header"], [0, 1], OUTPUTS, quick=[("apac", 0, "mp4")]
    ),
)
def test_what_cannot_be_decoded_is_left_out(
    tmp_path: Path, kind: str, lost: int, suffix: str
) -> None:
    clip = broken(tmp_path / "a.mkv", kind, (lost,))
    report = convert_plainly(clip, tmp_path / f"out.{suffix}")
    assert f"sound left out, which ffmpeg cannot decode: track {lost + 1}" in report.notes[0]
    with av.open(str(tmp_path / f"out.{suffix}")) as container:
        (track,) = container.streams.audio
        assert track.metadata["language"] == ("ger" if lost else "eng")
    assert Sound.of(tmp_path / f"out.{suffix}").seconds == pytest.approx(1, abs=0.06)


@pytest.mark.parametrize("kind", cases(["apac", "A_VORBIX", "no header"], ["no header"]))
def test_sound_of_which_none_can_be_decoded(tmp_path: Path, kind: str) -> None:
    clip = broken(tmp_path / "a.mkv", kind, (0, 1))
    outcome = run("convert", clip, "-k", "2", "-o", tmp_path / "out.mp4")
    assert outcome.code != 0
    assert "--no-audio" in outcome.err
    assert outcome.err.count("\n") == 1
    assert left_in(tmp_path) == [clip.name]
    done = run("convert", clip, "-k", "2", "-q", "-o", tmp_path / "out.mp4", "--no-audio")
    assert (done.code, done.err) == (0, "")
    report = convert_plainly(clip, tmp_path / "out.gif")  # which takes no sound anyway
    assert "sound" not in str(report.notes)


@pytest.mark.parametrize("suffix", cases(OUTPUTS, ["mp4"]))
def test_a_track_without_packets(tmp_path: Path, suffix: str) -> None:
    clip = make_sounding(tmp_path / "a.mkv", "aac", 48000, tones(2), "-af", "atrim=0:0")
    assert convert_plainly(clip, tmp_path / f"out.{suffix}").frames == 25


@pytest.mark.parametrize("suffix", cases(OUTPUTS, ["mp4"]))
def test_sound_that_begins_after_the_end(tmp_path: Path, suffix: str) -> None:
    options = ("-af", "asetpts=PTS+3/TB")
    clip = make_sounding(tmp_path / "a.mkv", "ac3", 48000, tones(2), *options)
    convert_plainly(clip, tmp_path / f"out.{suffix}")
    assert Sound.of(tmp_path / f"out.{suffix}").seconds == pytest.approx(1, abs=0.06)
    report = convert_plainly(clip, tmp_path / f"part.{suffix}", trim=TrimSettings(0.2, 0.8))
    assert report.frames == 15


@pytest.mark.parametrize(
    "saying", cases(["Audio: none", "e): Audio: none, 8000 Hz"], ["Audio: none"])
)
def test_tags_that_name_a_track_which_cannot_be_decoded(tmp_path: Path, saying: str) -> None:
    lines = f"\n[info]   Stream #0:2: {saying}\n[info]   Stream #0:7[0x8](e): {saying}\n"
    hidden = "A" * len(lines)
    clip = make_clip(tmp_path / "a.mkv", "-metadata", f"{hidden}=b", "-c:a", "aac", sound=True)
    clip.write_bytes(clip.read_bytes().replace(hidden.encode(), lines.encode()))
    assert not convert_plainly(clip, tmp_path / "out.mp4").notes


@QUICK
def test_no_sound_is_lost_because_the_look_at_it_was_ended(tmp_path: Path) -> None:
    clip = broken(tmp_path / "a.mkv", "no header", (0, 1))
    outcome = run(
        *("convert", clip, "-o", tmp_path / "out.mp4"),
        env=faulty_ffmpeg(tmp_path, "sound", "kill -9 $$"),
    )
    assert outcome.code == 1
    assert "the sound of" in outcome.err
    assert "was killed (signal 9); try again" in outcome.err
    assert not (tmp_path / "out.mp4").exists()
