"""How outputs come to their names: as `cp` over a file would have it, and all of them or none."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import EncoderSettings, Frame, SinkError, open_sink
from tests.helpers.commands import AS_ANOTHER, COMMAND, Outcome, run, without_rights
from tests.helpers.disks import small_disk
from tests.helpers.flat_pictures import INFO, quarters
from tests.helpers.media import inspect, left_in, make_clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs to give files to others")
# One of each kind of output.
QUICK = ("old.mp4", "old-%d.png", "old.csv", "old.hex")
OTHERS = ("old.mkv", "old.gif", "old.webp", "old.png", "old.npz", "old.jsonl", "old.svg")
KINDS = [*QUICK, *(pytest.param(name, marks=pytest.mark.thorough) for name in OTHERS)]


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", seconds=0.2)


def target_of(folder: Path, name: str) -> Path:
    return folder / (name % 1 if "%" in name else name)


def write_over(clip: Path, folder: Path, name: str, **options: object) -> Outcome:
    """Run the command that replaces a file of that name."""
    output = folder / name
    command: list[str | Path] = ["palette", clip, "-o", output, "--json", "-y", "-q"]
    if not name.endswith(".hex"):
        command = ["convert", clip, "-o", output, "-k", "2", "-y", "-q"]
        if name.endswith((".csv", ".jsonl")):
            command[3:4] = [folder / "out.mp4", "--stats", output]
        elif name.endswith(".svg"):
            command[3:4] = [folder / "out.mp4", "--stats-plot", output]
        elif name.endswith(".npz"):
            command += ["--view", "labels"]
        elif name == "old.png":
            command += ["--max-frames", "1"]
    return run(*command, **options)


@pytest.mark.parametrize("name", KINDS)
class TestOverAFile:
    @pytest.mark.thorough
    def test_mode_and_extended_attributes_stay(self, clip: Path, tmp_path: Path, name: str) -> None:
        target = target_of(tmp_path, name)
        target.write_text("old")
        target.chmod(0o640)
        if sys.platform == "linux":
            with suppress(OSError):  # a file system without them
                os.setxattr(target, "user.note", b"keep")
            attributes = os.listxattr(target)
        outcome = write_over(clip, tmp_path, name)
        assert (outcome.code, outcome.err) == (0, "")
        assert target.read_bytes() != b"old"
        assert oct(stat.S_IMODE(target.stat().st_mode)) == "0o640"
        if sys.platform == "linux":
            assert os.listxattr(target) == attributes

    @pytest.mark.thorough
    @AS_ROOT
    def test_its_owner_stays(self, clip: Path, tmp_path: Path, name: str) -> None:
        target = target_of(tmp_path, name)
        target.write_text("old")
        os.chown(target, 1234, 4321)
        assert write_over(clip, tmp_path, name).code == 0
        status = target.stat()
        assert (status.st_uid, status.st_gid) == (1234, 4321)

    @pytest.mark.thorough
    def test_a_link_is_written_through(self, clip: Path, tmp_path: Path, name: str) -> None:
        (tmp_path / "links").mkdir()
        (tmp_path / "real").mkdir()
        real = tmp_path / "real" / f"file{Path(name).suffix}"
        real.write_text("old")
        real.chmod(0o600)
        link = target_of(tmp_path / "links", name)
        link.symlink_to("middle")
        (tmp_path / "links" / "middle").symlink_to(real)
        outcome = write_over(clip, tmp_path / "links", name)
        assert (outcome.code, outcome.err) == (0, "")
        assert link.readlink() == Path("middle")
        assert real.read_bytes() != b"old"
        assert oct(stat.S_IMODE(real.stat().st_mode)) == "0o600"
        assert left_in(tmp_path / "real") == [real.name]

    def test_one_that_is_write_protected_is_refused(
        self, clip: Path, tmp_path: Path, name: str
    ) -> None:
        target = target_of(tmp_path, name)
        target.write_text("old")
        target.chmod(0o444)
        outcome = write_over(clip, tmp_path, name, preexec_fn=without_rights)
        assert outcome.code == 1
        assert outcome.err == (
            f"kseg-video: error: {target} is write-protected; make it writable or choose another "
            "output\n"
        )
        assert target.read_text() == "old"
        assert left_in(tmp_path) == [target.name]


@AS_ROOT
def test_rights_by_capabilities_are_rights(clip: Path, tmp_path: Path) -> None:
    target = tmp_path / "old.mp4"
    target.write_text("old")
    command = (*AS_ANOTHER, *COMMAND, "convert", clip, "-o", target, "-k", "2", "-y", "-q")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert inspect(target).frames == 5


@AS_ROOT
def test_a_group_that_cannot_be_kept_gives_its_rights_to_no_other(
    clip: Path, tmp_path: Path
) -> None:
    target = tmp_path / "old.mp4"
    target.write_text("old")
    os.chown(target, -1, 4321)
    target.chmod(0o660)
    outcome = write_over(clip, tmp_path, "old.mp4", preexec_fn=without_rights)
    assert (outcome.code, outcome.err) == (0, "")
    assert oct(stat.S_IMODE(target.stat().st_mode)) == "0o600"


@pytest.mark.parametrize("options", [(), ("-y",)])
class TestLinksToNothing:
    def test_the_file_that_one_names_is_made(
        self, clip: Path, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        (tmp_path / "real").mkdir()
        (tmp_path / "out.mp4").symlink_to("real/file.mp4")
        outcome = run("convert", clip, "-o", tmp_path / "out.mp4", "-q", *options)
        assert (outcome.code, outcome.err) == (0, "")
        assert (tmp_path / "out.mp4").is_symlink()
        assert left_in(tmp_path / "real") == ["file.mp4"]
        assert inspect(tmp_path / "out.mp4").frames == 5

    def test_one_into_a_missing_folder_is_refused(
        self, clip: Path, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        (tmp_path / "out.mp4").symlink_to("missing/file.mp4")
        outcome = run("convert", clip, "-o", tmp_path / "out.mp4", *options)
        folder = tmp_path / "missing"
        message = f"kseg-video: error: the folder {folder} does not exist; make it first\n"
        assert (outcome.code, outcome.err) == (1, message)
        assert left_in(tmp_path) == ["out.mp4"]

    def test_links_in_a_circle_are_refused(
        self, clip: Path, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        (tmp_path / "out.mp4").symlink_to("other.mp4")
        (tmp_path / "other.mp4").symlink_to("out.mp4")
        outcome = run("convert", clip, "-o", tmp_path / "out.mp4", *options)
        assert outcome.code == 1
        assert outcome.err == (
            f"kseg-video: error: {tmp_path}/out.mp4 is a link that leads back to itself; choose "
            "another output\n"
        )
        assert left_in(tmp_path) == ["other.mp4", "out.mp4"]


class TestSequences:
    """All of a sequence comes to its names, or nothing of it."""

    @staticmethod
    def write(pattern: Path, count: int, meanwhile: Callable[[], object] = tuple) -> None:
        with open_sink(pattern, INFO, EncoderSettings(overwrite=True)) as sink:
            for _ in range(count):
                sink.write(Frame(quarters()))
            meanwhile()

    def test_a_folder_that_stands_in_the_middle_meanwhile(self, tmp_path: Path) -> None:
        for number in (0, 2):
            (tmp_path / f"{number}.png").write_text("precious")
        with pytest.raises(SinkError, match=r"cannot be written \(Is a directory\)"):
            self.write(tmp_path / "%d.png", 6, (tmp_path / "4.png").mkdir)
        assert left_in(tmp_path) == ["0.png", "2.png", "4.png"]
        assert (tmp_path / "0.png").read_text() == (tmp_path / "2.png").read_text() == "precious"

    def test_a_new_folder_goes_again(self, tmp_path: Path) -> None:
        def stand_in_the_way() -> None:
            (tmp_path / "new").mkdir()
            (tmp_path / "new" / "1.png").mkdir()

        with pytest.raises(SinkError, match=r"cannot be written \(Is a directory\)"):
            self.write(tmp_path / "new" / "%d.png", 3, stand_in_the_way)
        assert left_in(tmp_path / "new") == ["1.png"]

    def test_a_file_that_appears_in_the_middle_survives(self, tmp_path: Path) -> None:
        sink = open_sink(tmp_path / "%d.png", INFO)
        for _ in range(3):
            sink.write(Frame(quarters()))
        (tmp_path / "1.png").write_text("precious")
        with pytest.raises(SinkError, match="appeared meanwhile"):
            sink.close()
        sink.abort()
        assert left_in(tmp_path) == ["1.png"]

    def test_names_padded_with_spaces_are_theirs_too(self, tmp_path: Path) -> None:
        (tmp_path / "f    1.png").write_text("precious")
        with pytest.raises(SinkError, match=r"f    1\.png exists"):
            open_sink(tmp_path / "f%5d.png", INFO)
        assert left_in(tmp_path) == ["f    1.png"]

    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        with small_disk(tmp_path / "disk", "1m") as disk:
            yield disk

    def test_a_link_to_another_disk_is_written_through(self, tmp_path: Path, disk: Path) -> None:
        (tmp_path / "images").mkdir()
        (disk / "far.png").write_text("precious")
        (tmp_path / "images" / "1.png").symlink_to(disk / "far.png")
        self.write(tmp_path / "images" / "%d.png", 3)
        assert (tmp_path / "images" / "1.png").is_symlink()
        with Image.open(disk / "far.png") as picture:
            assert np.array_equal(np.asarray(picture)[..., ::-1], quarters())
        assert left_in(disk) == ["far.png"]

    def test_what_lies_on_another_disk_comes_back(self, tmp_path: Path, disk: Path) -> None:
        (tmp_path / "images").mkdir()
        (disk / "far.png").write_text("precious")
        (tmp_path / "images" / "1.png").symlink_to(disk / "far.png")
        with pytest.raises(SinkError, match=r"cannot be written \(Is a directory\)"):
            self.write(tmp_path / "images" / "%d.png", 3, (tmp_path / "images" / "2.png").mkdir)
        assert (disk / "far.png").read_text() == "precious"
        assert left_in(tmp_path / "images") == ["1.png", "2.png"]

    @pytest.mark.parametrize("name", ["%300d.png", "%0255d.png", "%999999999999d.png"])
    def test_names_too_long_once_numbered_are_refused_at_once(
        self, clip: Path, tmp_path: Path, name: str
    ) -> None:
        outcome = run("convert", clip, "-o", tmp_path / name)
        assert outcome.code == 1
        assert outcome.err == (
            f"kseg-video: error: the name {name} is too long; choose another output\n"
        )
        assert left_in(tmp_path) == []
