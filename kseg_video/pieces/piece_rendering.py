"""Rendering of one piece of a conversion, in any process that sees its files."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.conversion.frame_statistics import RunTotals, measure
from kseg_video.conversion.looked_frames import checksum
from kseg_video.conversion.reader_writer_threads import Reader, Writer
from kseg_video.core.errors import SourceError, cannot_write
from kseg_video.core.media_settings import TrimSettings
from kseg_video.core.timing import StageTimer
from kseg_video.pieces.piece_files import RenderedPiece
from kseg_video.reading.background_source import open_background
from kseg_video.reading.input_file_checks import blamed_if_it_shrinks
from kseg_video.reading.sources import OpeningSource
from kseg_video.rendering.renderer import Renderer, follows_colors
from kseg_video.segmentation.segmenter import Segmenter
from kseg_video.writing.sinks import open_sink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kseg_video.conversion.frame_statistics import FrameStatistics
    from kseg_video.conversion.looked_frames import LookedFrame
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.settings import RenderSettings
    from kseg_video.pieces.piece_files import PieceFiles
    from kseg_video.pieces.plan import Piece
    from kseg_video.reading.background_source import BackgroundSource

_BETWEEN_SIGNS = 0.5  # seconds between signs of life; fewer burden a shared disk


class _OtherFramesError(Exception):
    """The decoder gave other frames than those that were looked at."""


def render_piece(piece: Piece, files: PieceFiles) -> None:
    """Render a piece, unless that is done.

    Raises
    ------
    KsegError
        If it cannot be read or written, or the conversion has ended meanwhile.
    """
    if files.is_finished:
        return
    source, first = piece.settings.source, piece.first - piece.run_up
    begin = piece.settings.first_time
    start = begin + first / float(piece.settings.info.frame_rate)
    try:
        try:
            files.finish(_rendered(piece, files, start, 0))
        except _OtherFramesError:  # a file in which a seek does not lead to the same pictures
            files.finish(_rendered(piece, files, begin, first))
    except _OtherFramesError:
        raise SourceError(
            f"{source} gives other pictures each time it is decoded; convert it without pieces"
        ) from None
    except OSError as error:
        raise cannot_write(files.video, error) from error


def _rendered(piece: Piece, files: PieceFiles, start: float, skipped: int) -> RenderedPiece:
    """Render a piece from the frames of the source from a time on, of which some are skipped."""
    settings, timer = piece.settings, StageTimer()
    segmenter, renderer = Segmenter(settings.segmenter, timer), Renderer(piece.painter)
    totals = RunTotals(settings.segmenter.cluster_count, settings.info)
    rows: list[FrameStatistics] = []
    background: BackgroundSource | None = None

    def paint(frame: Frame, segmentation: Segmentation, rendering: RenderSettings) -> Frame:
        behind = None if background is None else background.next()
        layout = settings.painted.layout
        return renderer.render(frame, segmentation, rendering, layout, behind)

    with ExitStack() as stack:
        stack.enter_context(blamed_if_it_shrinks(settings.source))
        trim = TrimSettings(max(start, 0.0), max_frames=skipped + len(piece.looked))
        opened = OpeningSource(settings.source).open(trim, settings.decoder)
        reader = stack.enter_context(Reader(stack.enter_context(opened), timer))
        path = settings.rendering.background
        if settings.behind is not None and isinstance(path, Path):
            background = open_background(path, settings.behind)
            stack.enter_context(background)
            for _ in range(piece.first - piece.run_up):
                background.next()
        sink = stack.enter_context(open_sink(files.video, settings.painted, settings.encoder))
        writer = stack.enter_context(Writer(sink, paint, timer, piece.first))
        told = -1.0
        for frame, looked in _same_frames(piece, islice(reader.frames(), skipped, None)):
            rendering = replace(settings.rendering, disabled=looked.disabled)
            cells = follows_colors(rendering)
            segmentation = segmenter.map(frame, looked.palette, keep_cells=cells)
            writer.write(frame, segmentation, rendering)
            if frame.index >= piece.first:
                totals.add(frame, segmentation)
                if settings.measures:
                    with timer.stage("measure"):
                        rows.append(measure(frame, segmentation))
            if time.monotonic() >= told + _BETWEEN_SIGNS:
                files.tell(totals.frames)
                told = time.monotonic()
        writer.finish()
    milliseconds = timer.milliseconds_per(1)
    colors = renderer.paint(settings.rendering)
    return RenderedPiece(totals, rows, milliseconds, tuple(sink.notes), colors)


def _same_frames(piece: Piece, frames: Iterator[Frame]) -> Iterator[tuple[Frame, LookedFrame]]:
    """Yield frames with what is known of them, numbered as in the conversion."""
    settings = piece.settings
    for index, looked in enumerate(piece.looked, piece.first - piece.run_up):
        frame = next(frames, None)
        if frame is None or checksum(frame) != looked.checksum:
            raise _OtherFramesError
        time_ = settings.first_time + index / float(settings.info.frame_rate)
        yield replace(frame, index=index, time=time_), looked
