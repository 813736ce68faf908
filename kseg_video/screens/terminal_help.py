"""The help on keys for a terminal, in groups with the current values where there is room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style

from kseg_video.live.key_bindings import HELP, KEYS, HelpLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kseg_video.live.live_state import LiveState

# The groups of each column, from wide terminals to narrow ones.
_LAYOUTS = (
    tuple((group,) for group in HELP),
    (("View", "Files"), ("Clusters", "Palette")),
    (tuple(HELP),),
)
_KEY_NAMES = frozenset(binding.key_names for binding in KEYS)  # the mouse is the window's
_GAP = 2  # character cells between columns, and between a description and its value
_TITLE, _KEY, _VALUE = Style(dim=True), Style(bold=True), Style(bold=True)

_Entry = HelpLine | str | None  # a line, the title of a group, or a gap


def help_rows(columns: int, rows: int, state: LiveState) -> Iterator[Segment]:
    """Lay the help out in the given cells.

    Parameters
    ----------
    columns, rows : int
        Available cells.
    state : LiveState
        For the current values.
    """
    beside, widths = _layout(columns, rows)
    room = max(columns - sum(widths) - _GAP * (len(beside) - 1), 0) // len(beside)
    keys = [_keys_width(entries) for entries in beside]
    for row in range(rows):
        line: list[Segment] = []
        for entries, width, key_width in zip(beside, widths, keys, strict=True):
            entry = entries[row] if row < len(entries) else None
            line += Segment.adjust_line_length(
                list(_cells(entry, width + room, key_width, state)), width + room + _GAP
            )
        yield from Segment.adjust_line_length(line, columns)
        yield Segment.line()


def _layout(columns: int, rows: int) -> tuple[list[list[_Entry]], list[int]]:
    """Entries of each column, and their widths: groups side by side if they fit, else in a flow."""
    for gap in (True, False):
        for layout in _LAYOUTS:
            beside = [_column(groups, gap=gap) for groups in layout]
            widths = [_width(entries) for entries in beside]
            wide = sum(widths) + _GAP * (len(beside) - 1)
            if max(map(len, beside)) <= rows and wide <= columns:
                return beside, widths
    flow = _column(tuple(HELP), gap=False)
    beside = [flow[first : first + rows] for first in range(0, len(flow), rows)]
    return beside, [max(columns // len(beside) - _GAP, 1)] * len(beside)


def _column(groups: Sequence[str], *, gap: bool) -> list[_Entry]:
    column: list[_Entry] = []
    for group in groups:
        column += [*([None] if column and gap else []), group]
        column += [line for line in HELP[group] if line.does_by in _KEY_NAMES]
    return column


def _keys_width(entries: Sequence[_Entry]) -> int:
    return max((len(each.does_by) for each in entries if isinstance(each, HelpLine)), default=0) + 1


def _width(entries: Sequence[_Entry]) -> int:
    lines = [entry for entry in entries if isinstance(entry, HelpLine)]
    return _keys_width(entries) + max((len(line.does) for line in lines), default=0)


def _cells(entry: _Entry, width: int, keys: int, state: LiveState) -> Iterator[Segment]:
    """An entry in a number of cells: cut if it is too long, and without its value before that."""
    if not isinstance(entry, HelpLine):
        yield Segment(_cut(entry or "", width), _TITLE)
        return
    does, value = _cut(entry.does, max(width - keys, 0)), entry.value(state)
    yield Segment(f"{entry.does_by:<{keys}}"[:width], _KEY)
    yield Segment(does)
    if value and keys + len(does) + _GAP + len(value) <= width:
        yield Segment(" " * _GAP + value, _VALUE)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: max(length - 1, 0)]}…"[:length]
