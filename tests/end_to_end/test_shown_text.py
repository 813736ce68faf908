"""Names, tags and messages from outside neither control the terminal nor act as markup."""

from __future__ import annotations

import json
import os
import re
import socket
from typing import TYPE_CHECKING

import numpy as np
import pytest

from kseg_video import load_palette
from kseg_video.cli.live_command import list_cameras
from kseg_video.core.palette import Palette
from kseg_video.core.shown_text import shown, without_secrets
from kseg_video.live.camera_list import Camera, CameraMode
from kseg_video.writing.palette_writer import save_palette
from tests.helpers.commands import run, run_on_terminal, start
from tests.helpers.media import make_clip
from tests.helpers.servers import sender
from tests.helpers.terminals import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from tests.helpers.commands import Outcome

TITLE = "\x1b]0;x\x07"
NAMES = {
    f"a[b]{TITLE}": r"a[b]\x1b]0;x\x07",
    "[bold]a[bold]:smile:": "[bold]a[bold]:smile:",
    "a\nkseg-video: error: b": r"a\nkseg-video: error: b",
    "a\x9b31mb\x7f": r"a\x9b31mb\x7f",
    "a\u202e4pm.b\u2066": r"a\u202e4pm.b\u2066",
    "[link=file:a]\r\t\x08": r"[link=file:a]\r\t\x08",
    os.fsdecode(b"a\xff\x1bc"): r"a\udcff\x1bc",
}
# Control sequences in the names, which rich itself never writes.
RAW = re.compile("\x1b\\]0|\x1bc|[\x07\x08\x7f\x9b\u202e\u2066]|\nkseg-video: error: b")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "clip.mkv"
    return make_clip(path, "-metadata", f"title=[/b]{TITLE}", "-c:v", "ffv1", seconds=0.2)


def check(outcome: Outcome, code: int, told: str) -> None:
    said = outcome.out + outcome.err
    assert outcome.code == code, said
    assert not RAW.search(said), said
    assert told in said.replace("\r\n", ""), said


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param(*pair, marks=() if number < 2 else pytest.mark.thorough, id=str(number))
        for number, pair in enumerate(NAMES.items())
    ],
)
def test_names_of_files(clip: Path, tmp_path: Path, name: str, told: str) -> None:
    source = tmp_path / f"{name}.mkv"
    source.write_bytes(clip.read_bytes())
    target = tmp_path / f"{name}.mp4"
    options = ("-k", "2", "-o", target)
    check(run_on_terminal("convert", source, *options), 0, told)
    check(run_on_terminal("convert", source, *options), 1, told)
    check(run("convert", f"{name}.mov", "--debug"), 1, told)
    check(run("convert", source, "-y", *options), 0, told)
    check(run("live", source, "--preview", "none"), 0, told)
    check(run(name), 2, told)


def test_json_holds_names_as_they_are(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / f"a{TITLE}\x9b\u202e\n.mkv"
    source.write_bytes(clip.read_bytes())
    for arguments in (("palette", source), ("convert", source, "-o", tmp_path / "out.mp4")):
        outcome = run(*arguments, "-k", "2", "--json")
        assert not RAW.search(outcome.out)
        told = json.loads(outcome.out)
        assert (told["inputs"][0] if "inputs" in told else told["input"]) == str(source)


def test_notes_of_a_file_on_a_terminal(clip: Path, tmp_path: Path) -> None:
    """Notes name files, and must not be read as markup."""
    background = tmp_path / f"[b]{TITLE}.mkv"
    background.write_bytes(clip.read_bytes())
    options = ("-o", tmp_path / "out.mp4", "-k", "2", "--background", background)
    outcome = run_on_terminal("convert", clip, *options)
    check(outcome, 0, r"[b]\x1b]0;x\x07.mkv is seen nowhere")


def test_markup_that_is_none(clip: Path, tmp_path: Path) -> None:
    """A folder ``a[`` turns the path into a closing tag."""
    (tmp_path / "a[").mkdir()
    background = tmp_path / "a[" / "b].mkv"
    background.write_bytes(clip.read_bytes())
    options = ("-o", tmp_path / "out.mp4", "-k", "2", "--background", background)
    check(run_on_terminal("convert", clip, *options), 0, "a[/b].mkv is seen nowhere")


@pytest.mark.parametrize("preview", ["none", "terminal"])
def test_names_in_a_live_status(clip: Path, tmp_path: Path, preview: str) -> None:
    (tmp_path / "a[").mkdir()
    source = tmp_path / "a[" / f"b]{TITLE}\x9b.mkv"
    source.write_bytes(clip.read_bytes())
    take = tmp_path / f"[b]{TITLE}\x9b.mp4"
    options = ("--loop", "--preview", preview, "--record", take)
    with Terminal("live", source, *options, size=(40, 300)) as terminal:
        terminal.read_until(re.escape(r"b]\x1b]0;x\x07\x9b.mkv"))
        terminal.read_until(re.escape(r"[b]\x1b]0;x\x07\x9b.mp4"))
        so_far = terminal.text
        terminal.type("q")
        assert terminal.end() == 0
        assert not RAW.search(so_far + terminal.text)


def test_what_a_server_says() -> None:
    def send(client: socket.socket) -> None:
        client.recv(1 << 16)
        client.sendall(f"HTTP/1.0 404 [/b]{TITLE}\x9b\u202e\r\n\r\n".encode())
        client.shutdown(socket.SHUT_RDWR)

    with sender(send) as port:
        outcome = run("live", f"http://127.0.0.1:{port}/a", "--preview", "none")
    check(outcome, 1, "cannot be opened")


def test_names_of_cameras(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    modes = (CameraMode("M\x1b[/", 640, 480, (30.0,)),)
    found = [Camera(tmp_path / "video0", f"eye[/b]{TITLE}\n", modes)]
    monkeypatch.setattr("kseg_video.cli.live_command.find_cameras", lambda: found)
    monkeypatch.setenv("COLUMNS", "200")
    assert list_cameras() == 0
    listed = capsys.readouterr().out
    assert not RAW.search(listed)
    assert r"eye[/b]\x1b]0;x\x07\n" in listed
    assert r"M\x1b[/" in listed


@pytest.mark.parametrize("name", ["a\n9 9 9", os.fsdecode(b"a\xff")])
def test_names_of_palettes(tmp_path: Path, name: str) -> None:
    """GIMP's format stores the name in a line."""
    colors = np.array([[1, 2, 3], [200, 100, 50]], np.uint8)
    palette = Palette(
        centroids=colors.astype(np.float32),
        colors=colors,
        shares=np.array([0.5, 0.5]),
        real=np.ones(2, bool),
    )
    save_palette(tmp_path / f"{name}.gpl", palette)
    assert load_palette(tmp_path / f"{name}.gpl") == tuple(palette.hex_colors)


def test_what_the_doctor_finds(tmp_path: Path) -> None:
    process = start("doctor", env={**os.environ, "IMAGEIO_FFMPEG_EXE": f"{tmp_path}/a{TITLE}\n"})
    out, err = process.communicate(timeout=60)
    assert not RAW.search(out + err)
    assert r"a\x1b]0;x\x07\n" in out


def test_other_text_is_shown_as_it_is() -> None:
    text = "Ünïcödé · 日本語 עברית [b] :smile: \\ → \u00a0"
    assert shown(text) == text


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("rtsp://me:pw@host/stream", "rtsp://***@host/stream"),
        ("rtsp://me:p@w:1@host/s?x=1", "rtsp://***@host/s?x=1"),
        ("http://h/a?user=me&pwd=geheim&x=1", "http://h/a?user=me&pwd=***&x=1"),
        ("http://h/a?Access_Token=12#top", "http://h/a?Access_Token=***#top"),
        ("http://h/a?api-key=1;PASSWORD=2", "http://h/a?api-key=***;PASSWORD=***"),
        ("http://h/a@b?monkey", "http://h/a@b?monkey"),
        ("clip@home.mp4", "clip@home.mp4"),
        ("http://me:p/w@host/s", "http://***@host/s"),
        ("http:/me:pw@host/s", "http:/***@host/s"),
        ("http://host:80/a@b", "http://host:80/a@b"),
        ("C:/clips@home/a.mp4", "C:/clips@home/a.mp4"),
    ],
)
def test_passwords_in_addresses_are_not_shown(address: str, told: str) -> None:
    assert without_secrets(address) == told


def test_no_message_tells_a_password() -> None:
    outcome = run("live", "http://me:geheim@127.0.0.1:9/s?token=secret", "--preview", "none")
    assert outcome.code == 1
    assert "http://***@127.0.0.1:9/s?token=***" in outcome.err
    assert "geheim" not in outcome.err
    assert "secret" not in outcome.err


ADDRESS = "http://me:geheim@127.0.0.1:9/s?token=secret"


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert", ADDRESS),
        ("palette", ADDRESS, "--json"),
        ("live", "a.mp4", ADDRESS),
        ("live", "a.mp4", "--background", ADDRESS),
        ("live", "a.mp4", "--record", ADDRESS),
        ("convert", "a.mp4", "--palette", ADDRESS),
        ("convert", "a.mp4", "--start", ADDRESS),
        ("live", ADDRESS, "--preview", "none", "--debug"),
        (ADDRESS,),
        ("doctor", ADDRESS),
    ],
    ids=lambda arguments: " ".join(arguments).replace(ADDRESS, "URL"),
)
def test_an_address_in_the_wrong_place_tells_no_password_either(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    outcome = run(*arguments, cwd=tmp_path)
    assert outcome.code in {1, 2}
    assert "***@127.0.0.1:9/s?token=***" in outcome.err
    assert "geheim" not in outcome.out + outcome.err
    assert "secret" not in outcome.out + outcome.err
