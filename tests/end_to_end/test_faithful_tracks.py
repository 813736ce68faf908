"""Conversions preserve the input: subtitles, chapters and tags."""

from __future__ import annotations

import re
import struct
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import av
import pytest

from kseg_video import EncoderSettings, TrimSettings
from kseg_video.ffmpeg.process import environment, executable
from tests.end_to_end.test_faithful_time import MILLISECOND, convert_plainly
from tests.helpers.cards import X264, cases
from tests.helpers.media import ffmpeg, inspect, make_clip

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.thorough
QUICK = pytest.mark.quick

SUBTITLES = """1
00:00:00,500 --> 00:00:01,500
The first

2
00:00:02,000 --> 00:00:02,800
The second
"""
TIMES = [(0.5, 1.5, "The first"), (2.0, 2.8, "The second")]
CHAPTERS = """;FFMETADATA1
title=A day at the lake
[CHAPTER]
TIMEBASE=1/1000
START=0
END=1000
title=Morning
[CHAPTER]
TIMEBASE=1/1000
START=1000
END=2500
title=Noon
[CHAPTER]
TIMEBASE=1/1000
START=2500
END=4000
title=Evening
"""
OUTPUTS = ["mp4", "mov", "mkv", "webm"]


@dataclass(frozen=True)
class Extras:
    """The subtitles, chapters and tags that PyAV and ffmpeg find."""

    title: str | None
    chapters: list[tuple[float, float, str]]
    subtitles: list[tuple[str, str | None]]

    @classmethod
    def of(cls, path: Path) -> Extras:
        with av.open(str(path)) as container:
            tracks = container.streams.subtitles
            subtitles = [(t.codec_context.name, t.metadata.get("language")) for t in tracks]
            chapters = [
                (
                    float(chapter["start"] * (chapter["time_base"] or 0)),
                    float(chapter["end"] * (chapter["time_base"] or 0)),
                    chapter["metadata"]["title"],
                )
                for chapter in container.chapters()
            ]
            title = container.metadata.get("title")
        return cls(title, chapters, subtitles)


def texts_of(path: Path) -> list[tuple[float, str]]:
    """Start and text of each subtitle of the first track."""
    return [(start, text) for start, _, text in spans_of(path)]


def spans_of(path: Path) -> list[tuple[float, float, str]]:
    """Start, end and text of each subtitle of the first track."""
    command = [executable(), "-v", "error", "-i", str(path), "-map", "0:s:0", "-f", "srt", "-"]
    written = subprocess.run(command, check=True, capture_output=True, env=environment())
    texts = []
    for block in written.stdout.decode().strip().split("\n\n"):
        _, times, *lines = block.split("\n")
        start, end = (
            int(hours) * 3600 + int(minutes) * 60 + float(seconds.replace(",", "."))
            for hours, minutes, seconds in (time.split(":") for time in times.split(" --> "))
        )
        texts.append((start, end, re.sub(r"<[^>]*>", "", lines[0])))
    return texts


def make_picture_subtitle(path: Path) -> Path:
    """The smallest Blu-ray subtitle: a picture without objects at 0.5 s."""
    composition = struct.pack(">HHBHBBBB", 64, 48, 0x10, 0, 0x80, 0, 0, 0)
    segments = ((0x16, composition), (0x80, b""))
    stamps = struct.pack(">II", 45_000, 0)
    path.write_bytes(
        b"".join(
            b"PG" + stamps + struct.pack(">BH", kind, len(content)) + content
            for kind, content in segments
        )
    )
    return path


class TestSubtitlesChaptersAndTags:
    @staticmethod
    def make(folder: Path, name: str, *codecs: str, sound: bool = True) -> Path:
        (folder / "a.srt").write_text(SUBTITLES)
        (folder / "a.txt").write_text(CHAPTERS)
        silent = make_clip(folder / "silent.mkv", *X264.split(), seconds=4, sound=sound)
        clip = folder / name
        ffmpeg(
            *("-i", silent, "-i", folder / "a.srt", "-i", folder / "a.txt", "-map", "0"),
            *(part for _ in codecs for part in ("-map", "1")),
            *("-map_metadata", "2", "-map_chapters", "2", "-c:v", "copy", "-c:a", "aac"),
            *(part for n, codec in enumerate(codecs) for part in (f"-c:s:{n}", codec)),
            *("-metadata:s:s:0", "language=ger", clip),
        )
        return clip

    @pytest.mark.parametrize("suffix", OUTPUTS)
    @pytest.mark.parametrize(
        ("name", "codec"),
        [
            pytest.param("a.mkv", "subrip", marks=QUICK),
            ("a.mkv", "ass"),
            ("a.mkv", "webvtt"),
            ("a.mp4", "mov_text"),
            ("a.mov", "mov_text"),
        ],
    )
    @pytest.mark.parametrize("sound", [True, False])
    def test_they_are_kept(
        self, tmp_path: Path, name: str, codec: str, suffix: str, sound: bool
    ) -> None:
        clip = self.make(tmp_path, name, codec, sound=sound)
        report = convert_plainly(clip, tmp_path / f"out.{suffix}")
        assert len(report.notes) == (sound and suffix == "webm")  # its sound is encoded anew
        found = Extras.of(tmp_path / f"out.{suffix}")
        assert found.title == "A day at the lake"
        titles = [(0.0, 1.0, "Morning"), (1.0, 2.5, "Noon"), (2.5, 4.0, "Evening")]
        assert found.chapters == titles
        assert [language for _, language in found.subtitles] == ["ger"]
        texts = texts_of(tmp_path / f"out.{suffix}")
        assert texts == [(0.5, "The first"), (2.0, "The second")]
        assert inspect(tmp_path / f"out.{suffix}").frames == 100

    @pytest.mark.parametrize("suffix", cases(OUTPUTS, quick=["mp4"]))
    def test_a_part_takes_its_own_along(self, tmp_path: Path, suffix: str) -> None:
        clip = self.make(tmp_path, "a.mkv", "subrip")
        convert_plainly(clip, tmp_path / f"out.{suffix}", trim=TrimSettings(1.2, 3.0))
        found = Extras.of(tmp_path / f"out.{suffix}")
        assert [title for _, _, title in found.chapters] == ["Noon", "Evening"]
        starts = [start for start, _, _ in found.chapters]
        assert starts == pytest.approx([0, 1.3], abs=MILLISECOND)
        assert found.chapters[-1][1] == pytest.approx(1.8, abs=0.04)
        (_, first), (time, second) = texts_of(tmp_path / f"out.{suffix}")
        assert (first, second) == ("The first", "The second")
        assert time == pytest.approx(0.8, abs=MILLISECOND)
        stored = inspect(tmp_path / f"out.{suffix}")
        assert stored.frames == 45
        assert self.seconds(tmp_path / f"out.{suffix}") == pytest.approx(1.8, abs=0.06)

    @pytest.mark.parametrize("suffix", OUTPUTS)
    @pytest.mark.parametrize(
        ("name", "codec"),
        [
            ("a.mkv", "subrip"),
            ("a.mkv", "ass"),
            ("a.mkv", "webvtt"),
            ("a.mp4", "mov_text"),
            ("a.mov", "mov_text"),
        ],
    )
    @pytest.mark.parametrize("part", [(1.2, 2.2), (2.4, None), (0.0, 2.2)])
    def test_what_shows_at_a_part_s_ends_is_cut_to_it(
        self,
        tmp_path: Path,
        part: tuple[float, float | None],
        name: str,
        codec: str,
        suffix: str,
    ) -> None:
        start, end = part
        clip = self.make(tmp_path, name, codec)
        assert len(texts_of(clip)) == 2
        output = tmp_path / f"out.{suffix}"
        convert_plainly(clip, output, trim=TrimSettings(start, end))
        expected = [
            (max(begin - start, 0), min(until, end or until) - start, text)
            for begin, until, text in TIMES
            if until > start
        ]
        for found, wanted in zip(spans_of(output), expected, strict=True):
            assert found[2] == wanted[2]
            assert found[:2] == pytest.approx(wanted[:2], abs=MILLISECOND)
        assert self.seconds(output) == pytest.approx((end or 4) - start, abs=0.06)

    def test_several_show_at_once(self, tmp_path: Path) -> None:
        overlapping = "".join(
            f"{n}\n00:00:0{n},000 --> 00:00:0{n + 4},000\nNumber {n}\n\n" for n in range(4)
        )
        (tmp_path / "a.srt").write_text(overlapping)
        silent = make_clip(tmp_path / "silent.mkv", *X264.split(), "-g", "12", seconds=8)
        clip = tmp_path / "a.mkv"
        ffmpeg("-i", silent, "-i", tmp_path / "a.srt", "-c", "copy", clip)
        for suffix in ("mkv", "mp4", "webm"):
            convert_plainly(clip, tmp_path / f"out.{suffix}", trim=TrimSettings(3.6, 6.4))
        spans = [(0, 0.4), (0, 1.4), (0, 2.4), (0, 2.8)]
        for begin_until, found in zip(spans, spans_of(tmp_path / "out.mkv"), strict=True):
            assert found[:2] == pytest.approx(begin_until, abs=MILLISECOND)
        for suffix in ("mp4", "webm"):
            texts = [text for _, _, text in spans_of(tmp_path / f"out.{suffix}")]
            assert texts == [f"Number {n}" for n in range(4)]

    @staticmethod
    def seconds(path: Path) -> float:
        with av.open(str(path)) as container:
            return (container.duration or 0) / av.time_base

    @pytest.mark.parametrize("suffix", OUTPUTS)
    def test_several_tracks(self, tmp_path: Path, suffix: str) -> None:
        clip = self.make(tmp_path, "a.mkv", "subrip", "ass", "webvtt")
        convert_plainly(clip, tmp_path / f"out.{suffix}")
        assert len(Extras.of(tmp_path / f"out.{suffix}").subtitles) == 3

    @pytest.mark.parametrize("suffix", OUTPUTS)
    def test_pictures_of_subtitles_go_where_they_are_taken(
        self, tmp_path: Path, suffix: str
    ) -> None:
        silent = make_clip(tmp_path / "silent.mkv", *X264.split(), seconds=2)
        drawn = make_picture_subtitle(tmp_path / "a.sup")
        clip = tmp_path / "a.mkv"
        ffmpeg("-i", silent, "-i", drawn, "-map", "0", "-map", "1", "-c", "copy", clip)
        report = convert_plainly(clip, tmp_path / f"out.{suffix}")
        kept = [codec for codec, _ in Extras.of(tmp_path / f"out.{suffix}").subtitles]
        if suffix == "mkv":
            assert kept == ["pgssub"]
            assert not report.notes
        else:
            assert kept == []
            assert "subtitles left out" in report.notes[0]
            assert "hdmv_pgs_subtitle" in report.notes[0]

    def test_no_sound_leaves_the_rest(self, tmp_path: Path) -> None:
        clip = self.make(tmp_path, "a.mkv", "subrip")
        convert_plainly(clip, tmp_path / "out.mkv", encoder=EncoderSettings(audio=False))
        found = Extras.of(tmp_path / "out.mkv")
        assert inspect(tmp_path / "out.mkv").audio == ()
        assert (len(found.chapters), len(found.subtitles)) == (3, 1)
