"""Whether outputs and inputs are one file, whatever they are called."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from kseg_video.core.errors import SettingsError, SinkError
from kseg_video.reading.image_files import is_sequence, number_in, numbered_files
from kseg_video.writing.atomic_file import real_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_IGNORES_CASE = sys.platform in {"win32", "darwin"}


def check_are_others(outputs: Iterable[Path], sources: Iterable[Path], kind: str = "input") -> None:
    """Check that no output is a source or a still of it.

    Parameters
    ----------
    outputs, sources : iterable of Path
    kind : str
        What a source is called.

    Raises
    ------
    SinkError
        If one is.
    """
    files = (file for source in sources for file in _files(source))
    taken = {_identity(file) for file in files if file.exists()}
    for output in outputs:
        if not taken.isdisjoint(map(_identity, _files(output))):
            raise SinkError(f"{output} is the {kind} itself; choose another output")


def check_are_apart(outputs: Sequence[Path]) -> None:
    """Check that no two outputs are one file.

    Raises
    ------
    SettingsError
        If two are.
    """
    if (found := find_same(outputs)) is None:
        return
    one, other = found
    what = f"{one} is given twice" if one == other else f"{other} and {one} are one file"
    raise SettingsError(f"{what}; give each output a name of its own")


def find_same(outputs: Sequence[Path]) -> tuple[Path, Path] | None:
    """The first two outputs that are one file, if there are any."""
    found: dict[tuple[object, ...], int] = {}
    for number, output in enumerate(outputs):
        for identity in map(_identity, _files(output)):
            if (other := found.setdefault(identity, number)) != number:
                return outputs[other], output
    for pattern in filter(is_sequence, outputs):
        for output in outputs:
            if output != pattern and _is_of(pattern, output):
                return pattern, output
    return None


def check_numbers_are_apart(pattern: Path) -> None:
    """Check that no two numbers of a sequence are one file by a link.

    Raises
    ------
    SinkError
        If two are.
    """
    places = set()
    for _, still in sorted(numbered_files(pattern).items()):
        place = real_path(still)
        if place in places or (still.is_symlink() and _is_of(pattern, still)):
            raise SinkError(
                f"{still} leads to another file of {pattern.name}; remove it, or choose another "
                "output"
            )
        places.add(place)


def _is_of(pattern: Path, path: Path) -> bool:
    """Whether a path leads to a file of a sequence, be it there or not."""
    place = real_path(path)
    return place.parent == real_path(pattern.parent) and number_in(place.name, pattern.name) >= 0


def _files(path: Path) -> list[Path]:
    """The files that a path stands for: itself, those of a folder or of a sequence."""
    try:
        if path.is_dir():
            return list(path.iterdir())
        return [path, *numbered_files(path).values()] if is_sequence(path) else [path]
    except OSError:  # a name that cannot be, of which others will tell
        return []


def _identity(path: Path) -> tuple[object, ...]:
    place = real_path(path)
    if place.exists():
        status = place.stat()
        return status.st_dev, status.st_ino
    return place.parent, place.name.casefold() if _IGNORES_CASE else place.name
