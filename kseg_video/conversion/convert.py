"""`convert`: from a source, an output path and settings to a written file and a report."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.conversion.report import ConversionObserver, note_on_size
from kseg_video.conversion.run_opening import begun_run
from kseg_video.conversion.statistics_tables import check_statistics, keep_statistics
from kseg_video.core.cluster_selectors import ClusterSelection
from kseg_video.core.errors import SettingsError
from kseg_video.core.media_settings import (
    DecoderSettings,
    EncoderSettings,
    StatisticsSettings,
    TrimSettings,
)
from kseg_video.core.setting_checks import PATH, instance, take, take_settings
from kseg_video.core.settings import RenderSettings, SegmenterSettings
from kseg_video.reading.background_source import check_background, open_background
from kseg_video.reading.image_files import IMAGE_SUFFIXES, LOSSY_IMAGE_SUFFIXES
from kseg_video.reading.sources import OpeningSource
from kseg_video.rendering.renderer import is_transparent, view_layout, view_width
from kseg_video.writing.output_paths import (
    ANIMATION_SUFFIX,
    ARCHIVE_SUFFIX,
    check_are_apart,
    check_are_others,
    check_output,
    check_target,
)
from kseg_video.writing.sinks import open_sink

if TYPE_CHECKING:
    from kseg_video.conversion.report import ConversionReport
    from kseg_video.core.frame import PixelLayout
    from kseg_video.core.media_info import VideoInfo


def convert(  # noqa: PLR0913 - one for each part
    source: str | Path | OpeningSource,
    output: str | Path,
    *,
    segmenter: SegmenterSettings | None = None,
    rendering: RenderSettings | None = None,
    encoder: EncoderSettings | None = None,
    trim: TrimSettings | None = None,
    decoder: DecoderSettings | None = None,
    statistics: StatisticsSettings | None = None,
    selection: ClusterSelection | None = None,
    observer: ConversionObserver | None = None,
) -> ConversionReport:
    """Segment a video, an image or a folder of images and write the result.

    Parameters
    ----------
    source : str or Path
        The input; see `open_source`. The command passes an `OpeningSource` that has begun to open.
    output : str or Path
        The file to write; its suffix chooses the format, see `open_sink`.
    segmenter : SegmenterSettings, optional
        How pixels are clustered. `n_clusters` matters most; ``"auto"`` chooses it from the source.
    rendering : RenderSettings, optional
        What is painted: the view, the clusters switched off and the background behind them.
    encoder : EncoderSettings, optional
        How the output is encoded, and whether an existing file may be replaced.
    trim : TrimSettings, optional
        The part of the source to convert; all of it by default.
    decoder : DecoderSettings, optional
        The part of the pictures to convert, their size and rate; the default deinterlaces
        interlaced video.
    statistics : StatisticsSettings, optional
        Files for the statistics of every frame; none are kept by default.
    selection : ClusterSelection, optional
        Clusters to keep or switch off, chosen on the first frame by colour, pixel or number, in
        addition to `rendering.disabled`.
    observer : ConversionObserver, optional
        Callbacks for progress displays.

    Returns
    -------
    ConversionReport

    Raises
    ------
    SettingsError
        If the settings contradict each other or the output's suffix, or have the wrong type.
    SourceError
        If the source or the background cannot be read, or a chosen pixel lies outside the picture.
    SinkError
        If the output cannot be written; no partial file is left behind.
    """
    started = time.perf_counter()
    if not isinstance(source, OpeningSource):
        source = OpeningSource(take("the source", source, PATH))
    path, output = source.path, take("the output", output, PATH)
    segmenter = take_settings("segmenter", segmenter, SegmenterSettings)
    rendering = take_settings("rendering", rendering, RenderSettings)
    encoder = take_settings("encoder", encoder, EncoderSettings)
    trim = take_settings("trim", trim, TrimSettings)
    decoder = take_settings("decoder", decoder, DecoderSettings)
    statistics = take_settings("statistics", statistics, StatisticsSettings)
    selection = take_settings("selection", selection, ClusterSelection)
    if observer is not None:
        take("the observer", observer, instance(ConversionObserver))  # type: ignore[type-abstract]
    check_settings(output, rendering, encoder)
    if isinstance(rendering.background, Path):
        check_background(rendering.background)
        check_are_others((output, *statistics.paths), [rendering.background], "background")
    _check_targets(path, output, encoder, statistics)
    with ExitStack() as stack:
        begun = stack.enter_context(
            begun_run(source, segmenter, rendering, trim, decoder, selection, started)
        )
        run, frames = begun.run, begun.frames
        if statistics.paths:
            run.keep = stack.enter_context(
                keep_statistics(statistics, frames.info.frame_rate, overwrite=encoder.overwrite)
            )
        painted = _painted_info(frames.info, output, run.rendering, encoder)
        may_switch = bool(run.rendering.disabled or selection.only or selection.disabled)
        if isinstance(rendering.background, Path) and may_switch:
            behind = replace(frames.info, layout=painted.layout)
            run.background = stack.enter_context(open_background(rendering.background, behind))
        with open_sink(output, painted, encoder, frames.tracks) as sink:
            if observer is not None:
                observer.on_start(path, output, frames.info, run.timer, lambda: sink.bytes_written)
            run.drive(sink, painted.layout, observer)
    report = run.report(path, output, sink)
    notes = (*report.notes, *note_on_size(report, painted, encoder))
    report = replace(report, notes=notes)
    if observer is not None:
        observer.on_finish(report)
    return report


def check_settings(output: Path, rendering: RenderSettings, encoder: EncoderSettings) -> None:
    """Check the settings against each other and the output's suffix, without touching any file.

    Raises
    ------
    SettingsError
        If the settings contradict each other or the output's suffix.
    """
    check_output(output, encoder, transparent=is_transparent(rendering))
    if rendering.background == "picture":
        raise SettingsError("the background's picture is missing; give its file as a Path")
    suffix = output.suffix.lower()
    exact = {ARCHIVE_SUFFIX, *IMAGE_SUFFIXES} - LOSSY_IMAGE_SUFFIXES
    if rendering.view == "labels" and not (suffix in exact or encoder.lossless):
        raise SettingsError(
            "cluster numbers survive only in lossless outputs; choose --lossless with .mkv, .npz, "
            "or .png (numbered for a video: labels-%05d.png)"
        )
    if suffix == ARCHIVE_SUFFIX and rendering.view != "labels":
        raise SettingsError(f"{suffix} holds label maps; choose --view labels with it")


def _check_targets(
    source: Path, output: Path, encoder: EncoderSettings, statistics: StatisticsSettings
) -> None:
    """Check that every output may be written and is neither the source nor another output."""
    outputs = output, *statistics.paths
    check_are_apart(outputs)
    check_are_others(outputs, [source])
    check_target(output, encoder)
    check_statistics(statistics, overwrite=encoder.overwrite)


def _painted_info(
    info: VideoInfo, output: Path, rendering: RenderSettings, encoder: EncoderSettings
) -> VideoInfo:
    """The `VideoInfo` of the rendered frames: their width, pixel layout and alpha."""
    layout: PixelLayout = info.layout
    rgb = output.suffix.lower() in {ANIMATION_SUFFIX, *IMAGE_SUFFIXES}
    if rendering.view in {"labels", "matte"}:
        layout = "gray8"
    elif rgb or (encoder.lossless and rendering.view in {"segmented", "side-by-side"}):
        layout = "bgr24"  # conversion to YUV would round the palette's colours
    else:
        layout = view_layout(layout, info.width, rendering)
    has_alpha = (info.has_alpha or is_transparent(rendering)) and layout != "gray8"
    width = view_width(info.width, rendering)
    return replace(info, width=width, layout=layout, has_alpha=has_alpha)
