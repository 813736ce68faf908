from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kseg_video import __version__
from tests.helpers.commands import COMMAND, run, run_on_terminal
from tests.helpers.media import ffmpeg, inspect, left_in, make_clip

ESCAPE = "\x1b"


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", sound=True, seconds=1)


class TestConvert:
    def test_the_main_job(self, clip: Path, tmp_path: Path) -> None:
        outcome = run("convert", clip, "-o", tmp_path / "out.mp4", "-k", "5")
        assert (outcome.code, outcome.out) == (0, "")
        assert re.fullmatch(
            r"\S+/out\.mp4: 25 frames, [\d.]+ kB, [\d.]+ s, \d+ fps, inertia [\d.e+]+; "
            r"palette (\d #[0-9a-f]{6} [\d.]+%(, )?){5}\n",
            outcome.err,
        )
        stored = inspect(tmp_path / "out.mp4")
        assert (stored.frames, stored.audio) == (25, ("aac",))

    def test_default_output_is_beside_the_input(self, clip: Path, tmp_path: Path) -> None:
        assert run("convert", clip).code == 0
        assert left_in(tmp_path) == ["clip.mp4", "clip.segmented.mp4"]

    def test_every_option_at_once(self, clip: Path, tmp_path: Path) -> None:
        options = (
            "-k 4 --color-space oklab --mapping exact --stability 0.2 --sample-pixels 500 --seed 7 "
            "--init random --attempts 2 --max-iterations 20 --epsilon 0.5 --view masked --only 1,2 "
            "--start 0.2 --end 0.9 --max-frames 10 --codec h264 --crf 30 "
            "--preset ultrafast --no-audio -y -q"
        )
        outcome = run("convert", clip, "-o", tmp_path / "out.mkv", *options.split())
        assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
        stored = inspect(tmp_path / "out.mkv")
        assert (stored.frames, stored.audio) == (10, ())

    def test_json(self, clip: Path, tmp_path: Path) -> None:
        options = ("-k", "3", "--disable", "1", "--json", "-q")
        outcome = run("convert", clip, "-o", tmp_path / "o.mp4", *options)
        assert outcome.err == ""
        summary = json.loads(outcome.out)
        assert summary["input"] == str(clip)
        assert summary["output"] == str(tmp_path / "o.mp4")
        assert (summary["frames"], summary["frame_rate"]) == (25, "25")
        assert summary["fps"] == pytest.approx(25 / summary["seconds"], rel=0.02)
        palette = summary["palette"]
        assert [row["cluster"] for row in palette] == [0, 1, 2]
        assert [row["disabled"] for row in palette] == [False, True, False]
        for row in palette:  # the centroid is RGB
            assert row["hex"] == "#{:02x}{:02x}{:02x}".format(*map(round, row["centroid"]))
        assert sum(row["share"] for row in palette) == pytest.approx(1, abs=1e-4)
        assert summary["events"][0] == {"frame": 0, "time": 0.0, "event": "cold"}
        assert summary["inertia"] > 0
        assert "compactness" not in summary

    def test_json_of_an_image_has_its_compactness(self, lake_image: Path, tmp_path: Path) -> None:
        summary = json.loads(run("convert", lake_image, "-o", tmp_path / "o.png", "--json").out)
        assert summary["compactness"] == pytest.approx(summary["inertia"] * 960 * 540)

    def test_an_image_prints_compactness_and_palette(
        self, lake_image: Path, tmp_path: Path
    ) -> None:
        options = ("-k", "3", "--disable", "2", "-o", tmp_path / "out.png")
        outcome = run("convert", lake_image, *options)
        assert "compactness" in outcome.err
        assert len(re.findall("#[0-9a-f]{6}", outcome.err)) == 3
        with Image.open(tmp_path / "out.png") as picture:
            assert len(picture.getcolors() or []) == 3
            assert (0, 0, 0) in [color for _, color in picture.getcolors() or []]

    def test_the_palette_says_how_many_clusters_are_real(self, tmp_path: Path) -> None:
        Image.new("RGB", (8, 8), (200, 10, 10)).save(tmp_path / "flat.png")
        outcome = run("convert", tmp_path / "flat.png", "--json")
        assert "1 real cluster of 5" in outcome.err
        assert json.loads(outcome.out)["real_clusters"] == 1

    def test_a_part_by_the_clock(self, clip: Path, tmp_path: Path) -> None:
        part = ("--start", "0:00.2", "--end", "0:0:0.6")
        outcome = run("convert", clip, "-o", tmp_path / "o.mp4", *part)
        assert (outcome.code, outcome.err.split(", ")[0]) == (0, f"{tmp_path / 'o.mp4'}: 10 frames")

    def test_a_view_of_nothing_but_the_source_says_so(self, clip: Path, tmp_path: Path) -> None:
        said = run("convert", clip, "-o", tmp_path / "o.mp4", "--view", "masked").err
        assert "; no cluster is switched off, so masked shows the whole source; palette" in said

    def test_files_that_are_no_images_are_told(self, lake_image: Path, tmp_path: Path) -> None:
        (tmp_path / "in" / "more").mkdir(parents=True)
        for name in ("a.png", "clip.mp4", ".hidden"):
            shutil.copy(lake_image, tmp_path / "in" / name)
        said = run("convert", tmp_path / "in", "-o", tmp_path / "o.mp4").err
        assert f"1 file in {tmp_path / 'in'} not taken, being no images" in said

    def test_notes_are_said(self, tmp_path: Path) -> None:
        clip = make_clip(
            tmp_path / "a.mkv", "-c:v", "ffv1", size="63x47", picture="color=c=red", seconds=0.2
        )
        assert "many players refuse" in run("convert", clip, "-o", tmp_path / "o.mp4").err

    def test_output_into_a_folder(self, clip: Path, tmp_path: Path) -> None:
        (tmp_path / "to").mkdir()
        assert run("convert", clip, "-o", tmp_path / "to").code == 0
        assert left_in(tmp_path / "to") == ["clip.segmented.mp4"]

    def test_a_truncated_clip_gives_one_warning(self, tmp_path: Path) -> None:
        whole = make_clip(tmp_path / "w.mp4", "-movflags", "+faststart", seconds=4)
        cut = tmp_path / "cut.mp4"
        cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        outcome = run("convert", cut, "-q")
        assert outcome.code == 0
        assert re.fullmatch(r"kseg-video: warning: \S+ ended early; all \d+ .*\n", outcome.err)

    @pytest.mark.thorough
    @pytest.mark.parametrize("name", ["-i.mp4", "a b 'q\" $HOME.mp4", "ünï·日本.mp4", "a\nb.mp4"])
    def test_strange_names(self, clip: Path, tmp_path: Path, name: str) -> None:
        shutil.copy(clip, tmp_path / name)
        outcome = run("convert", "--", name, cwd=tmp_path)
        assert outcome.code == 0
        assert name.replace(".mp4", ".segmented.mp4") in left_in(tmp_path)
        assert outcome.err.count("\n") == 1


class TestSeveralInputs:
    def test_each_goes_beside_itself(self, clip: Path, lake_image: Path, tmp_path: Path) -> None:
        shutil.copy(lake_image, tmp_path / "lake.jpg")
        outcome = run("convert", clip, tmp_path / "lake.jpg", "--json", "-q")
        assert outcome.code == 0
        assert [summary["frames"] for summary in json.loads(outcome.out)] == [25, 1]
        assert {"clip.segmented.mp4", "lake.segmented.png"} < set(left_in(tmp_path))

    def test_a_failure_does_not_stop_the_others(self, clip: Path, tmp_path: Path) -> None:
        (tmp_path / "bad.mp4").write_text("no video")
        outcome = run("convert", tmp_path / "bad.mp4", clip, "--json", "-q")
        assert outcome.code == 1
        assert outcome.err.count("\n") == 1
        first, second = json.loads(outcome.out)
        assert "not a video" in first["error"]
        assert second["frames"] == 25
        assert left_in(tmp_path) == ["bad.mp4", "clip.mp4", "clip.segmented.mp4"]

    def test_two_outputs_of_one_name(self, clip: Path, tmp_path: Path) -> None:
        (tmp_path / "to").mkdir()
        (tmp_path / "other").mkdir()
        shutil.copy(clip, tmp_path / "other" / "clip.mp4")
        outcome = run("convert", clip, tmp_path / "other" / "clip.mp4", "-o", tmp_path / "to")
        assert outcome.code == 2
        assert "would be written to" in outcome.err
        assert left_in(tmp_path / "to") == []

    def test_a_missing_folder_is_told_once(self, clip: Path, tmp_path: Path) -> None:
        (tmp_path / "b.mp4").touch()
        outcome = run("convert", clip, "b.mp4", "-o", "no/new", cwd=tmp_path)
        message = "kseg-video: error: the folder no does not exist; make it first\n"
        assert (outcome.code, outcome.err) == (1, message)
        assert left_in(tmp_path) == ["b.mp4", "clip.mp4"]

    def test_one_file_for_all(self, clip: Path, tmp_path: Path) -> None:
        outcome = run("convert", clip, clip, "-o", tmp_path / "out.mp4")
        assert (outcome.code, "give a folder" in outcome.err) == (2, True)
        assert left_in(tmp_path) == ["clip.mp4"]


class TestBadInput:
    """Bad input gets one line of error and the right exit code, and leaves no files."""

    def check(self, code: int, message: str, folder: Path, *arguments: str | Path) -> None:
        before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        outcome = run("convert", *arguments, cwd=folder)
        assert outcome.code == code
        assert re.fullmatch(rf"kseg-video: error: .*{message}.*\n", outcome.err), outcome.err
        assert outcome.out == ""
        assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ("-k 0", "cannot be 0; give a whole number from 1 to 32"),
            ("-k 33", "cannot be 33; give a whole number from 1 to 32"),
            ("-k -1", "cannot be -1; give a whole number from 1 to 32"),
            ("-k x", "'x' is neither a number nor auto"),
            ("--disable 9", "no cluster 9: 5 clusters are numbered from 0 to 4"),
            ("--only 5", "no cluster 5"),
            ("--disable -1", "cannot be -1; give a whole number"),
            ("--disable a", "'a' is no colour"),
            ("--disable 1 --only 2", "give one kind"),
            ("--only 0 2", "several clusters are one word: --only 0,2; see"),
            ("--disable red 3 0-1 -k 4", "are one word: --disable red,3,0-1; see"),
            ("--only 0 " + "0" * 5000, "0 stands apart from the other inputs; name all of them"),
            ("--only 3-1", "3-1 counts down; write 1-3"),
            ("--only 0-999999999", "cannot be 999999999; give a whole number from 0 to 31"),
            ("--start 5 --end 2", "must lie after the start"),
            ("--start soon", "'soon' is no time; give seconds or a time such as 1:30"),
            ("--end 1:75", "'1:75' is no time"),
            ("--start -1", "the start cannot be -1.0"),
            ("--start nan", "the start cannot be nan"),
            ("--max-frames 0", "number of frames cannot be 0"),
            ("--color-space cmyk", "invalid choice: 'cmyk'"),
            ("--epsilon 0", "epsilon cannot be 0.0"),
            ("--attempts 0", "attempts cannot be 0"),
            ("--attempts few", "argument --attempts: 'few' is no whole number; see"),
            ("--stability much", "argument --stability: 'much' is no number; see"),
            ("--sample-pixels some", "neither a number nor all"),
            ("--sample-pixels 0", "sampled pixels cannot be 0"),
            ("--seed -1", "seed cannot be -1"),
            ("--stability 2", "stability cannot be 2.0; give 0 to 1"),
            ("--crf 99", "rate factor cannot be 99"),
            ("--crf 60", "h264 takes a rate factor of at most 51"),
            ("--lossless", "lossless output needs .mkv"),
            ("--lossless --crf 3", "takes no codec, preset or rate factor"),
            ("--view labels", "only in lossless outputs"),
            ("--frobnicate", "there is no --frobnicate; see kseg-video convert --help"),
            ("--clus 3", "there is no --clus (did you mean --clusters?); see"),
            ("--color-spaces=lab", "there is no --color-spaces (did you mean --color-space?); see"),
            ("--deinterlac", "there is no --deinterlac; see"),
            ("--starting 2", "there is no --starting (did you mean --start?); see"),
            (
                "--pick -1,5",
                "expected one argument (written --pick=... if it begins with -)",
            ),
            ("-y more.mp4", "more.mp4 stands apart from the other inputs; name all of them on end"),
        ],
    )
    def test_wrong_usage(self, clip: Path, tmp_path: Path, options: str, message: str) -> None:
        self.check(2, re.escape(message), tmp_path, clip, "-o", "out.mp4", *options.split())

    def test_a_file_whose_name_looks_like_an_option(self, tmp_path: Path) -> None:
        for name in ("-dash.mp4", "a.mp4"):
            (tmp_path / name).touch()
        message = r"there is no option -dash\.mp4; the file of that name is \./-dash\.mp4; see"
        self.check(2, message, tmp_path, "-dash.mp4", "a.mp4")

    @pytest.mark.parametrize("command", ["convert", "palette"])
    @pytest.mark.parametrize("name", ["-odd name.mkv", "-k2.mp4"])
    def test_a_file_whose_name_reads_like_an_option_and_its_value(
        self, tmp_path: Path, command: str, name: str
    ) -> None:
        (tmp_path / name).touch()
        outcome = run(command, name, cwd=tmp_path)
        assert outcome.code == 2
        hint = f"(the file {name} is ./{name}); see kseg-video {command} --help\n"
        assert outcome.err.startswith("kseg-video: error: ")
        assert outcome.err.endswith(hint)

    @pytest.mark.parametrize(
        ("command", "message"),
        [
            ("live a.mp4 b.mp4", "live takes one source, and b.mp4 is another; see"),
            ("live --start 3", "there is no --start; see"),
            ("doctor x", "doctor takes no x; see"),
            ("cameras foo", "cameras takes no foo; see"),
        ],
    )
    def test_more_than_a_command_takes(self, tmp_path: Path, command: str, message: str) -> None:
        outcome = run(*command.split(), cwd=tmp_path)
        (name, *_) = command.split()
        assert outcome.code == 2
        assert outcome.err == f"kseg-video: error: {message} kseg-video {name} --help\n"

    @pytest.mark.parametrize("name", ["out.xyz", "out"])
    def test_an_unknown_suffix(self, clip: Path, tmp_path: Path, name: str) -> None:
        self.check(2, r"no known suffix; choose one of .*\.mp4", tmp_path, clip, "-o", name)

    def test_a_folder_that_is_not_there(self, clip: Path, tmp_path: Path) -> None:
        message = r"no known suffix; choose one of .*, or write results/ if it is a folder$"
        self.check(2, message, tmp_path, clip, "-o", "results")

    def test_an_output_that_is_no_file(self, clip: Path, tmp_path: Path) -> None:
        self.check(1, "/dev/null is not a plain file", tmp_path, clip, "-o", "/dev/null")

    def test_a_file_instead_of_a_command(self, clip: Path, tmp_path: Path) -> None:
        outcome = run(clip, cwd=tmp_path)
        assert outcome.code == 2
        assert f"there is no command {clip}; choose from 'convert', " in outcome.err
        assert f"(or: kseg-video convert {clip})" in outcome.err
        assert "(or: " not in run("no.mp4").err

    def test_a_file_with_a_quote_instead_of_a_command(self, tmp_path: Path) -> None:
        (tmp_path / "it's.mp4").touch()
        outcome = run("it's.mp4", cwd=tmp_path)
        assert outcome.code == 2
        assert "there is no command it's.mp4; choose from 'convert', " in outcome.err
        assert "(or: kseg-video convert it's.mp4)" in outcome.err

    def test_an_address(self, tmp_path: Path) -> None:
        message = r"http://127.0.0.1:9/a.mp4 is an address; download it first, or watch it with: "
        self.check(2, message, tmp_path, "http://127.0.0.1:9/a.mp4")

    @pytest.mark.parametrize("arguments", [[""], ["a.mp4", "-o", ""], ["a.mp4", "--stats", ""]])
    def test_an_empty_name(self, tmp_path: Path, arguments: list[str]) -> None:
        """An unset variable gives one; `Path` would read it as the current folder."""
        self.check(2, "the name is empty; give that of a file or folder", tmp_path, *arguments)

    def test_a_missing_file(self, tmp_path: Path) -> None:
        self.check(1, "does not exist; check the name", tmp_path, "no.mp4")

    def test_an_empty_file(self, tmp_path: Path) -> None:
        (tmp_path / "empty.mp4").touch()
        self.check(1, "is empty", tmp_path, "empty.mp4")

    def test_a_text_file(self, tmp_path: Path) -> None:
        (tmp_path / "text.mp4").write_text("hello")
        self.check(1, "is not a video that ffmpeg can decode", tmp_path, "text.mp4")

    def test_sound_alone(self, tmp_path: Path) -> None:
        ffmpeg("-f", "lavfi", "-i", "sine=duration=1", tmp_path / "a.mp3")
        self.check(1, "holds no video", tmp_path, "a.mp3")

    def test_a_folder_without_images(self, tmp_path: Path) -> None:
        (tmp_path / "empty").mkdir()
        self.check(1, "holds no images", tmp_path, "empty")

    def test_an_existing_output(self, clip: Path, tmp_path: Path) -> None:
        (tmp_path / "out.mp4").write_text("precious")
        self.check(1, "out.mp4 exists; .* --overwrite", tmp_path, clip, "-o", "out.mp4")

    def test_an_output_that_is_the_input(self, clip: Path, tmp_path: Path) -> None:
        self.check(1, "is the input itself", tmp_path, clip, "-o", clip, "-y")

    def test_a_missing_output_folder(self, clip: Path, tmp_path: Path) -> None:
        self.check(1, "folder no does not exist; make it", tmp_path, clip, "-o", "no/out.mp4")

    def test_a_part_beyond_an_image(self, lake_image: Path, tmp_path: Path) -> None:
        options = (lake_image, "-o", "out.png", "--start", "9")
        self.check(1, "no frame in the chosen part; it has 1 frame$", tmp_path, *options)

    def test_a_part_beyond_the_end(self, clip: Path, tmp_path: Path) -> None:
        self.check(1, "no frame in the chosen part", tmp_path, clip, "--start", "9")

    def test_debug_shows_the_traceback(self, tmp_path: Path) -> None:
        outcome = run("convert", "no.mp4", "--debug", cwd=tmp_path)
        assert outcome.code == 1
        assert "Traceback" in outcome.err

    class TestAsAnotherUser:
        """Root ignores permissions, so these run as the user nobody."""

        @pytest.fixture
        @staticmethod
        def folder(tmp_path: Path) -> Path:
            if os.geteuid() != 0 or shutil.which("setpriv") is None:
                pytest.skip("needs root and setpriv to become another user")
            for parent in [tmp_path, *tmp_path.parents[:3]]:
                parent.chmod(0o755)
            return tmp_path

        def run_as_nobody(self, folder: Path, *arguments: str | Path) -> tuple[int, str]:
            become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
            reachable = [*become, sys.executable, "-c", "import cv2"]
            if subprocess.run(reachable, capture_output=True, check=False).returncode:
                pytest.skip("another user cannot run this Python")
            finished = subprocess.run(
                [*become, *COMMAND, "convert", *map(str, arguments)],
                capture_output=True,
                text=True,
                cwd=folder,
                check=False,
            )
            return finished.returncode, finished.stderr

        def test_an_unreadable_file(self, folder: Path) -> None:
            clip = make_clip(folder / "clip.mp4")
            clip.chmod(0o600)
            folder.chmod(0o777)
            code, message = self.run_as_nobody(folder, clip)
            assert code == 1
            assert re.fullmatch(r"kseg-video: error: .* cannot be read .*rights\n", message)

        def test_a_folder_that_is_not_writable(self, folder: Path) -> None:
            clip = make_clip(folder / "clip.mp4")
            code, message = self.run_as_nobody(folder, clip)
            assert code == 1
            assert re.fullmatch(r"kseg-video: error: .* is not writable; .*\n", message)
            assert left_in(folder) == ["clip.mp4"]


class TestTerminal:
    def test_progress_and_summary(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "clip.mp4", size="640x360", seconds=4)
        outcome = run_on_terminal("convert", clip, "-o", tmp_path / "out.mp4")
        assert outcome.code == 0
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", outcome.err)
        assert "clip.mp4 → out.mp4" in shown
        for needed in (r"\d+/100", r"\d+%", r"\d+ fps", r"ms a frame +read", r"0:00:0\d"):
            assert re.search(needed, shown), needed
        summary = shown[shown.rindex("100 frames") :]
        assert len(re.findall(r"\d  #[0-9a-f]{6} +[\d.]+%", summary)) == 5

    def test_swatches_have_the_palette_s_colors(self, tmp_path: Path) -> None:
        Image.new("RGB", (8, 8), (200, 16, 32)).save(tmp_path / "flat.png")
        outcome = run_on_terminal("convert", tmp_path / "flat.png")
        assert "48;2;200;16;32m" in outcome.err

    def test_the_cursor_comes_back(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "clip.mp4")
        for code in (0, 1):  # the second fails: the output exists
            outcome = run_on_terminal("convert", clip)
            assert outcome.code == code
            hidden = [m.start() for m in re.finditer(r"\x1b\[\?25l", outcome.err)]
            shown = [m.start() for m in re.finditer(r"\x1b\[\?25h", outcome.err)]
            assert max(hidden, default=-1) <= max(shown, default=-1)

    def test_no_terminal_no_control_codes(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "clip.mp4")
        environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
        outcome = run("convert", clip, "--json", env=environment)
        assert ESCAPE not in outcome.err + outcome.out
        assert outcome.err.count("\n") == 1

    def test_quiet_on_a_terminal(self, tmp_path: Path) -> None:
        clip = make_clip(tmp_path / "clip.mp4")
        assert run_on_terminal("convert", clip, "--quiet").err == ""


class TestShow:
    def test_without_a_display_it_says_so_and_still_writes(
        self, lake_image: Path, tmp_path: Path
    ) -> None:
        environment = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
        options = ("-o", tmp_path / "out.png", "--show", "-q")
        outcome = run("convert", lake_image, *options, env=environment)
        assert outcome.code == 0
        assert re.fullmatch(r"kseg-video: warning: there is no display .*\n", outcome.err)
        assert (tmp_path / "out.png").exists()

    def test_a_display_that_does_not_answer(self, lake_image: Path, tmp_path: Path) -> None:
        environment = {**os.environ, "DISPLAY": ":4711", "WAYLAND_DISPLAY": ""}
        options = ("-o", tmp_path / "out.png", "--show", "-q")
        outcome = run("convert", lake_image, *options, env=environment)
        assert outcome.code == 0
        assert re.fullmatch(r"kseg-video: warning: the display cannot be opened.*\n", outcome.err)


class TestHelp:
    def test_help_needs_no_opencv(self) -> None:
        blocked = "import sys; sys.modules['cv2'] = None; sys.modules['numpy'] = None\n"
        code = (
            f"{blocked}from kseg_video.cli.main import main\nsys.exit(main(['convert', '--help']))"
        )
        finished = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0
        assert "--clusters" in finished.stdout

    def test_version(self) -> None:
        outcome = run("--version")
        assert (outcome.code, outcome.out) == (0, f"kseg-video {__version__}\n")

    def test_the_installed_command(self) -> None:
        command = Path(sys.executable).with_name("kseg-video")
        finished = subprocess.run([command, "--version"], capture_output=True, check=True)
        assert finished.stdout.decode() == f"kseg-video {__version__}\n"

    def test_a_missing_system_library_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "cv2.py").write_text(
            "raise ImportError('libGL.so.1: cannot open shared object file: No such file')"
        )
        outcome = run("convert", "a.mp4", env={**os.environ, "PYTHONPATH": str(tmp_path)})
        assert outcome.code == 1
        assert re.fullmatch(
            r"kseg-video: error: .*libGL\.so\.1; .*apt install libgl1 libglib2\.0-0\n", outcome.err
        )


def test_a_palette_of_one_color_everywhere(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 256, (9, 9, 3)).astype(np.uint8)).save(tmp_path / "a.png")
    assert run("convert", tmp_path / "a.png", "-k", "1").code == 0
    with Image.open(tmp_path / "a.segmented.png") as picture:
        assert len(picture.getcolors() or []) == 1
