"""A real browser without a screen: open pages in it, click, type, look at them."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from io import BytesIO
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pytest
from PIL import Image
from websockets.sync.client import connect

from tests.helpers.waiting import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from websockets.sync.client import ClientConnection

needs_chromium = pytest.mark.skipif(shutil.which("chromium") is None, reason="needs chromium")

_MIDDLE = """(() => {
  const box = %s.getBoundingClientRect();
  return [box.x + box.width * %f, box.y + box.height * %f];
})()"""


class Browser:
    """Headless Chromium with a page, controlled over its DevTools protocol. A context manager."""

    def __init__(self) -> None:
        self._number = 0
        self.errors: list[str] = []

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"]
            command += ["--disable-dev-shm-usage", "--disable-background-networking"]
            command += ["--window-size=1280,800", f"--user-data-dir={folder}"]
            command += ["--remote-debugging-port=0", "about:blank"]
            process = stack.enter_context(
                subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            )
            stack.callback(process.kill)
            assert process.stderr is not None
            said = (re.search(r"ws://\S+", line) for line in process.stderr)
            address = next(found[0] for found in said if found)
            whole = stack.enter_context(connect(address, max_size=None, ping_interval=None))
            targets = self._ask(whole, "Target.getTargets")["targetInfos"]
            (page,) = [each["targetId"] for each in targets if each["type"] == "page"]
            of_page = f"ws://{address.split('/')[2]}/devtools/page/{page}"
            self._page = stack.enter_context(connect(of_page, max_size=None, ping_interval=None))
            for domain in ("Page", "Runtime", "Log"):
                self.ask(f"{domain}.enable")
            stack.callback(self._close, whole, process)
            self._open = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _close(self, whole: ClientConnection, process: subprocess.Popen[str]) -> None:
        self._ask(whole, "Browser.close")
        process.communicate(timeout=30)

    def _ask(self, connection: ClientConnection, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        connection.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            told = json.loads(connection.recv(timeout=30))
            if told.get("id") == self._number:
                assert "result" in told, told
                return told["result"]  # type: ignore[no-any-return]
            if told.get("method") == "Log.entryAdded":
                self.errors.append(told["params"]["entry"]["text"])
            if told.get("method") == "Runtime.exceptionThrown":
                self.errors.append(json.dumps(told["params"]["exceptionDetails"]))

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Call a method of the page's DevTools."""
        return self._ask(self._page, method, **parameters)

    def reload(self) -> None:
        self.value("window.isOld = true")
        self.ask("Page.reload")
        self.wait_for("!window.isOld")

    def open(self, address: str) -> None:
        self.ask("Page.navigate", url=address)

    def value(self, expression: str) -> Any:
        """Value of an expression of JavaScript in the page."""
        found = self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def wait_for(self, expression: str) -> None:
        """Wait until an expression of JavaScript is true; it may fail before, as on a new page."""
        guarded = f"(() => {{ try {{ return !!({expression}); }} catch {{ return false; }} }})()"
        wait_until(lambda: self.value(guarded))

    def text(self, selector: str) -> str:
        """The text that is seen in an element; empty if there is none."""
        found = f"document.querySelector({json.dumps(selector)})"
        return str(self.value(f"{found}?.checkVisibility() ? {found}.innerText : ''"))

    def click(
        self, selector: str, at: tuple[float, float] = (0.5, 0.5), button: str = "left"
    ) -> None:
        """Click into an element, at shares of its width and height."""
        self.press_mouse(selector, at, button)
        self.release_mouse(selector, at, button)

    def press_mouse(self, selector: str, at: tuple[float, float], button: str = "left") -> None:
        self._mouse("mousePressed", selector, at, button)

    def move_mouse(self, selector: str, at: tuple[float, float], button: str = "none") -> None:
        self._mouse("mouseMoved", selector, at, button)

    def release_mouse(self, selector: str, at: tuple[float, float], button: str = "left") -> None:
        self._mouse("mouseReleased", selector, at, button)

    def _mouse(self, kind: str, selector: str, at: tuple[float, float], button: str) -> None:
        element = f"document.querySelector({json.dumps(selector)})"
        self.value(f"{element}.scrollIntoView({{block: 'nearest'}})")
        x, y = self.value(_MIDDLE % (element, *at))
        buttons = {"left": 1, "right": 2, "none": 0}[button] * (kind != "mouseReleased")
        event = {"type": kind, "x": x, "y": y, "button": button, "buttons": buttons}
        self.ask("Input.dispatchMouseEvent", **event, clickCount=1)

    def touch(self, selector: str, seconds: float) -> None:
        """Hold a finger on an element."""
        x, y = self.value(_MIDDLE % (f"document.querySelector({json.dumps(selector)})", 0.5, 0.5))
        self.ask("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.value(f"new Promise((done) => setTimeout(done, {seconds * 1000}))")
        self.ask("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def type(self, *keys: str) -> None:
        """Press keys, by the names that browsers give them."""
        for key in keys:
            event: dict[str, Any] = {"key": key, "code": f"Key{key.upper()}"}
            if len(key) == 1:
                event |= {"text": key, "modifiers": 8 * key.isupper()}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **event)
            self.ask("Input.dispatchKeyEvent", type="keyUp", **event)

    def resize(self, width: int, height: int, *, is_phone: bool = False) -> None:
        method = "Emulation.setDeviceMetricsOverride"
        self.ask(method, width=width, height=height, deviceScaleFactor=1, mobile=is_phone)
        self.ask("Emulation.setTouchEmulationEnabled", enabled=is_phone)

    def screenshot(self, path: Path | None = None) -> NDArray[np.uint8]:
        """What is seen of the page, RGB."""
        taken = base64.b64decode(self.ask("Page.captureScreenshot")["data"])
        if path is not None:
            path.write_bytes(taken)
        return np.asarray(Image.open(BytesIO(taken)).convert("RGB"))

    def picture(self) -> NDArray[np.uint8]:
        """The picture of the page's canvas, RGB."""
        address = self.value("document.querySelector('canvas').toDataURL()")
        taken = base64.b64decode(address.partition(",")[2])
        return np.asarray(Image.open(BytesIO(taken)).convert("RGB"))
