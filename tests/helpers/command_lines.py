"""Random command lines of the parser's own options, reproducible by seed."""

from __future__ import annotations

import argparse
import random
from typing import TYPE_CHECKING

from kseg_video.cli.arguments import command_parser

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMMANDS = (*["convert"] * 15, *["palette"] * 6, *["live"] * 6, "doctor")
# These print something else, open a window, or never end.
_LEFT_OUT = {"help", "debug", "show", "loop", "reconnect", "preview", "keys", "cluster"}

_INPUTS = ("clip.mp4", "clip.mkv", "still.png")
_BAD_INPUTS: tuple[str, ...] = (
    "fifo",
    "folder",
    "missing.mp4",
    "text.mp4",
    "loop.mp4",
    "list.m3u8",
    "empty.mp4",
)
_BAD_INPUTS += ("still-%d.png", "clip.mp4/", "old.mp4", "http://127.0.0.1:1/a.mp4", "99", ".")
_WORDS: tuple[str, ...] = (
    "",
    " ",
    "nan",
    "-inf",
    "1e400",
    "\x1b]0;x\x07",
    "[/b]",
    "--",
    "-",
    "=",
    "a,b",
    "½",
)
_WORDS += ("\u202eb", "a\nkseg-video: error: b", "%s%n", "\udcff", "a:b'c\\d", "🎨", "x" * 5000)
_NUMBERS: tuple[str, ...] = (
    "-1",
    "-0",
    "0",
    "1e-320",
    "2147483648",
    "18446744073709551616",
    "9" * 30,
    "1_0",
    "٣",
)
_NUMBERS += ("9" * 5000, "0x10", " 2 ", "+2", "1e5", "99999999", "1000000", "-1.5")

_OUTPUTS: tuple[str, ...] = (
    "out.mp4",
    "out.mkv",
    "out.webm",
    "out.mov",
    "out.png",
    "out.gif",
    "out.webp",
)
_OUTPUTS += ("out-%d.png", "new/f-%03d.jpg", "out.npz", "out.tif", "folder", "out.MP4")
_PALETTES = ("colors.hex", "colors.json", "colors.gpl")
_BAD_FILES: tuple[str, ...] = (
    "missing/out.mp4",
    "fifo",
    "loop.mp4",
    "link.mp4",
    "dangling.mp4",
    "old.mp4",
)
_BAD_FILES += ("clip.mp4", "out", "..", ".mp4", "out.m3u8", "%d%d.png", "%999d.png", "%s.png")
_BAD_FILES += ("x" * 300 + ".mp4", "\x1b]0;x\x07.mp4", "[/b].mkv", "-x.mp4", "ü\udcff.png")
_BAD_FILES += ("a\nb.gif", "movie=a,b;c'.mp4", "http://127.0.0.1:1/a.mp4", "x" * 5000)

_GOOD = {
    "": ("/dev/null", "folder"),  # a virtual camera, which no machine for tests has
    "whole_number": ("1", "2", "3", "17"),
    "whole_number_or": ("1", "4", "auto", "all"),
    "number": ("0.5", "1", "0.01"),
    "seconds": ("0", "0.04", "0:00.12", "0.1"),
    "clusters": ("0", "1,0", "0-1", "red", "red:2,0", "#2b6cb0,0"),
    "pixel": ("0,0", "3,4"),
    "size": ("64x48",),
    "port": ("0", "8010"),
    "picture_size": ("32x24", "50%", "24p", "200%"),
    "crop": ("16x16+2+2", "15x13+3+1"),
    "frame_rate": ("5", "12.5", "30000/1001", "50"),
    "background": ("red", "gray", "blur:3", "pixelate", "transparent", "still.png", "clip.mkv"),
    "paint": ("vivid", "two-tone", "viridis", "#0a1128,white", "colors.hex", "colors.json"),
}
_BAD = {
    "paint": ("", "neon", "#000", "red,,blue", "red,gren", "missing.gpl", "clip.mp4", "#000," * 40),
    "clusters": (
        "0-99999999999",
        "3-1",
        "blue:0",
        "blue:99999999999",
        "red:x",
        "31",
        "32",
        "-1",
        ",",
        "0,,1",
        "#12345",
        "red;0",
        "0" * 5000,
    ),
    "pixel": ("99999,99999", "1", "1,2,3", "9" * 30 + ",0", "-1,0", "1.5,2"),
    "size": ("0x0", "99999999x99999999", "x", "64x", "-1x2", "9" * 5000 + "x1"),
    "picture_size": ("0x0", "99999x99999", "x", "64x", "0%", "1e9%", "99999p", "p", "9" * 5000),
    "crop": ("0x0+0+0", "9x9", "999x9+0+0", "9x9+999+0", "9x9-1-1", "9" * 5000 + "x1+0+0"),
    "frame_rate": ("0", "1/0", "1e9", "1001", "0/1", "/", "9" * 5000, "1/" + "9" * 9),
    "background": (
        "blur:0",
        "blur:99999",
        "blur:nan",
        "pixelate:-1",
        "#1234",
        "picture",
        "http://a/b",
    ),
}


def command_lines(count: int, seed: int = 0) -> Iterator[list[str]]:
    """Arguments after the program's name."""
    chance = random.Random(seed)
    options = {command: _options(command) for command in set(_COMMANDS)}
    for _ in range(count):
        command = chance.choice(_COMMANDS)
        line = [command]
        known = options[command]
        for option in chance.sample(known, min(chance.choice((0, 1, 2, 3, 6)), len(known))):
            line += _written(option, chance)
        if command == "live":
            line += ["--preview", "none"]
        if command != "doctor" and chance.random() < 0.97:
            of_all = (*_INPUTS, *_BAD_INPUTS) if chance.random() < 0.2 else _INPUTS
            line[1:1] = chance.choices(of_all, k=1 if chance.random() < 0.9 else 2)
        if command == "convert" and chance.random() < 0.6:
            line += ["-o", chance.choice(_OUTPUTS)]
        if chance.random() < 0.05:
            line.insert(chance.randint(0, len(line)), chance.choice((*_WORDS, *_NUMBERS)))
        yield line


def _options(command: str) -> list[argparse.Action]:
    commands = next(
        action
        for action in command_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    of_command = commands.choices[command]._actions
    return [
        action for action in of_command if action.option_strings and action.dest not in _LEFT_OUT
    ]


def _written(option: argparse.Action, chance: random.Random) -> list[str]:
    """An option with a value, if it takes one: mostly valid, so that most lines get far."""
    name = chance.choice(option.option_strings)
    if option.nargs == 0:
        return [name]
    value = _value(option, chance)
    if chance.random() < 0.5 and name.startswith("--"):
        return [f"{name}={value}"]
    return [name, value]


def _value(option: argparse.Action, chance: random.Random) -> str:
    kind = getattr(option.type, "__qualname__", "").split(".")[0]
    if kind in {"path", "file_name"}:
        good: tuple[str, ...] = _files(option.dest)
        bad: tuple[str, ...] = _BAD_FILES
    elif option.choices is not None:
        good, bad = tuple(map(str, option.choices)), ()
    else:
        good, bad = _GOOD[kind], _BAD.get(kind, _NUMBERS)
    if chance.random() < 0.7:
        return chance.choice(good)
    return chance.choice((*bad, *_WORDS))


def _files(dest: str) -> tuple[str, ...]:
    return {
        "palette": _PALETTES,
        "stats": ("out.csv", "out.jsonl"),
        "stats_plot": ("plot.png", "plot.svg"),
        "record": ("take.mp4", "take.mkv"),
        "output_dir": ("folder", "."),
    }.get(dest, (*_OUTPUTS, "new.hex", "new.json", "new.gpl"))
