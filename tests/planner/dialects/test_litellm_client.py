"""What LiteLLM makes of every request: the body that it sends to a server on loopback, for the families of models."""

import asyncio
import gc
import json
import os
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import combinations

import pytest

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects import request_kwargs
from paretoroute.planner.dialects.base import EFFORT_LEVELS
from paretoroute.planner.dialects.litellm import wire
from paretoroute.planner.dialects.litellm_models import family_of
from tests.planner.dialects.test_clients import CANDIDATES, CHAT, MESSAGE, MESSAGES

pytestmark = pytest.mark.filterwarnings("ignore")  # LiteLLM warns of much, by its and pydantic's version

MODELS = (
    "openai/gpt-5",
    "openai/gpt-5-mini",
    "openai/gpt-5.1",
    "openai/gpt-5.2",
    "openai/gpt-5.4-mini",
    "openai/gpt-4.1-mini",
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-opus-4-6",
    "anthropic/claude-opus-4-7",
    "gemini/gemini-2.5-flash",
    "gemini/gemini-2.5-flash-lite",
    "gemini/gemini-2.5-pro",
    "gemini/gemini-3-pro-preview",
    "gemini/gemini-3-flash-preview",
)
BUDGETS = (
    Budget(),
    *(Budget("effort", level) for level in EFFORT_LEVELS),
    *(Budget("thinking_tokens", f"{n:g}", n) for n in (0.0, 1024.0, 2048.0)),
    *(Budget("samples", f"maj@{n:g}", n) for n in (1.0, 3.0)),
)
CAP = 20_000


class Server(ThreadingHTTPServer):
    """Answers for every provider, and keeps the bodies."""

    def __init__(self) -> None:
        self.bodies: list[dict] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.bodies.append(body)
        answer = CANDIDATES if "contents" in body else CHAT if "chat" in self.path else MESSAGE
        reply = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)


@pytest.fixture(scope="module")
def litellm():
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # it would fetch its map of models otherwise
    module = pytest.importorskip("litellm", reason="litellm is not installed; pip install 'paretoroute[clients]'")
    module.suppress_debug_info = True
    yield module
    asyncio.set_event_loop(None)  # LiteLLM leaves one open, which would be reported after the last test
    gc.collect()


@pytest.fixture(scope="module")
def server():
    with Server() as serving:
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        yield serving
        serving.shutdown()


def sent(litellm, server: Server, kwargs: dict) -> str:
    """Return the body that LiteLLM sends, without what does not change the point; its own errors pass."""
    model = kwargs["model"]
    path = "" if "claude" in model else f"/v1beta/models/{model.split('/')[-1]}" if "gemini" in model else "/v1"
    litellm.completion(
        messages=MESSAGES, api_base=server.url + path, api_key="x", num_retries=0, max_retries=0, **kwargs
    )
    body = {key: value for key, value in server.bodies[-1].items() if key not in ("messages", "contents")}
    return re.sub(r'"includeThoughts": \w+,? ?', "", json.dumps(body, sort_keys=True)).replace(", }", "}")


def as_asked(model: str, budget: Budget) -> dict:
    """Return the arguments that a caller would write who trusts LiteLLM."""
    kwargs: dict = {"model": model, "max_tokens": CAP}
    match budget.kind:
        case "effort":
            kwargs["reasoning_effort"] = budget.label
        case "samples":
            kwargs["n"] = int(budget.amount or 1)
    return kwargs


@pytest.mark.parametrize("model", MODELS)
def test_a_point_is_refused_exactly_where_litellm_refuses_it_and_equal_bodies_are_recognised(litellm, server, model):
    bodies: dict[str, tuple[str, str]] = {}
    for budget in BUDGETS:
        point = Point(model, budget)
        try:
            kwargs = request_kwargs("litellm", point, output_cap_tokens=CAP)
        except DialectError:
            if budget.kind != "thinking_tokens":  # these LiteLLM may also change or drop, and sends all the same
                before = len(server.bodies)
                with pytest.raises(litellm.exceptions.BadRequestError):
                    sent(litellm, server, as_asked(model, budget))
                assert len(server.bodies) == before
            continue
        bodies[point.name] = (sent(litellm, server, kwargs), json.dumps(wire(point, kwargs), sort_keys=True))

    assert len(bodies) >= 3
    for one, other in combinations(bodies, 2):
        (body, ours), (other_body, other_ours) = bodies[one], bodies[other]
        assert (body == other_body) == (ours == other_ours), (one, other, body, other_body)


def test_every_model_tried_is_of_a_family():
    assert [model for model in MODELS if family_of(model) is None] == []
