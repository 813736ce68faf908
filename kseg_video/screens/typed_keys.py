"""Key presses from the bytes that a terminal sends.

An arrow key, and a character with Alt, begin with the byte of the Esc key. So that byte is Esc only
if nothing follows it for a while.
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from kseg_video.live.screen import KeyPress

if TYPE_CHECKING:
    from collections.abc import Callable

# More: a slower Esc key; less: a slow connection, which splits a sequence, turns it into Esc.
_SEQUENCE_SECONDS = 0.1
_TOKEN = re.compile(
    r"""
    (?P<sequence> \x1b{1,2} (?: \[ [0-?]* [ -/]* [@-~] | O[ -~] ) )
    | \x1b [P_\]X^] (?P<reply> [^\x07\x1b]* ) (?: \x07 | \x1b\\ )
    | (?P<escape> \x1b (?= \x1b | \Z ) )
    | \x1b .                                # with Alt, which is no plain key
    | (?P<character> . )
    """,
    re.DOTALL | re.VERBOSE,
)
_UNFINISHED = re.compile(r"\x1b{1,2}(?:\[[0-?]*[ -/]*|O|[P_\]X^][^\x07\x1b]*\x1b?)?\Z")
# Arrow keys without Shift, Ctrl or Alt, which would add parameters.
_ARROWS = {
    f"\x1b{begin}{final}": name
    for begin in ("[", "O")
    for final, name in zip("ABCD", ("up", "down", "right", "left"), strict=True)
}
_NAMES = {" ": "space", "\n": "return", "\r": "return", "\t": "tab", "\x7f": "backspace"}
_PICTURES_WORK = "Gi=1;OK"  # a terminal's reply to `terminal_pictures.QUERY`


class TypedKeys:
    """Finds the key presses in what a terminal sends.

    Parameters
    ----------
    clock : callable
        Monotonic clock, in seconds; tests pass their own.

    Attributes
    ----------
    shows_pictures : bool
        Whether the terminal has replied that it shows pictures.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._unfinished = ""
        self._since = 0.0
        self.shows_pictures = False

    def pressed(self, sent: bytes) -> list[KeyPress]:
        """Keys pressed, given what has been sent since the last call, perhaps nothing."""
        text = self._unfinished + self._decode(sent)
        if sent:
            self._since = self._clock()
        self._unfinished = ""
        if self._clock() - self._since < _SEQUENCE_SECONDS and (tail := _UNFINISHED.search(text)):
            self._unfinished, text = tail[0], text[: tail.start()]
        names = map(self._name, _TOKEN.finditer(text))
        return [KeyPress(name) for name in names if name]

    def _name(self, token: re.Match[str]) -> str:
        """Name of a key; empty for a chord, a key without a name, or a reply of the terminal."""
        if token["sequence"]:
            return _ARROWS.get(token["sequence"], "")
        if token["reply"]:
            self.shows_pictures |= token["reply"] == _PICTURES_WORK
            return ""
        if token["escape"]:
            return "Esc"
        character = token["character"] or ""
        return _NAMES.get(character, character if character.isprintable() else "")
