"""The lines that ffmpeg prints, without the names of files and addresses of streams in them.

It prints them as they are, and they may read like anything: like an error, or like whole lines of
its own. Of a long message, and of a name with it, it leaves the end out.

The same is true of some of what is in a file. So ffmpeg is told to colour its messages: an escape
character is the one thing that none can bring in, since it prints a question mark in its place.
"""

from __future__ import annotations

import os
import re
from os.path import commonprefix
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_NAME = re.compile(r"file:|\w+://")  # among ffmpeg's arguments
_UNPRINTED = dict.fromkeys((*range(1, 8), *range(14, 32)), "?")
_SURE = 256  # characters of a name that are printed in any case
_ESCAPES = re.compile(r"\x1b\[[\d;]*m")
_COLOR, _END = r"(?:\x1b\[\d+(?:;\d+)+m)+", r"\x1b\[0m"
# Parts that speak, level, text. The end of the line before is that of its colour.
_ERROR = re.compile(
    rf"(?:{_END})?((?:{_COLOR}\[[^\]]*\] {_END})*)"
    rf"{_COLOR}\[(?:error|fatal|panic)\] {_END}{_COLOR}(.+)"
)


def with_colors(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment in which ffmpeg colours what it prints, wherever that goes."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in {"NO_COLOR", "AV_LOG_FORCE_NOCOLOR"}
    }
    return kept | {"AV_LOG_FORCE_COLOR": "1"}


def without_colors(line: str) -> str:
    """A line's text."""
    return _ESCAPES.sub("", line).rstrip()


def error_in(line: str) -> str | None:
    """The error that ffmpeg, and no file, says with a line, and before it which parts say so."""
    found = _ERROR.match(line)
    return found and without_colors(found[1] + found[2])


def says(messages: Iterable[str], beginning: str) -> bool:
    """Whether one of some errors begins like this, a regular expression, after who says it.

    Further on, files and servers may have their word.
    """
    return any(re.match(rf"(?:\[[^\]]*\] )*(?:{beginning})", message) for message in messages)


def printed_names(arguments: Sequence[str]) -> list[str]:
    """Names and addresses among ffmpeg's arguments as it prints them, the longest first."""
    names = [
        os.fsencode(each).decode("utf-8", "replace").translate(_UNPRINTED)
        for each in arguments
        if _NAME.match(each)
    ]
    return sorted(names, key=len, reverse=True)  # one may begin like another


def lines_without(names: Sequence[str], stream: IO[bytes]) -> Iterator[str]:
    """Lines that are not empty, with dots for each name.

    Parameters
    ----------
    names : sequence of str
        As `printed_names` gives them.
    stream : file
        What ffmpeg prints.
    """
    # What names begin with that go on in the next line.
    begun = tuple(name[: end.end()] for name in names for end in re.finditer("\n", name))
    said = ""
    for line in stream:
        said += line.decode("utf-8", "replace")
        if not said.endswith(begun):
            yield from _lines(said, names)
            said = ""
    yield from _lines(said, names)


def _lines(said: str, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        begin = name[: min(name.find("\n") + 1 or _SURE, _SURE)]
        before, *others = said.split(begin)
        rest = name[len(begin) :]
        kept = (each[len(commonprefix((each, rest))) :] for each in others)  # noqa: RUF071 - text
        said = "...".join((before, *kept))
    yield from filter(None, map(str.rstrip, said.split("\n")))
