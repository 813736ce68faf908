"""Faults during a conversion: one clear line, the right exit code, nothing left behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import stat
import subprocess
import sys
import time
from fnmatch import fnmatch
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from kseg_video import EncoderSettings, Frame, SinkError, VideoInfo, convert, open_sink
from kseg_video.ffmpeg.process import executable
from tests.conftest import running_ffmpegs
from tests.helpers.commands import COMMAND, Outcome, finish, run, start
from tests.helpers.disks import fill, small_disk
from tests.helpers.faulty_ffmpeg import faulty_ffmpeg
from tests.helpers.media import ffmpeg, inspect, left_in, make_clip
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

DECODER, ENCODER = "*rawvideo -", "*pipe:0*"

QUICK = pytest.mark.quick
STOPPED = [
    pytest.param(signal.SIGINT, 130, marks=QUICK),
    (signal.SIGTERM, 143),
    (signal.SIGHUP, 129),
]
SIGNALLED_AT_AN_IMPORT = """
import os, sys
class Signalling:
    def find_spec(name, *_):
        if name.startswith("kseg_video.") and name != "kseg_video.__main__":
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Signalling)
from kseg_video.__main__ import entry
entry()
"""
FULL = "cannot be written: the disk is full; make room"
SECONDS = 5  # within which a run must end after a fault


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with sound."""
    return make_clip(tmp_path_factory.mktemp("faults") / "clip.mp4", sound=True, seconds=2)


@pytest.fixture(scope="session")
def long_clip(clip: Path) -> Path:
    """Three minutes with sound: longer than any test waits."""
    path = clip.with_name("long.mp4")
    ffmpeg("-stream_loop", "90", "-i", clip, "-c", "copy", path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds outputs and nothing else."""
    path = tmp_path / "outputs"
    path.mkdir()
    return path


def heeds(process: subprocess.Popen[str], number: int) -> bool:
    """Whether a process already handles a signal."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    caught = re.search(r"^SigCgt:\s+(\w+)$", status, re.MULTILINE)
    return caught is not None and bool(int(caught[1], 16) >> (number - 1) & 1)


def assert_failed(outcome: Outcome, message: str) -> None:
    assert re.fullmatch(rf"kseg-video: error: .*{message}.*\n", outcome.err), outcome.err
    assert (outcome.code, outcome.out) == (1, "")


class TestWholeOrAbsent:
    """An encoder that exited with 0 may still have lost frames."""

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            ('ffmpeg "$@"; truncate -s -9000 "$last"', "was written but is not whole"),
            ('ffmpeg "$@"; : > "$last"', "is not whole .0 of 50 frames"),
            ('ffmpeg "$@" && rm "$last"', "is not whole .0 of 50 frames"),
            ('ffmpeg "${@:1:$#-1}" -frames:v 49 "${!#}"', "is not whole .49 of 50 frames"),
            (
                'for a; do set -- "${@:2}" "${a/#25/24}"; done; ffmpeg "$@"',
                r"is not whole .it lasts 2\.083 s instead of 2\.000 s",
            ),
        ],
    )
    def test_what_is_not_whole_is_absent(
        self, clip: Path, folder: Path, tmp_path: Path, fault: str, message: str
    ) -> None:
        environment = faulty_ffmpeg(tmp_path, "encode", fault)
        (folder / "out.mp4").write_text("precious")
        outcome = run("convert", clip, "-o", folder / "out.mp4", "-y", env=environment)
        assert_failed(outcome, message)
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"


STOPPED_LINE = "kseg-video: stopped; no unfinished output is left\n"


@pytest.mark.thorough
@pytest.mark.parametrize(("number", "code"), STOPPED)
class TestSignals:
    """A line, the signal's exit code, and nothing left behind."""

    def test_at_the_start(self, long_clip: Path, folder: Path, number: int, code: int) -> None:
        for pause in (0, 0.1, 0.3):
            process = start("convert", long_clip, "-o", folder / "out.mp4")
            wait_until(partial(heeds, process, signal.SIGTERM))
            time.sleep(pause)
            process.send_signal(number)
            outcome = finish(process, SECONDS)
            assert (outcome.code, outcome.out) == (code, "")
            assert outcome.err in {"", STOPPED_LINE}, "none while it is being loaded"
            assert left_in(folder) == []

    def test_while_its_first_module_is_imported(
        self, long_clip: Path, folder: Path, number: int, code: int
    ) -> None:
        """Before that import, the interpreter handles signals itself."""
        script = folder.parent / "kseg-video"
        script.write_text(SIGNALLED_AT_AN_IMPORT.format(number=int(number)))
        command = [
            sys.executable,
            *map(str, (script, "convert", long_clip, "-o", folder / "o.mp4")),
        ]
        # A shell distinguishes a process that a signal ended from one that exits with the code.
        process = subprocess.Popen(
            ["sh", "-c", '"$@"; exit $?', "sh", *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        outcome = finish(process, SECONDS)
        assert (outcome.code, outcome.out) == (code, "")
        assert "Traceback" not in outcome.err
        assert left_in(folder) == []

    def test_in_the_middle(self, long_clip: Path, folder: Path, number: int, code: int) -> None:
        process = start("convert", long_clip, "-o", folder / "out.mp4")
        wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()))
        process.send_signal(number)
        process.send_signal(number)  # an impatient user
        assert finish(process, SECONDS) == Outcome(code, "", STOPPED_LINE)
        assert left_in(folder) == []

    def test_quiet(self, long_clip: Path, folder: Path, number: int, code: int) -> None:
        process = start("convert", long_clip, "-o", folder / "out.mp4", "--quiet")
        wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()))
        process.send_signal(number)
        assert finish(process, SECONDS) == Outcome(code, "", "")

    def test_what_was_done_before_is_told_to_scripts(
        self, clip: Path, long_clip: Path, folder: Path, number: int, code: int
    ) -> None:
        first = folder / f"{clip.stem}.segmented{clip.suffix}"
        process = start("convert", clip, long_clip, "-o", folder, "--json")
        wait_until(lambda: any(folder.glob(".*")))
        hidden = set(folder.glob(".*"))  # the first output's, renamed when complete
        wait_until(first.exists)
        wait_until(lambda: set(folder.glob(".*")) - hidden)
        process.send_signal(number)
        outcome = finish(process, SECONDS)
        assert outcome.code == code
        done, stopped = json.loads(outcome.out)
        assert done["output"] == str(first)
        assert stopped == {"input": str(long_clip), "error": "stopped"}
        assert left_in(folder) == [first.name]

    @pytest.mark.parametrize("job", ["probe", "decode", "encode", "check"])
    def test_while_an_ffmpeg_takes_its_time_to_end(
        self, clip: Path, folder: Path, tmp_path: Path, number: int, code: int, job: str
    ) -> None:
        fault = f'ffmpeg "$@"; touch {tmp_path}/here; sleep 60'
        environment = faulty_ffmpeg(tmp_path, job, fault)
        (folder / "out.mp4").write_text("precious")
        process = start("convert", clip, "-o", folder / "out.mp4", "-y", env=environment)
        wait_until((tmp_path / "here").exists)
        process.send_signal(number)
        outcome = finish(process, SECONDS)
        assert outcome == Outcome(code, "", STOPPED_LINE)
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"


def ffmpeg_of(process: subprocess.Popen[str], job: str) -> int:
    """Process id of the ffmpeg that does a job for the command."""
    found: list[int] = []

    def is_there() -> bool:
        assert process.poll() is None
        found.extend(number for number in running_ffmpegs() if fnmatch(command_of(number), job))
        return bool(found)

    wait_until(is_there)
    return found[0]


def command_of(number: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/cmdline").read_text().replace("\0", " ").strip()
    return ""


class TestChildren:
    """The decoder or the encoder dies or hangs."""

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("number", "fate"),
        [
            (signal.SIGKILL, "was killed .signal 9.; try again"),
            (signal.SIGTERM, "was stopped by a signal; try again"),
            (signal.SIGINT, "was stopped by a signal; try again"),
        ],
    )
    @pytest.mark.parametrize(
        ("job", "message"),
        [
            (DECODER, "the decoder of .*long.mp4"),
            (ENCODER, "out.mp4 cannot be written: the encoder"),
        ],
    )
    def test_one_is_ended(
        self,
        long_clip: Path,
        folder: Path,
        job: str,
        message: str,
        number: signal.Signals,
        fate: str,
    ) -> None:
        (folder / "out.mp4").write_text("precious")
        process = start("convert", long_clip, "-o", folder / "out.mp4", "-y")
        child = ffmpeg_of(process, job)
        wait_until(lambda: any(path.stat().st_size for path in folder.glob(".*")))
        os.kill(child, number)
        assert_failed(finish(process, SECONDS), f"{message} {fate}")
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"

    @pytest.mark.parametrize(
        ("job", "message"),
        [("probe", "clip.mp4 gave no frame: "), ("check", "cannot be checked: ")],
    )
    def test_one_that_only_looks_is_ended(
        self, clip: Path, folder: Path, tmp_path: Path, job: str, message: str
    ) -> None:
        environment = faulty_ffmpeg(tmp_path, job, 'ffmpeg "$@"; kill -9 $$')
        outcome = run("convert", clip, "-o", folder / "out.mp4", env=environment)
        assert_failed(outcome, f"{message}.*ffmpeg.* was killed .signal 9.; try again")
        assert left_in(folder) == []

    @pytest.mark.parametrize("job", ["probe", "decode", "look_ahead", "background"])
    def test_one_is_ended_that_opens_its_input(
        self, clip: Path, folder: Path, tmp_path: Path, job: str
    ) -> None:
        """Its exit status is that for a file which it cannot read, or 0."""
        (folder / "out.mp4").write_text("precious")
        fifo = f"{tmp_path}/$$"
        fault = (
            f"mkfifo {fifo}; {{ exec 9> {fifo}; kill -INT $$; }} & "  # once ffmpeg opens it
            f'exec {executable()} "${{@/#file:*clip.mp4/file:{fifo}}}"'
        )
        arguments = ("-o", folder / "out.mp4", "-y", "--disable", "0", "--background", clip)
        environment = faulty_ffmpeg(tmp_path, job, fault)
        outcome = run("convert", clip, *arguments, env=environment)
        assert_failed(outcome, "clip.mp4.* was stopped by a signal.*; try again")
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"

    def test_one_is_ended_whose_pictures_make_a_palette(self, clip: Path, tmp_path: Path) -> None:
        runs = tmp_path / "runs"
        fault = f'echo >> {runs}; ffmpeg "$@"; [ $(wc -l < {runs}) != 5 ] || exit 255'
        environment = faulty_ffmpeg(tmp_path, "decode", fault)
        outcome = run("palette", clip, env=environment)
        assert_failed(outcome, "the decoder of .*clip.mp4 was stopped by a signal; try again")

    @pytest.mark.thorough
    @pytest.mark.parametrize("job", ["decode", "look_ahead", "background", "encode"])
    def test_one_is_ended_that_has_complained_of_damage(
        self, folder: Path, tmp_path: Path, job: str
    ) -> None:
        """Of what it calls "not permitted": it has the exit status of a signal."""
        clip = make_clip(tmp_path / "a.avi", "-c:v", "h261", size="176x144", seconds=2)
        data = bytearray(clip.read_bytes())
        packet = [found.end() for found in re.finditer(b"00dc", data)][20] + 4
        data[packet : packet + 16] = bytes(16)
        clip.write_bytes(data)
        background = make_clip(tmp_path / "b.mp4", seconds=0.5)
        options = ("convert", clip, "-o", folder / "out.mp4", "-y", "-k", "2")
        arguments = (*options, "--disable", "0", "--background", background)
        whole = run(*arguments)
        assert whole.code == 0
        assert re.search("a.avi is damaged, some frames may be wrong", whole.err)
        (folder / "out.mp4").write_text("precious")
        fault = 'echo "Operation not permitted" >&2; ffmpeg "$@"; exit 255'
        outcome = run(*arguments, env=faulty_ffmpeg(tmp_path, job, fault))
        assert_failed(outcome, "was stopped by a signal.*; try again")
        assert left_in(folder) == ["out.mp4"]
        assert (folder / "out.mp4").read_text() == "precious"

    @pytest.mark.thorough
    @pytest.mark.parametrize("loop", [[], ["--loop"]])
    def test_one_is_ended_that_plays_a_file(self, tmp_path: Path, loop: list[str]) -> None:
        # The frames are so large that the pipe holds few of them.
        clip, take = make_clip(tmp_path / "clip.mp4", size="640x480", seconds=4), tmp_path / "t.mkv"
        process = start("live", clip, "--preview", "none", "-q", "--record", take, *loop)
        wait_until(lambda: take.exists() and take.stat().st_size)
        os.kill(ffmpeg_of(process, "*yuv4mpegpipe*"), signal.SIGTERM)
        assert_failed(finish(process), "the decoder of clip.mp4 was stopped by a signal; try again")
        assert inspect(take).frames, "what was recorded until then is kept"

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("job", "message"),
        [
            pytest.param(DECODER, "the decoder of .* has stalled .*; check the disk", marks=QUICK),
            (ENCODER, "cannot be written: ffmpeg has done nothing for 2 s; check the disk"),
        ],
    )
    def test_one_stalls(self, long_clip: Path, folder: Path, job: str, message: str) -> None:
        process = start("convert", long_clip, "-o", folder / "out.mp4")
        os.kill(ffmpeg_of(process, job), signal.SIGSTOP)
        assert_failed(finish(process, 2 * SECONDS), message)
        assert left_in(folder) == []

    @pytest.mark.thorough
    @pytest.mark.parametrize("job", ["probe", "decode", "encode", "check"])
    def test_one_never_does_anything(
        self, clip: Path, folder: Path, tmp_path: Path, job: str
    ) -> None:
        environment = faulty_ffmpeg(tmp_path, job, "sleep 60")
        outcome = run("convert", clip, "-o", folder / "out.mp4", env=environment)
        assert_failed(outcome, "ffmpeg has done nothing for 2 s.*; check")
        assert left_in(folder) == []

    def test_none_outlives_a_command_that_is_killed(self, long_clip: Path, folder: Path) -> None:
        process = start("convert", long_clip, "-o", folder / "out.mp4")
        ffmpeg_of(process, ENCODER)
        process.kill()
        process.communicate()
        wait_until(lambda: not running_ffmpegs())


class TestDisk:
    """Disks that are full or read-only."""

    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """A disk of 64 KiB."""
        with small_disk(tmp_path / "disk", "64k") as disk:
            yield disk

    @pytest.mark.thorough
    @pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm", "out.gif", "out.png"])
    def test_a_full_one(self, long_clip: Path, disk: Path, name: str, tmp_path: Path) -> None:
        source = long_clip
        if name.endswith(".png"):
            source = tmp_path / "noise.png"
            noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
            Image.fromarray(noise).save(source)
        (disk / name).write_text("precious")
        outcome = run("convert", source, "-o", disk / name, "-y", "--view", "original")
        assert_failed(outcome, FULL)
        assert left_in(disk) == [name]
        assert (disk / name).read_text() == "precious"

    @pytest.mark.thorough
    @pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.gif"])
    def test_files_that_may_not_grow(self, long_clip: Path, folder: Path, name: str) -> None:
        command = shlex.join([*COMMAND, "convert", str(long_clip), "-o", str(folder / name)])
        limited = ["sh", "-c", f"ulimit -f 32; {command}"]
        done = subprocess.run(limited, check=False, capture_output=True, text=True)
        outcome = Outcome(done.returncode, done.stdout, done.stderr)
        assert_failed(outcome, "is larger than files may become here; raise the limit")
        assert left_in(folder) == []

    def test_a_full_one_for_label_maps(self, disk: Path) -> None:
        def write() -> None:
            rng = np.random.default_rng(0)
            with open_sink(disk / "labels.npz", VideoInfo(40, 40, Fraction(25), "gray8")) as sink:
                while True:  # small pieces stay in a buffer, whose final flush fails
                    sink.write(Frame(rng.integers(0, 256, (40, 40)).astype(np.uint8), "gray8"))

        with pytest.raises(SinkError, match=FULL):
            write()
        assert left_in(disk) == []

    @pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
    def test_a_full_one_for_statistics(
        self, long_clip: Path, folder: Path, disk: Path, suffix: str
    ) -> None:
        options = ("--stats", disk / f"stats{suffix}", "--end", "20")
        assert_failed(run("convert", long_clip, "-o", folder / "out.mp4", *options), FULL)
        assert left_in(disk) == []
        assert left_in(folder) == []

    @pytest.mark.parametrize("suffix", [".png", ".svg"])
    def test_a_full_one_for_a_plot(self, clip: Path, folder: Path, disk: Path, suffix: str) -> None:
        plot = disk / f"plot{suffix}"
        fill(disk)
        assert_failed(run("convert", clip, "-o", folder / "out.mp4", "--stats-plot", plot), FULL)
        assert left_in(disk) == ["junk"]
        assert inspect(folder / "out.mp4").frames == 50, "it was whole before"

    def test_a_full_one_for_what_plots_are_drawn_with(
        self, clip: Path, folder: Path, disk: Path
    ) -> None:
        fill(disk)
        plot = folder / "plot.svg"
        command = ("convert", clip, "-o", folder / "out.mp4", "--stats-plot", plot, "-q")
        outcome = run(*command, env={**os.environ, "MPLCONFIGDIR": str(disk)})
        assert outcome == Outcome(0, "", "")
        assert left_in(folder) == ["out.mp4", "plot.svg"]

    def test_a_read_only_one(self, clip: Path, disk: Path) -> None:
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        assert_failed(run("convert", clip, "-o", disk / "out.mp4"), "is not writable; choose")
        assert left_in(disk) == []


class TestSource:
    """A file that changes while it is read."""

    @pytest.mark.thorough
    def test_it_shrinks(self, long_clip: Path, folder: Path, tmp_path: Path) -> None:
        source = Path(shutil.copy(long_clip, tmp_path / "source.mp4"))
        process = start("convert", source, "-o", folder / "out.mp4", "--json", "-q")
        wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()))
        os.truncate(source, source.stat().st_size // 4)
        outcome = finish(process)
        assert outcome.code == 0
        assert re.fullmatch("kseg-video: warning: .*ended early.*\n", outcome.err)
        stored = inspect(folder / "out.mp4")
        assert 0 < stored.frames == json.loads(outcome.out)["frames"] < 4000

    def test_it_is_removed_while_it_is_read(
        self, long_clip: Path, folder: Path, tmp_path: Path
    ) -> None:
        source = Path(shutil.copy(long_clip, tmp_path / "source.mp4"))
        process = start("convert", source, "-o", folder / "out.mp4", "--end", "20", "-q")
        wait_until(lambda: any(path.stat().st_size for path in folder.iterdir()))
        source.unlink()
        assert finish(process) == Outcome(0, "", "")
        assert inspect(folder / "out.mp4").frames == 500

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        ("command", "job"),
        [
            *(("convert", "probe"), ("convert", "decode"), ("convert", "encode")),
            *(("palette", "probe"), ("palette", "decode")),
        ],
    )
    def test_it_shrinks_to_nothing_that_can_be_read(
        self, clip: Path, folder: Path, tmp_path: Path, command: str, job: str
    ) -> None:
        source = Path(shutil.copy(clip, tmp_path / "source.mp4"))
        environment = faulty_ffmpeg(tmp_path, job, f'truncate -s 5000 {source}; ffmpeg "$@"')
        target = folder / ("out.mp4" if command == "convert" else "out.gpl")
        outcome = run(command, source, "-o", target, env=environment)
        why = "became shorter while it was read; try again once", "is not a video|holds no video"
        assert_failed(outcome, f"source.mp4 ({'|'.join(why[: 1 + (job == 'probe')])})")
        assert left_in(folder) == []

    @pytest.mark.parametrize("job", ["probe", "decode", "encode"])
    def test_it_is_gone_before_it_is_read(
        self, clip: Path, folder: Path, tmp_path: Path, job: str
    ) -> None:
        source = Path(shutil.copy(clip, tmp_path / "source.mp4"))
        environment = faulty_ffmpeg(tmp_path, job, f'rm -f {source}; ffmpeg "$@"')
        outcome = run("convert", source, "-o", folder / "out.mp4", env=environment)
        why = "is gone; put it back and try again", "does not exist; check the name"
        assert_failed(outcome, f"source.mp4 ({'|'.join(why)})")
        assert left_in(folder) == []


class TestPlace:
    """Outputs that are not regular files."""

    @pytest.mark.parametrize("suffix", [".mp4", ".png", ".gif"])
    @pytest.mark.parametrize("kind", ["device", "fifo", "folder", "link to a device"])
    def test_it_is_refused(self, clip: Path, folder: Path, kind: str, suffix: str) -> None:
        target = folder / f"out{suffix}"
        if kind == "device":
            if os.geteuid() != 0:
                pytest.skip("needs to make a device")
            os.mknod(target, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        elif kind == "fifo":
            os.mkfifo(target)
        elif kind == "folder":
            (target / "out").mkdir(parents=True)
        else:
            target.symlink_to("/dev/null")
        with pytest.raises(SinkError, match=r"is not a plain file; choose another output"):
            convert(clip, target, encoder=EncoderSettings(overwrite=True))
        assert left_in(folder) == [target.name]


class TestStreams:
    """Standard streams that are closed or accept no data."""

    def shell(self, line: str, clip: Path, folder: Path) -> Outcome:
        command = f"{shlex.join(COMMAND)} convert {clip} -o {folder}/out.mp4 --json"
        finished = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command} {line}"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert inspect(folder / "out.mp4").frames == 50
        return Outcome(finished.returncode, finished.stdout, finished.stderr)

    @pytest.mark.parametrize(
        ("line", "reason"), [("-q | true", "Broken pipe"), ("-q >/dev/full", "No space left")]
    )
    def test_an_answer_that_nobody_takes(
        self, clip: Path, folder: Path, line: str, reason: str
    ) -> None:
        message = f"standard output cannot be written to .{reason}.*all else is done"
        assert_failed(self.shell(line, clip, folder), message)

    def test_an_answer_that_nobody_wants(self, clip: Path, folder: Path) -> None:
        assert self.shell("-q >&-", clip, folder) == Outcome(0, "", "")

    @pytest.mark.parametrize("line", ["2>&-", "2>/dev/full"])
    def test_no_standard_error(self, clip: Path, folder: Path, line: str) -> None:
        outcome = self.shell(line, clip, folder)
        assert (outcome.code, json.loads(outcome.out)["frames"]) == (0, 50)

    def test_none_at_all(self, clip: Path, folder: Path) -> None:
        assert self.shell("<&- >&- 2>&-", clip, folder) == Outcome(0, "", "")

    def test_help_that_nobody_reads(self) -> None:
        command = f"set -o pipefail; {shlex.join(COMMAND)} --help | true"
        finished = subprocess.run(["bash", "-c", command], capture_output=True, check=False)
        assert finished.stderr == b""


class TestSurroundings:
    @pytest.mark.thorough
    @pytest.mark.parametrize(
        "changes",
        [
            {"HOME": None},
            {"HOME": "/nowhere"},
            {"LC_ALL": "C", "LANG": None},
            {"LC_ALL": "POSIX", "PYTHONIOENCODING": "ascii"},
            {"PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "LC_ALL": "C"},
        ],
        ids=str,
    )
    def test_any_environment_will_do(
        self, clip: Path, folder: Path, changes: dict[str, str | None]
    ) -> None:
        changed = {**os.environ, **changes}
        environment = {name: value for name, value in changed.items() if value is not None}
        target = folder / "ünï·日本.mp4"
        outcome = run("convert", clip, "-o", target, "--json", env=environment)
        assert (outcome.code, outcome.err.count("\n")) == (0, 1)
        assert json.loads(outcome.out)["frames"] == 50
        assert left_in(folder) == [target.name]

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        "name",
        [
            "a b",
            "'single' \"double\"",
            "100% %03d %s",
            "a\nb",
            "-i",
            "--output",
            "日本語 ünï עברית",
            "$(touch made) `touch made`; touch made",
            "concat:a|b",
            "http:x",
            "file:x",
            "pipe:0",
            "[v] \\ , ; = : @ #",
            os.fsdecode(b"not \xff text"),
            "x" * 236,  # 250 with .segmented.mp4
        ],
    )
    def test_any_name_will_do(self, clip: Path, folder: Path, name: str) -> None:
        shutil.copy(clip, folder / f"{name}.mp4")
        outcome = run("convert", "--json", "--", f"{name}.mp4", cwd=folder)
        assert (outcome.code, outcome.err.count("\n")) == (0, 1), outcome.err
        assert json.loads(outcome.out)["frames"] == 50
        assert left_in(folder) == sorted([f"{name}.mp4", f"{name}.segmented.mp4"])

    @pytest.mark.thorough
    @pytest.mark.parametrize(
        "command",
        [
            "convert clip.mp4 -o {}.mp4",
            "convert clip.mp4 -o out.mp4 --stats {}.csv",
            "convert clip.mp4 -o out.mp4 --stats-plot {}.svg",
            "palette clip.mp4 -o {}.gpl",
            "live clip.mp4 --preview none --record {}.mp4",
        ],
    )
    def test_a_name_that_is_too_long(self, clip: Path, folder: Path, command: str) -> None:
        shutil.copy(clip, folder)
        outcome = run(*command.format("x" * 260).split(), cwd=folder)
        assert_failed(outcome, "the name x+[.][a-z4]+ is too long; choose another output")
        assert left_in(folder) == ["clip.mp4"]

    def test_a_name_that_is_too_long_once_it_is_made(self, clip: Path, folder: Path) -> None:
        shutil.copy(clip, folder / f"{'x' * 250}.mp4")
        outcome = run("convert", folder / f"{'x' * 250}.mp4")
        assert_failed(outcome, "too long.*choose another output")
