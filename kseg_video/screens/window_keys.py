"""Names of the keys pressed in a window, whatever the keyboard's layout and locks.

A key is known by its character; if that has no action, as on a Cyrillic layout, by its place on a
US keyboard.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.live.key_bindings import is_bound
from kseg_video.screens.sdl import pygame

if TYPE_CHECKING:
    from pygame.event import Event

# Seconds until a key that is held down repeats, and from one repetition to the next.
_REPEATS_AFTER, _REPEATS_EVERY = 0.4, 0.08
_REPEATED = frozenset({"left", "right", ".", "[", "]", "-", "+", "="})

_NAMES = {
    pygame.K_ESCAPE: "Esc",
    pygame.K_SPACE: "space",
    pygame.K_LEFT: "left",
    pygame.K_RIGHT: "right",
    pygame.K_UP: "up",
    pygame.K_DOWN: "down",
    pygame.K_BACKSPACE: "backspace",
}
_PLACES = {
    **{getattr(pygame, f"KSCAN_{key}"): key.lower() for key in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"},
    **{getattr(pygame, f"KSCAN_{key}"): key for key in "0123456789"},
    **{getattr(pygame, f"KSCAN_KP{key}"): key for key in "0123456789"},
    pygame.KSCAN_LEFTBRACKET: "[",
    pygame.KSCAN_RIGHTBRACKET: "]",
    pygame.KSCAN_MINUS: "-",
    pygame.KSCAN_EQUALS: "=",
    pygame.KSCAN_PERIOD: ".",
    pygame.KSCAN_SLASH: "/",
    pygame.KSCAN_KP_MINUS: "-",
    pygame.KSCAN_KP_PLUS: "+",
    pygame.KSCAN_KP_PERIOD: ".",
}
_WITH_SHIFT = {"/": "?", "=": "+"}
_MODIFIERS = frozenset(
    {
        *(pygame.K_LSHIFT, pygame.K_RSHIFT, pygame.K_LCTRL, pygame.K_RCTRL, pygame.K_LALT),
        *(pygame.K_RALT, pygame.K_LGUI, pygame.K_RGUI, pygame.K_MODE, pygame.K_CAPSLOCK),
        *(pygame.K_NUMLOCK, pygame.K_SCROLLLOCK),
    }
)
_CHORDS = pygame.KMOD_CTRL | pygame.KMOD_ALT | pygame.KMOD_GUI
_ALT_GR = pygame.KMOD_RALT | pygame.KMOD_MODE


class Keyboard:
    """Keys as they are pressed; only those that move something repeat while they are held.

    The display must be open.
    """

    def __init__(self) -> None:
        self._held: set[int] = set()
        pygame.key.set_repeat(round(_REPEATS_AFTER * 1000), round(_REPEATS_EVERY * 1000))

    def press(self, event: Event) -> str | None:
        """Name of the key of a key-down event; None if it does not count."""
        is_repeated = event.scancode in self._held
        self._held.add(event.scancode)
        key = key_of(event)
        return None if is_repeated and key not in _REPEATED else key

    def release(self, event: Event) -> None:
        """Note a key-up event."""
        self._held.discard(event.scancode)

    @property
    def holds_shift(self) -> bool:
        """Whether Shift is held, as of the last event: pygame tells only the state of now."""
        return not self._held.isdisjoint((pygame.KSCAN_LSHIFT, pygame.KSCAN_RSHIFT))

    def release_all(self) -> None:
        """Note that the keyboard is another window's now."""
        self._held.clear()


def key_of(event: Event) -> str | None:
    """Name of the key of a key-down event; None for a modifier or a chord such as Ctrl+C.

    Parameters
    ----------
    event : pygame.event.Event
    """
    character, shifted = event.unicode, bool(event.mod & pygame.KMOD_SHIFT)
    types_sign = character.isprintable() and bool(character) and not character.isalnum()
    is_chord = event.mod & _CHORDS and not (event.mod & _ALT_GR and types_sign)
    if event.key in _MODIFIERS or is_chord:
        return None
    if event.key in _NAMES:
        return _NAMES[event.key]
    if character.isalpha():  # Caps Lock is no Shift
        character = character.upper() if shifted else character.lower()
    if is_bound(character):
        return str(character)
    place = _PLACES.get(event.scancode, "")
    if shifted:
        place = _WITH_SHIFT.get(place, place.upper())
    if is_bound(place):
        return place
    return str(character if character.isprintable() and character else pygame.key.name(event.key))
