"""What a run says of itself, while it goes on and at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import Event, Frame, Segmentation, VideoInfo
    from kseg_video.core.palette import Palette
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.core.timing import StageTimer


@dataclass(frozen=True, slots=True)
class EventRecord:
    """A frame whose palette did not simply follow from the frame before.

    Parameters
    ----------
    frame : int
        Number of the frame, from 0.
    time : float
        Seconds of the input's own time.
    event : {"cold", "cut", "reseed"}
    """

    frame: int
    time: float
    event: Event


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What a conversion did.

    Parameters
    ----------
    source, output : Path
    info : VideoInfo
        Of the source.
    frames : int
        Frames written.
    seconds : float
        Wall-clock time it took.
    settings : SegmenterSettings
        As used, with the choices left to the input filled in.
    disabled : frozenset of int
        Clusters that were switched off.
    palette : Palette
        Means over all frames, each of which tells by some of its rows.
    first_palette : Palette
        That of the first frame.
    inertia : float
        Mean over the frames of `kseg_video.core.frame.Segmentation.inertia`.
    events : tuple of EventRecord
    stage_milliseconds : dict of str to float
        Mean time of each stage for a frame; the stages overlap.
    notes : tuple of str
        What the user should know of how the output was made.
    warnings : tuple of str
        What went wrong on the way.
    """

    source: Path
    output: Path
    info: VideoInfo
    frames: int
    seconds: float
    settings: SegmenterSettings
    disabled: frozenset[int]
    palette: Palette
    first_palette: Palette
    inertia: float
    events: tuple[EventRecord, ...]
    stage_milliseconds: dict[str, float]
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def frames_per_second(self) -> float:
        """Frames written for each second that it took."""
        return self.frames / self.seconds if self.seconds else 0.0

    @property
    def compactness(self) -> float | None:
        """Of a still, inertia times pixels: mapped exactly, the sum that `cv2.kmeans` reports."""
        return self.inertia * self.info.width * self.info.height if self.info.still else None


@runtime_checkable
class RunObserver(Protocol):
    """Is told how a run goes, in the thread that called `convert`."""

    def on_start(self, source: Path, output: Path, info: VideoInfo, timer: StageTimer) -> None:
        """The source and the sink are open."""
        ...

    def on_frame(self, frame: Frame, segmentation: Segmentation) -> None:
        """A frame has been segmented and handed to the sink."""
        ...

    def on_finish(self, report: Report) -> None:
        """The output stands under its name."""
        ...
