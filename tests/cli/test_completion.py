"""Completion in a shell, as Tab asks for it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.commands import run

# What bash sets before it calls the function that completes a command.
_TAB = """
eval "$(kseg-video --print-completion bash)"
while IFS= read -r line; do
    COMP_LINE=$line COMP_POINT=${#line} COMP_TYPE=9 COMP_WORDS=($line) COMPREPLY=()
    [[ $line == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _python_argcomplete kseg-video
    echo "${COMPREPLY[*]}"
done
"""


def test_bash_completes_commands_options_values_and_files(tmp_path: Path) -> None:
    (tmp_path / "lake.mp4").touch()
    found = {
        "kseg-video pre": "preview",
        "kseg-video convert --stab": "--stability",
        "kseg-video convert a.mp4 --view ma": "masked matte",
        "kseg-video measure la": "lake.mp4",
        "kseg-video palette -o la": "lake.mp4",
    }
    done = subprocess.run(
        ["bash", "-c", _TAB],
        input="".join(f"{line}\n" for line in found),
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [line.strip() for line in done.stdout.splitlines()] == list(found.values())
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("shell", "code"), [("zsh", "#compdef kseg-video"), ("fish", "complete --command kseg-video")]
)
def test_other_shells_get_their_own_code(shell: str, code: str) -> None:
    outcome = run("--print-completion", shell)
    assert (outcome.code, outcome.err) == (0, "")
    assert code in outcome.out


def test_an_unknown_shell_is_refused() -> None:
    outcome = run("--print-completion", "cmd")
    assert outcome.code == 2
    assert "choose from" in outcome.err
    assert outcome.err.count("\n") == 1


def test_without_a_command_the_help_is_shown_with_examples() -> None:
    outcome = run()
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == run("--help").out
    assert outcome.out.count("\n  kseg-video ") == 4
