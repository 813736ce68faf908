"""Common parts of all sinks: the check of each frame, and closing or aborting."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Self

from kseg_video.core.errors import SinkError
from kseg_video.core.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.media_info import VideoInfo


def check_frame(path: Path, frame: object, info: VideoInfo) -> None:
    """Check that a frame has the size and layout that a sink was opened for.

    Parameters
    ----------
    path : Path
        The output, as the message names it.
    frame : Frame
        A bare array is refused, because it has neither layout nor time.
    info : VideoInfo
        Size and layout that the sink was opened for.

    Raises
    ------
    SinkError
        If it is no `Frame`, or its size or layout differs.
    """
    if not isinstance(frame, Frame):
        raise SinkError(
            f"a sink takes a Frame, not a {type(frame).__name__}; "
            "wrap an array, as Frame(array, index=0, time=0.0)"
        )
    if (frame.layout, frame.width, frame.height) != (info.layout, info.width, info.height):
        raise SinkError(
            f"{path} was opened for pictures of {info.width}x{info.height} ({info.layout}) and is "
            f"given one of {frame.width}x{frame.height} ({frame.layout}); open it for what is "
            "written, or bring the picture to that"
        )


class AbortingContext(ABC):
    """Context manager of a sink, which is closed on success and aborted on an error."""

    @abstractmethod
    def close(self) -> None:
        """Finish the output and publish it."""

    @abstractmethod
    def abort(self) -> None:
        """Remove everything written so far."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if error is not None:
            self.abort()
            return
        try:
            self.close()
        except BaseException:
            self.abort()
            raise
