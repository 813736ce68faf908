"""Guarantees to programs that use the package."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import kseg_video
from kseg_video import Frame, RenderSettings, Segmenter, SinkError, SourceError, convert
from kseg_video.conversion.reader_writer_threads import Reader, Writer
from kseg_video.core.timing import StageTimer
from kseg_video.ffmpeg.process import FfmpegProcess
from kseg_video.writing.video_sink import VideoFileSink
from tests.helpers.media import make_clip
from tests.helpers.pictures import quadrants

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMPORT_ALL = """
import sys
# Of others' doings we are not the judge: they come first.
import av, cv2, imageio.v3, imageio_ffmpeg, numpy, rich.live, rich.progress, PIL.Image
import concurrent.futures, http.server, logging, multiprocessing
import importlib, locale, os, pkgutil, signal, threading, warnings

def state():
    return {
        "signals": [signal.getsignal(number) for number in signal.valid_signals()],
        "threads": threading.enumerate(),
        "environment": dict(os.environ),
        "OpenCV threads": cv2.getNumThreads(),
        "logging": (logging.root.level, logging.root.handlers, logging.root.disabled),
        "warnings": list(warnings.filters),
        "locale": locale.setlocale(locale.LC_ALL),
        "folder": os.getcwd(),
        "hooks": (sys.excepthook, threading.excepthook, sys.displayhook),
        "streams": (sys.stdin, sys.stdout, sys.stderr),
        "numpy errors": numpy.geterr(),
        "umask": (os.umask(0o22), os.umask(0o22)),
        "files": sorted(os.listdir("/proc/self/fd"))[:-1],
    }

before = state()
import kseg_video
names = [module.name for module in pkgutil.walk_packages(kseg_video.__path__, "kseg_video.")]
for name in names:
    if not name.endswith(".statistics_plot"):  # wants an extra
        importlib.import_module(name)
after = state()
assert len(names) > 40
print([name for name in before if before[name] != after[name]])
"""


def test_importing_changes_nothing() -> None:
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=True
    )
    assert finished.stdout == "[]\n"


class TestPublicNames:
    @pytest.mark.parametrize("name", sorted({*dir(kseg_video)} - {"__version__"}))
    def test_each_is_documented_and_can_be_pickled(self, name: str) -> None:
        value = getattr(kseg_video, name)
        summary = inspect.cleandoc(value.__doc__).splitlines()[0]
        assert summary.endswith(".")  # a dataclass's generated docstring does not
        assert pickle.loads(pickle.dumps(value)) is value

    def test_another_name_is_told_as_such(self) -> None:
        another = "nothing"
        with pytest.raises(AttributeError, match="'kseg_video' has no attribute 'nothing'"):
            getattr(kseg_video, another)


PARTS: dict[str, tuple[type, str, Exception]] = {
    "reader": (FfmpegProcess, "read_into", SourceError("no more")),
    "segmenter": (Segmenter, "map", MemoryError()),
    "writer": (VideoFileSink, "write", SinkError("no more")),
}


class TestFirstCause:
    """The caller gets the first failure, whichever thread it occurs in."""

    @pytest.fixture
    def clip(self, tmp_path: Path) -> Path:
        return make_clip(tmp_path / "a.mp4", sound=True, seconds=2)

    def check(self, clip: Path, error: Exception) -> None:
        with pytest.raises(type(error)) as caught:
            convert(clip, clip.with_name("out.mp4"))
        assert caught.value is error
        assert [path.name for path in clip.parent.iterdir()] == ["a.mp4"]

    @pytest.mark.parametrize("at", [0, 1, 20, 49])
    @pytest.mark.parametrize("part", ["reader", "segmenter", "writer"])
    def test_one_fails(
        self, clip: Path, monkeypatch: pytest.MonkeyPatch, part: str, at: int
    ) -> None:
        owner, method, error = PARTS[part]
        works = getattr(owner, method)
        calls = iter(range(100))

        def failing(self: object, *arguments: Any, **options: Any) -> Any:
            if next(calls) == at:
                raise error
            return works(self, *arguments, **options)

        monkeypatch.setattr(owner, method, failing)
        self.check(clip, error)

    def test_a_writer_that_fails_while_the_reader_fails(self) -> None:
        """The writer's failure counts, since its frame came first."""
        timer = StageTimer()

        class Sink:
            def write(self, _frame: Frame) -> None:
                raise SinkError("first")

            def abort(self) -> None:
                pass

        class Source:
            def __iter__(self) -> Iterator[Frame]:
                yield Frame(quadrants(8, 8))
                written.wait()
                raise SourceError("second")

            def close(self) -> None:
                pass

        written = threading.Event()

        def run() -> None:
            segmenter = Segmenter()
            with (
                Reader(Source(), timer) as reader,  # type: ignore[arg-type]
                Writer(Sink(), lambda frame, *_: frame, timer) as writer,  # type: ignore[arg-type]
            ):
                for frame in reader.frames():
                    writer.write(frame, segmenter.segment(frame), RenderSettings())
                    while writer._error is None:
                        pass
                    written.set()
                writer.finish()

        with pytest.raises(SinkError, match="first"):
            run()
