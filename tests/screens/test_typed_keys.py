"""Key presses from the bytes of a terminal, however a connection splits them."""

from __future__ import annotations

import pytest

from kseg_video.screens.typed_keys import TypedKeys
from tests.helpers.live_doubles import Clock

SENT = {
    "v": ["v"],
    "vV ": ["v", "V", "space"],
    "é日": ["é", "日"],
    "\x1b": ["Esc"],
    "\x1b\x1b": ["Esc", "Esc"],
    "\x1bq": [],
    "\x1b\x1b[A": [],
    "\x1b[A\x1b[B\x1b[C\x1b[D": ["up", "down", "right", "left"],
    "\x1bOA\x1bOB\x1bOC\x1bOD": ["up", "down", "right", "left"],
    "\x1b[1;2C\x1b[15~\x1bOPx": ["x"],
    "\x1b[": [],
    "\x1b]": [],
    "\x1b]11;rgb:00/00/00\x07q": ["q"],
    "\x1b]11;rgb:00/00/00\x1b\\q": ["q"],
    "\x01\x08\r\n\t\x7f": ["return", "return", "tab", "backspace"],
    "\x1b_Gi=1;OK\x1b\\": [],
}


@pytest.mark.parametrize("sent", SENT)
@pytest.mark.parametrize("at_once", [True, False])
def test_keys_that_are_sent(sent: str, at_once: bool) -> None:
    clock = Clock()
    typed = TypedKeys(clock)
    data = sent.encode()
    pieces = [data] if at_once else [data[place : place + 1] for place in range(len(data))]
    pressed = []
    for piece in pieces:
        pressed += typed.pressed(piece)
        clock.now += 0.05  # a slow connection
        pressed += typed.pressed(b"")
    clock.now += 1
    pressed += typed.pressed(b"")
    assert [each.key for each in pressed] == SENT[sent]
    assert typed.shows_pictures == (sent == "\x1b_Gi=1;OK\x1b\\")
