"""What settings and parameters may be, in tables, and what is said of anything else."""

from __future__ import annotations

import os
import reprlib
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields
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

LARGEST = 2**31 - 1  # of the numbers that go to OpenCV and ffmpeg


@dataclass(frozen=True, slots=True)
class ValueKind(Generic[_T_co]):
    """What a value may be.

    Parameters
    ----------
    wanted : str
        What the user is told to do.
    read : callable
        From what is given to the value in Python's own types; numbers of NumPy's overflow. Raises
        TypeError, ValueError or OverflowError where it is of another kind.
    """

    wanted: str
    read: Callable[[object], _T_co]

    def or_else(self, *words: str | None) -> ValueKind[object]:
        """The same or one of a few words, or None."""

        def read(value: object) -> object:
            is_word = isinstance(value, str | None) and value in words
            return value if is_word else self.read(value)

        return ValueKind(" or ".join([self.wanted, *map(str, words)]), read)


# By field: what users call it, and its kind.
FieldKinds: TypeAlias = "dict[str, tuple[str, ValueKind[object]]]"


def take(name: str, value: object, kind: ValueKind[_T]) -> _T:
    """A value, if it is of a kind.

    Raises
    ------
    SettingsError
        If it is not.
    """
    try:
        return kind.read(value)
    except SettingsError:
        raise
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(f"{name} cannot be {_shown(value)}; {kind.wanted}") from None


def take_fields(settings: DataclassInstance, table: FieldKinds) -> None:
    """Check all fields of settings that are being made, and keep them in Python's own types.

    Raises
    ------
    SettingsError
        If one is of another kind than the table says.
    """
    for field in fields(settings):
        name, kind = table[field.name]
        object.__setattr__(settings, field.name, take(name, getattr(settings, field.name), kind))


def take_settings(name: str, value: object, kind: type[_T]) -> _T:
    """Settings that are given, or the default if there are none.

    Raises
    ------
    SettingsError
        If something else is given.
    """
    return kind() if value is None else take(name, value, instance(kind))


def one_of(*choices: _T) -> ValueKind[_T]:
    """One of a few words, or None."""

    def read(value: object) -> _T:
        if not isinstance(value, str | None) or value not in choices:
            raise ValueError
        return value

    return ValueKind(f"choose one of {', '.join(map(str, choices))}", read)


def whole(low: int, high: int | None = None) -> ValueKind[int]:
    """A whole number between bounds that belong to it."""

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
    """A number for which something holds."""

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, Real) or not is_right(float(value)):
            raise ValueError
        return float(value)

    return ValueKind(wanted, read)


def several(
    container: Callable[[list[_T]], _Collection], each: Callable[[object], _T], wanted: str
) -> ValueKind[_Collection]:
    """Values of a kind; those of a tuple are in an order, which sets have not."""
    others = (str, bytes, Mapping) if container is frozenset else (str, bytes, Mapping, AbstractSet)

    def read(value: object) -> _Collection:
        if not isinstance(value, Collection) or isinstance(value, others):
            raise TypeError
        return container([each(part) for part in value])

    return ValueKind(wanted, read)


def instance(*kinds: type[_T]) -> ValueKind[_T]:
    """An object of some class."""

    def read(value: object) -> _T:
        if not isinstance(value, kinds):
            raise TypeError
        return value

    return ValueKind(f"give {' or '.join(kind.__name__ for kind in kinds)}", read)


def _read_flag(value: object) -> bool:
    if not isinstance(value, bool) and str(getattr(value, "dtype", "")) != "bool":  # of NumPy
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
    """A value in a few words of one line."""
    try:
        return " ".join(reprlib.repr(value).split())
    except Exception:  # noqa: BLE001 - a repr may fail in any way, as that of an endless number does
        return f"this {type(value).__name__}"
