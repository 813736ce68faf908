"""Parse argument values from text, and build settings from parsed options."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from kseg_video.core.background_spec import parse_background
from kseg_video.core.cluster_selectors import ClusterSelection
from kseg_video.core.errors import SettingsError
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.core.settings import PaintName, RenderSettings, SegmenterSettings
from kseg_video.reading.palette_reader import load_color_space, load_palette

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.core.cluster_selectors import Selector
    from kseg_video.core.settings import Paint

_CLOCK = re.compile(r"(?:(\d+):)?([0-5]?\d):([0-5]?\d(?:\.\d*)?)")
_RANGE = re.compile(r"([0-9]{1,9})-([0-9]{1,9})")
_AMOUNTS = ("blur:", "pixelate:")
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)

_DEFAULTS = SegmenterSettings()


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


def segmenter_settings(options: argparse.Namespace) -> SegmenterSettings:
    """Build the segmenter's settings from options.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    SourceError
        If the palette cannot be read.
    """
    named = vars(options)  # commands lack some of these options
    palette: tuple[str, ...] = ()
    color_space = options.color_space
    if named.get("palette"):
        palette = load_palette(named["palette"])
        color_space = color_space or load_color_space(named["palette"])
    return SegmenterSettings(
        n_clusters=options.clusters,
        palette=palette,
        frozen=named.get("freeze", _DEFAULTS.frozen),
        color_space=color_space or _DEFAULTS.color_space,
        mapping=named.get("mapping", _DEFAULTS.mapping),
        stability=named.get("stability", _DEFAULTS.stability),
        sample_pixels=options.sample_pixels,
        seed=options.seed,
        init=options.init,
        attempts=options.attempts,
        max_iterations=options.max_iterations,
        epsilon=options.epsilon,
    )


def render_settings(options: argparse.Namespace) -> RenderSettings:
    """Build the render settings from options.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    SourceError
        If the palette to paint with cannot be read.
    """
    return RenderSettings(
        paint=_dark_to_light(options.paint) if isinstance(options.paint, Path) else options.paint,
        view=options.view,
        background=options.background,
        feather=options.feather,
        despeckle=options.despeckle,
        simplify=options.simplify,
    )


def _dark_to_light(file: Path) -> tuple[str, ...]:
    """The colours of a palette file from dark to light, since files have them in any order."""
    return tuple(sorted(load_palette(file), key=_luma))


def _luma(color: str) -> float:
    red, green, blue = bytes.fromhex(color[1:])
    return 0.299 * red + 0.587 * green + 0.114 * blue


def cluster_selection(options: argparse.Namespace) -> ClusterSelection:
    """Build the selection of clusters from options.

    Raises
    ------
    SettingsError
        If the options both keep clusters and switch clusters off.
    """
    return ClusterSelection(
        only=(*options.only, *options.pick), disabled=(*options.disable, *options.pick_off)
    )


def capture_settings(options: argparse.Namespace) -> CaptureSettings:
    """Build the capture settings of a live source from options.

    Raises
    ------
    SettingsError
        If a setting is out of range.
    """
    return CaptureSettings(options.size, options.fps, options.reconnect, options.loop)
