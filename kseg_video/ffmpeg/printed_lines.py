"""Parse the lines that ffmpeg prints, with file names and stream addresses removed.

ffmpeg prints names and addresses verbatim, so that one may look like an error or like whole lines
of ffmpeg's own. It truncates long messages, and with them the names.

Some text from inside a file is printed verbatim, too. ffmpeg is therefore told to colour its
messages: no input can forge the escape sequences, since ffmpeg prints a question mark in place of
an escape character.
"""

from __future__ import annotations

import os
import re
from os.path import commonprefix
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

INPUT_IS_OPEN = "[info] Input #0, "
# Thread of an output, which ffmpeg starts when the first frame has come out of the filters.
OUTPUT_BEGINS = re.compile(r"\[out#0/\w+ @ \w+\] \[verbose\] Starting thread\.\.\.$")
# Its exit status tells of a signal only if that came after the input was opened.
ENDED_BY_SIGNAL = "[info] Exiting normally, received signal "

_NAME = re.compile(r"file:|\w+://")  # of an argument that is a file or an address
_UNPRINTED = dict.fromkeys((*range(1, 8), *range(14, 32)), "?")
_SURE = 256  # characters of a name that ffmpeg prints even in a message that it truncates
_ESCAPES = re.compile(r"\x1b\[[\d;]*m")
_COLOR, _END = r"(?:\x1b\[\d+(?:;\d+)+m)+", r"\x1b\[0m"
# Components, level, text. A line may begin with the colour reset of the line before.
_ERROR = re.compile(
    rf"(?:{_END})?((?:{_COLOR}\[[^\]]*\] {_END})*)"
    rf"{_COLOR}\[(?:error|fatal|panic)\] {_END}{_COLOR}(.+)"
)


def with_colors(environment: Mapping[str, str]) -> dict[str, str]:
    """Copy of an environment in which ffmpeg colours its messages even in a pipe."""
    kept = {
        name: value
        for name, value in environment.items()
        if name not in {"NO_COLOR", "AV_LOG_FORCE_NOCOLOR"}
    }
    return kept | {"AV_LOG_FORCE_COLOR": "1"}


def without_colors(line: str) -> str:
    """Strip the colour sequences and trailing white space from a line."""
    return _ESCAPES.sub("", line).rstrip()


def error_in(line: str) -> str | None:
    """Error message on a line, preceded by its components; None if ffmpeg did not log it as one."""
    found = _ERROR.match(line)
    return found and without_colors(found[1] + found[2])


def says(messages: Iterable[str], beginning: str) -> bool:
    """Whether a regular expression matches the start of any message, after its components.

    Only the start is trusted: text from files and servers may appear later in a message.
    """
    return any(re.match(rf"(?:\[[^\]]*\] )*(?:{beginning})", message) for message in messages)


def printed_names(arguments: Sequence[str]) -> list[str]:
    """File names and addresses among the arguments, as ffmpeg prints them, the longest first."""
    names = [
        os.fsencode(each).decode("utf-8", "replace").translate(_UNPRINTED)
        for each in arguments
        if _NAME.match(each)
    ]
    return sorted(names, key=len, reverse=True)  # one may be a prefix of another


def lines_without(names: Sequence[str], stream: IO[bytes]) -> Iterator[str]:
    """Yield the non-empty lines, with ``...`` in place of each name.

    Parameters
    ----------
    names : sequence of str
        From `printed_names`.
    stream : file
        ffmpeg's standard error.
    """
    # Prefixes of names up to each line break: a line that ends in one continues on the next.
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
