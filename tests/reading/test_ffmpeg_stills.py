"""Still pictures that ffmpeg decodes: linear light, and formats that Pillow is not asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import SourceError, convert, open_source
from kseg_video.writing.output_paths import default_output
from tests.helpers.flat_pictures import quarters
from tests.helpers.media import encode, ffmpeg

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

RAMP = np.linspace(0, 1.2, 64, dtype="<f4")[np.newaxis].repeat(48, axis=0)
MATTE = np.linspace(0, 1, 48, dtype="<f4")[:, np.newaxis].repeat(64, axis=1)
OPACITY = np.rint(MATTE * 255)


def in_srgb(light: NDArray[np.float32]) -> NDArray[np.float64]:
    """Levels of sRGB (IEC 61966-2-1) for linear light, clipped to 8 bits."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def write_light(path: Path, pixel_format: str, *planes: NDArray[np.float32]) -> Path:
    """Planes of floating-point light as a picture: green, blue, red and alpha, or gray."""
    raw = path.with_suffix(".raw")
    raw.write_bytes(b"".join(plane.tobytes() for plane in planes))
    form = ("-f", "rawvideo", "-pixel_format", pixel_format, "-video_size", "64x48")
    ffmpeg(*form, "-i", raw, "-frames:v", "1", path)
    raw.unlink()
    return path


@pytest.mark.parametrize(
    ("name", "pixel_format"),
    [
        ("a.exr", "gbrpf32le"),
        ("a.exr", "gbrapf32le"),
        ("a.exr", "grayf32le"),
        ("a.pfm", "gbrpf32le"),
        ("a.pfm", "grayf32le"),
        ("a.phm", "gbrpf32le"),
        ("a.hdr", "gbrpf32le"),
    ],
)
def test_linear_light_is_converted_to_srgb(tmp_path: Path, name: str, pixel_format: str) -> None:
    planes = [RAMP] if "gray" in pixel_format else [RAMP, RAMP / 2, RAMP / 4, MATTE]
    has_alpha = pixel_format.startswith("gbrap")
    path = write_light(tmp_path / name, pixel_format, *planes[: 3 + has_alpha])
    with open_source(path) as source:
        (frame,) = source
        assert source.info.is_image
        assert source.notes == ["linear light converted to sRGB"]
    green, blue, red = planes[:3] if len(planes) > 1 else planes * 3
    truth = np.dstack([in_srgb(plane) for plane in (blue, green, red)])
    # Radiance's common exponent leaves 8 bits for the brightest channel, and less for others.
    visible = frame.opacity > 0
    assert np.abs(frame.bgr - truth)[visible].max() <= (3 if name == "a.hdr" else 1)
    assert (frame.alpha is not None) == has_alpha
    if frame.alpha is not None:
        assert np.abs(frame.alpha - OPACITY).max() <= 1


@pytest.mark.parametrize(
    "name",
    ["a.dpx", "a.j2k", "a.jp2", "a.pcx", "a.ppm", "a.qoi", "a.sgi", "a.TGA"],
)
def test_they_are_images(tmp_path: Path, name: str) -> None:
    path = encode(tmp_path / name, [quarters()], "-frames:v", "1")
    with open_source(path) as source:
        (frame,) = source
        assert source.info.is_image
        assert source.notes == source.warnings == []
    # JPEG 2000 is lossy here.
    assert np.abs(frame.bgr.astype(int) - quarters()).max() <= (2 if ".j" in name else 0)
    assert default_output(path) == tmp_path / "a.segmented.png"


def test_a_sequence_of_them_is_a_video(tmp_path: Path) -> None:
    for number in range(3):
        write_light(tmp_path / f"{number}.exr", "gbrpf32le", *[RAMP * np.float32(number / 2)] * 3)
    report = convert(tmp_path / "%d.exr", tmp_path / "out.mp4")
    assert report.frames == 3
    assert report.notes.count("linear light converted to sRGB") == 1
    with open_source(tmp_path) as folder:
        assert [frame.bgr.max() for frame in folder][0::2] == [0, 255]


def test_a_damaged_one_is_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.dpx", [quarters()], "-frames:v", "1")
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(SourceError, match=r"a\.dpx is not a video that ffmpeg can decode"):
        open_source(path)
