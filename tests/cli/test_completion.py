"""Completion in a shell, as Tab asks for it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers.commands import finish, run, start
from tests.helpers.tmux import Tmux, needs_tmux

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

WITH_COMMAND = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
FOUND = {
    "kseg-video pre": "preview",
    "kseg-video convert --stab": "--stability",
    "kseg-video convert a.mp4 --view ma": "masked matte",
    "kseg-video measure la": "lake.mp4",
    "kseg-video palette -o la": "lake.mp4",
}


def test_bash_completes_commands_options_values_and_files(tmp_path: Path) -> None:
    (tmp_path / "lake.mp4").touch()
    done = subprocess.run(
        ["bash", "-c", _TAB],
        input="".join(f"{line}\n" for line in FOUND),
        cwd=tmp_path,
        env=WITH_COMMAND,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert [line.strip() for line in done.stdout.splitlines()] == list(FOUND.values())
    assert done.stderr == ""


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_completes_them_too(tmp_path: Path) -> None:
    (tmp_path / "lake.mp4").touch()
    asked = "".join(f"; complete -C '{line}'" for line in FOUND)
    done = subprocess.run(
        ["fish", "--no-config", "-c", f"kseg-video --print-completion fish | source{asked}"],
        cwd=tmp_path,
        env=WITH_COMMAND | {"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    words = [line.split("\t")[0] for line in done.stdout.splitlines()]
    assert words == " ".join(FOUND.values()).split()


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
@needs_tmux
def test_zsh_completes_at_the_tab_key(tmp_path: Path) -> None:
    (tmp_path / "lake.mp4").touch()
    with Tmux() as terminal:
        terminal.enter(f"cd {tmp_path}; export PATH={WITH_COMMAND['PATH']}; clear; PS1='> ' zsh -f")
        terminal.wait_for(">$")
        terminal.enter("autoload -U compinit && compinit -u -D")
        terminal.enter('clear; eval "$(kseg-video --print-completion zsh)"; echo loaded')
        terminal.wait_for(r"loaded\n>$")
        for typed, whole in (
            ("kseg-video pre", "preview"),
            ("la", "lake.mp4"),
            ("--stab", "--stability"),
        ):
            terminal.type(typed)
            terminal.press("Tab")
            terminal.wait_for(f" {whole}$")  # the blank after it is added, too


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_code_that_nobody_takes_is_an_error_in_one_line(shell: str) -> None:
    with Path("/dev/full").open("w") as full:
        outcome = finish(start("--print-completion", shell, stdout=full))
    assert outcome.code == 1
    assert re.fullmatch("kseg-video: error: standard output cannot be written to .*\n", outcome.err)


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
