"""What is built of the project, with and without a C compiler."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from tests.helpers.packages import LIBRARY, compiler, wheel

if TYPE_CHECKING:
    from pathlib import Path


def wheel_files(folder: Path, variables: dict[str, str]) -> set[str]:
    """Build a wheel, and list what is in it."""
    with ZipFile(wheel(folder, variables)) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("without", ["false", "no-such-compiler"])
def test_a_wheel_is_built_all_the_same(tmp_path: Path, without: str) -> None:
    assert LIBRARY not in wheel_files(tmp_path, {"CC": without})


def test_a_wheel_has_the_library_where_there_is_a_compiler(tmp_path: Path) -> None:
    assert (LIBRARY in wheel_files(tmp_path, {})) == (compiler() is not None)
