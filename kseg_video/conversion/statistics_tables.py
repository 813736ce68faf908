"""Statistics of every frame as CSV or JSON Lines, and the files that a conversion keeps.

README documents the fields.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
from abc import abstractmethod
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.conversion.frame_statistics import measure
from kseg_video.conversion.statistics_plot import SharesPlot
from kseg_video.core.errors import KsegError, cannot_write
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.output_paths import check_file
from kseg_video.writing.sink_base import AbortingContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from fractions import Fraction

    from kseg_video.conversion.frame_statistics import FrameStatistics
    from kseg_video.core.frame import Frame, Segmentation
    from kseg_video.core.media_settings import StatisticsSettings

_FRAME_COLUMNS = ("frame", "time_s", "event", "inertia")
_CLUSTER_COLUMNS = ("name", "share", "red", "green", "blue", "lab_l", "lab_a", "lab_b", "x", "y")


class StatisticsTable(AbortingContext):
    """A text file with one line per frame.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self._part = PartialFile(path, overwrite=overwrite)
        # newline="" because the csv module ends lines itself.
        self._file = self._part.path.open("w", encoding="utf-8", newline="")

    def add(self, statistics: FrameStatistics) -> None:
        """Write the line of the next frame.

        Raises
        ------
        SinkError
            If the file cannot be written.
        """
        try:
            self._write_line(statistics)
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Close the file and publish it.

        Raises
        ------
        SinkError
            If the file cannot be written.
        """
        try:
            self._file.close()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._part.publish()

    def abort(self) -> None:
        """Remove the partial file."""
        self._part.discard()
        with contextlib.suppress(OSError):  # flushing its buffer may fail on a full disk
            self._file.close()

    @abstractmethod
    def _write_line(self, statistics: FrameStatistics) -> None:
        """Write the line of a frame."""


class CsvTable(StatisticsTable):
    """Comma-separated values: one row per frame, ten columns per cluster."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        super().__init__(path, overwrite=overwrite)
        self._rows = csv.writer(self._file)
        self._has_header = False

    def _write_line(self, statistics: FrameStatistics) -> None:
        clusters = _of_clusters(statistics)
        if not self._has_header:
            numbered = (
                f"{name}_{number}" for number in range(len(clusters)) for name in _CLUSTER_COLUMNS
            )
            self._rows.writerow((*_FRAME_COLUMNS, *numbered))
            self._has_header = True
        values = (value for row in clusters for value in row)
        self._rows.writerow((*_of_frame(statistics), *values))  # None is an empty field


class JsonLinesTable(StatisticsTable):
    """JSON Lines: one object per frame."""

    def _write_line(self, statistics: FrameStatistics) -> None:
        clusters = [
            {"cluster": number, **dict(zip(_CLUSTER_COLUMNS, row, strict=True))}
            for number, row in enumerate(_of_clusters(statistics))
        ]
        frame = dict(zip(_FRAME_COLUMNS, _of_frame(statistics), strict=True))
        self._file.write(json.dumps({**frame, "clusters": clusters}) + "\n")


def _of_frame(statistics: FrameStatistics) -> tuple[int, float, str | None, float]:
    event = None if statistics.event == "warm" else statistics.event
    return statistics.frame, round(statistics.time, 6), event, round(statistics.inertia, 4)


def _of_clusters(statistics: FrameStatistics) -> list[list[str | float | None]]:
    """Rounded values of each cluster in the order of `_CLUSTER_COLUMNS`; None for what is not."""
    return [
        [
            name or None,
            round(share, 6),
            *(_rounded(value, 2) for value in rgb),
            *(_rounded(value, 3) for value in lab),
            *(_rounded(value, 2) for value in position),
        ]
        for name, share, rgb, lab, position in zip(
            statistics.names,
            statistics.shares.tolist(),
            statistics.rgb.tolist(),
            statistics.lab.tolist(),
            statistics.positions.tolist(),
            strict=True,
        )
    ]


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)


def check_statistics(statistics: StatisticsSettings, *, overwrite: bool) -> None:
    """Check that statistics can be written.

    Raises
    ------
    KsegError
        If a plot is wanted and matplotlib is missing.
    SinkError
        If a file exists and may not be overwritten, or cannot be created.
    """
    if statistics.plot is not None and find_spec("matplotlib") is None:
        raise KsegError("plots need matplotlib; install it with: pip install matplotlib")
    for path in statistics.paths:
        check_file(path, overwrite=overwrite)


@contextmanager
def keep_statistics(
    statistics: StatisticsSettings, rate: Fraction, *, overwrite: bool
) -> Iterator[Callable[[Frame, Segmentation], None]]:
    """Open the statistics files; leaving the block publishes them, or removes them on an error.

    Parameters
    ----------
    statistics : StatisticsSettings
    rate : Fraction
        Frames per second.
    overwrite : bool
        Whether existing files may be replaced.

    Yields
    ------
    callable
        Records a frame and its segmentation; raises SinkError if a file cannot be written.
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
            statistics = measure(frame, segmentation)
            for output in outputs:
                output.add(statistics)

        yield keep
