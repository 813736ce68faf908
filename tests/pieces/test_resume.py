"""Conversions that are gone on with: the output is that of an undisturbed run."""

from __future__ import annotations

import os
import shutil
import sys
from concurrent.futures import Executor, Future
from typing import TYPE_CHECKING, Any

import pytest

from kseg_video.conversion.convert import Conversion
from kseg_video.core.errors import KsegError
from kseg_video.core.media_settings import DecoderSettings, EncoderSettings
from kseg_video.core.settings import SegmenterSettings
from kseg_video.pieces.piecewise_conversion import convert_in_pieces
from tests.helpers.media import ffmpeg, left_in, make_clip, read_planes

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


def _convert(
    clip: Path,
    output: Path,
    n_clusters: int = 3,
    executor: Executor | None = None,
    decoder: DecoderSettings | None = None,
) -> bytes:
    settings = {"segmenter": SegmenterSettings(n_clusters), "encoder": EncoderSettings(crf=30)}
    conversion = Conversion(clip, output, decoder=decoder, **settings)  # type: ignore[arg-type]
    convert_in_pieces(conversion, executor, resumes=True)
    return output.read_bytes()


def _stop(clip: Path, output: Path, n_clusters: int = 3) -> Path:
    """Convert two pieces; their folder."""
    with pytest.raises(KsegError, match="stopped by the test"):
        _convert(clip, output, n_clusters, _Stopping(2))
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


class _Late(_Stopping):
    """Makes calls after a worker of a lost run has finished pieces of its own."""

    def __init__(self, folder: Path, finished: dict[str, bytes]) -> None:
        super().__init__(9)
        self._folder = folder
        self._finished = finished

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Make a call."""
        for name, data in self._finished.items():
            (self._folder / name).write_bytes(data)
        self._finished = {}
        return super().submit(fn, *args, **kwargs)


def test_late_pieces_of_a_lost_run_with_other_settings_are_not_joined(
    clip: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    """On a cluster, workers may go on for a while without the machine that asked them to."""
    output = tmp_path / "out.mkv"
    folder = _stop(clip, output, n_clusters=4)
    late = {path.name: path.read_bytes() for path in folder.iterdir() if path.name[0] == "0"}
    assert _convert(clip, output, executor=_Late(folder, late)) == undisturbed


def _flip(folder: Path, suffix: str) -> None:
    path = min(folder.glob(f"00000*{suffix}"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0x11
    path.write_bytes(data)


def _swap(folder: Path, *suffixes: str) -> None:
    for suffix in suffixes:
        first, second = sorted(path for path in folder.glob(f"0000*{suffix}"))[:2]
        first_data = first.read_bytes()
        first.write_bytes(second.read_bytes())
        second.write_bytes(first_data)


def _empty(folder: Path, suffix: str) -> None:
    min(folder.glob(f"00000*{suffix}")).write_bytes(b"")


@pytest.mark.parametrize(
    "harm",
    [
        pytest.param(lambda folder: _flip(folder, ".mkv"), id="video damaged"),
        *(
            pytest.param(harm, id=name, marks=pytest.mark.thorough)
            for name, harm in {
                "sums empty": lambda folder: _empty(folder, ".npz"),
                "sums damaged": lambda folder: _flip(folder, ".npz"),
                "videos swapped": lambda folder: _swap(folder, ".mkv"),
                "pieces swapped": lambda folder: _swap(folder, ".mkv", ".npz"),
            }.items()
        ),
    ],
)
def test_damaged_pieces_are_rendered_again(
    clip: Path, undisturbed: bytes, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    harm(_stop(clip, tmp_path / "out.mkv"))
    assert _convert(clip, tmp_path / "out.mkv") == undisturbed


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_copied_folder_of_pieces_is_not_gone_on_with(
    clip: Path, undisturbed: bytes, tmp_path: Path
) -> None:
    """As an archive of others may hold one, with links to any file."""
    folder = _stop(clip, tmp_path / "out.mkv")
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    for name in ("pieces.txt", "00002.frames", *(f"{path.name}.part" for path in folder.iterdir())):
        (folder / name).symlink_to(victim)
    other = tmp_path / "other"
    shutil.copytree(folder, other, symlinks=True)
    os.mkfifo(other / "fifo")
    shutil.rmtree(folder)
    other.rename(folder)
    assert _convert(clip, tmp_path / "out.mkv") == undisturbed
    assert victim.read_text() == "untouched"
    assert left_in(tmp_path) == ["out.mkv", "victim"]


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["", "%02d.png"], ids=["folder", "sequence"])
def test_changed_picture_of_many_is_seen(tmp_path: Path, name: str) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    ffmpeg("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1:duration=70", pictures / "%02d.png")
    decoder = DecoderSettings(frame_rate=1)
    with pytest.raises(KsegError, match="stopped by the test"):
        _convert(pictures / name, tmp_path / "out.mkv", executor=_Stopping(0), decoder=decoder)
    folder = next(tmp_path.glob(".kseg-pieces-*"))
    assert (folder / "looked.npz").exists()
    shutil.copy(pictures / "60.png", pictures / "20.png")
    changed = _convert(pictures / name, tmp_path / "out.mkv", decoder=decoder)
    assert changed == _convert(pictures / name, tmp_path / "alone.mkv", decoder=decoder)


def test_frames_of_minutes_each_are_converted(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "slow.mp4", rate="1/200", seconds=200 * 30)
    _convert(clip, tmp_path / "out.mkv")
    assert len(read_planes(tmp_path / "out.mkv")) == 30
