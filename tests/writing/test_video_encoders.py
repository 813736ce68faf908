"""Codecs and their encoders: what players find, and devices that answer or do not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import av
import pytest

from kseg_video import DecoderSettings, EncoderSettings, SinkError, convert
from kseg_video.ffmpeg.process import executable
from tests.helpers.commands import run
from tests.helpers.media import inspect, left_in, make_clip

if TYPE_CHECKING:
    from pathlib import Path

# An ffmpeg in which a device for H.264 answers, by encoding in software, and all others fail.
_WITH_DEVICE = """#!/bin/bash
words=()
for word in "$@"; do
    case "$word" in
        {answering}) word=libx264;;
        *_nvenc|*_qsv|*_vaapi|*_videotoolbox) word=no_driver;;
        -global_quality) word=-crf;;
    esac
    words+=("$word")
done
exec {ffmpeg} "${{words[@]}}"
"""


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "a.mp4", seconds=0.2, sound=True)


def with_device(folder: Path, answering: str) -> dict[str, str]:
    script = folder / "ffmpeg"
    script.write_text(_WITH_DEVICE.format(answering=answering, ffmpeg=executable()))
    script.chmod(0o755)
    return {**os.environ, "IMAGEIO_FFMPEG_EXE": str(script)}


@pytest.mark.parametrize(
    ("name", "codec", "found", "tag"),
    [
        ("b.mp4", "h265", "hevc", "hvc1"),
        ("b.mov", "h265", "hevc", "hvc1"),
        ("b.m4v", "h265", "hevc", "hvc1"),
        ("b.mkv", "h265", "hevc", ""),
        ("b.mp4", "av1", "av1", "av01"),
        ("b.webm", "av1", "av1", ""),
        ("b.mkv", "av1", "av1", ""),
    ],
)
def test_codecs(clip: Path, tmp_path: Path, name: str, codec: str, found: str, tag: str) -> None:
    output = tmp_path / name
    convert(clip, output, encoder=EncoderSettings(codec=codec))  # type: ignore[arg-type]
    stored = inspect(output)
    assert found in stored.codec or stored.codec == "libdav1d"
    assert (stored.width, stored.height, stored.frames) == (64, 48, 5)
    assert stored.pixel_format == "yuv420p"
    assert stored.audio
    with av.open(str(output)) as container:
        assert container.streams.video[0].codec_context.codec_tag.startswith(tag)


@pytest.mark.parametrize(("codec", "pixels"), [("h265", "yuv444p"), ("av1", "yuv420p")])
def test_odd_sizes(clip: Path, tmp_path: Path, codec: str, pixels: str) -> None:
    odd = DecoderSettings(crop=(43, 35, 4, 4))
    encoder = EncoderSettings(codec=codec)  # type: ignore[arg-type]
    convert(clip, tmp_path / "b.mkv", decoder=odd, encoder=encoder)
    stored = inspect(tmp_path / "b.mkv")
    assert (stored.width, stored.height, stored.pixel_format) == (43, 35, pixels)


def test_too_small_for_a_codec(clip: Path, tmp_path: Path) -> None:
    encoder = EncoderSettings(codec="h265")
    with pytest.raises(SinkError, match=r"H\.265 takes no picture of 34x28"):
        convert(
            clip,
            tmp_path / "b.mp4",
            decoder=DecoderSettings(crop=(34, 28, 0, 0)),
            encoder=encoder,
        )
    assert left_in(tmp_path) == ["a.mp4"]


def test_the_first_device_that_answers_encodes(clip: Path, tmp_path: Path) -> None:
    environment = with_device(tmp_path, "h264_qsv")
    words = ("convert", clip, "-o", tmp_path / "b.mp4", "--encoder", "auto")
    outcome = run(*words, env=environment)
    assert outcome.code == 0, outcome.err
    assert "encoded by qsv" in outcome.err
    assert inspect(tmp_path / "b.mp4").frames == 5
    outcome = run(*words, "--codec", "h265", "-y", env=environment)
    assert "no device encodes h265 here; done in software" in outcome.err
    assert inspect(tmp_path / "b.mp4").codec == "hevc"


def test_a_device_that_was_asked_for_and_is_silent(clip: Path, tmp_path: Path) -> None:
    environment = with_device(tmp_path, "none")
    outcome = run("convert", clip, "-o", tmp_path / "b.mp4", "--encoder", "nvenc", env=environment)
    assert outcome.code == 1
    assert outcome.err == (
        "kseg-video: error: nvenc does not encode h264 of 64x48 here (Unknown encoder "
        "'no_driver'); choose the encoder auto or software\n"
    )
    assert left_in(tmp_path) == ["a.mp4", "ffmpeg"]


@pytest.mark.parametrize(
    "words",
    [
        ("b.webm", "--encoder", "nvenc"),
        ("b.mov", "--encoder", "qsv", "--codec", "prores"),
        ("b.mkv", "--encoder", "vaapi", "--lossless"),
        ("b.mp4", "--encoder", "vaapi", "--preset", "fast"),
        ("b.gif", "--encoder", "videotoolbox"),
        ("b.mov", "--codec", "av1"),
        ("b.mp4", "--codec", "h265", "--crf", "52"),
        ("b.mp4", "--codec", "av1", "--preset", "fast"),
        ("b.webm", "--codec", "av1", "--background", "transparent", "--only", "0"),
    ],
)
def test_what_does_not_go_together_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "a.mp4").touch()
    outcome = run("convert", "a.mp4", "-o", *words, cwd=tmp_path)
    assert outcome.code == 2
    assert len(outcome.err.splitlines()) == 1
