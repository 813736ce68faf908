"""The lines that ffmpeg prints, without the names of files and addresses of streams in them.

It prints them as they are, and they may read like anything: like an error, or like whole lines of
its own. Of a long message, and of a name with it, it leaves the end out.
"""

from __future__ import annotations

import os
import re
from os.path import commonprefix
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_NAME = re.compile(r"file:|\w+://")  # among ffmpeg's arguments
_UNPRINTED = dict.fromkeys((*range(1, 8), *range(14, 32)), "?")
_SURE = 256  # characters of a name that are printed in any case


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
