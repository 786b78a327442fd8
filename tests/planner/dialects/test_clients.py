"""What the real clients make of every request: their types, and the body that they send through a mocked transport."""

import importlib
import json
import typing

import pytest
from pydantic import TypeAdapter

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects import DIALECTS, load, request_kwargs
from paretoroute.planner.dialects.base import EFFORT_LEVELS

pytestmark = [  # clients warn of models that will be retired, and of settings that will be deprecated
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:Using Claude with:UserWarning"),
]

MODELS = {
    "anthropic": "claude-opus-4-6",
    "gemini": "gemini-3-pro-preview",
    "mistral": "magistral-medium-latest",
    "openai": "gpt-5",
    "openai_responses": "gpt-5",
    "vllm": "qwen3",
}
CHAT = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "m",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Rhine"}}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}
RESPONSE = {
    "id": "1",
    "object": "response",
    "created_at": 1,
    "model": "m",
    "status": "completed",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
}
MESSAGE = {
    "id": "1",
    "type": "message",
    "role": "assistant",
    "model": "m",
    "content": [{"type": "text", "text": "Rhine"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
CANDIDATES = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Rhine"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 1, "totalTokenCount": 2},
}
MESSAGES = [{"role": "user", "content": "Name a river."}]
QUERY_FIELDS = ("messages", "input", "contents", "stream")
BUDGETS = (
    Budget(),
    *(Budget("effort", label) for label in (*EFFORT_LEVELS, "off")),
    *(Budget("thinking_tokens", f"{n:g}", n) for n in (-1.0, 0.0, 512.0, 1024.0, 8000.0, 32_000.0)),
    *(Budget("samples", f"maj@{n:g}", n) for n in (1.0, 2.0, 8.0, 9.0, 128.0)),
    *(Budget("max_tokens", f"{n:g}", n) for n in (1.0, 300.0, 30_000.0)),
)
CAPS = (None, 1, 1000, 9000, 21_333, 100_000)


def client(name: str):
    """Import a client, or skip the test."""
    return pytest.importorskip(name, reason=f"{name} is not installed; pip install 'paretoroute[clients]'")


def sent(dialect: str, kwargs: dict) -> dict:
    """Return the body that the client sends."""
    httpx2 = client("httpx2")
    bodies = []

    def answer(request):
        bodies.append(json.loads(request.content))
        reply = {"anthropic": MESSAGE, "gemini": CANDIDATES, "openai_responses": RESPONSE}.get(dialect, CHAT)
        return httpx2.Response(200, json=reply)

    with httpx2.Client(transport=httpx2.MockTransport(answer)) as http:
        _call(dialect, kwargs, http)
    (body,) = bodies
    return {key: value for key, value in body.items() if key not in QUERY_FIELDS}


def _call(dialect: str, kwargs: dict, http) -> None:
    match dialect:
        case "anthropic":
            client("anthropic").Anthropic(api_key="x", http_client=http).messages.create(messages=MESSAGES, **kwargs)
        case "gemini":
            genai = client("google.genai")
            options = genai.types.HttpOptions(base_url="http://mock", httpx_client=http)
            genai.Client(api_key="x", http_options=options).models.generate_content(contents="Name a river.", **kwargs)
        case "mistral":
            mistral = client("mistralai.client").Mistral(api_key="x", client=http)
            mistral.chat.complete(messages=MESSAGES, **kwargs)
        case "openai_responses":
            client("openai").OpenAI(api_key="x", http_client=http).responses.create(input="Name a river.", **kwargs)
        case _:
            client("openai").OpenAI(api_key="x", http_client=http).chat.completions.create(messages=MESSAGES, **kwargs)


def type_hints(dialect: str) -> dict:
    """Return the client's own types of the arguments; none where its signature is not a typed dictionary."""
    match dialect:
        case "anthropic":
            client("anthropic")
            module, name = "anthropic.types.message_create_params", "MessageCreateParamsNonStreaming"
        case "gemini":
            return {"model": str, "config": client("google.genai").types.GenerateContentConfig}
        case "mistral":
            client("mistralai.client")
            return {}
        case "openai_responses":
            client("openai")
            module, name = "openai.types.responses.response_create_params", "ResponseCreateParamsNonStreaming"
        case _:
            client("openai")
            module, name = "openai.types.chat.completion_create_params", "CompletionCreateParamsNonStreaming"
    return typing.get_type_hints(getattr(importlib.import_module(module), name)) | {"extra_body": dict}


def expected(dialect: str, kwargs: dict) -> dict:
    """Return the body that these arguments are meant to be."""
    if dialect == "vllm":
        return {key: value for key, value in kwargs.items() if key != "extra_body"} | kwargs.get("extra_body", {})
    if dialect != "gemini":
        return kwargs
    names = {
        "thinking_config": "thinkingConfig",
        "candidate_count": "candidateCount",
        "max_output_tokens": "maxOutputTokens",
    }
    config = {names[key]: value for key, value in kwargs.get("config", {}).items()}
    return {"generationConfig": config} if config else {}


@pytest.mark.parametrize("dialect", MODELS)
def test_every_request_has_the_types_of_the_client_and_goes_over_the_wire_as_written(dialect: str):
    hints = type_hints(dialect)
    requests = []
    for budget in BUDGETS:
        for cap in CAPS:
            try:
                requests.append(request_kwargs(dialect, Point(MODELS[dialect], budget), output_cap_tokens=cap))
            except DialectError:
                continue

    assert len(requests) > 40
    for kwargs in requests:
        for name, value in kwargs.items():
            if hints:
                TypeAdapter(hints[name]).validate_python(value, strict=isinstance(value, str | int))
        assert sent(dialect, kwargs) == expected(dialect, kwargs)


@pytest.mark.parametrize("dialect", MODELS)
def test_the_levels_are_those_of_the_client(dialect: str):
    match dialect:
        case "anthropic":
            client("anthropic")
            module, name = "anthropic.types.output_config_param", "OutputConfigParam"
        case "gemini":
            levels = [level.value.lower() for level in client("google.genai").types.ThinkingLevel]
            assert set(load(dialect).levels) == set(levels) - {"thinking_level_unspecified"}
            return
        case "mistral":
            client("mistralai.client")
            effort = importlib.import_module("mistralai.client.models.reasoningeffort").ReasoningEffort
            assert set(load(dialect).levels) == set(typing.get_args(typing.get_args(effort)[0]))
            return
        case _:
            client("openai")
            module, name = "openai.types.shared_params.reasoning", "Reasoning"
    effort = typing.get_type_hints(getattr(importlib.import_module(module), name))["effort"]
    literal = next(kind for kind in typing.get_args(effort) if kind is not type(None))

    assert set(load(dialect).levels) == set(typing.get_args(literal))


def test_the_client_of_anthropic_refuses_a_larger_cap_than_the_dialect():
    client("anthropic")
    for model in ("claude-opus-4-6", "claude-opus-4-0"):
        kwargs = request_kwargs("anthropic", Point(model, Budget()), output_cap_tokens=None)

        assert sent("anthropic", kwargs) == kwargs
        with pytest.raises(ValueError, match="Streaming is required"):
            sent("anthropic", {**kwargs, "max_tokens": kwargs["max_tokens"] + 1})


def test_a_client_is_tried_for_every_dialect():
    assert MODELS.keys() | {"litellm"} == set(DIALECTS)
