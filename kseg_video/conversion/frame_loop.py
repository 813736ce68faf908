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

from kseg_video.conversion.reader_writer_threads import Writer
from kseg_video.conversion.report import ConversionReport, EventRecord
from kseg_video.core.color_spaces import from_working
from kseg_video.core.palette import Palette, changes_since_first, hex_colors, shares_of
from kseg_video.core.settings import RenderSettings
from kseg_video.core.timing import StageTimer
from kseg_video.native import kernels
from kseg_video.rendering.cluster_selection import FollowedSelection, pinned
from kseg_video.rendering.paints import note_on_paint
from kseg_video.rendering.renderer import (
    Renderer,
    follows_colors,
    has_background,
    is_painted,
    is_simplified,
)
from kseg_video.segmentation.segmenter import Segmenter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from kseg_video.conversion.reader_writer_threads import Reader
    from kseg_video.conversion.report import ConversionObserver
    from kseg_video.core.cluster_selectors import ClusterSelection
    from kseg_video.core.frame import Frame, PixelLayout, Segmentation
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.reading.background_source import BackgroundSource
    from kseg_video.reading.look_ahead import LookAhead
    from kseg_video.reading.sources import FrameSource
    from kseg_video.writing.sinks import FrameSink

_SHOWS_ALL = {"original", "boundaries", "labels"}  # the views in which no cluster is switched off
# Rows of each frame in which a video's shares are counted, different ones from frame to frame. More
# cost time, fewer add noise; the shares come out as with all rows, in a quarter of the time.
_COUNTED_ROWS = 256
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
        Records the statistics of each frame and its segmentation.
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
        self.keep: Callable[[Frame, Segmentation], None] | None = None
        self.notes: tuple[str, ...] = ()
        self._source = source
        self._settings = settings
        self._segmenter = Segmenter(settings, self.timer)
        self._renderer = Renderer()
        self._segmented: Iterator[tuple[Frame, Segmentation]] = iter(())
        self._given_disabled = rendering.disabled
        self._held = pinned(rendering.disabled, settings.cluster_count)
        self._selected: FollowedSelection | None = None
        self._idle_notes: tuple[str, ...] = ()
        self._started = started
        self._frames = 0
        self._inertia_sum = 0.0
        self._share_sum: NDArray[np.float64] = np.zeros(settings.cluster_count)
        self._centroid_sum: NDArray[np.float64] = np.zeros((settings.cluster_count, 3))
        self._events: list[EventRecord] = []
        self._nth_row = 1 if source.info.is_image else max(source.info.height // _COUNTED_ROWS, 1)
        self._first_palette: Palette | None = None
        self._last: Segmentation | None = None

    def begin(self, reader: Reader, selection: ClusterSelection) -> None:
        """Segment the first frame and resolve the cluster selection on it."""
        segmented = self._segment_all(reader)
        first = next(segmented)
        self._first_palette = first[1].palette
        is_image = self._source.info.is_image
        self._selected = FollowedSelection(selection, first[1], is_image=is_image)
        self._switch(self._selected.disabled)
        count = len(first[1].colors)
        self._held = pinned(self.rendering.disabled, count)
        if self._selected.resolved.is_complete:
            self._idle_notes = tuple(_without_effect(self.rendering, count))
        self._segmented = chain([first], segmented)

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

    def each(
        self, take: Callable[[Frame, Segmentation], None], observer: ConversionObserver | None
    ) -> None:
        """Segment every frame, and give it and its segmentation away."""
        for frame, segmentation in self._segmented:
            take(frame, segmentation)
            self._note(frame, segmentation)
            if self.keep is not None:
                with self.timer.stage("measure"):
                    self.keep(frame, segmentation)
            if observer is not None:
                observer.on_frame(frame, segmentation)

    def _segment_all(self, reader: Reader) -> Iterator[tuple[Frame, Segmentation]]:
        for frame in reader.frames():
            if self.look_ahead is not None:
                with self.timer.stage("look ahead"):
                    self._segmenter.add_look_ahead(self.look_ahead.until(frame.time))
            segmentation = self._segmenter.segment(
                frame, self._held, keep_cells=follows_colors(self.rendering)
            )
            if self._selected is not None:
                self._selected.follow(segmentation, frame.time)
                self._switch(self._selected.disabled)
            yield frame, segmentation

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
        selection = self._selected.clusters
        return ConversionReport(
            source=source,
            output=output,
            info=self._source.info,
            frames=self._frames,
            bytes_written=0 if sink is None else sink.bytes_written,
            seconds=time.perf_counter() - self._started,
            settings=self._settings,
            disabled=self.rendering.disabled,
            palette=palette,
            first_palette=first,
            inertia=self._inertia_sum / self._frames,
            events=tuple(self._events),
            stage_milliseconds=self.timer.milliseconds_per(self._frames),
            notes=(
                *self.notes,
                *self._selected.notes,
                *self._idle_notes,
                *_note_on_paint(self.rendering, palette),
                *_note_on_changes(palette, first),
                *self._source.notes,
                *(() if sink is None else sink.notes),
                *_note_on_kernels(self._source.info),
            ),
            warnings=(*self._source.warnings, *_without_hue(selection)),
            selection=selection,
            paint=self._painted_colors(),
        )

    def _painted_colors(self) -> tuple[str, ...]:
        """Colours in which clusters were painted, if these were not their own."""
        if self.rendering.paint is None or not is_painted(self.rendering):
            return ()
        return hex_colors(self._renderer.colors)

    def _palette(self, last: Segmentation) -> Palette:
        """The clusters' colours and shares, averaged over all frames."""
        shares = self._share_sum[:, np.newaxis]
        means = self._centroid_sum / np.maximum(shares, _LEAST_SHARE)
        centroids = np.where(shares > _LEAST_SHARE, means, last.centroids).astype(np.float32)
        colors = from_working(centroids, last.color_space)
        return Palette(centroids, colors, self._share_sum / self._frames, last.real)

    def _note(self, frame: Frame, segmentation: Segmentation) -> None:
        self._inertia_sum += segmentation.inertia
        rows = segmentation.labels[self._frames % self._nth_row :: self._nth_row]
        shares = shares_of(rows, len(self._share_sum))
        self._share_sum += shares
        self._centroid_sum += shares[:, np.newaxis] * segmentation.centroids
        self._last = segmentation
        self._frames += 1
        if segmentation.event != "warm":
            self._events.append(EventRecord(frame.index, frame.time, segmentation.event))


def _note_on_changes(palette: Palette, first: Palette) -> Iterator[str]:
    if others := changes_since_first(palette, first):
        yield f"clusters that began as other colours: {others}"


def _note_on_paint(rendering: RenderSettings, palette: Palette) -> Iterator[str]:
    if rendering.paint is not None and is_painted(rendering):
        note = note_on_paint(rendering.paint, palette.n_real)
        if note is not None:
            yield note


def _without_hue(selection: dict[str, list[int]]) -> Iterator[str]:
    """Warnings of colours that no cluster had in any frame."""
    for name, clusters in selection.items():
        if not clusters:
            yield f"no cluster was {name} in any frame; kseg-video palette lists the colours"


def _note_on_kernels(info: VideoInfo) -> Iterator[str]:
    """Note on slow labels, since pip hides what the installation says."""
    if not kernels.ARE_COMPILED and not info.is_image:
        yield "labels took twice the time, without compiled code; see kseg-video doctor"


def _without_effect(rendering: RenderSettings, n_clusters: int) -> Iterator[str]:
    """Notes on rendering settings that have no visible effect."""
    if len(rendering.disabled) == n_clusters and has_background(rendering):
        yield "all clusters are switched off, so nothing of the source is seen"
    given = rendering.background != RenderSettings().background
    if given and not has_background(rendering):
        yield f"{rendering.view} has no background, so {rendering.background} is seen nowhere"
    smoothing = ("feather",) if rendering.view == "boundaries" else ("feather", "despeckle")
    smooths = " and ".join(name for name in smoothing if getattr(rendering, name))
    idle = f"so there is nothing for {smooths} to do"
    if smooths and not has_background(rendering) and rendering.view != "matte":
        yield f"{rendering.view} switches nothing off, {idle}"
    if rendering.paint is not None and not is_painted(rendering):
        yield f"{rendering.view} shows no cluster in a colour, so that there is nothing to paint"
    if rendering.simplify and not is_simplified(rendering):
        yield f"{rendering.view} does not show the regions, so that there is nothing to simplify"
    if rendering.disabled and rendering.view in _SHOWS_ALL:
        yield f"{rendering.view} shows all clusters, so that switching some off hides nothing"
    if rendering.disabled:
        return
    if rendering.view == "masked":
        yield "no cluster is switched off, so masked shows the whole source"
    elif rendering.view == "matte":
        yield "no cluster is switched off, so the matte is white throughout"
    elif given and has_background(rendering):
        yield f"no cluster is switched off, so {rendering.background} is seen nowhere"
    elif smooths and has_background(rendering):
        yield f"no cluster is switched off, {idle}"
