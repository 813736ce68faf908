"""What a GIF's frames leave behind them.

References
----------
.. [1] CompuServe, "Graphics Interchange Format, Version 89a" (1990), sections 17 to 26.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

_HEADER_BYTES = 13
_DESCRIPTOR_BYTES = 9
_IMAGE, _EXTENSION, _GRAPHIC_CONTROL = 0x2C, 0x21, 0xF9
_DISPOSAL, _TO_BACKGROUND = 0b0001_1100, 0b0000_1000


def clear_after_each_frame(path: Path) -> None:
    """Have every frame's area cleared before the next one, in place.

    ffmpeg leaves opaque frames where they are, so that they would show through the clear parts of
    the next one.
    """
    with path.open("r+b") as file:
        _skip_colors(file, file.read(_HEADER_BYTES)[10])
        while block := file.read(1):
            if block[0] == _EXTENSION:
                if file.read(1)[0] == _GRAPHIC_CONTROL:
                    _set_disposal(file)
                _skip_sub_blocks(file)
            elif block[0] == _IMAGE:
                _skip_colors(file, file.read(_DESCRIPTOR_BYTES)[8])
                file.seek(1, os.SEEK_CUR)  # the code size
                _skip_sub_blocks(file)


def _set_disposal(file: BinaryIO) -> None:
    """Change the flags, which follow the size of the block; leave the position as it is."""
    start = file.tell()
    file.seek(start + 1)
    flags = file.read(1)[0]
    file.seek(start + 1)
    file.write(bytes([flags & ~_DISPOSAL | _TO_BACKGROUND]))
    file.seek(start)


def _skip_colors(file: BinaryIO, flags: int) -> None:
    if flags & 0x80:
        file.seek(3 << ((flags & 7) + 1), os.SEEK_CUR)


def _skip_sub_blocks(file: BinaryIO) -> None:
    while size := file.read(1)[0]:
        file.seek(size, os.SEEK_CUR)
