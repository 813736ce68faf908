"""The pieces of a conversion: where each begins, and what it takes to render it anywhere.

The plan follows from the input and the settings alone, never from who works on it.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kseg_video.conversion.looked_frames import LookedFrames, unlabelled
from kseg_video.rendering.paints import Painter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from kseg_video.conversion.looked_frames import LookedFrame
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.media_settings import DecoderSettings, EncoderSettings
    from kseg_video.core.settings import ColorSpace, RenderSettings, SegmenterSettings
    from kseg_video.segmentation.palette_tracker import FramePalette

# A piece ends at the first cut after so many seconds, and without one after so many. Longer ones
# share the work less evenly, shorter ones cost more starts and, between cuts, more run-ups.
_SHORTEST, _LONGEST = 20.0, 60.0
# Frames segmented before a piece that begins within a shot. More make its first labels more like
# those of a run without pieces; fewer take less time.
_RUN_UP = 25


@dataclass(frozen=True, slots=True, eq=False)
class PieceSettings:
    """What all pieces of a conversion have in common.

    Parameters
    ----------
    source : Path
    decoder : DecoderSettings
    info : VideoInfo
        Of the source's frames.
    first_time : float
        Time stamp of the first frame of the conversion, in seconds.
    segmenter : SegmenterSettings
        With the defaults that depend on the input filled in.
    rendering : RenderSettings
    painted : VideoInfo
        Of the rendered frames.
    encoder : EncoderSettings
    behind : VideoInfo, optional
        Of the backgrounds, if a file is one and may be seen.
    measures : bool
        Whether statistics of every frame are wanted.
    """

    source: Path
    decoder: DecoderSettings
    info: VideoInfo
    first_time: float
    segmenter: SegmenterSettings
    rendering: RenderSettings
    painted: VideoInfo
    encoder: EncoderSettings
    behind: VideoInfo | None
    measures: bool

    @property
    def is_divisible(self) -> bool:
        """Whether a piece can begin anywhere.

        At another rate, decoding from the middle may choose other frames; vivid paint depends on
        earlier frames.
        """
        return self.decoder.frame_rate is None and self.rendering.paint != "vivid"


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """A piece of a conversion.

    Parameters
    ----------
    number : int
        From 0.
    first : int
        Number of its first frame in the conversion.
    run_up : int
        Number of frames before it that are segmented, too.
    looked : LookedFrames
        Those frames and its own.
    painter : Painter
        As it is before them.
    settings : PieceSettings
    """

    number: int
    first: int
    run_up: int
    looked: LookedFrames = field(repr=False)
    painter: Painter = field(repr=False)
    settings: PieceSettings = field(repr=False)

    @property
    def count(self) -> int:
        """Number of its frames."""
        return len(self.looked) - self.run_up

    @property
    def own(self) -> LookedFrames:
        """Its frames, without those before it."""
        return self.looked.after(self.run_up)


def planned(frames: Iterable[LookedFrame], settings: PieceSettings) -> Iterator[Piece]:
    """Divide a conversion into pieces, each as soon as its end is known."""
    rate = settings.info.frame_rate
    # A run-up longer than its piece would cost more than it shares.
    shortest, longest = (max(round(each * rate), _RUN_UP) for each in (_SHORTEST, _LONGEST))
    before: list[LookedFrame] = []
    own: list[LookedFrame] = []
    painter, number, first = _PainterBefore(settings), 0, 0

    def piece() -> Piece:
        run_up = [] if own[0].palette.event == "cut" else before[-_RUN_UP:]
        looked = LookedFrames.of([*run_up, *own])
        start = copy.deepcopy(painter.at(first - len(run_up)))
        return Piece(number, first, len(run_up), looked, start, settings)

    for index, frame in enumerate(frames):
        is_long = len(own) >= longest or (len(own) >= shortest and frame.palette.event == "cut")
        if is_long and settings.is_divisible:
            yield piece()
            before, own = own, []
            number, first = number + 1, index
        own.append(frame)
        painter.follow(index, frame.palette)
    yield piece()


class _PainterBefore:
    """The painter as it is before any of the last frames."""

    def __init__(self, settings: PieceSettings) -> None:
        self._paint = settings.rendering.paint
        self._space: ColorSpace = settings.segmenter.color_space
        self._painters: list[tuple[int, Painter]] = [(0, Painter())]

    def follow(self, index: int, palette: FramePalette) -> None:
        """Follow the clusters to the next frame."""
        if self._paint is None or self._paint == "vivid" or (palette.event == "warm" and index):
            return
        painter = copy.deepcopy(self._painters[-1][1])
        painter.follow(None, unlabelled(palette, self._space), self._paint)
        self._painters.append((index + 1, painter))

    def at(self, index: int) -> Painter:
        """The painter before a frame; earlier ones are forgotten."""
        earlier = [each for each in self._painters if each[0] <= index]
        self._painters = self._painters[len(earlier) - 1 :]
        return self._painters[0][1]
