"""Options of other programs that users guess: those that work here too, and answers to the rest.

A guess works if it means exactly the same here. Otherwise its answer names what there is, and never
an option that does the opposite.
"""

from __future__ import annotations

import argparse
import re
from functools import partial
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from kseg_video.cli.argument_values import clusters, is_there
from kseg_video.writing.video_encoders import DEFAULT_CRF

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

# By option: names that other programs have for it.
_SAME = {
    "--background": "--background-color --background-colour --backdrop --bg --bgcolor",
    "--clusters": "--colors --colours --n-clusters --n-colors --num-clusters --num-colors",
    "--codec": "--video-codec --vcodec -c:v -codec:v -vcodec",
    "--color-space": "--colorspace --colour-space --colourspace",
    "--crf": "-crf",
    "--disable": "--drop --exclude --hide --off --remove",
    "--duration": "--length -t",
    "--end": "--stop --to --until -to",
    "--fps": "--frame-rate --framerate --rate -r",
    "--max-frames": "--frames --frames:v --limit -frames:v -vframes",
    "--no-audio": "--mute --no-sound --noaudio -an",
    "--only": "--enable --include --keep --select",
    "--output": "--out --outfile --output-file",
    "--overwrite": "--force --yes",
    "--preset": "-preset",
    "--size": "--resize --resolution",
    "--start": "--begin --from --seek -ss",
    "--stats": "--csv --statistics",
    "--stats-plot": "--plot",
}
_OF_CLUSTERS = {"--only", "--disable"}
_QUALITY = f"choose with --crf (lower is better, default {DEFAULT_CRF['h264']} for h264)"
_SOUND = "sound is kept as it is where the container takes it, unless --no-audio is given"
_ANSWERS = {
    "--silent": "choose --quiet for no status, --no-audio for no sound",
    "--replace": "choose --overwrite for files, --paint for colours",
    "--resume --continue": "what was stopped begins anew; existing outputs are kept unless -y is "
    "given",
    "--stop-at": "choose with --end",
    "--quality --qscale --qp -q:v -qp -qscale -qscale:v": _QUALITY,
    "--bitrate --video-bitrate --vb -b -b:v -vb": _QUALITY,
    "--input -i": "inputs are named without an option",
    "--filter --filters --vf -filter:v -vf": "filters are --crop, --size and --fps",
    "-s": "choose with --size, as --size 640x360",
    "--scale": "choose with --size, as --size 50% or --size 640x360",
    "--trim --cut --range": "choose a part with --start and --end, or --duration",
    "--no-clobber --no-overwrite --skip-existing -n": "existing files are kept unless -y is given",
    "--format --type -f": "the output's suffix chooses the format",
    "--transparent --transparency --alpha": "choose with --background transparent, and what is "
    "seen with --only or --disable",
    "--mask --masked": "choose with --view masked (the source where clusters are on) or --view "
    "matte (the mask itself)",
    "--segment --segmented --posterize --cartoon": "it is what --view segmented does, the default",
    "--mode --style --effect": "choose with --view",
    "--gray --grayscale --grey --greyscale --desaturate": "choose with --background gray, and what "
    "keeps its colour with --only",
    "--blur": "choose with --background blur, and what stays sharp with --only",
    "--invert": "name the others: --only in place of --disable, or the other way round",
    "--color --colour --cluster --class --label": "choose clusters with --only or --disable, by "
    "number or colour, and their number with -k",
    "--workers --cores --parallel -j -threads": "choose with --jobs how many inputs are converted "
    "at a time, and with --threads how many threads label a frame",
    "--verbose --log-level --loglevel -loglevel -v": "all is told unless -q is given; --json "
    "prints figures, --debug tracebacks",
    "--output-dir --output-folder --outdir --out-dir --folder": "name the folder with -o, as -o "
    "results/",
    "--suffix --prefix --name": "name the output with -o",
    "--loop -loop": "animations are looped for ever",
    "--speed --slow --timelapse": "times are kept; --fps leaves out or repeats frames",
    "--rotate --flip --transpose": "pictures are turned as their file says, and not otherwise",
    "--gpu --cuda --hardware --hw --hwaccel -hwaccel": "a device encodes with --encoder auto; all "
    "else runs on the processor",
    "--tune -tune -profile:v": "of the encoders' own settings there are --crf and --preset",
    "--audio --sound --keep-audio --copy-audio --acodec -acodec -c:a -codec:a": _SOUND,
    "--audio-bitrate --ab -ab -b:a": _SOUND,
    "--pix-fmt --pixel-format -pix_fmt": "pixels are stored as all players take them; --lossless "
    "keeps exact colours",
    "--deinterlace --yadif": "it is done where it is needed, unless --no-deinterlace is given",
    "--dither": "nothing is dithered",
    "--algorithm --method": "it is k-means; --init, --color-space and --mapping are its choices",
    "--smooth --denoise --temporal": "--stability holds regions still, --despeckle removes specks",
    "--frame --snapshot --thumbnail --dry-run --test": "convert one frame to an image with --start "
    "TIME --max-frames 1 -o FILE.png",
    "--camera --webcam --device": "cameras are shown by kseg-video live",
    "--recursive --batch": "name the files, as folder/*.mp4",
}
_TARGETS = {guess: option for option, guesses in _SAME.items() for guess in guesses.split()}
_ANSWER_TO = {guess: answer for guesses, answer in _ANSWERS.items() for guess in guesses.split()}
_OPTION = re.compile(r"(?<![\w-])--?[a-z][a-z-]*")


def in_known_words(words: Iterable[str], known: Container[str]) -> Iterator[str]:
    """Words of a command line, with names of other programs replaced by the command's own.

    Parameters
    ----------
    words : iterable of str
    known : container of str
        The command's options.
    """
    only_files = False
    for word in words:
        only_files |= word == "--"
        name, equals, value = word.partition("=")
        target = _TARGETS.get(name)
        if only_files or name in known or target not in known:
            yield word
        else:
            yield f"{target}{equals}{value}"


def answer_to(words: Iterable[str], known: Container[str]) -> str | None:
    """Answer to the first guess that does not work; None if there is none.

    Parameters
    ----------
    words : iterable of str
    known : container of str
        The command's options. An answer that names another is none.
    """
    for word in words:
        if word == "--":
            break
        guess = word.partition("=")[0]
        answer = None if guess in known else _ANSWER_TO.get(guess)
        if answer is not None and all(name in known for name in _OPTION.findall(answer)):
            return f"there is no {guess}: {answer}"
    return None


def is_guess(name: str) -> bool:
    """Whether other programs have an option of this name."""
    return name in _TARGETS or name in _ANSWER_TO


def torn_clusters(arguments: Sequence[str], strangers: Sequence[str]) -> str | None:
    """How to write clusters that the shell has torn apart, as in ``--only 0 2``; None if none."""
    for place, (option, value) in enumerate(pairwise(arguments)):
        if option in _OF_CLUSTERS:
            torn = list(takewhile(partial(_is_torn, strangers), arguments[place + 2 :]))
            if torn:
                return f"several clusters are one word: {option} {','.join([value, *torn])}"
    return None


def _is_torn(strangers: Sequence[str], word: str) -> bool:
    if word not in strangers or is_there(word):
        return False
    try:
        clusters(word)
    except (argparse.ArgumentTypeError, ValueError):  # ValueError: thousands of digits
        return False
    return True
