"""Snapshots of a live picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kseg_video.core.errors import cannot_write
from kseg_video.live.recording import dated_path
from kseg_video.reading.image_files import write_still
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.palette_writer import save_palette

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.core.palette import Palette
    from kseg_video.core.settings import ColorSpace


def save_snapshot(
    folder: Path,
    view: Frame,
    original: NDArray[np.uint8],
    palette: Palette,
    color_space: ColorSpace,
) -> Path:
    """Save the view, the original and the palette side by side; return the view's path.

    Parameters
    ----------
    folder : Path
    view : Frame
        bgr24, maybe with opacity.
    original : ndarray of uint8, shape (H, W, 3)
        BGR.
    palette : Palette
    color_space : str
        Working space of the palette.

    Raises
    ------
    SinkError
        If they cannot be written.
    """
    path = dated_path(folder, ".png")
    _save(path, view.pixels, view.alpha)
    _save(path.with_stem(f"{path.stem}-original"), original)
    save_palette(path.with_suffix(".json"), palette, color_space=color_space)
    return path


def _save(path: Path, pixels: NDArray[np.uint8], alpha: NDArray[np.uint8] | None = None) -> None:
    part = PartialFile(path, overwrite=False)
    try:
        write_still(part.path, path.suffix, pixels, alpha)
        part.publish()
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        part.discard()
