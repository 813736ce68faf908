"""Real-time colour segmentation of video by k-means.

The code lies in twelve rooms. Each imports from those below it alone; live and conversion, as well
as rendering and segmentation, stand side by side and do not know each other:

cli
    The command: arguments, commands, exit codes, signals, and what the terminal shows.
screens
    Screens of a live run: a window, a terminal and a page in a browser.
pieces
    Long videos in pieces: planned, rendered anywhere, kept for the next run, joined.
live
    A camera, stream or playing file on a screen: captured, segmented, steered by keys, recorded.
conversion
    From file to file: the frame loop, its threads and report, statistics, palettes of recordings.
writing
    Where pictures go: video, animations, images and label archives, each whole or absent.
reading
    Where pictures come from: videos, images, sequences, backgrounds and palettes.
ffmpeg
    The ffmpeg process, what it reports on a file, and what must not outlive the program.
rendering
    From labels to a picture: clusters kept, views, outlines, mattes, backgrounds composited.
segmentation
    From frames to labels, through time: sample, remember, fit, map, hold.
core
    What all rooms share: errors, settings, frames, palettes, colour spaces.
native
    Kernels on whole arrays of pixels: in C or, bit for bit the same, with OpenCV and NumPy.

ARCHITECTURE.md follows a frame through them. The public names are listed in ``__init__.pyi`` and
loaded when first used, so that ``kseg-video --help`` answers without OpenCV.
"""

from __future__ import annotations

from importlib import import_module

__version__ = "0.1.0"


def _public_names() -> dict[str, str]:
    """Module of each public name, by lines ``from module import name as name`` of the stub."""
    with open(f"{__file__}i", encoding="utf-8") as stub:  # noqa: PTH123 - pathlib loads slowly
        return {line.split()[-1]: line.split()[1] for line in stub if line.startswith("from ")}


_MODULES = _public_names()
__all__ = ["__version__", *_MODULES]  # noqa: PLE0604 - names, as the stub says


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return __all__
