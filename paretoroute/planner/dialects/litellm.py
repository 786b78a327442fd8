"""LiteLLM: ``litellm.completion(messages=..., **kwargs)``, also through its Router and proxy.

LiteLLM may change a request, so that another point is called than was planned:

- Leave ``litellm.drop_params`` off. With it on, a setting that the model lacks is dropped without an error, and
  another point is called (and logged) than was planned. The arguments here never set it.
- ``thinking`` is exact for Claude models that take a token budget, and a number for Gemini 2.5. For Claude 4.7 and
  later LiteLLM turns the number into an effort level; for Gemini 3 it drops it with a warning. Give the points of
  these models effort budgets.
- Thinking off is ``{"type": "disabled"}``, as Claude reads it. For Gemini 2.5 LiteLLM then sends no setting, and the
  model thinks by its default: write its off point as effort ``none``, which is sent as a budget of 0.
- For Claude models that take a token budget an effort becomes 1024 (low) to 16384 (max) thinking tokens, numbers that
  environment variables can change; an output cap at or below that number is the provider's error.
- ``max_tokens`` counts hidden reasoning: a cap just above the thinking budget leaves no room for the answer.

Reference: litellm 1.109.1, ``llms/anthropic/chat/transformation.py``, ``llms/anthropic/common_utils.py`` and
``llms/vertex_ai/gemini/vertex_and_google_ai_studio_gemini.py``.
"""

from __future__ import annotations

from typing import Any

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects.base import chat_kwargs, whole_amount

MIN_THINKING_TOKENS = 1024  # Anthropic's API reference, `thinking.budget_tokens`


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model`` with ``reasoning_effort``, ``thinking`` or ``n``, and ``max_tokens``.

    Raises:
        DialectError: a label or amount that these arguments do not take; thinking on with no output cap, or with one
            that is not above the thinking budget.
    """
    if point.budget.kind != "thinking_tokens":
        return chat_kwargs(point, output_cap_tokens, cap_name="max_tokens")
    thinking_tokens = _thinking_tokens(point.budget)
    kwargs: dict[str, Any] = {"model": point.model, "thinking": {"type": "disabled"}}
    if thinking_tokens > 0:
        _check_room(thinking_tokens, output_cap_tokens)
        kwargs["thinking"] = {"type": "enabled", "budget_tokens": thinking_tokens}
    if output_cap_tokens is not None:
        kwargs["max_tokens"] = output_cap_tokens
    return kwargs


def _thinking_tokens(budget: Budget) -> int:
    if budget.amount == 0 or (budget.label == "off" and budget.amount is None):
        return 0
    if budget.label == "off":
        raise DialectError(
            f"its thinking_tokens budget is labelled off and has the amount {budget.amount:.16g}; correct either"
        )
    return whole_amount(budget, least=MIN_THINKING_TOKENS)


def _check_room(thinking_tokens: int, output_cap_tokens: int | None) -> None:
    """Hold the cap above the thinking budget, which counts towards it; without a cap LiteLLM would make one up."""
    if output_cap_tokens is None:
        raise DialectError(f"thinking needs an output cap; give output_cap_tokens above {thinking_tokens}")
    if output_cap_tokens <= thinking_tokens:
        raise DialectError(
            f"the output cap of {output_cap_tokens} tokens must be above the {thinking_tokens} thinking tokens, which "
            "count towards it; raise the cap or take a point that thinks less"
        )
