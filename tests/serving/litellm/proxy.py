"""LiteLLM's proxy as a process on loopback, and OpenAI's client that calls it.

``LITELLM_PYTHON`` names the interpreter of another environment with ``litellm[proxy]``, to try another version than the
one that is installed beside the tests, or one that cannot share their environment.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paretoroute import _yaml

ROOT = Path(__file__).parents[3]
SECONDS_TO_START = 600  # 10 to 15 s of computing, on a machine that others use
PYTHON = os.environ.get("LITELLM_PYTHON", "")
NEEDED = ("litellm", "fastapi", "uvicorn", "apscheduler", "openai")  # of litellm[proxy]; litellm alone lacks the server
START = "import sys; from litellm import run_server; sys.argv[0] = 'litellm'; run_server()"


def reason_to_skip() -> str:
    """Return why the proxy cannot be run; ``""`` if it can."""
    missing = [] if PYTHON else [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return f"{', '.join(missing)} not installed; pip install 'paretoroute[proxy]', or set LITELLM_PYTHON" * bool(
        missing
    )


@dataclass(frozen=True)
class Answer:
    """The answer to a request.

    Args:
        call_id: LiteLLM's id of the call.
        text: of the answer, or of the error.
        status: of HTTP.
    """

    call_id: str
    text: str
    status: int


@dataclass(frozen=True)
class Proxy:
    """A running proxy.

    Args:
        url: the base of its addresses.
        key: its master key.
    """

    url: str
    key: str

    def ask(self, requests: Sequence[dict[str, Any]]) -> list[Answer]:
        """Make requests with OpenAI's client, one after another; each is given as the arguments of ``create``."""
        lines = "".join(json.dumps(request) + "\n" for request in requests)
        script = Path(__file__).with_name("ask.py")
        environment = {**os.environ, "OPENAI_BASE_URL": f"{self.url}/v1", "OPENAI_API_KEY": self.key}
        done = subprocess.run(
            [PYTHON or sys.executable, "-P", str(script)],
            input=lines,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [Answer(**json.loads(line)) for line in done.stdout.splitlines()]


@contextmanager
def proxy(folder: Path, *, points: Path, settings: dict[str, str], provider_url: str) -> Iterator[Proxy]:
    """Run a proxy that plans.

    Args:
        folder: for its configuration and output.
        points: the exported configuration that it includes.
        settings: of the hook.
        provider_url: of OpenAI's API.
    """
    key, port = f"sk-{secrets.token_hex(16)}", _free_port()
    configuration = {
        "include": [str(points)],
        "litellm_settings": {"callbacks": "paretoroute.serving.litellm.hook"},
        "environment_variables": settings,
        "general_settings": {"master_key": key},
    }
    (folder / "config.yaml").write_text(_yaml.dumps(configuration), encoding="utf-8")
    environment = {
        **os.environ,
        "OPENAI_API_BASE": provider_url,
        "OPENAI_API_KEY": "none",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would fetch its map of models otherwise
        "PYTHONPATH": str(ROOT),
    }
    command = [PYTHON or sys.executable, "-c", START, "--config", str(folder / "config.yaml")]
    with (folder / "proxy.txt").open("w", encoding="utf-8") as output:
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=folder,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(process, f"{url}/health/liveliness", folder / "proxy.txt")
            yield Proxy(url=url, key=key)
        finally:
            process.terminate()
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(process: subprocess.Popen[bytes], url: str, output: Path) -> None:
    until = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < until:
        assert process.poll() is None, output.read_text(encoding="utf-8")[-3000:]
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise TimeoutError(output.read_text(encoding="utf-8")[-3000:])


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
