"""Points to express, and what a request may hold."""

from typing import Any

import pytest

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects import request_kwargs

CHAT = ("litellm", "mistral", "openai", "vllm")  # these share the arguments of OpenAI's chat completions
CAP_NAMES = {
    "anthropic": "max_tokens",
    "gemini": "max_output_tokens",
    "litellm": "max_tokens",
    "mistral": "max_tokens",
    "openai": "max_completion_tokens",
    "openai_responses": "max_output_tokens",
    "vllm": "max_tokens",
}


ALLOWED_KEYS = {
    "anthropic": {"model", "max_tokens", "thinking", "output_config"},
    "gemini": {"model", "thinking_config", "candidate_count", "max_output_tokens"},
    "litellm": {"model", "reasoning_effort", "thinking", "n", "max_tokens"},
    "mistral": {"model", "reasoning_effort", "n", "max_tokens"},
    "openai": {"model", "reasoning_effort", "n", "max_completion_tokens"},
    "openai_responses": {"model", "reasoning", "max_output_tokens"},
    "vllm": {"model", "reasoning_effort", "n", "max_tokens", "extra_body"},
}


def point(kind: str = "none", label: str = "default", amount: float | None = None) -> Point:
    return Point("m", Budget(kind, label, amount))


def settings(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments, those of Gemini's config among them."""
    return {key: value for key, value in kwargs.items() if key != "config"} | kwargs.get("config", {})


def refusal(dialect: str, refused: Point, cap: int | None = 100_000) -> str:
    with pytest.raises(DialectError) as caught:
        request_kwargs(dialect, refused, output_cap_tokens=cap)
    return str(caught.value)
