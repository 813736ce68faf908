"""The package, its import contract and the contributors' documents agree with the code."""

from __future__ import annotations

import ast
import importlib
import re
import tomllib
from operator import attrgetter
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PACKAGE = PROJECT / "kseg_video"
ROOMS = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


class TestRooms:
    @pytest.mark.parametrize("room", ROOMS)
    def test_each_says_its_purpose_in_a_sentence_and_nothing_else(self, room: str) -> None:
        stated = PACKAGE / room / "__init__.py"
        (line,) = stated.read_text(encoding="utf-8").splitlines()
        assert line == f'"""{docstring(stated)}"""'
        assert line.count(".") == 1
        assert f"\n{room}\n    {docstring(stated)}\n" in docstring(PACKAGE / "__init__.py")

    def test_the_map_has_the_order_of_the_contract(self) -> None:
        settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
        contract, *_ = settings["tool"]["importlinter"]["contracts"]
        layers = [room.strip() for layer in contract["layers"] for room in layer.split("|")]
        lines = docstring(PACKAGE / "__init__.py").splitlines()
        assert layers == ["__main__", *(line for line in lines if line in ROOMS)]
        assert sorted(layers) == ["__main__", *ROOMS]


def test_each_function_that_is_named_is_in_the_file_named_before_it() -> None:
    text = (PROJECT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = re.findall(r"`((?:\w+/)+\w+\.py)`((?:[:,;]?(?:\s|and)+`[\w.]+`)+)", text)
    assert len(named) > 30
    for path, names in named:
        module = importlib.import_module(f"kseg_video.{path[:-3].replace('/', '.')}")
        for name in re.findall(r"`(.+?)`", names):
            assert attrgetter(name)(module) is not None
    files = set(re.findall(r"`((?:\w+/)+\w+\.py)`", text))
    assert files == {path for path, _ in named}


def test_hooks_check_what_the_gate_checks() -> None:
    hooks = (PROJECT / ".pre-commit-config.yaml").read_text(encoding="utf-8")
    gate = (PROJECT / ".ci" / "run").read_text(encoding="utf-8")
    checks = re.findall(r"^(?:ruff|mypy|lint-imports|zensical).*?(?= &$|$)", gate, re.MULTILINE)
    assert sorted(re.findall(r"entry: (.*)", hooks)) == sorted(checks)
