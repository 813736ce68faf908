"""Statistics of a segmented frame: shares, colours and positions of its clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.core.cie_lab import cie_lab
from kseg_video.core.color_spaces import working_to_bgr
from kseg_video.core.frame import Segmentation, as_frame
from kseg_video.core.setting_checks import instance, take
from kseg_video.rendering.color_names import color_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, PaletteEvent


@dataclass(frozen=True, slots=True, eq=False)
class FrameStatistics:
    """Statistics of one frame; row i is cluster i.

    Parameters
    ----------
    frame : int
        Frame number, from 0.
    time : float
        Time stamp in the source, in seconds.
    event : {"cold", "warm", "cut", "reseed"}
        How the palette was found; see `kseg_video.core.frame.Segmentation`.
    inertia : float
        Mean squared distance of a pixel to its centroid, in units of the working space squared: of
        all pixels with exact mapping, of the sampled ones with fast mapping.
    shares : ndarray of float64, shape (K,)
        Fraction of the frame's pixels in each cluster.
    rgb : ndarray of float32, shape (K, 3)
        Centroids as R, G, B, 0 to 255; NaN for clusters that have not been found.
    lab : ndarray of float32, shape (K, 3)
        The same in CIE L*a*b* under D65, L* 0 to 100.
    positions : ndarray of float64, shape (K, 2)
        Mean column and row of each cluster's pixels, counted from 0 at the top left; NaN for
        clusters without pixels.
    names : tuple of str
        Each cluster's basic colour name, such as "blue"; empty for clusters that have not been
        found.
    """

    frame: int
    time: float
    event: PaletteEvent
    inertia: float
    shares: NDArray[np.float64]
    rgb: NDArray[np.float32]
    lab: NDArray[np.float32]
    positions: NDArray[np.float64]
    names: tuple[str, ...]


def measure(picture: Frame | NDArray[np.uint8], segmentation: Segmentation) -> FrameStatistics:
    """Measure the clusters of a segmented frame.

    Parameters
    ----------
    picture : Frame, or ndarray of uint8 and shape (H, W, 3)
        The segmented picture; an array counts as frame 0, at 0 s.
    segmentation : Segmentation
        The segmentation of that picture.

    Returns
    -------
    FrameStatistics

    Raises
    ------
    SettingsError
        If `segmentation` is no `Segmentation`.
    SourceError
        If `picture` is no picture, or differs in size from the segmentation.
    """
    frame = as_frame(picture)
    take("the segmentation", segmentation, instance(Segmentation)).check_size(frame)
    palette = segmentation.palette
    bgr = working_to_bgr(palette.centroids, segmentation.color_space)
    lab = cie_lab(bgr)
    rgb = bgr[:, ::-1].copy()
    rgb[~palette.real] = lab[~palette.real] = np.nan
    return FrameStatistics(
        frame=frame.index,
        time=frame.time,
        event=segmentation.event,
        inertia=segmentation.inertia,
        shares=palette.shares,
        rgb=rgb,
        lab=lab,
        positions=_positions(segmentation.labels, palette.shares),
        names=tuple(
            name if real else ""
            for name, real in zip(color_names(palette.colors), palette.real.tolist(), strict=True)
        ),
    )


def _positions(labels: NDArray[np.uint8], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean column and row of each cluster's pixels, from its pixel counts per column and row."""
    positions = np.full((len(shares), 2), np.nan)
    where = np.empty(labels.shape, bool)
    mask = where.view(np.uint8)
    for number in np.flatnonzero(shares).tolist():
        np.equal(labels, number, out=where)
        for axis in (0, 1):
            counts = cv2.reduce(mask, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
            positions[number, axis] = counts @ np.arange(len(counts)) / counts.sum()
    return positions
