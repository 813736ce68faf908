"""What a live run gives out beside its screen: snapshots, recordings and a virtual camera.

Threads write them while the run continues.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Self

from kseg_video.core.errors import KsegError, SinkError, cannot_write
from kseg_video.live.recording import Recorder, dated_path, free_path
from kseg_video.reading.image_files import write_image
from kseg_video.writing.atomic_file import PartialFile
from kseg_video.writing.palette_writer import save_palette

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from kseg_video.core.frame import Frame
    from kseg_video.core.palette import Palette
    from kseg_video.core.settings import ColorSpace
    from kseg_video.live.virtual_camera import VirtualCamera

_MOST_SNAPSHOTS = 4  # waiting to be written; more: more memory; less: quick presses are refused


def save_snapshot(
    folder: Path,
    view: Frame,
    original: NDArray[np.uint8],
    palette: Palette,
    color_space: ColorSpace,
) -> Path:
    """Save the view, the original and the palette side by side; return the view's path.

    Parameters
    ----------
    folder : Path
        Folder of the files, which are named by date and time.
    view : Frame
        Rendered frame, bgr24, with or without alpha.
    original : ndarray of uint8, shape (H, W, 3)
        Source frame, BGR.
    palette : Palette
        Palette of the frame, saved as ``.json``.
    color_space : str
        Working space of the palette.

    Raises
    ------
    SinkError
        If a file cannot be written.
    """
    path = dated_path(folder, ".png")
    _save(path, view.pixels, view.alpha)
    _save(path.with_stem(f"{path.stem}-original"), original)
    save_palette(path.with_suffix(".json"), palette, color_space=color_space)
    return path


def _save(path: Path, pixels: NDArray[np.uint8], alpha: NDArray[np.uint8] | None = None) -> None:
    part = PartialFile(path, overwrite=False)
    try:
        write_image(part.path, path.suffix, pixels, alpha)
        part.publish()
    except OSError as error:
        raise cannot_write(path, error) from error
    finally:
        part.discard()


class LiveFiles:
    """Writes snapshots and recordings, and plays into a virtual camera, in threads of their own.

    Use it as a context manager: leaving it waits until all files are finished. No other method
    waits for a disk or an encoder.

    Parameters
    ----------
    folder : Path
        Folder of the snapshots and recordings.
    record_to : Path, optional
        Path of the recording, which then starts with the first view; further recordings get a
        number appended. Without it, recordings start by key and are named by date and time.
    must_give_out : bool
        Whether a run without recording and virtual camera has no purpose: True if nothing is shown.
    camera : VirtualCamera, optional
        Plays each view; already entered.
    clock : callable
        Monotonic clock, in seconds; tests pass their own.

    Attributes
    ----------
    recorder : Recorder or None
        The recording under way.
    failures : list of str
        Messages of the files that could not be written, and of a virtual camera that is lost.
    has_lost_recording : bool
        Whether a recording is among the failures.
    """

    def __init__(
        self,
        folder: Path,
        record_to: Path | None = None,
        *,
        must_give_out: bool = False,
        camera: VirtualCamera | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder = folder
        self._record_to = record_to
        self._must_give_out = must_give_out
        self._camera = camera
        self._clock = clock
        self.recorder: Recorder | None = None
        self._ending: list[Recorder] = []
        self._writer = ThreadPoolExecutor(1, "snapshots")
        self._snapshots: list[Future[Path]] = []
        self._begun: list[str] = []  # messages about recordings that start without a key
        self._recorded: list[str] = []
        self._saved = 0  # number of snapshots
        self.failures: list[str] = []
        self.has_lost_recording = False
        self._starts_recording = record_to is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()
        for recorder in self._ending:
            recorder.join()
        self._writer.shutdown()
        list(self.news())  # count the files that were finished only now

    def offer(self, view: NDArray[np.uint8]) -> None:
        """Play a shown view, and record it if a recording is under way or starts with it."""
        if self._camera is not None:
            self._camera.offer(view)
        if self.recorder is not None:
            self.recorder.offer(view)
        elif self._starts_recording:
            self._begun.append(self.toggle(view))

    def toggle(self, view: NDArray[np.uint8]) -> str:
        """Start a recording with that view, or end the one under way; return a message."""
        self._starts_recording = False
        if self.recorder is not None:
            name = self.recorder.path.name
            self._stop()
            return f"finishing {name}"
        wanted = self._record_to
        path = dated_path(self._folder, ".mp4") if wanted is None else free_path(wanted)
        try:
            self.recorder = Recorder(path, view, self._clock)
        except KsegError as error:
            self.has_lost_recording = True
            return self._failed(str(error))
        return f"recording to {path.name}"

    def snapshot(
        self,
        view: Frame,
        original: NDArray[np.uint8],
        palette: Palette,
        color_space: ColorSpace,
    ) -> str:
        """Queue a snapshot to be written; return a message."""
        if len(self._snapshots) >= _MOST_SNAPSHOTS:
            return "the snapshots before are still being written"
        self._snapshots.append(
            self._writer.submit(save_snapshot, self._folder, view, original, palette, color_space)
        )
        return "saving"

    def news(self) -> Iterator[str]:
        """Messages on files that were started, finished or failed since the last call."""
        while self._begun:
            yield self._begun.pop()
        if self.recorder is not None and self.recorder.finished:
            self._stop()
        if self._camera is not None and self._camera.failure:
            yield self._failed(self._camera.failure)
            self._camera = None
        for recorder in [each for each in self._ending if each.finished]:
            self._ending.remove(recorder)
            yield self._about(recorder)
        for snapshot in [each for each in self._snapshots if each.done()]:
            self._snapshots.remove(snapshot)
            error = snapshot.exception()
            if error is not None:
                yield self._failed(str(error))
                continue
            self._saved += 1
            yield f"saved {snapshot.result().name}"

    @property
    def has_failed_its_purpose(self) -> bool:
        """Whether a run that does nothing else has lost its recording and its virtual camera."""
        records = self._record_to is not None and not self.has_lost_recording
        return self._must_give_out and self._camera is None and not records

    def summary(self) -> list[str]:
        """Phrases on the files written, for after the run."""
        if not self._saved:
            return self._recorded
        snapshots = "1 snapshot" if self._saved == 1 else f"{self._saved} snapshots"
        return [*self._recorded, f"{snapshots} saved to {self._folder}"]

    def check(self) -> None:
        """Raise the failures of the run; call it after the run.

        Raises
        ------
        SinkError
            If a recording or a snapshot could not be written.
        """
        if self.failures:
            raise SinkError("; ".join(self.failures))

    def _stop(self) -> None:
        recorder, self.recorder = self.recorder, None
        if recorder is not None:
            recorder.stop()
            self._ending.append(recorder)

    def _failed(self, message: str) -> str:
        self.failures.append(message)
        return message

    def _about(self, recorder: Recorder) -> str:
        if recorder.failure:
            self.has_lost_recording = True
            return self._failed(f"{recorder.path.name} {recorder.failure}")
        dropped = recorder.dropped
        lost = f"; the encoder was too slow for {dropped} frames" if dropped else ""
        recorded = f"recorded {recorder.seconds:.1f} s to"
        self._recorded.append(f"{recorded} {recorder.path}{lost}")
        return f"{recorded} {recorder.path.name}{lost}"
