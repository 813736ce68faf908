"""Keys and dates of phones, and timecodes, are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av
import pytest

from kseg_video import TrimSettings
from tests.end_to_end.test_faithful_time import convert_plainly
from tests.helpers.cards import cases, combinations
from tests.helpers.media import inspect, make_clip

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.thorough

OUTPUTS = ["mp4", "m4v", "mov", "mkv", "webm"]
DROPPED = ("30000/1001", "01:00:59;20", 0.5, "01:01:00;07")
DATE = "2024-05-06T07:08:09.000000Z"
KEYS = {
    "com.apple.quicktime.location.ISO6709": "+35.0000-120.0000+010.000/",
    "com.apple.quicktime.make": "Apple",
    "com.apple.quicktime.model": "iPhone 15 Pro = a;b",
    "com.apple.quicktime.creationdate": "2024-05-06T00:08:09-0700",
    "com.android.version": "14",
}


def tags_of(path: Path) -> dict[str, str]:
    """Tags of the file and of its video, with their names in small letters."""
    with av.open(str(path)) as container:
        tags = {**container.streams.video[0].metadata, **container.metadata}
    return {name.lower(): value for name, value in tags.items()}


def tagged(**tags: str) -> list[str]:
    return [part for name, value in tags.items() for part in ("-metadata", f"{name}={value}")]


@pytest.mark.parametrize(
    ("name", "suffix"),
    combinations(["a.mov", "a.mp4", "a.mkv"], OUTPUTS, quick=[("a.mov", "mp4"), ("a.mov", "mkv")]),
)
def test_keys_and_dates_are_kept(tmp_path: Path, name: str, suffix: str) -> None:
    options = ("-movflags", "use_metadata_tags") if name != "a.mkv" else ()
    tags = tagged(**KEYS, title="On the road", creation_time=DATE)
    clip = make_clip(tmp_path / name, *options, *tags, seconds=0.2)
    output = tmp_path / f"out.{suffix}"
    assert not convert_plainly(clip, output).notes
    again = tmp_path / f"again.{suffix}"
    convert_plainly(output, again)
    for path in (output, again):
        found = tags_of(path)
        assert found["title"] == "On the road"
        assert set(found["creation_time"].split(";")) == {DATE}
        for key, value in KEYS.items():
            assert found[key.lower()] == value


@pytest.mark.parametrize("suffix", cases(["mp4", "mov"], ["mp4"]))
def test_other_files_keep_their_tags_where_all_players_look(tmp_path: Path, suffix: str) -> None:
    tags = tagged(title="On the road", artist="Me", creation_time=DATE)
    clip = make_clip(tmp_path / "a.mp4", *tags, seconds=0.2)
    convert_plainly(clip, tmp_path / f"out.{suffix}")
    found = tags_of(tmp_path / f"out.{suffix}")
    assert (found["title"], found["artist"], found["creation_time"]) == ("On the road", "Me", DATE)
    assert b"\xa9nam" in (tmp_path / f"out.{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("tag", "suffix"),
    combinations(
        [
            ("stereo_mode", "99"),
            ("STEREO_MODE", "left_right"),
            ("alpha_mode", "1"),
        ],
        OUTPUTS,
        quick=[(("stereo_mode", "99"), "mkv"), (("alpha_mode", "1"), "webm")],
    ),
)
def test_tags_that_a_muxer_obeys_are_left_out(
    tmp_path: Path, tag: tuple[str, str], suffix: str
) -> None:
    tags = tagged(**{tag[0]: tag[1]}, artist="Me")
    clip = make_clip(tmp_path / "a.mov", "-movflags", "use_metadata_tags", *tags, seconds=0.2)
    output = tmp_path / f"out.{suffix}"
    assert not convert_plainly(clip, output).notes
    found = tags_of(output)
    assert found["artist"] == "Me"
    assert tag[0].lower() not in found
    if suffix in {"mkv", "webm"}:
        assert "compatible_brands" not in found


@pytest.mark.parametrize(
    ("times", "name", "suffix"),
    combinations(
        [
            ("25", "10:00:00:20", 0.0, "10:00:00:20"),
            ("25", "10:00:00:20", 1.0, "10:00:01:20"),
            ("25", "23:59:59:24", 0.04, "00:00:00:00"),
            ("30000/1001", "01:00:59;20", 0.0, "01:00:59;20"),
            DROPPED,
            ("30000/1001", "01:00:59:20", 0.5, "01:01:00:05"),
            ("24000/1001", "01:00:59:20", 0.5, "01:01:00:08"),
        ],
        ["a.mov", "a.mp4", "a.mkv", "a.mxf"],
        OUTPUTS,
        quick=[(DROPPED, "a.mov", "mov"), (DROPPED, "a.mxf", "webm")],
    ),
)
def test_timecode_is_kept_and_moved(
    tmp_path: Path, times: tuple[str, str, float, str], name: str, suffix: str
) -> None:
    rate, timecode, start, expected = times
    codec = "mpeg2video" if name == "a.mxf" else "mpeg4"
    options = ("-c:v", codec, "-bf", "0", "-g", "12", "-timecode", timecode)
    clip = make_clip(tmp_path / name, *options, rate=rate, seconds=2)
    output = tmp_path / f"out.{suffix}"
    assert not convert_plainly(clip, output, trim=TrimSettings(start, 1.5)).notes
    assert tags_of(output)["timecode"] == expected
    if suffix in {"mp4", "m4v", "mov"}:
        assert b"tmcd" in output.read_bytes()
    assert inspect(output).first_time == 0


@pytest.mark.parametrize(
    ("timecode", "suffix"),
    combinations(["noon", "00:00:00;00"], OUTPUTS, quick=[("00:00:00;00", "mp4")]),
)
def test_what_is_no_timecode_is_named(tmp_path: Path, timecode: str, suffix: str) -> None:
    clip = make_clip(tmp_path / "a.mkv", *tagged(timecode=timecode), seconds=0.2)
    report = convert_plainly(clip, tmp_path / f"out.{suffix}")
    assert report.notes == ("timecode left out, which does not fit the frame rate",)
    assert "timecode" not in tags_of(tmp_path / f"out.{suffix}")
