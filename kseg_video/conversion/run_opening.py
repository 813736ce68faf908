"""The beginning of every run: open a source, complete the settings, segment the first frame."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kseg_video.conversion.frame_loop import ConversionRun
from kseg_video.conversion.palette_finder import choose_for_source
from kseg_video.conversion.reader_writer_threads import Reader
from kseg_video.core.cluster_selectors import check_numbers
from kseg_video.core.settings import usable_cores
from kseg_video.reading.input_file_checks import blamed_if_it_shrinks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kseg_video.core.cluster_selectors import ClusterSelection
    from kseg_video.core.media_info import VideoInfo
    from kseg_video.core.media_settings import DecoderSettings, TrimSettings
    from kseg_video.core.settings import RenderSettings, SegmenterSettings
    from kseg_video.reading.sources import FrameSource, OpeningSource

# Decoder, painting and encoder keep three cores busy while labels keep one.
_CORES_OF_A_THREAD = 4


@dataclass(frozen=True, slots=True, eq=False)
class BegunRun:
    """A run whose first frame is segmented, and the source of its frames."""

    run: ConversionRun
    frames: FrameSource


@contextmanager
def begun_run(
    source: OpeningSource,
    segmenter: SegmenterSettings,
    rendering: RenderSettings,
    trim: TrimSettings,
    decoder: DecoderSettings,
    selection: ClusterSelection,
    started: float,
) -> Iterator[BegunRun]:
    """Begin a run; leaving the block ends its threads and processes.

    All that segments a source begins here, so that clusters have the same numbers everywhere.

    Raises
    ------
    SettingsError
        If a cluster is switched off that does not exist.
    SourceError
        If the source cannot be read.
    """
    auto_count = None
    if segmenter.n_clusters == "auto":
        auto_count = choose_for_source(source, segmenter, trim, decoder)
        segmenter = replace(segmenter, n_clusters=auto_count.count)
    check_numbers(rendering.disabled | selection.numbers, segmenter.cluster_count)
    with ExitStack() as stack:
        stack.enter_context(blamed_if_it_shrinks(source.path))
        frames = stack.enter_context(source.open(trim, decoder))
        run = ConversionRun(frames, _for_input(segmenter, frames.info), rendering, started)
        if auto_count is not None:
            run.notes = (auto_count.reason,)
        if segmenter.looks_ahead:
            run.look_ahead = frames.look_ahead()
        run.begin(stack.enter_context(Reader(frames, run.timer)), selection)
        yield BegunRun(run, frames)


def _for_input(settings: SegmenterSettings, info: VideoInfo) -> SegmenterSettings:
    """Fill in the settings whose default depends on whether the input is an image or a video."""
    threads = settings.threads or max(usable_cores() // _CORES_OF_A_THREAD, 1)
    settings = replace(settings, n_clusters=settings.cluster_count, threads=threads)
    if not info.is_image:
        return replace(settings, mapping=settings.mapping or "fast")
    return replace(
        settings,
        mapping=settings.mapping or "exact",
        sample_pixels=settings.sample_pixels or "all",
    )
