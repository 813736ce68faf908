"""Checks of settings and parameters, by tables of the kinds of value that each takes."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
from fractions import Fraction
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from kseg_video.core.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)
_Collection = TypeVar("_Collection")

LARGEST = 2**31 - 1  # largest integer that OpenCV and ffmpeg take
_FINEST = 1_000_000  # largest denominator of a ratio that is given as a float


@dataclass(frozen=True, slots=True)
class ValueKind(Generic[_T_co]):
    """A kind of value that a setting takes.

    Parameters
    ----------
    wanted : str
        The advice in the error message.
    read : callable
        Converts a value to Python's own types, because NumPy's integers overflow. Raises TypeError,
        ValueError or OverflowError for a value of another kind.
    """

    wanted: str
    read: Callable[[object], _T_co]

    def or_else(self, *words: str | None) -> ValueKind[object]:
        """Extend this kind by a few words or None."""

        def read(value: object) -> object:
            is_word = isinstance(value, str | None) and value in words
            return value if is_word else self.read(value)

        return ValueKind(" or ".join([self.wanted, *map(str, words)]), read)


# Keyed by field: its name in messages, and its kind.
FieldKinds: TypeAlias = "dict[str, tuple[str, ValueKind[object]]]"


def take(name: str, value: object, kind: ValueKind[_T]) -> _T:
    """Read a value of a kind.

    Raises
    ------
    SettingsError
        If the value is of another kind.
    """
    try:
        return kind.read(value)
    except SettingsError:
        raise
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(f"{name} cannot be {_shown(value)}; {kind.wanted}") from None


def take_fields(settings: DataclassInstance, table: FieldKinds) -> None:
    """Check all fields of settings under construction and convert them to Python's own types.

    Raises
    ------
    SettingsError
        If a field is not of the kind in the table.
    """
    for field in fields(settings):
        name, kind = table[field.name]
        object.__setattr__(settings, field.name, take(name, getattr(settings, field.name), kind))


def take_settings(name: str, value: object, kind: type[_T]) -> _T:
    """Return the settings, or the defaults for None.

    Raises
    ------
    SettingsError
        If the value is of another class.
    """
    return kind() if value is None else take(name, value, instance(kind))


def one_of(*choices: _T) -> ValueKind[_T]:
    """One of the given words, or None if it is among them."""

    def read(value: object) -> _T:
        if not isinstance(value, str | None) or value not in choices:
            raise ValueError
        return value

    return ValueKind(f"choose one of {', '.join(map(str, choices))}", read)


def whole(low: int, high: int | None = None) -> ValueKind[int]:
    """A whole number from `low` to `high`, both included."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, Integral):
            raise TypeError
        number = int(value)
        if number < low or (high is not None and number > high):
            raise ValueError
        return number

    bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
    return ValueKind(f"give a whole number {bounds}", read)


def real(wanted: str, is_right: Callable[[float], bool]) -> ValueKind[float]:
    """A real number that satisfies a condition."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not is_right(float(value)):
            raise ValueError
        return float(value)

    return ValueKind(wanted, read)


def ratio(wanted: str, most: float) -> ValueKind[Fraction]:
    """A ratio above 0, up to `most`; floats are taken for simple ratios near them."""

    def read(value: object) -> Fraction:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise TypeError
        exact = value if isinstance(value, Fraction) else None
        number = exact or Fraction(float(value)).limit_denominator(_FINEST)
        if not 0 < number <= most:
            raise ValueError
        return number

    return ValueKind(wanted, read)


def several(
    container: Callable[[list[_T]], _Collection], each: Callable[[object], _T], wanted: str
) -> ValueKind[_Collection]:
    """A collection of values of one kind; a tuple takes no set, which has no order."""
    others = (str, bytes, Mapping) if container is frozenset else (str, bytes, Mapping, AbstractSet)

    def read(value: object) -> _Collection:
        if not isinstance(value, Collection) or isinstance(value, others):
            raise TypeError
        return container([each(part) for part in value])

    return ValueKind(wanted, read)


def instance(*kinds: type[_T]) -> ValueKind[_T]:
    """An instance of one of the given classes."""

    def read(value: object) -> _T:
        if not isinstance(value, kinds):
            raise TypeError
        return value

    return ValueKind(f"give {' or '.join(kind.__name__ for kind in kinds)}", read)


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool) and str(getattr(value, "dtype", "")) != "bool":  # NumPy's bool
        raise TypeError
    return bool(value)


def _read_path(value: object) -> Path:
    name = os.fspath(value) if isinstance(value, str | os.PathLike) else None
    if not isinstance(name, str) or not name or "\0" in name:
        raise ValueError
    return Path(name)


FLAG = ValueKind("give True or False", _read_flag)
PATH = ValueKind("give the name of a file or folder, or its Path", _read_path)


def _shown(value: object) -> str:
    """A short representation of a value on one line."""
    try:
        return " ".join(reprlib.repr(value).split())
    except Exception:  # noqa: BLE001 - a repr may raise anything, e.g. for a huge int
        return f"this {type(value).__name__}"
