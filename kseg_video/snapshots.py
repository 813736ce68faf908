"""Snapshots of a live picture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.errors import SinkError
from kseg_video.recording import dated_path
from kseg_video.stills import write_still

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.palette import Palette


def save_snapshot(
    folder: Path, view: NDArray[np.uint8], original: NDArray[np.uint8], palette: Palette
) -> Path:
    """Save the view, the original and the palette side by side; return the view's path.

    Raises
    ------
    SinkError
        If they cannot be written.
    """
    path = dated_path(folder, ".png")
    write_still(path, ".png", view, None)
    write_still(path.with_stem(f"{path.stem}-original"), ".png", original, None)
    clusters = [
        {"cluster": number, "hex": hex_color, "centroid": centroid, "share": share}
        for number, (hex_color, centroid, share) in enumerate(
            zip(
                palette.hex_colors,
                np.round(palette.centroids.astype(float), 3).tolist(),
                np.round(palette.shares, 6).tolist(),
                strict=True,
            )
        )
    ]
    try:
        path.with_suffix(".json").write_text(json.dumps(clusters, indent=2) + "\n", "utf-8")
    except OSError as error:
        raise SinkError(
            f"{path.with_suffix('.json')} cannot be written ({error.strerror})"
        ) from error
    return path
