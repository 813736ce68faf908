"""Label maps and sequences of images as NumPy and Pillow read them."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import (
    EncoderSettings,
    RenderSettings,
    Segmenter,
    SegmenterSettings,
    SettingsError,
    SinkError,
    TrimSettings,
    convert,
    open_sink,
    open_source,
)
from kseg_video.core.frame import Frame
from kseg_video.reading.video_source import VideoFileSource
from tests.conftest import SAMPLES
from tests.helpers.commands import finish, run, start
from tests.helpers.flat_pictures import INFO, quarters
from tests.helpers.media import left_in, read_planes
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

FRAMES = 4
LABEL_INFO = dataclasses.replace(INFO, layout="gray8")
LABELS = RenderSettings(view="labels")


@pytest.fixture(scope="module")
def expected(lake: Path) -> tuple[NDArray[np.uint8], list[float]]:
    """Cluster numbers by the Python interface, and the frames' times."""
    segmenter = Segmenter(SegmenterSettings(mapping="fast"))
    labels, times = [], []
    with open_source(lake, TrimSettings(start=1, max_frames=FRAMES)) as source:
        assert isinstance(source, VideoFileSource)
        look_ahead = source.look_ahead()
        assert look_ahead is not None
        for frame in source:
            segmenter.add_look_ahead(look_ahead.until(frame.time))
            labels.append(segmenter.segment(frame).labels)
            times.append(frame.time)
    return np.stack(labels), times


@pytest.fixture(scope="module")
def lake() -> Path:
    return SAMPLES / "lake.mp4"


@pytest.mark.parametrize("name", ["labels.mkv", "labels.npz", "maps/labels-%04d.png"])
def test_label_maps_hold_the_cluster_numbers(
    tmp_path: Path, lake: Path, expected: tuple[NDArray[np.uint8], list[float]], name: str
) -> None:
    labels, times = expected
    convert(
        lake,
        tmp_path / name,
        rendering=LABELS,
        trim=TrimSettings(start=1, max_frames=FRAMES),
        encoder=EncoderSettings(lossless=name.endswith(".mkv")),
    )
    if name.endswith(".npz"):
        with np.load(tmp_path / name) as archive:
            assert sorted(archive) == ["labels", "times"]
            stored = archive["labels"]
            assert archive["times"].tolist() == times
        assert stored.dtype == np.uint8
    elif name.endswith(".mkv"):
        stored = np.stack(read_planes(tmp_path / name))
    else:
        assert left_in(tmp_path / "maps") == [f"labels-{n:04d}.png" for n in range(FRAMES)]
        images = [Image.open(path) for path in sorted((tmp_path / "maps").iterdir())]
        assert {image.mode for image in images} == {"L"}
        stored = np.stack([np.asarray(image) for image in images])
    assert np.array_equal(stored, labels)
    assert len(np.unique(stored)) == 5


class TestArchive:
    def test_nothing_is_left_after_an_error(self, tmp_path: Path) -> None:
        def fail() -> None:
            with open_sink(tmp_path / "a.npz", LABEL_INFO) as sink:
                sink.write(Frame(np.zeros((48, 64), np.uint8), "gray8"))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert left_in(tmp_path) == []

    def test_it_appears_whole(self, tmp_path: Path) -> None:
        with open_sink(tmp_path / "a.npz", LABEL_INFO) as sink:
            sink.write(Frame(np.zeros((48, 64), np.uint8), "gray8"))
            assert "a.npz" not in left_in(tmp_path)
        assert left_in(tmp_path) == ["a.npz"]

    def test_nothing_written_is_an_error(self, tmp_path: Path) -> None:
        with (
            pytest.raises(SinkError, match="got no label map"),
            open_sink(tmp_path / "a.npz", LABEL_INFO),
        ):
            pass
        assert left_in(tmp_path) == []

    def test_pictures_are_refused(self, tmp_path: Path) -> None:
        with (
            pytest.raises(SinkError, match=r"opened for pictures of 64x48 \(gray8\)"),
            open_sink(tmp_path / "a.npz", LABEL_INFO) as sink,
        ):
            sink.write(Frame(quarters()))
        assert left_in(tmp_path) == []

    def test_another_view_is_wrong_usage(self, tmp_path: Path, lake: Path) -> None:
        with pytest.raises(SettingsError, match="holds label maps; choose --view labels"):
            convert(lake, tmp_path / "a.npz")
        assert left_in(tmp_path) == []


class TestSequence:
    def write(self, path: Path, count: int, *, overwrite: bool = False) -> list[str]:
        with open_sink(path, INFO, EncoderSettings(overwrite=overwrite)) as sink:
            for number in range(count):
                sink.write(Frame(quarters() + np.uint8(number)))
        return sink.notes

    @pytest.mark.parametrize(
        ("name", "first", "last"),
        [
            ("f-%05d.png", "f-00000.png", "f-00011.png"),
            ("f-%d.webp", "f-0.webp", "f-11.webp"),
            ("%02d.tif", "00.tif", "11.tif"),
        ],
    )
    def test_every_frame_is_an_image(
        self, tmp_path: Path, name: str, first: str, last: str
    ) -> None:
        self.write(tmp_path / name, 12)
        assert len(left_in(tmp_path)) == 12
        for number, image in ((0, first), (11, last)):
            with Image.open(tmp_path / image) as picture:
                assert np.array_equal(
                    np.asarray(picture.convert("RGB"))[..., ::-1], quarters() + np.uint8(number)
                )

    def test_opacity_is_kept(self, tmp_path: Path) -> None:
        alpha = np.arange(48 * 64).reshape(48, 64).astype(np.uint8)
        with open_sink(tmp_path / "%d.png", dataclasses.replace(INFO, has_alpha=True)) as sink:
            sink.write(Frame(quarters(), alpha=alpha))
        with Image.open(tmp_path / "0.png") as picture:
            assert np.array_equal(np.asarray(picture)[..., 3], alpha)

    def test_names_appear_at_the_end(self, tmp_path: Path) -> None:
        with open_sink(tmp_path / "new" / "%d.png", INFO) as sink:
            sink.write(Frame(quarters()))
            assert not (tmp_path / "new").exists()
        assert left_in(tmp_path) == ["new"]
        assert left_in(tmp_path / "new") == ["0.png"]

    def test_nothing_is_left_after_an_error(self, tmp_path: Path) -> None:
        def fail() -> None:
            with open_sink(tmp_path / "new" / "%d.png", INFO) as sink:
                for _ in range(20):
                    sink.write(Frame(quarters()))
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()
        assert left_in(tmp_path) == []

    def test_nothing_written_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SinkError, match="got no picture"):
            self.write(tmp_path / "%d.png", 0)
        assert left_in(tmp_path) == []

    def test_an_existing_sequence_is_left_alone(self, tmp_path: Path) -> None:
        (tmp_path / "f-042.png").write_text("precious")
        with pytest.raises(SinkError, match=r"f-042\.png exists; .* pass --overwrite"):
            self.write(tmp_path / "f-%03d.png", 3)
        assert left_in(tmp_path) == ["f-042.png"]

    def test_one_that_appears_meanwhile_survives(self, tmp_path: Path) -> None:
        sink = open_sink(tmp_path / "%d.png", INFO)
        sink.write(Frame(quarters()))
        (tmp_path / "7.png").write_text("precious")
        with pytest.raises(SinkError, match="appeared meanwhile"):
            sink.close()
        sink.abort()
        assert left_in(tmp_path) == ["7.png"]

    def test_what_it_does_not_write_is_kept_and_told(self, tmp_path: Path) -> None:
        (tmp_path / "f-10.png").write_text("precious")
        (tmp_path / "f-9.png").write_text("precious")
        (tmp_path / "f-0.png").write_text("old")
        (tmp_path / "f-notes.png").touch()
        assert self.write(tmp_path / "f-%d.png", 2, overwrite=True) == [
            "2 files stay as before, from f-9.png on; remove what is of an earlier run"
        ]
        assert left_in(tmp_path) == ["f-0.png", "f-1.png", "f-10.png", "f-9.png", "f-notes.png"]
        assert (tmp_path / "f-9.png").read_text() == "precious"
        with Image.open(tmp_path / "f-0.png") as picture:
            assert np.array_equal(np.asarray(picture)[..., ::-1], quarters())

    def test_a_longer_one_leaves_nothing_to_tell(self, tmp_path: Path) -> None:
        self.write(tmp_path / "%d.png", 2)
        assert self.write(tmp_path / "%d.png", 3, overwrite=True) == []
        assert left_in(tmp_path) == ["0.png", "1.png", "2.png"]

    def test_a_missing_folder_of_a_missing_folder_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(SinkError, match=r"folder .*a does not exist; make it first"):
            self.write(tmp_path / "a" / "b" / "%d.png", 1)
        assert left_in(tmp_path) == []

    @pytest.mark.parametrize("source", ["in", "in/%d.png", "in/0.png"])
    @pytest.mark.parametrize("output", ["in/%d.png", "in/0.png"])
    def test_the_input_s_images_are_never_replaced(
        self, tmp_path: Path, source: str, output: str
    ) -> None:
        self.write(tmp_path / "in" / "%d.png", 2)
        before = [path.read_bytes() for path in sorted((tmp_path / "in").iterdir())]
        done = run("convert", source, "-o", output, "-y", "-q", cwd=tmp_path)
        assert (done.code, "is the input itself" in done.err) == (1, True)
        assert [path.read_bytes() for path in sorted((tmp_path / "in").iterdir())] == before

    def test_by_command(self, tmp_path: Path, lake: Path) -> None:
        done = run("convert", lake, "-o", tmp_path / "f-%03d.jpg", "--max-frames", "2", "-q")
        assert (done.code, done.err) == (0, "")
        assert left_in(tmp_path) == ["f-000.jpg", "f-001.jpg"]

    def test_a_video_to_one_image_tells_of_sequences(self, tmp_path: Path, lake: Path) -> None:
        done = run("convert", lake, "-o", tmp_path / "f.png", "-q")
        assert done.code == 1
        assert re.search(r"holds one picture .* number them \(frame-%05d\.png\)", done.err)
        assert left_in(tmp_path) == []

    def test_nothing_is_left_when_it_is_stopped(self, tmp_path: Path, lake: Path) -> None:
        process = start("convert", lake, "-o", tmp_path / "new" / "%d.png", "-q")
        wait_until(lambda: any(tmp_path.glob(".kseg-*/3.png")))
        process.terminate()
        assert finish(process).code == 143
        assert left_in(tmp_path) == []
