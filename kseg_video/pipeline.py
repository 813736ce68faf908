"""The frame loop: read, segment, paint and write, each at work while the others are.

Whatever fails first ends the run and is what the caller gets; no thread, process or file is left
behind.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.background_files import BackgroundFile, check_background, open_background
from kseg_video.cluster_choice import choose
from kseg_video.errors import SettingsError
from kseg_video.media_settings import (
    DecoderSettings,
    EncoderSettings,
    StatisticsSettings,
    TrimSettings,
)
from kseg_video.palette import Palette, shares_of
from kseg_video.palette_finding import choose_for_source
from kseg_video.rendering import Renderer, follows_colors, is_transparent, view_layout, view_width
from kseg_video.report import EventRecord, Report
from kseg_video.segmenter import Segmenter
from kseg_video.settings import ClusterChoice, RenderSettings, SegmenterSettings, check_numbers
from kseg_video.sinks import FrameSink, open_sink
from kseg_video.sources import FrameSource, open_source
from kseg_video.statistics_keeping import check_statistics, keep_statistics
from kseg_video.stills import LOSSY_STILL_SUFFIXES, STILL_SUFFIXES
from kseg_video.targets import (
    ANIMATION_SUFFIX,
    ARCHIVE_SUFFIX,
    check_is_another,
    check_output,
    check_target,
)
from kseg_video.timing import StageTimer
from kseg_video.workers import Reader, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from kseg_video.frame import Frame, PixelLayout, Segmentation, VideoInfo
    from kseg_video.report import RunObserver

# The shares of a whole video are told by about so many rows of each frame, others each time, as
# well as by all, and in a quarter of the time.
_COUNTED_ROWS = 256


def convert(  # noqa: PLR0913 - one for each part
    source: str | Path,
    output: str | Path,
    *,
    segmenter: SegmenterSettings | None = None,
    rendering: RenderSettings | None = None,
    encoder: EncoderSettings | None = None,
    trim: TrimSettings | None = None,
    decoder: DecoderSettings | None = None,
    choose_clusters: bool = False,
    statistics: StatisticsSettings | None = None,
    choice: ClusterChoice | None = None,
    observer: RunObserver | None = None,
) -> Report:
    """Turn a video, a still or a folder of stills into a segmented or masked one.

    Parameters
    ----------
    source, output : str or Path
        See `open_source` and `open_sink`.
    segmenter : SegmenterSettings, optional
    rendering : RenderSettings, optional
    encoder : EncoderSettings, optional
    trim : TrimSettings, optional
    decoder : DecoderSettings, optional
    choose_clusters : bool
        Whether the number of clusters is chosen after the source's colours, instead of the
        segmenter's (see `kseg_video.cluster_count`).
    statistics : StatisticsSettings, optional
        Figures of every frame, kept in files of their own.
    choice : ClusterChoice, optional
        Clusters to switch off, found on the first frame, besides those of `rendering`.
    observer : RunObserver, optional

    Returns
    -------
    Report

    Raises
    ------
    SettingsError
        If the settings contradict each other or the output's suffix.
    SourceError
        If the source or the background cannot be read, or a chosen pixel lies outside the picture.
    SinkError
        If the output cannot be written; nothing is left of it then.
    """
    started = time.perf_counter()
    source, output = Path(source), Path(output)
    segmenter = segmenter or SegmenterSettings()
    rendering = rendering or RenderSettings()
    encoder = encoder or EncoderSettings()
    choice = choice or ClusterChoice()
    check_settings(output, rendering, encoder)
    if isinstance(rendering.background, Path):
        check_background(rendering.background)
    check_is_another(output, source)
    check_target(output, encoder)
    if statistics is not None:
        if output in statistics.paths:
            raise SettingsError(f"{output} is to hold two things; give the statistics another name")
        for path in statistics.paths:
            check_is_another(path, source)
        check_statistics(statistics, overwrite=encoder.overwrite)
    chosen = None
    if choose_clusters:
        chosen = choose_for_source(source, segmenter, trim, decoder)
        segmenter = replace(segmenter, n_clusters=chosen.count)
    check_numbers(rendering.disabled | choice.numbers, segmenter)
    with open_source(source, trim, decoder) as frames, ExitStack() as stack:
        run = _Run(frames, _for_input(segmenter, frames.info), rendering, started)
        run.begin(stack.enter_context(Reader(frames, run.timer)), choice)
        if statistics is not None:
            run.keep = stack.enter_context(
                keep_statistics(statistics, frames.info.frame_rate, overwrite=encoder.overwrite)
            )
        painted = _painted_info(frames.info, output, run.rendering, encoder)
        if isinstance(rendering.background, Path) and run.rendering.disabled:
            behind = replace(frames.info, layout=painted.layout)
            run.background = stack.enter_context(open_background(rendering.background, behind))
        with open_sink(output, painted, encoder, frames.tracks) as sink:
            if observer is not None:
                observer.on_start(source, output, frames.info, run.timer)
            run.drive(sink, painted.layout, observer)
    report = run.report(source, output, sink)
    if chosen is not None:
        report = replace(report, notes=(chosen.reason, *report.notes))
    if observer is not None:
        observer.on_finish(report)
    return report


def check_settings(output: Path, rendering: RenderSettings, encoder: EncoderSettings) -> None:
    """Check what can be known before any file is touched.

    Raises
    ------
    SettingsError
        If the settings contradict each other or the output's suffix.
    """
    check_output(output, encoder, transparent=is_transparent(rendering))
    if rendering.background == "picture":
        raise SettingsError("the background's picture is missing; give its file as a Path")
    suffix = output.suffix.lower()
    exact = {ARCHIVE_SUFFIX, *STILL_SUFFIXES} - LOSSY_STILL_SUFFIXES
    if rendering.view == "labels" and not (suffix in exact or encoder.lossless):
        raise SettingsError(
            "cluster numbers survive only in lossless outputs; choose --lossless with .mkv, .npz, "
            "or .png (numbered for a video: labels-%05d.png)"
        )
    if suffix == ARCHIVE_SUFFIX and rendering.view != "labels":
        raise SettingsError(f"{suffix} holds label maps; choose --view labels with it")


def _without_effect(rendering: RenderSettings) -> Iterator[str]:
    """What is asked for and seen nowhere, since no cluster is off."""
    if rendering.disabled:
        return
    if rendering.view == "masked":
        yield "no cluster is switched off, so masked shows the whole source"
    elif rendering.view == "matte":
        yield "no cluster is switched off, so the matte is white throughout"
    elif rendering.background != RenderSettings().background:
        yield f"no cluster is switched off, so {rendering.background} is seen nowhere"


def _for_input(settings: SegmenterSettings, info: VideoInfo) -> SegmenterSettings:
    """Fill in the choices that are left to the input."""
    if not info.still:
        return replace(settings, mapping=settings.mapping or "fast")
    return replace(
        settings,
        mapping=settings.mapping or "exact",
        sample_pixels=settings.sample_pixels or "all",
    )


def _painted_info(
    info: VideoInfo, output: Path, rendering: RenderSettings, encoder: EncoderSettings
) -> VideoInfo:
    """What is known of the painted pictures."""
    layout: PixelLayout = info.layout
    rgb = output.suffix.lower() in {ANIMATION_SUFFIX, *STILL_SUFFIXES}
    if rendering.view in {"labels", "matte"}:
        layout = "gray8"
    elif rgb or (encoder.lossless and rendering.view in {"segmented", "side-by-side"}):
        layout = "bgr24"  # YUV would round the palette's colours
    else:
        layout = view_layout(layout, info.width, rendering)
    has_alpha = (info.has_alpha or is_transparent(rendering)) and layout != "gray8"
    width = view_width(info.width, rendering)
    return replace(info, width=width, layout=layout, has_alpha=has_alpha)


class _Run:
    """One pass over a source, and what is learnt on the way."""

    def __init__(
        self,
        source: FrameSource,
        settings: SegmenterSettings,
        rendering: RenderSettings,
        started: float,
    ) -> None:
        self.timer = StageTimer()
        self.rendering = rendering
        self.background: BackgroundFile | None = None
        self._source = source
        self._settings = settings
        self._segmenter = Segmenter(settings, self.timer)
        self.keep: Callable[[Frame, Segmentation], None] | None = None
        self._renderer = Renderer()
        self._segmented: Iterator[tuple[Frame, Segmentation]] = iter(())
        self._choice_notes: tuple[str, ...] = ()
        self._started = started
        self._frames = 0
        self._inertia_sum = 0.0
        self._share_sum: NDArray[np.float64] = np.zeros(settings.n_clusters)
        self._events: list[EventRecord] = []
        self._nth_row = 1 if source.info.still else max(source.info.height // _COUNTED_ROWS, 1)
        self._last: Segmentation | None = None

    def begin(self, reader: Reader, choice: ClusterChoice) -> None:
        """Segment the first frame, and find on it what is chosen."""
        segmented = self._segment_all(reader)
        first = next(segmented)
        chosen = choose(choice, first[1])
        self.rendering = replace(self.rendering, disabled=self.rendering.disabled | chosen.disabled)
        self._choice_notes = (*chosen.notes, *_without_effect(self.rendering))
        self._segmenter.keeps_cells = follows_colors(self.rendering)
        self._segmented = chain([first], segmented)

    def drive(self, sink: FrameSink, layout: PixelLayout, observer: RunObserver | None) -> None:
        """Take every frame from the source to the sink."""

        def paint(frame: Frame, segmentation: Segmentation) -> Frame:
            behind = None if self.background is None else self.background.next()
            return self._renderer.render(frame, segmentation, self.rendering, layout, behind)

        with Writer(sink, paint, self.timer) as writer:
            for frame, segmentation in self._segmented:
                writer.write(frame, segmentation)
                self._note(frame, segmentation)
                if self.keep is not None:
                    with self.timer.stage("measure"):
                        self.keep(frame, segmentation)
                if observer is not None:
                    observer.on_frame(frame, segmentation)
            writer.finish()

    def _segment_all(self, reader: Reader) -> Iterator[tuple[Frame, Segmentation]]:
        for frame in reader.frames():
            yield frame, self._segmenter.segment(frame, self.rendering.disabled)

    def report(self, source: Path, output: Path, sink: FrameSink) -> Report:
        assert self._last is not None
        shares = self._share_sum / self._frames
        return Report(
            source=source,
            output=output,
            info=self._source.info,
            frames=self._frames,
            seconds=time.perf_counter() - self._started,
            settings=self._settings,
            disabled=self.rendering.disabled,
            palette=Palette(self._last.centroids, self._last.colors, shares, self._last.real),
            inertia=self._inertia_sum / self._frames,
            events=tuple(self._events),
            stage_milliseconds=self.timer.milliseconds_per(self._frames),
            notes=(*self._choice_notes, *self._source.notes, *sink.notes),
            warnings=tuple(self._source.warnings),
        )

    def _note(self, frame: Frame, segmentation: Segmentation) -> None:
        self._inertia_sum += segmentation.inertia
        rows = segmentation.labels[self._frames % self._nth_row :: self._nth_row]
        self._share_sum += shares_of(rows, len(self._share_sum))
        self._last = segmentation
        self._frames += 1
        if segmentation.event != "warm":
            self._events.append(EventRecord(frame.index, frame.time, segmentation.event))
