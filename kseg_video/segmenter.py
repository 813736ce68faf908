"""The segmenter: a frame in, its colour regions out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.color import from_working, to_working
from kseg_video.frame import Frame, Segmentation, as_frame
from kseg_video.mapping import (
    ColorIndex,
    PixelSample,
    homogeneous,
    label_cells,
    map_by_table,
    map_exactly,
    nearest,
)
from kseg_video.palette import Palette
from kseg_video.settings import DEFAULT_SAMPLE_PIXELS, SegmenterSettings
from kseg_video.timing import StageTimer
from kseg_video.tracking import PaletteTracker, Track

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.settings import ColorSpace

# A fresh index stays in use until mapping by it loses this much more inertia than it first did.
_INDEX_TOLERANCE = 0.003


class Segmenter:
    """Cuts the frames of one video into colour regions, one after another.

    Parameters
    ----------
    settings : SegmenterSettings, optional
    timer : StageTimer, optional
        Told what each stage costs.

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.zeros((20, 30, 3), np.uint8)
    >>> picture[:, 20:] = (0, 0, 255)
    >>> segmentation = Segmenter(SegmenterSettings(n_clusters=2)).segment(picture)
    >>> segmentation.palette.hex_colors
    ['#000000', '#ff0000']
    >>> segmentation.labels[0, 15:25].tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]
    """

    def __init__(
        self, settings: SegmenterSettings | None = None, timer: StageTimer | None = None
    ) -> None:
        self.settings = settings or SegmenterSettings()
        self._timer = timer or StageTimer()
        self._tracker = PaletteTracker(self.settings)
        self._mapper = _TableMapper(self.settings.color_space)

    def segment(self, picture: Frame | NDArray[np.uint8]) -> Segmentation:
        """Segment the next frame.

        Parameters
        ----------
        picture : Frame, or ndarray of uint8 and shape (H, W, 3)
            A frame, or a picture in BGR order.

        Returns
        -------
        Segmentation

        Raises
        ------
        SourceError
            If an array is not a BGR picture.
        """
        frame = as_frame(picture)
        space = self.settings.color_space
        with self._timer.stage("fit"):
            sample = PixelSample.of_frame(frame, self._sample_size())
            colors = to_working(sample.bgr, space)
            track = self._tracker.update(colors)
        with self._timer.stage("map"):
            if self.settings.mapping == "exact":
                labels, inertia = map_exactly(frame, track.centroids[track.real], space)
            else:
                labels, inertia = self._mapper.map(frame, sample, colors, track)
            return Segmentation(labels, _palette(track, labels, space), inertia, track.event)

    def _sample_size(self) -> int | None:
        wanted = self.settings.sample_pixels
        return None if wanted == "all" else wanted or DEFAULT_SAMPLE_PIXELS


@dataclass(frozen=True, slots=True, eq=False)
class _IndexInUse:
    index: ColorIndex
    cells: NDArray[np.float32]  # their working-space colours, homogeneous


class _TableMapper:
    """Maps frames by a colour index that is kept for as long as it suits them."""

    def __init__(self, space: ColorSpace) -> None:
        self._space = space
        self._in_use: _IndexInUse | None = None
        self._usual_excess: float | None = None

    def map(
        self, frame: Frame, sample: PixelSample, colors: NDArray[np.float32], track: Track
    ) -> tuple[NDArray[np.uint8], float]:
        """Labels of a frame and the inertia of its sample."""
        centroids = track.centroids[track.real]
        in_use = self._in_use
        inertia = np.inf
        if in_use is not None:
            table, inertia = self._try(in_use, sample, colors, centroids)
        if in_use is None or self._has_aged(inertia, colors, centroids):
            in_use = self._in_use = self._choose(frame, sample)
            self._usual_excess = None
            table, inertia = self._try(in_use, sample, colors, centroids)
        return map_by_table(in_use.index.of_frame(frame), table), inertia

    def _choose(self, frame: Frame, sample: PixelSample) -> _IndexInUse:
        index = ColorIndex.from_sample(
            sample, frame.components_to_bgr, may_rotate=frame.layout == "bgr24"
        )
        return _IndexInUse(index, homogeneous(to_working(index.cell_bgr, self._space)))

    def _try(
        self,
        in_use: _IndexInUse,
        sample: PixelSample,
        colors: NDArray[np.float32],
        centroids: NDArray[np.float32],
    ) -> tuple[NDArray[np.uint8], float]:
        """Label table of the cells, and the inertia of the sample mapped by it."""
        table = label_cells(in_use.cells, centroids)
        errors = colors - centroids[table[in_use.index.of_sample(sample)]]
        return table, float(np.einsum("ij,ij->", errors, errors, dtype=np.float64) / len(colors))

    def _has_aged(
        self, inertia: float, colors: NDArray[np.float32], centroids: NDArray[np.float32]
    ) -> bool:
        _, distances = nearest(colors, centroids)
        least = float(distances.mean(dtype=np.float64))
        excess = (inertia - least) / least if least else float(inertia > 0)
        if self._usual_excess is None:
            # Not measured when the index is made: on its own sample it looks better than it is.
            self._usual_excess = excess
        return excess > self._usual_excess + _INDEX_TOLERANCE


def _palette(track: Track, labels: NDArray[np.uint8], space: ColorSpace) -> Palette:
    n_clusters = len(track.centroids)
    counts = cv2.calcHist([labels], [0], None, [n_clusters], [0, n_clusters])
    return Palette(
        centroids=track.centroids,
        colors=from_working(track.centroids, space),
        shares=counts.ravel().astype(np.float64) / labels.size,
        real=track.real,
    )
