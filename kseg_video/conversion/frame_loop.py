"""The frame loop: reading, segmenting, and painting with writing run concurrently.

The first failure ends the run and is raised to the caller; no thread, process or file is left
behind.
"""

from __future__ import annotations

import time
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.conversion.frame_statistics import RunTotals, measure
from kseg_video.conversion.looked_frames import LookedFrame, checksum, unlabelled
from kseg_video.conversion.reader_writer_threads import Writer
from kseg_video.conversion.report import ConversionReport, EventRecord
from kseg_video.conversion.run_notes import (
    note_on_kernels,
    notes_on_palette,
    notes_without_effect,
    warnings_without_hue,
)
from kseg_video.core.color_spaces import from_working
from kseg_video.core.palette import Palette
from kseg_video.core.timing import StageTimer
from kseg_video.rendering.cluster_selection import FollowedSelection, pinned
from kseg_video.rendering.renderer import (
    Renderer,
    follows_colors,
)
from kseg_video.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from kseg_video.conversion.frame_statistics import FrameStatistics
    from kseg_video.conversion.looked_frames import LookedFrames
    from kseg_video.conversion.reader_writer_threads import Reader
    from kseg_video.conversion.report import ConversionObserver
    from kseg_video.core.cluster_selectors import ClusterSelection
    from kseg_video.core.frame import Frame, PixelLayout, Segmentation
    from kseg_video.core.settings import RenderSettings, SegmenterSettings
    from kseg_video.reading.background_source import BackgroundSource
    from kseg_video.reading.look_ahead import LookAhead
    from kseg_video.reading.sources import FrameSource
    from kseg_video.segmentation.palette_tracker import FramePalette
    from kseg_video.writing.sinks import FrameSink

# Share, summed over all frames, below which a cluster has no mean colour and keeps its last one.
_LEAST_SHARE = 1e-9


class ConversionRun:
    """One pass over a source, and the figures gathered for its report.

    Parameters
    ----------
    source : FrameSource
    settings : SegmenterSettings
        With the defaults that depend on the input filled in.
    rendering : RenderSettings
    started : float
        `time.perf_counter` at the start of the run, from which the report counts the seconds.

    Attributes
    ----------
    rendering : RenderSettings
        After `begin`, also with the selected clusters, as of the frame segmented last.
    background : BackgroundSource, optional
        Gives the background picture of each frame.
    look_ahead : LookAhead, optional
        Gives samples of upcoming frames.
    keep : callable, optional
        Records the statistics of each frame.
    notes : tuple of str
        Notes on the settings, for the report.
    """

    def __init__(
        self,
        source: FrameSource,
        settings: SegmenterSettings,
        rendering: RenderSettings,
        started: float,
    ) -> None:
        self.timer = StageTimer()
        self.rendering = rendering
        self.background: BackgroundSource | None = None
        self.look_ahead: LookAhead | None = None
        self.keep: Callable[[FrameStatistics], None] | None = None
        self.notes: tuple[str, ...] = ()
        self._source = source
        self.settings = settings
        self._segmenter = Segmenter(settings, self.timer)
        self._renderer = Renderer()
        self._told: tuple[list[str], list[str]] | None = None  # by the source of an earlier run
        self._paint: tuple[str, ...] = ()
        self._begun: tuple[Frame, FramePalette, Segmentation] | None = None
        self._frames: Iterator[Frame] = iter(())  # after the first
        self._given_disabled = rendering.disabled
        self._held = pinned(rendering.disabled, settings.cluster_count)
        self._selected: FollowedSelection | None = None
        self._idle_notes: tuple[str, ...] = ()
        self._started = started
        self._totals = RunTotals(settings.cluster_count, source.info)
        self._events: list[EventRecord] = []
        self._first_palette: Palette | None = None
        self._last: Segmentation | FramePalette | None = None

    def begin(self, reader: Reader, selection: ClusterSelection) -> None:
        """Segment the first frame and resolve the cluster selection on it."""
        frames = self._ahead(reader)
        frame = next(frames)
        palette = self._segmenter.fit(frame, self._held)
        cells = follows_colors(self.rendering)
        first = self._segmenter.map(frame, palette, keep_cells=cells)
        self._first_palette = first.palette
        is_image = self._source.info.is_image
        self._selected = FollowedSelection(selection, first, is_image=is_image)
        self._switch(self._selected.disabled)
        count = len(first.colors)
        self._held = pinned(self.rendering.disabled, count)
        if self._selected.resolved.is_complete:
            self._idle_notes = tuple(notes_without_effect(self.rendering, count))
        self._begun, self._frames = (frame, palette, first), frames

    def drive(
        self, sink: FrameSink, layout: PixelLayout, observer: ConversionObserver | None
    ) -> None:
        """Segment, paint and write every frame."""

        def paint(frame: Frame, segmentation: Segmentation, rendering: RenderSettings) -> Frame:
            behind = None if self.background is None else self.background.next()
            return self._renderer.render(frame, segmentation, rendering, layout, behind)

        with Writer(sink, paint, self.timer) as writer:
            self.each(
                lambda frame, segmentation: writer.write(frame, segmentation, self.rendering),
                observer,
            )
            writer.finish()
        self._paint = self._renderer.paint(self.rendering)

    def each(
        self, take: Callable[[Frame, Segmentation], None], observer: ConversionObserver | None
    ) -> None:
        """Segment every frame, and give it and its segmentation away."""
        for frame, segmentation in self._segmented():
            take(frame, segmentation)
            self._totals.add(frame, segmentation)
            self._note(frame.index, frame.time, segmentation)
            if self.keep is not None:
                with self.timer.stage("measure"):
                    self.keep(measure(frame, segmentation))
            if observer is not None:
                observer.on_frame(frame, segmentation)

    def _segmented(self) -> Iterator[tuple[Frame, Segmentation]]:
        assert self._begun is not None
        frame, _, first = self._begun
        yield frame, first
        for frame in self._frames:
            cells = follows_colors(self.rendering)
            segmentation = self._segmenter.segment(frame, self._held, keep_cells=cells)
            self._follow(segmentation, frame.time)
            yield frame, segmentation

    def look(self) -> Iterator[LookedFrame]:
        """Look at every frame: follow the palette and the selection, without labels."""
        assert self._begun is not None
        first, palette, _ = self._begun
        for frame in chain([first], self._frames):
            if frame is not first:
                palette = self._segmenter.fit(frame, self._held)
            yield self._looked(frame.index, frame.time, palette, checksum(frame))

    def look_again(
        self, kept: tuple[LookedFrames, tuple[list[str], list[str]]]
    ) -> Iterator[LookedFrame]:
        """Follow the selection through frames that an earlier run has looked at.

        Parameters
        ----------
        kept : tuple of LookedFrames and `told_by_source`
            Of that run.
        """
        rate = float(self._source.info.frame_rate)
        frames, self._told = kept
        for index, frame in enumerate(frames):
            yield self._looked(index, self.first_time + index / rate, frame.palette, frame.checksum)

    @property
    def told_by_source(self) -> tuple[list[str], list[str]]:
        """Notes and warnings on the reading; complete after the last frame."""
        return self._told or (self._source.notes, self._source.warnings)

    def take_over(
        self, totals: RunTotals, milliseconds: Mapping[str, float], paint: tuple[str, ...]
    ) -> None:
        """Add frames that were rendered elsewhere.

        Parameters
        ----------
        totals : RunTotals
        milliseconds : mapping of str to float
            Of each stage, for all of them.
        paint : tuple of str
            Colours in which clusters are painted in the last of them.
        """
        self._totals.add_all(totals)
        for name, cost in milliseconds.items():
            self.timer.seconds[name] = self.timer.seconds.get(name, 0.0) + cost / 1000
        self._paint = paint

    @property
    def first_time(self) -> float:
        """Time stamp of the first frame, in seconds."""
        assert self._begun is not None
        return self._begun[0].time

    def _looked(self, index: int, time_: float, palette: FramePalette, number: int) -> LookedFrame:
        if index and palette.event != "warm":
            self._follow(unlabelled(palette, self.settings.color_space), time_)
        self._note(index, time_, palette)
        return LookedFrame(palette, self.rendering.disabled, number)

    def _ahead(self, reader: Reader) -> Iterator[Frame]:
        """Yield the frames, each when the segmenter has looked ahead from it."""
        for frame in reader.frames():
            if self.look_ahead is not None:
                with self.timer.stage("look ahead"):
                    self._segmenter.add_look_ahead(self.look_ahead.until(frame.time))
            yield frame

    def _follow(self, palette: Segmentation, time: float) -> None:
        assert self._selected is not None
        self._selected.follow(palette, time)
        self._switch(self._selected.disabled)

    def _switch(self, selected: frozenset[int]) -> None:
        disabled = self._given_disabled | selected
        if disabled != self.rendering.disabled:
            self.rendering = replace(self.rendering, disabled=disabled)

    def report(self, source: Path, output: Path, sink: FrameSink | None = None) -> ConversionReport:
        """Report on the finished run, and on its sink if it had one."""
        assert self._first_palette is not None
        assert self._last is not None
        assert self._selected is not None
        palette, first = self._palette(self._last), self._first_palette
        selection, told = self._selected.clusters, self.told_by_source
        return ConversionReport(
            source=source,
            output=output,
            info=self._source.info,
            frames=self._totals.frames,
            bytes_written=0 if sink is None else sink.bytes_written,
            seconds=time.perf_counter() - self._started,
            settings=self.settings,
            disabled=self.rendering.disabled,
            palette=palette,
            first_palette=first,
            inertia=self._totals.inertia / self._totals.frames,
            events=tuple(self._events),
            stage_milliseconds=self.timer.milliseconds_per(self._totals.frames),
            notes=(
                *self.notes,
                *self._selected.notes,
                *self._idle_notes,
                *notes_on_palette(self.rendering, palette, first),
                *told[0],
                *(() if sink is None else sink.notes),
                *note_on_kernels(self._source.info),
            ),
            warnings=(*told[1], *warnings_without_hue(selection)),
            selection=selection,
            paint=self._paint,
        )

    def _palette(self, last: Segmentation | FramePalette) -> Palette:
        """The clusters' colours and shares, averaged over all frames."""
        totals = self._totals
        shares = totals.shares[:, np.newaxis]
        means = totals.centroids / np.maximum(shares, _LEAST_SHARE)
        centroids = np.where(shares > _LEAST_SHARE, means, last.centroids).astype(np.float32)
        colors = from_working(centroids, self.settings.color_space)
        return Palette(centroids, colors, totals.shares / totals.frames, last.real)

    def _note(self, number: int, time: float, palette: Segmentation | FramePalette) -> None:
        self._last = palette
        if palette.event != "warm":
            self._events.append(EventRecord(number, time, palette.event))
