"""Timecodes are moved as a clock that leaves numbers out would count them."""

from __future__ import annotations

from fractions import Fraction
from itertools import islice, product
from typing import TYPE_CHECKING

import pytest

from kseg_video.ffmpeg.timecode import moved

if TYPE_CHECKING:
    from collections.abc import Iterator

NTSC = Fraction(30000, 1001)


def labels(base: int, separator: str, dropped: int = 0) -> Iterator[str]:
    """All timecodes of a day in order."""
    for hour, minute, second, number in product(range(24), range(60), range(60), range(base)):
        if second or number >= dropped or minute % 10 == 0:
            yield f"{hour:02}:{minute:02}:{second:02}{separator}{number:02}"


@pytest.mark.parametrize(
    ("rate", "separator", "dropped"),
    [
        (NTSC, ";", 2),
        (2 * NTSC, ";", 4),
        (NTSC, ":", 0),
        (Fraction(24000, 1001), ":", 0),
        (Fraction(25), ":", 0),
    ],
)
def test_they_count_as_a_clock_does(rate: Fraction, separator: str, dropped: int) -> None:
    base = round(rate)
    expected = list(islice(labels(base, separator, dropped), 1900 * base))
    for number in [*range(2 * 60 * base), *range(2 * 60 * base, len(expected), 101)]:
        assert moved(expected[0], number, rate) == expected[number]
    for number in range(0, len(expected) - 1801, 997):
        assert moved(expected[number], 1801, rate) == expected[number + 1801]
    last = f"23:59:59{separator}{base - 1:02}"
    assert moved(last, 1, rate) == expected[0]
    assert moved(last, 0, rate) == last


@pytest.mark.parametrize(
    "text",
    [
        *("", "1:00:00:00", "24:00:00:00", "00:60:00:00", "00:00:60:00", "00:00:00:25"),
        *("00:00:00;00", "00:00:00:00 ", "00:00:00:00\n", "٠٠:00:00:00", "00:00:00:00:movie=a"),
    ],
)
def test_what_is_none(text: str) -> None:
    assert moved(text, 0, Fraction(25)) is None
    assert moved("00:00:00.00", 0, NTSC) == "00:00:00;00"
