"""What stands in the arguments of the command line, read from their text."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from kseg_video.background import parse_background
from kseg_video.errors import SettingsError
from kseg_video.settings import ClusterChoice

if TYPE_CHECKING:
    from collections.abc import Callable

    from kseg_video.settings import Selector


def clusters(text: str) -> tuple[Selector, ...]:
    """Numbers and colours with commas between."""
    parts = [part.strip() for part in text.split(",")]
    selectors = tuple(int(part) if re.fullmatch(r"-?\d+", part) else part for part in parts)
    _check(lambda: ClusterChoice(off=selectors))
    return selectors


def pixel(text: str) -> tuple[Selector, ...]:
    """A pixel such as 320,240 as a selector."""
    found = re.fullmatch(r"(\d+),(\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no pixel such as 320,240")
    return ((int(found[1]), int(found[2])),)


def background(text: str) -> str | Path:
    """A background that has a name, else a file."""
    path = Path(text)
    if text == "picture" or path.is_file() or path.name != text or path.suffix:
        return path
    _check(lambda: parse_background(text))
    return text


def _check(settings: Callable[[], object]) -> None:
    """Make settings, and say in argparse's way what is wrong with them."""
    try:
        settings()
    except SettingsError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def size(text: str) -> tuple[int, int]:
    """A size such as 1280x720."""
    found = re.fullmatch(r"(\d+)[x×](\d+)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1280x720")
    return int(found[1]), int(found[2])


def count_or_auto(text: str) -> int | Literal["auto"]:
    """A number, or auto."""
    if text == "auto":
        return "auto"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor auto") from None


def count_or_all(text: str) -> int | Literal["all"]:
    """A number, or all."""
    if text == "all":
        return "all"
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number nor all") from None
