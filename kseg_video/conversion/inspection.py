"""Runs that write no video: the statistics of a source, and a contact sheet of its clusters."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kseg_video.conversion.contact_sheet import draw_contact_sheet
from kseg_video.conversion.run_opening import begun_run
from kseg_video.conversion.sheet_frames import SheetFrames
from kseg_video.conversion.statistics_tables import check_statistics, keep_statistics
from kseg_video.core.cluster_selectors import ClusterSelection
from kseg_video.core.errors import SettingsError, cannot_write
from kseg_video.core.settings import RenderSettings
from kseg_video.core.shown_text import frames_in_words, shown
from kseg_video.reading.image_files import IMAGE_SUFFIXES, is_sequence, stem_of, write_image
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.output_paths import check_are_apart, check_are_others, check_file

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.conversion.report import ConversionObserver, ConversionReport
    from kseg_video.conversion.run_opening import BegunRun
    from kseg_video.conversion.sheet_frames import SheetFrame
    from kseg_video.core.media_settings import DecoderSettings, StatisticsSettings, TrimSettings
    from kseg_video.core.settings import SegmenterSettings
    from kseg_video.reading.sources import OpeningSource


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """A contact sheet, and what it shows.

    Parameters
    ----------
    report : ConversionReport
        Of the run; its output is the sheet.
    sheet : ndarray of uint8, shape (H, W, 3)
        BGR.
    frames : list of SheetFrame
    """

    report: ConversionReport
    sheet: NDArray[np.uint8]
    frames: list[SheetFrame]


def measure_source(
    source: OpeningSource,
    segmenter: SegmenterSettings,
    statistics: StatisticsSettings,
    trim: TrimSettings,
    decoder: DecoderSettings,
    observer: ConversionObserver | None = None,
    *,
    overwrite: bool = False,
) -> ConversionReport:
    """Write the statistics that `convert` keeps with these settings, but no video.

    Parameters
    ----------
    source : OpeningSource
    segmenter : SegmenterSettings
    statistics : StatisticsSettings
        The files, one at least; the report names the first as its output.
    trim : TrimSettings
    decoder : DecoderSettings
    observer : ConversionObserver, optional
    overwrite : bool
        Whether existing files may be replaced.

    Raises
    ------
    SourceError
        If the source cannot be read.
    SinkError
        If a file cannot be written; none is left behind then.
    """
    started = time.perf_counter()
    check_are_apart(statistics.paths)
    check_are_others(statistics.paths, [source.path])
    check_statistics(statistics, overwrite=overwrite)
    output = statistics.paths[0]
    with ExitStack() as stack:
        begun = stack.enter_context(_begun(source, segmenter, trim, decoder, started))
        rate = begun.frames.info.frame_rate
        keep = stack.enter_context(keep_statistics(statistics, rate, overwrite=overwrite))
        if observer is not None:
            observer.on_start(source.path, output, begun.frames.info, begun.run.timer, int)
        begun.run.each(keep, observer)
    report = begun.run.report(source.path, output)
    if observer is not None:
        observer.on_finish(report)
    return report


def preview_source(
    source: OpeningSource,
    output: Path,
    segmenter: SegmenterSettings,
    trim: TrimSettings,
    decoder: DecoderSettings,
    observer: ConversionObserver | None = None,
    *,
    title: str,
    overwrite: bool = False,
) -> Preview:
    """Draw a contact sheet of the clusters that `convert` finds with these settings.

    Parameters
    ----------
    source : OpeningSource
    output : Path
        An image file.
    segmenter : SegmenterSettings
    trim : TrimSettings
    decoder : DecoderSettings
    observer : ConversionObserver, optional
    title : str
        Name of the source on the sheet.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SettingsError
        If the output is no image.
    SourceError
        If the source cannot be read.
    SinkError
        If the sheet cannot be written; no partial file is left behind.
    """
    started = time.perf_counter()
    check_sheet(output)
    check_are_others([output], [source.path])
    check_file(output, overwrite=overwrite)
    with _begun(source, segmenter, trim, decoder, started) as begun:
        info = begun.frames.info
        sheet = SheetFrames(info)
        if observer is not None:
            observer.on_start(source.path, output, info, begun.run.timer, int)
        begun.run.each(sheet.add, observer)
    report, frames = begun.run.report(source.path, output), sheet.chosen()
    facts = [shown(title), f"{len(report.palette)} clusters"]
    facts += [] if info.is_image else [frames_in_words(report.frames)]
    drawn = draw_contact_sheet(" · ".join(facts), frames, report.palette)
    _write(output, drawn, overwrite=overwrite)
    if observer is not None:
        observer.on_finish(report)
    return Preview(report, drawn, frames)


def check_sheet(output: Path) -> None:
    """Check the name of a contact sheet, without touching any file.

    Raises
    ------
    SettingsError
        If it is not that of one image.
    """
    if output.suffix.lower() not in IMAGE_SUFFIXES or is_sequence(output):
        known = ", ".join(sorted(IMAGE_SUFFIXES))
        raise SettingsError(f"a preview is one picture; name it with one of {known}")


def default_sheet(source: Path) -> Path:
    """The path of a source's contact sheet if the user names none."""
    return source.parent / f"{stem_of(source)}-preview.png"


def _begun(
    source: OpeningSource,
    segmenter: SegmenterSettings,
    trim: TrimSettings,
    decoder: DecoderSettings,
    started: float,
) -> AbstractContextManager[BegunRun]:
    return begun_run(
        source, segmenter, RenderSettings(), trim, decoder, ClusterSelection(), started
    )


def _write(path: Path, picture: NDArray[np.uint8], *, overwrite: bool) -> None:
    part = PartialFile(path, overwrite=overwrite)
    try:
        write_image(part.path, path.suffix.lower(), picture, None)
        part.publish()
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        part.discard()
