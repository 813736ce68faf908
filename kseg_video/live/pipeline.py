"""The picture of a live run: the newest frame, segmented, what is shown, and what is behind."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.live.capture import open_capture
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.reading.background_source import check_background, read_background_image
from kseg_video.reading.image_files import IMAGE_SUFFIXES
from kseg_video.rendering.cluster_selection import pinned
from kseg_video.rendering.compositing import covering, mirrored, over_checkerboard
from kseg_video.rendering.renderer import Renderer, follows_colors
from kseg_video.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kseg_video.core.frame import Segmentation
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.core.timing import StageTimer
    from kseg_video.live.key_bindings import LiveState

_PATIENCE = 10.0  # seconds for the first frame
_TOO_SLOW = f"no picture in {_PATIENCE:.0f} s"

_BLANK = (360, 640, 3)  # shown until the first frame


class LiveBackground:
    """Gives the picture that is behind now, at the size that is asked for.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w, 3)
        BGR.
    feed : ReconnectingFeed, optional
        Where newer ones come from.
    """

    def __init__(self, picture: NDArray[np.uint8], feed: ReconnectingFeed | None = None) -> None:
        self._picture = picture
        self._feed = feed
        self._covering: Frame | None = None

    def picture(self, width: int, height: int) -> Frame:
        """The picture, covering a size; bgr24."""
        received = None if self._feed is None else self._feed.take(0)
        if received is not None:
            self._picture, self._covering = received.frame.bgr, None
        shown = self._covering
        if shown is None or (shown.width, shown.height) != (width, height):
            shown = self._covering = Frame(covering(self._picture, width, height))
        return shown

    def pause(self, paused: bool) -> None:
        """Hold a video where it is."""
        if self._feed is not None:
            self._feed.pause(paused)


@contextmanager
def open_live_background(path: Path) -> Iterator[LiveBackground]:
    """An image, or a video that plays at its own rate and starts again at its end.

    Raises
    ------
    SourceError
        If it cannot be read.
    """
    check_background(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield LiveBackground(read_background_image(path))
        return
    with ExitStack() as stack:
        looping = CaptureSettings(loop=True)
        feed = stack.enter_context(
            ReconnectingFeed(lambda: open_capture(str(path), looping), reconnect=False, paced=True)
        )
        first = feed.take(_PATIENCE)
        if first is None:
            raise SourceError(
                f"the background {path} cannot be read ({feed.message or _TOO_SLOW}); "
                "check that it plays"
            )
        yield LiveBackground(first.frame.bgr, feed)


class LivePipeline:
    """Segments and paints one frame after the other, as the user has chosen.

    Parameters
    ----------
    settings : SegmenterSettings
    timer : StageTimer
    """

    def __init__(self, settings: SegmenterSettings, timer: StageTimer) -> None:
        self.frame: Frame | None = None
        self.segmentation: Segmentation | None = None
        self.background: LiveBackground | None = None  # that of the state which is a file
        self._timer = timer
        self._segmenter = Segmenter(settings, timer)
        self._renderer = Renderer()
        self._width = 0  # of what is shown

    def segment(self, frame: Frame, state: LiveState) -> Segmentation:
        """Make a frame the picture."""
        self._segmenter.frozen = state.frozen
        self.frame = frame
        held = pinned(state.rendering.disabled, state.segmenter.cluster_count)
        self.segmentation = self._segmenter.segment(
            frame, held, keep_cells=follows_colors(state.rendering)
        )
        return self.segmentation

    def fit(self, settings: SegmenterSettings, *, anew: bool) -> None:
        """Segment what follows by other settings, maybe fitted from nothing."""
        self._segmenter.retune(settings)
        if anew:
            self._segmenter.fit_anew()

    def painted(self, state: LiveState) -> Frame:
        """What the user has chosen to see, maybe with transparent parts."""
        frame, rendering = self.frame, state.rendering
        if frame is None or self.segmentation is None:
            return Frame(np.zeros(_BLANK, np.uint8))
        behind = None
        if self.background is not None and isinstance(rendering.background, Path):
            behind = self.background.picture(frame.width, frame.height)
        painted = self._renderer.render(frame, self.segmentation, rendering, "bgr24", behind)
        return mirrored(painted) if state.mirrored else painted

    def view(self, state: LiveState) -> NDArray[np.uint8]:
        """What is shown of it: BGR, shape (H, W, 3)."""
        with self._timer.stage("paint"):
            view = over_checkerboard(self.painted(state)).pixels
        self._width = view.shape[1]
        return view

    def cluster_at(self, x: int, y: int, state: LiveState) -> int | None:
        """Cluster of a pixel of the view."""
        if self.segmentation is None:
            return None
        labels = self.segmentation.labels
        height, width = labels.shape
        if state.mirrored:
            x = self._width - 1 - x
        if not (0 <= y < height and x >= 0):
            return None
        return int(labels[y, x % width])
