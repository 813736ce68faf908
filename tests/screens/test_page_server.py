"""The page's server: who is refused, and who must not matter to the others."""

from __future__ import annotations

import json
import socket
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from kseg_video import RenderSettings, SegmenterSettings
from kseg_video.core.errors import DisplayError
from kseg_video.live.live_state import LiveState
from kseg_video.live.screen import (
    Click,
    HudContent,
    KeyPress,
    Place,
    PointerMove,
    ScreenEvent,
    Wheel,
)
from kseg_video.screens.browser_screen import BrowserScreen
from tests.helpers.commands import run
from tests.helpers.media import make_flat_clip
from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from websockets.sync.client import ClientConnection
    from websockets.typing import Origin

STATE = LiveState(SegmenterSettings(), RenderSettings())
MUCH = 10_000_000


@pytest.fixture
def page() -> Iterator[BrowserScreen]:
    with BrowserScreen() as page:
        yield page


def port_of(page: BrowserScreen) -> int:
    return int(page.address.split(":")[2].split("/")[0])


def path_of(page: BrowserScreen) -> str:
    return "/" + page.address.split("/", 3)[3]


def answer_to(page: BrowserScreen, path: str, **headers: str) -> tuple[int, str, dict[str, str]]:
    connection = HTTPConnection("127.0.0.1", port_of(page), timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, dict(answer.getheaders())


def session_of(
    page: BrowserScreen, origin: str | None = "", token: str | None = None
) -> ClientConnection:
    """The connection that a page with that origin opens; by default its own."""
    own = f"http://127.0.0.1:{port_of(page)}"
    path = path_of(page) if token is None else f"/{token}/"
    told: Origin | None = own if origin == "" else origin  # type: ignore[assignment]
    address = f"ws://127.0.0.1:{port_of(page)}{path}session"
    return connect(address, origin=told, max_size=None, ping_interval=None).__enter__()


def show(
    page: BrowserScreen, picture: NDArray[np.uint8] | None = None, state: LiveState = STATE
) -> None:
    picture = np.zeros((48, 64, 3), np.uint8) if picture is None else picture
    page.show(picture, state, HudContent)


class TestWhoIsRefused:
    def test_whoever_has_not_the_whole_address(self, page: BrowserScreen) -> None:
        whole = path_of(page)
        for path in ("/", "/index.html", "/session", whole[:-2] + "/", whole.upper(), f"/x{whole}"):
            status, text, _ = answer_to(page, path)
            assert (status, "script" in text) == (403, False), path
        for path in (f"{whole}x", f"{whole}../", f"{whole}page.html"):
            status, text, _ = answer_to(page, path)
            assert (status, "script" in text) == (404, False), path
        for token in ("", "0" * 32):
            with pytest.raises(InvalidStatus, match="403"):
                session_of(page, token=token)

    def test_other_names_of_the_machine_since_they_may_be_another_site_s(
        self, page: BrowserScreen
    ) -> None:
        for host in ("evil.example", f"evil.example:{port_of(page)}", "127.0.0.1.evil.example", ""):
            assert answer_to(page, path_of(page), Host=host)[0] == 403, host
        for host in ("localhost:1", "127.0.0.1", "[::1]:80"):  # the near ends of tunnels
            status, _, headers = answer_to(page, path_of(page), Host=host)
            assert status == 200
            assert headers["Content-Security-Policy"].endswith(f"connect-src ws://{host}")

    def test_other_origins(self, page: BrowserScreen) -> None:
        port = port_of(page)
        others = "http://evil.example", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1:1"
        for origin in (*others, f"http://localhost:{port}", None):
            with pytest.raises(InvalidStatus, match="403"):
                session_of(page, origin)

    def test_the_page_may_load_nothing_from_elsewhere(self, page: BrowserScreen) -> None:
        status, text, headers = answer_to(page, path_of(page))
        assert status == 200
        assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
        policy = headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"

    def test_a_body(self, page: BrowserScreen) -> None:
        with socket.create_connection(("127.0.0.1", port_of(page))) as client:
            head = f"POST {path_of(page)} HTTP/1.1\r\nHost: localhost\r\n"
            try:
                client.sendall(f"{head}Content-Length: {MUCH}\r\n\r\n".encode())
                client.sendall(bytes(MUCH))
                said = client.recv(100)
            except OSError:  # hung up on
                said = b""
        assert b" 200 " not in said
        assert answer_to(page, path_of(page))[0] == 200

    @pytest.mark.parametrize(
        "message",
        [
            *("", "{", "3", "[" * 4000, '{"key": 3}', '{"key": ""}', "x" * MUCH, '{"wheel": 1.5}'),
            *('{"click": {"swatch": 99}, "alone": true}', '{"choose": "[[", "value": "8"}'),
            *('{"click": {"x": NaN, "y": 0}, "alone": true}', '{"click": {"x": 1e999, "y": 0}}'),
            *('{"pointer": {"share": "1"}, "drags": true}', "shown", b"\xff"),
        ],
    )
    def test_messages_that_no_page_sends(self, page: BrowserScreen, message: str | bytes) -> None:
        show(page)
        with session_of(page) as client, pytest.raises(ConnectionClosed):
            say_often(client, message)
        assert page.events() == []


def test_events_are_the_screen_s(page: BrowserScreen) -> None:
    show(page)
    expected: list[ScreenEvent] = [
        *(KeyPress("v"), KeyPress("v"), KeyPress("v"), KeyPress("[")),
        *(Click(Place(32, 12), alone=True), Click(Place(-1, -1, swatch=2), alone=False)),
        *(PointerMove(Place(-1, -1, share=1.0), drags=True), PointerMove(None), Wheel(-10, True)),
    ]
    with session_of(page) as client:
        for message in (
            {"choose": "v", "value": "masked"},
            {"choose": "v", "value": "side-by-side"},
            {"choose": "v", "value": "side-by-side"},
            {"choose": "v", "value": "?"},
            {"key": "["},
            {"click": {"x": 0.5, "y": 0.25}, "alone": True},
            {"click": {"swatch": 2}, "alone": False},
            {"pointer": {"share": 7}, "drags": True},
            {"pointer": None},
            {"wheel": -(10**9), "shifted": True},
        ):
            client.send(json.dumps(message))
        wait_until(lambda: len(page._events) == 10)
    assert page.events() == expected


def test_a_slow_reader_gets_the_newest_and_delays_nobody(page: BrowserScreen) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (480, 640, 3), np.uint8)
    show(page, noise)
    with session_of(page) as slow, session_of(page) as quick:
        assert "controls" in json.loads(quick.recv(10))
        shade = 0
        for shown in range(40):
            show(page, np.full((48, 64, 3), shown * 6, np.uint8))
            shade = int(next_picture(quick)[0, 0, 0])
        assert shade == 39 * 6
        slow.recv(10)
        assert next_picture(slow).shape == noise.shape, "what it was sent before it grew slow"
        assert next_picture(slow)[0, 0, 0] < 39 * 6
        assert next_picture(slow)[0, 0, 0] == 39 * 6


def say_often(client: ClientConnection, message: str | bytes) -> None:
    for _ in range(4):
        client.send(message)
    while True:
        client.recv(10)


def next_picture(client: ClientConnection) -> NDArray[np.uint8]:
    assert "measurements" in json.loads(client.recv(10))
    picture = client.recv(10)
    client.send("shown")
    assert isinstance(picture, bytes)
    return cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR)  # type: ignore[return-value]


@pytest.mark.thorough
def test_a_silent_client_does_not_prevent_the_end() -> None:
    with BrowserScreen() as page:
        silent = socket.create_connection(("127.0.0.1", port_of(page)))
        assert answer_to(page, path_of(page))[0] == 200, "which is accepted after the silent one"
    silent.close()


def test_a_port_in_use_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(DisplayError, match=r"port \d+ .* in use\); choose another with --port"),
    ):
        BrowserScreen(taken.getsockname()[1])


def test_the_address_is_all_that_is_printed(tmp_path: Path) -> None:
    clip = make_flat_clip(tmp_path / "red.mkv", "red", "-c:v", "ffv1")
    outcome = run("live", clip, "--preview", "browser", "--quiet")
    assert outcome.code == 0
    assert outcome.err == ""
    assert outcome.out.startswith("http://127.0.0.1:")
    assert outcome.out.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (("--port", "8000"), "--port is the port of a page; add --preview browser"),
        (("--preview", "browser", "--port", "0"), "'0' is no port; give 1 to 65535"),
    ],
)
def test_bad_ports(lake_clip: Path, options: tuple[str, ...], why: str) -> None:
    outcome = run("live", lake_clip, *options)
    assert outcome.code != 0
    assert why in outcome.err
    assert outcome.err.count("\n") == 1


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from kseg_video.cli.arguments import command_parser
    from kseg_video.cli.live_command import run_live

    monkeypatch.setitem(sys.modules, "websockets", None)
    options = command_parser().parse_args(["live", __file__, "--preview", "browser"])
    with pytest.raises(DisplayError, match="pip install websockets"):
        run_live(options)
