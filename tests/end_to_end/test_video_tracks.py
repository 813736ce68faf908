"""Of several video tracks, the default one is converted, and the others are named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kseg_video import RenderSettings, TrimSettings
from tests.end_to_end.test_faithful_time import convert_plainly
from tests.helpers.cards import cases, combinations
from tests.helpers.media import ffmpeg, inspect, make_clip, make_flat_clip, read_planes

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.thorough


def make_two_videos(path: Path, default: int | None, *, cover: bool = False) -> Path:
    """A red video of 64x48 and a blue one of 96x64, with sound, and perhaps a cover."""
    colors = ("red:s=64x48:r=25:d=1", "blue:s=96x64:r=25:d=1")
    inputs = [part for each in colors for part in ("-f", "lavfi", "-i", f"color={each}")]
    marks = [
        part
        for number in range(2)
        for part in (f"-disposition:v:{number}", "default" if number == default else "0")
    ]
    options = ("-map", "0", "-map", "1", "-map", "2", "-c:v", "mpeg4", "-c:a", "aac")
    ffmpeg(*inputs, "-f", "lavfi", "-i", "sine=440:d=1", *options, *marks, path)
    return with_cover(path) if cover else path


def with_cover(path: Path) -> Path:
    picture, covered = path.with_suffix(".png"), path.with_name(f"covered{path.suffix}")
    ffmpeg("-f", "lavfi", "-i", "color=green:s=32x32", "-frames:v", "1", picture)
    if path.suffix == ".mkv":
        attached = ("-attach", picture, "-metadata:s:t", "mimetype=image/png")
        ffmpeg("-i", path, "-map", "0", "-c", "copy", *attached, covered)
    else:
        options = ("-map", "0", "-map", "1", "-c", "copy", "-disposition:v:0", "attached_pic")
        ffmpeg("-i", picture, "-i", path, *options, covered)
    return covered


@pytest.mark.parametrize(
    ("default", "name", "cover"),
    combinations(
        [0, 1, None],
        ["a.mkv", "a.mp4", "a.mov"],
        [False, True],
        quick=[(1, "a.mp4", True), (0, "a.mkv", False)],
    ),
)
def test_the_default_one_is_shown(
    tmp_path: Path, default: int | None, name: str, cover: bool
) -> None:
    clip = make_two_videos(tmp_path / name, default, cover=cover)
    for trim in (TrimSettings(), TrimSettings(0.4, 0.8)):
        output = tmp_path / f"out-{trim.start}.mp4"
        report = convert_plainly(clip, output, trim=trim)
        stored = inspect(output)
        assert (stored.width, stored.height) == ((96, 64) if default == 1 else (64, 48))
        assert stored.frames == (10 if trim.end else 25)
        assert len(stored.audio) == 1
        other = "1 (mpeg4, 64x48)" if default == 1 else "2 (mpeg4, 96x64)"
        assert report.notes == (f"video left out: track {other}",)


@pytest.mark.parametrize("suffix", cases(["mkv", "mp4", "mov"], ["mkv"]))
def test_its_frame_rate_is_its_own(tmp_path: Path, suffix: str) -> None:
    """Where the rate is judged by packets, they are those of the track that is shown."""
    slow, fast = (make_clip(tmp_path / f"{rate}.{suffix}", rate=rate) for rate in ("25", "50"))
    marks = ("-disposition:v:0", "0", "-disposition:v:1", "default")
    clip = tmp_path / f"both.{suffix}"
    ffmpeg("-i", slow, "-i", fast, "-map", "0", "-map", "1", "-c", "copy", *marks, clip)
    report = convert_plainly(clip, tmp_path / "out.mp4")
    assert inspect(tmp_path / "out.mp4").frames == 50
    assert len(report.notes) == 1


def test_it_is_shown_as_a_background_too(tmp_path: Path) -> None:
    clip = make_two_videos(tmp_path / "a.mkv", 1)
    front = make_flat_clip(tmp_path / "front.mkv", "white")
    rendering = RenderSettings("masked", disabled=frozenset({0, 1}), background=clip)
    convert_plainly(front, tmp_path / "out.mkv", rendering=rendering)
    blue, _, red = read_planes(tmp_path / "out.mkv", "bgr24")[0][10, 10]
    assert blue > 200
    assert red < 50


@pytest.mark.parametrize("suffix", cases(["mkv", "mp4"], ["mkv"]))
def test_a_cover_is_no_video_track(tmp_path: Path, suffix: str) -> None:
    clip = with_cover(make_clip(tmp_path / f"a.{suffix}", "-c:v", "mpeg4"))
    report = convert_plainly(clip, tmp_path / "out.mp4")
    assert not report.notes
    assert inspect(tmp_path / "out.mp4").width == 64
