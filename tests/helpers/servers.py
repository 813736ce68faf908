"""Servers on loopback."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def asked_server() -> Iterator[tuple[str, list[str]]]:
    """Address of a server that has no files, and the list of requests it received."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/a.ts", paths
        server.shutdown()
        thread.join()


@contextmanager
def sender(send: Callable[[socket.socket], None]) -> Iterator[int]:
    """Port of a server that sends something to each client, one after another."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                client, _ = listening.accept()
            except OSError:  # the listening socket is closed
                return
            with client:
                try:
                    send(client)
                except OSError:  # the client has hung up
                    continue

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


class Tunnel:
    """Forwards connections to a port, like ``ssh -L``, until it is cut. A context manager."""

    def __init__(self, port: int) -> None:
        self._target = "127.0.0.1", port
        self._own = 0
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self.lay()
        return self

    def __exit__(self, *_: object) -> None:
        self.cut()

    @property
    def port(self) -> int:
        return self._own

    def lay(self) -> None:
        """Forward, at the same port as before."""
        listening = socket.create_server(("127.0.0.1", self._own))
        self._own = listening.getsockname()[1]
        self._sockets.append(listening)
        self._start(self._serve, listening)

    def cut(self) -> None:
        """Break all connections, and take no more."""
        for each in self._sockets:
            with suppress(OSError):  # it has been closed by the other end
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in self._sockets:
            each.close()
        self._sockets.clear()
        self._threads.clear()

    def _start(self, act: Callable[..., None], *arguments: socket.socket) -> None:
        self._threads.append(threading.Thread(target=act, args=arguments))
        self._threads[-1].start()

    def _serve(self, listening: socket.socket) -> None:
        with suppress(OSError):  # cut
            while True:
                near, _ = listening.accept()
                far = socket.create_connection(self._target)
                self._sockets += near, far
                self._start(self._forward, near, far)
                self._start(self._forward, far, near)

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while sent := source.recv(1 << 16):
                target.sendall(sent)
            target.shutdown(socket.SHUT_WR)
