"""``kseg-video doctor``: check each dependency, and say how to install what is missing.

Each check imports what it looks at itself, so that one missing library does not prevent the other
checks.
"""

from __future__ import annotations

import platform
import re
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import kseg_video
from kseg_video.cli.messages import answer, told
from kseg_video.cli.opencv_setup import import_opencv
from kseg_video.core.errors import DisplayError, KsegError, SourceError
from kseg_video.core.shown_text import shown

if TYPE_CHECKING:
    from collections.abc import Callable

State: TypeAlias = Literal["ok", "none", "MISSING"]

_LIBRARIES = (
    *("numpy", "imageio", "imageio-ffmpeg", "pillow", "pillow-heif", "platformdirs"),
    *("psutil", "rich", "argcomplete"),
)
_WHEELS = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_ENCODERS = ("libx264", "libvpx-vp9", "ffv1", "prores_ks", "gif", "libwebp_anim", "aac", "libopus")
_COMPILED = "compiled.shared"
_TRIAL_FRAMES = 25


@dataclass(frozen=True, slots=True)
class Finding:
    """Result of one check.

    Parameters
    ----------
    state : {"ok", "none", "MISSING"}
        Present, absent but optional, or absent and required.
    text : str
        What was found, or how to install it.
    """

    state: State
    text: str


class _Absent(Exception):  # noqa: N818 - a finding
    """Something optional is absent."""


class _Missing(Exception):  # noqa: N818 - a finding
    """Something required is absent."""


def examine() -> int:
    """Run all checks, print a line for each, and return the exit code.

    Returns
    -------
    int
        1 if something required is missing, else 0. A display and a camera are optional.
    """
    healthy = True
    for name, look in _LOOKS.items():
        finding = _look(look, all_is_there=healthy)
        healthy &= finding.state != "MISSING"
        answer(f"{finding.state:<8} {name:<10} {shown(finding.text)}")
    return 0 if healthy else 1


def _look(look: Callable[[], str], *, all_is_there: bool) -> Finding:
    try:
        return Finding("ok", look())
    except _Absent as absent:
        return Finding("none", str(absent))
    except Exception as error:  # noqa: BLE001 - any failure is a finding
        if isinstance(error, ImportError) and not all_is_there:
            return Finding("MISSING", "cannot be checked until what is missing above is installed")
        return Finding("MISSING", str(error) if isinstance(error, _Missing) else told(error))


def _versions() -> str:
    lacking = [name for name in _LIBRARIES if _version(name) is None]
    if lacking:
        raise _Missing(f"no {', '.join(lacking)}; install with: pip install {' '.join(lacking)}")
    libraries = ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES)
    python = f"Python {platform.python_version()} on {platform.platform(terse=True)}"
    return f"kseg-video {kseg_video.__version__}, {python}; {libraries}"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _opencv() -> str:
    import_opencv()
    import cv2

    wheels = [name for name in _WHEELS if _version(name) is not None]
    if len(wheels) > 1:
        raise _Missing(
            f"{' and '.join(wheels)} are installed over each other; put it right with: "
            f"pip uninstall -y {' '.join(wheels)} && pip install opencv-python"
        )
    return f"{cv2.__version__}, {wheels[0] if wheels else 'a build of its own'}"


def _labelling() -> str:
    try:
        from kseg_video.native import kernels

        are_compiled = kernels.ARE_COMPILED
    except ImportError:  # for want of OpenCV
        are_compiled = Path(kseg_video.__file__).with_name("native").joinpath(_COMPILED).exists()
    if not are_compiled:
        raise _Absent(
            "not compiled, so labels take twice the time; install a C compiler (apt install gcc "
            "libc6-dev), then again: pip install -v --force-reinstall --no-deps ."
        )
    return "compiled"


def _windows() -> str:
    cure = "pip uninstall -y pygame pygame-ce && pip install pygame-ce"
    if _version("pygame") is not None:
        raise _Missing(f"pygame takes the place of pygame-ce; put it right with: {cure}")
    try:
        from kseg_video.screens.sdl import toolkit
    except ImportError as error:
        raise _Missing(f"pygame-ce cannot be imported ({error}); reinstall it: {cure}") from error
    return toolkit()


def _display() -> str:
    from kseg_video.screens.sdl import require_display

    try:
        require_display()
    except DisplayError as error:
        raise _Absent(f"{error}; live shows its picture in the terminal") from error
    return "windows can be opened"


def _cameras() -> str:
    from kseg_video.live.camera_list import find_cameras

    try:
        cameras = find_cameras()
    except SourceError as error:
        raise _Absent(str(error)) from error
    if not cameras:
        raise _Absent("there is no camera; plug one in")
    return ", ".join(f"{camera.device} {camera.name}" for camera in cameras)


def _ffmpeg() -> str:
    from kseg_video.ffmpeg.process import executable

    version = re.match(r"ffmpeg version (\S+)", _said_by_ffmpeg("-version"))
    if version is None:
        raise _Missing(
            f"{executable()} does not run; reinstall it with: "
            "pip install --force-reinstall imageio-ffmpeg"
        )
    return f"{version[1]}, {executable()}"


def _encoders() -> str:
    known = set(re.findall(r"^ [VAS]\S{5} (\S+)", _said_by_ffmpeg("-encoders"), re.MULTILINE))
    lacking = [name for name in _ENCODERS if name not in known]
    if lacking:
        raise _Missing(
            f"this ffmpeg has no {', '.join(lacking)}; take the one that imageio-ffmpeg brings: "
            "unset IMAGEIO_FFMPEG_EXE"
        )
    return ", ".join(_ENCODERS)


def _said_by_ffmpeg(argument: str) -> str:
    from kseg_video.ffmpeg.process import FfmpegProcess

    process = FfmpegProcess([argument], feeds=False)
    try:
        said = b"".join(iter(partial(process.read, 1 << 16), b""))
        process.wait()
    finally:
        process.stop()
    return said.decode("utf-8", "replace")


def _self_test() -> str:
    from kseg_video.conversion.convert import convert
    from kseg_video.ffmpeg.ffmpeg_arguments import file_argument
    from kseg_video.ffmpeg.process import FfmpegProcess

    with tempfile.TemporaryDirectory(prefix="kseg-doctor-") as folder:
        clip, output = Path(folder, "clip.mp4"), Path(folder, "out.mp4")
        picture = f"testsrc2=size=320x240:rate={_TRIAL_FRAMES}:duration=1"
        inputs = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", "sine=duration=1"]
        process = FfmpegProcess([*inputs, file_argument(clip)], feeds=False)
        try:
            if process.wait():
                raise _Missing(f"ffmpeg made no clip ({'; '.join(process.messages[:1])})")
        finally:
            process.stop()
        report = convert(clip, output)
    if report.frames != _TRIAL_FRAMES:
        raise KsegError(f"{report.frames} of {_TRIAL_FRAMES} frames were converted; report it")
    return f"{report.frames} frames converted in {report.seconds:.1f} s"


_LOOKS: dict[str, Callable[[], str]] = {
    "versions": _versions,
    "OpenCV": _opencv,
    "labelling": _labelling,
    "windows": _windows,
    "display": _display,
    "cameras": _cameras,
    "ffmpeg": _ffmpeg,
    "encoders": _encoders,
    "self-test": _self_test,
}
