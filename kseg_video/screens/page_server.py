"""Server of a page: only on this machine, and only for those who know its address.

The address holds a secret token. A page of another site can neither read ours, as it does not know
the token, nor reach it under a name of its own, as only names of this machine are answered to.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import logging
import os
import re
import secrets
import socket
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING, Self

from websockets.asyncio.server import serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Response

from kseg_video.core.errors import DisplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from websockets.asyncio.server import ServerConnection
    from websockets.http11 import Request

    # Text or bytes, made when there is a reader for them.
    Update = Callable[[], Sequence[str | bytes]]

_THIS_MACHINE = "127.0.0.1"
# Names of this machine, with any port: that of a tunnel may be another than ours.
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.ASCII)
_SESSION = "session"  # where the page opens its WebSocket
_SHOWN = "shown"  # the page's receipt for an update
# Updates sent without a receipt. More: a higher rate over slow lines, and a higher latency.
_UNACKNOWLEDGED = 2
_MOST_BYTES = 4096  # of a message from a page
# Seconds for a request after its connection, which browsers open in advance, and for farewells.
# More: the end may wait for them as long; less: very slow lines do not get through.
_PATIENCE = 2.0
_POLICY_VIOLATION = 1008  # WebSocket close code
_REFUSED = "Open the address that kseg-video has printed, as a whole.\n"


class PageServer:
    """Serves a page, and exchanges messages with it. A context manager.

    Parameters
    ----------
    page : str
        HTML with one ``<style>`` and one ``<script>``. It opens a WebSocket at ``session``, beside
        its own address, and sends ``shown`` after each update.
    obey : callable
        Takes each other message, parsed from JSON; raises ValueError if it makes no sense. Called
        in the server's thread.
    port : int
        Port; 0 for a free one.

    Attributes
    ----------
    greeting : str
        First message to each page; set it before the first update.

    Raises
    ------
    DisplayError
        If the port is not free.
    """

    def __init__(self, page: str, obey: Callable[[object], None], port: int) -> None:
        self.greeting = ""
        self._page = page.encode()
        self._policy = _content_policy(page)
        self._obey = obey
        self._token = secrets.token_hex(16)
        try:
            self._socket = socket.create_server((_THIS_MACHINE, port))
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else error
            raise DisplayError(
                f"port {port} cannot be served on ({why}); choose another with --port, or leave it "
                "out for a free one"
            ) from error
        self._update: Update | None = None
        self._number = 0  # of the newest update
        self._news, self._end = asyncio.Event(), asyncio.Event()
        self._is_running = threading.Event()

    @property
    def address(self) -> str:
        """Address of the page."""
        return f"http://{_THIS_MACHINE}:{self._socket.getsockname()[1]}/{self._token}/"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=asyncio.run, args=(self._run(),), name="page server")
        self._thread.start()
        self._is_running.wait()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    def send(self, update: Update) -> None:
        """Send each page an update; one that has not shown those before gets only the newest."""
        self._loop.call_soon_threadsafe(self._take, update)

    def _take(self, update: Update) -> None:
        self._update = update
        self._number += 1
        self._news.set()
        self._news = asyncio.Event()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with serve(
            self._attend,
            sock=self._socket,
            process_request=self._answer,
            compression=None,  # pictures are compressed
            server_header=None,
            max_size=_MOST_BYTES,
            open_timeout=_PATIENCE,
            close_timeout=_PATIENCE,
            logger=_silent_logger(),
        ):
            self._is_running.set()
            await self._end.wait()

    def _answer(self, client: ServerConnection, request: Request) -> Response | None:
        """Serve the page, refuse the request, or leave it to become a WebSocket (None)."""
        host = request.headers.get("Host", "")
        token, _, rest = request.path.removeprefix("/").partition("/")
        if not _HOST.fullmatch(host) or not secrets.compare_digest(token, self._token):
            return client.respond(HTTPStatus.FORBIDDEN, _REFUSED)
        if rest == _SESSION:
            if request.headers.get("Origin") == f"http://{host}":
                return None
            return client.respond(HTTPStatus.FORBIDDEN, _REFUSED)
        if rest:
            return client.respond(HTTPStatus.NOT_FOUND, _REFUSED)
        headers = Headers(
            {
                "Content-Type": "text/html; charset=utf-8",
                "Content-Length": str(len(self._page)),
                "Content-Security-Policy": f"{self._policy}; connect-src ws://{host}",
                "Cache-Control": "no-store",
                "Connection": "close",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
            }
        )
        return Response(HTTPStatus.OK, HTTPStatus.OK.phrase, headers, self._page)

    async def _attend(self, client: ServerConnection) -> None:
        unacknowledged = asyncio.BoundedSemaphore(_UNACKNOWLEDGED)
        sending = asyncio.create_task(self._send_all(client, unacknowledged))
        try:
            async for message in client:
                if message == _SHOWN:
                    unacknowledged.release()
                else:
                    self._obey(json.loads(message))
        except (ValueError, RecursionError):  # from no page of ours
            await client.close(_POLICY_VIOLATION)
        except ConnectionClosed:
            pass
        finally:
            sending.cancel()

    async def _send_all(
        self, client: ServerConnection, unacknowledged: asyncio.BoundedSemaphore
    ) -> None:
        sent = 0
        with contextlib.suppress(ConnectionClosed):
            while True:
                await unacknowledged.acquire()
                while self._update is None or self._number == sent:
                    await self._news.wait()
                if not sent:
                    await client.send(self.greeting)
                sent = self._number
                for message in self._update():
                    await client.send(message)


def _content_policy(page: str) -> str:
    """Content security policy under which the page's own style and script work, and no others."""
    allowed = []
    for kind, tag in (("style-src", "style"), ("script-src", "script")):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        allowed.append(f"{kind} 'sha256-{digest}'")
    nothing = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    return "; ".join((nothing, *allowed, "img-src data:"))


def _silent_logger() -> logging.Logger:
    """A logger that keeps the faults of clients off the terminal."""
    logger = logging.getLogger(__name__)
    logger.disabled = True
    return logger
