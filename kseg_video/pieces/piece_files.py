"""The files of pieces: a folder that all who work on a conversion share.

It holds, for each piece, the encoded frames, their sums and statistics, and how far it is. A piece
is finished once its sums are there.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import json
import os
import secrets
import zipfile
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from kseg_video.conversion.frame_statistics import FrameStatistics, RunTotals
from kseg_video.core.errors import KsegError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from kseg_video.core.media_info import VideoInfo

RUNNING = "running"  # the file that is there while a conversion is worked on
# What reading a damaged file may raise.
UNREADABLE = (
    *(OSError, ValueError, KeyError, EOFError, RuntimeError),
    *(zlib.error, zipfile.BadZipFile),
)


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class RenderedPiece:
    """What is told of a rendered piece.

    Parameters
    ----------
    totals : RunTotals
    statistics : sequence of FrameStatistics
        Of every frame; empty if none are wanted.
    milliseconds : dict of str to float
        Of each stage, for all frames.
    notes : tuple of str
        What the user should know about how it is written.
    paint : tuple of str
        Colours in which clusters are painted in its last frame; empty if these are their own.
    """

    totals: RunTotals
    statistics: Sequence[FrameStatistics]
    milliseconds: dict[str, float]
    notes: tuple[str, ...]
    paint: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PieceFiles:
    """The files of one piece, for whoever works on it.

    Parameters
    ----------
    folder : Path
    number : int
    suffix : str
        Of the output.
    plan : str
        Hash of what the piece follows from, in the names, so that no worker of a lost run makes a
        piece of another plan.
    """

    folder: Path
    number: int
    suffix: str
    plan: str

    @property
    def video(self) -> Path:
        """The encoded frames."""
        return self._path(self.suffix)

    @property
    def is_finished(self) -> bool:
        """Whether the piece is rendered, and its files are as `finish` has left them."""
        try:
            return bool(load(self._path(".npz"))["seal"] == self._seal())
        except UNREADABLE:
            return False

    def tell(self, frames: int) -> None:
        """Tell how many frames are done.

        Raises
        ------
        KsegError
            If the conversion has ended meanwhile.
        """
        if not (self.folder / RUNNING).exists():
            raise KsegError("the conversion was stopped")
        self._path(".frames").write_text(str(frames))

    @property
    def told(self) -> int:
        """Number of frames that are done, as told last."""
        with contextlib.suppress(OSError, ValueError):
            return int(self._path(".frames").read_text())
        return 0

    def finish(self, piece: RenderedPiece) -> None:
        """Save what is told of the piece, after its frames are safely on the disk."""
        _flush(self.video)
        totals, rows = piece.totals, piece.statistics
        names = [each.name for each in dataclasses.fields(FrameStatistics)] if rows else []
        save(
            self._path(".npz"),
            {
                "seal": np.array(self._seal()),
                "sums": np.array([totals.frames, totals.inertia]),
                "shares": totals.shares,
                "centroids": totals.centroids,
                "told": np.array(json.dumps([piece.milliseconds, piece.notes, piece.paint])),
                **{f"of {name}": np.array([getattr(row, name) for row in rows]) for name in names},
            },
        )

    def rendered(self, n_clusters: int, info: VideoInfo) -> RenderedPiece:
        """What `finish` has saved.

        Raises
        ------
        Exception
            One of `UNREADABLE`, if it cannot be read.
        """
        arrays = load(self._path(".npz"))
        totals = RunTotals(n_clusters, info)
        totals.frames, totals.inertia = int(arrays["sums"][0]), float(arrays["sums"][1])
        totals.shares, totals.centroids = arrays["shares"], arrays["centroids"]
        milliseconds, notes, paint = json.loads(str(arrays["told"]))
        rows = list(_statistics(arrays)) if "of frame" in arrays else []
        return RenderedPiece(totals, rows, milliseconds, tuple(notes), tuple(paint))

    def _seal(self) -> str:
        """By which a damaged video is recognized, or that of another piece."""
        with self.video.open("rb") as file:
            return f"{self.number} {hashlib.file_digest(file, 'sha256').hexdigest()}"

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{self.number:05d}-{self.plan}{suffix}"


def _statistics(arrays: Mapping[str, Any]) -> Iterator[FrameStatistics]:
    for row in range(len(arrays["of frame"])):
        yield FrameStatistics(
            frame=int(arrays["of frame"][row]),
            time=float(arrays["of time"][row]),
            event=str(arrays["of event"][row]),  # type: ignore[arg-type]
            inertia=float(arrays["of inertia"][row]),
            shares=arrays["of shares"][row],
            rgb=arrays["of rgb"][row],
            lab=arrays["of lab"][row],
            positions=arrays["of positions"][row],
            names=tuple(arrays["of names"][row].tolist()),
        )


def save(path: Path, arrays: Mapping[str, Any]) -> None:
    """Save arrays, all or none."""
    data = io.BytesIO()
    np.savez_compressed(data, **arrays)
    write(path, data.getvalue())


def write(path: Path, data: bytes) -> None:
    """Write a file, whole or not at all."""
    # Apart from all who write the same one.
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    part.write_bytes(data)
    _flush(part)
    part.replace(path)


def load(path: Path) -> dict[str, Any]:
    """Load what `save` has saved."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def _flush(path: Path) -> None:
    """Wait until a file is on the disk, so that a power cut leaves it whole or not there."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())
