"""The real command ``serve`` in a process of its own, on a free port of the loopback, and requests to it."""

from __future__ import annotations

import http.client
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import ROOT

WAIT_S = 120.0  # a busy machine is no failure


@dataclass
class Served:
    """A running service.

    Args:
        process: of the command.
        port: that it listens on.
        log: file of its messages.
    """

    process: subprocess.Popen[str]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def post(self, path: str, fields: Any, **headers: str) -> tuple[int, Any]:
        """Return status and content of the answer, which is JSON."""
        status, text = self._answer("POST", path, json.dumps(fields), {"Content-Type": "application/json"} | headers)
        return status, json.loads(text)

    def get(self, path: str) -> tuple[int, str]:
        return self._answer("GET", path)

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Return the value of a condition once it is true."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            assert self.process.poll() is None, self.log.read_text(encoding="utf-8")
            if value := condition():
                return value
            time.sleep(0.05)
        raise AssertionError(f"not so within {WAIT_S} s; the log: {self.log.read_text(encoding='utf-8')}")

    def end(self, signal: int) -> int:
        """Send a signal, and return the exit code."""
        self.process.send_signal(signal)
        return self.process.wait(WAIT_S)

    def _answer(
        self, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)) as connection:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()


@contextmanager
def serve(policy: Path, *options: object, **environment: str) -> Iterator[Served]:
    """Start the service beside its policy; it is ended with the block."""
    log = policy.parent / "log.txt"
    search = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "paretoroute", "serve", str(policy), "--port", "0", *map(str, options)]
    with open(log, "w", encoding="utf-8") as messages:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=messages,
            text=True,
            env=os.environ | {"PYTHONPATH": search} | environment,
        )
    assert process.stdout is not None
    try:
        started = re.search(r"on http://127\.0\.0\.1:(\d+) ", process.stdout.readline())
        assert started is not None, log.read_text(encoding="utf-8")
        yield Served(process, int(started[1]), log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()
