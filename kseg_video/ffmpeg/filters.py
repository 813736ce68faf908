"""ffmpeg's filters as text, in which no value can end its filter and begin another.

ffmpeg reads a value twice: as one of a filter's options, and before that as a part of the chain
("Notes on filtergraph escaping" of its manual).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

_IN_OPTION = str.maketrans({character: f"\\{character}" for character in "\\':"})
_IN_CHAIN = str.maketrans({character: f"\\{character}" for character in "\\'[],;"})


def video_filter(
    name: str, *values: str | int | Fraction, **options: str | int | Fraction | None
) -> str:
    """One filter, of pictures or of packets.

    Parameters
    ----------
    name : str
        The filter's, with ``@`` and a name of its own where it has one.
    *values
        Options by position.
    **options
        Options by name; None is left out.
    """
    words = [_escaped(value) for value in values]
    words += [f"{key}={_escaped(value)}" for key, value in options.items() if value is not None]
    return f"{name}={':'.join(words)}" if words else name


def _escaped(value: str | int | Fraction) -> str:
    return str(value).translate(_IN_OPTION).translate(_IN_CHAIN)
