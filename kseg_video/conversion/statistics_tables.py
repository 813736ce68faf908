"""Statistics as a table for spreadsheets, or as a line of JSON for each frame.

README says what the fields mean.
"""

from __future__ import annotations

import contextlib
import csv
import json
import math
from abc import abstractmethod
from typing import TYPE_CHECKING

from kseg_video.core.errors import cannot_write
from kseg_video.writing.atomic_file import AbortingContext, PartialFile

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.conversion.frame_statistics import FrameStatistics

_FRAME_COLUMNS = ("frame", "time_s", "event", "inertia")
_CLUSTER_COLUMNS = ("share", "red", "green", "blue", "lab_l", "lab_a", "lab_b", "x", "y")


class StatisticsTable(AbortingContext):
    """A text file that grows by a line for each frame.

    Parameters
    ----------
    path : Path
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If it cannot be made.
    """

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        self._path = path
        self._part = PartialFile(path, overwrite=overwrite)
        # The csv module ends lines itself.
        self._file = self._part.path.open("w", encoding="utf-8", newline="")

    def add(self, figures: FrameStatistics) -> None:
        """Write the next frame's line.

        Raises
        ------
        SinkError
            If it cannot be written.
        """
        try:
            self._write_line(figures)
        except OSError as error:
            raise cannot_write(self._path, error) from error

    def close(self) -> None:
        """Finish the file and give it its name.

        Raises
        ------
        SinkError
            If it cannot be written.
        """
        try:
            self._file.close()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._part.publish()

    def abort(self) -> None:
        """Remove what has been written."""
        self._part.discard()
        with contextlib.suppress(OSError):  # what it still holds finds no room
            self._file.close()

    @abstractmethod
    def _write_line(self, figures: FrameStatistics) -> None:
        """Write a frame's line."""


class CsvTable(StatisticsTable):
    """Comma-separated values: a row for each frame, nine columns for each cluster."""

    def __init__(self, path: Path, *, overwrite: bool) -> None:
        super().__init__(path, overwrite=overwrite)
        self._rows = csv.writer(self._file)
        self._has_header = False

    def _write_line(self, figures: FrameStatistics) -> None:
        clusters = _of_clusters(figures)
        if not self._has_header:
            numbered = (
                f"{name}_{number}" for number in range(len(clusters)) for name in _CLUSTER_COLUMNS
            )
            self._rows.writerow((*_FRAME_COLUMNS, *numbered))
            self._has_header = True
        values = (value for row in clusters for value in row)
        self._rows.writerow((*_of_frame(figures), *values))  # None is an empty field


class JsonLinesTable(StatisticsTable):
    """JSON Lines: an object for each frame."""

    def _write_line(self, figures: FrameStatistics) -> None:
        clusters = [
            {"cluster": number, **dict(zip(_CLUSTER_COLUMNS, row, strict=True))}
            for number, row in enumerate(_of_clusters(figures))
        ]
        frame = dict(zip(_FRAME_COLUMNS, _of_frame(figures), strict=True))
        self._file.write(json.dumps({**frame, "clusters": clusters}) + "\n")


def _of_frame(figures: FrameStatistics) -> tuple[int, float, str | None, float]:
    event = None if figures.event == "warm" else figures.event
    return figures.frame, round(figures.time, 6), event, round(figures.inertia, 4)


def _of_clusters(figures: FrameStatistics) -> list[list[float | None]]:
    """Figures of each cluster in the order of the columns, rounded; None where there is none."""
    return [
        [
            round(share, 6),
            *(_rounded(value, 2) for value in rgb),
            *(_rounded(value, 3) for value in lab),
            *(_rounded(value, 2) for value in place),
        ]
        for share, rgb, lab, place in zip(
            figures.shares.tolist(),
            figures.rgb.tolist(),
            figures.lab.tolist(),
            figures.places.tolist(),
            strict=True,
        )
    ]


def _rounded(value: float, digits: int) -> float | None:
    return None if math.isnan(value) else round(value, digits)
