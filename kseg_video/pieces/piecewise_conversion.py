"""A conversion in pieces: look at all frames, render the pieces anywhere, join them."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import BrokenExecutor, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from kseg_video import __version__
from kseg_video.conversion.looked_frames import LookedFrames
from kseg_video.conversion.report import PiecesObserver
from kseg_video.core.errors import KsegError, SettingsError
from kseg_video.ffmpeg.cleanup import leftovers
from kseg_video.pieces.piece_folder import PieceFolder
from kseg_video.pieces.piece_rendering import render_piece
from kseg_video.pieces.plan import PieceSettings, planned
from kseg_video.reading.image_files import is_sequence, numbered_files
from kseg_video.writing.containers import CONTAINERS
from kseg_video.writing.video_sink import JoinedVideo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from kseg_video.conversion.convert import BegunConversion, Conversion
    from kseg_video.conversion.frame_loop import ConversionRun
    from kseg_video.conversion.report import ConversionReport
    from kseg_video.pieces.piece_files import RenderedPiece
    from kseg_video.pieces.plan import Piece

# Threads of each piece's encoder, whose output depends on their number: more suit larger pictures.
_ENCODER_THREADS = 4
_LOOK_SECONDS = 0.25  # between looks at how far the pieces are
_FRAMES_BETWEEN_LOOKS = 25  # while frames are looked at
# Times that a piece is tried again whose worker is lost: more outlive worse luck, fewer end sooner
# where the piece is at fault.
_RETRIES = 2

_Item = TypeVar("_Item")


@dataclass(eq=False)
class _Running:
    """A piece that is being rendered, and how many more times it may be tried."""

    piece: Piece
    future: Future[None]
    retries: int = _RETRIES


def convert_in_pieces(
    conversion: Conversion, executor: Executor | None = None, *, resumes: bool = False
) -> ConversionReport:
    """Segment a video in pieces of 20 to 60 seconds and join them.

    The pieces follow from the input and the settings, so that the output is the same, whoever
    renders them.

    Parameters
    ----------
    conversion : Conversion
    executor : concurrent.futures.Executor, optional
        Renders the pieces; its workers see the same files as this process. By default they are
        rendered here, one after another.
    resumes : bool
        Whether finished pieces are kept until the output is complete, in a hidden folder beside it:
        the same call then goes on where it stopped.

    Raises
    ------
    SettingsError
        If the output is no video file.
    SourceError
        If the source cannot be read.
    SinkError
        If the output cannot be written.
    """
    started = time.perf_counter()
    check_in_pieces(conversion.output)
    observer = conversion.observer
    with conversion.begun(started) as begun, ExitStack() as stack:
        settings = _settings_of(conversion, begun)
        plan = _plan_of(conversion, settings)
        folder = stack.enter_context(PieceFolder(conversion.output, plan, is_kept=resumes))
        run = begun.run
        run.notes = (*run.notes, *folder.news)
        conversion.tell_start(begun, lambda: folder.bytes_written)

        def tell(frames: int) -> None:
            if isinstance(observer, PiecesObserver):
                observer.on_rendered(frames)

        pieces: list[tuple[Path, int]] = []
        notes: dict[str, None] = {}
        for piece in _rendered(run, settings, folder, executor, tell):
            run.take_over(piece.totals, piece.milliseconds, piece.paint)
            if begun.keep is not None:
                for row in piece.statistics:
                    begun.keep(row)
            pieces.append((folder.piece(len(pieces)).video, piece.totals.frames))
            notes |= dict.fromkeys(piece.notes)
        joined = JoinedVideo(
            *(conversion.output, begun.painted, conversion.encoder, begun.frames.tracks), pieces
        )
        joined.notes[:0] = notes
        with joined as sink:
            pass
        folder.forget()
    return conversion.finished(begun, sink)


def check_in_pieces(output: Path) -> None:
    """Check that an output can be joined from pieces.

    Raises
    ------
    SettingsError
        If it is no video file.
    """
    if output.suffix.lower() not in CONTAINERS:
        raise SettingsError(
            f"only videos are made in pieces; name {output.name} with {', '.join(CONTAINERS)}"
        )


def _settings_of(conversion: Conversion, begun: BegunConversion) -> PieceSettings:
    # Threads do not change labels, but do change what encoders make of them.
    segmenter = replace(begun.run.settings, threads=conversion.segmenter.threads or 1)
    encoder = replace(
        conversion.encoder, overwrite=True, threads=conversion.encoder.threads or _ENCODER_THREADS
    )
    return PieceSettings(
        source=conversion.source.path.resolve(),
        decoder=conversion.decoder,
        info=begun.frames.info,
        first_time=begun.run.first_time,
        segmenter=segmenter,
        rendering=conversion.rendering,
        painted=begun.painted,
        encoder=encoder,
        behind=begun.behind,
        measures=begun.keep is not None,
    )


def _plan_of(conversion: Conversion, settings: PieceSettings) -> dict[str, str]:
    """All that the pieces follow from, by what messages name it."""
    behind = conversion.rendering.background
    chosen = conversion.trim, conversion.selection, settings
    return {
        "the input": _state(settings.source),
        "the background": _state(behind) if isinstance(behind, Path) else "",
        "the settings": repr(chosen),
        "the version of kseg-video": __version__,
    }


def _state(path: Path) -> str:
    """What changes if a file does, or any of a folder or an image sequence."""
    if path.is_dir():
        files = sorted(path.iterdir())
    else:
        files = list(numbered_files(path).values()) if is_sequence(path) else [path]
    states = hashlib.sha256()
    for file in files:
        # The time of the last change of any kind, since a copy may keep that of its content.
        status = file.stat()
        times = status.st_mtime_ns, status.st_ctime_ns
        states.update(repr((file.name, status.st_size, times)).encode())
    return f"{path} {states.hexdigest()}"


def _rendered(
    run: ConversionRun,
    settings: PieceSettings,
    folder: PieceFolder,
    executor: Executor | None,
    tell: Callable[[int], None],
) -> Iterator[RenderedPiece]:
    """Render all pieces of a begun run; yield what is told of each, in order."""
    pool = _Pool(executor, folder, tell)
    kept = folder.looked
    try:
        for piece in planned(
            _noted(run.look() if kept is None else run.look_again(kept), pool.look), settings
        ):
            pool.add(piece)
        if folder.is_kept and kept is None:
            folder.keep_looked(pool.looked, run.told_by_source)
        yield from pool.rendered(settings)
    finally:
        pool.cancel()


class _Pool:
    """The pieces that are rendered."""

    def __init__(
        self, executor: Executor | None, folder: PieceFolder, tell: Callable[[int], None]
    ) -> None:
        self._executor = executor
        self._folder = folder
        self._tell = tell
        self._pieces: list[Piece] = []
        self._running: list[_Running] = []
        self._done = 0

    @property
    def looked(self) -> LookedFrames:
        """All frames, once all pieces are planned."""
        return LookedFrames.joined(piece.own for piece in self._pieces)

    def add(self, piece: Piece) -> None:
        """Have a piece rendered, unless an earlier run has."""
        self._pieces.append(piece)
        if self._folder.piece(piece.number).is_finished:
            self._done += piece.count
        else:
            self._running.append(_Running(piece, self._submit(piece)))

    def look(self) -> None:
        """See which pieces are done, and tell how far all are."""
        for running in list(self._running):
            if running.future.done():
                self._end(running)
        told = sum(self._folder.piece(each.piece.number).told for each in self._running)
        self._tell(self._done + told)

    def rendered(self, settings: PieceSettings) -> Iterator[RenderedPiece]:
        """Wait for all pieces; yield what is told of each, in order."""
        while self._running:
            wait([each.future for each in self._running], _LOOK_SECONDS)
            self.look()
        count = settings.segmenter.cluster_count
        for piece in self._pieces:
            yield self._folder.piece(piece.number).rendered(count, settings.info)

    def cancel(self) -> None:
        """Begin no other piece."""
        for running in self._running:
            running.future.cancel()

    def _submit(self, piece: Piece) -> Future[None]:
        files = self._folder.piece(piece.number)
        if self._executor is not None:
            return self._executor.submit(render_piece, piece, files)
        render_piece(piece, files)
        done: Future[None] = Future()
        done.set_result(None)
        return done

    def _end(self, running: _Running) -> None:
        self._running.remove(running)
        try:
            running.future.result()
        except BrokenExecutor as error:
            leftovers.check()  # whoever ends us ends the workers, too
            if not running.retries:
                raise KsegError(
                    f"{running.piece.settings.source} was not converted: {error}"
                ) from error
            again = self._submit(running.piece)
            self._running.append(_Running(running.piece, again, running.retries - 1))
        else:
            self._done += running.piece.count


def _noted(items: Iterable[_Item], look: Callable[[], None]) -> Iterator[_Item]:
    """Yield items, and look now and then."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _FRAMES_BETWEEN_LOOKS == 0:
            look()
