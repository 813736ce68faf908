"""The segmenter: a frame in, its colour regions out."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.color_spaces import from_working, to_working
from kseg_video.core.frame import Frame, Segmentation, as_frame
from kseg_video.core.setting_checks import instance, take, take_settings
from kseg_video.core.settings import DEFAULT_SAMPLE_PIXELS, SegmenterSettings
from kseg_video.core.timing import StageTimer
from kseg_video.segmentation.fast_mapper import FastMapper
from kseg_video.segmentation.nearest_centroid import map_exactly
from kseg_video.segmentation.palette_tracker import PaletteTracker
from kseg_video.segmentation.pixel_sampling import PixelSample

if TYPE_CHECKING:
    from collections.abc import Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from kseg_video.segmentation.pixel_memory import LookAheadSample

_STEP_SECONDS = 0.04  # assumed interval of pictures without times


class Segmenter:
    """Segments the frames of one video into colour regions, in order.

    Parameters
    ----------
    settings : SegmenterSettings or int, optional
        Number of clusters, working space, stability and so on; or the number of clusters alone.
    timer : StageTimer, optional
        Records the time of each stage.

    Raises
    ------
    SettingsError
        If the number of clusters is "auto".

    Examples
    --------
    >>> import numpy as np
    >>> picture = np.zeros((20, 30, 3), np.uint8)
    >>> picture[:, 20:] = (0, 0, 255)
    >>> segmentation = Segmenter(2).segment(picture)
    >>> segmentation.palette.hex_colors
    ['#000000', '#ff0000']
    >>> segmentation.labels[0, 15:25].tolist()
    [0, 0, 0, 0, 0, 1, 1, 1, 1, 1]

    The frames of a video or camera that OpenCV reads, with the darkest cluster in gray:

    >>> import cv2
    >>> from kseg_video import Frame, Renderer, RenderSettings
    >>> capture = cv2.VideoCapture("samples/lake.mp4")  # or a camera's number
    >>> segmenter, renderer = Segmenter(6), Renderer()
    >>> settings = RenderSettings(view="masked", disabled={0}, background="gray")
    >>> shown = []
    >>> while len(shown) < 3:
    ...     is_there, picture = capture.read()
    ...     if not is_there:
    ...         break
    ...     frame = Frame(picture)
    ...     segmentation = segmenter.segment(frame)
    ...     shown.append(renderer.render(frame, segmentation, settings).pixels)
    >>> len(shown), shown[0].shape
    (3, (540, 960, 3))
    >>> capture.release()
    """

    def __init__(
        self, settings: SegmenterSettings | int | None = None, timer: StageTimer | None = None
    ) -> None:
        if isinstance(settings, Integral) and not isinstance(settings, bool):
            settings = SegmenterSettings(n_clusters=int(settings))
        self.settings = take_settings("settings", settings, SegmenterSettings)
        self._timer = timer or StageTimer()
        self._tracker = PaletteTracker(self.settings)
        self._mapper = FastMapper(self.settings)
        self._time, self._time_offset = -np.inf, 0.0

    def segment(
        self,
        picture: Frame | NDArray[np.uint8],
        pinned: AbstractSet[int] = frozenset(),
        *,
        keep_cells: bool = False,
    ) -> Segmentation:
        """Segment the next frame.

        Parameters
        ----------
        picture : Frame, or ndarray of uint8 and shape (H, W, 3)
            A frame, or a picture in BGR order. A frame is kept until the next call and may not be
            modified before it; a picture is copied.
        pinned : set of int, optional
            Clusters whose numbers may never pass to another colour, such as those switched off.
        keep_cells : bool
            Whether to keep every pixel's cell number. Takes two bytes a pixel and makes soft mattes
            faster: choose it for frames that are rendered with a soft matte.

        Returns
        -------
        Segmentation

        Raises
        ------
        SourceError
            If the picture is neither a frame nor a BGR picture.
        """
        frame = as_frame(picture)
        if frame is not picture:
            frame = replace(frame, pixels=frame.pixels.copy())
        space = self.settings.color_space
        with self._timer.stage("fit"):
            sample = PixelSample.of_frame(frame, self._sample_size())
            colors = to_working(sample.bgr, space)
            palette = self._tracker.update(colors, sample.bgr, self._clock(frame.time), pinned)
        with self._timer.stage("map"):
            if self.settings.mapping == "exact":
                numbers = np.flatnonzero(palette.real).astype(np.uint8)
                labels, inertia = map_exactly(frame, palette.centroids[numbers], space)
                labels, cells = numbers[labels], None
            else:
                labels, inertia, cells = self._mapper.map(
                    frame, sample, colors, palette, keep_cells=keep_cells
                )
            return Segmentation(
                labels=labels,
                centroids=palette.centroids,
                colors=from_working(palette.centroids, space),
                real=palette.real,
                inertia=inertia,
                event=palette.event,
                color_space=space,
                cells=cells,
            )

    def add_look_ahead(self, frames: Sequence[LookAheadSample]) -> None:
        """Add samples of upcoming frames, so that the palette suits them from now on.

        Parameters
        ----------
        frames : sequence of LookAheadSample
            In order of time, all later than those added before; the command adds them up to 5
            seconds ahead.
        """
        for frame in frames:
            self._tracker.add_look_ahead(
                frame.time + self._time_offset, frame.bgr, begins_shot=frame.begins_shot
            )

    def retune(self, settings: SegmenterSettings) -> None:
        """Continue with other settings; the clusters that remain keep their numbers.

        Parameters
        ----------
        settings : SegmenterSettings
            The new settings.

        Raises
        ------
        SettingsError
            If the number of clusters is "auto".
        """
        settings = take("settings", settings, instance(SegmenterSettings))
        self._tracker.retune(settings)
        self._mapper = FastMapper(settings)

    def fit_anew(self) -> None:
        """Fit the next frame cold; clusters keep the numbers of the colours they resemble."""
        self._tracker.fit_anew()

    @property
    def frozen(self) -> bool:
        """Whether the palette stays as it is, whatever the frames show; may be set."""
        return self._tracker.frozen

    @frozen.setter
    def frozen(self, value: bool) -> None:
        self._tracker.frozen = value

    def _clock(self, frame_time: float) -> float:
        """Time in seconds that increases with each frame, even if frame times are 0 or restart."""
        time = frame_time + self._time_offset
        if time <= self._time:
            time = self._time + _STEP_SECONDS
            self._time_offset = time - frame_time
        self._time = time
        return time

    def _sample_size(self) -> int | None:
        wanted = self.settings.sample_pixels
        return None if wanted == "all" else wanted or DEFAULT_SAMPLE_PIXELS
