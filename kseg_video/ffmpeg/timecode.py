"""SMPTE timecodes, as a file's tags give them: checked, and moved by frames."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fractions import Fraction

_TIMECODE = re.compile(r"(\d\d):([0-5]\d):([0-5]\d)([:;.])(\d{2,3})", re.ASCII)
_HOURS = 24


def moved(timecode: str, frames: int, rate: Fraction) -> str | None:
    """Timecode of a later frame; None if this is no timecode at this frame rate.

    Parameters
    ----------
    timecode : str
        Any text: nothing of it is returned but its digits.
    frames : int
        Number of frames, counted from the frame with this timecode.
    rate : Fraction
        Frames per second. With `;` or `.` before the frames, numbers are dropped to keep up with
        the clock, which only multiples of 30000/1001 do.
    """
    found = _TIMECODE.fullmatch(timecode)
    if found is None:
        return None
    hours, minutes, seconds, number = (int(found[group]) for group in (1, 2, 3, 5))
    base = max(round(rate), 1)
    drops = found[4] != ":"
    if hours >= _HOURS or number >= base or (drops and (rate * 1001 / 1000 != base or base % 30)):
        return None
    dropped = base // 15 if drops else 0  # numbers in each minute but every tenth
    minute = hours * 60 + minutes
    total = (minute * 60 + seconds) * base + number - dropped * (minute - minute // 10) + frames
    total %= _HOURS * (3600 * base - dropped * 54)
    tens, rest = divmod(total, 600 * base - dropped * 9)
    total += dropped * (9 * tens + max(rest - dropped, 0) // (60 * base - dropped))
    seconds, number = divmod(total, base)
    separator = ";" if drops else ":"
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{separator}{number:02}"
