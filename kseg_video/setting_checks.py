"""Checks that settings share."""

from __future__ import annotations

from dataclasses import fields
from numbers import Integral
from typing import TYPE_CHECKING

from kseg_video.errors import SettingsError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


def make_plain(settings: DataclassInstance) -> None:
    """Turn NumPy's whole numbers in settings into Python's, which never overflow."""
    for field in fields(settings):
        object.__setattr__(settings, field.name, _plain(getattr(settings, field.name)))


def _plain(value: object) -> object:
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, tuple | frozenset):
        return type(value)(map(_plain, value))
    return value


def check_choice(name: str, value: object, choices: tuple[object, ...]) -> None:
    """Check that a value is one of those known.

    Raises
    ------
    SettingsError
        If it is not.
    """
    if value not in choices:
        known = ", ".join(str(choice) for choice in choices)
        raise SettingsError(f"{name} cannot be {value!r}; choose one of {known}")


def check_whole(name: str, value: object, low: int, high: int | None = None) -> None:
    """Check that a value is a whole number between bounds that belong to it.

    Raises
    ------
    SettingsError
        If it is not.
    """
    bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or value < low or (high is not None and value > high):  # type: ignore[operator]
        raise SettingsError(f"{name} cannot be {value!r}; give a whole number {bounds}")
