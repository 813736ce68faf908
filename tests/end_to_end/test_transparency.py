"""Transparency, as other programs read it."""

from __future__ import annotations

import dataclasses
import subprocess
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from kseg_video import (
    EncoderSettings,
    RenderSettings,
    SegmenterSettings,
    SettingsError,
    TrimSettings,
    convert,
    open_sink,
)
from kseg_video.core.frame import Frame
from kseg_video.ffmpeg.process import environment, executable
from kseg_video.reading.image_files import write_image
from kseg_video.writing.output_paths import check_output
from tests.helpers.flat_pictures import INFO, quarters
from tests.helpers.media import inspect, left_in
from tests.helpers.pictures import as_i420

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

ALPHA_INFO = dataclasses.replace(INFO, has_alpha=True)
RAMP = np.linspace(0, 255, 64).round().astype(np.uint8)[np.newaxis].repeat(48, axis=0)


def stripes(count: int = 3) -> list[NDArray[np.uint8]]:
    """Opacity that grows from left to right, with an opaque bar that moves down."""
    alphas = []
    for number in range(count):
        alpha = RAMP.copy()
        alpha[8 * number : 8 * number + 8] = 255
        alphas.append(alpha)
    return alphas


def write_transparent(path: Path, frames: list[Frame], **encoder: object) -> list[str]:
    info = dataclasses.replace(ALPHA_INFO, layout=frames[0].layout, encoding=frames[0].encoding)
    with open_sink(path, info, EncoderSettings(**encoder)) as sink:  # type: ignore[arg-type]
        for frame in frames:
            sink.write(frame)
    return sink.notes


def read_bgra(path: Path) -> NDArray[np.uint8]:
    """Frames with their opacity, (N, H, W, 4); VP9's needs ffmpeg's libvpx."""
    stored = inspect(path)
    decoder = ["-c:v", "libvpx-vp9"] if stored.codec == "vp9" else []
    command = [executable(), "-loglevel", "error", *decoder, "-i", str(path)]
    command += ["-sws_flags", "accurate_rnd+full_chroma_int+full_chroma_inp"]
    command += ["-pix_fmt", "bgra", "-f", "rawvideo", "-"]
    raw = subprocess.run(command, check=True, capture_output=True, env=environment()).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, stored.height, stored.width, 4)


def bgra_as_shown(path: Path) -> NDArray[np.uint8]:
    """Frames of a video, an animation or an image with their opacity, (N, H, W, 4)."""
    if path.suffix not in {".gif", ".webp", ".png"}:
        return read_bgra(path)
    with Image.open(path) as stored:
        pictures = [np.array(page.convert("RGBA")) for page in ImageSequence.Iterator(stored)]
    return np.stack(pictures)[..., [2, 1, 0, 3]]


@pytest.mark.parametrize("layout", ["bgr24", "i420"])
@pytest.mark.parametrize(
    ("name", "encoder", "codec", "tolerance"),
    [
        ("a.webm", {}, "vp9", 10),
        ("a.mkv", {}, "vp9", 10),
        ("a.mov", {}, "prores", 1),
        ("a.mkv", {"lossless": True}, "ffv1", 0),
    ],
)
def test_opacity_and_colors_come_back(
    tmp_path: Path, layout: str, name: str, encoder: dict[str, object], codec: str, tolerance: int
) -> None:
    frames = [Frame(quarters(), alpha=alpha) for alpha in stripes()]
    if layout == "i420":
        planar = as_i420(quarters(), "bt601")
        frames = [dataclasses.replace(planar, alpha=frame.alpha) for frame in frames]
    assert write_transparent(tmp_path / name, frames, **encoder) == []
    assert inspect(tmp_path / name).codec == codec
    pictures = read_bgra(tmp_path / name).astype(int)
    wrong = np.abs(pictures[..., 3] - np.stack(stripes()))
    assert wrong.mean() <= min(tolerance, 1)
    assert wrong.max() <= tolerance  # VP9 ripples a little along the bar's edges
    corners = (slice(None), slice(None, None, 47), slice(None, None, 63))
    wanted = quarters()[None, ::47, ::63]
    assert np.abs(pictures[corners][..., :3] - wanted).max() <= (8 if codec == "vp9" else 3)


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["a.webm", "a.mov"])
def test_a_drawn_scene_keeps_its_soft_edges(tmp_path: Path, lake_clip: Path, name: str) -> None:
    alphas = []
    for output, encoder in (("exact.mkv", EncoderSettings(lossless=True)), (name, None)):
        convert(
            lake_clip,
            tmp_path / output,
            segmenter=SegmenterSettings(n_clusters=6),
            rendering=RenderSettings("masked", frozenset({1, 3}), "transparent"),
            trim=TrimSettings(max_frames=6),
            encoder=encoder,
        )
        alphas.append(read_bgra(tmp_path / output)[..., 3].astype(int))
    wrong = np.abs(alphas[1] - alphas[0])
    soft = (alphas[0] > 0) & (alphas[0] < 255)
    assert soft.mean() > 0.001
    assert wrong.mean() < 0.25
    assert wrong[soft].mean() < 5
    assert (wrong > 64).mean() < 1e-5


def test_pyav_sees_that_a_webm_has_opacity(tmp_path: Path) -> None:
    write_transparent(tmp_path / "a.webm", [Frame(quarters(), alpha=RAMP)])
    with av.open(str(tmp_path / "a.webm")) as container:
        assert container.streams.video[0].metadata["alpha_mode"] == "1"


@pytest.mark.parametrize(
    ("name", "lossless"), [("a.webm", False), ("a.mkv", False), ("a.mov", False), ("a.mkv", True)]
)
def test_pyav_reads_the_opacity(tmp_path: Path, name: str, lossless: bool) -> None:
    frames = [Frame(quarters(), alpha=alpha) for alpha in stripes()]
    write_transparent(tmp_path / name, frames, lossless=lossless)
    with av.open(str(tmp_path / name)) as container:
        stream = container.streams.video[0]
        context: av.VideoCodecContext = stream.codec_context
        if context.name == "vp9":  # FFmpeg's own VP9 decoder ignores alpha
            context = av.VideoCodecContext.create("libvpx-vp9", "r")
        pictures = [p for packet in container.demux(stream) for p in context.decode(packet)]
        alphas = [p.reformat(format="rgba").to_ndarray()[..., 3].astype(int) for p in pictures]
    assert len(alphas) == len(frames)
    assert np.abs(np.stack(alphas) - np.stack(stripes())).max() <= (0 if lossless else 10)


def test_prores_is_4444_with_opacity(tmp_path: Path) -> None:
    write_transparent(tmp_path / "a.mov", [Frame(quarters(), alpha=RAMP)])
    with av.open(str(tmp_path / "a.mov")) as container:
        context = container.streams.video[0].codec_context
        assert (context.codec_tag, context.pix_fmt) == ("ap4h", "yuva444p12le")


def test_prores_without_opacity(tmp_path: Path) -> None:
    with open_sink(tmp_path / "a.mov", INFO, EncoderSettings(codec="prores")) as sink:
        sink.write(Frame(quarters()))
    assert inspect(tmp_path / "a.mov").pixel_format == "yuv444p12le"
    picture = read_bgra(tmp_path / "a.mov")[0, ::47, ::63, :3].astype(int)
    assert np.abs(picture - quarters()[::47, ::63]).max() <= 2


@pytest.mark.parametrize("name", ["a.webm", "a.mov"])
def test_odd_sizes_are_kept(tmp_path: Path, name: str) -> None:
    info = dataclasses.replace(ALPHA_INFO, width=63, height=47)
    alpha = np.ascontiguousarray(RAMP[:47, :63])
    with open_sink(tmp_path / name, info) as sink:
        sink.write(Frame(quarters(47, 63), alpha=alpha))
    (picture,) = read_bgra(tmp_path / name)
    assert np.abs(picture[..., 3].astype(int) - alpha).max() <= 3


def test_a_frame_without_opacity_among_others_is_opaque(tmp_path: Path) -> None:
    write_transparent(tmp_path / "a.webm", [Frame(quarters(), alpha=RAMP), Frame(quarters())])
    assert read_bgra(tmp_path / "a.webm")[1, ..., 3].min() >= 254


@pytest.mark.parametrize("name", ["a.mp4", "%d.jpg"])
def test_what_has_it_and_is_opaque_loses_nothing(tmp_path: Path, name: str) -> None:
    opaque = Frame(quarters(), alpha=np.full(RAMP.shape, 255, np.uint8))
    assert write_transparent(tmp_path / name, [opaque, opaque]) == []


def test_what_loses_it_says_so(tmp_path: Path) -> None:
    frame = Frame(quarters(), alpha=RAMP)
    assert write_transparent(tmp_path / "a.mp4", [frame]) == ["h264 in .mp4 keeps no transparency"]
    assert inspect(tmp_path / "a.mp4").pixel_format == "yuv420p"


def test_a_folder_of_transparent_images_becomes_a_transparent_video(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for number in range(2):
        write_image(tmp_path / f"images/{number}.png", ".png", quarters(), RAMP)
    convert(tmp_path / "images", tmp_path / "a.webm")
    assert np.abs(read_bgra(tmp_path / "a.webm")[..., 3].astype(int) - RAMP).max() <= 3


@pytest.mark.parametrize("name", ["a.webm", "a.mov", "a.mkv", "lossless.mkv", "a.gif", "a.webp"])
def test_images_may_become_transparent_after_the_first(tmp_path: Path, name: str) -> None:
    (tmp_path / "images").mkdir()
    clear = np.where(RAMP < 128, 0, 255).astype(np.uint8)
    for number, alpha in enumerate([None, None, clear]):
        write_image(tmp_path / f"images/{number}.png", ".png", quarters(), alpha)
    encoder = EncoderSettings(lossless=name.startswith("lossless"))
    convert(tmp_path / "images", tmp_path / name, encoder=encoder)
    alphas = bgra_as_shown(tmp_path / name)[..., 3]
    assert alphas[:-1].min() >= 252
    assert np.abs(alphas[-1].astype(int) - clear).mean() <= 1


def test_transparency_that_comes_later_and_is_lost_is_told(tmp_path: Path) -> None:
    write_image(tmp_path / "0.png", ".png", quarters(), None)
    write_image(tmp_path / "1.png", ".png", quarters(), RAMP)
    report = convert(tmp_path / "%d.png", tmp_path / "a.mp4")
    assert report.notes == ("h264 in .mp4 keeps no transparency",)


@pytest.mark.parametrize(
    ("name", "encoder", "message"),
    [
        ("a.mp4", {}, r"\.mp4 holds no transparency; choose one of \.webm, \.mov, .*\.gif.*\.png"),
        ("a.m4v", {}, r"\.m4v holds no transparency"),
        ("a.jpg", {}, r"\.jpg holds no transparency"),
        ("a-%03d.jpg", {}, r"\.jpg holds no transparency"),
        ("a.npz", {}, r"\.npz holds no transparency"),
        ("a.mov", {"codec": "h264"}, r"h264 holds no transparency; \.mov takes it as prores"),
        ("a.mkv", {"codec": "h264"}, r"h264 holds no transparency; \.mkv takes it as vp9"),
        ("a.mov", {"crf": 20}, r"h264 holds no transparency; \.mov takes it as prores"),
        ("a.mkv", {"preset": "fast"}, r"h264 holds no transparency; \.mkv takes it as vp9"),
    ],
)
def test_what_holds_none_is_refused_when_it_is_asked_for(
    tmp_path: Path, name: str, encoder: dict[str, object], message: str
) -> None:
    settings = EncoderSettings(**encoder)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=message):
        check_output(tmp_path / name, settings, transparent=True)


@pytest.mark.parametrize(
    "name", ["a.webm", "a.mov", "a.mkv", "a.gif", "a.webp", "a.png", "a-%d.png", "a.tif"]
)
def test_what_holds_it_is_taken(tmp_path: Path, name: str) -> None:
    check_output(tmp_path / name, EncoderSettings(), transparent=True)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("encoder", [{"crf": 20}, {"codec": "vp9"}, {"preset": "fast"}])
@pytest.mark.parametrize("name", ["a.gif", "a.npz"])
def test_settings_that_a_format_has_not(
    tmp_path: Path, name: str, encoder: dict[str, object]
) -> None:
    settings = EncoderSettings(**encoder)  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="takes no codec, rate factor, preset or encoder"):
        check_output(tmp_path / name, settings)


@pytest.mark.parametrize(
    "name", ["a.webm", "a.mov", "a.mkv", "lossless.mkv", "a.gif", "a.webp", "%d.png"]
)
@pytest.mark.parametrize("view", ["segmented", "masked"])
def test_a_keyed_clip_is_clear_where_clusters_are_off(tmp_path: Path, name: str, view: str) -> None:
    (tmp_path / "images").mkdir()
    for number in range(3):
        write_image(tmp_path / f"images/{number}.png", ".png", quarters(), None)
    output = tmp_path / "out" / name
    output.parent.mkdir()
    convert(
        tmp_path / "images",
        output,
        segmenter=SegmenterSettings(n_clusters=4),
        rendering=RenderSettings(
            view=view,  # type: ignore[arg-type]
            background="transparent",
            disabled=frozenset({0}),
            feather=0,
            despeckle=0,
        ),
        encoder=EncoderSettings(lossless=name.startswith("lossless")),
    )
    picture = bgra_as_shown(output.with_name(name.replace("%d", "2")))[-1]
    off = (quarters() == (0, 0, 255)).all(axis=-1)  # the darkest cluster
    assert np.abs(picture[..., 3].astype(int) - np.where(off, 0, 255)).max() <= 3
    kept = ~off
    kept[20:28] = kept[:, 28:36] = False  # where chroma of the neighbours mixes in
    assert np.abs(picture[kept][:, :3].astype(int) - quarters()[kept]).max() <= 12


def test_prores_has_no_rate_factor(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="prores takes no rate factor"):
        check_output(tmp_path / "a.mov", EncoderSettings(codec="prores", crf=20))
