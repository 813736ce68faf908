"""Conversions in pieces: the output of a plain one, whoever renders them."""

from __future__ import annotations

import os
import re
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from kseg_video import (
    ClusterSelection,
    EncoderSettings,
    KsegError,
    RenderSettings,
    SegmenterSettings,
    SettingsError,
    StatisticsSettings,
    TrimSettings,
    convert,
)
from kseg_video.conversion.convert import Conversion
from kseg_video.conversion.report import summary_data
from kseg_video.ffmpeg.process import executable
from kseg_video.pieces.piecewise_conversion import convert_in_pieces
from tests.helpers.media import ffmpeg, left_in, read_planes

if TYPE_CHECKING:
    from pathlib import Path

SEGMENTER = SegmenterSettings(n_clusters=4, seed=1)
TIMED = {"seconds", "fps", "stage_ms", "output", "bytes"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """95 s with a cut after 25, sound, subtitles, chapters and a title."""
    folder = tmp_path_factory.mktemp("clip")
    (folder / "words.srt").write_text("1\n00:00:24,000 --> 00:01:10,500\nacross\n")
    (folder / "chapters").write_text(
        ";FFMETADATA1\ntitle=Two shots\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=30\ntitle=one\n"
        "[CHAPTER]\nTIMEBASE=1/1\nSTART=30\nEND=95\ntitle=two\n"
    )
    shots = (
        "testsrc2=s=64x48:r=5:d=25,hue=h=40[a];"
        "gradients=s=64x48:r=5:d=70:speed=0.02:nb_colors=2:c0=teal:c1=gold"
        ":x0=0:y0=0:x1=63:y1=47[b];[a][b]concat[v]"
    )
    ffmpeg(
        *("-f", "lavfi", "-i", "sine=f=440:d=95", "-i", folder / "words.srt"),
        *("-i", folder / "chapters", "-filter_complex", shots, "-map", "[v]", "-map", "0:a"),
        *("-map", "1:s", "-map_metadata", "2", "-c:s", "mov_text", "-g", "25"),
        folder / "clip.mp4",
    )
    return folder / "clip.mp4"


def packets(path: Path) -> list[str]:
    """Times and tracks of all packets, without their contents and decoding order."""
    command = [executable(), "-v", "error", "-analyzeduration", "30M", "-i", str(path)]
    command += ["-map", "0", "-map", "-0:d?", "-c", "copy"]
    told = subprocess.run([*command, "-f", "framecrc", "-"], capture_output=True, check=True)
    rows = [line.split(",") for line in told.stdout.decode().splitlines()]
    return sorted(",".join((row[0], row[2])) for row in rows if len(row) > 2)


def chapters(path: Path) -> list[tuple[str, Fraction]]:
    """Titles, that of the file included, and when the chapters end."""
    command = [executable(), "-v", "error", "-i", str(path), "-f", "ffmetadata", "-"]
    told = subprocess.run(command, capture_output=True, check=True).stdout.decode()
    named = re.findall(r"^(TIMEBASE|END|title)=(.*)$", told, re.MULTILINE)
    unit, end, found = Fraction(1), Fraction(0), []
    for name, value in named:
        if name == "TIMEBASE":
            unit = Fraction(value)
        elif name == "END":
            end = int(value) * unit
        else:
            found.append((value, end))
    return found


def in_pieces(source: Path, output: Path, **settings: Any) -> None:
    convert_in_pieces(Conversion(source, output, segmenter=SEGMENTER, **settings))


@pytest.mark.parametrize("suffix", [".mp4", pytest.param(".mkv", marks=pytest.mark.thorough)])
def test_frames_times_tracks_and_figures_are_those_of_a_plain_run(
    clip: Path, tmp_path: Path, suffix: str
) -> None:
    outputs = [tmp_path / f"{name}{suffix}" for name in ("plain", "pieces")]
    tables = [output.with_suffix(".csv") for output in outputs]
    settings: list[dict[str, Any]] = [
        {
            "segmenter": SEGMENTER,
            "rendering": RenderSettings(view="masked", paint="viridis"),
            "selection": ClusterSelection(disabled=(0, "red:1")),
            "statistics": StatisticsSettings(table),
        }
        for table in tables
    ]
    plain = convert(clip, outputs[0], **settings[0])
    pieces = convert_in_pieces(Conversion(clip, outputs[1], **settings[1]))
    assert packets(outputs[1]) == packets(outputs[0])
    assert chapters(outputs[1]) == chapters(outputs[0])
    assert [title for title, _ in chapters(outputs[1])] == ["Two shots", "one", "two"]
    of_plain, of_pieces = (summary_data(report) for report in (plain, pieces))
    shares = [
        [each.pop(name) for name in ("share", "centroid") for each in data["palette"]]
        for data in (of_plain, of_pieces)
    ]
    assert np.allclose(np.hstack(shares[0]), np.hstack(shares[1]), atol=0.01)
    inertia = [data.pop("inertia") for data in (of_plain, of_pieces)]
    assert inertia[1] == pytest.approx(inertia[0], rel=0.01)
    assert of_plain["warnings"] == []
    for name in of_plain.keys() - TIMED:
        assert of_pieces[name] == of_plain[name], name
    rows = [table.read_text().splitlines() for table in tables]
    assert len(rows[0]) == len(rows[1]) == 476
    assert rows[0][: 1 + 425] == rows[1][: 1 + 425], "up to the joint within the second shot"
    assert left_in(tmp_path) == sorted(path.name for path in (*outputs, *tables))


@pytest.mark.thorough
def test_labels_are_the_same_from_each_cut_on(clip: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "segmenter": SEGMENTER,
        "rendering": RenderSettings(view="labels"),
        "encoder": EncoderSettings(lossless=True),
        "trim": TrimSettings(start=2.0, end=92.0),
    }
    convert(clip, tmp_path / "plain.mkv", **settings)
    convert_in_pieces(Conversion(clip, tmp_path / "pieces.mkv", **settings))
    plain, pieces = (read_planes(tmp_path / name, "gray") for name in ("plain.mkv", "pieces.mkv"))
    assert len(plain) == len(pieces) == 450
    others = [float(np.mean(one != other)) for one, other in zip(plain, pieces, strict=True)]
    assert max(others[:415]) == 0, "up to the joint within the second shot, 60 s after its cut"
    assert max(others) < 0.03


@pytest.mark.thorough
def test_whoever_renders_them_the_file_is_the_same(clip: Path, tmp_path: Path) -> None:
    in_pieces(clip, tmp_path / "here.mp4")
    with ThreadPoolExecutor(3) as threads:
        conversion = Conversion(clip, tmp_path / "threads.mp4", segmenter=SEGMENTER)
        convert_in_pieces(conversion, threads)
    assert (tmp_path / "here.mp4").read_bytes() == (tmp_path / "threads.mp4").read_bytes()


class _Failing(ThreadPoolExecutor):
    """Renders some pieces, and fails at the others."""

    def __init__(self, count: int) -> None:
        super().__init__(1)
        self.left = count
        self.asked = 0

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        self.asked += 1
        self.left -= 1
        if self.left >= 0:
            return super().submit(fn, *args, **kwargs)
        failed: Future[Any] = Future()
        failed.set_exception(KsegError("the power failed"))
        return failed


def resumed(source: Path, output: Path, count: int, **settings: Any) -> tuple[Any, int]:
    """The report of a conversion that goes on, and the number of pieces that it rendered."""
    with _Failing(count) as workers:
        conversion = Conversion(source, output, segmenter=SEGMENTER, **settings)
        return convert_in_pieces(conversion, workers, resumes=True), workers.asked


@pytest.mark.thorough
def test_the_same_call_goes_on_where_it_stopped(clip: Path, tmp_path: Path) -> None:
    in_pieces(clip, tmp_path / "whole.mp4")
    output = tmp_path / "output.mp4"
    table = StatisticsSettings(tmp_path / "table.csv")
    with pytest.raises(KsegError, match="the power failed"):
        resumed(clip, output, 1, statistics=table)
    assert not output.exists()
    assert not table.paths[0].exists()
    report, rendered = resumed(clip, output, 9, statistics=table)
    assert rendered == 2
    assert not any("anew" in note for note in report.notes)
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert len(table.paths[0].read_text().splitlines()) == 476
    assert left_in(tmp_path) == ["output.mp4", "table.csv", "whole.mp4"]


@pytest.mark.thorough
def test_what_was_kept_of_something_else_is_not_used(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "output.mp4"
    with pytest.raises(KsegError):
        resumed(clip, output, 1)
    os.utime(clip, (1, 1))
    report, rendered = resumed(clip, output, 9, rendering=RenderSettings(view="original"))
    assert rendered == 3
    assert "begun anew, since the input and the settings changed" in report.notes


def test_nothing_finished_leaves_nothing(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(KsegError):
        resumed(clip, tmp_path / "output.mp4", 0)
    assert left_in(tmp_path) == []


def test_only_videos(clip: Path, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="only videos are made in pieces"):
        in_pieces(clip, tmp_path / "a.gif")


@pytest.mark.thorough
def test_a_file_in_which_a_seek_leads_elsewhere(tmp_path: Path, clip: Path) -> None:
    """A raw stream has no times to seek by; all is decoded to where a piece begins."""
    raw = tmp_path / "raw.h264"
    ffmpeg("-i", clip, "-map", "0:v", "-c", "copy", "-bsf:v", "h264_mp4toannexb", raw)
    plain = tmp_path / "plain.mkv"
    settings: dict[str, Any] = {
        "segmenter": SEGMENTER,
        "rendering": RenderSettings(view="original"),
        "encoder": EncoderSettings(lossless=True),
    }
    convert(raw, plain, **settings)
    convert_in_pieces(Conversion(raw, tmp_path / "pieces.mkv", **settings))
    for one, other in zip(read_planes(plain), read_planes(tmp_path / "pieces.mkv"), strict=True):
        assert np.array_equal(one, other)
