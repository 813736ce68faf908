"""The kernels: those in C if they were compiled, else their reference.

Import kernels from here only. `kseg_video.native.reference` documents each of them.
"""

from kseg_video.native.library import NotCompiledError

try:
    from kseg_video.native.compiled import (
        count_labels,
        hold_labels,
        label_cells,
        label_strictly,
        merge_small_regions,
        nearest,
        paint_bgr,
        paint_planes,
        squared_error,
    )
except NotCompiledError:
    from kseg_video.native.reference import (
        count_labels,
        hold_labels,
        label_cells,
        label_strictly,
        merge_small_regions,
        nearest,
        paint_bgr,
        paint_planes,
        squared_error,
    )

    ARE_COMPILED = False
else:
    ARE_COMPILED = True

__all__ = [
    "ARE_COMPILED",
    "count_labels",
    "hold_labels",
    "label_cells",
    "label_strictly",
    "merge_small_regions",
    "nearest",
    "paint_bgr",
    "paint_planes",
    "squared_error",
]
