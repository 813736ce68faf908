"""What a segmented frame measures: shares, colours and positions of its clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from kseg_video.core.cie_lab import cie_lab
from kseg_video.core.color_spaces import working_to_bgr
from kseg_video.core.frame import Segmentation, as_frame
from kseg_video.core.setting_checks import instance, take

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame, PaletteEvent


@dataclass(frozen=True, slots=True, eq=False)
class FrameStatistics:
    """Figures of one frame; row i is cluster i.

    Parameters
    ----------
    frame : int
        Its number, from 0.
    time : float
        Seconds of the source's own time.
    event : {"cold", "warm", "cut", "reseed"}
        See `kseg_video.core.frame.Segmentation`.
    inertia : float
        Likewise: mean squared distance to the centroids in units of the working space squared, of
        all pixels with exact mapping, of the sampled ones with fast mapping.
    shares : ndarray of float64, shape (K,)
        Part of the frame's pixels in each cluster.
    rgb : ndarray of float32, shape (K, 3)
        Centroids in R, G, B, 0 to 255; NaN for clusters that have not been found.
    lab : ndarray of float32, shape (K, 3)
        The same in CIE L*a*b* under D65, L* 0 to 100.
    positions : ndarray of float64, shape (K, 2)
        Centroids of area: mean column and row of the cluster's pixels, counted from 0 at the upper
        left; NaN for clusters without any.
    """

    frame: int
    time: float
    event: PaletteEvent
    inertia: float
    shares: NDArray[np.float64]
    rgb: NDArray[np.float32]
    lab: NDArray[np.float32]
    positions: NDArray[np.float64]


def measure(picture: Frame | NDArray[np.uint8], segmentation: Segmentation) -> FrameStatistics:
    """Figures of a segmented frame.

    Parameters
    ----------
    picture : Frame, or ndarray of uint8 and shape (H, W, 3)
        What was segmented; an array counts as frame 0, at 0 s.
    segmentation : Segmentation
        Of that picture.

    Returns
    -------
    FrameStatistics

    Raises
    ------
    SettingsError
        If the segmentation is something else.
    SourceError
        If the picture is none, or not of the segmentation's size.
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
    )


def _positions(labels: NDArray[np.uint8], shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean column and row of each cluster's pixels, from their number in each column and row."""
    positions = np.full((len(shares), 2), np.nan)
    where = np.empty(labels.shape, bool)
    mask = where.view(np.uint8)
    for number in np.flatnonzero(shares).tolist():
        np.equal(labels, number, out=where)
        for axis in (0, 1):
            counts = cv2.reduce(mask, axis, cv2.REDUCE_SUM, dtype=cv2.CV_32S).ravel()
            positions[number, axis] = counts @ np.arange(len(counts)) / counts.sum()
    return positions
