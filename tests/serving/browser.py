"""A real browser, driven through the pipe of Chromium's debugging protocol, without another package."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
WAIT_S = 60.0  # a busy machine is no failure


class Page:
    """A page of the browser.

    Args:
        commands: file that the browser reads.
        answers: file that it writes.
    """

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers, self._buffer, self._last = commands, answers, b"", 0
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.faults: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Open an address, and wait for its page."""
        self.send("Page.navigate", url=url)
        self.wait(f"document.readyState === 'complete' && location.href.startsWith({json.dumps(url)})")

    def value(self, expression: str) -> Any:
        """Return the value of a JavaScript expression."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def wait(self, condition: str) -> Any:
        """Return the value of an expression once it is true; of an object, only that it is there."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            if value := self.value(f"(v => typeof v === 'object' ? v !== null : v)(document.body && ({condition}))"):
                return value
            time.sleep(0.05)
        raise AssertionError(
            f"not so within {WAIT_S} s: {condition}; the page: {self.value('document.body.innerText')}"
        )

    def type(self, id: str, text: str) -> None:
        """Type text into the element of this id, as with the keyboard."""
        self.value(f"document.getElementById({json.dumps(id)}).focus()")
        self.send("Input.insertText", text=text)

    def press_enter(self, *, with_control: bool = False) -> None:
        """Press the enter key."""
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "modifiers": 2 if with_control else 0}
        self.send("Input.dispatchKeyEvent", type="keyDown", text="\r", **key)
        self.send("Input.dispatchKeyEvent", type="keyUp", **key)

    def click(self, id: str) -> None:
        """Click the middle of the element of this id."""
        box = self.value(
            f"(() => {{ const e = document.getElementById({json.dumps(id)}); e.scrollIntoView({{block: 'center'}});"
            " const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        picture = self.send("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(picture["data"]))

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command to the page, and return its answer."""
        return self._send(method, self._session, **parameters)

    def _send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        self._last += 1
        command = {"id": self._last, "method": method, "params": parameters}
        os.write(self._commands, json.dumps(command | ({"sessionId": session} if session else {})).encode() + b"\0")
        while (message := self._next()).get("id") != self._last:
            self._note(message)
        assert "error" not in message, message
        return message["result"]

    def _note(self, event: dict[str, Any]) -> None:
        """Keep what the browser reports as an error: of a script, or of the page's content security policy."""
        if event.get("method") == "Runtime.exceptionThrown":
            self.faults.append(str(event["params"]["exceptionDetails"]))
        if event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.faults.append(str(event["params"]["entry"]["text"]))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            part = os.read(self._answers, 2**16)
            if not part:
                raise AssertionError("the browser ended")
            self._buffer += part
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Start a browser whose profile lies in a folder, and end it afterwards."""
    assert CHROMIUM is not None
    read_commands, write_commands = os.pipe()
    read_answers, write_answers = os.pipe()
    moved = (
        f"exec {CHROMIUM} --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --remote-debugging-pipe "
    )
    moved += f"--no-first-run --user-data-dir={folder} --window-size=1100,900 3<&{read_commands} 4>&{write_answers}"
    process = subprocess.Popen(
        ["bash", "-c", moved],
        pass_fds=(read_commands, write_answers),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(read_commands)
    os.close(write_answers)
    try:
        yield Page(write_commands, read_answers)
    finally:
        process.terminate()
        process.wait(30)
        os.close(write_commands)
        os.close(read_answers)
