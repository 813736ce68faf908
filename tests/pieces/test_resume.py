"""Conversions that are gone on with: the output is that of an undisturbed run."""

from __future__ import annotations

from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

import pytest

from kseg_video.conversion.convert import Conversion
from kseg_video.core.errors import KsegError
from kseg_video.core.media_settings import EncoderSettings
from kseg_video.core.settings import SegmenterSettings
from kseg_video.pieces.piecewise_conversion import convert_in_pieces
from tests.helpers.media import ffmpeg, left_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


class _Stopping(Executor):
    """Makes calls at once; fails after the first ones."""

    def __init__(self, count: int) -> None:
        self._left = count

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Make a call."""
        future: Future[Any] = Future()
        self._left -= 1
        if self._left < 0:
            future.set_exception(KsegError("stopped by the test"))
        else:
            future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of three pieces: of 60 seconds, 60 and 10."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1:duration=130", "-g", "10", path)
    return path


def _convert(clip: Path, output: Path, n_clusters: int = 3, stops_after: int = 9) -> bytes:
    settings = {"segmenter": SegmenterSettings(n_clusters), "encoder": EncoderSettings(crf=30)}
    conversion = Conversion(clip, output, **settings)  # type: ignore[arg-type]
    convert_in_pieces(conversion, _Stopping(stops_after), resumes=True)
    return output.read_bytes()


def _stop(clip: Path, output: Path, pieces: int = 2) -> Path:
    """Convert some pieces; their folder."""
    with pytest.raises(KsegError, match="stopped by the test"):
        _convert(clip, output, stops_after=pieces)
    return next(output.parent.glob(".kseg-pieces-*"))


@pytest.fixture(scope="module")
def undisturbed(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The output of a run that nobody disturbs."""
    return _convert(clip, tmp_path_factory.mktemp("undisturbed") / "out.mkv")


def test_stopped_conversion_is_gone_on_with_and_ends(
    clip: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    folder = _stop(clip, tmp_path / "out.mkv")
    assert (folder / "looked.npz").exists()  # so that no frame is looked at again
    assert _convert(clip, tmp_path / "out.mkv") == undisturbed
    assert left_in(tmp_path) == ["out.mkv"]
