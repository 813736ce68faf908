"""Snapshots of a live picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.errors import cannot_write
from kseg_video.recording import dated_path
from kseg_video.stills import write_still
from kseg_video.whole_files import PartialFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.frame import Frame
    from kseg_video.palette import Palette


def save_snapshot(folder: Path, view: Frame, original: NDArray[np.uint8], palette: Palette) -> Path:
    """Save the view, the original and the palette side by side; return the view's path.

    Raises
    ------
    SinkError
        If they cannot be written.
    """
    path = dated_path(folder, ".png")
    _write(path, lambda part: write_still(part, ".png", view.pixels, view.alpha))
    beside = path.with_stem(f"{path.stem}-original")
    _write(beside, lambda part: write_still(part, ".png", original, None))
    text = json.dumps(_described(palette), indent=2) + "\n"
    _write(path.with_suffix(".json"), lambda part: part.write_text(text, "utf-8"))
    return path


def _write(path: Path, write: Callable[[Path], object]) -> None:
    part = PartialFile(path, overwrite=False)
    try:
        write(part.path)
        part.publish()
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        part.discard()


def _described(palette: Palette) -> list[dict[str, object]]:
    rows = zip(
        palette.hex_colors,
        np.round(palette.centroids.astype(float), 3).tolist(),
        np.round(palette.shares, 6).tolist(),
        strict=True,
    )
    return [
        {"cluster": number, "hex": hex_color, "centroid": centroid, "share": share}
        for number, (hex_color, centroid, share) in enumerate(rows)
    ]
