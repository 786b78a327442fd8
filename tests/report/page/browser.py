"""A headless Chromium, driven over pipes by the DevTools protocol with the standard library alone.

https://chromedevtools.github.io/devtools-protocol/: messages are JSON, each ended by a zero byte; Chromium reads them
from descriptor 3 and writes to descriptor 4 (``--remote-debugging-pipe``).
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--hide-scrollbars",
    "--no-first-run",
    "--remote-debugging-pipe",
)
# Chromium has to find its pipes at 3 and 4, wherever they are here.
_LAUNCH = (
    "import os, sys; os.dup2(int(sys.argv[1]), 3); os.dup2(int(sys.argv[2]), 4); os.execv(sys.argv[3], sys.argv[3:])"
)
PATIENCE_S = 60


def executable() -> str | None:
    """Return the path of an installed Chromium, or None; PARETOROUTE_CHROMIUM names another one."""
    named = os.environ.get("PARETOROUTE_CHROMIUM")
    return named or next((path for name in NAMES if (path := shutil.which(name))), None)


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Start Chromium with an empty profile, yield a blank page, and end it.

    Args:
        profile: an empty folder.
    """
    path = executable()
    assert path is not None
    ours, theirs = os.pipe(), os.pipe()  # commands, answers; each as (read, write)
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (ours[0], theirs[1])]
    command = [sys.executable, "-c", _LAUNCH, *map(str, ends), path, *OPTIONS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(command, pass_fds=ends, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for end in (*ends, ours[0], theirs[1]):
        os.close(end)
    try:
        yield Page(ours[1], theirs[0])
    finally:
        os.close(ours[1])  # Chromium ends with its pipe
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(theirs[0])


class Page:
    """One page of the browser, and what it requested and logged."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._buffer, self._count, self._session, self._runs_scripts = b"", 0, None, True
        self.requests: list[str] = []
        self.errors: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **options: Any) -> dict[str, Any]:
        """Send a command and return its result; events on the way are recorded."""
        self._count += 1
        message: dict[str, Any] = {"id": self._count, "method": method, "params": options}
        if self._session is not None:
            message["sessionId"] = self._session
        self._write(message)
        while True:
            answer = self._read()
            if answer.get("id") == self._count:
                assert "error" not in answer, answer
                return answer["result"]
            self._record(answer)

    def _write(self, message: dict[str, Any]) -> None:
        rest = memoryview(json.dumps(message).encode() + b"\0")
        while rest:
            rest = rest[os.write(self._commands, rest) :]

    def _read(self) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            part = os.read(self._answers, 1 << 20)
            assert part, "the browser ended"
            self._buffer += part
        line, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(line)

    def _record(self, event: dict[str, Any]) -> None:
        method, options = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(options["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.errors.append(json.dumps(options["exceptionDetails"])[:2000])
        elif method == "Log.entryAdded" and options["entry"]["level"] == "error":
            self.errors.append(options["entry"]["text"])

    def load(self, file: Path) -> None:
        """Load a file and wait until it is drawn."""
        self.send("Page.navigate", url=file.resolve().as_uri())
        self.wait("document.readyState === 'complete'")
        self.settle()

    def allow_scripts(self, allowed: bool) -> None:
        """Let the scripts of pages run, or not."""
        self._runs_scripts = allowed
        self.send("Emulation.setScriptExecutionDisabled", value=not allowed)

    def settle(self) -> None:
        """Wait until the page is drawn again."""
        if self._runs_scripts:  # without scripts no callback is called
            self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))")

    def run(self, expression: str) -> Any:
        """Return the value of an expression, or of the promise that it is."""
        answer = self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, condition: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + PATIENCE_S
        while not self.run(condition):
            assert time.monotonic() < end, condition
            time.sleep(0.05)

    def emulate(self, *, width: int, height: int = 900, scheme: str = "light", media: str = "") -> None:
        """Set the size of the window and the reader's colour scheme."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)
        self.settle()

    def mouse(self, kind: str, x: float, y: float) -> None:
        """Move the mouse ("mouseMoved"), press ("mousePressed") or release it ("mouseReleased")."""
        pressed = {} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}
        self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, **pressed)

    def press(self, key: str) -> None:
        """Press and release a key of a name such as "ArrowRight" or "Tab"."""
        codes = {
            "Tab": 9,
            "Escape": 27,
            "ArrowLeft": 37,
            "ArrowUp": 38,
            "ArrowRight": 39,
            "ArrowDown": 40,
            "Delete": 46,
        }
        for kind in ("rawKeyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=codes[key])

    def screenshot(self, file: Path, clip: Sequence[float] | None = None) -> None:
        """Save a picture of the whole page, or of (x, y, width, height)."""
        if clip is None:
            size = self.run("[document.documentElement.clientWidth, document.documentElement.scrollHeight]")
            clip = (0, 0, *size)
        area = dict(zip(("x", "y", "width", "height"), clip, strict=True)) | {"scale": 1}
        answer = self.send("Page.captureScreenshot", format="png", clip=area, captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def pdf(self, file: Path) -> None:
        """Print the page."""
        answer = self.send("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)
        file.write_bytes(base64.b64decode(answer["data"]))
