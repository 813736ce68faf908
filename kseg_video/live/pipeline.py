"""Per-frame pipeline of a live run: segment the newest frame, paint it over its background."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.live.capture import open_capture
from kseg_video.live.reconnecting_feed import ReconnectingFeed
from kseg_video.reading.background_source import check_background, read_background_image
from kseg_video.reading.image_files import READ_SUFFIXES
from kseg_video.rendering.cluster_selection import pinned
from kseg_video.rendering.compositing import covering, mirrored, over_checkerboard
from kseg_video.rendering.renderer import Renderer, follows_colors, is_painted
from kseg_video.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from kseg_video.core.frame import Segmentation
    from kseg_video.core.palette import Palette
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.core.timing import StageTimer
    from kseg_video.live.live_state import LiveState

_PATIENCE = 10.0  # seconds to wait for the first frame of a background video
_TOO_SLOW = f"no picture in {_PATIENCE:.0f} s"

_BLANK = (360, 640, 3)  # shown until the first frame


class LiveBackground:
    """Background picture of a live run: an image, or the current frame of a video.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w, 3)
        Image, or first frame of the video, BGR.
    feed : ReconnectingFeed, optional
        Feed of the video's next frames; None for an image.
    """

    def __init__(self, picture: NDArray[np.uint8], feed: ReconnectingFeed | None = None) -> None:
        self._picture = picture
        self._feed = feed
        self._covering: Frame | None = None

    def picture(self, width: int, height: int) -> Frame:
        """Current background, scaled and cropped to cover a size in pixels; bgr24."""
        received = None if self._feed is None else self._feed.take(0)
        if received is not None:
            self._picture, self._covering = received.frame.bgr, None
        shown = self._covering
        if shown is None or (shown.width, shown.height) != (width, height):
            shown = self._covering = Frame(covering(self._picture, width, height))
        return shown

    def pause(self, paused: bool) -> None:
        """Pause or resume a background video."""
        if self._feed is not None:
            self._feed.pause(paused)


@contextmanager
def open_live_background(path: Path) -> Iterator[LiveBackground]:
    """Open a background: an image, or a video that plays at its own rate in a loop.

    Raises
    ------
    SourceError
        If the file cannot be read.
    """
    check_background(path)
    if path.suffix.lower() in READ_SUFFIXES:
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
    """Segments and paints frame by frame, with the settings of the live state.

    Parameters
    ----------
    settings : SegmenterSettings
        Initial settings of the segmenter; `fit` changes them.
    timer : StageTimer
        Collects the time of each stage.
    """

    def __init__(self, settings: SegmenterSettings, timer: StageTimer) -> None:
        self.frame: Frame | None = None
        self.segmentation: Segmentation | None = None
        self.background: LiveBackground | None = None  # set if the state has a file as background
        self._timer = timer
        self._segmenter = Segmenter(settings, timer)
        self._renderer = Renderer()
        self._width = 0  # of the view

    def segment(self, frame: Frame, state: LiveState) -> Segmentation:
        """Segment a frame and make it the current one."""
        self._segmenter.frozen = state.frozen
        self.frame = frame
        held = pinned(state.rendering.disabled, state.segmenter.cluster_count)
        self.segmentation = self._segmenter.segment(
            frame, held, keep_cells=follows_colors(state.rendering)
        )
        return self.segmentation

    def fit(self, settings: SegmenterSettings, *, anew: bool) -> None:
        """Change the settings for the next frames; `anew` also fits the palette from scratch."""
        self._segmenter.retune(settings)
        if anew:
            self._segmenter.fit_anew()

    def painted(self, state: LiveState) -> Frame:
        """Render the current frame as chosen; it has alpha if the background is transparent."""
        frame, rendering = self.frame, state.rendering
        if frame is None:
            return Frame(np.zeros(_BLANK, np.uint8))
        if self.segmentation is None:  # a camera whose brightness has not settled
            return mirrored(Frame(frame.bgr)) if state.mirrored else Frame(frame.bgr)
        behind = None
        if self.background is not None and isinstance(rendering.background, Path):
            behind = self.background.picture(frame.width, frame.height)
        painted = self._renderer.render(frame, self.segmentation, rendering, "bgr24", behind)
        return mirrored(painted) if state.mirrored else painted

    def view(self, state: LiveState) -> NDArray[np.uint8]:
        """Render the current frame for a screen: BGR, shape (H, W, 3), alpha on a checkerboard."""
        with self._timer.stage("paint"):
            view = over_checkerboard(self.painted(state)).pixels
        self._width = view.shape[1]
        return view

    def palette(self, state: LiveState) -> Palette | None:
        """Palette of the current frame, in the colours that its clusters are painted in."""
        if self.segmentation is None:
            return None
        palette, colors = self.segmentation.palette, self._renderer.colors
        if state.rendering.paint is None or not is_painted(state.rendering):
            return palette
        return replace(palette, colors=colors) if len(colors) == len(palette) else palette

    def share_at(self, x: int, state: LiveState) -> float:
        """Share of the source's width at a column of the view."""
        share = (x + 0.5) / max(self._width, 1)
        return 1 - share if state.mirrored else share

    def cluster_at(self, x: int, y: int, state: LiveState) -> int | None:
        """Number of the cluster at a pixel of the view; None outside of it."""
        if self.segmentation is None:
            return None
        labels = self.segmentation.labels
        height, width = labels.shape
        if state.mirrored:
            x = self._width - 1 - x
        if not (0 <= y < height and x >= 0):
            return None
        return int(labels[y, x % width])
