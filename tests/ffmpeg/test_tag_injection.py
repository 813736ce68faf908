"""Text in a file's tags, chapters and name is neither trusted nor executed."""

from __future__ import annotations

import itertools
import random
import re
import shutil
from typing import TYPE_CHECKING, NamedTuple

import pytest

from kseg_video import SourceError, open_source
from kseg_video.core.errors import SettingsError
from kseg_video.core.yuv import ColorEncoding
from kseg_video.ffmpeg.ffmpeg_arguments import video_filter
from kseg_video.ffmpeg.probe import ProbedVideo, probe
from tests.helpers.commands import run
from tests.helpers.media import TONE, ffmpeg, inspect, left_in, make_clip, read_planes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

RUNS, BATCHES = 600, 10
SUFFIXES = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".flv", ".nut", ".ts", ".ogv", ".wmv")

COLORS = (
    "color_range:tv color_space:bt709 color_primaries:bt709 color_trc:bt709,"
    "metadata=add:key=k:value=X,metadata=print:file={victim}"
)
FRAME = (
    "n:   0 pts:      0 pts_time:0       duration:      1 duration_time:0.04    fmt:bgr0 cl:left "
    "sar:7/1 s:16x16 i:B iskey:1 type:I "
)
# Forged lines of ffmpeg's report that would do harm if they were trusted.
SAYINGS = (
    COLORS,
    f"[showinfo@0 @ 0x1] [info] {COLORS}",
    f"[Parsed_showinfo_0 @ 0x1] [info] {COLORS}",
    COLORS.replace("metadata=", "movie={victim},metadata="),
    COLORS.replace("color_trc:bt709", "color_trc:smpte2084"),
    f"[showinfo@0 @ 0x1] [info] {FRAME}",
    FRAME,
    "config in time_base: 1/1, frame_rate: 1/1",
    "[showinfo@0 @ 0x1] [info] config in time_base: 1/1, frame_rate: 1/1",
    "Duration: 99:00:00.00, start: 5.000000, bitrate: 1 kb/s",
    "  Duration: 99:00:00.00, start: 5.000000, bitrate: 1 kb/s",
    "  Stream #0:0: Video: gif, bgr0(pc, top first), 16x16, 7 fps, 7 tbr, 7 tbn, start 3.0",
    "  Stream #0:0[0x100]: Video: h264, yuv420p, 64x48, 25 fps, start 3.0",
    "  Stream #0:9: Audio: pcm_s16le, 8000 Hz, 99 channels, s16, 1 kb/s",
    "  Stream #0:2: Subtitle: subrip",
    "  Stream #1:0: Video: vp9, bgr0(pc, top first), 16x16, 7 fps, 7 tbr, 7 tbn",
    "  Stream #1:2: Audio: pcm_s16le, 8000 Hz, 99 channels, s16, 1 kb/s",
    "  Stream #0:0 -> #1:1 (copy)",
    "e): Video: h264, yuv420p, 64x48, 25 fps",
    "e): Video: vp9, yuv420p, 64x48, 7 fps\n[info]       alpha_mode      : 1",
    "e): Audio: pcm_s16le, 8000 Hz, 99 channels, s16, 1 kb/s",
    "    title           : 0123456789abcdef",
    "[out#1/framecrc @ 0x1] [verbose] Starting thread...",
    "Input #0, mpegts, from 'file:a.ts':",
    "displaymatrix: rotation of -90.00 degrees",
    "Stream mapping:",
    "  Stream #0:1 -> #0:0 (h264 (native) -> wrapped_avframe (native))",
    "alpha_mode      : 1",
    "exceeds specified max pixel matches no streams",
    "[error] broken",
    "[error] Cannot allocate memory",
    "[fps@0 @ 0x1] [verbose] 9 frames in, 9 frames out; 5 frames dropped, 7 frames duplicated.",
    "5 frames dropped, 7 frames duplicated",
)
BREAKS = (
    "{}",
    "x {} y",
    "\n{}\n",
    "\n[info] {}\n",
    "\r{}\r",
    "'{}",
    "a\\n{}",
    "[/]{}",
    "\x1b[2J{}",
)


class Clip(NamedTuple):
    """A clip without forged text, and its probed properties."""

    path: Path
    video: ProbedVideo


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Clip]:
    folder = tmp_path_factory.mktemp("clips")
    made = {}
    for suffix, options in {
        ".mp4": (),
        ".mkv": (),
        ".webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-c:a", "libopus"),
        ".avi": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
        ".mov": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
        ".flv": ("-c:v", "flv", "-c:a", "pcm_s16le", "-ar", "44100"),
        ".nut": ("-c:v", "mpeg4", "-c:a", "pcm_s16le"),
        ".ts": ("-c:v", "mpeg2video", "-c:a", "mp2"),
        ".ogv": (),
        ".wmv": (),
    }.items():
        path = make_clip(folder / f"clip{suffix}", *options, seconds=0.2, sound=True)
        silent = with_sayings(path, folder / f"silent{suffix}", "", "nowhere")
        made[suffix] = Clip(path, probe(silent))
    return made


def with_sayings(clip: Path, path: Path, saying: str, place: str) -> Path:
    """Copy a clip and insert a text in one place, such as its title or a tag's key."""
    if place == "name":
        path = path.with_name(saying.replace("/", "_")[:200] + path.suffix)
        shutil.copy(clip, path)
        return path
    notes, attachment = path.with_name("notes.txt"), path.with_name("attached.txt")
    escaped = "".join(f"\\{letter}" if letter in "=;#\\\n" else letter for letter in saying)
    notes.write_text(
        f";FFMETADATA1\ntitle={escaped}\n"
        f"[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=100\ntitle={escaped}\n"
        if place == "title"
        else ";FFMETADATA1\n"
    )
    options: list[str | Path] = []
    if path.suffix in {".mp4", ".mov"}:
        options = ["-movflags", "use_metadata_tags"]  # allows any tag name
    hidden = "A" * len(saying)
    if place == "key":  # ffmpeg would not write such a key verbatim, so it is patched in below
        for where in ("-metadata", "-metadata:s:0", "-metadata:s:1"):
            options += [where, f"{hidden}={saying}"]
    elif place == "stream":
        options += ["-metadata:s:0", f"title={saying}", "-metadata:s:0", f"handler_name={saying}"]
        options += ["-metadata:s:1", f"title={saying}", "-metadata:s:1", f"comment={saying}"]
    elif place == "language":
        options += ["-metadata:s:0", f"language={saying}", "-metadata:s:1", f"language={saying}"]
    elif place == "program":  # limited in length
        for name in ("service_name", "service_provider"):
            options += ["-metadata", f"{name}={saying[:120]}"]
    elif place == "attachment":
        attachment.write_text("x")
        options += ["-attach", attachment, "-metadata:s:t", f"mimetype={saying}"]
        options += ["-metadata:s:t", f"filename={saying}", "-metadata:s:t", f"title={saying}"]
    ffmpeg("-i", clip, "-i", notes, "-map", "0", "-map_metadata", "1", "-c", "copy", *options, path)
    notes.unlink()
    attachment.unlink(missing_ok=True)
    if hidden:
        path.write_bytes(path.read_bytes().replace(hidden.encode(), saying.encode()))
    return path


def places(suffix: str) -> tuple[str, ...]:
    everywhere = ("name", "title", "stream", "language")
    others = {".mkv": ("key", "attachment"), ".ts": ("program",), ".ogv": ()}  # has checksums
    return (*everywhere, *others.get(suffix, ("key",)))


def sayings(count: int, seed: int = 0) -> Iterator[tuple[str, str, str]]:
    """Yield random triples of container suffix, place and text."""
    chance = random.Random(seed)
    for _ in range(count):
        suffix = chance.choice(SUFFIXES)
        text = chance.choice(BREAKS).format(chance.choice(SAYINGS))
        if chance.random() < 0.3:
            text += chance.choice(("\n", " ", ",")) + chance.choice(SAYINGS)
        yield suffix, chance.choice(places(suffix)), text


@pytest.mark.thorough
@pytest.mark.parametrize("batch", [pytest.param(0, marks=pytest.mark.quick), *range(1, BATCHES)])
def test_what_a_file_says_changes_nothing(
    clips: dict[str, Clip], tmp_path: Path, batch: int
) -> None:
    victim = tmp_path / "victim"
    for number, (suffix, place, text) in list(enumerate(sayings(RUNS)))[batch::BATCHES]:
        folder = tmp_path / str(number)
        folder.mkdir()
        clip = clips[suffix]
        path = with_sayings(clip.path, folder / f"clip{suffix}", text.format(victim=victim), place)
        try:
            assert probe(path) == clip.video, (suffix, place, text)
        except SourceError as error:  # refusing an ambiguous report is safe, too
            assert "read like a report on it" in str(error)  # noqa: PT017
            assert place in {"language", "key"}
            assert re.search(r"\[info\] (Input #0, |  Duration: )", text)
        assert not victim.exists()
        shutil.rmtree(folder)


@pytest.mark.parametrize("place", ["key", pytest.param("name", marks=pytest.mark.thorough)])
@pytest.mark.parametrize(
    "said", ["Cannot allocate memory", "stream 0: partial file", "broken", "matches no streams"]
)
def test_what_reads_like_an_error(tmp_path: Path, said: str, place: str) -> None:
    lines = f"\n[error] {said}\n"
    hidden = "A" * len(lines)
    path = make_clip(tmp_path / "a.mkv", "-metadata", f"{hidden}=b", seconds=0.2, sound=True)
    if place == "key":
        path.write_bytes(path.read_bytes().replace(hidden.encode(), lines.encode()))
    else:
        path = path.rename(tmp_path / f"a{lines}.mkv")
    options = ("-k", "2", "-y", "-q", "-o", tmp_path / "out.mp4")
    for command in (("convert", path), ("convert", path, "--disable", "0", "--background", path)):
        outcome = run(*command, *options)
        assert (outcome.code, outcome.err) == (0, "")
    assert run("palette", path, "-k", "2").code == 0


@pytest.mark.parametrize(
    "suffix",
    [".mp4", *(pytest.param(end, marks=pytest.mark.thorough) for end in (".mkv", ".webm", ".avi"))],
)
@pytest.mark.parametrize("place", ["title", "name"])
def test_nothing_is_written_or_painted(
    clips: dict[str, Clip], tmp_path: Path, suffix: str, place: str
) -> None:
    """A text that once overwrote a file, inserted in each place."""
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (tmp_path / "in").mkdir()
    path = with_sayings(
        clips[suffix].path, tmp_path / "in" / f"clip{suffix}", COLORS.format(victim="victim"), place
    )
    for arguments in (("convert", path, "-o", "out.mkv"), ("palette", path)):
        outcome = run(*arguments, "-k", "2", cwd=tmp_path)
        assert (outcome.code, outcome.err) == (0, outcome.err)
        assert victim.read_text() == "kept"
    assert left_in(tmp_path) == ["in", "out.mkv", "victim"]
    with open_source(path) as source:
        assert source.info.encoding == clips[suffix].video.encoding
    assert len(read_planes(tmp_path / "out.mkv")) == 5


def test_an_image_is_not_obeyed_either(tmp_path: Path) -> None:
    for name in ("a.png", "a.webp", "a.gif"):
        saying = COLORS.format(victim=tmp_path / "victim").replace("/", "_")
        path = tmp_path / (saying[:200] + name)
        ffmpeg("-f", "lavfi", "-i", "testsrc2=size=32x32", "-frames:v", "1", tmp_path / name)
        (tmp_path / name).rename(path)
        assert run("convert", path, "-k", "2", "-o", tmp_path / f"out-{name}").code == 0
    assert not (tmp_path / "victim").exists()


@pytest.mark.thorough
def test_twenty_thousand_tags(tmp_path: Path) -> None:
    """More lines than were once kept of ffmpeg's report."""
    notes = tmp_path / "notes.txt"
    notes.write_text(";FFMETADATA1\n" + "".join(f"tag{n}={n}\n" for n in range(20_000)))
    plain = make_clip(tmp_path / "plain.mkv", seconds=0.2)
    ffmpeg("-i", plain, "-i", notes, "-map_metadata", "1", "-c", "copy", tmp_path / "a.mkv")
    assert probe(tmp_path / "a.mkv") == probe(plain)


@pytest.mark.parametrize("field", ["matrix", "primaries", "transfer"])
def test_encodings_take_known_words_alone(field: str) -> None:
    with pytest.raises(SettingsError, match=f"{field} is 'bt709,movie=a.png'; it takes .*bt709"):
        ColorEncoding(**{field: "bt709,movie=a.png"})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["a,b", "a:b", "a'b", "a\\b", "[a]", "a;b", "a=b", "%{pts}"])
def test_a_value_stays_in_its_filter(tmp_path: Path, value: str) -> None:
    """ffmpeg prints the value unchanged."""
    said = tmp_path / "said"
    add = video_filter("metadata", mode="add", key="k", value=value)
    show = video_filter("metadata", mode="print", file=str(said))
    clip = make_clip(tmp_path / "a.mkv", "-vf", f"{add},{show}", seconds=0.04)
    assert clip.exists()
    assert f"k={value}\n" in said.read_text()


def test_options_that_are_none_are_left_out() -> None:
    assert video_filter("scale", 4, 2, flags=None, in_range="tv") == "scale=4:2:in_range=tv"
    assert video_filter("null") == "null"


def test_a_clip_with_sound_and_no_tags_is_seen_whole(tmp_path: Path) -> None:
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", *TONE, "-t", "0.2"),
        *("-ac", "6", "-c:a", "flac", tmp_path / "a.mkv"),
    )
    assert [(track.codec, track.channels) for track in probe(tmp_path / "a.mkv").audio] == [
        ("flac", 6)
    ]


LINE = "Video: h264, yuv420p, 64x48, 10 fps"
# Whole lines as ffmpeg prints them for a file's streams.
FORGED = (
    f"e): {LINE}\nz",
    "e): Video: vp9, yuv420p, 64x48, 25 fps\n[info]       alpha_mode      : 1\nz",
    f"e): {LINE}\n[info]       Display Matrix: rotation of 90.00 degrees\nz",
    "\n[info]   Stream #0:7: Subtitle: subrip\n",
    "\n[info]   Stream #0:7: Audio: aac, 48000 Hz, mono\n",
    f"\n[info]   Stream #0:0: {LINE}\n[info] Stream mapping:\n[info]   Stream #0:0 -> #0:0 (h)\n",
    f"\n[info]   Stream #0:7 -> #1:0 (copy)\n[info]   Stream #1:0: {LINE}\n",
)
TWICE = (
    "\n[info]   Duration: 09:00:00.00, start: 0.000000, bitrate: 1 kb/s\n",
    "\n[info]   Duration: 0:0:1.2.3, start: 0.000000, bitrate: 1 kb/s\n",
    "\n[info] Input #0, webp_anim, from 'a'\n",
)


@pytest.mark.parametrize("lines", FORGED)
@pytest.mark.parametrize(
    ("suffix", "place"),
    [
        (".mkv", "language"),
        (".mkv", "key"),
        (".nut", "language"),
        (".nut", "key"),
        (".ogv", "language"),
        (".mov", "key"),
    ],
)
def test_whole_lines_of_a_report_are_not_believed(
    clips: dict[str, Clip], tmp_path: Path, suffix: str, place: str, lines: str
) -> None:
    path = with_sayings(clips[suffix].path, tmp_path / f"a{suffix}", lines, place)
    assert probe(path) == clips[suffix].video


@pytest.mark.thorough
def test_a_file_that_lies_is_converted(clips: dict[str, Clip], tmp_path: Path) -> None:
    for lines, place in itertools.product(FORGED, ("language", "key")):
        path = with_sayings(clips[".mkv"].path, tmp_path / "a.mkv", lines, place)
        outcome = run("convert", path, "-k", "2", "-y", "-q", "-o", tmp_path / "out.mkv")
        assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize("name", ["w\n[info]   Stream", "w\n[info]   Stream #0:1", "t\n["])
@pytest.mark.parametrize("rest", ["", *FORGED, *TWICE])
def test_a_name_says_nothing(clips: dict[str, Clip], tmp_path: Path, name: str, rest: str) -> None:
    path = tmp_path / (name + rest.replace("/", "_"))
    shutil.copy(clips[".mp4"].path, path)
    assert probe(path) == clips[".mp4"].video


@pytest.mark.parametrize("lines", TWICE)
def test_what_is_said_twice_is_told(clips: dict[str, Clip], tmp_path: Path, lines: str) -> None:
    path = with_sayings(clips[".mkv"].path, tmp_path / "a.mkv", lines, "key")
    with pytest.raises(SourceError, match="read like a report on it"):
        probe(path)


def test_more_lines_than_are_kept(clips: dict[str, Clip], tmp_path: Path) -> None:
    """Forged lines would push genuine ones out of the deque."""
    lines = "\n[info]   Stream #0:1[0x1]" * 38  # as much of a name as ffmpeg prints
    hidden = {"A" * len(lines): lines, "B" * len(TWICE[0]): TWICE[0]}
    path = tmp_path / "a.mkv"
    names = [f"{number}{name}" for name in hidden for number in range(280 if "A" in name else 1)]
    tags = itertools.chain(*(("-metadata:s:0", f"{name}=b") for name in names))
    ffmpeg("-i", clips[".mkv"].path, "-c", "copy", *tags, path)
    content = path.read_bytes()
    for name, said in hidden.items():
        content = content.replace(name.encode(), said.encode())
    path.write_bytes(content)
    with pytest.raises(SourceError, match="read like a report on it"):
        probe(path)


def test_a_name_that_is_not_printed_whole(clips: dict[str, Clip], tmp_path: Path) -> None:
    path = tmp_path / ("\n" + "x" * 200) / ("a" + TWICE[0].strip("\n") + "b")
    path = path.joinpath(*["x" * 200] * 5, "[error] Cannot allocate memory")
    path.parent.mkdir(parents=True)
    shutil.copy(clips[".mp4"].path, path)
    assert probe(path).width == 64
    path.write_text("no video")
    with pytest.raises(SourceError, match="not a video"):
        probe(path)


@pytest.mark.parametrize("said", ["Cannot allocate memory", "matches no streams"])
def test_a_kind_of_file_that_reads_like_an_error(
    clips: dict[str, Clip], tmp_path: Path, said: str
) -> None:
    """ffmpeg prints an unknown Matroska DocType verbatim."""
    kind = f"matroska\n[error] {said}\n".encode()
    header = b"\x42\x82" + bytes([0x80 | len(kind)]) + kind
    content = clips[".mkv"].path.read_bytes()
    segment = content.index(bytes.fromhex("18538067"))
    path = tmp_path / "a.mkv"
    path.write_bytes(
        bytes.fromhex("1A45DFA3") + bytes([0x80 | len(header)]) + header + content[segment:]
    )
    assert probe(path) == clips[".mkv"].video
    outcome = run("convert", path, "-k", "2", "-o", tmp_path / "out.mkv")
    assert outcome.code == 0


@pytest.mark.parametrize(
    "said",
    [
        "Failed to set value '0:u' for option 'map'",
        "Operation not permitted",
        "[mpegts @ 0x1] Packet corrupt (stream = 0, dts = 90000).",
        "[mov @ 0x1] stream 0, offset 0x30: partial file",
        "Picture size 20000x20000 exceeds specified max pixel count 100000000",
        "\x1b[0m\x1b[1;31m[error] \x1b[0m\x1b[1;31mCannot allocate memory\n\x1b[0m",
    ],
)
@pytest.mark.parametrize("level", ["error", pytest.param("fatal", marks=pytest.mark.thorough)])
def test_a_codec_that_reads_like_an_error(tmp_path: Path, said: str, level: str) -> None:
    """ffmpeg prints an unknown Matroska codec before it describes the file."""
    honest = with_codec(tmp_path / "honest.mkv", "S_X")
    path = with_codec(tmp_path / "a.mkv", f"S_X\n[{level}] {said}\n")
    assert probe(honest).audio
    assert probe(path) == probe(honest)
    options = ("-k", "2", "-q", "-y", "-o", tmp_path / "out.mkv")
    for more in ((), ("--disable", "0", "--background", path)):
        outcome = run("convert", path, *options, *more)
        assert (outcome.code, outcome.err) == (0, "")
        assert len(inspect(tmp_path / "out.mkv").audio) == 1


def with_codec(path: Path, codec: str) -> Path:
    """Make a clip with sound and with subtitles of an arbitrary codec name."""
    text, hidden = path.with_name("a.srt"), b"A" * len(codec)
    text.write_text("1\n00:00:00,000 --> 00:00:00,100\nx\n")
    clip = make_clip(path.with_name("clip.mkv"), seconds=0.4, sound=True)
    ffmpeg(
        *("-i", clip, "-i", text, "-map", "0", "-map", "1", "-c:v", "copy", "-c:a", "copy"),
        *("-c:s", "subrip", "-metadata:s:2", f"title={hidden.decode()}", path),
    )
    name = b"\x53\x6e" + bytes([0x80 | len(hidden)]) + hidden
    known = b"S_TEXT/UTF8"
    data = path.read_bytes()
    assert data.count(name) == 1
    data = data.replace(name, b"\x86\x40" + bytes([len(hidden)]) + codec.encode())
    path.write_bytes(data.replace(b"\x86\x8b" + known, b"\xec\x8b" + known))  # now Void
    return path


def test_a_track_of_which_nothing_is_known_is_left_out(tmp_path: Path) -> None:
    """An audio track is listed but has no packets."""
    path = tmp_path / "a.ts"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", *TONE, "-map", "1", "-map", "0"),
        *("-map", "1", "-t", "1", "-c:v", "mpeg2video", "-c:a", "mp2", path),
    )
    stream = bytearray(path.read_bytes())
    for start in range(0, len(stream), 188):
        if (stream[start + 1] & 0x1F, stream[start + 2]) == (1, 0):  # packets of the first track
            del stream[start + 1 : start + 3]
            stream[start + 1 : start + 1] = b"\x1f\xff"  # the null packets' id, in no program
    path.write_bytes(stream)
    outcome = run("convert", path, "-k", "2", "-q", "-o", tmp_path / "out.mp4")
    assert (outcome.code, outcome.err) == (0, "")
    assert len(inspect(tmp_path / "out.mp4").audio) == 1


def test_pictures_of_which_the_size_is_not_known_at_first(tmp_path: Path) -> None:
    """A broadcast joined long before its next keyframe."""
    path = make_clip(
        *(tmp_path / "a.ts", "-c:v", "libx264", "-g", "250", "-x264-params", "repeat-headers=1"),
        *("-muxrate", "10M"),
        seconds=14,
    )
    packets = path.read_bytes()
    start = len(packets) // 188 // 14 * 188
    path.write_bytes(packets[: 3 * 188] + packets[start:])
    video = probe(path)
    assert (video.width, video.height, video.audio) == (64, 48, ())
    assert not video.variable_rate  # nothing in the stream indicates one


def test_pictures_that_go_with_a_time_code(tmp_path: Path) -> None:
    """ffmpeg describes the two streams as a group, with more indentation."""
    clip = make_clip(tmp_path / "a.mov", "-timecode", "00:00:00:00", rate="30000/1001")
    assert not probe(clip).variable_rate


def with_language(path: Path, language: bytes) -> Path:
    """A transport stream whose sound, which starts late, has a language of any three bytes."""
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=25", "-itsoffset", "1", *TONE),
        *("-map", "0", "-map", "1", "-t", "2", "-c:v", "mpeg2video", "-c:a", "mp2"),
        *("-metadata:s:a:0", "language=eng", path),
    )
    stream = bytearray(path.read_bytes())
    while (at := stream.find(b"\x0a\x04eng")) >= 0:  # the descriptor, in a table with a checksum
        stream[at + 2 : at + 5] = language
        table = at // 188 * 188 + 5
        end = table + 3 + (int.from_bytes(stream[table + 1 : table + 3], "big") & 0xFFF)
        stream[end - 4 : end] = checksum(bytes(stream[table : end - 4])).to_bytes(4, "big")
    path.write_bytes(stream)
    return path


def checksum(data: bytes) -> int:
    """CRC-32/MPEG-2."""
    remainder = 0xFFFFFFFF
    for byte in data:
        remainder ^= byte << 24
        for _ in range(8):
            remainder = remainder << 1 ^ (0x104C11DB7 if remainder >> 31 else 0)
    return remainder


def test_a_language_of_any_bytes(tmp_path: Path) -> None:
    """ffmpeg prints it in the line from which the start of an MPEG stream's track is read."""
    honest = probe(with_language(tmp_path / "honest.ts", b"deu"))
    assert honest.track_zero > honest.picture_zero
    for language in (b"a]b", b"): ", b"\x00\x01\x1b", b"\xff\xfe\r"):
        assert probe(with_language(tmp_path / "a.ts", language)) == honest
    for language in (b"a\nb", b"\n\n\n", b"ab\n"):
        with pytest.raises(SourceError, match="read like a report on it"):
            probe(with_language(tmp_path / "a.ts", language))
