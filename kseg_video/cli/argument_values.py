"""Parse argument values from text."""

from __future__ import annotations

import argparse
import re
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from kseg_video.core.background_spec import parse_background
from kseg_video.core.cluster_selectors import ClusterSelection
from kseg_video.core.errors import SettingsError
from kseg_video.core.settings import PaintName, RenderSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.core.cluster_selectors import Selector
    from kseg_video.core.settings import Paint

_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:\.\d*)?)")
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_AMOUNTS = ("blur:", "pixelate:")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

_LAST_PORT = 65535

# By codec: names of its encoders, and other ones of its own.
_CODEC_NAMES = {
    "h264": ("avc", "h.264", "x264", "libx264"),
    "h265": ("hevc", "h.265", "x265", "libx265"),
    "av1": ("libaom-av1", "libsvtav1", "svt-av1"),
    "vp9": ("libvpx-vp9",),
}


def clusters(text: str) -> tuple[Selector, ...]:
    """Parse cluster numbers, ranges of them and colours, separated by commas or blanks."""
    selectors: list[Selector] = []
    for part in re.split(r"\s*,\s*|\s+", text.strip()):
        if found := _RANGE.fullmatch(part):
            first, last = int(found[1]), int(found[2])
            if first > last:
                raise argparse.ArgumentTypeError(f"{part} counts down; write {last}-{first}")
            _check(lambda last=last: ClusterSelection(disabled=(last,)))  # type: ignore[misc]
            selectors.extend(range(first, last + 1))
        else:
            selectors.append(int(part) if re.fullmatch(r"-?\d+", part) else part)
    _check(lambda: ClusterSelection(disabled=tuple(selectors)))
    return tuple(selectors)


def pixel(text: str) -> tuple[Selector, ...]:
    """Parse a pixel such as 320,240 as a cluster selector."""
    found = re.fullmatch(r"(\d+),(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no pixel such as 320,240")
    return ((int(found[1]), int(found[2])),)


def background(text: str) -> str | Path:
    """Parse a background: a named one or a colour as text, a file as a path."""
    if _ADDRESS.match(text):
        raise argparse.ArgumentTypeError(f"{text} is an address; download it first")
    path = Path(text)
    looks_like_a_file = path.name != text or (path.suffix and not text.startswith(_AMOUNTS))
    if text == "picture" or looks_like_a_file or (is_there(text) and path.is_file()):
        return path
    _check(lambda: parse_background(text))
    return text


def paint(text: str) -> Paint | Path:
    """Parse a paint: a named one, colours separated by commas, or a palette file as a path."""
    if text in get_args(PaintName):
        return cast("PaintName", text)
    if Path(text).suffix or Path(text).name != text or is_there(text):
        return path(text)
    colors = tuple(re.split(r"\s*,\s*", text.strip()))
    if len(colors) == 1:
        raise argparse.ArgumentTypeError(
            f"there is no paint {text!r}; choose {', '.join(get_args(PaintName))}, or give "
            "a palette file or colours such as #0a1128,#fefcfb"
        )
    _check(lambda: RenderSettings(paint=colors))
    return colors


def _check(settings: Callable[[], object]) -> None:
    """Build settings, and turn a `SettingsError` into the error that argparse reports."""
    try:
        settings()
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def size(text: str) -> tuple[int, int]:
    """Parse a size such as 1280x720 into width and height."""
    found = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x720")
    return int(found[1]), int(found[2])


def picture_size(text: str) -> dict[str, int | float]:
    """Parse a size such as 640x360, 50% or 720p into settings of the decoder."""
    if found := re.fullmatch(r"(\d{1,9})[x×](\d{1,9})", text):
        return {"width": int(found[1]), "height": int(found[2])}
    if found := re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)%", text):
        return {"scale": float(found[1]) / 100}
    if found := re.fullmatch(r"(\d{1,9})p", text):
        return {"shorter_side": int(found[1])}
    raise argparse.ArgumentTypeError(f"{text!r} is no size such as 640x360, 50% or 720p")


def crop(text: str) -> tuple[int, int, int, int]:
    """Parse a part of a picture such as 640x360+100+50: width, height, column and row."""
    found = re.fullmatch(r"(\d{1,9})[x×](\d{1,9})\+(\d{1,9})\+(\d{1,9})", text)
    if found is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no part such as 640x360+100+50 (width, height, column and row of its "
            "upper left corner)"
        )
    width, height, column, row = map(int, found.groups())
    return width, height, column, row


def frame_rate(text: str) -> Fraction:
    """Parse a frame rate such as 12, 29.97 or 30000/1001."""
    if not re.fullmatch(r"\d{1,9}(?:\.\d{0,9}|/0*[1-9]\d{0,8})?", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no frame rate such as 12 or 30000/1001")
    return Fraction(text)


def codec(text: str) -> str:
    """Parse the name of a codec, or of an encoder that is known for it."""
    name = text.lower()
    return next((codec for codec, others in _CODEC_NAMES.items() if name in others), name)


def whole_number(text: str) -> int:
    """Parse a whole number."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number") from None


def whole_number_or(word: str) -> Callable[[str], int | str]:
    """Make a parser of a whole number or that word."""

    def read(text: str) -> int | str:
        try:
            return text if text == word else int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor {word}") from None

    return read


def port(text: str) -> int:
    """Parse the number of a port."""
    number_of_port = int(text) if text.isdecimal() else 0
    if not 0 < number_of_port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is no port; give 1 to {_LAST_PORT}")
    return number_of_port


def number(text: str) -> float:
    """Parse a number."""
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number") from None


def seconds(text: str) -> float:
    """Parse a time: seconds, or a clock time such as 1:30 or 1:02:03.5, as ffmpeg takes it."""
    clock = _CLOCK.fullmatch(text)
    try:
        if clock is None:
            return float(text)
    except ValueError:
        message = f"{text!r} is no time; give seconds or a time such as 1:30"
        raise argparse.ArgumentTypeError(message) from None
    return 3600 * int(clock[1] or 0) + 60 * int(clock[2]) + float(clock[3])


def is_there(text: str) -> bool:
    """Whether a file or folder of that name exists; False for a name that no file can have."""
    try:
        return bool(text) and Path(text).exists()
    except OSError:
        return False


def is_file_like_option(word: str) -> bool:
    """Whether a word is a file's name that argparse reads as an option with a value, as -odd.mp4.

    The shell may have expanded it from a pattern such as ``*.mp4``.
    """
    return word.startswith("-") and len(word) > len("-o") and is_there(word)


def file_name(text: str) -> str:
    """Check a file's name; refuse an empty one, as from an unset variable."""
    if not text:
        raise argparse.ArgumentTypeError("the name is empty; give that of a file or folder")
    return text


def path(text: str) -> Path:
    """Parse a path; refuse an empty one, which `Path` would read as ``.``."""
    return Path(file_name(text))


def input_path(text: str) -> Path:
    """Parse the path of an input; refuse URLs."""
    if _ADDRESS.match(text):
        raise argparse.ArgumentTypeError(
            f"{text} is an address; download it first, or watch it with: kseg-video live {text}"
        )
    return path(text)
