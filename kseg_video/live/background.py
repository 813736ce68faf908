"""A picture or a playing video behind a live picture."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from kseg_video.core.errors import SourceError
from kseg_video.core.frame import Frame
from kseg_video.core.media_settings import CaptureSettings
from kseg_video.live.capture import open_capture
from kseg_video.live.reconnecting_feed import Feed
from kseg_video.reading.background_source import check_background, read_background_still
from kseg_video.reading.image_files import STILL_SUFFIXES
from kseg_video.rendering.compositing import covering

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_PATIENCE = 10.0  # seconds for the first frame
_TOO_SLOW = f"no picture in {_PATIENCE:.0f} s"


class LiveBackground:
    """Gives the picture that is behind now, at the size that is asked for.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w, 3)
        BGR.
    feed : Feed, optional
        Where newer ones come from.
    """

    def __init__(self, picture: NDArray[np.uint8], feed: Feed | None = None) -> None:
        self._picture = picture
        self._feed = feed
        self._covering: Frame | None = None

    def picture(self, width: int, height: int) -> Frame:
        """The picture, covering a size; bgr24."""
        arrival = None if self._feed is None else self._feed.take(0)
        if arrival is not None:
            self._picture, self._covering = arrival.frame.bgr, None
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
    if path.suffix.lower() in STILL_SUFFIXES:
        yield LiveBackground(read_background_still(path))
        return
    with ExitStack() as stack:
        looping = CaptureSettings(loop=True)
        feed = stack.enter_context(
            Feed(lambda: open_capture(str(path), looping), reconnect=False, paced=True)
        )
        first = feed.take(_PATIENCE)
        if first is None:
            raise SourceError(
                f"the background {path} cannot be read ({feed.message or _TOO_SLOW}); "
                "check that it plays"
            )
        yield LiveBackground(first.frame.bgr, feed)
