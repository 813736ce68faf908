"""Completion of the command line by a shell."""

from __future__ import annotations

import argparse
import os

from kseg_video.cli.messages import answer


class _PrintCompletion(argparse.Action):
    """Prints the code that makes a shell complete the command, and leaves."""

    def __call__(
        self, parser: argparse.ArgumentParser, _options: object, shell: object, *_: object
    ) -> None:
        from argcomplete.shell_integration import shellcode  # noqa: PLC0415 - takes as long as the other imports

        answer(shellcode([parser.prog], shell=str(shell)))
        parser.exit()


def add_completion(parser: argparse.ArgumentParser) -> None:
    """Add the option that prints the code for completion in a shell."""
    parser.add_argument(
        "--print-completion",
        choices=("bash", "zsh", "fish"),
        action=_PrintCompletion,
        help="print code that completes options with Tab; for bash: "
        'eval "$(kseg-video --print-completion bash)"',
    )


def complete_if_asked(parser: argparse.ArgumentParser) -> None:
    """Answer a shell that completes a command line, and end the process; else do nothing."""
    if "_ARGCOMPLETE" in os.environ:
        from argcomplete import autocomplete  # noqa: PLC0415 - takes as long as all other imports

        autocomplete(parser)
