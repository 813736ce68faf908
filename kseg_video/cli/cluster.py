"""Dask clusters: an executor whose workers are on other machines, and checks before they start."""

from __future__ import annotations

import logging
import secrets
from concurrent.futures import Executor, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from kseg_video import __version__
from kseg_video.cli.opencv_setup import import_opencv, silence_libraries
from kseg_video.core.errors import KsegError
from kseg_video.core.shown_text import shown
from kseg_video.reading.image_files import is_sequence
from kseg_video.writing.temporary_files import TemporaryEntry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from distributed import Client

_ANSWER_SECONDS = 10.0  # longest wait for the scheduler
_RETRIES = 3  # on other workers, of what a lost worker has begun

_Result = TypeVar("_Result")
_Parameters = ParamSpec("_Parameters")


@contextmanager
def cluster(
    address: str, inputs: Sequence[Path], output: Path, tell: Callable[[str], None]
) -> Iterator[Executor]:
    """Connect to a Dask cluster whose workers see the same files as this machine.

    Parameters
    ----------
    address : str
        Of the scheduler.
    inputs : sequence of Path
    output : Path
        In a folder that all workers may write to.
    tell : callable
        Called with a line on the cluster.

    Yields
    ------
    Executor

    Raises
    ------
    KsegError
        If Dask is missing here, nothing answers, or a worker lacks this version or the files.
    """
    try:
        from distributed import Client  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise KsegError(
            "--cluster needs Dask; install it with: pip install 'kseg-video[cluster]'"
        ) from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # our own line tells of a failure
    try:
        client = Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        raise KsegError(
            f"no Dask scheduler answers at {address}; check the address, as tcp://machine:8786"
        ) from error
    try:
        count = _check_workers(client, address, inputs, output)
        board = f"; its dashboard: {client.dashboard_link}" if client.dashboard_link else ""
        tell(f"cluster of {count} worker{'s' if count > 1 else ''}{board}")
        yield _ClusterExecutor(client, address)
    finally:
        with suppress(Exception):  # the scheduler may be gone
            client.close(timeout=1)


class _ClusterExecutor(Executor):
    """Makes calls on the workers of a cluster."""

    def __init__(self, client: Client, address: str) -> None:
        self._executor = client.get_executor(retries=_RETRIES, pure=False)
        self._address = address

    def submit(
        self,
        fn: Callable[_Parameters, _Result],
        /,
        *args: _Parameters.args,
        **kwargs: _Parameters.kwargs,
    ) -> Future[_Result]:
        """Make a call on a worker; see `concurrent.futures.Executor`."""
        told: Future[_Result] = Future()
        theirs = self._executor.submit(_prepared, fn, *args, **kwargs)

        def pass_on(done: Future[_Result]) -> None:
            if done.cancelled():
                told.set_exception(KsegError(f"the Dask scheduler at {self._address} was lost"))
            elif (error := done.exception()) is None:
                told.set_result(done.result())
            elif isinstance(error, KsegError):
                told.set_exception(error)
            else:
                why = shown(str(error).splitlines()[0] if str(error) else type(error).__name__)
                told.set_exception(KsegError(f"no worker of the cluster could do it ({why})"))

        theirs.add_done_callback(pass_on)
        return told

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = True) -> None:
        """Cancel what has not begun."""
        self._executor.shutdown(wait=wait, cancel_futures=cancel_futures)


def _prepared(
    call: Callable[_Parameters, _Result], *args: _Parameters.args, **kwargs: _Parameters.kwargs
) -> _Result:
    """Make a call, on a worker."""
    import_opencv()
    silence_libraries()
    return call(*args, **kwargs)


def _check_workers(client: Client, address: str, inputs: Sequence[Path], output: Path) -> int:
    """Check that all workers can work; return their number."""
    sign = TemporaryEntry(output, output.parent.resolve(), 0o700, is_folder=True)
    try:
        (sign.path / "sign").write_text(secret := secrets.token_hex(8))
        seen = (path.parent if is_sequence(path) else path for path in inputs)
        paths = [str(path.resolve()) for path in seen]
        answers: dict[str, Any] = client.run(
            _look, paths, str(sign.path / "sign"), on_error="return"
        )
    finally:
        sign.discard()
    if not answers:
        raise KsegError(f"the cluster has no worker yet; start one with: dask worker {address}")
    for worker, answer in answers.items():
        if isinstance(answer, ModuleNotFoundError):
            raise KsegError(f"the worker {worker} lacks kseg-video {__version__}; install it there")
        if isinstance(answer, BaseException):
            raise KsegError(f"the worker {worker} does not answer ({shown(str(answer))})")
        version, unseen, seen_sign = answer
        if version != __version__:
            raise KsegError(
                f"the worker {worker} has kseg-video {version}, not {__version__}; install it there"
            )
        if unseen:
            raise KsegError(f"the worker {worker} does not see {unseen[0]}; share its folder")
        if seen_sign != secret:
            folder = output.parent.resolve()
            raise KsegError(f"the worker {worker} does not see {folder}; share that folder")
    return len(answers)


def _look(inputs: Sequence[str], sign: str) -> tuple[str, list[str], str]:
    """Version here, inputs that are not seen here, and what stands in a file; on a worker."""
    written = ""
    with suppress(OSError):
        written = Path(sign).read_text()
    return __version__, [path for path in inputs if not Path(path).exists()], written
