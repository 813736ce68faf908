"""Statistics of a run, kept as the user wants them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.conversion.frame_statistics import measure
from kseg_video.conversion.statistics_plot import SharesPlot
from kseg_video.conversion.statistics_tables import CsvTable, JsonLinesTable, StatisticsTable
from kseg_video.core.errors import KsegError
from kseg_video.writing.output_paths import check_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_settings import StatisticsSettings


def check_statistics(statistics: StatisticsSettings, *, overwrite: bool) -> None:
    """Check that statistics can be written.

    Raises
    ------
    KsegError
        If a plot is wanted and matplotlib is missing.
    SinkError
        If a file exists without leave to overwrite, or cannot be made.
    """
    if statistics.plot is not None and find_spec("matplotlib") is None:
        raise KsegError("plots need matplotlib; install it with: pip install matplotlib")
    for path in statistics.paths:
        check_file(path, overwrite=overwrite)


@contextmanager
def keep_statistics(
    statistics: StatisticsSettings, rate: Fraction, *, overwrite: bool
) -> Iterator[Callable[[Frame, Segmentation], None]]:
    """Keep statistics; the files have their names at the end, or are gone if it was an error.

    Parameters
    ----------
    statistics : StatisticsSettings
    rate : Fraction
        Frames a second.
    overwrite : bool
        Whether existing files may be replaced.

    Yields
    ------
    callable
        Takes each frame and its segmentation; raises SinkError if a file cannot be written.
    """
    with ExitStack() as stack:
        outputs: list[StatisticsTable | SharesPlot] = []
        if statistics.table is not None:
            table = Path(statistics.table)
            kind = CsvTable if table.suffix.lower() == ".csv" else JsonLinesTable
            outputs.append(stack.enter_context(kind(table, overwrite=overwrite)))
        if statistics.plot is not None:
            plot = SharesPlot(Path(statistics.plot), float(rate), overwrite=overwrite)
            outputs.append(stack.enter_context(plot))

        def keep(frame: Frame, segmentation: Segmentation) -> None:
            figures = measure(frame, segmentation)
            for output in outputs:
                output.add(figures)

        yield keep
