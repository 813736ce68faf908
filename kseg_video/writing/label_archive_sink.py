"""Label maps in a NumPy archive."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from kseg_video.core.errors import SinkError, cannot_write
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.sink_base import FileSink, check_frame

if TYPE_CHECKING:
    from pathlib import Path

    from kseg_video.core.frame import Frame
    from kseg_video.core.media_info import VideoInfo

_CHUNK = 1 << 20  # bytes
_FAST = 1  # zlib level: the labels are compressed again, at the default level, in the archive


class LabelArchiveSink(FileSink):
    """An ``.npz`` of ``labels``, uint8 (N, H, W), and ``times``, float64 (N,) in seconds.

    Memory does not grow with the clip: an array's header states its length, so the labels are
    spooled to an unnamed compressed file beside the target until the number of frames is known.

    Parameters
    ----------
    path : Path
    info : VideoInfo
        Size of the label maps.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    SinkError
        If the file cannot be created.
    """

    def __init__(self, path: Path, info: VideoInfo, *, overwrite: bool) -> None:
        self._path = path
        self._info = replace(info, layout="gray8")
        self._times: list[float] = []
        self.notes: list[str] = []
        self._part = PartialFile(path, overwrite=overwrite)
        self._compressor = zlib.compressobj(_FAST)
        try:
            self._waiting = tempfile.TemporaryFile(  # noqa: SIM115 - closed at the end
                dir=self._part.path.parent
            )
        except BaseException as error:
            self._part.discard()
            if isinstance(error, OSError):
                raise cannot_write(self._path, error) from error
            raise

    def write(self, frame: Frame) -> None:
        """Write the next label map.

        Raises
        ------
        SinkError
            If the frame is no label map, differs in size from `info`, or cannot be written.
        """
        check_frame(self._path, frame, self._info)
        try:
            self._waiting.write(self._compressor.compress(np.ascontiguousarray(frame.pixels).data))
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._times.append(frame.time)

    def close(self) -> None:
        """Finish the archive and publish it.

        Raises
        ------
        SinkError
            If no label map was written, or the archive cannot be.
        """
        if not self._times:
            raise SinkError(f"{self._path} got no label map")
        try:
            self._waiting.write(self._compressor.flush())
            self._pack()
        except OSError as error:
            raise cannot_write(self._path, error) from error
        self._waiting.close()
        self._part.publish()

    def abort(self) -> None:
        """Remove the partial file."""
        self._part.discard()
        with contextlib.suppress(OSError):  # flushing its buffer may fail on a full disk
            self._waiting.close()

    def _pack(self) -> None:
        shape = (len(self._times), self._info.height, self._info.width)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        self._waiting.seek(0)
        with zipfile.ZipFile(self._part.path, "w", zipfile.ZIP_DEFLATED) as archive:
            with archive.open("labels.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array_header_1_0(member, header)
                decompressor = zlib.decompressobj()
                while chunk := self._waiting.read(_CHUNK):
                    member.write(decompressor.decompress(chunk))
                member.write(decompressor.flush())
            with archive.open("times.npy", "w") as member:
                np.lib.format.write_array(member, np.array(self._times))
