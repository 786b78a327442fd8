"""A provider on loopback that answers OpenAI's chat completions: tokens by model and effort, and outages on demand."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PROMPT_TOKENS = 50
COMPLETION_TOKENS = {("gpt-4.1-mini", None): 40, ("gpt-5-mini", "low"): 100, ("gpt-5-mini", "high"): 1000}
USD_PER_MILLION = {"gpt-4.1-mini": (0.4, 1.6), "gpt-5-mini": (0.25, 2.0)}  # those of LiteLLM's price map
OUTAGE = "outage of gpt-5-mini"  # a text for which that model fails
HARD = "theorem"


def cost_usd(model: str, effort: str | None) -> float:
    """Return the cost of a call."""
    prompt, completion = USD_PER_MILLION[model]
    return (PROMPT_TOKENS * prompt + COMPLETION_TOKENS[model, effort] * completion) / 1e6


def answer(model: str, effort: str | None, text: str) -> str:
    """Return the answer to a question: right, but for hard questions to anything less than high effort."""
    return "wrong" if HARD in text and effort != "high" else "right"


def question(i: int) -> str:
    """Return a question; the odd ones are hard."""
    return f"prove the {HARD} number {i} of algebra" if i % 2 else f"name the capital city of country {i}"


def full_log() -> list[dict[str, Any]]:
    """Return a log of eighty questions, each answered at every point."""
    return [
        {
            "query": [{"role": "user", "content": question(i)}],
            "model": model,
            "budget_kind": effort and "effort",
            "budget_label": effort,
            "quality": float(answer(model, effort, question(i)) == "right"),
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": tokens,
            "cost_usd": cost_usd(model, effort),
        }
        for i in range(300, 380)
        for (model, effort), tokens in COMPLETION_TOKENS.items()
    ]


class Provider(ThreadingHTTPServer):
    """Keeps the body of every request, in the order in which they come."""

    daemon_threads = True

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        """The base of its addresses."""
        return f"http://127.0.0.1:{self.server_port}/v1"


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider."""
    with Provider() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


class _Handler(BaseHTTPRequestHandler):
    server: Provider
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        text = body["messages"][-1]["content"]
        if OUTAGE in text and body["model"] == "gpt-5-mini":
            self._reply(500, json.dumps({"error": {"message": "down", "type": "server_error"}}), "application/json")
        elif body.get("stream"):
            self._reply(200, "".join(f"data: {part}\n\n" for part in self._chunks(body, text)), "text/event-stream")
        else:
            self._reply(200, json.dumps(self._completion(body, text)), "application/json")

    def _completion(self, body: dict[str, Any], text: str) -> dict[str, Any]:
        effort = body.get("reasoning_effort")
        message = {"role": "assistant", "content": answer(body["model"], effort, text)}
        return {
            "id": f"chatcmpl-{len(self.server.bodies)}",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": body["model"],
            "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
            "usage": self._usage(body["model"], effort),
        }

    def _chunks(self, body: dict[str, Any], text: str) -> Iterator[str]:
        whole = self._completion(body, text)
        delta = whole["choices"][0]["message"]
        shared = {**whole, "object": "chat.completion.chunk", "usage": None}
        yield json.dumps(shared | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
        yield json.dumps(shared | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        if (body.get("stream_options") or {}).get("include_usage"):
            yield json.dumps(shared | {"choices": [], "usage": whole["usage"]})
        yield "[DONE]"

    def _usage(self, model: str, effort: str | None) -> dict[str, int]:
        completion = COMPLETION_TOKENS[model, effort]
        return {
            "prompt_tokens": PROMPT_TOKENS,
            "completion_tokens": completion,
            "total_tokens": PROMPT_TOKENS + completion,
        }

    def _reply(self, status: int, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
