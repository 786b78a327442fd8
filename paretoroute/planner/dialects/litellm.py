"""LiteLLM: ``litellm.completion(messages=..., **kwargs)``, also through its Router and proxy.

LiteLLM may change a request, so that another point is called than was planned. What it does to the models of known
families is in :mod:`~paretoroute.planner.dialects.litellm_models`, and a point that it would change is refused:

- Leave ``litellm.drop_params`` off. With it on, a setting that the model lacks is dropped without an error, and
  another point is called (and logged) than was planned. The arguments here never set it.
- ``thinking`` is exact for Claude models up to 4.6, and a number for Gemini 2.5. For Claude 4.7 and later LiteLLM
  turns the number into an effort level; for Gemini 3 it drops it with a warning; for OpenAI's models it refuses it.
- Thinking off is ``{"type": "disabled"}``, as Claude reads it. For Gemini 2.5 LiteLLM would then send no setting, and
  the model would think by its default: its off point is sent as a budget of 0.
- For Claude models before 4.6 and Gemini 2.5 an effort becomes a number of thinking tokens, 1024 (low) to 16384 (max),
  which environment variables can change. An output cap has to be above that number.
- ``max_tokens`` counts hidden reasoning: a cap just above the thinking budget leaves no room for the answer.

Reference: litellm 1.108.7 and 1.110.2, ``llms/anthropic/chat/transformation.py``, ``llms/anthropic/common_utils.py``
and ``llms/vertex_ai/gemini/vertex_and_google_ai_studio_gemini.py``.
"""

from __future__ import annotations

from typing import Any

from paretoroute.errors import DialectError
from paretoroute.grid import Budget, Point
from paretoroute.planner.dialects.base import (
    EFFORT_LEVELS,
    MAX_SAMPLES,
    Dialect,
    budget_tokens,
    chat_kwargs,
    check_room,
    effort_level,
    thinking_tokens,
)
from paretoroute.planner.dialects.litellm_models import Family, family_of

MIN_THINKING_TOKENS = 1024  # Anthropic's API reference, `thinking.budget_tokens`


def request_kwargs(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    """Express a point: ``model`` with ``reasoning_effort``, ``thinking`` or ``n``, and ``max_tokens``.

    Raises:
        DialectError: a label or amount that these arguments do not take, or that LiteLLM refuses or changes for this
            model; thinking on with no output cap, or with one that is not above the thinking budget.
    """
    family = family_of(point.model)
    if point.budget.kind == "thinking_tokens":
        return _with_thinking(point, output_cap_tokens, family)
    if family is not None and point.budget.kind == "effort":
        _check_effort(point.budget, output_cap_tokens, family)
    most_samples = samples_of_model(point.model)
    if most_samples == 1 and point.budget.kind == "samples":
        return _one_sample(point, output_cap_tokens)
    return chat_kwargs(point, output_cap_tokens, cap_name="max_tokens", most_samples=most_samples)


def _one_sample(point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
    kwargs = chat_kwargs(point, output_cap_tokens, cap_name="max_tokens", most_samples=1)
    del kwargs["n"]  # LiteLLM refuses it for this model, 1 included
    return kwargs


def _check_effort(budget: Budget, output_cap_tokens: int | None, family: Family) -> None:
    """Refuse a level that LiteLLM refuses for the model, and a cap that its thinking tokens would use up."""
    level = effort_level(budget)
    if level not in family.efforts:
        taken = ", ".join(known for known in EFFORT_LEVELS if known in family.efforts)
        advice = f"it takes {taken}" if taken else "it takes no effort; give its runs budget_kind none"
        raise DialectError(f"LiteLLM refuses effort {budget.label!r} for this model: {advice}")
    if thinking := family.thinking_of_effort.get(level, 0):
        check_room(thinking, output_cap_tokens, source=f"thinking tokens that LiteLLM sends for effort {level}")


def _with_thinking(point: Point, output_cap_tokens: int | None, family: Family | None) -> dict[str, Any]:
    least = MIN_THINKING_TOKENS if family is None else family.least_thinking_tokens
    tokens = thinking_tokens(point.budget, least=least)
    kwargs: dict[str, Any] = {"model": point.model, "thinking": _thinking(tokens, family)}
    if tokens > 0:
        if output_cap_tokens is None:  # LiteLLM would make one up
            raise DialectError(f"thinking needs an output cap; give output_cap_tokens above {tokens}")
        check_room(tokens, output_cap_tokens)
    if output_cap_tokens is not None:
        kwargs["max_tokens"] = output_cap_tokens
    return kwargs


def _thinking(tokens: int, family: Family | None) -> dict[str, Any]:
    """Return the argument ``thinking``, or refuse a number that LiteLLM would refuse, change or drop."""
    off = {"type": "disabled"} if family is None else family.off
    takes_tokens = family is None or family.takes_thinking_tokens
    if tokens > 0 and takes_tokens:
        return {"type": "enabled", "budget_tokens": tokens}
    if tokens == 0 and off is not None:
        return dict(off)
    raise DialectError(
        "LiteLLM sends no number of thinking tokens to this model, only levels of effort; give its runs an effort "
        "budget, or leave the point out of the grid"
    )


def samples_of_model(model: str) -> int:
    """Return the most samples of one call; 1 where LiteLLM refuses ``n`` for the model."""
    family = family_of(model)
    return MAX_SAMPLES if family is None else family.most_samples


def thinking(point: Point) -> int:
    """Return the thinking tokens that LiteLLM sends, those of an effort included."""
    family = family_of(point.model)
    if point.budget.kind == "effort" and family is not None:
        return family.thinking_of_effort.get(effort_level(point.budget), 0)
    return budget_tokens(point)


def wire(point: Point, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return what tells the body that LiteLLM sends apart from those of other points of the model."""
    family = family_of(point.model)
    if family is None:
        return kwargs
    body = {key: value for key, value in kwargs.items() if key not in ("reasoning_effort", "thinking")}
    if point.budget.kind == "effort":
        return body | dict(family.efforts[kwargs["reasoning_effort"]])
    if point.budget.kind == "thinking_tokens":
        is_off = kwargs["thinking"]["type"] == "disabled"
        return body | ({"thinking": "disabled"} if is_off else {"thinking_tokens": kwargs["thinking"]["budget_tokens"]})
    return body


DIALECT = Dialect(
    express=request_kwargs, levels=EFFORT_LEVELS, most_samples=samples_of_model, thinking=thinking, wire=wire
)
