"""An RTSP server of one stream, for one client at a time, over the client's connection.

RFC 2326, section 10.12, "Embedded (Interleaved) Binary Data".
"""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING, Self

from kseg_video.ffmpeg.process import environment, executable

if TYPE_CHECKING:
    from pathlib import Path

_REPORTS = range(200, 205)  # packet types of RTCP, sent on the other channel


class RtspServer:
    """Serves a noisy picture of one colour as H.264."""

    def __init__(self, folder: Path, color: str = "blue") -> None:
        self._description = folder / "stream.sdp"
        self._packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._packets.bind(("127.0.0.1", 0))
        port = self._packets.getsockname()[1]
        picture = f"color=c={color}:s=160x120:r=25,noise=alls=4:allf=t"
        command = [executable(), "-loglevel", "error", "-nostdin", "-re", "-f", "lavfi"]
        command += ["-i", picture, "-c:v", "libx264", "-tune", "zerolatency", "-g", "25"]
        command += ["-sdp_file", str(self._description), "-f", "rtp"]
        self._sender = subprocess.Popen(
            [*command, f"rtp://127.0.0.1:{port}?rtcpport={port}"], env=environment()
        )
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"rtsp://127.0.0.1:{self._listening.getsockname()[1]}/stream"
        self._over, self._cut = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> Self:
        while not self._description.exists() or not self._description.read_text():
            time.sleep(0.01)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._sender.kill()
        self._sender.wait()
        self._listening.close()
        self._packets.close()

    def cut_off(self) -> None:
        """Hang up on the client."""
        self._cut.set()

    def _serve(self) -> None:
        while not self._over.is_set():
            if select.select([self._listening], [], [], 0.05)[0]:
                client, _ = self._listening.accept()
                with client, contextlib.suppress(ConnectionError):
                    self._attend(client)

    def _attend(self, client: socket.socket) -> None:
        plays = False
        self._cut.clear()
        while not (self._over.is_set() or self._cut.is_set()):
            for ready in select.select([client, self._packets], [], [], 0.05)[0]:
                data = ready.recv(1 << 16)
                if ready is client and not data:
                    return
                if ready is client and not data.startswith(b"$"):
                    client.sendall(self._answer(data.decode()))
                    plays |= data.startswith(b"PLAY")
                elif plays and ready is self._packets:
                    channel = data[1] in _REPORTS
                    client.sendall(b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data)

    def _answer(self, request: str) -> bytes:
        lines, body = ["RTSP/1.0 200 OK", "Session: 1"], ""
        lines += [line for line in request.splitlines() if line.lower().startswith("cseq:")]
        if request.startswith("OPTIONS"):
            lines.append("Public: DESCRIBE, SETUP, PLAY, TEARDOWN")
        elif request.startswith("DESCRIBE"):
            body = self._description.read_text() + "a=control:track\r\n"
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body)}"]
        elif request.startswith("SETUP"):
            lines.append("Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
