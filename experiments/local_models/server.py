"""Serve a model on one thread by llama-cpp-python's OpenAI-compatible server, for live.py and time_served.py.

The cost of a call depends on how it is served, so both use this file. The server returns one choice per request
whatever ``n`` is: a vote of k is k requests. It caches the last prompt, so the first request of a vote pays for
the prompt from where it differs from the previous question, and the others for its last token.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from models import TEMPERATURE, TOP, weights_of
from openai import APIConnectionError, OpenAI

CONTEXT = 640  # tokens; the longest prompt has fewer than half
CPU_CLOCK = 2  # low bits of the id of a process's CPU clock; clock_getcpuclockid(3)


@dataclass(frozen=True)
class Served:
    """One answer of a server, and its CPU seconds there."""

    text: str
    prompt_tokens: int
    tokens: int
    seconds: float


class Server:
    """One model in its own server process.

    Args:
        name: of the model.
        folder: for assembled weights.
    """

    def __init__(self, name: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {"model": weights_of(name, folder), "model_alias": name, "host": "127.0.0.1", "port": port}
        options |= {"n_ctx": CONTEXT, "n_threads": 1, "n_threads_batch": 1, "verbose": False}
        # By default the server computes unused logits at every prompt token: most of the work with Gemma's vocabulary
        # of 262,144.
        options |= {"logits_all": False}
        flags = [text for key, value in options.items() for text in (f"--{key}", str(value))]
        command = [sys.executable, "-m", "llama_cpp.server", *flags]
        self.name = name
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._client = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        self._wait()

    def _wait(self) -> None:
        for _ in range(240):
            try:
                self._client.models.list()
                return
            except APIConnectionError:
                time.sleep(0.5)
        raise SystemExit(f"the server of {self.name} does not answer")

    def seconds(self) -> float:
        """Return the CPU seconds used so far, user and system, of all threads (Linux only)."""
        return time.clock_gettime(~self._process.pid << 3 | CPU_CLOCK)

    def complete(self, prompt: str, *, most_tokens: int, seed: int) -> Served:
        """Send one request."""
        start = self.seconds()
        completion = self._client.completions.create(
            model=self.name,
            prompt=prompt,
            max_tokens=most_tokens,
            temperature=TEMPERATURE,
            seed=seed,
            stop=["\n"],
            extra_body={"top_k": TOP, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0},
        )
        used = completion.usage
        if used is None:
            raise SystemExit(f"the server of {self.name} does not report token usage")
        return Served(completion.choices[0].text, used.prompt_tokens, used.completion_tokens, self.seconds() - start)

    def stop(self) -> None:
        """Stop the server."""
        self._process.terminate()
        self._process.wait()
