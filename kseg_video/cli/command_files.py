"""Files of a command line: inputs that are streams, outputs to standard output, and new folders.

Videos are read in several passes, and MP4 from its end, so a stream is copied to a temporary file
first. What goes to standard output is written to one, too, and follows when it is whole.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from kseg_video.cli.argument_values import is_there
from kseg_video.core.errors import KsegError, SettingsError, SourceError, cannot_read, cannot_write
from kseg_video.ffmpeg.cleanup import ClosingContext, leftovers
from kseg_video.reading.image_files import READ_FORMATS, is_sequence, numbered_files
from kseg_video.writing.output_paths import check_folder
from kseg_video.writing.temporary_files import TemporaryEntry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

STANDARD = Path("-")
_STANDARD_INPUTS = frozenset({STANDARD, Path("/dev/stdin")})
STANDARD_NAME = "stdin"
_SUFFIXES = {"MPO": ".jpg"}  # of formats that are not named like their suffix
# Wait for a program that opens a fifo to write to it: longer serves programs that start slowly,
# shorter tells sooner that there is none.
_WRITER_SECONDS = 5.0
_LOOK_SECONDS = 0.05
_CHUNK_BYTES = 1 << 20


def check_are_there(inputs: Iterable[Path], *, output: object) -> None:
    """Check that all inputs exist, before the first is begun.

    Parameters
    ----------
    inputs : iterable of Path
    output : object
        The output, if the user has named any.

    Raises
    ------
    SourceError
        If one does not exist.
    """
    for number, path in enumerate(inputs):
        if path == STANDARD or is_there(str(path)):
            continue
        is_output = f", or write -o {path} if it is the output" if number and not output else ""
        with contextlib.suppress(OSError):  # a name that no file can have
            if is_sequence(path):
                if numbered_files(path):
                    continue
                raise SourceError(f"no file has a name like {path}; check the pattern{is_output}")
        raise SourceError(f"{path} does not exist; check the name{is_output}")


def is_stream(path: Path) -> bool:
    """Whether an input is standard input or a fifo."""
    return path in _STANDARD_INPUTS or path.is_fifo()


class StreamCopy(ClosingContext):
    """Temporary file with all that comes from a stream; it is removed when closed.

    Errors in its context name the stream instead of the file.

    Parameters
    ----------
    stream : Path
        See `is_stream`.

    Raises
    ------
    SettingsError
        If standard input is a terminal.
    SourceError
        If nobody writes to a fifo, or what comes cannot be copied.
    """

    def __init__(self, stream: Path) -> None:
        is_standard = stream in _STANDARD_INPUTS
        self._name = "standard input" if is_standard else str(stream)
        if is_standard and os.isatty(0):
            raise SettingsError("standard input is a terminal; pipe a video into it")
        self._folder = temporary_folder()
        self.path = self._folder.path / (STANDARD_NAME if is_standard else stream.name)
        try:
            with self.path.open("wb") as file:
                for chunk in _standard_input() if is_standard else _of_fifo(stream):
                    file.write(chunk)
            if not self.path.suffix:
                self.path = self.path.rename(self.path.with_suffix(_suffix_of(self.path)))
        except OSError as error:
            self.close()
            raise SourceError(
                f"{self._name} cannot be copied to {tempfile.gettempdir()} ({error.strerror}); "
                "make room there, or name another folder with TMPDIR"
            ) from error
        except BaseException:
            self.close()
            raise

    def renamed(self, text: str) -> str:
        """A message with the stream's name in place of the file's."""
        return text.replace(str(self.path), self._name)

    def close(self) -> None:
        """Remove the file."""
        self._folder.discard()

    def __exit__(self, *raised: object) -> None:
        if isinstance(error := raised[1], KsegError):
            error.args = (self.renamed(str(error)),)
        super().__exit__(*raised)


def temporary_folder() -> TemporaryEntry:
    """Create a folder where the system keeps temporary files; TMPDIR names another place.

    Raises
    ------
    SinkError
        If it cannot be created.
    """
    place = Path(tempfile.gettempdir())
    return TemporaryEntry(place / "kseg-video", place, 0o700, is_folder=True)


@contextlib.contextmanager
def made_folder(folder: Path, *, wanted: bool) -> Iterator[None]:
    """Make a folder for outputs, and remove it if it then stays empty.

    Parameters
    ----------
    folder : Path
    wanted : bool
        Whether to make it if it is missing.

    Raises
    ------
    SinkError
        If it is missing and cannot be made.
    """
    if not wanted or folder.is_dir():
        yield
        return
    check_folder(folder.parent)
    with leftovers.being_made():
        try:
            folder.mkdir()
        except OSError as error:
            raise cannot_write(folder, error) from error
        leftover = leftovers.add(folder.rmdir)
    try:
        yield
    finally:
        leftovers.forget(leftover)
        with contextlib.suppress(OSError):  # it holds outputs
            folder.rmdir()


def send(path: Path) -> None:
    """Copy a file to standard output.

    Raises
    ------
    KsegError
        If standard output cannot be written to.
    """
    try:
        with path.open("rb") as file, open(1, "wb", closefd=False) as output:
            shutil.copyfileobj(file, output, _CHUNK_BYTES)
    except OSError as error:
        raise KsegError(f"standard output cannot be written to ({error.strerror})") from error


def _standard_input() -> Iterator[bytes]:
    try:
        with open(0, "rb", buffering=0, closefd=False) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise SourceError(f"standard input cannot be read ({error.strerror})") from error


def _of_fifo(path: Path) -> Iterator[bytes]:
    """Read a fifo; opened as usual, it would block without end if nobody writes to it."""
    deadline = time.monotonic() + _WRITER_SECONDS
    if sys.platform == "win32":  # which has none in its file system
        return
    try:
        number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        with os.fdopen(number, "rb", buffering=0) as stream:
            while (chunk := stream.read(_CHUNK_BYTES)) == b"":
                if time.monotonic() > deadline:
                    raise SourceError(f"{path} is not a file but a fifo that nobody writes to")
                time.sleep(_LOOK_SECONDS)
            yield chunk or b""  # None: it is open for writing, but empty
            os.set_blocking(number, True)
            while chunk := stream.read(_CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise cannot_read(path, error, f"cannot be read ({error.strerror})") from error


def _suffix_of(image: Path) -> str:
    """Suffix that goes with the contents of an image; empty for anything else."""
    from PIL import Image  # noqa: PLC0415 - few inputs need it

    with contextlib.suppress(Exception), Image.open(image, formats=READ_FORMATS) as picture:
        name = str(picture.format)
        return _SUFFIXES.get(name, f".{name.lower()}")
    return ""
