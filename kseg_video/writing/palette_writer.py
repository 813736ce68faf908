"""Writing palettes to files.

======  ============================================================================================
suffix  contents
======  ============================================================================================
.json   an object: ``color_space``, where it is known, and ``palette``, which lists the clusters:
        number, hex, RGB, Lab, share
.gpl    a GIMP palette, which Inkscape, Krita and others read
.hex    one colour per line, ``rrggbb``
.png    a picture of swatches
======  ============================================================================================
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from kseg_video.core.errors import SettingsError, cannot_write
from kseg_video.core.palette import Palette
from kseg_video.core.setting_checks import FLAG, PATH, instance, one_of, take
from kseg_video.core.settings import ColorSpace
from kseg_video.core.shown_text import shown
from kseg_video.reading.image_files import write_image
from kseg_video.writing.atomic_file import PartialFile

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

_PICTURE_SUFFIX = ".png"

_MARGIN, _STRIP, _ROW, _WIDTH = 32, 96, 72, 960
_TEXT_SIZE = 26
_NUMBER_X, _SWATCH_X, _SWATCH_WIDTH = 32, 80, 150
COLUMNS = ("hex", "RGB", "Lab", "share")
_COLUMNS_X = (254, 384, 574, 834)
_INK, _FAINT, _OUTLINE, _PAPER = (24,) * 3, (110,) * 3, (200,) * 3, (255,) * 3


def palette_rows(palette: Palette) -> list[dict[str, Any]]:
    """The real clusters of a palette as JSON data.

    Returns
    -------
    list of dict
        ``cluster`` (number), ``hex``, ``rgb`` (0 to 255), ``lab`` (CIE L*a*b*, D65), ``share``.
    """
    return [
        {
            "cluster": number,
            "hex": palette.hex_colors[number],
            "rgb": palette.colors[number, ::-1].tolist(),
            "lab": [round(value, 2) for value in palette.lab[number].tolist()],
            "share": round(float(palette.shares[number]), 6),
        }
        for number in range(palette.n_real)
    ]


def check_palette_output(path: Path) -> None:
    """Check that a palette can be written under this suffix.

    Raises
    ------
    SettingsError
        If the suffix is unknown.
    """
    known = (*_WRITERS, _PICTURE_SUFFIX)
    if path.suffix.lower() not in known:
        raise SettingsError(f"{path.name} is no palette; choose one of {', '.join(known)}")


def save_palette(
    path: str | Path,
    palette: Palette,
    *,
    color_space: ColorSpace | None = None,
    overwrite: bool = False,
) -> None:
    """Write the real clusters of a palette to a file.

    Parameters
    ----------
    path : str or Path
        Its suffix chooses the format: ``.json`` keeps every figure, ``.gpl`` and ``.hex`` are for
        other programs, ``.png`` is a picture of swatches.
    palette : Palette
    color_space : str, optional
        Working space in which the palette was fitted, recorded in ``.json`` only.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SettingsError
        If the suffix is unknown, or a parameter has the wrong type.
    SinkError
        If the file cannot be written.
    """
    path = take("the palette's file", path, PATH)
    take("the palette", palette, instance(Palette))
    take("the colour space", color_space, one_of(*get_args(ColorSpace), None))
    overwrite = take("overwrite", overwrite, FLAG)
    check_palette_output(path)
    suffix = path.suffix.lower()
    part = PartialFile(path, overwrite=overwrite)
    try:
        if suffix == _PICTURE_SUFFIX:
            write_image(part.path, suffix, draw_swatches(palette), None)
        else:
            name = shown(path.stem)  # on a line of its own in the GIMP format
            part.path.write_text(_WRITERS[suffix](palette, name, color_space), "utf-8")
        part.publish()
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        part.discard()


def _to_json(palette: Palette, _name: str, color_space: ColorSpace | None) -> str:
    data: dict[str, Any] = {} if color_space is None else {"color_space": color_space}
    return json.dumps({**data, "palette": palette_rows(palette)}, indent=2) + "\n"


def _to_gimp(palette: Palette, name: str, _color_space: ColorSpace | None) -> str:
    lines = ["GIMP Palette", f"Name: {name}", "Columns: 0", "#"]
    for row in palette_rows(palette):
        red, green, blue = row["rgb"]
        lines.append(f"{red:3} {green:3} {blue:3}\t{row['cluster']} {row['share']:.1%}")
    return "\n".join(lines) + "\n"


def _to_hex(palette: Palette, _name: str, _color_space: ColorSpace | None) -> str:
    return "".join(f"{row['hex'].removeprefix('#')}\n" for row in palette_rows(palette))


_WRITERS: dict[str, Callable[[Palette, str, ColorSpace | None], str]] = {
    ".json": _to_json,
    ".gpl": _to_gimp,
    ".hex": _to_hex,
}


def draw_swatches(palette: Palette) -> NDArray[np.uint8]:
    """Draw the real clusters of a palette as labelled swatches.

    Returns
    -------
    ndarray of uint8, shape (H, 960, 3)
        BGR.
    """
    count = palette.n_real
    height = 2 * _MARGIN + _STRIP + (count + 1) * _ROW
    picture = Image.new("RGB", (_WIDTH, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(_TEXT_SIZE)
    _draw_strip(draw, palette)
    top = _MARGIN + _STRIP
    for title, left in zip(COLUMNS, _COLUMNS_X, strict=True):
        draw.text((left, top + _ROW / 2), title, _FAINT, font, anchor="lm")
    for number in range(count):
        top += _ROW
        middle = top + _ROW / 2
        box = (_SWATCH_X, top + 6, _SWATCH_X + _SWATCH_WIDTH, top + _ROW - 6)
        draw.rectangle(box, palette.hex_colors[number], outline=_OUTLINE)
        draw.text((_NUMBER_X, middle), str(number), _INK, font, anchor="lm")
        for text, left in zip(column_texts(palette, number), _COLUMNS_X, strict=True):
            draw.text((left, middle), text, _INK, font, anchor="lm")
    return np.ascontiguousarray(np.asarray(picture)[..., ::-1])


def column_texts(palette: Palette, number: int) -> tuple[str, str, str, str]:
    """A cluster's texts for `COLUMNS`."""
    rgb = ", ".join(str(level) for level in palette.colors[number, ::-1].tolist())
    lab = ", ".join(f"{value:.1f}" for value in palette.lab[number].tolist())
    return palette.hex_colors[number], rgb, lab, f"{palette.shares[number]:.1%}"


def _draw_strip(draw: ImageDraw.ImageDraw, palette: Palette) -> None:
    inner = _WIDTH - 2 * _MARGIN
    ends = _MARGIN + np.rint(np.cumsum(palette.shares) * inner).astype(int)
    left = _MARGIN
    for number, end in enumerate(ends[: palette.n_real].tolist()):
        if end > left:
            draw.rectangle(
                (left, _MARGIN, end - 1, _MARGIN + _STRIP - 16), palette.hex_colors[number]
            )
        left = end
